//! What fragments that left together have in common, and the delivery rate that follows from it
//! (draft-ietf-ccwg-bbr, section 4.1).

use super::fragment::Fragment;
use crate::num::{extend, low32, wide};
use core::time::Duration;
use sendrecv_core::{Instant, Ring};

/// Fragments that left at one time, and what had been delivered then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Burst {
    pub(crate) sent_at: Instant,
    /// What had been delivered, and when, as this left: for rate samples.
    delivered: u64,
    delivered_at: Instant,
    first_sent_at: Instant,
    app_limited: bool,
    /// How many fragments refer to it.
    fragments: u32,
}

/// A delivery-rate sample's raw numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RateSample {
    pub(crate) bytes: u64,
    pub(crate) interval: Duration,
    pub(crate) app_limited: bool,
}

impl Burst {
    /// What had been delivered when this left: a round trip ends when that is past its start.
    pub(crate) const fn delivered(&self) -> u64 {
        self.delivered
    }
}

/// The bursts that fragments in flight refer to, and what was delivered so far.
#[derive(Clone, Debug)]
pub(super) struct Bursts {
    ring: Ring<Burst>,
    delivered: u64,
    delivered_at: Instant,
    first_sent_at: Instant,
    /// Until this much is delivered, samples are limited by the application.
    app_limited_until: u64,
}

impl Bursts {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            ring: Ring::new(1 << 32),
            delivered: 0,
            delivered_at: now,
            first_sent_at: now,
            app_limited_until: 0,
        }
    }

    pub(super) const fn delivered(&self) -> u64 {
        self.delivered
    }

    pub(super) const fn deliver(&mut self, bytes: u64) {
        self.delivered = self.delivered.saturating_add(bytes);
    }

    /// The application has nothing more to send: rate samples of what is in flight say little.
    pub(super) fn mark_app_limited(&mut self, in_flight: usize) {
        self.app_limited_until = self.delivered.saturating_add(wide(in_flight)).max(1);
    }

    /// Counts a fragment into the burst that leaves now. `idle`: nothing else is in flight.
    pub(super) fn join(&mut self, now: Instant, idle: bool, fragment: &mut Fragment) {
        self.leave(fragment);
        if idle {
            (self.first_sent_at, self.delivered_at) = (now, now);
        }
        let app_limited = self.app_limited_until > self.delivered;
        let last = self.ring.end().saturating_sub(1);
        let present = self.ring.get_mut(last).filter(|burst| {
            burst.sent_at == now && burst.delivered == self.delivered && burst.app_limited == app_limited
        });
        if let Some(burst) = present {
            burst.fragments = burst.fragments.saturating_add(1);
        } else {
            self.ring.push(Burst {
                sent_at: now,
                delivered: self.delivered,
                delivered_at: self.delivered_at,
                first_sent_at: self.first_sent_at,
                app_limited,
                fragments: 1,
            });
        }
        fragment.burst = low32(self.ring.end().saturating_sub(1));
        fragment.in_burst = true;
    }

    /// The burst a fragment last left with, unless that is forgotten.
    pub(super) fn of(&self, fragment: &Fragment) -> Option<&Burst> {
        self.ring.get(extend(self.ring.end(), fragment.burst)).filter(|_| fragment.in_burst)
    }

    /// A fragment was acknowledged or given up: its burst need not be kept for it.
    pub(super) fn leave(&mut self, fragment: &mut Fragment) {
        if !core::mem::replace(&mut fragment.in_burst, false) {
            return;
        }
        if let Some(burst) = self.ring.get_mut(extend(self.ring.end(), fragment.burst)) {
            burst.fragments = burst.fragments.saturating_sub(1);
        }
        while self.ring.front().is_some_and(|burst| burst.fragments == 0) {
            self.ring.pop();
        }
    }

    /// The rate sample of an acknowledgement whose newest fragment left with `burst`.
    pub(super) fn sample(&mut self, now: Instant, burst: &Burst) -> Option<RateSample> {
        self.delivered_at = now;
        self.first_sent_at = burst.sent_at;
        let sending = burst.sent_at.saturating_since(burst.first_sent_at);
        let interval = sending.max(now.saturating_since(burst.delivered_at));
        let bytes = self.delivered.saturating_sub(burst.delivered);
        (!interval.is_zero()).then_some(RateSample { bytes, interval, app_limited: burst.app_limited })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment() -> Fragment {
        Fragment::new(0, 0, 0, (1000, 1016))
    }

    #[test]
    fn fragments_that_leave_together_share_a_burst_that_goes_with_the_last_of_them() {
        let mut bursts = Bursts::new(Instant::ZERO);
        let mut fragments = [fragment(); 3];
        let [a, b, c] = &mut fragments;
        bursts.join(Instant::from_millis(1), true, a);
        bursts.join(Instant::from_millis(1), false, b);
        bursts.join(Instant::from_millis(2), false, c);
        assert_eq!(bursts.ring.len(), 2);
        bursts.leave(a);
        bursts.leave(a);
        assert_eq!(bursts.of(b).map(|burst| burst.sent_at), Some(Instant::from_millis(1)));
        bursts.leave(b);
        assert_eq!((bursts.of(b), bursts.ring.len()), (None, 1));
        bursts.join(Instant::from_millis(3), false, c);
        assert_eq!(bursts.ring.len(), 1);
    }

    #[test]
    fn a_rate_is_what_was_delivered_over_the_longer_of_sending_and_acknowledging() {
        let mut bursts = Bursts::new(Instant::ZERO);
        let mut first = fragment();
        bursts.join(Instant::from_millis(10), true, &mut first);
        bursts.deliver(1016);
        let burst = *bursts.of(&first).unwrap();
        let sample = bursts.sample(Instant::from_millis(30), &burst).unwrap();
        assert_eq!((sample.bytes, sample.interval), (1016, Duration::from_millis(20)));
        assert_eq!(bursts.sample(Instant::from_millis(10), &burst), None);
    }
}
