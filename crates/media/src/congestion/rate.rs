//! The rate that the delay permits: more while nothing builds up, less when something does.

use super::trendline::Usage;
use core::time::Duration;
use sendrecv_core::Instant;

/// What is left of the arriving bitrate when a queue builds up, in hundredths.
const BACK_OFF: u64 = 85;
/// Growth per second far from what the path is known to carry, in hundredths.
const GROWTH: u64 = 8;
/// The same back to what the path is known to carry.
const RECOVERY: u64 = 30;
/// How near to that growth is slow: between these hundredths of it.
const NEAR: core::ops::RangeInclusive<u64> = 92..=115;
/// Bits that are added per round of feedback near to it.
const PACKET_BITS: u64 = 1200 * 8;

/// Additive increase near the capacity, multiplicative elsewhere, multiplicative decrease.
#[derive(Clone, Copy, Debug)]
pub(super) struct RateControl {
    bps: u64,
    /// What arrived when queues built up: what the path carries.
    capacity: Option<u64>,
    updated: Instant,
    decreased: Option<Instant>,
}

/// What a round of feedback said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    pub(super) usage: Usage,
    /// The bitrate that arrives, with what is lost in any case.
    pub(super) arriving: Option<u64>,
    pub(super) rtt: Duration,
    /// Whether the application uses what it may.
    pub(super) is_used: bool,
}

impl RateControl {
    pub(super) const fn new(now: Instant, bps: u64) -> Self {
        Self { bps, capacity: None, updated: now, decreased: None }
    }

    pub(super) const fn bps(&self) -> u64 {
        self.bps
    }

    /// When it last gave way.
    pub(super) const fn decreased(&self) -> Option<Instant> {
        self.decreased
    }

    /// Sets it to no more than `bps`.
    pub(super) fn cap(&mut self, bps: u64) {
        self.bps = self.bps.min(bps);
    }

    /// Sets it to what a probe has measured, if that is more.
    pub(super) fn probed(&mut self, bps: u64) {
        self.bps = self.bps.max(bps);
        if self.capacity.is_some_and(|capacity| bps > capacity) {
            self.capacity = None;
        }
    }

    pub(super) fn update(&mut self, now: Instant, round: &Round) {
        let elapsed = now.saturating_since(self.updated).min(Duration::from_secs(1));
        self.updated = now;
        match round.usage {
            Usage::Over => self.decrease(now, round),
            Usage::Under => {}
            Usage::Normal => self.increase(elapsed, round),
        }
    }

    fn decrease(&mut self, now: Instant, round: &Round) {
        let pause = round.rtt.clamp(Duration::from_millis(10), Duration::from_millis(200));
        let arriving = round.arriving.unwrap_or(self.bps / 2);
        let waited = self.decreased.is_none_or(|at| now.saturating_since(at) >= pause);
        if !waited && arriving >= self.bps / 2 {
            return;
        }
        if round.arriving.is_some() {
            let known = self.capacity.filter(|known| near(arriving, *known));
            self.capacity =
                Some(known.map_or(arriving, |known| (known.saturating_mul(3).saturating_add(arriving)) / 4));
        }
        self.bps = self.bps.min(hundredths(arriving, BACK_OFF));
        self.decreased = Some(now);
    }

    fn increase(&mut self, elapsed: Duration, round: &Round) {
        if !round.is_used {
            return;
        }
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(0);
        let per_second = match self.capacity {
            Some(capacity) if near(self.bps, capacity) => {
                let response = round.rtt.saturating_add(Duration::from_millis(100));
                PACKET_BITS.saturating_mul(1_000_000)
                    / u64::try_from(response.as_micros()).unwrap_or(u64::MAX).max(1)
            }
            Some(capacity) if self.bps < capacity => hundredths(self.bps, RECOVERY),
            _ => hundredths(self.bps, GROWTH),
        };
        let more = self.bps.saturating_add((per_second.saturating_mul(micros) / 1_000_000).max(1));
        // What does not arrive was not shown to fit.
        let most = round.arriving.map_or(u64::MAX, |bps| bps.saturating_add(bps / 2).saturating_add(10_000));
        self.bps = more.min(most).max(self.bps);
    }
}

fn near(bps: u64, capacity: u64) -> bool {
    (hundredths(capacity, *NEAR.start())..=hundredths(capacity, *NEAR.end())).contains(&bps)
}

pub(super) const fn hundredths(bps: u64, percent: u64) -> u64 {
    bps.saturating_mul(percent) / 100
}
