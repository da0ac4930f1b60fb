//! Two connections of ours, connected through a wire in virtual time.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    clippy::as_conversions
)]

mod support;

use sendrecv::{
    Configuration, DataChannelInit, DtlsVersion, Event, InputLog, MediaPacket, Message, Payload,
    PeerConnectionState, Settings, TrackKind, TransceiverId, jsep::MediaCapabilities, replay,
};
use std::time::Duration;
use support::{Pair, Side};

const SECOND: Duration = Duration::from_secs(1);

fn connected(pair: &mut Pair) -> bool {
    pair.sides.iter().all(|side| side.pc.connection_state() == PeerConnectionState::Connected)
}

fn dtls(max: DtlsVersion) -> Configuration {
    Configuration { settings: Settings { dtls_max: max, ..Settings::default() }, ..Configuration::default() }
}

fn opened(side: &Side) -> bool {
    side.has(|event| matches!(event, Event::DataChannelOpen(_)))
}

#[test]
fn a_data_channel_opens_and_carries_messages_both_ways() {
    for max in [DtlsVersion::Dtls12, DtlsVersion::Dtls13] {
        let mut pair = Pair::new(dtls(max), Configuration::default());
        let now = pair.now;
        let chat = pair.sides[0].pc.create_data_channel(now, "chat", DataChannelInit::default()).unwrap();
        pair.negotiate(0);
        assert!(pair.run_until(5 * SECOND, |pair| pair.sides.iter().all(opened)), "{:?}", pair.sides[0].pc);
        let now = pair.now;
        pair.sides[0].pc.send(now, chat, Message::from("hello")).unwrap();
        let big = vec![7; 200_000];
        pair.sides[0].pc.send(now, chat, Message::Binary(big.clone().into())).unwrap();
        pair.run(SECOND);
        let received: Vec<&Message> = pair.sides[1]
            .events
            .iter()
            .filter_map(|event| match event {
                Event::DataChannelMessage { message, .. } => Some(message),
                _ => None,
            })
            .collect();
        assert_eq!(received.len(), 2);
        assert_eq!(received[0].as_text(), Some("hello"));
        assert_eq!(received[1].bytes().as_ref(), big);
    }
}

#[test]
fn media_flows_and_is_echoed() {
    let mut pair = Pair::new(Configuration::default(), Configuration::default());
    let now = pair.now;
    let video = pair.sides[0].pc.add_track(now, TrackKind::Video, "camera", &["stream"]).unwrap();
    let back = pair.sides[1].pc.add_track(now, TrackKind::Video, "echo", &["stream"]).unwrap();
    pair.negotiate(0);
    assert!(pair.run_until(5 * SECOND, connected));
    assert!(pair.sides[1].has(|event| matches!(event, Event::Track(track) if track.streams == ["stream"])));
    assert!(!pair.sides[1].pc.send_codecs(back).is_empty());
    pair.sides[1].echo = true;
    let payload_type = pair.sides[0].pc.send_codecs(video)[0].payload_type;
    for number in 0..100u32 {
        let now = pair.now;
        let payload = [0x10, 0, number as u8];
        let packet = MediaPacket {
            payload_type,
            marker: true,
            timestamp: number * 3000,
            extensions: &[],
            payload: Payload::Pieces(&[&payload]),
        };
        pair.sides[0].pc.send_rtp(now, video, &packet).unwrap();
        pair.run(Duration::from_millis(20));
    }
    pair.run(SECOND);
    assert_eq!(pair.sides[1].rtp.len(), 100);
    assert_eq!(pair.sides[0].rtp.len(), 100);
    assert!(pair.sides[0].rtp.iter().enumerate().all(|(i, payload)| payload[2] == i as u8));
    let stats = serde_json::to_value(pair.sides[0].pc.get_stats(pair.now)).unwrap();
    let of = |kind: &str| {
        stats.as_object().unwrap().values().find(|entry| entry["type"] == kind).cloned().unwrap()
    };
    assert_eq!(of("outbound-rtp")["packetsSent"], 100);
    assert_eq!(of("inbound-rtp")["packetsReceived"], 100);
    assert_eq!(of("transport")["tlsGroup"], "X25519MLKEM768");
    assert_eq!(of("transport")["dtlsState"], "connected");
}

#[test]
fn lost_datagrams_change_nothing_but_the_time_it_takes() {
    for seed in 0..10 {
        let mut pair = Pair::with_seed(Configuration::default(), Configuration::default(), seed);
        pair.loss_percent = 10 + 2 * seed;
        let now = pair.now;
        let chat = pair.sides[0].pc.create_data_channel(now, "chat", DataChannelInit::default()).unwrap();
        pair.negotiate(0);
        assert!(
            pair.run_until(30 * SECOND, |pair| pair.sides.iter().all(opened)),
            "{} %, seed {seed}",
            pair.loss_percent
        );
        let now = pair.now;
        for number in 0..20u8 {
            pair.sides[0].pc.send(now, chat, Message::Binary(vec![number; 5000].into())).unwrap();
        }
        let count = |side: &Side| {
            side.events.iter().filter(|e| matches!(e, Event::DataChannelMessage { .. })).count()
        };
        assert!(
            pair.run_until(60 * SECOND, |pair| count(&pair.sides[1]) == 20),
            "{} %, seed {seed}",
            pair.loss_percent
        );
    }
}

#[test]
fn closing_one_side_ends_the_others_channels() {
    let mut pair = Pair::new(Configuration::default(), Configuration::default());
    let now = pair.now;
    pair.sides[0].pc.create_data_channel(now, "chat", DataChannelInit::default()).unwrap();
    pair.negotiate(0);
    assert!(pair.run_until(5 * SECOND, |pair| pair.sides.iter().all(opened)));
    let now = pair.now;
    pair.sides[0].pc.close(now);
    pair.run(SECOND);
    assert!(pair.sides[1].has(|event| matches!(event, Event::DataChannelClose(_))));
    assert_eq!(pair.sides[0].pc.connection_state(), PeerConnectionState::Closed);
    let now = pair.now;
    assert!(pair.sides[0].pc.create_data_channel(now, "late", DataChannelInit::default()).is_err());
}

#[test]
fn an_ice_restart_in_the_middle_of_a_transfer_loses_nothing() {
    let mut pair = Pair::new(Configuration::default(), Configuration::default());
    let now = pair.now;
    let chat = pair.sides[0].pc.create_data_channel(now, "chat", DataChannelInit::default()).unwrap();
    pair.negotiate(0);
    assert!(pair.run_until(5 * SECOND, |pair| pair.sides.iter().all(opened)));
    for restarter in [0, 1] {
        let now = pair.now;
        for number in 0..50u8 {
            pair.sides[0].pc.send(now, chat, Message::Binary(vec![number; 20_000].into())).unwrap();
        }
        pair.sides[restarter].pc.restart_ice(now);
        let before = pair.sides[restarter].pc.local_description().unwrap();
        let (offer, _) = pair.negotiate(restarter);
        assert_ne!(ufrag(&before.sdp), ufrag(&offer.sdp));
        pair.run(3 * SECOND);
        assert!(connected(&mut pair));
    }
    let messages =
        pair.sides[1].events.iter().filter(|e| matches!(e, Event::DataChannelMessage { .. })).count();
    assert_eq!(messages, 100);
}

fn ufrag(sdp: &str) -> Option<&str> {
    sdp.lines().find(|line| line.starts_with("a=ice-ufrag:"))
}

#[test]
fn a_recorded_session_replays_to_the_same_bytes() {
    let mut pair = Pair::new(Configuration::default(), Configuration::default());
    pair.lose_every = 9;
    let now = pair.now;
    let chat = pair.sides[0].pc.create_data_channel(now, "chat", DataChannelInit::default()).unwrap();
    pair.sides[0].pc.add_track(now, TrackKind::Audio, "microphone", &["stream"]).unwrap();
    pair.negotiate(0);
    assert!(pair.run_until(20 * SECOND, |pair| pair.sides.iter().all(opened)));
    let now = pair.now;
    pair.sides[0].pc.send(now, chat, Message::Binary(vec![1; 100_000].into())).unwrap();
    pair.run(5 * SECOND);
    for side in &mut pair.sides {
        let now = pair.now;
        side.pc.close(now);
        let log = side.pc.take_recording().unwrap();
        let log = InputLog::decode(&log.encode()).unwrap();
        let report = replay(&log).expect("the same bytes");
        assert!(report.datagrams > 10 && report.inputs == log.len());
    }
}

/// Its run cannot be played again, which is said when the recording would begin.
#[cfg(feature = "aws-lc-rs")]
#[test]
fn a_session_with_randomness_of_the_providers_own_is_not_recorded() {
    use sendrecv::{PeerConnection, UsageError};
    use sendrecv_core::{Instant, Seed};
    let settings = Settings { crypto: sendrecv_crypto::aws_lc_rs_own_entropy(), ..Settings::default() };
    let configuration = Configuration { settings, ..Configuration::default() };
    let new = |constructor: fn(_, _, _) -> Result<PeerConnection, UsageError>| {
        constructor(configuration.clone(), Seed::from_u64(1), Instant::ZERO).err()
    };
    assert_eq!(new(PeerConnection::new), None);
    assert!(matches!(new(PeerConnection::new_recorded), Some(UsageError::Configuration(_))));
}

#[test]
fn a_changed_recording_diverges() {
    let mut pair = Pair::new(Configuration::default(), Configuration::default());
    let now = pair.now;
    pair.sides[0].pc.create_data_channel(now, "chat", DataChannelInit::default()).unwrap();
    pair.negotiate(0);
    assert!(pair.run_until(5 * SECOND, |pair| pair.sides.iter().all(opened)));
    let mut bytes = pair.sides[0].pc.take_recording().unwrap().encode();
    bytes[5] ^= 1; // the seed
    assert!(replay(&InputLog::decode(&bytes).unwrap()).is_err());
    assert!(InputLog::decode(&bytes[..100]).is_err());
}

/// A pair whose first side sends video. Its codecs are those called `names`, `"VP8"` first.
fn sending_video(seed: u64, names: &[&str]) -> (Pair, TransceiverId) {
    let mut pair = Pair::with_seed(Configuration::default(), Configuration::default(), seed);
    let now = pair.now;
    let video = pair.sides[0].pc.add_track(now, TrackKind::Video, "camera", &["stream"]).unwrap();
    let all = MediaCapabilities::video().codecs;
    let wanted = names.iter().filter_map(|name| all.iter().find(|known| known.codec.name == *name));
    let codecs: Vec<_> = wanted.map(|known| known.codec.clone()).collect();
    pair.sides[0].pc.set_codec_preferences(now, video, &codecs).unwrap();
    pair.negotiate(0);
    assert!(pair.run_until(5 * SECOND, connected));
    (pair, video)
}

fn send_video(pair: &mut Pair, video: TransceiverId, number: u8) {
    let payload_type = pair.sides[0].pc.send_codecs(video)[0].payload_type;
    let payload = [0x10, 0, number];
    let packet = MediaPacket {
        payload_type,
        marker: true,
        timestamp: u32::from(number) * 3000,
        extensions: &[],
        payload: Payload::Pieces(&[&payload]),
    };
    pair.sides[0].pc.send_rtp(pair.now, video, &packet).unwrap();
}

#[test]
fn a_packet_received_on_one_connection_is_sent_over_others() {
    let (mut ingress, camera) = sending_video(1, &["VP8"]);
    // On this one VP8 has another number.
    let (mut egress, screen) = sending_video(2, &["VP9", "VP8"]);
    for number in 0..50 {
        send_video(&mut ingress, camera, number);
        ingress.run(Duration::from_millis(20));
    }
    assert_eq!(ingress.sides[1].kept.len(), 50);
    for packet in &ingress.sides[1].kept {
        assert_eq!(packet.codec().unwrap().name, "VP8");
        let now = egress.now;
        egress.sides[0].pc.forward_kept(now, screen, packet).unwrap();
        egress.run(Duration::from_millis(20));
    }
    assert_eq!(egress.sides[1].rtp, ingress.sides[1].rtp);
    let name = egress.sides[1].kept[0].codec().unwrap().name.clone();
    assert_eq!(name, "VP8", "the receiver knows by the payload type what it is");
    let log = egress.sides[0].pc.take_recording().unwrap();
    assert!(replay(&log).unwrap().datagrams > 50, "what came from elsewhere is in the recording");
}

#[test]
fn without_a_stream_for_retransmissions_a_lost_packet_is_sent_again_as_it_was() {
    let (mut pair, camera) = sending_video(3, &["VP8"]);
    let codec = pair.sides[0].pc.send_codecs(camera)[0].clone();
    assert_eq!(codec.rtx_payload_type, None);
    for number in 0..100 {
        // A receiver cannot miss what it does not know of: the first and the last ones.
        pair.lose_every = if (1..90).contains(&number) { 6 } else { 0 };
        send_video(&mut pair, camera, number);
        pair.run(Duration::from_millis(20));
    }
    pair.run(SECOND);
    let mut numbers: Vec<u8> = pair.sides[1].rtp.iter().map(|payload| payload[2]).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..100).collect::<Vec<u8>>());
}

#[test]
fn who_is_connected_has_a_candidate_pair_selected_though_it_may_not_be_nominated_yet() {
    for seed in 0..10 {
        let mut pair = Pair::with_seed(Configuration::default(), Configuration::default(), seed);
        let now = pair.now;
        pair.sides[0].pc.create_data_channel(now, "chat", DataChannelInit::default()).unwrap();
        pair.negotiate(0);
        let is_missing = |side: &Side| {
            side.pc.connection_state() == PeerConnectionState::Connected
                && side.pc.selected_candidate_pair().is_none()
        };
        assert!(pair.run_until(5 * SECOND, |pair| {
            assert!(!pair.sides.iter().any(is_missing), "seed {seed}");
            connected(pair)
        }));
    }
}
