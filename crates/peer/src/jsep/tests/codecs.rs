//! Codecs, header extensions and their numbers.

use super::*;

const VIDEO: &str = "m=video 9 UDP/TLS/RTP/SAVPF 120 124 97 98 121\na=mid:0\na=rtcp-mux\n\
    a=rtpmap:120 VP9/90000\na=fmtp:120 profile-id=0\na=rtpmap:124 rtx/90000\na=fmtp:124 apt=120\n\
    a=rtpmap:97 mystery/90000\na=rtpmap:98 rtx/90000\na=fmtp:98 apt=97\na=rtpmap:121 VP8/90000\n\
    a=rtcp-fb:* nack\na=rtcp-fb:121 nack pli\na=rtcp-fb:121 nack rpsi\na=rtcp-fb:121 goog-remb\n";

fn vp8() -> sdp::Codec {
    MediaCapabilities::video().codecs[0].codec.clone()
}

fn rtx() -> sdp::Codec {
    sdp::Codec { name: "rtx".into(), ..vp8() }
}

#[test]
fn answers_keep_the_payload_types_and_their_order() {
    let answer = answer_to(&remote_offer(VIDEO));
    assert_eq!(payload_types(&answer.media[0]), [120, 124, 121]);
    let codecs = answer.media[0].codecs();
    assert_eq!(codecs[1].apt(), Some(120));
    assert_eq!(codecs[0].fmtp.as_str(), "profile-id=0");
}

#[test]
fn retransmission_goes_with_its_codec() {
    let answer = answer_to(&remote_offer(VIDEO));
    assert!(!payload_types(&answer.media[0]).contains(&98));
}

#[test]
fn feedback_is_what_both_sides_know() {
    let codecs = answer_to(&remote_offer(VIDEO)).media[0].codecs();
    let feedback: Vec<_> = codecs[2].feedback.iter().map(sdp::RtcpFeedback::as_str).collect();
    assert_eq!(feedback, ["nack", "nack pli", "goog-remb"]);
}

#[test]
fn both_sides_agree_on_codecs_and_their_repair() {
    let (mut a, mut b) = (peer(1), peer(2));
    a.add_track(TrackKind::Video, "camera", &[]).unwrap();
    let (here, there) = negotiate(&mut a, &mut b);
    let (here, there) = (here.negotiated.unwrap(), there.negotiated.unwrap());
    assert_eq!(here.media[0].send.codecs, there.media[0].receive.codecs);
    assert_eq!(here.media[0].send.header_extensions, there.media[0].receive.header_extensions);
    let first = &here.media[0].send.codecs[0];
    assert_eq!((first.codec.name.as_str(), first.codec.payload_type, first.rtx), ("VP8", 96, Some(97)));
    assert!(here.extmap_allow_mixed);
}

#[test]
fn preferences_restrict_and_order_offers_and_answers() {
    let (mut a, mut b) = (peer(1), peer(2));
    let id = a.add_track(TrackKind::Video, "camera", &[]).unwrap();
    let vp9 = MediaCapabilities::video().codecs[8].codec.clone();
    a.set_codec_preferences(id, &[vp9.clone(), vp8(), rtx()]).unwrap();
    assert_eq!(payload_types(&parse(&offer(&mut a)).media[0]), [98, 99, 96, 97]);
    a.set_codec_preferences(id, &[vp9, vp8()]).unwrap();
    assert_eq!(payload_types(&parse(&offer(&mut a)).media[0]), [98, 96]);

    let id = b.add_track(TrackKind::Video, "camera", &[]).unwrap();
    b.set_codec_preferences(id, &[vp8(), MediaCapabilities::video().codecs[8].codec.clone(), rtx()]).unwrap();
    b.set_remote(&remote_offer(VIDEO)).unwrap();
    let answer = b.create_answer(&transport("b")).unwrap();
    assert_eq!(payload_types(&parse(&answer).media[0]), [121, 120, 124]);
}

#[test]
fn preferences_must_be_capabilities_that_carry_media() {
    let mut a = peer(1);
    let id = a.add_track(TrackKind::Video, "camera", &[]).unwrap();
    let unknown = sdp::Codec { name: "H266".into(), ..vp8() };
    assert_eq!(a.set_codec_preferences(id, &[unknown]).unwrap_err().name(), "InvalidModificationError");
    assert_eq!(a.set_codec_preferences(id, &[rtx()]), Err(JsepError::UnknownCodec));
    a.set_codec_preferences(id, &[]).unwrap();
}

#[test]
fn offers_reuse_the_numbers_negotiated_before() {
    let mut b = peer(2);
    b.set_remote(&remote_offer(VIDEO)).unwrap();
    let answer = b.create_answer(&transport("b")).unwrap();
    b.set_local(&answer).unwrap();
    b.add_transceiver(TrackKind::Video, TransceiverInit::default()).unwrap();
    let offer = parse(&b.create_offer(&OfferOptions::default(), &transport("b")).unwrap());
    assert_eq!(payload_types(&offer.media[0])[..2], [120, 124], "in the order of the last answer");
    for media in &offer.media {
        let codecs = media.codecs();
        let number = |name: &str| codecs.iter().find(|codec| codec.is(name)).unwrap().payload_type;
        assert_eq!((number("VP9"), number("VP8")), (120, 121));
    }
    let mut meanings: Vec<(u8, String)> = Vec::new();
    for codec in offer.media.iter().flat_map(sdp::MediaSection::codecs) {
        let meaning = (codec.payload_type, format!("{} {}", codec.name, codec.fmtp));
        assert!(!meanings.iter().any(|known| known.0 == meaning.0 && known.1 != meaning.1), "{meaning:?}");
        meanings.push(meaning);
    }
}

#[test]
fn header_extensions_keep_the_offered_ids() {
    let lines =
        format!("a=extmap:7 {MID_URI}\na=extmap:200/sendonly {TOFFSET_URI}\na=extmap:9 urn:mystery\n");
    let answer = answer_to(&remote_offer(&format!("{VIDEO}{lines}a=extmap-allow-mixed\n")));
    let ids: Vec<_> = answer.extmaps_of(0).map(|extmap| (extmap.id, extmap.direction)).collect();
    assert_eq!(ids, [(7, None), (200, Some(sdp::Direction::RecvOnly))]);
    assert!(answer.shared.extmap_allow_mixed);
    assert!(!answer_to(&remote_offer(VIDEO)).shared.extmap_allow_mixed);
}

#[test]
fn extension_ids_are_one_per_uri_and_one_uri_per_id_in_a_bundle() {
    let mut a = peer(1);
    a.add_track(TrackKind::Audio, "mic", &[]).unwrap();
    a.add_track(TrackKind::Video, "camera", &[]).unwrap();
    let offer = parse(&offer(&mut a));
    let all: Vec<_> = (0..2).flat_map(|index| offer.extmaps_of(index)).collect();
    for one in &all {
        assert!(all.iter().all(|other| (one.id == other.id) == (one.uri == other.uri)), "{one}");
    }
}

#[test]
fn bitrate_limits_are_read_as_tias() {
    for (line, expected) in [("b=TIAS:500000", 500_000), ("b=AS:1000", 934_000)] {
        let offer = remote_offer(&VIDEO.replacen('\n', &format!("\n{line}\n"), 1));
        let mut b = peer(2);
        b.set_remote(&offer).unwrap();
        b.create_answer(&transport("b")).unwrap();
        let changes = b.set_local(&SessionDescription::answer(String::new())).unwrap();
        assert_eq!(changes.negotiated.unwrap().media[0].send.max_bitrate, Some(expected));
    }
}
