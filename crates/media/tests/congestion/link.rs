//! A bottleneck that flows share, and the way back.

use sendrecv_core::{Instant, Rng, Seed};
use std::time::Duration;

/// What a path is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path {
    /// Bits per second of the bottleneck, and what it becomes at which millisecond.
    pub(crate) rate: u64,
    pub(crate) steps: &'static [(u64, u64)],
    /// How long a packet waits at most in the bottleneck's queue, at its first rate.
    pub(crate) queue: Duration,
    /// One way.
    pub(crate) delay: Duration,
    /// Lost packets, in hundredths, and lost feedback.
    pub(crate) loss: u64,
    pub(crate) feedback_loss: u64,
    /// Whether the air is shared: the medium is busy for up to this long, now and then, and what waits comes at once.
    pub(crate) stalls: Duration,
}

pub(crate) const STEADY: Path = Path {
    rate: 3_000_000,
    steps: &[],
    queue: Duration::from_millis(300),
    delay: Duration::from_millis(25),
    loss: 0,
    feedback_loss: 0,
    stalls: Duration::ZERO,
};

/// Bytes of IP and UDP, and of SRTP, around what we count.
const OVERHEAD: u64 = 28 + 10;

/// The bottleneck.
#[derive(Debug)]
pub(crate) struct Link {
    path: Path,
    rng: Rng,
    busy_until: Instant,
    stalled_until: Instant,
    last_arrival: Instant,
    /// Queueing delays in milliseconds, in the second half.
    pub(crate) delays: Vec<u64>,
    pub(crate) dropped: u64,
}

impl Link {
    pub(crate) fn new(path: Path, seed: &Seed) -> Self {
        let zero = Instant::ZERO;
        let rng = seed.derive("link").rng();
        Self {
            path,
            rng,
            busy_until: zero,
            stalled_until: zero,
            last_arrival: zero,
            delays: Vec::new(),
            dropped: 0,
        }
    }

    /// Bits per second at `now`.
    pub(crate) fn rate(&self, now: Instant) -> u64 {
        let past = self.path.steps.iter().rev().find(|(at, _)| Instant::from_millis(*at) <= now);
        past.map_or(self.path.rate, |(_, rate)| *rate)
    }

    /// When a packet of `len` bytes arrives; `None`: never.
    pub(crate) fn carry(&mut self, now: Instant, len: usize) -> Option<Instant> {
        let bits = (u64::try_from(len).unwrap() + OVERHEAD) * 8;
        let waits = self.busy_until.saturating_since(now);
        let room = self.path.queue.as_nanos() * u128::from(self.path.rate) / u128::from(self.rate(now));
        if waits.as_nanos() > room {
            self.dropped += 1;
            return None;
        }
        self.delays.push(u64::try_from(waits.as_millis()).unwrap());
        let begin = self.busy_until.max(now);
        self.busy_until = begin + Duration::from_nanos(bits * 1_000_000_000 / self.rate(now));
        if self.rng.chance(self.path.loss, 100) {
            return None;
        }
        let stalls = u64::try_from(self.path.stalls.as_micros()).unwrap();
        if stalls > 0 && self.rng.chance(1, 40) {
            self.stalled_until = self.busy_until + Duration::from_micros(self.rng.below(stalls));
        }
        let jitter = Duration::from_micros(self.rng.below((stalls / 10).max(1)));
        let arrival = self.busy_until.max(self.stalled_until) + self.path.delay + jitter;
        self.last_arrival = self.last_arrival.max(arrival);
        Some(self.last_arrival)
    }

    /// When feedback sent now arrives at the sender; `None`: never.
    pub(crate) fn carry_back(&mut self, now: Instant) -> Option<Instant> {
        (!self.rng.chance(self.path.feedback_loss, 100)).then(|| now + self.path.delay)
    }
}
