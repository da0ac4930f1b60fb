//! Congestion control in the engine: what is told, what is paced, and that nothing of it happens unasked.

use crate::line::*;
use sendrecv_core::Machine;
use sendrecv_media::{
    CongestionControl, Event, MediaConfig, MediaKind, Outgoing, PacketKind, Payload, SenderId,
};
use sendrecv_rtp::RtpPacket;
use std::time::Duration;

fn controlled() -> MediaConfig {
    MediaConfig { congestion_control: Some(CongestionControl::default()), ..MediaConfig::default() }
}

fn write(pair: &mut Pair, sender: SenderId, payload_type: u8, count: usize) {
    for _ in 0..count {
        let timestamp = u32::try_from(pair.now.as_millis() * 90).unwrap();
        let payload = Payload::Pieces(&[&[0x10; 1000]]);
        let packet = Outgoing { payload_type, marker: true, timestamp, extensions: &[], payload };
        pair.a.write(pair.now, sender, &packet).unwrap();
    }
}

fn targets(events: &[Event]) -> Vec<u64> {
    let bps = |event: &Event| if let Event::TargetBitrate { bps } = event { Some(*bps) } else { None };
    events.iter().filter_map(bps).collect()
}

/// Payload types and lengths of the RTP packets that went from `a` to `b`.
fn sent(pair: &Pair) -> Vec<(u8, usize)> {
    let of_a = pair.log.iter().filter(|(to_b, kind, _)| *to_b && *kind == PacketKind::Rtp);
    of_a.map(|(.., bytes)| (RtpPacket::parse(bytes).unwrap().payload_type(), bytes.len())).collect()
}

#[test]
fn probes_of_repetitions_raise_the_target_within_a_second() {
    let (mut pair, sender) = Pair::video(&controlled(), seed());
    for _ in 0..50 {
        write(&mut pair, sender, VP8, 1);
        pair.run_until(pair.now + Duration::from_millis(20));
    }
    pair.run_until(pair.now + Duration::from_millis(100));
    let targets = targets(&pair.events_a);
    assert!(targets.iter().any(|bps| *bps > 1_500_000), "{targets:?}");
    assert!(sent(&pair).iter().filter(|(payload_type, _)| *payload_type == RTX).count() > 5);
    assert_eq!(pair.received.len(), 50, "what repeats is not handed up");
    assert_eq!(pair.a.target_bitrate(), pair.a.target_bitrate().max(targets.last().copied()));
}

#[test]
fn a_large_frame_is_spread_over_time_and_audio_overtakes_it() {
    let control = CongestionControl { start_bps: 800_000, probing: false, ..CongestionControl::default() };
    let config = MediaConfig { congestion_control: Some(control), ..MediaConfig::default() };
    let (mut pair, video) = Pair::video(&config, seed());
    let audio = pair.a.add_sender(pair.now, MediaKind::Audio);
    pair.a.set_section(pair.now, audio_section("1", Some(audio))).unwrap();
    write(&mut pair, video, VP8, 40);
    pair.drain();
    assert!(sent(&pair).len() < 5, "{}", sent(&pair).len());
    write(&mut pair, audio, OPUS, 1);
    pair.drain();
    assert_eq!(sent(&pair).last().unwrap().0, OPUS);
    // 40 packets of 1000 bytes and more at two and a half times 800 kbit/s take 160 ms.
    pair.run_until(pair.now + Duration::from_millis(100));
    assert!((20..32).contains(&sent(&pair).len()), "{}", sent(&pair).len());
    pair.run_until(pair.now + Duration::from_millis(100));
    assert_eq!(sent(&pair).len(), 41);
}

#[test]
fn without_congestion_control_packets_go_as_they_come() {
    let (mut pair, video) = Pair::video(&MediaConfig::default(), seed());
    write(&mut pair, video, VP8, 40);
    pair.drain();
    assert_eq!(sent(&pair).len(), 40);
    pair.run_until(pair.now + Duration::from_secs(3));
    assert_eq!((sent(&pair).len(), targets(&pair.events_a).len()), (40, 0));
    assert_eq!(pair.a.target_bitrate(), None);
}

#[test]
fn a_burst_that_ends_leaves_no_timer_of_pacing_behind() {
    let (mut pair, video) = Pair::video(&controlled(), seed());
    write(&mut pair, video, VP8, 5);
    pair.run_until(pair.now + Duration::from_secs(10));
    let now = pair.now;
    let next = pair.a.poll_timeout().unwrap();
    assert!(next > now + Duration::from_millis(100), "only reports are due: {next}");
}
