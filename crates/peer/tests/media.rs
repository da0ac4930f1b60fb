//! Senders and receivers: tones, sources, and who has which SSRC.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, clippy::as_conversions)]

mod support;

use sendrecv::{
    Configuration, Event, ExtensionKind, MediaPacket, Payload, PeerConnectionState, ToneTiming, TrackKind,
    TransceiverId, UsageError, replay,
};
use std::time::Duration;
use support::Pair;

const SECOND: Duration = Duration::from_secs(1);

/// A connected pair whose first side sends audio.
fn audio() -> (Pair, TransceiverId) {
    let mut pair = Pair::new(Configuration::default(), Configuration::default());
    let now = pair.now;
    let audio = pair.sides[0].pc.add_track(now, TrackKind::Audio, "microphone", &["stream"]).unwrap();
    assert!(!pair.sides[0].pc.can_insert_dtmf(audio));
    pair.negotiate(0);
    assert!(pair.run_until(5 * SECOND, |pair| {
        pair.sides.iter().all(|side| side.pc.connection_state() == PeerConnectionState::Connected)
    }));
    (pair, audio)
}

fn send_audio(pair: &mut Pair, id: TransceiverId, number: u32) {
    let packet = MediaPacket {
        payload_type: pair.sides[0].pc.send_codecs(id)[0].payload_type,
        marker: false,
        timestamp: number * 960,
        extensions: &[(ExtensionKind::AudioLevel, &[20])],
        payload: Payload::Pieces(&[&[number as u8]]),
    };
    pair.sides[0].pc.send_rtp(pair.now, id, &packet).unwrap();
}

#[test]
fn tones_arrive_as_telephone_events() {
    let (mut pair, audio) = audio();
    let tones = |side: &support::Side| -> Vec<Option<char>> {
        let tone = |event: &Event| match event {
            Event::ToneChange { tone, .. } => Some(*tone),
            _ => None,
        };
        side.events.iter().filter_map(tone).collect()
    };
    assert!(pair.sides[0].pc.can_insert_dtmf(audio));
    let now = pair.now;
    let wrong = pair.sides[0].pc.insert_dtmf(now, audio, "x", ToneTiming::default()).unwrap_err();
    assert_eq!(wrong.name(), "InvalidCharacterError");
    pair.sides[0].pc.insert_dtmf(now, audio, "9#d", ToneTiming::default()).unwrap();
    assert_eq!(pair.sides[0].pc.tone_buffer(audio), "#D");
    for number in 0..50 {
        send_audio(&mut pair, audio, number);
        pair.run(Duration::from_millis(20));
    }
    assert_eq!(tones(&pair.sides[0]), [Some('9'), Some('#'), Some('D'), None]);
    let is_tone = |event: &Event| matches!(event, Event::ToneChange { .. });
    assert!(!pair.sides[1].has(is_tone), "that is for who sends them");
    let events: Vec<(u8, bool)> = pair.sides[1]
        .kept
        .iter()
        .filter(|kept| kept.codec().unwrap().name == "telephone-event")
        .map(|kept| kept.packet().unwrap().payload().to_vec())
        .map(|payload| (payload[0], payload[1] & 0x80 != 0))
        .collect();
    for event in [9, 11, 15] {
        assert_eq!(events.iter().filter(|own| **own == (event, true)).count(), 3, "{events:?}");
    }
    // Without a track there is nothing to be heard.
    let now = pair.now;
    pair.sides[0].pc.insert_dtmf(now, audio, "123", ToneTiming::default()).unwrap();
    pair.sides[0].pc.replace_track(now, audio, None).unwrap();
    assert!(!pair.sides[0].pc.can_insert_dtmf(audio) && pair.sides[0].pc.tone_buffer(audio).is_empty());
    let refused = pair.sides[0].pc.insert_dtmf(now, audio, "1", ToneTiming::default());
    assert_eq!(refused, Err(UsageError::CannotInsertDtmf));
    pair.run(SECOND);
    assert_eq!(tones(&pair.sides[0]).len(), 5, "the one that had begun");
    let log = pair.sides[0].pc.take_recording().unwrap();
    assert!(replay(&log).unwrap().datagrams > 50, "the tones are in the recording");
}

#[test]
fn a_receiver_tells_its_sources() {
    let (mut pair, audio) = audio();
    for number in 0..10 {
        send_audio(&mut pair, audio, number);
        pair.run(Duration::from_millis(20));
    }
    let id = pair.sides[1].pc.transceivers()[0].id();
    let sources = pair.sides[1].pc.synchronization_sources(pair.now, id);
    let ours = pair.sides[0].pc.transceiver(audio).unwrap().sender().ssrc;
    assert_eq!(sources.iter().map(|own| own.source).collect::<Vec<_>>(), [ours]);
    assert!(sources[0].audio_level.is_some_and(|level| (level - 0.1).abs() < 1e-9), "-20 dBov");
    assert!(pair.sides[1].pc.contributing_sources(pair.now, id).is_empty(), "nothing was mixed");
    pair.run(11 * SECOND);
    assert!(pair.sides[1].pc.synchronization_sources(pair.now, id).is_empty());
}

#[test]
fn an_answerer_whose_ssrc_the_offer_has_takes_another() {
    let mut pair = Pair::new(Configuration::default(), Configuration::default());
    let now = pair.now;
    pair.sides[0].pc.add_track(now, TrackKind::Audio, "microphone", &["stream"]).unwrap();
    let back = pair.sides[1].pc.add_track(now, TrackKind::Audio, "echo", &["stream"]).unwrap();
    let theirs = pair.sides[0].pc.transceivers()[0].sender().ssrc;
    let ours = pair.sides[1].pc.transceiver(back).unwrap().sender().ssrc;
    let mut offer = pair.sides[0].pc.create_offer(sendrecv::OfferOptions::default()).unwrap();
    offer.sdp = offer.sdp.replace(&theirs.to_string(), &ours.to_string());
    pair.sides[1].pc.set_remote_description(now, offer).unwrap();
    pair.sides[1].pc.set_local_description(now, None).unwrap();
    let renamed = pair.sides[1].pc.transceiver(back).unwrap().sender().ssrc;
    assert_ne!(renamed, ours);
    let answer = pair.sides[1].pc.local_description().unwrap();
    assert!(answer.sdp.contains(&format!("a=ssrc:{renamed} ")) && !answer.sdp.contains(&ours.to_string()));
}
