//! Several encodings of one track, received and sent.

use super::*;
use crate::encoding::RtpEncodingParameters;

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

const RIDS: [&str; 3] = ["q", "h", "f"];

/// A peer that wants to send one track in three encodings.
fn sender() -> (Negotiation, TransceiverId) {
    let mut peer = peer(1);
    let init = TransceiverInit {
        direction: sdp::Direction::SendOnly,
        track: Some("camera".into()),
        send_encodings: RIDS.map(RtpEncodingParameters::with_rid).into(),
        ..TransceiverInit::default()
    };
    let id = peer.add_transceiver(TrackKind::Video, init).unwrap();
    (peer, id)
}

fn rids(peer: &Negotiation, id: TransceiverId) -> Vec<Option<&str>> {
    peer.transceiver(id).unwrap().sender().encodings.iter().map(Encoding::rid).collect()
}

/// What the sender makes of an answer in which `from` became `to`.
fn answered(from: &str, to: &str) -> (Negotiation, TransceiverId, Vec<SendEncoding>) {
    let (mut a, id) = sender();
    let offer = offer(&mut a);
    a.set_local(&offer).unwrap();
    let mut sfu = sfu();
    sfu.set_remote(&offer).unwrap();
    let mut answer = sfu.create_answer(&transport("b")).unwrap();
    assert!(answer.sdp.contains(from), "{}", answer.sdp);
    answer.sdp = answer.sdp.replace(from, to);
    let changes = a.set_remote(&answer).unwrap();
    let encodings = changes.negotiated.unwrap().media[0].send.encodings.clone();
    (a, id, encodings)
}

#[test]
fn several_encodings_are_offered_by_their_ids_and_accepted() {
    let (mut a, id) = sender();
    let media = parse(&offer(&mut a)).media.remove(0);
    assert_eq!(media.simulcast.unwrap().to_string(), "send q;h;f");
    assert_eq!(
        media.rids.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["q send", "h send", "f send"]
    );
    assert!(media.ssrcs.is_empty() && media.ssrc_groups.is_empty());

    let mut sfu = sfu();
    let (here, there) = negotiate(&mut a, &mut sfu);
    let sent = here.negotiated.unwrap().media[0].send.encodings.clone();
    assert!(sent.iter().all(|own| own.named && own.active));
    assert_eq!(sent.iter().map(|own| own.rid.as_deref()).collect::<Vec<_>>(), RIDS.map(Some));
    let mut sources: Vec<u32> = sent.iter().flat_map(|own| [own.ssrc, own.rtx_ssrc]).collect();
    sources.sort_unstable();
    sources.dedup();
    assert_eq!(sources.len(), 6);
    assert_eq!(there.negotiated.unwrap().media[0].receive.simulcast.len(), 3);
    // On hold and back again nothing is lost.
    for direction in [sdp::Direction::Inactive, sdp::Direction::SendOnly] {
        a.set_direction(id, direction).unwrap();
        negotiate(&mut a, &mut sfu);
    }
    assert_eq!(rids(&a, id), RIDS.map(Some));
    let again = parse(&a.current_local_description().unwrap());
    assert_eq!(again.media[0].simulcast.as_ref().unwrap().send.len(), 3);
}

#[test]
fn an_answer_may_leave_out_encodings_or_pause_them() {
    let (a, id, sent) = answered("recv q;h;f", "recv q;~f");
    assert_eq!(rids(&a, id), [Some("q"), Some("f")]);
    assert_eq!(
        sent.iter().map(|own| (own.named, own.active)).collect::<Vec<_>>(),
        [(true, true), (true, false)]
    );
}

#[test]
fn whoever_refuses_simulcast_is_sent_the_first_encoding() {
    let nothing = [
        ("a=simulcast:recv q;h;f\r\n", ""),
        ("recv q;h;f", "recv x;y"),
        ("a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n", ""),
    ];
    for (from, to) in nothing {
        let (mut a, id, sent) = answered(from, to);
        assert_eq!(rids(&a, id), [Some("q")]);
        assert_eq!((sent.len(), sent[0].named), (1, false), "{from}");
        let media = parse(&offer(&mut a)).media.remove(0);
        assert!(media.simulcast.is_none() && media.rids.is_empty() && media.ssrcs[0].ssrc == sent[0].ssrc);
    }
}

#[test]
fn an_offer_that_asks_for_simulcast_gets_it_until_it_is_taken_back() {
    let lines = "a=rid:1 recv\na=rid:2 recv\na=simulcast:recv 1,9;2;2;3\n";
    let offer = remote_offer(&format!("{VIDEO}{lines}").replace("sendonly", "recvonly"));
    let mut b = peer(2);
    let id = b.add_track(TrackKind::Video, "camera", &["s"]).unwrap();
    let source = b.transceiver(id).unwrap().sender().encodings[0].ssrc;
    b.set_remote(&offer).unwrap();
    assert_eq!(rids(&b, id), [Some("1"), Some("2")]);
    let scales: Vec<_> = b
        .transceiver(id)
        .unwrap()
        .sender()
        .encodings
        .iter()
        .map(|own| own.parameters.scale_resolution_down_by)
        .collect();
    assert_eq!(scales, [Some(2.0), Some(1.0)]);
    b.set_remote(&SessionDescription::rollback()).unwrap();
    assert_eq!(rids(&b, id), [None]);
    b.set_remote(&offer).unwrap();
    let answer = parse(&b.create_answer(&transport("b")).unwrap());
    assert_eq!(answer.media[0].simulcast.as_ref().unwrap().to_string(), "send 1;2");
    let changes = b.set_local(&SessionDescription::answer(String::new())).unwrap();
    let sent = &changes.negotiated.unwrap().media[0].send.encodings;
    assert_eq!((sent.len(), sent[0].ssrc, sent[1].named), (2, source, true));
}

#[test]
fn an_offer_without_simulcast_is_answered_with_the_first_of_several_encodings() {
    let (mut b, id) = sender();
    b.set_direction(id, sdp::Direction::SendRecv).unwrap();
    let mut a = peer(2);
    a.add_track(TrackKind::Video, "theirs", &["s"]).unwrap();
    // Transceivers of addTransceiver do not pair with offered sections; this one is offered first, and offered again by them.
    negotiate(&mut b, &mut a);
    negotiate(&mut a, &mut b);
    assert_eq!(rids(&b, id), [Some("q")]);
    assert_eq!(parse(&b.current_local_description().unwrap()).media[0].simulcast, None);
}

#[test]
fn encodings_that_cannot_be_are_refused_with_the_browsers_exceptions() {
    let mut peer = peer(1);
    let mut refused = |encodings: Vec<RtpEncodingParameters>| {
        let init = TransceiverInit { send_encodings: encodings, ..TransceiverInit::default() };
        peer.add_transceiver(TrackKind::Video, init).unwrap_err().name()
    };
    assert_eq!(
        refused(vec![RtpEncodingParameters::with_rid("q"), RtpEncodingParameters::default()]),
        "TypeError"
    );
    let scale_resolution_down_by = Some(0.5);
    let enlarged = RtpEncodingParameters { scale_resolution_down_by, ..RtpEncodingParameters::default() };
    assert_eq!(refused(vec![enlarged]), "RangeError");
    let codec = Some(sendrecv_media::CodecParameters::new(0, "ilbc", 8000));
    assert_eq!(
        refused(vec![RtpEncodingParameters { codec, ..RtpEncodingParameters::default() }]),
        "OperationError"
    );
    assert!(peer.transceivers().is_empty());
}
