//! How much may be retransmitted.

use sendrecv_core::Instant;

/// A token bucket of bytes that holds what a quarter of a second brings.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    bytes_per_second: u64,
    available: u64,
    updated: Instant,
}

impl Budget {
    pub(crate) const fn new(now: Instant, bits_per_second: u64) -> Self {
        let bytes_per_second = bits_per_second / 8;
        Self { bytes_per_second, available: bytes_per_second / 4, updated: now }
    }

    /// Takes `bytes`, if there are so many.
    pub(crate) fn take(&mut self, now: Instant, bytes: usize) -> bool {
        let micros = u64::try_from(now.saturating_since(self.updated).as_micros()).unwrap_or(u64::MAX);
        let earned = self.bytes_per_second.saturating_mul(micros) / 1_000_000;
        if earned > 0 {
            self.available = self.available.saturating_add(earned).min(self.bytes_per_second / 4);
            self.updated = now;
        }
        let wanted = u64::try_from(bytes).unwrap_or(u64::MAX);
        let enough = self.available >= wanted;
        self.available -= if enough { wanted } else { 0 };
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_empties_it_and_time_fills_it() {
        let mut budget = Budget::new(Instant::ZERO, 80_000);
        assert!(budget.take(Instant::ZERO, 2500));
        assert!(!budget.take(Instant::ZERO, 1));
        assert!(budget.take(Instant::from_millis(100), 1000));
        assert!(!budget.take(Instant::from_millis(100), 1));
        assert!(!budget.take(Instant::from_millis(10_000), 2501));
    }
}
