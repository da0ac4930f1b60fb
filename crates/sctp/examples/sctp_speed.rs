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
use std::collections::VecDeque;
use std::time::{Duration, Instant as StdInstant};

/// Room for one packet in the pipe.
const SLOT: usize = 1536;
/// Packets handed over at once, as a host with batched input and output does.
const BATCH: usize = 32;

struct Case {
    message: usize,
    /// Bytes in flight, about.
    in_flight: usize,
    channels: u16,
    zero_checksum: bool,
    interleaving: bool,
}

/// A path that holds packets back until it is full.
struct Pipe {
    slab: Vec<u8>,
    next: usize,
    lens: VecDeque<usize>,
}

impl Pipe {
    fn new(in_flight: usize) -> Self {
        let slots = (in_flight / 1200).max(4);
        Self { slab: vec![0; slots * SLOT], next: 0, lens: VecDeque::new() }
    }

    fn slots(&self) -> usize {
        self.slab.len() / SLOT
    }

    /// Takes packets until the pipe is full or there are none; returns how many.
    fn fill(&mut self, from: &mut Association, now: Instant) -> usize {
        let mut count = 0;
        while self.lens.len() < self.slots() {
            let start = self.next * SLOT;
            let mut out = PacketBuf::new(&mut self.slab[start..start + SLOT], 0, 0);
            if from.poll_transmit(now, &mut out).is_none() {
                break;
            }
            self.lens.push_back(out.len());
            self.next = (self.next + 1) % self.slots();
            count += 1;
        }
        count
    }

    /// Delivers the oldest packets.
    fn deliver(&mut self, to: &mut Association, now: Instant) {
        for _ in 0..BATCH.min(self.slots() / 2) {
            let first = (self.next + self.slots() - self.lens.len()) % self.slots();
            let Some(len) = self.lens.pop_front() else { return };
            let start = first * SLOT;
            to.handle_datagram(now, &self.slab[start..start + len]).expect("packets of ours are good");
        }
    }
}

struct Bench {
    a: Association,
    b: Association,
    there: Pipe,
    back: Pipe,
    now: Instant,
    template: Vec<u8>,
    channels: u16,
    channel: u16,
}

impl Bench {
    fn new(case: &Case) -> Self {
        let config = Config {
            lower_layer_is_dtls: case.zero_checksum,
            interleaving: case.interleaving,
            send_buffer: 256 << 10,
            receive_buffer: 64 << 20,
            ..Config::default()
        };
        let now = Instant::from_millis(1);
        let mut a = Association::new(config.clone(), &Seed::from_u64(1), now);
        let mut b = Association::new(config, &Seed::from_u64(2), now);
        a.connect_with_init(now, &b.local_init()).expect("new");
        b.connect_with_init(now, &a.local_init()).expect("new");
        Self {
            a,
            b,
            there: Pipe::new(case.in_flight),
            back: Pipe::new(BATCH * 1200),
            now,
            template: vec![0x5a; case.message],
            channels: case.channels,
            channel: 0,
        }
    }

    fn offer(&mut self) {
        loop {
            let data = Bytes::copy_from_slice(&self.template);
            match self.a.send(self.now, self.channel, 53, data, SendOptions::default()) {
                Ok(()) => self.channel = (self.channel + 1) % self.channels,
                Err(SendError::BufferFull) => return,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Moves about `total` bytes; returns how many, and how many packets that took.
    fn run(&mut self, total: usize) -> (usize, usize) {
        let (mut received, mut packets) = (0, 0);
        while received < total {
            self.offer();
            packets += self.there.fill(&mut self.a, self.now);
            self.there.deliver(&mut self.b, self.now);
            while let Some(event) = self.b.poll_event() {
                if let Event::Message(message) = event {
                    received += message.data.len();
                }
            }
            packets += self.back.fill(&mut self.b, self.now);
            while !self.back.lens.is_empty() {
                self.back.deliver(&mut self.a, self.now);
            }
            while self.a.poll_event().is_some() {}
            self.now += Duration::from_micros(1);
            for machine in [&mut self.a, &mut self.b] {
                if machine.poll_timeout().is_some_and(|at| at <= self.now) {
                    machine.handle_timeout(self.now);
                }
            }
        }
        (received, packets)
    }
}

fn cases() -> Vec<Case> {
    let case = |message, in_flight, channels, zero_checksum, interleaving| Case {
        message,
        in_flight,
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
    for in_flight in [16 << 10, 128 << 10, 1 << 20, 4 << 20, 16 << 20] {
        cases.push(case(1024, in_flight, 1, false, false));
    }
    for channels in [10, 100, 1000, 10_000] {
        cases.push(case(1024, 128 << 10, channels, false, false));
    }
    cases
}

fn main() {
    let total = std::env::args().nth(1).and_then(|text| text.parse::<usize>().ok()).unwrap_or(32 << 10) << 10;
    println!(" message in flight channels  zero I-DATA |     MB/s ns/packet  measured in flight");
    for case in &cases() {
        let mut bench = Bench::new(case);
        bench.run(case.in_flight * 4);
        let mut best = (Duration::MAX, 1, 1);
        for _ in 0..7 {
            let start = StdInstant::now();
            let (bytes, packets) = bench.run(total);
            best = best.min((start.elapsed(), bytes, packets));
        }
        let (time, bytes, packets) = best;
        println!(
            "{:>8} {:>9} {:>8} {:>5} {:>6} | {:>8.0} {:>9.0} {:>9}",
            case.message,
            case.in_flight,
            case.channels,
            case.zero_checksum,
            case.interleaving,
            bytes as f64 / time.as_secs_f64() / 1e6,
            time.as_nanos() as f64 / packets as f64,
            bench.a.stats().bytes_in_flight
        );
    }
}
