//! A set of named deadlines.

use crate::{Instant, SmallMap, SmallSet};

/// Deadlines by key, at most one per key. Setting, removing and finding the earliest are O(log n), and equal deadlines
/// come due in the order of their keys, so that runs can be repeated.
///
/// ```
/// use sendrecv_core::{Instant, Timers};
///
/// let mut timers = Timers::default();
/// timers.set("refresh", Some(Instant::from_millis(20)));
/// timers.set("retransmit", Some(Instant::from_millis(10)));
/// assert_eq!(timers.next(), Some(Instant::from_millis(10)));
/// assert_eq!(timers.pop_due(Instant::from_millis(15)), Some("retransmit"));
/// assert_eq!(timers.pop_due(Instant::from_millis(15)), None);
/// ```
#[derive(Clone, Debug)]
pub struct Timers<K> {
    by_key: SmallMap<K, Instant>,
    by_time: SmallSet<(Instant, K)>,
}

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Self { by_key: SmallMap::default(), by_time: SmallSet::default() }
    }
}

impl<K: Ord + Copy> Timers<K> {
    /// Sets or moves the deadline of `key`; `None` removes it.
    pub fn set(&mut self, key: K, at: Option<Instant>) {
        let old = match at {
            Some(at) => self.by_key.insert(key, at),
            None => self.by_key.remove(&key),
        };
        if old == at {
            return;
        }
        if let Some(old) = old {
            self.by_time.remove(&(old, key));
        }
        if let Some(at) = at {
            self.by_time.insert((at, key));
        }
    }

    /// The deadline of `key`.
    pub fn get(&self, key: K) -> Option<Instant> {
        self.by_key.get(&key).copied()
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Instant> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Removes and returns the key of the earliest deadline, if `now` has reached it.
    pub fn pop_due(&mut self, now: Instant) -> Option<K> {
        let (at, key) = *self.by_time.first()?;
        if at > now {
            return None;
        }
        self.set(key, None);
        Some(key)
    }

    /// Removes all deadlines.
    pub fn clear(&mut self) {
        self.by_key.clear();
        self.by_time.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn deadlines_come_in_order_and_once() {
        let at = Instant::from_millis;
        let mut timers = Timers::default();
        timers.set('b', Some(at(20)));
        timers.set('a', Some(at(30)));
        timers.set('c', Some(at(40)));
        timers.set('a', Some(at(10)));
        timers.set('c', None);
        assert_eq!((timers.next(), timers.get('b')), (Some(at(10)), Some(at(20))));
        assert_eq!(timers.pop_due(at(9)), None);
        assert_eq!(
            (timers.pop_due(at(20)), timers.pop_due(at(20)), timers.pop_due(at(20))),
            (Some('a'), Some('b'), None)
        );
        assert_eq!((timers.next(), timers.get('a')), (None, None));
    }

    proptest! {
        #[test]
        fn both_orders_agree_after_any_operations(operations in prop::collection::vec((0u8..6, prop::option::of(0u64..50)), 0..80)) {
            let mut timers = Timers::default();
            let mut model: Vec<(u64, u8)> = Vec::new();
            for (key, at) in operations {
                timers.set(key, at.map(Instant::from_millis));
                model.retain(|(_, other)| *other != key);
                model.extend(at.map(|at| (at, key)));
            }
            model.sort_unstable();
            for (at, key) in model {
                prop_assert_eq!(timers.next(), Some(Instant::from_millis(at)));
                prop_assert_eq!(timers.pop_due(Instant::MAX), Some(key));
            }
            prop_assert_eq!(timers.next(), None);
        }
    }
}
