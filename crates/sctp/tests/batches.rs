//! Packets for one system call: another one of the same length, or none.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions, missing_docs)]

mod support;

use sendrecv_core::{Machine, PacketBuf};
use sendrecv_sctp::{Association, Config, SendOptions};
use std::time::Duration;
use support::{Link, Pair, payload};

/// The lengths of a batch as a host asks for it: one packet, then others for as long as they are not longer.
fn batch(pair: &mut Pair<Association>) -> Vec<usize> {
    let mut slab = [0; 2000];
    let mut out = PacketBuf::new(&mut slab, 0, 0);
    if pair.a.poll_transmit(pair.now, &mut out).is_none() {
        return vec![];
    }
    let mut lens = vec![out.len()];
    while lens.last() == lens.first() {
        let mut out = PacketBuf::new(&mut slab, 0, 0);
        if pair.a.poll_another(pair.now, lens[0], &mut out).is_none() {
            assert!(out.is_empty());
            break;
        }
        lens.push(out.len());
    }
    lens
}

fn connected() -> Pair<Association> {
    let mut pair = Pair::connected(&Config { interleaving: false, ..Config::default() }, Link::default(), 1);
    pair.run(Duration::from_secs(1));
    pair
}

fn send(pair: &mut Pair<Association>, stream: u16, len: usize) {
    pair.a.send(pair.now, stream, 53, payload(1, len), SendOptions::default()).unwrap();
}

#[test]
fn equal_messages_leave_in_one_batch() {
    let mut pair = connected();
    (0..6).for_each(|_| send(&mut pair, 0, 1024));
    assert_eq!(batch(&mut pair), [1052; 6]);
    assert_eq!(batch(&mut pair), []);
}

#[test]
fn a_shorter_packet_ends_a_batch_and_a_longer_one_does_not_belong_to_it() {
    let mut pair = connected();
    [1024, 1024, 1000, 1100].into_iter().for_each(|len| send(&mut pair, 0, len));
    assert_eq!(batch(&mut pair), [1052, 1052, 1028]);
    assert_eq!(batch(&mut pair), [1128]);
}

#[test]
fn no_message_is_cut_to_fit_a_batch() {
    let mut pair = connected();
    send(&mut pair, 0, 1100);
    send(&mut pair, 1, 3000);
    assert_eq!(batch(&mut pair), [1128]);
    assert_eq!(batch(&mut pair), [1200, 1200, 684]);
}

#[test]
fn a_path_probe_waits_for_the_end_of_a_batch() {
    let config = Config { max_probe_size: 1400, ..Config::default() };
    let mut pair = Pair::over(
        Association::new(config.clone(), &sendrecv_core::Seed::from_u64(1), sendrecv_core::Instant::ZERO),
        Association::new(config, &sendrecv_core::Seed::from_u64(2), sendrecv_core::Instant::ZERO),
        Link::default(),
        1,
    );
    pair.a.connect(pair.now).unwrap();
    pair.run_until(Duration::from_secs(1), |pair| pair.a.state() == sendrecv_sctp::State::Established);
    (0..20).for_each(|_| send(&mut pair, 0, 1024));
    // The search's first step is due: nothing joins a batch before it has left.
    pair.a.handle_timeout(pair.now);
    let mut slab = [0; 2000];
    let mut out = PacketBuf::new(&mut slab, 0, 0);
    assert_eq!(pair.a.poll_another(pair.now, 1052, &mut out), None);
    assert_eq!(batch(&mut pair)[0], 1400);
}
