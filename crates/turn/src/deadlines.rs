//! Many deadlines, one per key.

use alloc::collections::{BTreeMap, BTreeSet};
use sendrecv_core::Instant;

/// One deadline per key; setting, removing and finding the earliest are O(log n).
#[derive(Clone, Debug)]
pub(crate) struct Deadlines<K> {
    by_time: BTreeSet<(Instant, K)>,
    by_key: BTreeMap<K, Instant>,
}

impl<K: Copy + Ord> Default for Deadlines<K> {
    fn default() -> Self {
        Self { by_time: BTreeSet::new(), by_key: BTreeMap::new() }
    }
}

impl<K: Copy + Ord> Deadlines<K> {
    /// Sets or moves `key`'s deadline.
    pub(crate) fn set(&mut self, key: K, at: Instant) {
        if let Some(before) = self.by_key.insert(key, at) {
            self.by_time.remove(&(before, key));
        }
        self.by_time.insert((at, key));
    }

    /// Forgets `key`.
    pub(crate) fn remove(&mut self, key: K) {
        if let Some(at) = self.by_key.remove(&key) {
            self.by_time.remove(&(at, key));
        }
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes out the earliest key whose deadline is `now` or before.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<K> {
        let (at, key) = *self.by_time.first()?;
        if at > now {
            return None;
        }
        self.remove(key);
        Some(key)
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.by_time.clear();
        self.by_key.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_due_in_order_and_can_be_moved() {
        let at = Instant::from_millis;
        let mut deadlines = Deadlines::default();
        deadlines.set('a', at(1));
        deadlines.set('b', at(2));
        deadlines.set('a', at(3));
        deadlines.set('c', at(9));
        deadlines.remove('c');
        assert_eq!(deadlines.next(), Some(at(2)));
        assert_eq!(deadlines.pop_due(at(1)), None);
        assert_eq!((deadlines.pop_due(at(5)), deadlines.pop_due(at(5))), (Some('b'), Some('a')));
        assert_eq!((deadlines.pop_due(at(99)), deadlines.next()), (None, None));
    }
}
