//! Whether packets larger than the base still arrive (RFC 8899, section 4.3).

/// Round trips in a row with losses of larger packets, while none of them arrived, that show a black hole.
const ROUND_TRIPS: u32 = 2;

/// Counts the losses of larger packets, those of one round trip once: a queue that overflows loses many at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlackHole {
    round_trips: u32,
    /// Losses of transmissions before this were counted.
    counted: u64,
}

impl BlackHole {
    /// There is none.
    pub(super) const NONE: Self = Self { round_trips: 0, counted: 0 };

    /// A transmission of this order was lost, with a packet larger than the base; the next one will be `next`.
    pub(super) const fn lost(&mut self, order: u64, next: u64) {
        if order >= self.counted {
            self.round_trips = self.round_trips.saturating_add(1);
            self.counted = next;
        }
    }

    /// A packet larger than the base arrived, or there are no such packets any more.
    pub(super) const fn arrived(&mut self) {
        self.round_trips = 0;
    }

    pub(super) const fn is_likely(&self) -> bool {
        self.round_trips >= ROUND_TRIPS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_of_one_round_trip_count_once_and_an_arrival_clears_them() {
        let mut black_hole = BlackHole::NONE;
        (10..20).for_each(|order| black_hole.lost(order, 30));
        assert!(!black_hole.is_likely(), "they left together");
        black_hole.lost(30, 40);
        assert!(black_hole.is_likely());
        black_hole.arrived();
        black_hole.lost(40, 50);
        assert!(!black_hole.is_likely());
    }
}
