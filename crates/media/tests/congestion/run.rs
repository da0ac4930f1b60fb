//! Flows over one bottleneck, in virtual time.

use crate::flow::Flow;
use crate::link::{Link, Path};
use crate::tcp::{ACK_DELAY, SEGMENT, Tcp};
use sendrecv_core::{Instant, Seed};
use sendrecv_media::{CongestionControl, PacketKind};
use std::collections::BTreeMap;
use std::time::Duration;

/// What happens.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) path: Path,
    /// When each call begins, in milliseconds.
    pub(crate) calls: &'static [u64],
    /// When a TCP flow begins, in milliseconds.
    pub(crate) tcp: Option<u64>,
    pub(crate) seconds: u64,
}

#[derive(Debug)]
enum Flying {
    Media { flow: usize, back: bool, kind: PacketKind, bytes: Vec<u8> },
    Acknowledgement,
    Loss(u64),
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) flows: Vec<Flow>,
    pub(crate) link: Link,
    pub(crate) tcp: Option<Tcp>,
}

struct World {
    flying: BTreeMap<(Instant, u64), Flying>,
    sent: u64,
    out: Outcome,
}

impl World {
    fn put(&mut self, at: Instant, flying: Flying) {
        self.sent += 1;
        self.flying.insert((at, self.sent), flying);
    }

    fn step(&mut self, now: Instant) {
        while let Some(entry) = self.flying.first_entry().filter(|entry| entry.key().0 <= now) {
            match entry.remove() {
                Flying::Media { flow, back, kind, bytes } => {
                    self.out.flows[flow].take(now, back, kind, bytes);
                }
                Flying::Acknowledgement => self.out.tcp.iter_mut().for_each(Tcp::acknowledged),
                Flying::Loss(number) => self.out.tcp.iter_mut().for_each(|tcp| tcp.lost(number)),
            }
        }
        for flow in 0..self.out.flows.len() {
            for (back, kind, bytes) in self.out.flows[flow].advance(now) {
                let arrival =
                    if back { self.out.link.carry_back(now) } else { self.out.link.carry(now, bytes.len()) };
                if let Some(at) = arrival {
                    self.put(at, Flying::Media { flow, back, kind, bytes });
                }
            }
        }
        while let Some(number) = self.out.tcp.as_mut().and_then(|tcp| tcp.send(now)) {
            match self.out.link.carry(now, SEGMENT) {
                Some(at) => self.put(at + ACK_DELAY, Flying::Acknowledgement),
                None => self.put(now + Duration::from_millis(200), Flying::Loss(number)),
            }
        }
    }

    fn next(&self) -> Instant {
        let engines = self.out.flows.iter().map(Flow::next);
        let arrival = self.flying.first_key_value().map(|((at, _), _)| *at);
        let tcp = self.out.tcp.as_ref().filter(|tcp| tcp.delivered == 0).map(|tcp| tcp.begin);
        engines.chain(arrival).chain(tcp).min().unwrap_or(Instant::MAX)
    }
}

pub(crate) fn run(scenario: &Scenario, seed: &Seed) -> Outcome {
    let control = CongestionControl::default();
    let flow = |(index, begin): (usize, &u64)| {
        let seed = seed.derive_indexed("flow", u64::try_from(index).unwrap());
        Flow::new(&seed, Instant::from_millis(*begin), 8_000_000, control)
    };
    let flows = scenario.calls.iter().enumerate().map(flow).collect();
    let tcp = scenario.tcp.map(|begin| Tcp::new(Instant::from_millis(begin)));
    let out = Outcome { flows, link: Link::new(scenario.path, seed), tcp };
    let mut world = World { flying: BTreeMap::new(), sent: 0, out };
    let (mut now, end) = (Instant::ZERO, Instant::from_millis(scenario.seconds * 1000));
    while now < end {
        world.step(now);
        now = world.next().max(now + Duration::from_micros(1));
    }
    world.out
}
