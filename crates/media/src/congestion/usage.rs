//! Whether the application sends what it may.

use core::time::Duration;
use sendrecv_core::Instant;

/// What is looked back upon.
const WINDOW: Duration = Duration::from_millis(500);
/// Below so many hundredths of the target the application is what limits the rate.
const LIMITED: u64 = 65;
/// The share of repairs is a mean over about so many packets.
const SMOOTHING: u64 = 256;

/// Compares what was sent with the target, window by window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Utilisation {
    begun: Instant,
    bytes: u64,
    /// What could have been sent, in bits.
    allowed: u64,
    updated: Instant,
    limited: bool,
    /// Millionths of all bytes that repaired others, smoothed.
    repairs: u64,
}

impl Utilisation {
    pub(super) const fn new(now: Instant) -> Self {
        Self { begun: now, bytes: 0, allowed: 0, updated: now, limited: false, repairs: 0 }
    }

    pub(super) fn packet_sent(&mut self, now: Instant, bytes: u64, is_repair: bool, target_bps: u64) {
        let share = if is_repair { 1_000_000 } else { 0 };
        self.repairs = (self.repairs * (SMOOTHING - 1) + share) / SMOOTHING;
        let micros = u64::try_from(now.saturating_since(self.updated).as_micros()).unwrap_or(u64::MAX);
        self.allowed = self.allowed.saturating_add(target_bps.saturating_mul(micros) / 1_000_000);
        self.updated = now;
        self.bytes = self.bytes.saturating_add(bytes);
        if now.saturating_since(self.begun) >= WINDOW {
            self.limited = self.bytes.saturating_mul(800) < self.allowed.saturating_mul(LIMITED);
            *self = Self { limited: self.limited, repairs: self.repairs, ..Self::new(now) };
        }
    }

    /// What is left of `bps` beside repairs.
    pub(super) const fn without_repairs(&self, bps: u64) -> u64 {
        bps.saturating_sub((bps / 1_000_000).saturating_mul(self.repairs))
            .saturating_sub(bps % 1_000_000 * self.repairs / 1_000_000)
    }

    pub(super) const fn is_limited_by_application(&self) -> bool {
        self.limited
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoder_that_sends_half_of_the_target_limits_the_rate() {
        let mut utilisation = Utilisation::new(Instant::ZERO);
        let mut send = |range: core::ops::Range<u64>, bytes| {
            range.for_each(|i| utilisation.packet_sent(Instant::from_millis(10 * i), bytes, false, 800_000));
            utilisation.is_limited_by_application()
        };
        assert!(!send(0..200, 900));
        assert!(send(200..400, 500));
        assert!(!send(400..600, 1000));
    }
}
