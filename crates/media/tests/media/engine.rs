//! Behaviour of whole engines on a simulated line.

use crate::line::*;
use sendrecv_core::{Instant, Machine, PacketBuf, Seed};
use sendrecv_media::{
    CodecFeedback, CodecParameters, Discard, Event, MediaConfig, MediaEngine, MediaError, MediaKind,
    Outgoing, PacketKind, Payload, ReceiveParameters, RecentSource, SectionParameters, SenderId,
    SignalledSource, ToneTiming,
};
use sendrecv_rtp::extension::{ExtensionBlock, ExtensionKind};
use sendrecv_rtp::rtcp::{Compound, RtcpPacket};
use sendrecv_rtp::{RtpHeader, RtpPacket};

fn config() -> MediaConfig {
    MediaConfig {
        cname: "test@example".into(),
        wall_clock_at_zero: std::time::Duration::from_secs(1_700_000_000),
        ..Default::default()
    }
}

fn packet(
    ssrc: u32,
    payload_type: u8,
    sequence_number: u16,
    elements: &[(u8, &[u8])],
    payload: &[u8],
) -> Vec<u8> {
    let header = RtpHeader { ssrc, payload_type, sequence_number, ..Default::default() };
    let mut block = ExtensionBlock::new();
    elements.iter().for_each(|(id, data)| block.push(*id, data).unwrap());
    let mut bytes = Vec::new();
    header.write(std::iter::empty(), &block, &mut bytes).unwrap();
    bytes.extend(payload);
    bytes
}

fn receiver(sections: Vec<SectionParameters>) -> MediaEngine {
    let mut engine = MediaEngine::new(config(), &Seed::from_u64(9), Instant::ZERO);
    for section in sections {
        engine.set_section(Instant::ZERO, section).unwrap();
    }
    engine
}

fn receive(engine: &mut MediaEngine, mut bytes: Vec<u8>) -> Result<String, Discard> {
    let section = engine.handle_rtp(Instant::ZERO, &mut bytes)?.unwrap().section;
    Ok(engine.mid(section).unwrap().into())
}

fn transmit(engine: &mut MediaEngine, now: Instant) -> Option<(PacketKind, Vec<u8>)> {
    let mut slab = [0; 1400];
    let mut out = PacketBuf::new(&mut slab, 0, 0);
    let kind = engine.poll_packet(now, &mut out)?;
    Some((kind, out.bytes().to_vec()))
}

#[test]
fn a_tenth_of_the_packets_lost_all_come_back_by_retransmission() {
    let (mut pair, sender) = Pair::video(&config(), seed());
    for number in 0..1000 {
        pair.run_until(at(u64::from(number) * 10));
        // A receiver cannot miss what it does not know of: packets before its first and after its last.
        pair.loss = if (1..999).contains(&number) { 10 } else { 0 };
        pair.send_video(sender, number);
    }
    pair.run_until(at(13_000));
    let mut payloads: Vec<_> = pair.received.iter().map(|packet| packet.payload[2..].to_vec()).collect();
    payloads.sort();
    assert!(payloads.into_iter().eq((0..1000u32).map(|number| number.to_be_bytes().to_vec())));
    assert!(pair.received.iter().any(|packet| packet.repaired));
    let stats = pair.b.streams().next().unwrap().stats();
    assert!(stats.retransmitted_packets_received > 50 && stats.nack_count > 20, "{stats:?}");
    assert_eq!(stats.packets_lost, 0);
}

#[test]
fn without_rtx_a_lost_packet_is_sent_again_as_it_was() {
    let mut pair = Pair::new(&config(), 3);
    let sender = pair.a.add_sender(pair.now, MediaKind::Video);
    let mut plain = video_section("0", Some(sender), Vec::new());
    plain.send.as_mut().unwrap().codecs[0].rtx_payload_type = None;
    plain.receive.as_mut().unwrap().codecs[0].rtx_payload_type = None;
    pair.b.set_section(pair.now, SectionParameters { send: None, ..plain.clone() }).unwrap();
    pair.a.set_section(pair.now, plain).unwrap();
    pair.send_video(sender, 0);
    pair.loss = 100;
    pair.send_video(sender, 1);
    pair.loss = 0;
    pair.send_video(sender, 2);
    pair.run_until(at(200));
    assert_eq!(pair.received.len(), 3);
    assert!(pair.received.iter().all(|packet| !packet.repaired));
    let number = |bytes: &[u8]| RtpPacket::parse(bytes).unwrap().sequence_number();
    let media: Vec<_> = pair.log.iter().filter(|(_, kind, _)| *kind == PacketKind::Rtp).collect();
    let [_, lost, _, again] = media[..] else { panic!("{} packets", media.len()) };
    assert_eq!((number(&again.2), &again.2), (number(&lost.2), &lost.2), "to the last bit, for SRTP's sake");
}

#[test]
fn reports_carry_loss_clock_and_round_trip_time() {
    let (mut pair, sender) = Pair::video(&config(), seed());
    for number in 0..500 {
        pair.run_until(at(u64::from(number) * 10));
        pair.send_video(sender, number);
    }
    pair.run_until(at(6000));
    let remote = pair.a.sender(sender).unwrap().remote_stats().unwrap();
    let rtt = remote.round_trip_time.unwrap().as_millis();
    assert!((39..=41).contains(&rtt), "{rtt} ms");
    assert_eq!(remote.packets_lost, 0);
    let stream = pair.b.streams().next().unwrap();
    let report = stream.remote_stats().unwrap();
    assert!(report.packets_sent >= 400 && report.reports_sent >= 4);
    let wall = report.remote_timestamp.to_unix().as_secs();
    assert!((1_700_000_000..1_700_000_007).contains(&wall));
}

#[test]
fn every_compound_with_a_report_names_its_source() {
    let (mut pair, sender) = Pair::video(&config(), 1);
    for number in 0..300 {
        pair.run_until(at(u64::from(number) * 10));
        pair.send_video(sender, number);
    }
    let mut reports = 0;
    for (_, _, bytes) in pair.log.iter().filter(|(_, kind, _)| *kind == PacketKind::Rtcp) {
        let packets: Vec<_> = Compound::parse(bytes).unwrap().map(Result::unwrap).collect();
        if let [RtcpPacket::SenderReport(_) | RtcpPacket::ReceiverReport(_), second, ..] = &packets[..] {
            let RtcpPacket::Sdes(sdes) = second else { panic!("{second:?}") };
            assert_eq!(sdes.chunks().next().unwrap().cname(), Some(&b"test@example"[..]));
            reports += 1;
        }
    }
    assert!(reports >= 4, "{reports}");
}

#[test]
fn without_reduced_size_feedback_goes_behind_a_report() {
    let (mut pair, sender) = Pair::video(&MediaConfig { reduced_size: false, ..config() }, 1);
    for number in 0..100 {
        pair.run_until(at(u64::from(number) * 10));
        pair.send_video(sender, number);
    }
    let compounds = pair.log.iter().filter(|(_, kind, _)| *kind == PacketKind::Rtcp);
    for (_, _, bytes) in compounds {
        let first = Compound::parse(bytes).unwrap().next().unwrap().unwrap();
        assert!(matches!(first, RtcpPacket::SenderReport(_) | RtcpPacket::ReceiverReport(_)), "{first:?}");
    }
}

#[test]
fn transport_feedback_covers_every_packet_across_sections() {
    let mut pair = Pair::new(&config(), 5);
    let (video, audio) =
        (pair.a.add_sender(pair.now, MediaKind::Video), pair.a.add_sender(pair.now, MediaKind::Audio));
    pair.a.set_section(pair.now, video_section("v", Some(video), Vec::new())).unwrap();
    pair.a.set_section(pair.now, audio_section("a", Some(audio))).unwrap();
    pair.b.set_section(pair.now, video_section("v", None, Vec::new())).unwrap();
    pair.b.set_section(pair.now, audio_section("a", None)).unwrap();
    for number in 0..200u32 {
        pair.run_until(at(u64::from(number) * 10));
        pair.send_video(video, number);
        let timestamp = number * 480;
        let tone = Outgoing {
            payload_type: OPUS,
            marker: false,
            timestamp,
            extensions: &[],
            payload: Payload::Pieces(&[b"opus"]),
        };
        pair.a.write(pair.now, audio, &tone).unwrap();
        pair.drain();
    }
    pair.run_until(at(3000));
    let mut covered = 0;
    for (_, _, bytes) in pair.log.iter().filter(|(to_b, kind, _)| !to_b && *kind == PacketKind::Rtcp) {
        for packet in Compound::parse(bytes).unwrap().flatten() {
            if let RtcpPacket::Twcc(twcc) = packet {
                covered += twcc.packets().filter(|(_, arrival)| arrival.is_some()).count();
            }
        }
    }
    assert_eq!(covered, 400);
    assert!(pair.a.stats().transport_feedback_received > 10);
}

#[test]
fn a_forwarded_stream_keeps_gaps_and_changes_identity() {
    let mut echo = receiver(vec![]);
    let sender = echo.add_sender(at(0), MediaKind::Video);
    echo.set_section(at(0), video_section("0", Some(sender), Vec::new())).unwrap();
    for number in [100, 101, 103, 102] {
        let mut bytes = packet(77, VP8, number, &[(4, b"0")], &[0x10, 0, u8::try_from(number).unwrap()]);
        let inbound = echo.handle_rtp(at(0), &mut bytes).unwrap().unwrap();
        echo.forward(at(0), sender, &inbound).unwrap();
    }
    let ssrc = echo.sender(sender).unwrap().ssrc();
    let sent: Vec<Vec<u8>> = std::iter::from_fn(|| transmit(&mut echo, at(0)))
        .filter(|(kind, _)| *kind == PacketKind::Rtp)
        .map(|(_, bytes)| bytes)
        .collect();
    let packets: Vec<_> = sent.iter().map(|bytes| RtpPacket::parse(bytes).unwrap()).collect();
    let first = packets[0].sequence_number();
    assert!(first < 1 << 15);
    let steps: Vec<_> = packets.iter().map(|packet| packet.sequence_number() - first).collect();
    assert_eq!(steps, [0, 1, 3, 2]);
    assert!(packets.iter().all(|packet| packet.ssrc() == ssrc && packet.extensions().get(4) == Some(b"0")));
    let payloads: Vec<_> = packets.iter().map(|packet| packet.payload()[2]).collect();
    assert_eq!(payloads, [100, 101, 103, 102]);
}

#[test]
fn a_kept_packet_is_forwarded_by_other_engines_in_their_own_numbers() {
    let mut source = receiver(vec![video_section("0", None, Vec::new())]);
    let mut bytes = packet(77, VP8, 500, &[(4, b"0")], &[0x10, 0, 9]);
    let kept = source.handle_rtp(at(0), &mut bytes).unwrap().unwrap().keep();
    assert_eq!(kept.codec().unwrap().name, "VP8");
    drop((source, bytes));
    for payload_type in [100, 101] {
        let mut other = MediaEngine::new(config(), &Seed::from_u64(payload_type.into()), Instant::ZERO);
        let sender = other.add_sender(at(0), MediaKind::Video);
        let mut section = video_section("v", Some(sender), Vec::new());
        section.send.as_mut().unwrap().codecs =
            vec![CodecParameters::new(98, "H264", 90_000), CodecParameters::new(payload_type, "vp8", 90_000)];
        other.set_section(at(0), section).unwrap();
        other.forward_kept(at(0), sender, &kept).unwrap();
        let (_, sent) = transmit(&mut other, at(0)).unwrap();
        let sent = RtpPacket::parse(&sent).unwrap();
        assert_eq!((sent.payload_type(), sent.payload()), (payload_type, &[0x10, 0, 9][..]));
        assert_eq!(sent.ssrc(), other.sender(sender).unwrap().ssrc());
        assert_eq!(sent.extensions().get(4), Some(&b"v"[..]), "the MID is that of the next hop");
    }
    let mut none = receiver(vec![]);
    let sender = none.add_sender(at(0), MediaKind::Video);
    assert_eq!(none.forward_kept(at(0), sender, &kept), Err(MediaError::NotNegotiated));
}

#[test]
fn a_packet_that_does_not_fit_a_shortened_datagram_waits() {
    let mut engine = receiver(vec![]);
    let sender = engine.add_sender(at(0), MediaKind::Video);
    engine.set_section(at(0), video_section("0", Some(sender), Vec::new())).unwrap();
    let payload: &[&[u8]] = &[&[0; 100]];
    let payload = Payload::Pieces(payload);
    let packet = Outgoing { payload_type: VP8, marker: true, timestamp: 0, extensions: &[], payload };
    engine.write(at(0), sender, &packet).unwrap();
    let mut slab = [0; 1400];
    let mut out = PacketBuf::new(&mut slab, 0, 0);
    out.limit_len(99);
    assert!(!engine.poll_rtp_that_fits(at(0), &mut out));
    let mut out = PacketBuf::new(&mut slab, 0, 0);
    assert!(engine.poll_rtp_that_fits(at(0), &mut out));
    assert_eq!(engine.sender(sender).unwrap().stats().packets_too_long, 0);
}

#[test]
fn the_mid_routes_first_then_the_payload_type_if_unique() {
    let mut engine = receiver(vec![
        video_section("v1", None, Vec::new()),
        video_section("v2", None, Vec::new()),
        audio_section("a", None),
    ]);
    assert_eq!(receive(&mut engine, packet(1, VP8, 1, &[(4, b"v2")], b"x")), Ok("v2".into()));
    assert_eq!(receive(&mut engine, packet(1, VP8, 2, &[], b"x")), Ok("v2".into()));
    assert_eq!(receive(&mut engine, packet(2, OPUS, 1, &[], b"x")), Ok("a".into()));
    assert_eq!(receive(&mut engine, packet(3, VP8, 1, &[], b"x")), Err(Discard::Unroutable));
    assert_eq!(receive(&mut engine, packet(4, VP8, 1, &[(4, b"nope")], b"x")), Err(Discard::Unroutable));
    assert_eq!(receive(&mut engine, packet(5, 50, 1, &[(4, b"a")], b"x")), Err(Discard::UnknownPayloadType));
    // An SSRC may move to another section.
    assert_eq!(receive(&mut engine, packet(1, VP8, 3, &[(4, b"v1")], b"x")), Ok("v1".into()));
    assert_eq!(engine.stats().discards.total(), 3);
}

#[test]
fn a_signalled_ssrc_needs_no_mid() {
    let signalled = vec![SignalledSource { ssrc: 7, rtx_ssrc: Some(8) }];
    let mut engine =
        receiver(vec![video_section("v1", None, Vec::new()), video_section("v2", None, signalled)]);
    assert_eq!(receive(&mut engine, packet(7, VP8, 1, &[], b"x")), Ok("v2".into()));
    let mut rtx = packet(8, RTX, 900, &[], &[0, 2, b'y']);
    let inbound = engine.handle_rtp(at(0), &mut rtx).unwrap().unwrap();
    assert_eq!(
        (inbound.packet.ssrc(), inbound.packet.payload_type(), inbound.packet.sequence_number()),
        (7, VP8, 2)
    );
    assert_eq!((inbound.packet.payload(), inbound.repaired), (&b"y"[..], true));
}

#[test]
fn a_repaired_stream_id_names_the_stream_that_is_repaired() {
    let mut engine = receiver(vec![video_section("v", None, Vec::new())]);
    for (ssrc, rid) in [(1, b"hi"), (2, b"lo")] {
        receive(&mut engine, packet(ssrc, VP8, 1, &[(4, b"v"), (10, rid)], b"x")).unwrap();
    }
    assert_eq!(
        receive(&mut engine, packet(9, RTX, 1, &[(4, b"v")], &[0, 2, 1])),
        Err(Discard::UnknownRepairedStream)
    );
    let mut rtx = packet(9, RTX, 1, &[(4, b"v"), (11, b"lo")], &[0, 2, 1]);
    assert_eq!(engine.handle_rtp(at(0), &mut rtx).unwrap().unwrap().packet.ssrc(), 2);
    assert_eq!(engine.stream(2).unwrap().rtx_ssrc(), Some(9));
}

#[test]
fn probes_of_padding_only_are_consumed() {
    let mut engine = receiver(vec![video_section("v", None, Vec::new())]);
    receive(&mut engine, packet(1, VP8, 1, &[], b"x")).unwrap();
    let mut probe = packet(1, VP8, 2, &[], &[0, 0, 0, 4]);
    probe[0] |= 0x20;
    assert!(engine.handle_rtp(at(0), &mut probe).unwrap().is_none());
    assert!(engine.handle_rtp(at(0), &mut packet(2, RTX, 2, &[], &[])).unwrap().is_none());
    assert_eq!(engine.stats().probes_received, 2);
}

#[test]
fn duplicates_are_counted_and_not_handed_up() {
    let mut engine = receiver(vec![video_section("v", None, Vec::new())]);
    receive(&mut engine, packet(1, VP8, 1, &[], b"x")).unwrap();
    let before = (engine.poll_timeout(), engine.streams().count());
    assert!(engine.handle_rtp(at(0), &mut packet(1, VP8, 1, &[], b"x")).unwrap().is_none());
    assert_eq!((engine.poll_timeout(), engine.streams().count()), before);
    assert_eq!(engine.stream(1).unwrap().stats().packets_discarded, 1);
}

/// An engine that sent a packet of video, and its sender.
fn sender_of_video() -> (MediaEngine, SenderId) {
    let mut engine = receiver(Vec::new());
    let sender = engine.add_sender(at(0), MediaKind::Video);
    engine.set_section(at(0), video_section("v", Some(sender), Vec::new())).unwrap();
    send_one(&mut engine, sender);
    while transmit(&mut engine, at(0)).is_some() {}
    (engine, sender)
}

fn send_one(engine: &mut MediaEngine, sender: SenderId) {
    let payload = Payload::Pieces(&[b"frame"]);
    let packet = Outgoing { payload_type: VP8, marker: true, timestamp: 0, extensions: &[], payload };
    engine.write(at(0), sender, &packet).unwrap();
}

/// The SSRCs of all goodbyes that wait.
fn goodbyes(engine: &mut MediaEngine, now: Instant) -> Vec<u32> {
    let mut gone = Vec::new();
    while let Some((kind, bytes)) = transmit(engine, now) {
        if kind == PacketKind::Rtcp {
            for packet in Compound::parse(&bytes).unwrap().flatten() {
                if let RtcpPacket::Bye(bye) = packet {
                    gone.extend(bye.ssrcs());
                }
            }
        }
    }
    gone
}

#[test]
fn from_a_collision_we_go_with_a_goodbye_and_the_other_keeps_the_ssrc() {
    let (mut engine, sender) = sender_of_video();
    let before = engine.sender(sender).unwrap().ssrc();
    assert_eq!(receive(&mut engine, packet(before, VP8, 1, &[], b"x")), Ok("v".into()));
    let renamed = engine.sender(sender).unwrap();
    let (ssrc, rtx_ssrc) = (renamed.ssrc(), renamed.rtx_ssrc());
    assert_ne!(ssrc, before);
    assert!(engine.stream(before).is_some(), "it is theirs now");
    let events: Vec<Event> = std::iter::from_fn(|| engine.poll_event()).collect();
    assert!(events.contains(&Event::SsrcChanged { sender, ssrc, rtx_ssrc }));
    assert!(events.contains(&Event::KeyframeRequested { sender, ssrc }), "whoever receives begins anew");
    assert_eq!(goodbyes(&mut engine, at(1)), [before]);
    send_one(&mut engine, sender);
    let (_, bytes) = transmit(&mut engine, at(1)).unwrap();
    let sent = RtpPacket::parse(&bytes).unwrap();
    assert_eq!((sent.ssrc(), sent.payload()), (ssrc, &b"frame"[..]));
    let mid = engine.extensions().id(ExtensionKind::Mid).unwrap();
    assert_eq!(sent.extensions().get(mid), Some(&b"v"[..]), "a new stream says where it belongs");
}

#[test]
fn a_loop_is_not_run_away_from() {
    let (mut engine, sender) = sender_of_video();
    let mut ours = engine.sender(sender).unwrap().ssrc();
    let mut changes = 0;
    for second in 0..60 {
        // Whatever we send comes back.
        let _: Result<_, Discard> =
            engine.handle_rtp(at(second * 1000), &mut packet(ours, VP8, 1, &[], b"x"));
        let now = engine.sender(sender).unwrap().ssrc();
        changes += u32::from(std::mem::replace(&mut ours, now) != now);
    }
    assert_eq!(changes, 1);
    assert_eq!(engine.stats().discards.get(Discard::SsrcCollision), 59);
    // Long after the last one it is a collision again.
    assert!(engine.handle_rtp(at(120_000), &mut packet(ours, VP8, 1, &[], b"x")).is_ok());
    assert_ne!(engine.sender(sender).unwrap().ssrc(), ours);
}

#[test]
fn a_description_that_names_an_ssrc_of_ours_takes_it() {
    let (mut engine, sender) = sender_of_video();
    let (ssrc, rtx) = (engine.sender(sender).unwrap().ssrc(), engine.sender(sender).unwrap().rtx_ssrc());
    let sources = vec![SignalledSource { ssrc: 77, rtx_ssrc: Some(rtx) }];
    engine.set_section(at(0), video_section("v", Some(sender), sources)).unwrap();
    let renamed = engine.sender(sender).unwrap();
    assert_eq!(renamed.ssrc(), ssrc, "only retransmissions collide");
    assert_ne!(renamed.rtx_ssrc(), rtx);
    assert_eq!(receive(&mut engine, packet(77, VP8, 1, &[], b"x")), Ok("v".into()));
    assert_eq!(engine.stream(77).unwrap().rtx_ssrc(), Some(rtx));
    assert_eq!(goodbyes(&mut engine, at(1)), [0; 0], "nothing was said under it");
}

#[test]
fn sources_are_told_with_their_levels_for_ten_seconds() {
    let mut section = audio_section("a", None);
    section.extensions.insert(9, ExtensionKind::CsrcAudioLevel);
    let mut engine = receiver(vec![section]);
    let section = engine.section("a").unwrap();
    let mut block = ExtensionBlock::new();
    block.push(1, &[0x80 | 30]).unwrap();
    block.push(9, &[10, 127]).unwrap();
    let header =
        RtpHeader { ssrc: 5, payload_type: OPUS, sequence_number: 1, timestamp: 960, ..Default::default() };
    let mut bytes = Vec::new();
    header.write([100, 101, 102].into_iter(), &block, &mut bytes).unwrap();
    bytes.extend(b"opus");
    assert!(engine.handle_rtp(at(100), &mut bytes).unwrap().is_some());
    let told = |sources: Vec<RecentSource>| -> Vec<_> {
        let told = |own: &RecentSource| (own.source, own.at, own.rtp_timestamp, own.audio_level);
        sources.iter().map(told).collect()
    };
    assert_eq!(told(engine.synchronization_sources(at(200), section)), [(5, at(100), 960, Some(30))]);
    assert_eq!(
        told(engine.contributing_sources(at(200), section)),
        [(100, at(100), 960, Some(10)), (101, at(100), 960, Some(127)), (102, at(100), 960, None)]
    );
    let mut next = packet(6, OPUS, 1, &[], b"opus");
    assert!(engine.handle_rtp(at(5000), &mut next).unwrap().is_some());
    // A renegotiation forgets nobody.
    let mut section_again = audio_section("a", None);
    section_again.extensions.insert(9, ExtensionKind::CsrcAudioLevel);
    engine.set_section(at(5000), section_again).unwrap();
    let sources = engine.synchronization_sources(at(6000), section);
    assert_eq!(sources.iter().map(|own| own.source).collect::<Vec<_>>(), [6, 5]);
    assert_eq!(engine.synchronization_sources(at(10_101), section).len(), 1);
    assert_eq!(engine.contributing_sources(at(10_101), section).len(), 0);
}

#[test]
fn tones_are_sent_in_the_stream_in_place_of_its_audio() {
    let mut engine = receiver(Vec::new());
    let sender = engine.add_sender(at(0), MediaKind::Audio);
    let mut section = audio_section("a", Some(sender));
    let codecs = &mut section.send.as_mut().unwrap().codecs;
    codecs.push(CodecParameters::new(126, "telephone-event", 8000));
    codecs.push(CodecParameters::new(110, "telephone-event", 48_000));
    engine.set_section(at(0), section).unwrap();
    assert_eq!(
        engine.insert_tones(at(0), sender, "1 2", ToneTiming::default()),
        Err(MediaError::UnknownTone)
    );
    let mut sent = Vec::new();
    let mut tones = Vec::new();
    for millis in (0..600).step_by(10) {
        let now = at(millis);
        if millis % 20 == 0 {
            let payload = Payload::Pieces(&[b"opus"]);
            let timestamp = u32::try_from(millis).unwrap() * 48;
            let packet = Outgoing { payload_type: OPUS, marker: false, timestamp, extensions: &[], payload };
            engine.write(now, sender, &packet).unwrap();
        }
        if millis == 100 {
            engine.insert_tones(now, sender, "5,", ToneTiming::default()).unwrap();
            assert_eq!(engine.sender(sender).unwrap().tone_buffer(), ",");
        }
        if engine.poll_timeout().is_some_and(|due| due <= now) {
            engine.handle_timeout(now);
        }
        while let Some((kind, bytes)) = transmit(&mut engine, now) {
            if kind == PacketKind::Rtp {
                let packet = RtpPacket::parse(&bytes).unwrap();
                sent.push((
                    millis,
                    packet.payload_type(),
                    packet.sequence_number(),
                    packet.timestamp(),
                    packet.marker(),
                ));
            }
        }
        tones.extend(std::iter::from_fn(|| engine.poll_event()).map(|event| (millis, event)));
    }
    let tone = |tone| Event::ToneChanged { sender, tone };
    assert_eq!(tones, [(100, tone(Some('5'))), (270, tone(Some(',')))]);
    assert!(sent.windows(2).all(|pair| pair[1].2 == pair[0].2 + 1), "one count for both");
    let events: Vec<_> = sent.iter().filter(|own| own.1 != OPUS).collect();
    assert!(events.iter().all(|own| own.1 == 110), "those with the clock of the audio");
    assert_eq!(events.iter().map(|own| own.0).collect::<Vec<_>>(), [120, 140, 160, 180, 200, 220, 240]);
    assert_eq!(events.iter().filter(|own| own.4).count(), 1);
    assert!(events.iter().all(|own| own.3 == sent[0].3 + 100 * 48), "the time at which it began");
    let audio: Vec<_> = sent.iter().filter(|own| own.1 == OPUS).map(|own| own.0).collect();
    assert!(audio.contains(&100) && !audio.iter().any(|at| (120..200).contains(at)) && audio.contains(&200));
}

#[test]
fn a_million_ssrcs_stay_bounded() {
    let mut engine = receiver(vec![video_section("v", None, Vec::new())]);
    let mut rng = Seed::from_u64(seed()).rng();
    for _ in 0..1_000_000 {
        let _: Result<_, Discard> = engine.handle_rtp(at(0), &mut packet(rng.u32(), VP8, 1, &[], b"x"));
    }
    assert_eq!(engine.streams().count(), config().max_receive_streams);
    assert!(engine.stats().discards.get(Discard::TooManyStreams) > 990_000);
    while engine.poll_event().is_some() {}
    // Silence makes room again.
    for seconds in 1..=62 {
        engine.handle_timeout(at(seconds * 1000));
        while transmit(&mut engine, at(seconds * 1000)).is_some() {}
    }
    assert_eq!(engine.streams().count(), 0);
    assert!(receive(&mut engine, packet(5, VP8, 1, &[], b"x")).is_ok());
}

#[test]
fn keyframe_requests_reach_the_sender_once_and_are_throttled() {
    let (mut pair, sender) = Pair::video(&config(), 1);
    pair.send_video(sender, 0);
    pair.run_until(at(30));
    let ssrc = pair.a.sender(sender).unwrap().ssrc();
    for _ in 0..5 {
        pair.b.request_keyframe(pair.now, ssrc).unwrap();
    }
    pair.run_until(at(100));
    assert_eq!(pair.events_a, [Event::KeyframeRequested { sender, ssrc }]);
    pair.b.request_keyframe(pair.now, ssrc).unwrap();
    pair.run_until(at(300));
    assert_eq!(pair.events_a.len(), 1);
    pair.run_until(at(400));
    assert_eq!(pair.events_a.len(), 2);
    assert_eq!(pair.b.stream(ssrc).unwrap().stats().pli_count, 2);
    assert_eq!(pair.b.request_keyframe(pair.now, 12345), Err(MediaError::UnknownStream));
}

#[test]
fn fir_is_used_where_pli_was_not_negotiated() {
    let (mut pair, sender) = Pair::video(&config(), 1);
    let mut section = video_section("0", None, Vec::new());
    let feedback = CodecFeedback { fir: true, ..CodecFeedback::default() };
    section.receive = Some(ReceiveParameters {
        codecs: vec![CodecParameters { feedback, ..video_codec() }],
        ..Default::default()
    });
    pair.b.set_section(pair.now, section).unwrap();
    pair.send_video(sender, 0);
    pair.run_until(at(30));
    let ssrc = pair.a.sender(sender).unwrap().ssrc();
    pair.b.request_keyframe(pair.now, ssrc).unwrap();
    pair.run_until(at(100));
    assert_eq!(pair.events_a, [Event::KeyframeRequested { sender, ssrc }]);
    assert_eq!(pair.a.sender(sender).unwrap().stats().fir_count, 1);
}

#[test]
fn what_cannot_be_repaired_makes_the_receiver_ask_for_a_keyframe() {
    let (mut pair, sender) = Pair::video(&config(), 1);
    pair.send_video(sender, 0);
    pair.loss = 100;
    (1..700).for_each(|number| pair.send_video(sender, number));
    pair.loss = 0;
    pair.send_video(sender, 700);
    pair.run_until(at(200));
    assert!(matches!(pair.events_a[..], [Event::KeyframeRequested { .. }]));
}

#[test]
fn a_keyframe_is_asked_for_in_the_same_turn_that_gives_packets_up() {
    let mut engine = receiver(vec![video_section("v", None, Vec::new())]);
    receive(&mut engine, packet(1, VP8, 1, &[], b"x")).unwrap();
    receive(&mut engine, packet(1, VP8, 3, &[], b"x")).unwrap();
    engine.handle_timeout(at(5));
    while transmit(&mut engine, at(5)).is_some() {}
    // Nothing is left to ask for but a keyframe.
    engine.handle_timeout(at(30_000));
    let mut requests = 0;
    while let Some((_, bytes)) = transmit(&mut engine, at(30_000)) {
        requests += Compound::parse(&bytes)
            .unwrap()
            .filter(|packet| matches!(packet, Ok(RtcpPacket::Pli(_))))
            .count();
    }
    assert_eq!(requests, 1);
    assert!(engine.poll_timeout().unwrap() > at(30_000));
}

#[test]
fn closing_says_goodbye_and_ends_everything() {
    let (mut pair, sender) = Pair::video(&config(), 1);
    pair.send_video(sender, 0);
    pair.run_until(at(30));
    pair.a.close(pair.now);
    pair.run_until(at(100));
    assert!(matches!(pair.events_b[..], [Event::StreamStarted { .. }, Event::StreamEnded { .. }]));
    let packet = Outgoing {
        payload_type: VP8,
        marker: true,
        timestamp: 0,
        extensions: &[],
        payload: Payload::Pieces(&[b"x"]),
    };
    assert_eq!(pair.a.write(pair.now, sender, &packet), Err(MediaError::Closed));
    assert_eq!(pair.a.handle_rtp(pair.now, &mut [0x80; 12]).err(), Some(Discard::Closed));
    assert_eq!(pair.a.handle_rtcp(pair.now, &[]), Err(Discard::Closed));
    assert_eq!(pair.a.poll_timeout(), None);
    assert!(transmit(&mut pair.a, at(200)).is_none());
}

#[test]
fn nothing_is_sent_before_negotiation_and_queues_are_bounded() {
    let mut engine = receiver(vec![]);
    let sender = engine.add_sender(at(0), MediaKind::Audio);
    let packet = |payload_type| Outgoing {
        payload_type,
        marker: false,
        timestamp: 0,
        extensions: &[],
        payload: Payload::Pieces(&[b"x"]),
    };
    assert_eq!(engine.write(at(0), sender, &packet(OPUS)), Err(MediaError::NotNegotiated));
    engine.set_section(at(0), audio_section("a", Some(sender))).unwrap();
    assert_eq!(engine.write(at(0), sender, &packet(3)), Err(MediaError::UnknownPayloadType));
    let long = [0; 2000];
    let too_long = Outgoing { payload: Payload::Pieces(&[&long]), ..packet(OPUS) };
    assert_eq!(engine.write(at(0), sender, &too_long), Err(MediaError::TooLong));
    let capacity = config().audio_cache_packets;
    assert!((0..capacity).all(|_| engine.write(at(0), sender, &packet(OPUS)).is_ok()));
    assert_eq!(engine.write(at(0), sender, &packet(OPUS)), Err(MediaError::QueueFull));
    engine.remove_sender(at(0), sender).unwrap();
    assert_eq!(engine.write(at(0), sender, &packet(OPUS)), Err(MediaError::UnknownSender));
    assert!(transmit(&mut engine, at(0)).is_none());
}

#[test]
fn extensions_are_stamped_with_each_transmission() {
    let mut engine = receiver(vec![]);
    let sender = engine.add_sender(at(0), MediaKind::Audio);
    engine.set_section(at(0), audio_section("a", Some(sender))).unwrap();
    let level = [(ExtensionKind::AudioLevel, &[0x85][..]), (ExtensionKind::ColorSpace, &[1])];
    let packet = Outgoing {
        payload_type: OPUS,
        marker: false,
        timestamp: 0,
        extensions: &level,
        payload: Payload::Pieces(&[b"x"]),
    };
    let mut sequence = None;
    for millis in 0..3 {
        engine.write(at(millis), sender, &packet).unwrap();
        let (kind, bytes) = transmit(&mut engine, at(millis)).unwrap();
        assert_eq!(kind, PacketKind::Rtp);
        let packet = RtpPacket::parse(&bytes).unwrap();
        let ids: Vec<_> = packet.extensions().map(|(id, _)| id).collect();
        assert_eq!(ids, [3, 2, 4, 1]);
        let number = u16::from_be_bytes(*packet.extensions().get(3).unwrap().first_chunk().unwrap());
        assert!(sequence.is_none_or(|before: u16| number == before.wrapping_add(1)));
        sequence = Some(number);
    }
}

#[test]
fn spurious_timeouts_and_backwards_time_are_harmless() {
    let (mut pair, sender) = Pair::video(&config(), 1);
    pair.send_video(sender, 0);
    pair.run_until(at(100));
    let deadline = pair.b.poll_timeout();
    for millis in [100, 50, 0, 100] {
        pair.b.handle_timeout(at(millis));
        assert_eq!((pair.b.poll_timeout(), transmit(&mut pair.b, at(millis))), (deadline, None));
    }
    assert!(pair.b.stats().time_ran_backwards > 0);
}

#[test]
fn equal_seeds_give_equal_packets() {
    let run = || {
        let (mut pair, sender) = Pair::video(&config(), 42);
        pair.loss = 5;
        for number in 0..200 {
            pair.run_until(at(u64::from(number) * 7));
            pair.send_video(sender, number);
        }
        pair.log
    };
    assert_eq!(run(), run());
}
