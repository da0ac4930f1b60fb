//! What a peer can make us keep is bounded in bytes of heap, counted by the allocator.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions, missing_docs)]

mod support;

use sendrecv_core::{Machine, Writer};
use sendrecv_sctp::wire::{Chunk, OutgoingResetRequest, kind};
use sendrecv_sctp::{Config, State};
use sendrecv_sim::{Allocations, Counting};
use std::time::Duration;
use support::insider::{Insider, data, infiltrated};
use support::played::packet;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const BUFFER: usize = 1 << 20;

/// Lets the peer send `count` packets made by `chunks`, answers and all, while the application takes nothing; the most
/// heap that was kept.
fn flood(interleaving: bool, count: u32, mut chunks: impl FnMut(u32, &Insider) -> Vec<u8>) -> isize {
    let config = Config { interleaving, receive_buffer: BUFFER, ..Config::default() };
    let (mut pair, insider) = infiltrated(&config);
    let mut slab = [0; 2000];
    let allocations = Allocations::start();
    let mut most = 0;
    for index in 0..count {
        let bytes = packet(insider.tag_of_b, &chunks(index, &insider));
        let _ = pair.b.handle_datagram(pair.now, &bytes);
        drop(bytes);
        if index % 16 == 0 {
            pair.now += Duration::from_millis(1);
            let mut out = sendrecv_core::PacketBuf::new(&mut slab, 0, 0);
            while pair.b.poll_transmit(pair.now, &mut out).is_some() {
                out.clear();
            }
        }
        most = most.max(allocations.held_bytes());
        if pair.b.state() == State::Closed {
            break;
        }
    }
    most
}

/// Of what is kept, and of the overhead of keeping it in maps.
const BOUND: isize = 4 * BUFFER as isize;

#[test]
fn fragments_that_never_become_messages_fill_no_more_than_the_buffer() {
    for interleaving in [false, true] {
        for ends in [(false, false), (true, false), (false, true)] {
            let most = flood(interleaving, 60_000, |index, insider| {
                let tsn = insider.next_tsn.wrapping_add(1 + index);
                data(tsn, interleaving, ends, index & 0xffff, u32::from(!ends.0) * (index + 1))
            });
            assert!(most < BOUND, "{interleaving} {ends:?}: {most}");
        }
    }
}

#[test]
fn messages_that_wait_for_an_earlier_one_fill_no_more_than_the_buffer() {
    for interleaving in [false, true] {
        let most = flood(interleaving, 60_000, |index, insider| {
            let tsn = insider.next_tsn.wrapping_add(index);
            data(tsn, interleaving, (true, true), 2 + index % 30_000, 0)
        });
        assert!(most < BOUND, "{most}");
    }
}

#[test]
fn messages_that_nobody_takes_fill_no_more_than_the_buffer() {
    for interleaving in [false, true] {
        let most = flood(interleaving, 60_000, |index, insider| {
            let tsn = insider.next_tsn.wrapping_add(index);
            data(tsn, interleaving, (true, true), 1 + index, 0)
        });
        assert!(most < BOUND, "{most}");
    }
}

#[test]
fn beginnings_set_little_aside_even_after_a_long_message() {
    for interleaving in [false, true] {
        let most = flood(interleaving, 40_000, |index, insider| {
            let tsn = insider.next_tsn.wrapping_add(index);
            // One message of 256 KiB makes the estimate; then there are only beginnings.
            match index {
                0..65 => long_fragment(tsn, interleaving, index),
                _ => data(tsn, interleaving, (true, false), 2 + index, 0),
            }
        });
        assert!(most < 2 * BOUND, "{most}");
    }
}

/// One of 65 fragments of 4 KiB each.
fn long_fragment(tsn: u32, interleaving: bool, index: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut chunk = data(tsn, interleaving, (index == 0, index == 64), 1, index);
    chunk.truncate(chunk.len() - 4);
    bytes.put(&chunk[4..]).unwrap();
    bytes.put(&[7; 4096]).unwrap();
    let mut out = Vec::new();
    Chunk { kind: chunk[0], flags: chunk[1], value: &bytes }.write(&mut out).unwrap();
    out
}

#[test]
fn answers_that_wait_are_few_whatever_is_asked() {
    for kind in [kind::HEARTBEAT, kind::INIT, kind::COOKIE_ECHO, kind::ERROR, kind::SHUTDOWN_ACK, 0xff, 0x7f]
    {
        let most = flood(false, 20_000, |index, _| {
            let mut chunks = Vec::new();
            let value = [index.to_be_bytes(); 60].concat();
            (0..4).for_each(|_| Chunk { kind, flags: 0, value: &value }.write(&mut chunks).unwrap());
            chunks
        });
        assert!(most < 64 << 10, "kind {kind}: {most}");
    }
}

#[test]
fn reset_requests_without_end_leave_nothing_behind() {
    let config = Config { interleaving: false, receive_buffer: BUFFER, ..Config::default() };
    let (mut pair, insider) = infiltrated(&config);
    let allocations = Allocations::start();
    for index in 0..20_000u32 {
        let mut value = Vec::new();
        let streams: Vec<u16> = (0..200).map(|stream| stream * 300).collect();
        let number = insider.next_tsn.wrapping_sub(1).wrapping_add(index);
        // Half of them have to wait for data that never comes.
        let last = insider.next_tsn.wrapping_add(index % 2 * 1000).wrapping_sub(1);
        OutgoingResetRequest::write(number, 0, last, &streams, &mut value).unwrap();
        let mut chunk = Vec::new();
        Chunk { kind: kind::RE_CONFIG, flags: 0, value: &value }.write(&mut chunk).unwrap();
        let _ = pair.b.handle_datagram(pair.now, &packet(insider.tag_of_b, &chunk));
        while pair.b.poll_event().is_some() {}
    }
    assert!(allocations.held_bytes() < 64 << 10, "{}", allocations.held_bytes());
}
