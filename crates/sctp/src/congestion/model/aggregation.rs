//! How much arrives at once where acknowledgements come in bunches, as over Wi-Fi.

use super::super::bytes_at;
use super::filter::MaxFilter;
use crate::num::wide;
use sendrecv_core::Instant;

/// The most that was lately acknowledged beyond what the bandwidth explains. While the path holds acknowledgements
/// back, that much more has to be in flight to keep it busy.
#[derive(Clone, Debug)]
pub(super) struct Aggregation {
    since: Instant,
    acked: u64,
    excess: MaxFilter,
}

impl Aggregation {
    pub(super) const fn new() -> Self {
        Self { since: Instant::ZERO, acked: 0, excess: MaxFilter::new() }
    }

    /// Takes note of `acked` bytes on a path of `bandwidth` bytes per second.
    pub(super) fn on_ack(&mut self, now: Instant, acked: usize, bandwidth: u64, round: u64) {
        let mut expected = bytes_at(bandwidth, now.saturating_since(self.since));
        if self.acked <= expected {
            (self.since, self.acked, expected) = (now, 0, 0);
        }
        self.acked = self.acked.saturating_add(wide(acked));
        self.excess.update(round, self.acked.saturating_sub(expected));
    }

    /// The excess in bytes.
    pub(super) const fn excess(&self) -> u64 {
        self.excess.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bunches_show_as_excess_and_a_steady_flow_does_not() {
        let (mut steady, mut bunched) = (Aggregation::new(), Aggregation::new());
        for ms in 0..100u64 {
            steady.on_ack(Instant::from_millis(ms), 1000, 1_000_000, ms / 10);
            if ms % 10 == 0 {
                bunched.on_ack(Instant::from_millis(ms), 10_000, 1_000_000, ms / 10);
            }
        }
        assert_eq!(steady.excess(), 1000);
        assert_eq!(bunched.excess(), 10_000);
    }
}
