//! Containers with O(1) access: a slab, and a map from stream numbers.

use crate::num::{clamp32, size};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Values in slots that are used again; a slot's number is the value's key.
#[derive(Clone, Debug)]
pub(crate) struct Slab<T> {
    slots: Vec<Slot<T>>,
    free: u32,
}

#[derive(Clone, Debug)]
enum Slot<T> {
    Used(T),
    Free { next: u32 },
}

/// The key of nothing.
pub(crate) const NIL: u32 = u32::MAX;

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: NIL }
    }
}

impl<T> Slab<T> {
    /// Puts a value into a free slot and returns its key.
    pub(crate) fn insert(&mut self, value: T) -> u32 {
        let key = self.free;
        match self.slots.get_mut(size(key)) {
            Some(slot) => {
                if let Slot::Free { next } = slot {
                    self.free = *next;
                }
                *slot = Slot::Used(value);
                key
            }
            None => {
                self.slots.push(Slot::Used(value));
                clamp32(self.slots.len().saturating_sub(1))
            }
        }
    }

    /// Takes the value out of its slot.
    pub(crate) fn remove(&mut self, key: u32) -> Option<T> {
        let slot = self.slots.get_mut(size(key))?;
        if matches!(slot, Slot::Free { .. }) {
            return None;
        }
        let taken = core::mem::replace(slot, Slot::Free { next: self.free });
        self.free = key;
        match taken {
            Slot::Used(value) => Some(value),
            Slot::Free { .. } => None,
        }
    }

    /// Drops the value in its slot.
    pub(crate) fn free(&mut self, key: u32) {
        if let Some(slot @ Slot::Used(_)) = self.slots.get_mut(size(key)) {
            *slot = Slot::Free { next: self.free };
            self.free = key;
        }
    }

    pub(crate) fn get(&self, key: u32) -> Option<&T> {
        match self.slots.get(size(key))? {
            Slot::Used(value) => Some(value),
            Slot::Free { .. } => None,
        }
    }

    pub(crate) fn get_mut(&mut self, key: u32) -> Option<&mut T> {
        match self.slots.get_mut(size(key))? {
            Slot::Used(value) => Some(value),
            Slot::Free { .. } => None,
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.iter().count()
    }

    /// Keys and values, in the order of the keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.slots.iter().enumerate().filter_map(|(key, slot)| match slot {
            Slot::Used(value) => Some((clamp32(key), value)),
            Slot::Free { .. } => None,
        })
    }
}

const PAGE: usize = 64;

/// A map from stream numbers to values. Memory follows the streams in use: 64 numbers share an index page, and values
/// lie densely in a slab.
#[derive(Clone, Debug)]
pub(crate) struct StreamMap<T> {
    pages: Vec<Option<Box<[u32; PAGE]>>>,
    values: Slab<T>,
}

impl<T> Default for StreamMap<T> {
    fn default() -> Self {
        Self { pages: Vec::new(), values: Slab::default() }
    }
}

fn place(stream: u16) -> (usize, usize) {
    let number = usize::from(stream);
    (number / PAGE, number % PAGE)
}

impl<T> StreamMap<T> {
    /// The slab key of a stream's value.
    pub(crate) fn key(&self, stream: u16) -> Option<u32> {
        let (page, place) = place(stream);
        let key = self.pages.get(page)?.as_ref()?.get(place).copied()?;
        (key != NIL).then_some(key)
    }

    pub(crate) fn get(&self, stream: u16) -> Option<&T> {
        self.values.get(self.key(stream)?)
    }

    pub(crate) fn get_mut(&mut self, stream: u16) -> Option<&mut T> {
        let key = self.key(stream)?;
        self.values.get_mut(key)
    }

    /// The value with this slab key.
    pub(crate) fn by_key_mut(&mut self, key: u32) -> Option<&mut T> {
        self.values.get_mut(key)
    }

    /// The value with this slab key.
    pub(crate) fn by_key(&self, key: u32) -> Option<&T> {
        self.values.get(key)
    }

    /// Puts a stream's value in place of what was there, and returns its slab key.
    pub(crate) fn insert(&mut self, stream: u16, value: T) -> u32 {
        self.remove(stream);
        let key = self.values.insert(value);
        let (page, place) = place(stream);
        if self.pages.len() <= page {
            self.pages.resize_with(page.saturating_add(1), || None);
        }
        if let Some(slot) = self.pages.get_mut(page) {
            let entries = slot.get_or_insert_with(|| Box::new([NIL; PAGE]));
            if let Some(entry) = entries.get_mut(place) {
                *entry = key;
            }
        }
        key
    }

    pub(crate) fn remove(&mut self, stream: u16) -> Option<T> {
        let (page, place) = place(stream);
        let entry = self.pages.get_mut(page)?.as_mut()?.get_mut(place)?;
        let key = core::mem::replace(entry, NIL);
        self.values.remove(key)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_stream_map_behaves_like_a_map(ops in prop::collection::vec((any::<u16>(), any::<bool>()), 0..300)) {
            let (mut ours, mut model) = (StreamMap::default(), BTreeMap::new());
            for (number, (stream, insert)) in ops.into_iter().enumerate() {
                let stream = stream % 512 * 127;
                if insert {
                    ours.insert(stream, number);
                    model.insert(stream, number);
                } else {
                    prop_assert_eq!(ours.remove(stream), model.remove(&stream));
                }
                prop_assert_eq!(ours.len(), model.len());
                prop_assert!(model.iter().all(|(stream, number)| ours.get(*stream) == Some(number)));
            }
        }
    }

    #[test]
    fn slots_are_used_again() {
        let mut slab = Slab::default();
        let (a, b) = (slab.insert('a'), slab.insert('b'));
        assert_eq!((slab.remove(a), slab.remove(a)), (Some('a'), None));
        assert_eq!(slab.insert('c'), a);
        assert_eq!((slab.get(b), slab.get(9), slab.len()), (Some(&'b'), None, 2));
    }
}
