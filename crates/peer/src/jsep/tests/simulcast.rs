//! Several encodings of one track, received and sent.

use super::*;

const VIDEO: &str = "m=video 9 UDP/TLS/RTP/SAVPF 96 120\na=mid:0\na=rtcp-mux\na=rtpmap:96 VP8/90000\n\
    a=rtpmap:120 FANCY/90000\na=sendonly\na=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\n";

fn sfu() -> Negotiation {
    let config = NegotiationConfig { receive_simulcast: true, ..NegotiationConfig::default() };
    Negotiation::new(config, &Seed::from_u64(3))
}

/// The simulcast line and the rid lines that answer these ones, and what was agreed on.
fn received(lines: &str) -> (Option<String>, Vec<String>, ReceiveParameters) {
    let mut sfu = sfu();
    sfu.set_remote(&remote_offer(&format!("{VIDEO}{lines}"))).unwrap();
    let answer = parse(&sfu.create_answer(&transport("b")).unwrap());
    let changes = sfu.set_local(&SessionDescription::answer(String::new())).unwrap();
    let media = &answer.media[0];
    let rids = media.rids.iter().map(ToString::to_string).collect();
    let receive = changes.negotiated.unwrap().media[0].receive.clone();
    (media.simulcast.as_ref().map(ToString::to_string), rids, receive)
}

#[test]
fn simulcast_is_reversed_without_duplicates_and_only_if_wanted() {
    let lines = "a=rid:q send\na=rid:h send max-width=640\na=simulcast:send q;h;q;x\n";
    let plain = answer_to(&remote_offer(&format!("{VIDEO}{lines}")));
    assert!(plain.media[0].simulcast.is_none() && plain.media[0].rids.is_empty());

    let (simulcast, rids, receive) = received(lines);
    assert_eq!(simulcast.as_deref(), Some("recv q;h"));
    assert_eq!(rids, ["q recv", "h recv max-width=640"]);
    assert_eq!((receive.rids.len(), receive.simulcast.len()), (2, 2));
}

#[test]
fn alternatives_are_kept_and_nothing_begins_paused() {
    let lines = "a=rid:1 send\na=rid:2 send\na=rid:3 send\na=simulcast:send 1,~2;~3\n";
    let (simulcast, rids, _) = received(lines);
    assert_eq!(simulcast.as_deref(), Some("recv 1,2;3"));
    assert_eq!(rids.len(), 3);
}

#[test]
fn a_stream_id_that_is_there_twice_or_has_no_codec_is_left_out() {
    let lines = "a=rid:a send\na=rid:a send\na=rid:b send pt=120\na=rid:c send max-fps=15;pt=120,96\na=rid:d recv\n\
        a=simulcast:send a;b;c;d\n";
    let (simulcast, rids, _) = received(lines);
    assert_eq!(simulcast.as_deref(), Some("recv c"));
    assert_eq!(rids, ["c recv max-fps=15;pt=96"]);
}

#[test]
fn without_stream_ids_in_packets_simulcast_is_refused() {
    let lines = "a=rid:q send\na=rid:h send\na=simulcast:send q;h\n";
    let offer = remote_offer(&format!("{VIDEO}{lines}").replace("sdes:rtp-stream-id", "something-else"));
    let mut sfu = sfu();
    sfu.set_remote(&offer).unwrap();
    assert_eq!(parse(&sfu.create_answer(&transport("b")).unwrap()).media[0].simulcast, None);
}
