//! The highest of recent measurements.

/// For how many round trips a measurement counts.
const ROUNDS: u64 = 10;

/// The highest value of the last ten rounds, by keeping the three best candidates (as Kathleen Nichols' filter does).
#[derive(Clone, Debug)]
pub(super) struct MaxFilter {
    best: [(u64, u64); 3],
}

impl MaxFilter {
    pub(super) const fn new() -> Self {
        Self { best: [(0, 0); 3] }
    }

    pub(super) const fn get(&self) -> u64 {
        let [(_, best), ..] = self.best;
        best
    }

    pub(super) fn update(&mut self, round: u64, value: u64) {
        let [first, second, third] = self.best;
        let new = (round, value);
        if value >= first.1 || round.saturating_sub(third.0) > ROUNDS {
            self.best = [new; 3];
            return;
        }
        if value >= second.1 {
            self.best = [first, new, new];
        } else if value >= third.1 {
            self.best = [first, second, new];
        }
        self.age(round, new);
    }

    /// Lets candidates that left the window go, and refreshes seconds that are too close to the first.
    fn age(&mut self, round: u64, new: (u64, u64)) {
        let [first, second, third] = self.best;
        let age = round.saturating_sub(first.0);
        if age > ROUNDS {
            self.best = [second, third, new];
        } else if second.0 == first.0 && age > ROUNDS / 4 {
            self.best = [first, new, new];
        } else if third.0 == second.0 && age > ROUNDS / 2 {
            self.best = [first, second, new];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_of_old_rounds_is_forgotten() {
        let mut filter = MaxFilter::new();
        filter.update(0, 100);
        (1..=30).for_each(|round| filter.update(round, 10));
        assert_eq!(filter.get(), 10);
    }

    #[test]
    fn the_second_best_takes_over() {
        let mut filter = MaxFilter::new();
        filter.update(0, 100);
        filter.update(5, 50);
        (6..=11).for_each(|round| filter.update(round, 10));
        assert_eq!(filter.get(), 50);
    }
}
