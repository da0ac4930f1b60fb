//! One direction of a path: a bottleneck with a queue, then propagation, with what goes wrong on the way.

use sendrecv_core::{Instant, Rng};
use std::time::Duration;

/// What a direction is like. Rates count every byte of the IP packet, headers included, and nothing below IP.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// Propagation, one way.
    pub delay: Duration,
    /// Bytes per second; `None` for no limit.
    pub rate: Option<u64>,
    /// Bytes that may wait for the bottleneck; what comes on top is dropped.
    pub queue: usize,
    /// Random loss behind the bottleneck, per million.
    pub loss: u64,
    /// Packets that arrive twice, per million.
    pub duplication: u64,
    /// Added to the delay at random, so that packets overtake each other.
    pub reordering: Duration,
    /// Packets arrive in bunches this far apart on average, as over Wi-Fi, with a pause ten times as long now and then.
    pub bunches: Duration,
    /// Longer IP packets vanish.
    pub mtu: usize,
}

impl Link {
    /// A direction without bottleneck and faults.
    pub const fn with_delay(delay: Duration) -> Self {
        Self {
            delay,
            rate: None,
            queue: usize::MAX,
            loss: 0,
            duplication: 0,
            reordering: Duration::ZERO,
            bunches: Duration::ZERO,
            mtu: usize::MAX,
        }
    }

    /// The same with a bottleneck of this many bits per second behind a queue of `queue` at that rate.
    pub const fn with_rate(self, bits: u64, queue: Duration) -> Self {
        let rate = bits / 8;
        let queue = (rate as u128 * queue.as_nanos() / 1_000_000_000) as usize;
        Self { rate: Some(rate), queue, ..self }
    }

    /// The same with this much random loss per million.
    pub const fn with_loss(self, loss: u64) -> Self {
        Self { loss, ..self }
    }
}

/// A packet's way through.
pub struct Passage {
    /// When its last bit left the bottleneck, and how long it waited for that.
    pub left: Instant,
    pub waited: Duration,
    /// When it arrives; `None`: lost behind the bottleneck.
    pub arrives: Option<Instant>,
    pub again: Option<Instant>,
}

/// A direction at work.
pub struct Bottleneck {
    pub link: Link,
    rng: Rng,
    busy_until: Instant,
    next_bunch: Instant,
    /// Packets dropped because the queue was full, and lost at random.
    pub overflowed: u64,
    pub lost: u64,
}

impl Bottleneck {
    pub fn new(link: Link, rng: Rng) -> Self {
        Self { link, rng, busy_until: Instant::ZERO, next_bunch: Instant::ZERO, overflowed: 0, lost: 0 }
    }

    /// Takes an IP packet of `bytes`; `None`: dropped before the bottleneck.
    pub fn carry(&mut self, now: Instant, bytes: usize) -> Option<Passage> {
        if bytes > self.link.mtu {
            return None;
        }
        let mut left = now;
        if let Some(rate) = self.link.rate {
            let start = self.busy_until.max(now);
            let backlog = (start - now).as_nanos() * u128::from(rate) / 1_000_000_000;
            if backlog as usize + bytes > self.link.queue {
                self.overflowed += 1;
                return None;
            }
            left = start + Duration::from_nanos(bytes as u64 * 1_000_000_000 / rate);
            self.busy_until = left;
        }
        let lost = self.happens(self.link.loss);
        self.lost += u64::from(lost);
        let again = self.happens(self.link.duplication);
        Some(Passage {
            left,
            waited: left - now,
            arrives: (!lost).then(|| self.arrival(left)),
            again: again.then(|| self.arrival(left)),
        })
    }

    fn happens(&mut self, per_million: u64) -> bool {
        per_million > 0 && self.rng.chance(per_million, 1_000_000)
    }

    fn arrival(&mut self, left: Instant) -> Instant {
        let mut at = left + self.link.delay;
        if !self.link.reordering.is_zero() {
            at += Duration::from_nanos(self.rng.below(self.link.reordering.as_nanos() as u64));
        }
        if self.link.bunches.is_zero() {
            return at;
        }
        while self.next_bunch < at {
            let gap = 2 * self.link.bunches.as_nanos() as u64;
            let pause = if self.rng.chance(1, 100) { 5 * gap } else { 0 };
            self.next_bunch += Duration::from_nanos(self.rng.below(gap) + pause + 1);
        }
        self.next_bunch
    }
}
