//! Goodput over simulated paths, as a table.
//!
//! `cargo run --release -p sendrecv-sctp --example goodput` prints what `examples/goodput.txt` holds: a change of the
//! protocol shows as a difference of that file.
#![allow(
    clippy::as_conversions,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a measurement may fail"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use bytes::Bytes;
use sendrecv_sctp::congestion::CongestionAlgorithm;
use sendrecv_sctp::{Config, Event, SendError, SendOptions};
use std::time::Duration;
use support::{Link, Pair, payload};

const MBIT: u64 = 125_000;
/// Bytes of DTLS, UDP and IPv4 around each packet.
const OVERHEAD: usize = 13 + 24 + 8 + 20;

struct Outcome {
    percent: f64,
    ramp: Option<Duration>,
    queue: Duration,
    retransmitted: f64,
}

/// Bulk in one direction; goodput as a share of the link over the second half of `time`.
fn bulk(config: &Config, link: Link, time: Duration) -> Outcome {
    let mut pair = Pair::connected(config, Link { overhead: OVERHEAD, ..link }, 1);
    let data = payload(1, 64 << 10);
    let rate = link.rate.unwrap();
    let (start, mut received, mut half, mut ramp) = (pair.now, 0u64, 0u64, None);
    let mut window = (pair.now, 0u64);
    while pair.now - start < time {
        loop {
            match pair.a.send(pair.now, 0, 53, data.clone(), SendOptions::default()) {
                Ok(()) => {}
                Err(SendError::BufferFull) => break,
                Err(error) => panic!("{error}"),
            }
        }
        pair.step(start + time);
        pair.a_events.clear();
        for event in pair.b_events.drain(..) {
            if let Event::Message(message) = event {
                received += message.data.len() as u64;
            }
        }
        let span = (link.delay * 2).max(Duration::from_millis(100));
        if pair.now - window.0 >= span {
            let share = (received - window.1) as f64 / (rate as f64 * (pair.now - window.0).as_secs_f64());
            if share > 0.8 && ramp.is_none() {
                ramp = Some(pair.now - start);
            }
            window = (pair.now, received);
        }
        if pair.now - start <= time / 2 {
            half = received;
        }
    }
    let stats = pair.a.stats();
    Outcome {
        percent: (received - half) as f64 / (rate as f64 * time.as_secs_f64() / 2.0) * 100.0,
        ramp,
        queue: pair.link_stats().0.max_queue,
        retransmitted: stats.retransmissions as f64 / stats.data_chunks_sent.max(1) as f64 * 100.0,
    }
}

fn config(congestion: CongestionAlgorithm) -> Config {
    Config {
        congestion,
        lower_layer_is_dtls: true,
        receive_buffer: 64 << 20,
        send_buffer: 4 << 20,
        ..Config::default()
    }
}

const ALGORITHMS: [(&str, CongestionAlgorithm); 3] = [
    ("NewReno", CongestionAlgorithm::NewReno),
    ("CUBIC", CongestionAlgorithm::Cubic),
    ("model", CongestionAlgorithm::ModelBased),
];

fn print(scenario: &str, name: &str, outcome: &Outcome) {
    let ramp = outcome.ramp.map_or("-".to_owned(), |ramp| format!("{:.2} s", ramp.as_secs_f64()));
    println!(
        "{scenario:<34} {name:<8} {:>6.1} % {ramp:>9} {:>8} ms {:>6.2} %",
        outcome.percent,
        outcome.queue.as_millis(),
        outcome.retransmitted
    );
}

fn grid() {
    println!(
        "{:<34} {:<8} {:>8} {:>9} {:>11} {:>8}",
        "path", "control", "goodput", "to 80 %", "max queue", "resent"
    );
    for rtt_ms in [2, 20, 50, 100, 300] {
        let queue = Duration::from_millis(rtt_ms.max(20));
        let link = Link {
            delay: Duration::from_millis(rtt_ms) / 2,
            rate: Some(1000 * MBIT),
            queue,
            ..Link::default()
        };
        let time = Duration::from_millis((rtt_ms * 60).clamp(2000, 10_000));
        for (name, algorithm) in ALGORITHMS {
            print(&format!("1 Gbit/s {rtt_ms} ms"), name, &bulk(&config(algorithm), link, time));
        }
    }
    for loss in [1, 10, 30] {
        let link = Link {
            delay: Duration::from_millis(25),
            rate: Some(100 * MBIT),
            queue: Duration::from_millis(50),
            loss,
            ..Link::default()
        };
        for (name, algorithm) in ALGORITHMS {
            let scenario = format!("100 Mbit/s 50 ms {:.1} % loss", loss as f64 / 10.0);
            print(&scenario, name, &bulk(&config(algorithm), link, Duration::from_secs(20)));
        }
    }
    for (rtt_ms, queue_ms) in [(50, 1000), (50, 50), (50, 10)] {
        let queue = Duration::from_millis(queue_ms);
        let link = Link {
            delay: Duration::from_millis(rtt_ms) / 2,
            rate: Some(10 * MBIT),
            queue,
            ..Link::default()
        };
        for (name, algorithm) in ALGORITHMS {
            let scenario = format!("10 Mbit/s {rtt_ms} ms queue {queue_ms} ms");
            print(&scenario, name, &bulk(&config(algorithm), link, Duration::from_secs(40)));
        }
    }
}

/// How long a 1 KiB message on one stream takes while another sends without end.
fn latency_under_bulk(interleaving: bool, algorithm: CongestionAlgorithm) -> (Duration, Duration) {
    let link = Link {
        delay: Duration::from_millis(25),
        rate: Some(100 * MBIT),
        queue: Duration::from_millis(25),
        overhead: OVERHEAD,
        ..Link::default()
    };
    let config = Config { interleaving, ..config(algorithm) };
    let mut pair = Pair::connected(&config, link, 1);
    let (bulk, small) = (payload(1, 256 << 10), payload(2, 1024));
    let (start, mut next, mut sent, mut delays) = (pair.now, pair.now, Vec::new(), Vec::new());
    while pair.now - start < Duration::from_secs(20) {
        while pair.a.send(pair.now, 0, 53, bulk.clone(), SendOptions::default()).is_ok() {}
        if pair.now >= next
            && pair.a.send(pair.now, 1, 53, Bytes::clone(&small), SendOptions::default()).is_ok()
        {
            sent.push(pair.now);
            next = pair.now + Duration::from_millis(97);
        }
        pair.step(start + Duration::from_secs(20));
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

fn main() {
    grid();
    println!("\nOne way of a 1 KiB message beside bulk, 100 Mbit/s, 50 ms, queue 25 ms");
    for (name, algorithm) in ALGORITHMS {
        for interleaving in [false, true] {
            let (median, p99) = latency_under_bulk(interleaving, algorithm);
            let kind = if interleaving { "I-DATA" } else { "DATA" };
            println!(
                "{name:<8} {kind:<7} median {:>4} ms   p99 {:>4} ms",
                median.as_millis(),
                p99.as_millis()
            );
        }
    }
}
