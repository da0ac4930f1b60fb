//! Finding streams by SSRC.

use alloc::vec;
use alloc::vec::Vec;
use sendrecv_core::Seed;

/// What an SSRC stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A received stream, by its position.
    Media(usize),
    /// The retransmissions of a received stream, by that stream's position.
    Repair(usize),
    /// A stream we send, or its retransmissions, by the sender's position.
    Ours(usize),
}

/// Slots to begin with, once there is an entry.
const FIRST_SLOTS: usize = 16;

/// A map from SSRC to [`Source`] with a bounded number of entries: open addressing, linear probing, positions from a
/// keyed hash so that the peer cannot choose collisions. Nothing iterates over it.
#[derive(Clone, Debug)]
pub(crate) struct SsrcTable {
    slots: Vec<Option<(u32, Source)>>,
    len: usize,
    limit: usize,
    key: u64,
}

impl SsrcTable {
    /// A table for at most `limit` entries; it grows as it fills.
    pub(crate) fn new(limit: usize, seed: &Seed) -> Self {
        Self { slots: Vec::new(), len: 0, limit, key: seed.derive("ssrc table").rng().u64() | 1 }
    }

    /// What `ssrc` stands for.
    pub(crate) fn get(&self, ssrc: u32) -> Option<Source> {
        let mut at = self.home(ssrc);
        loop {
            match self.slots.get(at).copied().flatten() {
                Some((key, source)) if key == ssrc => return Some(source),
                Some(_) => at = self.after(at),
                None => return None,
            }
        }
    }

    /// Enters or changes what `ssrc` stands for. `false` when the table is at its limit.
    pub(crate) fn insert(&mut self, ssrc: u32, source: Source) -> bool {
        if self.get(ssrc).is_none() {
            if self.len >= self.limit {
                return false;
            }
            self.grow_if_crowded();
            self.len += 1;
        }
        self.place(ssrc, source);
        true
    }

    /// Forgets `ssrc`, and moves up what was displaced behind it.
    pub(crate) fn remove(&mut self, ssrc: u32) {
        let mut at = self.home(ssrc);
        loop {
            match self.slots.get(at).copied().flatten() {
                Some((key, _)) if key == ssrc => break,
                Some(_) => at = self.after(at),
                None => return,
            }
        }
        self.len -= 1;
        self.set(at, None);
        let mut next = self.after(at);
        while let Some((key, source)) = self.slots.get(next).copied().flatten() {
            self.set(next, None);
            self.place(key, source);
            next = self.after(next);
        }
    }

    fn grow_if_crowded(&mut self) {
        if (self.len + 1) * 2 <= self.slots.len() {
            return;
        }
        let larger = vec![None; (self.slots.len() * 2).max(FIRST_SLOTS)];
        let old = core::mem::replace(&mut self.slots, larger);
        for (ssrc, source) in old.into_iter().flatten() {
            self.place(ssrc, source);
        }
    }

    fn place(&mut self, ssrc: u32, source: Source) {
        let mut at = self.home(ssrc);
        while let Some((key, _)) = self.slots.get(at).copied().flatten() {
            if key == ssrc {
                break;
            }
            at = self.after(at);
        }
        self.set(at, Some((ssrc, source)));
    }

    fn set(&mut self, at: usize, entry: Option<(u32, Source)>) {
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = entry;
        }
    }

    fn home(&self, ssrc: u32) -> usize {
        let mixed =
            (u64::from(ssrc) ^ self.key).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ self.key.rotate_left(29);
        let mixed = (mixed ^ mixed >> 32).wrapping_mul(self.key);
        usize::try_from(mixed >> 33).unwrap_or(0) & self.slots.len().saturating_sub(1)
    }

    fn after(&self, at: usize) -> usize {
        (at + 1) & self.slots.len().saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

    #[test]
    fn the_limit_holds_and_known_entries_can_still_change() {
        let mut table = SsrcTable::new(100, &Seed::from_u64(1));
        let taken = (0..1000).filter(|ssrc| table.insert(*ssrc, Source::Media(0))).count();
        assert_eq!((taken, table.len, table.slots.len()), (100, 100, 256));
        assert!(table.insert(5, Source::Repair(1)));
        assert_eq!(table.get(5), Some(Source::Repair(1)));
    }

    proptest! {
        #[test]
        fn it_behaves_like_a_map(ops in prop::collection::vec((any::<bool>(), 0u32..60, any::<usize>()), 0..400), key: u64) {
            let mut table = SsrcTable::new(1000, &Seed::from_u64(key));
            let mut map = BTreeMap::new();
            for (insert, ssrc, value) in ops {
                if insert {
                    table.insert(ssrc, Source::Media(value));
                    map.insert(ssrc, value);
                } else {
                    table.remove(ssrc);
                    map.remove(&ssrc);
                }
                prop_assert_eq!(table.len, map.len());
            }
            for ssrc in 0..60 {
                prop_assert_eq!(table.get(ssrc), map.get(&ssrc).map(|value| Source::Media(*value)));
            }
        }
    }
}
