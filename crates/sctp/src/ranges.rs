//! Sets of numbers as sorted runs.

use alloc::collections::VecDeque;

/// Runs of numbers, both ends included, sorted and never touching. Adding at either end is O(1), elsewhere O(log n)
/// plus a move of what is behind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ranges {
    runs: VecDeque<(u64, u64)>,
}

impl Ranges {
    pub(crate) const fn new() -> Self {
        Self { runs: VecDeque::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// How many runs there are.
    pub(crate) fn len(&self) -> usize {
        self.runs.len()
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (u64, u64)> + '_ {
        self.runs.iter().copied()
    }

    /// The run at this place.
    pub(crate) fn get(&self, index: usize) -> Option<(u64, u64)> {
        self.runs.get(index).copied()
    }

    pub(crate) fn first(&self) -> Option<(u64, u64)> {
        self.runs.front().copied()
    }

    pub(crate) fn last(&self) -> Option<(u64, u64)> {
        self.runs.back().copied()
    }

    pub(crate) fn clear(&mut self) {
        self.runs.clear();
    }

    /// Where a run that could hold `number`, or touch it from above, is.
    fn position(&self, number: u64) -> usize {
        self.runs.partition_point(|(_, end)| end.saturating_add(1) < number)
    }

    pub(crate) fn contains(&self, number: u64) -> bool {
        let holds =
            |run: Option<&(u64, u64)>| run.is_some_and(|(start, end)| (*start..=*end).contains(&number));
        if self.runs.back().is_none_or(|(_, end)| *end < number) {
            return false;
        }
        let position = self.position(number);
        holds(self.runs.get(position)) || holds(self.runs.get(position.saturating_add(1)))
    }

    /// Whether adding `number` would start a new run.
    pub(crate) fn would_split(&self, number: u64) -> bool {
        let position = self.position(number);
        self.runs.get(position).is_none_or(|(start, _)| *start > number.saturating_add(1))
    }

    /// Adds a number; false when it was there.
    pub(crate) fn insert(&mut self, number: u64) -> bool {
        if let Some((_, end)) = self.runs.back_mut().filter(|(_, end)| end.saturating_add(1) == number) {
            *end = number;
            return true;
        }
        let mut added = false;
        self.insert_run(number, number, |_, _| added = true);
        added
    }

    /// Adds a run, and calls `new` with every part of it that was not there, in order.
    pub(crate) fn insert_run(&mut self, start: u64, end: u64, mut new: impl FnMut(u64, u64)) {
        let position = self.position(start);
        let (mut merged_start, mut merged_end) = (start, end);
        let mut cursor = start;
        let mut touched = 0usize;
        while let Some(&(run_start, run_end)) = self.runs.get(position.saturating_add(touched)) {
            if run_start > end.saturating_add(1) {
                break;
            }
            if run_start <= start && run_end >= end {
                return;
            }
            if cursor < run_start {
                new(cursor, run_start.saturating_sub(1).min(end));
            }
            cursor = cursor.max(run_end.saturating_add(1));
            merged_start = merged_start.min(run_start);
            merged_end = merged_end.max(run_end);
            touched = touched.saturating_add(1);
        }
        if cursor <= end {
            new(cursor, end);
        }
        self.replace(position, touched, (merged_start, merged_end));
    }

    fn replace(&mut self, position: usize, count: usize, run: (u64, u64)) {
        if count == 0 {
            self.runs.insert(position.min(self.runs.len()), run);
            return;
        }
        if let Some(first) = self.runs.get_mut(position) {
            *first = run;
        }
        if count > 1 {
            self.runs.drain(position.saturating_add(1)..position.saturating_add(count));
        }
    }

    /// Removes every number up to and including `number`.
    pub(crate) fn remove_to(&mut self, number: u64) {
        while let Some((start, end)) = self.runs.front_mut() {
            if *end > number {
                *start = (*start).max(number.saturating_add(1));
                return;
            }
            self.runs.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn numbers(ranges: &Ranges) -> BTreeSet<u64> {
        ranges.iter().flat_map(|(start, end)| start..=end).collect()
    }

    proptest! {
        #[test]
        fn runs_behave_like_a_set(ops in prop::collection::vec((0u64..120, 0u64..12, 0u8..4), 0..80)) {
            let (mut ranges, mut model) = (Ranges::default(), BTreeSet::new());
            for (start, length, kind) in ops {
                match kind {
                    0 => {
                        ranges.remove_to(start / 4);
                        model.retain(|number| *number > start / 4);
                    }
                    1 => {
                        prop_assert_eq!(ranges.would_split(start),
                            !model.contains(&start) && !model.contains(&(start + 1))
                                && (start == 0 || !model.contains(&(start - 1))));
                        prop_assert_eq!(ranges.insert(start), model.insert(start));
                    }
                    _ => {
                        let mut new = Vec::new();
                        ranges.insert_run(start, start + length, |a, b| new.extend(a..=b));
                        let expected: Vec<_> = (start..=start + length).filter(|n| !model.contains(n)).collect();
                        prop_assert_eq!(new, expected);
                        model.extend(start..=start + length);
                    }
                }
                prop_assert_eq!(numbers(&ranges), model.clone());
                let runs: Vec<_> = ranges.iter().collect();
                prop_assert!(runs.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
                prop_assert!((0..140).all(|number| ranges.contains(number) == model.contains(&number)));
            }
        }
    }
}
