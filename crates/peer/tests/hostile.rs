//! What anybody can send at any stage changes nothing.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions, clippy::expect_used)]

mod support;

use sendrecv::{
    Configuration, DataChannelInit, Event, IceCandidateInit, Message, OfferOptions, PeerConnection, SdpType,
    SessionDescription, SignalingState, TrackKind,
};
use sendrecv_core::{Ecn, Path, Rng, Seed};
use std::time::Duration;
use support::{Pair, Side};

const SECOND: Duration = Duration::from_secs(1);

fn opened(side: &Side) -> bool {
    side.has(|event| matches!(event, Event::DataChannelOpen(_)))
}

fn state(pc: &PeerConnection) -> String {
    let channels: Vec<_> = pc.data_channels().map(|own| (own.handle(), own.ready_state())).collect();
    format!("{pc:?} {:?} {:?} {channels:?}", pc.local_description(), pc.remote_description())
}

/// Bytes of every protocol, of none, and of nothing.
fn garbage(rng: &mut Rng) -> Vec<u8> {
    let mut bytes = vec![0; rng.below(300) as usize];
    rng.fill(&mut bytes);
    let first = [0, 1, 20, 22, 23, 0x2f, 64, 128, 200, 255];
    if let Some(byte) = bytes.first_mut() {
        *byte = first[rng.below(10) as usize];
    }
    if bytes.len() >= 20 && rng.chance(1, 2) {
        let length = (bytes.len() - 20) as u16 & !3;
        bytes[..4].copy_from_slice(&[[0, 1], length.to_be_bytes()].concat());
        bytes[4..8].copy_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
    }
    bytes
}

fn attack(pair: &mut Pair, rng: &mut Rng) {
    let now = pair.now;
    for index in [0, 1] {
        let other = pair.sides[1 - index].address;
        let side = &mut pair.sides[index];
        for remote in [other, "203.0.113.9:6666".parse().unwrap()] {
            let before = state(&side.pc);
            for _ in 0..50 {
                let path = Path::udp(side.address, remote);
                let _discarded = side.pc.handle_datagram(now, path, Ecn::Ce, &mut garbage(rng));
            }
            assert_eq!(before, state(&side.pc));
            assert_eq!(side.pc.poll_event(), None);
        }
    }
}

#[test]
fn noise_changes_no_state_at_any_stage() {
    let mut rng = Seed::from_u64(1).derive("hostile").rng();
    let mut pair = Pair::new(Configuration::default(), Configuration::default());
    let now = pair.now;
    let chat = pair.sides[0].pc.create_data_channel(now, "chat", DataChannelInit::default()).unwrap();
    pair.run(Duration::ZERO);
    attack(&mut pair, &mut rng);
    pair.negotiate(0);
    for _ in 0..30 {
        pair.run(Duration::from_millis(10));
        attack(&mut pair, &mut rng);
    }
    assert!(pair.run_until(5 * SECOND, |pair| pair.sides.iter().all(opened)), "{:?}", pair.sides[0].pc);
    attack(&mut pair, &mut rng);
    let now = pair.now;
    pair.sides[0].pc.send(now, chat, Message::from("hello")).unwrap();
    let received = |side: &Side| side.has(|event| matches!(event, Event::DataChannelMessage { .. }));
    assert!(pair.run_until(SECOND, |pair| received(&pair.sides[1])));
    pair.sides[0].pc.close(now);
    pair.run(SECOND);
    attack(&mut pair, &mut rng);
}

/// A browser-like offer, damaged.
fn damaged(rng: &mut Rng, offer: &str) -> String {
    let mut lines: Vec<String> = offer.lines().map(ToOwned::to_owned).collect();
    for _ in 0..=rng.below(4) {
        let at = rng.below(lines.len() as u64) as usize;
        match rng.below(4) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[rng.below(lines.len() as u64) as usize].clone()),
            2 => lines[at].truncate(rng.below(20) as usize),
            _ => lines[at] = lines[at].replace(['0', '1'], "99999999999"),
        }
    }
    lines.join("\r\n") + "\r\n"
}

#[test]
fn damaged_descriptions_are_refused_whole_or_answered() {
    let mut rng = Seed::from_u64(2).derive("hostile").rng();
    let mut pair = Pair::new(Configuration::default(), Configuration::default());
    let now = pair.now;
    pair.sides[0].pc.create_data_channel(now, "chat", DataChannelInit::default()).unwrap();
    pair.sides[0].pc.add_track(now, TrackKind::Video, "camera", &["stream"]).unwrap();
    let offer = pair.sides[0].pc.create_offer(OfferOptions::default()).unwrap();
    let pc = &mut pair.sides[1].pc;
    let mut refused = 0;
    for _ in 0..400 {
        let sdp = damaged(&mut rng, &offer.sdp);
        let before = state(pc);
        let description = SessionDescription { kind: SdpType::Offer, sdp };
        if pc.set_remote_description(now, description).is_ok() {
            assert_eq!(pc.signaling_state(), SignalingState::HaveRemoteOffer);
            pc.create_answer().unwrap();
            pc.set_remote_description(now, SessionDescription::rollback()).unwrap();
        } else {
            refused += 1;
            assert_eq!(before, state(pc));
        }
    }
    assert!(refused > 20, "{refused}");
}

#[test]
fn candidates_that_cannot_be_leave_the_description_alone() {
    let mut pair = Pair::new(Configuration::default(), Configuration::default());
    let now = pair.now;
    pair.sides[0].pc.create_data_channel(now, "chat", DataChannelInit::default()).unwrap();
    let init = |line: &str, mid: Option<&str>| IceCandidateInit {
        candidate: line.into(),
        sdp_mid: mid.map(Into::into),
        ..IceCandidateInit::default()
    };
    let good = "candidate:1 1 udp 2130706431 10.0.0.9 5000 typ host";
    let early = pair.sides[0].pc.add_ice_candidate(now, Some(init(good, Some("0")))).unwrap_err();
    assert_eq!(early.name(), "InvalidStateError");
    pair.negotiate(0);
    let before = pair.sides[0].pc.remote_description();
    for (line, mid, name) in [
        (good, None, "TypeError"),
        (good, Some("7"), "OperationError"),
        ("candidate:nonsense", Some("0"), "OperationError"),
        ("candidate:1 1 udp 2130706431 10.0.0.9 99999 typ host", Some("0"), "OperationError"),
    ] {
        let error = pair.sides[0].pc.add_ice_candidate(now, Some(init(line, mid))).unwrap_err();
        assert_eq!(error.name(), name, "{line}");
    }
    assert_eq!(pair.sides[0].pc.remote_description(), before);
    pair.sides[0].pc.add_ice_candidate(now, Some(init(good, Some("0")))).unwrap();
    assert!(pair.sides[0].pc.remote_description().unwrap().sdp.contains("10.0.0.9"));
}
