//! Remote descriptions that cannot be used change nothing.

use super::*;

const AUDIO: &str = "m=audio 9 UDP/TLS/RTP/SAVPF 111\na=mid:0\na=rtcp-mux\na=rtpmap:111 opus/48000/2\n";

fn refused(offer: &SessionDescription) -> JsepError {
    let mut b = peer(2);
    let error = b.set_remote(offer).unwrap_err();
    assert_eq!((b.signaling_state(), b.transceivers().len()), (SignalingState::Stable, 0));
    error
}

fn defect(offer: &SessionDescription) -> Defect {
    match refused(offer) {
        JsepError::Unsupported { defect, .. } => defect,
        error => panic!("{error}"),
    }
}

fn without(line: &str) -> SessionDescription {
    let mut offer = remote_offer(AUDIO);
    assert!(offer.sdp.contains(line));
    offer.sdp =
        offer.sdp.lines().filter(|own| !own.starts_with(line)).map(|own| format!("{own}\r\n")).collect();
    offer
}

#[test]
fn syntax_errors_name_the_line() {
    let error = refused(&SessionDescription::offer("v=0\r\nm=audio\r\n".into()));
    assert_eq!(error.name(), "RTCError");
    assert_eq!(error.to_string(), "line 2: malformed media line");
}

#[test]
fn offers_need_credentials_a_fingerprint_and_multiplexing() {
    assert_eq!(defect(&without("a=ice-pwd")), Defect::MissingIceCredentials);
    assert_eq!(defect(&without("a=fingerprint")), Defect::MissingFingerprint);
    assert_eq!(defect(&without("a=rtcp-mux")), Defect::RtcpMuxRequired);
    assert_eq!(refused(&without("a=rtcp-mux")).name(), "InvalidAccessError");
}

#[test]
fn mids_and_extension_ids_must_be_unambiguous() {
    assert_eq!(defect(&remote_offer(&format!("{AUDIO}{AUDIO}"))), Defect::DuplicateMid);
    let mut offer = remote_offer(AUDIO);
    offer.sdp = offer.sdp.replace("BUNDLE 0", "BUNDLE 0 x");
    assert_eq!(defect(&offer), Defect::UnknownMid("x".into()));
    let second = AUDIO.replace("mid:0", "mid:1");
    let offer = remote_offer(&format!("{AUDIO}a=extmap:1 urn:a\n{second}a=extmap:1 urn:b\n"));
    assert_eq!(defect(&offer), Defect::ExtensionCollision(1));
}

fn refused_answer(alter: impl Fn(&str) -> String) -> Defect {
    let (mut a, mut b) = (peer(1), peer(2));
    a.add_track(TrackKind::Audio, "mic", &[]).unwrap();
    a.want_data_channels();
    let offer = offer(&mut a);
    a.set_local(&offer).unwrap();
    b.set_remote(&offer).unwrap();
    let answer = b.create_answer(&transport("b")).unwrap();
    let error = a.set_remote(&SessionDescription::answer(alter(&answer.sdp))).unwrap_err();
    assert_eq!(a.signaling_state(), SignalingState::HaveLocalOffer);
    a.set_remote(&answer).unwrap();
    match error {
        JsepError::Unsupported { defect, .. } => defect,
        error => panic!("{error}"),
    }
}

#[test]
fn answers_must_mirror_the_offer() {
    let only_first = |sdp: &str| sdp.split("m=application").next().unwrap().replace("BUNDLE 0 1", "BUNDLE 0");
    assert_eq!(refused_answer(only_first), Defect::MediaSectionCount);
    assert_eq!(refused_answer(|sdp| sdp.replace("m=audio", "m=video")), Defect::MediaSectionMismatch);
    assert_eq!(refused_answer(|sdp| sdp.replace("SAVPF", "SAVP")), Defect::MediaSectionMismatch);
    let renamed = |sdp: &str| sdp.replace("a=mid:1", "a=mid:7").replace("BUNDLE 0 1", "BUNDLE 0 7");
    assert_eq!(refused_answer(renamed), Defect::MidMismatch);
    assert_eq!(refused_answer(|sdp| sdp.replace("BUNDLE 0 1", "BUNDLE 0")), Defect::NotBundled);
    assert_eq!(refused_answer(|sdp| sdp.replace("setup:active", "setup:actpass")), Defect::InconsistentSetup);
}

#[test]
fn later_offers_keep_the_sections_there_are() {
    let (mut a, mut b) = (peer(1), peer(2));
    a.add_track(TrackKind::Audio, "mic", &[]).unwrap();
    negotiate(&mut a, &mut b);
    let again = offer(&mut a);
    let fewer =
        SessionDescription::offer(again.sdp.split("m=audio").next().unwrap().replace("BUNDLE 0", "BUNDLE"));
    assert!(b.set_remote(&fewer).is_err());
    let renamed =
        SessionDescription::offer(again.sdp.replace("mid:0", "mid:5").replace("BUNDLE 0", "BUNDLE 5"));
    assert!(b.set_remote(&renamed).is_err());
    b.set_remote(&again).unwrap();
}
