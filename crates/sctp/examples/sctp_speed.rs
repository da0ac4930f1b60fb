//! How much processor time a packet costs, both ends in one thread, without a network.
//!
//! `cargo run --release -p sendrecv-sctp --example sctp_speed [-- KiB-per-case]`
#![allow(
    clippy::as_conversions,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measurement needs a clock, and may fail"
)]

use bytes::Bytes;
use sendrecv_core::{Instant, Machine, PacketBuf, Seed};
use sendrecv_sctp::{Association, Config, Event, SendError, SendOptions};
use std::time::{Duration, Instant as StdInstant};

struct Case {
    message: usize,
    buffered: usize,
    channels: u16,
    zero_checksum: bool,
    interleaving: bool,
}

/// A path that holds `capacity` bytes of packets, so that about that much is in flight.
struct Pipe {
    slab: Vec<u8>,
    ends: std::collections::VecDeque<(usize, usize)>,
}

fn pump(from: &mut Association, to: &mut Association, now: Instant, pipe: &mut Pipe, batch: usize) -> usize {
    let mut count = 0;
    pipe.ends.clear();
    let mut start = 0;
    while count < batch && start + 2048 <= pipe.slab.len() {
        let mut out = PacketBuf::new(&mut pipe.slab[start..start + 2048], 0, 0);
        if from.poll_transmit(now, &mut out).is_none() {
            break;
        }
        let len = out.len();
        pipe.ends.push_back((start, start + len));
        start += 2048;
        count += 1;
    }
    for (start, end) in &pipe.ends {
        to.handle_datagram(now, &pipe.slab[*start..*end]).expect("packets of ours are good");
    }
    count
}

/// Sends `total` bytes; returns time and packets.
fn run(case: &Case, total: usize) -> (Duration, usize) {
    let config = Config {
        lower_layer_is_dtls: case.zero_checksum,
        interleaving: case.interleaving,
        send_buffer: case.buffered,
        receive_buffer: 64 << 20,
        ..Config::default()
    };
    let mut now = Instant::from_millis(1);
    let mut a = Association::new(config.clone(), &Seed::from_u64(1), now);
    let mut b = Association::new(config, &Seed::from_u64(2), now);
    a.connect(now).expect("new");
    let mut pipe = Pipe { slab: vec![0; 64 * 2048], ends: std::collections::VecDeque::new() };
    for _ in 0..8 {
        pump(&mut a, &mut b, now, &mut pipe, 32);
        pump(&mut b, &mut a, now, &mut pipe, 32);
    }
    let template = vec![0x5a; case.message];
    let (mut sent, mut received, mut packets, mut channel) = (0, 0, 0, 0u16);
    let start = StdInstant::now();
    while received < total {
        while sent < total + case.buffered {
            let data = Bytes::copy_from_slice(&template);
            match a.send(now, channel, 53, data, SendOptions::default()) {
                Ok(()) => sent += case.message,
                Err(SendError::BufferFull) => break,
                Err(error) => panic!("{error}"),
            }
            channel = (channel + 1) % case.channels;
        }
        packets += pump(&mut a, &mut b, now, &mut pipe, 32);
        while let Some(event) = b.poll_event() {
            if let Event::Message(message) = event {
                received += message.data.len();
            }
        }
        while a.poll_event().is_some() {}
        packets += pump(&mut b, &mut a, now, &mut pipe, 32);
        now += Duration::from_micros(20);
        if a.poll_timeout().is_some_and(|at| at <= now) {
            a.handle_timeout(now);
        }
        if b.poll_timeout().is_some_and(|at| at <= now) {
            b.handle_timeout(now);
        }
    }
    (start.elapsed(), packets)
}

fn main() {
    let total = std::env::args().nth(1).and_then(|text| text.parse::<usize>().ok()).unwrap_or(64 << 10) << 10;
    println!(
        "{:>8} {:>9} {:>8} {:>5} {:>6} | {:>8} {:>9}",
        "message", "buffered", "channels", "zero", "I-DATA", "MB/s", "ns/packet"
    );
    let case = |message, buffered, channels, zero_checksum, interleaving| Case {
        message,
        buffered,
        channels,
        zero_checksum,
        interleaving,
    };
    let mut cases = Vec::new();
    for message in [100, 1024, 16 << 10, 64 << 10] {
        for (zero, interleaving) in [(false, false), (true, false), (true, true)] {
            cases.push(case(message, 128 << 10, 1, zero, interleaving));
        }
    }
    for buffered in [16 << 10, 1 << 20, 16 << 20] {
        cases.push(case(1024, buffered, 1, false, false));
    }
    for channels in [10, 100, 1000, 10_000] {
        cases.push(case(1024, 1 << 20, channels, false, false));
    }
    for case in &cases {
        let mut best = (Duration::MAX, 1);
        for _ in 0..5 {
            best = best.min(run(case, total));
        }
        let (time, packets) = best;
        println!(
            "{:>8} {:>9} {:>8} {:>5} {:>6} | {:>8.0} {:>9.0}",
            case.message,
            case.buffered,
            case.channels,
            case.zero_checksum,
            case.interleaving,
            total as f64 / time.as_secs_f64() / 1e6,
            time.as_nanos() as f64 / packets as f64
        );
    }
}
