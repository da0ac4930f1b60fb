//! Against what browsers write, and the examples of the RFC.

use super::*;
use std::fs;
use std::path::Path;

extern crate std;

fn read(folder: &str, name: &str) -> String {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/sdp");
    fs::read_to_string(vectors.join(folder).join(name)).unwrap()
}

const BROWSER_OFFERS: [&str; 10] = [
    "chromium-offer-audio.sdp",
    "chromium-offer-av-dc.sdp",
    "chromium-offer-av.sdp",
    "chromium-offer-datachannel.sdp",
    "chromium-offer-simulcast.sdp",
    "firefox-offer-audio.sdp",
    "firefox-offer-av-dc.sdp",
    "firefox-offer-av.sdp",
    "firefox-offer-datachannel.sdp",
    "firefox-offer-simulcast.sdp",
];

/// The answer mirrors the offer, numbers codecs and extensions as the offer does, and parses back.
fn check_answer(offer: &SessionDescription, name: &str) {
    let answer = answer_to(offer);
    let offer = parse(offer);
    assert_eq!(answer.media.len(), offer.media.len(), "{name}");
    assert_eq!(
        answer.groups[0].mids,
        offer.groups.iter().find(|own| own.semantics == "BUNDLE").unwrap().mids
    );
    assert_eq!(sdp::SessionDescription::parse(&answer.to_string()).unwrap(), answer);
    for (index, (offered, media)) in offer.media.iter().zip(&answer.media).enumerate() {
        assert!(!media.is_rejected(), "{name} {index}");
        assert_eq!(
            (&media.kind, &media.protocol, &media.mid),
            (&offered.kind, &offered.protocol, &offered.mid)
        );
        let offered_types = payload_types(offered);
        let kept: Vec<u8> =
            offered_types.into_iter().filter(|own| payload_types(media).contains(own)).collect();
        assert_eq!(payload_types(media), kept, "{name}: order");
        for codec in media.codecs() {
            let theirs =
                offered.codecs().into_iter().find(|own| own.payload_type == codec.payload_type).unwrap();
            assert!(formats::same_format(&codec, &theirs), "{name} {codec:?}");
            assert!(codec.feedback.iter().all(|feedback| theirs.feedback.contains(feedback)));
            assert!(codec.apt().is_none_or(|apt| payload_types(media).contains(&apt)));
        }
        for extmap in answer.extmaps_of(index) {
            assert_eq!(offer.extmaps_of(index).find(|own| own.uri == extmap.uri).unwrap().id, extmap.id);
        }
        if media.is_rtp() {
            assert!(media.rtcp_mux && !media.codecs().is_empty());
        }
    }
}

#[test]
fn every_browser_offer_is_answered_in_kind() {
    for name in BROWSER_OFFERS {
        check_answer(&SessionDescription::offer(read("browsers", name)), name);
    }
}

#[test]
fn the_offers_of_the_rfc_are_answered_in_kind() {
    for name in ["offer-A1.sdp", "offer-B1.sdp", "offer-C1.sdp"] {
        check_answer(&SessionDescription::offer(read("jsep", name)), name);
    }
}

#[test]
fn a_later_offer_of_the_rfc_extends_the_first() {
    let mut b = peer(2);
    b.set_remote(&SessionDescription::offer(read("jsep", "offer-B1.sdp"))).unwrap();
    b.create_answer(&transport("b")).unwrap();
    b.set_local(&SessionDescription::answer(String::new())).unwrap();
    assert_eq!(b.transceivers().len(), 1);
    // In the RFC's example the second offer comes from the side that answered; here the first side makes it.
    let kept = ["a=ice-ufrag", "a=ice-pwd", "a=fingerprint"];
    let first = read("jsep", "offer-B1.sdp");
    let line = |prefix: &str| first.lines().find(|line| line.starts_with(prefix)).unwrap().to_string();
    let again = read("jsep", "offer-B2.sdp");
    let lines = again.lines().map(|own| {
        kept.iter().find(|prefix| own.starts_with(**prefix)).map_or(own.into(), |prefix| line(prefix))
    });
    let again: String = lines.map(|line| format!("{line}\r\n")).collect();
    b.set_remote(&SessionDescription::offer(again)).unwrap();
    assert_eq!(b.transceivers().len(), 3);
    let answer = parse(&b.create_answer(&transport("b")).unwrap());
    assert_eq!(answer.groups[0].mids, ["a1", "d1", "v1", "v2"]);
}

#[test]
fn the_remote_transport_of_a_browser_is_complete() {
    for name in BROWSER_OFFERS {
        let changes = peer(2).set_remote(&SessionDescription::offer(read("browsers", name))).unwrap();
        let remote = changes.remote_transport.unwrap();
        assert!(!remote.candidates.is_empty() && remote.ice_options == ["trickle"], "{name}");
        assert_eq!((remote.fingerprints.len(), remote.ice_lite, remote.restart), (1, false, false));
        assert_eq!(remote.end_of_candidates, name.starts_with("firefox"));
    }
}

#[test]
fn sources_of_a_browser_are_paired_with_their_repair() {
    for name in ["chromium-offer-av.sdp", "firefox-offer-av.sdp"] {
        let mut b = peer(2);
        let events = b.set_remote(&SessionDescription::offer(read("browsers", name))).unwrap().tracks.events;
        assert_eq!(events.len(), 2);
        b.create_answer(&transport("b")).unwrap();
        let changes = b.set_local(&SessionDescription::answer(String::new())).unwrap();
        let media = changes.negotiated.unwrap().media;
        assert_eq!((media[0].receive.sources.len(), media[0].receive.sources[0].rtx_ssrc), (1, None));
        assert_eq!(media[1].receive.sources.len(), 1);
        assert!(media[1].receive.sources[0].rtx_ssrc.is_some());
        assert!(media[1].receive.codecs[0].rtx.is_some());
    }
}

/// Our offer, answered as the browser answered another offer of the same sections.
fn answered_by(name: &str, prepare: impl Fn(&mut Negotiation)) -> Negotiated {
    let mut a = peer(1);
    prepare(&mut a);
    let offer = offer(&mut a);
    a.set_local(&offer).unwrap();
    let answer = SessionDescription::answer(read("browsers", name));
    let changes = a.set_remote(&answer).unwrap_or_else(|error| panic!("{name}: {error}"));
    changes.negotiated.unwrap()
}

#[test]
fn browser_answers_are_understood() {
    for browser in ["chromium", "firefox"] {
        let data = answered_by(&format!("{browser}-answer-datachannel.sdp"), Negotiation::want_data_channels);
        assert_eq!(data.dtls_role, Some(DtlsRole::Server));
        assert!(data.sctp.is_some());
        let all = answered_by(&format!("{browser}-answer-av-dc.sdp"), |a| {
            a.add_track(TrackKind::Audio, "mic", &["s"]).unwrap();
            a.add_track(TrackKind::Video, "camera", &["s"]).unwrap();
            a.want_data_channels();
        });
        assert_eq!((all.media.len(), all.sctp.is_some()), (2, true));
        assert!(all.media.iter().all(|media| !media.send.codecs.is_empty()), "{browser}");
    }
}
