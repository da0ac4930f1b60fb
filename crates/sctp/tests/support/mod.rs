//! Two machines, a simulated path between them, and virtual time.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]
#![allow(
    clippy::as_conversions,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unreachable
)]

pub mod insider;
pub mod played;

use bytes::Bytes;
use sendrecv_core::{Instant, Machine, PacketBuf, Rng, Seed};
use sendrecv_sctp::{Association, Config, Discard, Event};
use std::collections::{BTreeMap, VecDeque};
// Not in the prelude of the crate itself, whose tests use this too.
use std::boxed::Box;
use std::println;
use std::time::Duration;
use std::vec::Vec;

/// What a machine under test has in common, beside [`Machine`].
pub trait Endpoint: Machine {
    fn input(&mut self, now: Instant, packet: &[u8]) -> Result<(), Discard>;
}

impl Endpoint for Association {
    fn input(&mut self, now: Instant, packet: &[u8]) -> Result<(), Discard> {
        self.handle_datagram(now, packet)
    }
}

impl Endpoint for sendrecv_sctp::channel::DataChannels {
    fn input(&mut self, now: Instant, packet: &[u8]) -> Result<(), Discard> {
        self.handle_datagram(now, packet)
    }
}

/// One direction of a path.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    pub delay: Duration,
    /// Added at random, which reorders.
    pub jitter: Duration,
    /// Bytes per second; `None` for no limit.
    pub rate: Option<u64>,
    /// What may wait for the link, as time at its rate.
    pub queue: Duration,
    /// Per thousand.
    pub loss: u64,
    pub duplication: u64,
    /// Longer packets vanish.
    pub mtu: usize,
    /// Bytes of lower layers, counted at the rate.
    pub overhead: usize,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            delay: Duration::from_millis(10),
            jitter: Duration::ZERO,
            rate: None,
            queue: Duration::from_millis(100),
            loss: 0,
            duplication: 0,
            mtu: 65_535,
            overhead: 0,
        }
    }
}

/// Counts of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkStats {
    pub packets: u64,
    pub bytes: u64,
    pub dropped: u64,
    pub max_queue: Duration,
}

struct Wire {
    link: Link,
    /// Packets under way, by arrival and order.
    under_way: BTreeMap<(Instant, u64), Vec<u8>>,
    busy_until: Instant,
    stats: LinkStats,
    spare: Vec<Vec<u8>>,
}

impl Wire {
    fn new(link: Link) -> Self {
        Self {
            link,
            under_way: BTreeMap::new(),
            busy_until: Instant::ZERO,
            stats: LinkStats::default(),
            spare: Vec::new(),
        }
    }

    fn send(&mut self, now: Instant, packet: &[u8], rng: &mut Rng, number: &mut u64) {
        self.stats.packets += 1;
        self.stats.bytes += packet.len() as u64;
        let mut leaves = now;
        if let Some(rate) = self.link.rate {
            let start = self.busy_until.max(now);
            let waiting = start - now;
            if waiting > self.link.queue {
                self.stats.dropped += 1;
                return;
            }
            self.stats.max_queue = self.stats.max_queue.max(waiting);
            let bytes = (packet.len() + self.link.overhead) as u64;
            leaves = start + Duration::from_nanos(bytes * 1_000_000_000 / rate);
            self.busy_until = leaves;
        }
        if packet.len() > self.link.mtu || rng.chance(self.link.loss, 1000) {
            self.stats.dropped += 1;
            return;
        }
        let copies = if rng.chance(self.link.duplication, 1000) { 2 } else { 1 };
        for _ in 0..copies {
            let jitter = match self.link.jitter.as_nanos() as u64 {
                0 => Duration::ZERO,
                nanos => Duration::from_nanos(rng.below(nanos)),
            };
            let mut buffer = self.spare.pop().unwrap_or_default();
            buffer.clear();
            buffer.extend_from_slice(packet);
            *number += 1;
            self.under_way.insert((leaves + self.link.delay + jitter, *number), buffer);
        }
    }
}

/// Whether a packet passes: from a, and its bytes.
pub type Filter = Box<dyn FnMut(bool, &[u8]) -> bool>;

/// Two machines and the path between them.
pub struct Pair<M: Endpoint> {
    pub now: Instant,
    pub a: M,
    pub b: M,
    /// What each said, beside what tests took.
    pub a_events: VecDeque<M::Event>,
    pub b_events: VecDeque<M::Event>,
    a_to_b: Wire,
    b_to_a: Wire,
    rng: Rng,
    number: u64,
    /// Every packet sent, when a test wants them: true for a's.
    pub log: Option<Vec<(bool, Vec<u8>)>>,
    /// Lets a test drop packets itself: true for a's.
    pub filter: Option<Filter>,
    pub wakes: u64,
}

pub fn seed_number() -> u64 {
    let number = std::env::var("SENDRECV_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    println!("SENDRECV_SEED={number}");
    number
}

pub fn deep() -> bool {
    std::env::var("SENDRECV_DEEP").is_ok()
}

impl<M: Endpoint> Pair<M> {
    pub fn over(a: M, b: M, link: Link, seed: u64) -> Self {
        Self {
            now: Instant::from_millis(1000),
            a,
            b,
            a_events: VecDeque::new(),
            b_events: VecDeque::new(),
            a_to_b: Wire::new(link),
            b_to_a: Wire::new(link),
            rng: Seed::from_u64(seed).derive("path").rng(),
            number: 0,
            log: None,
            filter: None,
            wakes: 0,
        }
    }

    pub fn set_links(&mut self, a_to_b: Link, b_to_a: Link) {
        self.a_to_b.link = a_to_b;
        self.b_to_a.link = b_to_a;
    }

    pub fn link_stats(&self) -> (LinkStats, LinkStats) {
        (self.a_to_b.stats, self.b_to_a.stats)
    }

    /// Forgets what is under way.
    pub fn drop_under_way(&mut self) {
        self.a_to_b.under_way.clear();
        self.b_to_a.under_way.clear();
    }

    /// Events and packets of both, as a driver does after every input.
    pub fn drain(&mut self) {
        while let Some(event) = self.a.poll_event() {
            self.a_events.push_back(event);
        }
        while let Some(event) = self.b.poll_event() {
            self.b_events.push_back(event);
        }
        self.drain_packets();
    }

    pub fn drain_packets(&mut self) {
        let mut slab = [0; 9000];
        for from_a in [true, false] {
            for count in 0.. {
                assert!(count < 1_000_000, "polling does not end");
                let mut out = PacketBuf::new(&mut slab, 0, 0);
                let machine = if from_a { &mut self.a } else { &mut self.b };
                if machine.poll_transmit(self.now, &mut out).is_none() {
                    assert!(out.is_empty(), "nothing to send leaves the buffer as it was");
                    break;
                }
                assert!(!out.is_empty());
                if let Some(log) = &mut self.log {
                    log.push((from_a, out.bytes().to_vec()));
                }
                if self.filter.as_mut().is_some_and(|keep| !keep(from_a, out.bytes())) {
                    continue;
                }
                let wire = if from_a { &mut self.a_to_b } else { &mut self.b_to_a };
                wire.send(self.now, out.bytes(), &mut self.rng, &mut self.number);
            }
        }
    }

    fn next_arrival(&self) -> Option<Instant> {
        let first = |wire: &Wire| wire.under_way.first_key_value().map(|((at, _), _)| *at);
        sendrecv_core::earliest(first(&self.a_to_b), first(&self.b_to_a))
    }

    /// When something happens next.
    pub fn next(&self) -> Option<Instant> {
        let timers = sendrecv_core::earliest(self.a.poll_timeout(), self.b.poll_timeout());
        sendrecv_core::earliest(timers, self.next_arrival())
    }

    /// Goes on to the next thing that happens, up to `until`; false when nothing does.
    pub fn step(&mut self, until: Instant) -> bool {
        self.drain();
        let Some(next) = self.next().filter(|next| *next <= until) else {
            self.now = self.now.max(until);
            return false;
        };
        self.now = self.now.max(next);
        self.wakes += 1;
        let due = |at: Option<Instant>, now| at.is_some_and(|at| at <= now);
        if due(self.a.poll_timeout(), self.now) {
            self.a.handle_timeout(self.now);
        }
        if due(self.b.poll_timeout(), self.now) {
            self.b.handle_timeout(self.now);
        }
        self.deliver();
        true
    }

    pub fn deliver(&mut self) {
        for to_b in [true, false] {
            loop {
                let wire = if to_b { &mut self.a_to_b } else { &mut self.b_to_a };
                let Some(entry) = wire.under_way.first_entry() else { break };
                if entry.key().0 > self.now {
                    break;
                }
                let packet = entry.remove();
                let machine = if to_b { &mut self.b } else { &mut self.a };
                let _ = machine.input(self.now, &packet);
                let wire = if to_b { &mut self.a_to_b } else { &mut self.b_to_a };
                wire.spare.push(packet);
            }
        }
    }

    /// Runs for a time.
    pub fn run(&mut self, time: Duration) {
        let until = self.now + time;
        while self.step(until) {}
        self.drain();
    }

    /// Runs until `done`, at most `limit`; the time it took.
    pub fn run_until(&mut self, limit: Duration, mut done: impl FnMut(&mut Self) -> bool) -> Duration {
        let (start, until) = (self.now, self.now + limit);
        loop {
            self.drain();
            if done(self) {
                return self.now - start;
            }
            assert!(self.step(until), "not done after {limit:?}");
        }
    }
}

pub fn association(config: Config, seed: u64) -> Association {
    Association::new(config, &Seed::from_u64(seed), Instant::from_millis(1000))
}

impl Pair<Association> {
    /// Two associations with the same settings.
    pub fn new(config: &Config, link: Link, seed: u64) -> Self {
        Self::over(
            association(config.clone(), seed.wrapping_mul(2)),
            association(config.clone(), seed.wrapping_mul(2).wrapping_add(1)),
            link,
            seed,
        )
    }

    /// Connected, from both sides at once as WebRTC does.
    pub fn connected(config: &Config, link: Link, seed: u64) -> Self {
        let mut pair = Self::new(config, link, seed);
        pair.a.connect(pair.now).unwrap();
        pair.b.connect(pair.now).unwrap();
        // Of INITs and their answers, one in two is lost where three packets in ten are; the timeout doubles each time.
        pair.run_until(Duration::from_secs(900), |pair| {
            pair.a_events.contains(&Event::Connected) && pair.b_events.contains(&Event::Connected)
        });
        pair.a_events.clear();
        pair.b_events.clear();
        pair
    }

    /// Takes the messages that b received.
    pub fn take_b_messages(&mut self) -> Vec<sendrecv_sctp::Message> {
        let (messages, others) = std::mem::take(&mut self.b_events)
            .into_iter()
            .partition::<Vec<_>, _>(|event| matches!(event, Event::Message(_)));
        self.b_events = others.into();
        messages
            .into_iter()
            .map(|event| match event {
                Event::Message(message) => message,
                _ => unreachable!("only messages are here"),
            })
            .collect()
    }
}

/// A message whose bytes tell which it is.
pub fn payload(number: u32, len: usize) -> Bytes {
    let mut bytes = Vec::with_capacity(len);
    let mut state = number.wrapping_mul(0x9e37_79b9) ^ len as u32;
    while bytes.len() < len {
        bytes.extend_from_slice(&state.to_be_bytes());
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    }
    bytes.truncate(len);
    Bytes::from(bytes)
}
