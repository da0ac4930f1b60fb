//! Round-trip time and retransmission timeout (RFC 9260, section 6.3.1).

use core::time::Duration;

/// Estimates the round-trip time from samples of chunks that were sent once (Karn's rule).
#[derive(Clone, Debug)]
pub(crate) struct RttEstimator {
    smoothed: Option<Duration>,
    variation: Duration,
    min: Duration,
    rto: Duration,
    rto_min: Duration,
    rto_max: Duration,
}

impl RttEstimator {
    pub(crate) const fn new(initial: Duration, rto_min: Duration, rto_max: Duration) -> Self {
        Self { smoothed: None, variation: Duration::ZERO, min: Duration::MAX, rto: initial, rto_min, rto_max }
    }

    /// Takes a sample, which also ends any back-off.
    pub(crate) fn sample(&mut self, rtt: Duration) {
        self.min = self.min.min(rtt);
        match self.smoothed {
            None => {
                self.smoothed = Some(rtt);
                self.variation = rtt / 2;
            }
            Some(smoothed) => {
                self.variation = self.variation * 3 / 4 + rtt.abs_diff(smoothed) / 4;
                self.smoothed = Some(smoothed * 7 / 8 + rtt / 8);
            }
        }
        self.restore();
    }

    /// Ends the back-off: the timeout follows from the estimates again.
    pub(crate) fn restore(&mut self) {
        if self.smoothed.is_some() {
            self.rto = self.longest().clamp(self.rto_min, self.rto_max);
        }
    }

    /// The longest round-trip time that is to be expected: zero before the first sample.
    pub(crate) fn longest(&self) -> Duration {
        self.smoothed.unwrap_or_default().saturating_add(self.variation.saturating_mul(4))
    }

    /// Doubles the timeout.
    pub(crate) fn back_off(&mut self) {
        self.rto = self.rto.saturating_mul(2).min(self.rto_max);
    }

    pub(crate) const fn rto(&self) -> Duration {
        self.rto
    }

    pub(crate) const fn smoothed(&self) -> Option<Duration> {
        self.smoothed
    }

    /// The lowest sample; `Duration::MAX` before the first.
    pub(crate) const fn min(&self) -> Duration {
        self.min
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn the_timeout_follows_samples_backs_off_and_recovers() {
        let mut rtt = RttEstimator::new(MS(1000), MS(100), MS(10_000));
        assert_eq!(rtt.rto(), MS(1000));
        rtt.sample(MS(200));
        assert_eq!((rtt.rto(), rtt.smoothed()), (MS(600), Some(MS(200))));
        rtt.back_off();
        rtt.back_off();
        assert_eq!(rtt.rto(), MS(2400));
        (0..10).for_each(|_| rtt.back_off());
        assert_eq!(rtt.rto(), MS(10_000));
        (0..200).for_each(|_| rtt.sample(MS(10)));
        assert_eq!((rtt.rto(), rtt.min()), (MS(100), MS(10)));
    }
}
