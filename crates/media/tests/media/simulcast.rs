//! Several streams in one section, told apart by their RtpStreamIds.

use crate::line::*;
use sendrecv_core::{Instant, Machine, PacketBuf, Seed};
use sendrecv_media::{
    Discard, Event, LayerSelector, MediaConfig, MediaEngine, MediaError, MediaKind, PacketKind,
    SectionParameters, SendEncoding, SenderId,
};
use sendrecv_rtp::extension::ExtensionBlock;
use sendrecv_rtp::rtcp::{Compound, RtcpPacket};
use sendrecv_rtp::{RtpHeader, RtpPacket};

const MID: u8 = 4;
const RID: u8 = 10;
const REPAIRED_RID: u8 = 11;

/// A VP8 payload that begins a keyframe, and one that does not.
const KEY: [u8; 2] = [0x10, 0];
const DELTA: [u8; 2] = [0x10, 1];

fn packet(header: RtpHeader, elements: &[(u8, &str)], payload: &[u8]) -> Vec<u8> {
    let mut block = ExtensionBlock::new();
    elements.iter().for_each(|(id, text)| block.push(*id, text.as_bytes()).unwrap());
    let mut bytes = Vec::new();
    header.write(std::iter::empty(), &block, &mut bytes).unwrap();
    bytes.extend(payload);
    bytes
}

fn header(ssrc: u32, payload_type: u8, sequence_number: u16) -> RtpHeader {
    RtpHeader { ssrc, payload_type, sequence_number, ..Default::default() }
}

fn section(rids: &[&str]) -> SectionParameters {
    let mut section = video_section("v", None, Vec::new());
    section.receive.as_mut().unwrap().rids = rids.iter().map(|rid| (*rid).into()).collect();
    section
}

fn receiver(rids: &[&str]) -> MediaEngine {
    let mut engine = MediaEngine::new(MediaConfig::default(), &Seed::from_u64(9), Instant::ZERO);
    engine.set_section(Instant::ZERO, section(rids)).unwrap();
    engine
}

/// Receives a packet; its SSRC and RtpStreamId.
fn receive(
    engine: &mut MediaEngine,
    now: Instant,
    mut bytes: Vec<u8>,
) -> Result<(u32, Option<String>), Discard> {
    let inbound = engine.handle_rtp(now, &mut bytes)?.unwrap();
    Ok((inbound.packet.ssrc(), inbound.rid.as_deref().map(Into::into)))
}

fn rtcp(engine: &mut MediaEngine, now: Instant) -> Vec<Vec<u8>> {
    let mut written = Vec::new();
    let mut slab = [0; 1400];
    loop {
        let mut out = PacketBuf::new(&mut slab, 0, 0);
        match engine.poll_packet(now, &mut out) {
            Some(PacketKind::Rtcp) => written.push(out.bytes().to_vec()),
            Some(PacketKind::Rtp) => {}
            None => return written,
        }
    }
}

#[test]
fn a_stream_whose_first_packets_lack_the_id_gets_it_later() {
    let mut engine = receiver(&["q", "h"]);
    let named = |number, rid| packet(header(1, VP8, number), &[(MID, "v"), (RID, rid)], &DELTA);
    let bare = |number| packet(header(1, VP8, number), &[(MID, "v")], &DELTA);
    assert_eq!(receive(&mut engine, at(0), bare(1)), Ok((1, None)));
    assert_eq!(receive(&mut engine, at(0), named(2, "h")), Ok((1, Some("h".into()))));
    assert_eq!(receive(&mut engine, at(0), bare(3)), Ok((1, Some("h".into()))), "for good");
    let events: Vec<Event> = std::iter::from_fn(|| engine.poll_event()).collect();
    assert!(
        matches!(&events[..], [Event::StreamStarted { rid: None, .. }, Event::StreamIdentified { ssrc: 1, rid, .. }] if **rid == *"h")
    );
    assert_eq!(engine.stream(1).unwrap().rid(), Some("h"));
}

#[test]
fn retransmissions_go_to_the_stream_that_has_the_id_now() {
    let mut engine = receiver(&["q", "h"]);
    let rtx = |ssrc, number: u8| {
        packet(header(ssrc, RTX, 1), &[(MID, "v"), (REPAIRED_RID, "q")], &[0, number, 0x10, 1])
    };
    let media = |ssrc, rid| packet(header(ssrc, VP8, 5), &[(MID, "v"), (RID, rid)], &DELTA);
    assert_eq!(receive(&mut engine, at(0), rtx(91, 1)), Err(Discard::UnknownRepairedStream));
    receive(&mut engine, at(0), media(1, "q")).unwrap();
    receive(&mut engine, at(0), media(2, "h")).unwrap();
    assert_eq!(receive(&mut engine, at(0), rtx(91, 4)), Ok((1, Some("q".into()))));
    // The encoder of "q" begins anew.
    receive(&mut engine, at(100), media(3, "q")).unwrap();
    assert_eq!(receive(&mut engine, at(100), rtx(93, 4)), Ok((3, Some("q".into()))));
}

#[test]
fn probes_before_the_media_are_consumed_and_padding_is_not_missed() {
    let mut engine = receiver(&["q", "h"]);
    let mut probe = packet(header(91, RTX, 1), &[(MID, "v"), (REPAIRED_RID, "q")], &[0, 0, 0, 4]);
    probe[0] |= 0x20;
    assert!(engine.handle_rtp(at(0), &mut probe).unwrap().is_none());
    receive(&mut engine, at(0), packet(header(1, VP8, 1), &[(MID, "v"), (RID, "q")], &DELTA)).unwrap();
    let mut padding = packet(header(1, VP8, 2), &[], &[0, 0, 0, 4]);
    padding[0] |= 0x20;
    assert!(engine.handle_rtp(at(1), &mut padding).unwrap().is_none());
    receive(&mut engine, at(2), packet(header(1, VP8, 3), &[], &DELTA)).unwrap();
    assert_eq!(engine.stats().probes_received, 2);
    engine.handle_timeout(at(300));
    rtcp(&mut engine, at(300));
    assert_eq!(engine.stream(1).unwrap().stats().nack_count, 0);
}

#[test]
fn a_keyframe_is_asked_for_by_id() {
    let mut engine = receiver(&["q", "h"]);
    let id = engine.section("v").unwrap();
    for (ssrc, rid) in [(1, "q"), (2, "h")] {
        receive(&mut engine, at(0), packet(header(ssrc, VP8, 1), &[(MID, "v"), (RID, rid)], &DELTA)).unwrap();
    }
    assert_eq!(engine.request_keyframe_of(at(1), id, "f"), Err(MediaError::UnknownStream));
    engine.request_keyframe_of(at(1), id, "h").unwrap();
    let compounds = rtcp(&mut engine, at(1));
    let asked: Vec<u32> = compounds
        .iter()
        .flat_map(|bytes| Compound::parse(bytes).unwrap().flatten())
        .filter_map(|packet| if let RtcpPacket::Pli(pli) = packet { Some(pli.ssrcs.media) } else { None })
        .collect();
    assert_eq!(asked, [2]);
}

#[test]
fn a_receiver_sees_one_stream_when_the_forwarded_layer_changes() {
    let mut source = receiver(&["q", "f"]);
    let mut other = MediaEngine::new(MediaConfig::default(), &Seed::from_u64(2), Instant::ZERO);
    let sender = other.add_sender(at(0), MediaKind::Video);
    other.set_section(at(0), video_section("w", Some(sender), Vec::new())).unwrap();
    let mut layers = LayerSelector::new("q");
    for frame in 0..20u16 {
        let now = at(u64::from(frame) * 33);
        if frame == 8 {
            layers.select("f");
        }
        for (ssrc, rid, start) in [(2, "f", 40_000), (1, "q", 100)] {
            let payload = if [(0, "q"), (12, "f")].contains(&(frame, rid)) { KEY } else { DELTA };
            let timestamp = u32::from(frame) * 2970 + ssrc * 1_000_000;
            let header = RtpHeader { timestamp, marker: true, ..header(ssrc, VP8, start + frame) };
            let mut bytes = packet(header, &[(MID, "v"), (RID, rid)], &payload);
            let kept = source.handle_rtp(now, &mut bytes).unwrap().unwrap().keep();
            if layers.takes(kept.rid(), kept.is_keyframe()) {
                other.forward_kept(now, sender, &kept).unwrap();
            }
        }
        let expected = if frame < 12 { "q" } else { "f" };
        assert_eq!(layers.forwarded(), Some(expected));
        assert_eq!(layers.waits_for().is_some(), (8..12).contains(&frame), "a keyframe");
    }
    let mut slab = [0; 1400];
    let mut sent = Vec::new();
    loop {
        let mut out = PacketBuf::new(&mut slab, 0, 0);
        match other.poll_packet(at(700), &mut out) {
            Some(PacketKind::Rtp) => sent.push(RtpPacket::parse(out.bytes()).unwrap().header()),
            Some(PacketKind::Rtcp) => {}
            None => break,
        }
    }
    assert_eq!(sent.len(), 20);
    for pair in sent.windows(2) {
        assert_eq!(pair[1].sequence_number, pair[0].sequence_number.wrapping_add(1));
        assert_eq!(pair[1].timestamp.wrapping_sub(pair[0].timestamp), 2970, "as long as a frame lasts");
        assert_eq!(pair[1].ssrc, pair[0].ssrc);
    }
}

/// A pair with one section of two encodings, sent by `a`.
fn sending() -> (Pair, [SenderId; 2]) {
    let mut pair = Pair::new(&MediaConfig::default(), 1);
    let rids = ["q", "f"];
    let senders = rids.map(|_| pair.a.add_sender(pair.now, MediaKind::Video));
    let mut own = video_section("v", Some(senders[0]), Vec::new());
    own.send.as_mut().unwrap().encodings = rids
        .iter()
        .zip(senders)
        .map(|(rid, sender)| SendEncoding { sender, rid: Some((*rid).into()) })
        .collect();
    pair.a.set_section(pair.now, own).unwrap();
    pair.b.set_section(pair.now, section(&rids)).unwrap();
    (pair, senders)
}

#[test]
fn packets_carry_the_stream_id_until_the_peer_was_heard_to_know_it_and_retransmissions_always() {
    let (mut pair, senders) = sending();
    for number in 0..300u32 {
        pair.run_until(at(u64::from(number) * 10));
        pair.loss = if (1..290).contains(&number) { 5 } else { 0 };
        senders.iter().for_each(|sender| pair.send_video(*sender, number));
    }
    pair.run_until(at(6000));
    for (sender, rid) in senders.iter().zip(["q", "f"]) {
        let sender = pair.a.sender(*sender).unwrap();
        assert_eq!(sender.rid(), Some(rid));
        let stream = pair.b.stream(sender.ssrc()).unwrap();
        assert_eq!((stream.rid(), stream.rtx_ssrc()), (Some(rid), Some(sender.rtx_ssrc())));
        assert_eq!((stream.stats().packets_received, stream.stats().packets_lost), (300, 0));
        let sent = pair.log.iter().filter(|(to_b, kind, _)| *to_b && *kind == PacketKind::Rtp);
        let packets: Vec<_> = sent.map(|(.., bytes)| RtpPacket::parse(bytes).unwrap()).collect();
        let of = |ssrc| packets.iter().filter(move |packet| packet.ssrc() == ssrc);
        let id = |packet: &&RtpPacket<'_>, kind| packet.extensions().get(kind) == Some(rid.as_bytes());
        let named: Vec<bool> = of(sender.ssrc()).map(|packet| id(&packet, RID)).collect();
        let first_bare = named.iter().position(|named| !named).unwrap();
        assert!(first_bare > 10 && named[first_bare..].iter().all(|named| !named), "until the first report");
        assert!(
            of(sender.rtx_ssrc()).count() > 0
                && of(sender.rtx_ssrc()).all(|packet| id(&packet, REPAIRED_RID))
        );
    }
}

#[test]
fn an_encoding_that_is_not_negotiated_any_more_falls_silent_and_feedback_is_told_by_stream() {
    let (mut pair, senders) = sending();
    for number in 0..3 {
        senders.iter().for_each(|sender| pair.send_video(*sender, number));
    }
    pair.run_until(at(100));
    let id = pair.b.section("v").unwrap();
    pair.b.request_keyframe_of(pair.now, id, "f").unwrap();
    pair.run_until(at(200));
    let ssrc = pair.a.sender(senders[1]).unwrap().ssrc();
    assert_eq!(pair.events_a, [Event::KeyframeRequested { sender: senders[1], ssrc }]);
    pair.a.set_section(pair.now, video_section("v", Some(senders[0]), Vec::new())).unwrap();
    assert_eq!(
        (pair.a.sender(senders[0]).unwrap().rid(), pair.a.sender(senders[1]).unwrap().section()),
        (None, None)
    );
    let unknown = SendEncoding { sender: senders[1], rid: None };
    pair.a.remove_sender(pair.now, senders[1]).unwrap();
    let mut own = video_section("v", Some(senders[0]), Vec::new());
    own.send.as_mut().unwrap().encodings.push(unknown);
    assert_eq!(pair.a.set_section(pair.now, own), Err(MediaError::UnknownSender));
}
