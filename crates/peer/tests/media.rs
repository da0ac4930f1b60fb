//! Senders and receivers: tones, sources, and who has which SSRC.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, clippy::as_conversions)]

mod support;

use sendrecv::{
    Configuration, CongestionControl, Event, ExtensionKind, MediaPacket, ParametersError, Payload,
    PeerConnectionState, Settings, ToneTiming, TrackKind, TransceiverId, UsageError, jsep::MediaCapabilities,
    replay, stats::Stats,
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
    let ours = pair.sides[0].pc.transceiver(audio).unwrap().sender().encodings[0].ssrc;
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
    let theirs = pair.sides[0].pc.transceivers()[0].sender().encodings[0].ssrc;
    let ours = pair.sides[1].pc.transceiver(back).unwrap().sender().encodings[0].ssrc;
    let mut offer = pair.sides[0].pc.create_offer(sendrecv::OfferOptions::default()).unwrap();
    offer.sdp = offer.sdp.replace(&theirs.to_string(), &ours.to_string());
    pair.sides[1].pc.set_remote_description(now, offer).unwrap();
    pair.sides[1].pc.set_local_description(now, None).unwrap();
    let renamed = pair.sides[1].pc.transceiver(back).unwrap().sender().encodings[0].ssrc;
    assert_ne!(renamed, ours);
    let answer = pair.sides[1].pc.local_description().unwrap();
    assert!(answer.sdp.contains(&format!("a=ssrc:{renamed} ")) && !answer.sdp.contains(&ours.to_string()));
}

#[test]
fn parameters_are_set_as_they_were_read_and_nothing_but_the_encoding_changes() {
    let (mut pair, audio) = audio();
    let now = pair.now;
    let pc = &mut pair.sides[0].pc;
    let read = pc.get_parameters(audio).unwrap();
    assert_eq!(pc.get_parameters(audio).unwrap(), read, "until it is set");
    assert!(read.encodings[0].active && read.codecs[0].name == "opus" && read.reduced_size);
    assert!(read.header_extensions.id(ExtensionKind::Mid).is_some() && !read.cname.is_empty());
    let mut refused = |change: fn(&mut sendrecv::RtpSendParameters)| {
        let mut changed = read.clone();
        change(&mut changed);
        pc.set_parameters(now, audio, changed).unwrap_err().name()
    };
    assert_eq!(refused(|own| own.transaction_id.push('x')), "InvalidModificationError");
    assert_eq!(refused(|own| own.cname.push('x')), "InvalidModificationError");
    assert_eq!(refused(|own| own.encodings.clear()), "InvalidModificationError");
    assert_eq!(refused(|own| drop(own.codecs.pop())), "InvalidModificationError");
    assert_eq!(
        refused(|own| own.encodings[0].codec = Some(sendrecv::CodecParameters::new(0, "ilbc", 8000))),
        "InvalidModificationError"
    );
    let mut changed = read.clone();
    changed.encodings[0].max_bitrate = Some(32_000);
    changed.encodings[0].scale_resolution_down_by = Some(0.5);
    changed.encodings[0].codec = read.codecs.iter().find(|codec| codec.name == "PCMU").cloned();
    assert_eq!(pc.send_codec(audio).unwrap().name, "opus");
    pc.set_parameters(now, audio, changed.clone()).unwrap();
    assert_eq!(pc.send_codec(audio).unwrap().name, "PCMU");
    let again = pc.set_parameters(now, audio, changed);
    assert_eq!(again, Err(UsageError::Parameters(ParametersError::NotRead)));
    let read = pc.get_parameters(audio).unwrap();
    assert_eq!(read.encodings[0].max_bitrate, Some(32_000));
    assert_eq!(read.encodings[0].scale_resolution_down_by, None, "that is for pictures");
    // A negotiation makes what was read void, and the codec with it that is no more.
    let opus = MediaCapabilities::audio().codecs[0].codec.clone();
    pc.set_codec_preferences(now, audio, &[opus]).unwrap();
    pair.negotiate(0);
    let pc = &mut pair.sides[0].pc;
    assert_eq!(pc.set_parameters(now, audio, read).unwrap_err().name(), "InvalidStateError");
    assert_eq!(pc.get_parameters(audio).unwrap().encodings[0].codec, None);
}

#[test]
fn an_encoding_that_is_not_active_sends_nothing() {
    let (mut pair, audio) = audio();
    for number in 0..30 {
        if number % 10 == 0 {
            let mut parameters = pair.sides[0].pc.get_parameters(audio).unwrap();
            parameters.encodings[0].active = number != 10;
            pair.sides[0].pc.set_parameters(pair.now, audio, parameters).unwrap();
            assert_eq!(pair.sides[0].pc.can_insert_dtmf(audio), number != 10);
        }
        send_audio(&mut pair, audio, number);
        pair.run(Duration::from_millis(20));
    }
    let arrived: Vec<u8> = pair.sides[1].rtp.iter().map(|payload| payload[0]).collect();
    assert_eq!(arrived, (0..10).chain(20..30).collect::<Vec<u8>>());
    let log = pair.sides[0].pc.take_recording().unwrap();
    assert!(replay(&log).is_ok());
}

#[test]
fn pictures_are_not_scaled_up() {
    let mut pair = Pair::new(Configuration::default(), Configuration::default());
    let now = pair.now;
    let pc = &mut pair.sides[0].pc;
    let video = pc.add_track(now, TrackKind::Video, "camera", &["stream"]).unwrap();
    let mut parameters = pc.get_parameters(video).unwrap();
    assert_eq!(parameters.encodings[0].scale_resolution_down_by, Some(1.0));
    for (rate, scale) in [(Some(-1.0), Some(1.0)), (None, Some(0.9)), (Some(f64::NAN), None)] {
        parameters.encodings[0].max_framerate = rate;
        parameters.encodings[0].scale_resolution_down_by = scale;
        let refused = pc.set_parameters(now, video, parameters.clone()).unwrap_err();
        assert_eq!(refused.name(), "RangeError");
    }
    parameters.encodings[0].max_framerate = Some(15.0);
    parameters.encodings[0].scale_resolution_down_by = Some(2.0);
    pc.set_parameters(now, video, parameters).unwrap();
    assert_eq!(pc.get_parameters(video).unwrap().encodings[0].max_framerate, Some(15.0));
}

/// A connected pair whose first side sends video under congestion control, one frame of 3 KB each 33 ms for a second.
fn controlled_video() -> Pair {
    let control = CongestionControl::default();
    let settings = Settings { media_congestion_control: Some(control), ..Settings::default() };
    let configuration = Configuration { settings, ..Configuration::default() };
    let mut pair = Pair::new(configuration, Configuration::default());
    let now = pair.now;
    let video = pair.sides[0].pc.add_track(now, TrackKind::Video, "camera", &["stream"]).unwrap();
    pair.negotiate(0);
    assert!(pair.run_until(5 * SECOND, |pair| {
        pair.sides.iter().all(|side| side.pc.connection_state() == PeerConnectionState::Connected)
    }));
    for frame in 0..30 {
        for part in 0..3 {
            let packet = MediaPacket {
                payload_type: pair.sides[0].pc.send_codecs(video)[0].payload_type,
                marker: part == 2,
                timestamp: frame * 3000,
                extensions: &[],
                payload: Payload::Pieces(&[&[0x10; 1000]]),
            };
            pair.sides[0].pc.send_rtp(pair.now, video, &packet).unwrap();
        }
        pair.run(Duration::from_millis(33));
    }
    pair
}

#[test]
fn congestion_control_tells_a_target_that_rises_and_shows_it_in_statistics() {
    let mut pair = controlled_video();
    let target = |event: &Event| if let Event::TargetBitrate(bps) = event { Some(*bps) } else { None };
    let targets: Vec<u64> = pair.sides[0].events.iter().filter_map(target).collect();
    assert!(targets.iter().any(|bps| *bps > 1_500_000), "{targets:?}");
    assert_eq!(pair.sides[1].rtp.len(), 90, "all media arrived, and nothing of the probes");
    let report = pair.sides[0].pc.get_stats(pair.now);
    let pairs = report.values().filter_map(|stats| match stats {
        Stats::CandidatePair(pair) => pair.available_outgoing_bitrate,
        _ => None,
    });
    let available: Vec<f64> = pairs.collect();
    assert!(matches!(available[..], [bps] if bps > 1_000_000.0), "{available:?}");
    let log = pair.sides[0].pc.take_recording().unwrap();
    assert!(replay(&log).is_ok());
}
