//! What peers must not be able to do: panic us, fill our memory, or steer us past a check.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions, missing_docs)]

mod support;

use proptest::prelude::*;
use sendrecv_core::{Instant, Machine, Writer};
use sendrecv_sctp::wire::{Chunk, ForwardTsn, GapBlock, Sack, Skipped, kind};
use sendrecv_sctp::{CloseReason, Config, Discard, Event, SendOptions, State};
use std::time::Duration;
use support::insider::{data, infiltrated};
use support::played::packet;
use support::{Link, Pair, payload};

#[test]
fn every_chunk_needs_the_right_verification_tag_and_checksum() {
    let (mut pair, insider) = infiltrated(&Config::default());
    let before = (pair.b.state(), pair.b.stats().receive_window);
    for kind in 0..=255u8 {
        let mut chunk = Vec::new();
        Chunk { kind, flags: 0, value: &[0; 24] }.write(&mut chunk).unwrap();
        for tag in [insider.tag_of_b ^ 1, 0, u32::MAX] {
            let result = pair.b.handle_datagram(pair.now, &packet(tag, &chunk));
            let shy = kind == kind::INIT && tag == 0;
            assert!(result.is_err() || shy, "kind {kind} with tag {tag:x}");
        }
        let mut broken = packet(insider.tag_of_b, &chunk);
        broken[8] ^= 1;
        assert_eq!(pair.b.handle_datagram(pair.now, &broken), Err(Discard::BadChecksum));
    }
    assert_eq!((pair.b.state(), pair.b.stats().receive_window), before);
    assert_eq!(pair.b.poll_event(), None);
}

#[test]
fn a_flood_of_fragments_without_beginnings_or_ends_is_bounded() {
    for interleaving in [false, true] {
        let config = Config { interleaving, receive_buffer: 1 << 20, ..Config::default() };
        for ends in [(false, false), (true, false), (false, true)] {
            let (mut pair, insider) = infiltrated(&config);
            for index in 0..60_000u32 {
                let tsn = insider.next_tsn.wrapping_add(1 + index);
                let chunk = data(tsn, interleaving, ends, index & 0xffff, u32::from(!ends.0) * (index + 1));
                let _ = pair.b.handle_datagram(pair.now, &packet(insider.tag_of_b, &chunk));
                if pair.b.state() == State::Closed {
                    break;
                }
            }
            pair.drain_packets();
            assert_eq!(pair.b.poll_event().is_some(), pair.b.state() == State::Closed);
        }
    }
}

#[test]
fn huge_jumps_of_every_number_cost_nothing() {
    for interleaving in [false, true] {
        let (mut pair, insider) = infiltrated(&Config { interleaving, ..Config::default() });
        let mut tsn = insider.next_tsn;
        for index in 0..2000u32 {
            tsn = tsn.wrapping_add(0x7fff_fff0);
            let skipped =
                Skipped { stream: 0, unordered: false, message_id: index.wrapping_mul(0x3fff_ffff) };
            let mut chunks = Vec::new();
            ForwardTsn::write(interleaving, tsn, [skipped].into_iter(), &mut chunks).unwrap();
            pair.b.handle_datagram(pair.now, &packet(insider.tag_of_b, &chunks)).unwrap();
            let mut chunks = Vec::new();
            let gaps = [GapBlock { start: 1, end: 0xffff }, GapBlock { start: 0xffff, end: 1 }];
            Sack::write(tsn, 0, gaps.into_iter(), &[tsn; 200], &mut chunks).unwrap();
            let _ = pair.b.handle_datagram(pair.now, &packet(insider.tag_of_b, &chunks));
        }
        assert_eq!(pair.b.state(), State::Established);
    }
}

#[test]
fn an_acknowledgement_of_what_was_never_sent_is_discarded() {
    let (mut pair, insider) = infiltrated(&Config::default());
    let mut chunks = Vec::new();
    Sack::write(0x1234_5678, 1 << 20, [].into_iter(), &[], &mut chunks).unwrap();
    let result = pair.b.handle_datagram(pair.now, &packet(insider.tag_of_b, &chunks));
    assert_eq!(result, Err(Discard::BadAcknowledgement));
}

#[test]
fn data_without_bytes_and_messages_beyond_our_limit_abort() {
    let config = Config { max_receive_message_size: 1000, interleaving: false, ..Config::default() };
    let (mut pair, insider) = infiltrated(&config);
    let mut empty = Vec::new();
    Chunk { kind: kind::DATA, flags: 3, value: &[0; 12] }.write(&mut empty).unwrap();
    empty[4..8].copy_from_slice(&insider.next_tsn.to_be_bytes());
    pair.b.handle_datagram(pair.now, &packet(insider.tag_of_b, &empty)).unwrap();
    assert_eq!(pair.b.close_reason(), Some(&CloseReason::ProtocolViolation("DATA without data")));
    let mut pair = Pair::connected(&config, Link::default(), 1);
    pair.a.send(pair.now, 0, 51, payload(1, 5000), SendOptions::default()).unwrap();
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.b.close_reason(), Some(&CloseReason::ProtocolViolation("message too long")));
}

#[test]
fn unknown_chunks_and_parameters_follow_their_high_bits() {
    let (mut pair, insider) = infiltrated(&Config { interleaving: false, ..Config::default() });
    let mut tsn = insider.next_tsn;
    for (kind, goes_on, reports) in
        [(0x3f, false, false), (0x7f, false, true), (0xbf, true, false), (0xff, true, true)]
    {
        let mut chunks = Vec::new();
        Chunk { kind, flags: 0, value: &[1, 2, 3] }.write(&mut chunks).unwrap();
        chunks.extend(data(tsn, false, (true, true), tsn.wrapping_sub(insider.next_tsn) + 1, 0));
        let _ = pair.b.handle_datagram(pair.now, &packet(insider.tag_of_b, &chunks));
        assert_eq!(matches!(pair.b.poll_event(), Some(Event::Message(_))), goes_on, "{kind:x}");
        tsn = tsn.wrapping_add(u32::from(goes_on));
        pair.log = Some(Vec::new());
        pair.drain_packets();
        let reported = pair
            .log
            .take()
            .unwrap()
            .iter()
            .any(|(_, packet)| packet[12..].windows(4).any(|bytes| bytes == [kind, 0, 0, 7]));
        assert_eq!(reported, reports, "{kind:x}");
    }
}

#[test]
fn inits_that_make_no_sense_establish_nothing() {
    let mut machine = support::association(Config::default(), 1);
    let now = Instant::from_millis(1000);
    for (tag, window, outbound, inbound) in
        [(0u32, 5000u32, 1u16, 1u16), (1, 0, 1, 1), (1, 5000, 0, 1), (1, 5000, 1, 0)]
    {
        let mut value = Vec::new();
        value.put_u32(tag).unwrap();
        value.put_u32(window).unwrap();
        value.put_u16(outbound).unwrap();
        value.put_u16(inbound).unwrap();
        value.put_u32(1).unwrap();
        let mut chunk = Vec::new();
        Chunk { kind: kind::INIT, flags: 0, value: &value }.write(&mut chunk).unwrap();
        let _ = machine.handle_datagram(now, &packet(0, &chunk));
        let mut slab = [0; 1500];
        let mut out = sendrecv_core::PacketBuf::new(&mut slab, 0, 0);
        if machine.poll_transmit(now, &mut out).is_some() {
            assert_eq!(out.bytes()[12], kind::ABORT);
        }
        assert_eq!(machine.state(), State::Closed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn mutated_and_random_packets_never_panic_and_keep_the_properties(
        seed: u64,
        mutations in prop::collection::vec((any::<u16>(), any::<u8>(), any::<u8>()), 1..80),
        interleaving: bool,
    ) {
        let config = Config { interleaving, lower_layer_is_dtls: true, ..Config::default() };
        let mut pair = Pair::connected(&config, Link { loss: 50, ..Link::default() }, seed);
        for number in 0..6 {
            pair.a.send(pair.now, number as u16, 51, payload(number, 3000), SendOptions::default()).unwrap();
        }
        pair.a.reset_stream(pair.now, 2).unwrap();
        let mut mutations = mutations.into_iter().cycle();
        let mut count = 0u32;
        pair.filter = Some(Box::new(|_, _| true));
        for _ in 0..60 {
            pair.log = Some(Vec::new());
            pair.step(Instant::MAX.min(pair.now + Duration::from_secs(5)));
            for (from_a, mut bytes) in pair.log.take().unwrap() {
                let (at, with, how) = mutations.next().unwrap();
                // Behind the common header, with a checksum of zero, so that everything gets to be parsed.
                let place = 12 + usize::from(at) % (bytes.len() - 12);
                match how % 3 {
                    0 => bytes[place] = with,
                    1 => bytes.truncate(place),
                    _ => bytes.insert(place, with),
                }
                bytes[8..12].fill(0);
                count += 1;
                let machine = if from_a { &mut pair.b } else { &mut pair.a };
                let _ = machine.handle_datagram(pair.now, &bytes);
                prop_assert!(machine.poll_timeout().is_none_or(|at| at >= Instant::ZERO));
            }
        }
        prop_assert!(count > 0);
        // P2 and P4: draining ends, and nothing is due afterwards.
        for machine in [&mut pair.a, &mut pair.b] {
            machine.handle_timeout(pair.now);
            while machine.poll_event().is_some() {}
        }
        pair.drain_packets();
        prop_assert!(pair.a.poll_timeout().is_none_or(|at| at > pair.now));
        prop_assert!(pair.b.poll_timeout().is_none_or(|at| at > pair.now));
    }

    #[test]
    fn numbers_near_their_wrap_are_harmless(seed in 0u64..1000, len in 1usize..4000) {
        // Initial TSNs are random: many seeds start near the wrap in one direction or the other; the signed distance is
        // what is tested, at every offset.
        let mut pair = Pair::connected(&Config::default(), Link { loss: 100, ..Link::default() }, seed);
        for number in 0..20 {
            pair.a.send(pair.now, 0, number, payload(number, len), SendOptions::default()).unwrap();
        }
        pair.run(Duration::from_secs(60));
        let numbers: Vec<_> = pair.take_b_messages().into_iter().map(|message| message.ppid).collect();
        prop_assert_eq!(numbers, (0..20).collect::<Vec<_>>());
    }
}
