//! What has bitten other stacks in SDP and JSEP.

use super::*;

const VIDEO: &str = "m=video 9 UDP/TLS/RTP/SAVPF 96\na=mid:0\na=rtcp-mux\na=rtpmap:96 VP8/90000\n";

#[test]
fn bundle_only_sections_with_port_zero_are_no_refusals() {
    let data = "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\na=mid:1\na=bundle-only\na=sctp-port:5000\n";
    let answer = answer_to(&remote_offer(&format!("{VIDEO}{data}")));
    assert!(!answer.media[1].is_rejected() && !answer.media[1].bundle_only);
    assert_eq!((answer.media[1].port, answer.groups[0].mids.len()), (9, 2));
}

#[test]
fn max_message_size_is_64_kib_when_missing_and_any_when_zero() {
    for (line, expected) in
        [("", Some(65_536)), ("a=max-message-size:0\n", None), ("a=max-message-size:1000\n", Some(1000))]
    {
        let data =
            format!("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=mid:0\na=sctp-port:5001\n{line}");
        let mut b = peer(2);
        b.set_remote(&remote_offer(&data)).unwrap();
        b.create_answer(&transport("b")).unwrap();
        let changes = b.set_local(&SessionDescription::answer(String::new())).unwrap();
        let sctp = changes.negotiated.unwrap().sctp.unwrap();
        assert_eq!((sctp.remote_port, sctp.max_message_size), (5001, expected));
    }
}

#[test]
fn dangling_retransmission_formats_are_passed_over() {
    let offer = VIDEO.replace("SAVPF 96", "SAVPF 96 97") + "a=rtpmap:97 rtx/90000\na=fmtp:97 apt=77\n";
    assert_eq!(payload_types(&answer_to(&remote_offer(&offer)).media[0]), [96]);
}

#[test]
fn a_track_without_streams_is_in_none_and_old_sections_in_the_default_one() {
    let streams = |lines: &str| {
        let mut b = peer(2);
        let changes = b.set_remote(&remote_offer(&format!("{VIDEO}{lines}"))).unwrap();
        changes.tracks.events[0].streams.clone()
    };
    assert!(streams("a=msid:- track\n").is_empty());
    assert_eq!(streams("a=ssrc:1 cname:x\na=ssrc:1 msid:old track\n"), ["old"]);
    assert_eq!(streams("").len(), 1);
}

#[test]
fn lite_peers_are_controlled_by_us_even_if_they_offer() {
    let mut offer = remote_offer(VIDEO);
    offer.sdp = offer.sdp.replace("t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n");
    let changes = peer(2).set_remote(&offer).unwrap();
    assert_eq!(changes.ice_role, Some(IceRole::Controlling));
    assert!(changes.remote_transport.unwrap().ice_lite);
}
