//! How long transfers take on bad paths, and how long a message takes beside bulk: kept in `snapshots/`, so that a change
//! of the protocol shows. `SENDRECV_BLESS=1 cargo test -p sendrecv-sctp --test goodput` writes them anew; the `goodput` bench of
//! the workspace measures long transfers.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions, missing_docs)]

#[path = "simulation/snapshot.rs"]
#[allow(unreachable_pub, clippy::expect_used, reason = "shared with other tests")]
mod snapshot;
mod support;

use bytes::Bytes;
use sendrecv_sctp::congestion::CongestionAlgorithm;
use sendrecv_sctp::{Config, Event, SendOptions};
use snapshot::assert_snapshot;
use std::fmt::Write;
use std::time::Duration;
use support::{Link, Pair, payload};

const MS: fn(u64) -> Duration = Duration::from_millis;
const RELIABLE: SendOptions = SendOptions { unordered: false, lifetime: None, max_retransmits: None };
const ALGORITHMS: [(&str, CongestionAlgorithm); 3] = [
    ("Reno", CongestionAlgorithm::NewReno),
    ("CUBIC", CongestionAlgorithm::Cubic),
    ("model", CongestionAlgorithm::ModelBased),
];
const COUNT: u32 = 32;
const LEN: usize = 8 << 10;

/// A quarter of a MiB in messages of 8 KiB over 10 Mbit/s; how long until the last was there.
fn complete(congestion: CongestionAlgorithm, link: Link) -> Duration {
    let config =
        Config { congestion, max_init_retransmissions: None, max_retransmissions: None, ..Config::webrtc() };
    let mut pair = Pair::connected(&config, link, 1);
    for number in 0..COUNT {
        pair.a.send(pair.now, 0, 53, payload(number, LEN), RELIABLE).unwrap();
    }
    let mut received = Vec::new();
    let took = pair.run_until(Duration::from_secs(3600), |pair| {
        received.extend(pair.take_b_messages());
        received.len() >= COUNT as usize
    });
    for (number, message) in (0..).zip(&received) {
        assert_eq!(message.data, payload(number, LEN), "once, in order, intact");
    }
    took
}

#[test]
fn the_time_to_complete_over_bad_paths_is_as_it_was() {
    let mut text = String::from("256 KiB over 10 Mbit/s, ms\n");
    writeln!(
        text,
        "{:>6} {:>8} {:>6} {:>9} {:>8} {:>8} {:>8}",
        "rtt", "reorder", "twice", "loss", "Reno", "CUBIC", "model"
    )
    .unwrap();
    for round_trip in [10, 50, 200] {
        for (reordering, duplication) in [(0, 0), (20, 0), (0, 100), (20, 100)] {
            for loss in [0, 10, 50, 100, 200, 300] {
                let link = Link {
                    delay: MS(round_trip) / 2,
                    jitter: MS(round_trip * reordering / 100),
                    rate: Some(1_250_000),
                    loss,
                    duplication,
                    ..Link::default()
                };
                write!(
                    text,
                    "{:>3} ms {reordering:>6} % {:>4} % {:>7} %",
                    round_trip,
                    duplication / 10,
                    loss / 10
                )
                .unwrap();
                for (_, algorithm) in ALGORITHMS {
                    write!(text, " {:>8}", complete(algorithm, link).as_millis()).unwrap();
                }
                text.push('\n');
            }
        }
    }
    assert_snapshot("completion.txt", &text);
}

/// How long a 1 KiB message on one stream takes while another sends without end: the median and the 99th percentile.
fn beside_bulk(congestion: CongestionAlgorithm) -> (Duration, Duration) {
    let link = Link { delay: MS(25), rate: Some(6_250_000), queue: MS(25), ..Link::default() };
    let config = Config { congestion, send_buffer: 4 << 20, ..Config::webrtc() };
    let mut pair = Pair::connected(&config, link, 1);
    let (bulk, small) = (payload(1, 256 << 10), payload(2, 1024));
    let (start, mut next, mut sent, mut delays) = (pair.now, pair.now, Vec::new(), Vec::new());
    while pair.now - start < MS(10_000) {
        while pair.a.send(pair.now, 0, 53, bulk.clone(), RELIABLE).is_ok() {}
        if pair.now >= next && pair.a.send(pair.now, 1, 53, Bytes::clone(&small), RELIABLE).is_ok() {
            sent.push(pair.now);
            next = pair.now + MS(47);
        }
        pair.step(start + MS(10_000));
        for event in pair.b_events.drain(..) {
            if let Event::Message(message) = event
                && message.stream == 1
            {
                delays.push(pair.now - sent[delays.len()]);
            }
        }
        pair.a_events.clear();
    }
    delays.sort();
    (delays[delays.len() / 2], delays[delays.len() * 99 / 100])
}

#[test]
fn a_message_beside_bulk_takes_at_most_two_round_trips_when_messages_interleave() {
    let mut text = String::from("1 KiB beside bulk, 50 Mbit/s, 50 ms, queue 25 ms; one way, ms\n");
    for (name, algorithm) in ALGORITHMS {
        let (median, late) = beside_bulk(algorithm);
        writeln!(text, "{name:<6} median {:>3}   p99 {:>3}", median.as_millis(), late.as_millis()).unwrap();
        assert!(late <= MS(100), "{text}");
    }
    assert_snapshot("beside_bulk.txt", &text);
}
