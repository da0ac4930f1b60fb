//! Connections that share a bottleneck, in virtual time: each sends as much as it can in one direction.

use super::bottleneck::{Bottleneck, Link};
use sendrecv_core::{Instant, Seed, earliest};
use std::collections::BTreeMap;
use std::time::Duration;

/// Measurements are kept in spans of this length.
pub const SPAN: Duration = Duration::from_millis(5);

/// One end of a connection, whatever protocol it speaks.
pub trait End {
    /// Bytes of the layers below in every IP packet: IPv4 and UDP, and DTLS where there is DTLS.
    fn overhead(&self) -> usize;
    fn handle_datagram(&mut self, now: Instant, datagram: &[u8]);
    fn handle_timeout(&mut self, now: Instant);
    fn poll_timeout(&mut self) -> Option<Instant>;
    /// Writes the next datagram to the empty `datagram`; false when there is none.
    fn poll_transmit(&mut self, now: Instant, datagram: &mut Vec<u8>) -> bool;
    /// Whether the connection is established.
    fn is_ready(&self) -> bool;
    /// Hands over as much as is taken.
    fn fill(&mut self, now: Instant);
    /// Takes what arrived for the application; how many bytes.
    fn take(&mut self, now: Instant) -> u64;
}

/// What happened in one [`SPAN`].
#[derive(Clone, Copy, Default)]
pub struct Span {
    /// Bytes that the receiving application took.
    pub taken: u64,
    /// Bytes of IP packets that left the bottleneck.
    pub carried: u64,
    /// Packets that entered the queue, and how long they waited in it, in all and at most.
    pub packets: u64,
    pub waited: Duration,
    pub longest: Duration,
}

/// One connection.
pub struct Flow {
    ends: [Box<dyn End>; 2],
    deadlines: [Option<Instant>; 2],
    /// Propagation this flow has on top of the shared path, each way.
    extra: Duration,
    /// When its application begins to send.
    starts: Instant,
    /// When it ends, if it does.
    pub stops: Option<Instant>,
    /// When the sender was first ready to send.
    pub ready_at: Option<Instant>,
    pub spans: Vec<Span>,
}

/// A packet under way: for which flow and which end, and its bytes.
type UnderWay = (usize, usize, Vec<u8>);

/// Flows over one shared path.
pub struct Network {
    pub now: Instant,
    pub directions: [Bottleneck; 2],
    pub flows: Vec<Flow>,
    under_way: BTreeMap<(Instant, u64), UnderWay>,
    spare: Vec<Vec<u8>>,
    number: u64,
}

impl Network {
    /// An empty path. `backward` is the way of the acknowledgements.
    pub fn new(forward: Link, backward: Link, seed: u64) -> Self {
        let seed = Seed::from_u64(seed);
        Self {
            now: Instant::from_millis(1000),
            directions: [
                Bottleneck::new(forward, seed.derive("forward").rng()),
                Bottleneck::new(backward, seed.derive("backward").rng()),
            ],
            flows: Vec::new(),
            under_way: BTreeMap::new(),
            spare: Vec::new(),
            number: 0,
        }
    }

    /// Adds a connection whose application begins to send `after` now.
    pub fn add(&mut self, ends: [Box<dyn End>; 2], extra: Duration, after: Duration) -> usize {
        self.flows.push(Flow {
            ends,
            deadlines: [None; 2],
            extra,
            starts: self.now + after,
            stops: None,
            ready_at: None,
            spans: Vec::new(),
        });
        let flow = self.flows.len() - 1;
        self.serve(flow, 0);
        self.serve(flow, 1);
        flow
    }

    /// Lets one end say all it has to say.
    fn serve(&mut self, flow: usize, end: usize) {
        let now = self.now;
        let state = &mut self.flows[flow];
        let ended = state.stops.is_some_and(|at| at <= now);
        if end == 0 && state.ends[0].is_ready() && now >= state.starts && !ended {
            state.ready_at.get_or_insert(now);
            state.ends[0].fill(now);
        }
        if end == 1 {
            let taken = state.ends[1].take(now);
            span(&mut state.spans, now).taken += taken;
        }
        loop {
            let mut datagram = self.spare.pop().unwrap_or_default();
            datagram.clear();
            if !self.flows[flow].ends[end].poll_transmit(now, &mut datagram) {
                self.spare.push(datagram);
                break;
            }
            self.send(flow, end, datagram);
            let state = &mut self.flows[flow];
            if end == 0 && state.ready_at.is_some() && !ended {
                state.ends[0].fill(now);
            }
        }
        let state = &mut self.flows[flow];
        state.deadlines[end] = state.ends[end].poll_timeout();
        if end == 0 && state.ready_at.is_none() && now < state.starts {
            state.deadlines[0] = earliest(state.deadlines[0], Some(state.starts));
        }
    }

    fn send(&mut self, flow: usize, end: usize, datagram: Vec<u8>) {
        let state = &mut self.flows[flow];
        let bytes = datagram.len() + state.ends[end].overhead();
        let Some(passage) = self.directions[end].carry(self.now, bytes) else {
            self.spare.push(datagram);
            return;
        };
        if end == 0 {
            span(&mut state.spans, passage.left).carried += bytes as u64;
            let span = span(&mut state.spans, self.now);
            span.packets += 1;
            span.waited += passage.waited;
            span.longest = span.longest.max(passage.waited);
        }
        let extra = state.extra;
        for at in [passage.arrives, passage.again].into_iter().flatten() {
            self.number += 1;
            self.under_way.insert((at + extra, self.number), (flow, 1 - end, datagram.clone()));
        }
    }

    /// Goes on to the next thing that happens; false when that is after `until`.
    fn step(&mut self, until: Instant) -> bool {
        let timer = self.flows.iter().flat_map(|flow| flow.deadlines).flatten().min();
        let arrival = self.under_way.first_key_value().map(|((at, _), _)| *at);
        let Some(next) = earliest(timer, arrival).filter(|next| *next <= until) else {
            self.now = until;
            return false;
        };
        self.now = self.now.max(next);
        if arrival.is_some_and(|at| at <= self.now) {
            if let Some((_, (flow, end, datagram))) = self.under_way.pop_first() {
                self.flows[flow].ends[end].handle_datagram(self.now, &datagram);
                self.spare.push(datagram);
                self.serve(flow, end);
            }
            return true;
        }
        for flow in 0..self.flows.len() {
            for end in 0..2 {
                if self.flows[flow].deadlines[end].is_some_and(|at| at <= self.now) {
                    self.flows[flow].ends[end].handle_timeout(self.now);
                    self.serve(flow, end);
                }
            }
        }
        true
    }

    /// Runs for a time.
    pub fn run(&mut self, time: Duration) {
        let until = self.now + time;
        let mut idle = 0;
        while self.now < until {
            let before = self.now;
            if !self.step(until) {
                return;
            }
            idle = if self.now == before { idle + 1 } else { 0 };
            assert!(idle < 1_000_000, "time stands still");
        }
    }
}

impl Flow {
    /// The spans between two times since the simulation began.
    pub fn between(&self, from: Instant, to: Instant) -> &[Span] {
        let end = index(to).min(self.spans.len());
        &self.spans[index(from).min(end)..end]
    }

    /// Application bytes per second between two times.
    pub fn goodput(&self, from: Instant, to: Instant) -> f64 {
        let taken: u64 = self.between(from, to).iter().map(|span| span.taken).sum();
        taken as f64 / (to - from).as_secs_f64()
    }

    /// Bytes of IP packets per second through the bottleneck.
    pub fn carried(&self, from: Instant, to: Instant) -> f64 {
        let carried: u64 = self.between(from, to).iter().map(|span| span.carried).sum();
        carried as f64 / (to - from).as_secs_f64()
    }

    /// The mean and the longest wait in the bottleneck's queue.
    pub fn waits(&self, from: Instant, to: Instant) -> (Duration, Duration) {
        let spans = self.between(from, to);
        let packets: u64 = spans.iter().map(|span| span.packets).sum();
        let waited: Duration = spans.iter().map(|span| span.waited).sum();
        let longest = spans.iter().map(|span| span.longest).max().unwrap_or_default();
        (waited / packets.clamp(1, u64::from(u32::MAX)) as u32, longest)
    }

    /// How long after it was ready the flow first filled `share` of `rate` for `window`.
    pub fn reached(&self, rate: u64, share: f64, window: Duration) -> Option<Duration> {
        let ready = self.ready_at?;
        let length = (window.as_nanos() / SPAN.as_nanos()).max(1) as usize;
        let wanted = (rate as f64 * share * SPAN.as_secs_f64() * length as f64) as u64;
        let first = index(ready);
        let spans = self.spans.get(first..)?;
        let found = spans
            .windows(length)
            .position(|spans| spans.iter().map(|span| span.carried).sum::<u64>() >= wanted)?;
        Some(SPAN * u32::try_from(found + length).unwrap_or(u32::MAX))
    }
}

fn index(at: Instant) -> usize {
    (at.saturating_since(Instant::ZERO).as_nanos() / SPAN.as_nanos()) as usize
}

fn span(spans: &mut Vec<Span>, at: Instant) -> &mut Span {
    let index = index(at);
    if spans.len() <= index {
        spans.resize(index + 1, Span::default());
    }
    &mut spans[index]
}

/// Jain's index: 1 when all are equal, 1/n when one has everything.
pub fn fairness(shares: &[f64]) -> f64 {
    let sum: f64 = shares.iter().sum();
    let squares: f64 = shares.iter().map(|share| share * share).sum();
    sum * sum / (shares.len() as f64 * squares)
}
