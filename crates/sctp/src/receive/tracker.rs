//! Which TSNs have arrived (RFC 9260, section 6.2).

use crate::num::{extend, low16, low32};
use crate::ranges::Ranges;
use alloc::vec::Vec;

/// The farthest ahead of the cumulative TSN that a SACK can tell of.
const MAX_AHEAD: u64 = 0xffff;
/// The most runs beyond the cumulative TSN that are kept; what would open another is not taken.
const MAX_RUNS: usize = 8192;
const MAX_DUPLICATES: usize = 16;

/// What a TSN is, seen from what has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    New,
    Duplicate,
    OutOfRange,
}

/// The cumulative TSN, the runs beyond it, and recent duplicates.
#[derive(Clone, Debug)]
pub(crate) struct Tracker {
    cumulative: u64,
    runs: Ranges,
    duplicates: Vec<u32>,
}

impl Tracker {
    pub(crate) const fn new(first_tsn: u64) -> Self {
        Self { cumulative: first_tsn.saturating_sub(1), runs: Ranges::new(), duplicates: Vec::new() }
    }

    pub(crate) const fn cumulative(&self) -> u64 {
        self.cumulative
    }

    /// The highest TSN that arrived.
    pub(crate) fn highest(&self) -> u64 {
        self.runs.last().map_or(self.cumulative, |(_, end)| end)
    }

    /// The TSN nearest to the cumulative one with these low bits.
    pub(crate) const fn extend(&self, tsn: u32) -> u64 {
        extend(self.cumulative, tsn)
    }

    pub(crate) fn judge(&self, tsn: u64) -> Arrival {
        if tsn <= self.cumulative {
            return Arrival::Duplicate;
        }
        if self.runs.is_empty() && tsn == self.cumulative.saturating_add(1) {
            return Arrival::New;
        }
        if self.runs.contains(tsn) {
            return Arrival::Duplicate;
        }
        let next = self.cumulative.saturating_add(1);
        let far = tsn.saturating_sub(self.cumulative) > MAX_AHEAD;
        if far || tsn != next && self.runs.len() >= MAX_RUNS && self.runs.would_split(tsn) {
            return Arrival::OutOfRange;
        }
        Arrival::New
    }

    /// Adds a new TSN; true when the cumulative TSN advanced.
    pub(crate) fn add(&mut self, tsn: u64) -> bool {
        if tsn == self.cumulative.saturating_add(1) {
            self.cumulative = tsn;
            self.absorb();
            return true;
        }
        self.runs.insert(tsn);
        false
    }

    /// Everything up to `tsn` counts as arrived; false when it did already.
    pub(crate) fn forward(&mut self, tsn: u64) -> bool {
        if tsn <= self.cumulative {
            return false;
        }
        self.cumulative = tsn;
        self.runs.remove_to(tsn);
        self.absorb();
        true
    }

    /// Lets the cumulative TSN swallow the run that now touches it.
    fn absorb(&mut self) {
        if let Some((start, end)) = self.runs.first()
            && start == self.cumulative.saturating_add(1)
        {
            self.cumulative = end;
            self.runs.remove_to(end);
        }
    }

    pub(crate) fn has_gaps(&self) -> bool {
        !self.runs.is_empty()
    }

    pub(crate) fn gap_count(&self) -> usize {
        self.runs.len()
    }

    /// At most `count` of the runs beyond the cumulative TSN, as distances from it. When there are more, the lowest
    /// quarter and the highest three are told: those are what changes, and what loss detection needs.
    pub(crate) fn gaps(&self, count: usize) -> impl ExactSizeIterator<Item = (u16, u16)> + '_ {
        let distance = |tsn: u64| low16(low32(tsn.saturating_sub(self.cumulative).min(MAX_AHEAD)));
        let count = count.min(self.runs.len());
        let low = if count == self.runs.len() { count } else { count / 4 };
        let skipped = self.runs.len().saturating_sub(count);
        (0..count).map(move |index| {
            let index = if index < low { index } else { index.saturating_add(skipped) };
            let (start, end) = self.runs.get(index).unwrap_or_default();
            (distance(start), distance(end))
        })
    }

    pub(crate) fn note_duplicate(&mut self, tsn: u32) {
        if self.duplicates.len() < MAX_DUPLICATES {
            self.duplicates.push(tsn);
        }
    }

    pub(crate) fn duplicates(&self) -> &[u32] {
        &self.duplicates
    }

    pub(crate) fn clear_duplicates(&mut self) {
        self.duplicates.clear();
    }
}

#[cfg(test)]
#[allow(clippy::as_conversions)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_order_of_arrival_ends_in_one_cumulative_tsn(first: u32, order in Just((0u64..200).collect::<Vec<_>>()).prop_shuffle()) {
            let start = (1u64 << 32) + u64::from(first);
            let (mut tracker, mut seen) = (Tracker::new(start), BTreeSet::new());
            for offset in order {
                let tsn = tracker.extend(low32(start + offset));
                prop_assert_eq!(tsn, start + offset);
                prop_assert_eq!(tracker.judge(tsn), Arrival::New);
                tracker.add(tsn);
                seen.insert(tsn);
                prop_assert_eq!(tracker.judge(tsn), Arrival::Duplicate);
                let expected = (start..).take_while(|tsn| seen.contains(tsn)).last().unwrap_or(start - 1);
                prop_assert_eq!(tracker.cumulative(), expected);
                let gaps: u64 = tracker.gaps(usize::MAX).map(|(from, to)| u64::from(to - from) + 1).sum();
                prop_assert_eq!(gaps, seen.iter().filter(|tsn| **tsn > expected).count() as u64);
            }
            prop_assert!(!tracker.has_gaps());
        }
    }

    #[test]
    fn runs_are_bounded_and_far_jumps_refused() {
        let mut tracker = Tracker::new(1 << 32);
        for index in 0..32_000u64 {
            let tsn = (1 << 32) + 1 + index * 2;
            if tracker.judge(tsn) == Arrival::New {
                tracker.add(tsn);
            }
        }
        assert_eq!(tracker.gap_count(), MAX_RUNS);
        assert_eq!(tracker.judge((1 << 32) + 0x1_0000), Arrival::OutOfRange);
    }

    #[test]
    fn too_many_runs_are_told_from_both_ends() {
        let mut tracker = Tracker::new(1 << 32);
        (0..100u64).for_each(|index| {
            tracker.add((1 << 32) + 1 + index * 2);
        });
        let told: Vec<_> = tracker.gaps(8).map(|(start, _)| start).collect();
        assert_eq!(told, [2, 4, 190, 192, 194, 196, 198, 200]);
    }

    #[test]
    fn forwarding_by_a_huge_step_costs_nothing() {
        let mut tracker = Tracker::new(1 << 32);
        tracker.add((1 << 32) + 5);
        assert!(tracker.forward(tracker.cumulative() + (1 << 31) - 1));
        assert!(!tracker.has_gaps());
        assert!(!tracker.forward(1 << 32));
    }
}
