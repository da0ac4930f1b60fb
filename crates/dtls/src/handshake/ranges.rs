//! Which bytes of something are there.

use alloc::vec::Vec;

/// A set of byte ranges, sorted, merged, and bounded in number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ranges(Vec<(u32, u32)>);

impl Ranges {
    /// Adds `start..end` (more than nothing) and says whether the set has room for it: with `max` ranges there
    /// already, only what touches one of them is taken.
    pub(crate) fn insert(&mut self, start: u32, end: u32, max: usize) -> bool {
        let first = self.0.partition_point(|range| range.1 < start);
        let last = self.0.partition_point(|range| range.0 <= end);
        if first == last && self.0.len() >= max {
            return false;
        }
        let touched = self.0.get(first..last).unwrap_or_default();
        let merged = touched.iter().fold((start, end), |sum, range| (sum.0.min(range.0), sum.1.max(range.1)));
        self.0.splice(first..last, [merged]);
        true
    }

    /// Whether all of `0..len` is there.
    pub(crate) fn covers(&self, len: u32) -> bool {
        len == 0 || self.0.first().is_some_and(|range| range.0 == 0 && range.1 >= len)
    }

    /// Whether all of `start..end` is there.
    pub(crate) fn contains(&self, start: u32, end: u32) -> bool {
        self.0.iter().any(|range| range.0 <= start && end <= range.1)
    }

    /// The first missing range at or after `from`, below `len`.
    pub(crate) fn gap(&self, from: u32, len: u32) -> Option<(u32, u32)> {
        let mut start = from;
        for range in &self.0 {
            if range.0 > start {
                return Some((start, range.0.min(len))).filter(|gap| gap.0 < gap.1);
            }
            start = start.max(range.1);
        }
        Some((start, len)).filter(|gap| gap.0 < gap.1)
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn they_agree_with_a_bitmap(pieces in prop::collection::vec((0u32..60, 1u32..20), 0..40)) {
            let (mut ranges, mut bitmap) = (Ranges::default(), [false; 80]);
            for (start, len) in pieces {
                prop_assert!(ranges.insert(start, start + len, usize::MAX));
                bitmap[usize::try_from(start).unwrap()..usize::try_from(start + len).unwrap()].fill(true);
            }
            prop_assert_eq!(ranges.covers(80), bitmap.iter().all(|there| *there));
            let mut seen = [true; 80];
            let mut from = 0;
            while let Some((start, end)) = ranges.gap(from, 80) {
                prop_assert!(start >= from && start < end);
                seen[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()].fill(false);
                from = end;
            }
            prop_assert_eq!(seen, bitmap);
        }
    }

    #[test]
    fn their_number_is_bounded() {
        let mut ranges = Ranges::default();
        assert!((0..4).all(|i| ranges.insert(i * 10, i * 10 + 1, 4)));
        assert!(!ranges.insert(100, 101, 4));
        assert!(ranges.insert(1, 2, 4), "what touches a range is taken");
        assert_eq!(ranges.count(), 4);
    }
}
