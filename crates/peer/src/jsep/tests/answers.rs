//! What answers say.

use super::*;
use sdp::{Direction, Setup};

const AUDIO: &str = "m=audio 9 UDP/TLS/RTP/SAVPF 111\na=mid:0\na=rtcp-mux\na=rtpmap:111 opus/48000/2\n";

fn with_setup(setup: &str) -> SessionDescription {
    remote_offer(&format!("{AUDIO}a=setup:{setup}\n"))
}

#[test]
fn the_dtls_role_suits_the_offer() {
    for (offered, answered) in
        [("actpass", Setup::Active), ("active", Setup::Passive), ("passive", Setup::Active)]
    {
        assert_eq!(answer_to(&with_setup(offered)).setup_of(0), Some(answered), "{offered}");
    }
    assert!(peer(1).set_remote(&with_setup("holdconn")).is_err());
}

#[test]
fn a_running_dtls_connection_keeps_its_roles() {
    let (mut a, mut b) = (peer(1), peer(2));
    a.want_data_channels();
    negotiate(&mut a, &mut b);
    assert_eq!((a.dtls_role(), b.dtls_role()), (Some(DtlsRole::Server), Some(DtlsRole::Client)));
    negotiate(&mut b, &mut a);
    assert_eq!((a.dtls_role(), b.dtls_role()), (Some(DtlsRole::Server), Some(DtlsRole::Client)));
}

#[test]
fn an_answer_never_says_actpass_and_an_offer_always_does() {
    let (mut a, mut b) = (peer(1), peer(2));
    a.add_track(TrackKind::Audio, "mic", &[]).unwrap();
    a.want_data_channels();
    for _ in 0..2 {
        negotiate(&mut a, &mut b);
        let offer = parse(&a.current_local_description().unwrap());
        let answer = parse(&b.current_local_description().unwrap());
        assert!((0..2).all(|index| offer.setup_of(index) == Some(Setup::ActPass)));
        assert!((0..2).all(|index| answer.setup_of(index) == Some(Setup::Active)));
    }
}

#[test]
fn directions_are_intersected_and_reversed() {
    for (offered, answered) in [
        ("sendrecv", Direction::RecvOnly),
        ("sendonly", Direction::RecvOnly),
        ("recvonly", Direction::Inactive),
        ("inactive", Direction::Inactive),
    ] {
        let offer = remote_offer(&format!("{AUDIO}a={offered}\n"));
        assert_eq!(answer_to(&offer).direction_of(0), answered, "{offered}");
    }
}

#[test]
fn sections_outside_the_bundle_of_the_first_are_refused() {
    let mut offer = remote_offer(&format!("{AUDIO}{}", AUDIO.replace("mid:0", "mid:1")));
    offer.sdp = offer.sdp.replace("BUNDLE 0 1", "BUNDLE 0");
    let answer = answer_to(&offer);
    assert_eq!((answer.media[0].is_rejected(), answer.media[1].is_rejected()), (false, true));
    offer.sdp = offer.sdp.replace("a=group:BUNDLE 0\r\n", "");
    let answer = answer_to(&offer);
    assert_eq!((answer.media[0].is_rejected(), answer.media[1].is_rejected()), (false, true));
    assert!(answer.groups.is_empty());
}

#[test]
fn a_bundle_stands_and_falls_with_its_tagged_section() {
    let unknown = AUDIO.replace("opus", "mystery");
    let answer = answer_to(&remote_offer(&format!("{unknown}{}", AUDIO.replace("mid:0", "mid:1"))));
    assert!(answer.media.iter().all(sdp::MediaSection::is_rejected));
    assert!(answer.groups[0].mids.is_empty());
    let answer = answer_to(&remote_offer(&format!("{AUDIO}{}", unknown.replace("mid:0", "mid:1"))));
    assert!(!answer.media[0].is_rejected() && answer.media[1].is_rejected());
    assert_eq!(answer.groups[0].mids, ["0"]);
}

#[test]
fn unknown_kinds_are_refused_in_place() {
    let text = "m=text 9 UDP/TLS/RTP/SAVPF 98\na=mid:1\na=rtpmap:98 t140/1000\n";
    let answer = answer_to(&remote_offer(&format!("{AUDIO}{text}")));
    assert_eq!((answer.media[1].kind.as_str(), answer.media[1].port), ("text", 0));
    assert_eq!(answer.media[1].mid.as_deref(), Some("1"));
}

#[test]
fn a_section_without_a_mid_is_answered_without_one() {
    let mut offer = remote_offer(AUDIO);
    offer.sdp = offer.sdp.replace("a=mid:0\r\n", "").replace("a=group:BUNDLE 0\r\n", "");
    let mut b = peer(2);
    b.set_remote(&offer).unwrap();
    assert!(b.transceivers()[0].mid().is_some());
    let answer = b.create_answer(&transport("b")).unwrap();
    b.set_local(&answer).unwrap();
    assert_eq!((parse(&answer).media[0].mid.clone(), parse(&answer).media[0].port), (None, 9));
}

#[test]
fn ice_options_and_reduced_size_come_only_if_offered() {
    let answer = answer_to(&remote_offer(AUDIO));
    assert!(answer.ice_options_of(0).is_empty() && !answer.media[0].rtcp_rsize);
    let answer = answer_to(&remote_offer(&format!("{AUDIO}a=ice-options:trickle x\na=rtcp-rsize\n")));
    assert_eq!(answer.ice_options_of(0), ["trickle"]);
    assert!(answer.media[0].rtcp_rsize);
}

#[test]
fn tracks_that_share_a_stream_are_offered_in_step() {
    let (mut a, mut b) = (peer(1), peer(2));
    a.add_track(TrackKind::Audio, "mic", &["s"]).unwrap();
    a.add_track(TrackKind::Video, "camera", &["s"]).unwrap();
    a.add_track(TrackKind::Video, "screen", &["t"]).unwrap();
    negotiate(&mut a, &mut b);
    let groups = |peer: &Negotiation| parse(&peer.current_local_description().unwrap()).groups;
    assert_eq!(groups(&a)[1], sdp::Group { semantics: "LS".into(), mids: vec!["0".into(), "1".into()] });
    assert_eq!(groups(&b)[1], groups(&a)[1]);
}
