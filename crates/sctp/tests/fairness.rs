//! What streams owe each other: shares of the path, and short waits beside bulk.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions, missing_docs)]

mod support;

use sendrecv_sctp::{Association, Config, Event, Scheduling, SendError, SendOptions};
use std::time::Duration;
use support::{Link, Pair, deep, payload, seed_number};

/// Keeps every stream's queue filled for some time; bytes that arrived by stream.
fn shares(config: &Config, streams: &[(u16, usize)]) -> Vec<f64> {
    let link = Link { rate: Some(1_000_000), ..Link::default() };
    let mut pair = Pair::connected(config, link, seed_number());
    let mut arrived = vec![0usize; streams.len()];
    for (stream, (priority, _)) in streams.iter().enumerate() {
        pair.a.set_priority(stream as u16, *priority);
    }
    let end = pair.now + Duration::from_secs(20);
    while pair.now < end {
        for (stream, (_, len)) in streams.iter().enumerate() {
            while pair.a.buffered_amount(stream as u16) < 200_000 {
                pair.a.send(pair.now, stream as u16, 53, payload(1, *len), SendOptions::default()).unwrap();
            }
        }
        pair.run(Duration::from_millis(10));
        for message in pair.take_b_messages() {
            arrived[usize::from(message.stream)] += message.data.len();
        }
    }
    let total = arrived.iter().sum::<usize>() as f64;
    arrived.into_iter().map(|bytes| bytes as f64 / total).collect()
}

#[test]
fn weighted_fair_streams_share_bytes_by_priority_whatever_their_messages_are() {
    for interleaving in [false, true] {
        let config = Config { interleaving, scheduling: Scheduling::WeightedFair, ..Config::default() };
        let streams = [(128, 1000), (256, 60_000), (512, 100), (1024, 9000)];
        let total: u16 = streams.iter().map(|(priority, _)| priority).sum();
        let shares = shares(&config, &streams);
        for (share, (priority, _)) in shares.iter().zip(streams) {
            let wanted = f64::from(priority) / f64::from(total);
            assert!((share / wanted - 1.0).abs() < 0.1, "{interleaving} {shares:?}");
        }
    }
}

#[test]
fn the_highest_priority_leaves_the_others_nothing_while_it_has_something() {
    let config = Config { scheduling: Scheduling::Priority, ..Config::default() };
    let shares = shares(&config, &[(128, 1000), (512, 1000)]);
    assert!(shares[1] > 0.99, "{shares:?}");
}

/// How long short messages took beside bulk, sorted.
fn waits(config: &Config, bulk: usize) -> Vec<Duration> {
    let link = Link {
        delay: Duration::from_millis(10),
        rate: Some(12_500_000),
        queue: Duration::from_millis(20),
        ..Link::default()
    };
    let mut pair: Pair<Association> = Pair::connected(config, link, seed_number());
    let (mut handed_over, mut arrived, mut number) = (0, 0, 0u32);
    let mut sent_at = Vec::new();
    let mut waits = Vec::new();
    while arrived < bulk {
        while handed_over < bulk {
            match pair.a.send(pair.now, 0, 0, payload(1, 256 << 10), SendOptions::default()) {
                Ok(()) => handed_over += 256 << 10,
                Err(SendError::BufferFull) => break,
                Err(error) => panic!("{error}"),
            }
        }
        // Of a length of its own each, so that no rhythm repeats.
        let pause = pair.now + Duration::from_micros(10_000 + u64::from(number % 7) * 900);
        while pair.step(pause) {
            while let Some(event) = pair.b_events.pop_front() {
                match event {
                    Event::Message(message) if message.stream == 0 => arrived += message.data.len(),
                    Event::Message(message) => waits.push(pair.now - sent_at[message.ppid as usize]),
                    _ => {}
                }
            }
        }
        // Room is kept for the short ones: what the bulk leaves of the buffer is less than one of its messages.
        if pair.a.send(pair.now, 1, number, payload(number, 1024), SendOptions::default()).is_ok() {
            sent_at.push(pair.now);
            number += 1;
        }
    }
    waits.sort_unstable();
    waits
}

#[test]
fn a_short_message_beside_bulk_takes_two_round_trips_at_most() {
    let bulk = if deep() { 1 << 30 } else { 40 << 20 };
    let config = Config { max_receive_message_size: 1 << 20, ..Config::default() };
    let waits = waits(&config, bulk);
    let p99 = waits[waits.len() * 99 / 100];
    println!("{} messages: median {:?}, p99 {p99:?}", waits.len(), waits[waits.len() / 2]);
    assert!(waits.len() > 100 && p99 <= Duration::from_millis(40), "{p99:?}");
}
