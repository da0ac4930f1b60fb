//! A queue indexed by sequence number.

use alloc::collections::VecDeque;

/// A queue whose entries are found by their sequence number in O(1).
///
/// Entries are numbered consecutively from `start`; numbers are 64-bit and never wrap in practice (extend wire numbers
/// with [`Extender`](crate::Extender)). Memory is kept when entries leave, so a steady window allocates nothing.
#[derive(Clone, Debug)]
pub struct Ring<T> {
    start: u64,
    entries: VecDeque<T>,
}

impl<T> Ring<T> {
    /// An empty ring whose first entry will have the number `start`.
    pub const fn new(start: u64) -> Self {
        Self { start, entries: VecDeque::new() }
    }

    /// The number of the oldest entry, or of the next one when empty.
    pub const fn start(&self) -> u64 {
        self.start
    }

    /// The number the next pushed entry will get.
    pub fn end(&self) -> u64 {
        self.start.saturating_add(u64::try_from(self.entries.len()).unwrap_or(u64::MAX))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Appends an entry and returns its number.
    pub fn push(&mut self, entry: T) -> u64 {
        let number = self.end();
        self.entries.push_back(entry);
        number
    }

    /// Removes the oldest entry; its successor becomes the start.
    pub fn pop(&mut self) -> Option<T> {
        let entry = self.entries.pop_front()?;
        self.start = self.start.saturating_add(1);
        Some(entry)
    }

    /// The entry with this number.
    pub fn get(&self, number: u64) -> Option<&T> {
        self.entries.get(self.position(number)?)
    }

    /// The entry with this number, to be changed.
    pub fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        let position = self.position(number)?;
        self.entries.get_mut(position)
    }

    /// The oldest entry.
    pub fn front(&self) -> Option<&T> {
        self.entries.front()
    }

    /// The oldest entry, to be changed.
    pub fn front_mut(&mut self) -> Option<&mut T> {
        self.entries.front_mut()
    }

    /// The newest entry.
    pub fn back(&self) -> Option<&T> {
        self.entries.back()
    }

    /// All entries with their numbers, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (u64, &T)> + ExactSizeIterator {
        let start = self.start;
        self.entries.iter().enumerate().map(move |(i, entry)| (number_at(start, i), entry))
    }

    /// All entries with their numbers, oldest first, to be changed.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = (u64, &mut T)> + ExactSizeIterator {
        let start = self.start;
        self.entries.iter_mut().enumerate().map(move |(i, entry)| (number_at(start, i), entry))
    }

    /// Removes everything and continues at `start`.
    pub fn reset(&mut self, start: u64) {
        self.entries.clear();
        self.start = start;
    }

    fn position(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.start)?).ok()
    }
}

fn number_at(start: u64, index: usize) -> u64 {
    start.saturating_add(u64::try_from(index).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn numbers_survive_pops() {
        let mut ring = Ring::new(10);
        assert_eq!((ring.push('a'), ring.push('b')), (10, 11));
        assert_eq!(ring.pop(), Some('a'));
        assert_eq!((ring.get(10), ring.get(11), ring.get(12)), (None, Some(&'b'), None));
        assert_eq!((ring.start(), ring.end(), ring.len()), (11, 12, 1));
    }

    proptest! {
        #[test]
        fn every_live_number_finds_its_entry(ops in prop::collection::vec(any::<bool>(), 0..200), start in 0u64..1 << 40) {
            let mut ring = Ring::new(start);
            for push in ops {
                if push {
                    let number = ring.end();
                    prop_assert_eq!(ring.push(number), number);
                } else {
                    ring.pop();
                }
                let all: Vec<_> = ring.iter().map(|(number, entry)| (number, *entry)).collect();
                prop_assert!(all.iter().all(|(number, entry)| number == entry && ring.get(*number) == Some(entry)));
            }
        }
    }
}
