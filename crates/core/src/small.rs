//! Maps and sets that usually have a handful of entries, and may have thousands.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::mem::{replace, take};
use core::ops::RangeInclusive;

/// How many entries lie in one slice; with more, they move into a tree.
const FEW: usize = 16;

/// An ordered map: one sorted slice of exactly the room it needs while it has up to 16 entries, a tree when it has more.
///
/// A B-tree's leaf has room for eleven entries at once; most of the maps a connection has hold one or two. All
/// operations are O(log n) or O(16), and iteration is in the order of the keys, so that runs can be repeated.
///
/// ```
/// use sendrecv_core::SmallMap;
///
/// let mut map = SmallMap::default();
/// map.insert(2, "two");
/// map.insert(1, "one");
/// assert_eq!(map.insert(2, "deux"), Some("two"));
/// assert_eq!(map.iter().collect::<Vec<_>>(), [(&1, &"one"), (&2, &"deux")]);
/// ```
#[derive(Clone, Debug)]
pub struct SmallMap<K, V>(Entries<K, V>);

#[derive(Clone, Debug)]
enum Entries<K, V> {
    Few(Vec<(K, V)>),
    Many(BTreeMap<K, V>),
}

impl<K, V> Default for SmallMap<K, V> {
    fn default() -> Self {
        Self(Entries::Few(Vec::new()))
    }
}

impl<K: Ord, V> SmallMap<K, V> {
    /// Number of entries.
    pub fn len(&self) -> usize {
        match &self.0 {
            Entries::Few(few) => few.len(),
            Entries::Many(many) => many.len(),
        }
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of `key`.
    #[inline]
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        match &self.0 {
            Entries::Few(few) => few.get(place(few, key).ok()?).map(|(_, value)| value),
            Entries::Many(many) => many.get(key),
        }
    }

    /// The value of `key`, to be changed.
    #[inline]
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        match &mut self.0 {
            Entries::Few(few) => {
                let at = place(few, key).ok()?;
                few.get_mut(at).map(|(_, value)| value)
            }
            Entries::Many(many) => many.get_mut(key),
        }
    }

    /// Whether `key` is there.
    pub fn contains_key(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    /// Sets the value of `key`; returns what it was.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let few = match &mut self.0 {
            Entries::Few(few) => few,
            Entries::Many(many) => return many.insert(key, value),
        };
        match place(few, &key) {
            Ok(at) => few.get_mut(at).map(|(_, old)| replace(old, value)),
            Err(at) if few.len() < FEW => {
                if few.len() == few.capacity() {
                    few.reserve_exact(few.len().max(1));
                }
                few.insert(at, (key, value));
                None
            }
            Err(_) => {
                let mut many: BTreeMap<K, V> = take(few).into_iter().collect();
                many.insert(key, value);
                self.0 = Entries::Many(many);
                None
            }
        }
    }

    /// The value of `key`; its default is inserted if there is none.
    pub fn get_or_default(&mut self, key: K) -> Option<&mut V>
    where
        K: Copy,
        V: Default,
    {
        if !self.contains_key(&key) {
            self.insert(key, V::default());
        }
        self.get_mut(&key)
    }

    /// Takes the entry of `key` out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        match &mut self.0 {
            Entries::Few(few) => place(few, key).ok().map(|at| few.remove(at).1),
            Entries::Many(many) => {
                let value = many.remove(key);
                if many.len() <= FEW / 2 {
                    self.0 = Entries::Few(take(many).into_iter().collect());
                }
                value
            }
        }
    }

    /// Keeps the entries that `keep` wants.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        match &mut self.0 {
            Entries::Few(few) => few.retain_mut(|(key, value)| keep(key, value)),
            Entries::Many(many) => {
                many.retain(keep);
                if many.len() <= FEW / 2 {
                    self.0 = Entries::Few(take(many).into_iter().collect());
                }
            }
        }
    }

    /// Removes all entries.
    pub fn clear(&mut self) {
        match &mut self.0 {
            Entries::Few(few) => few.clear(),
            Entries::Many(_) => *self = Self::default(),
        }
    }

    /// All entries, in order of their keys.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> + Clone {
        self.few().iter().map(|(key, value)| (key, value)).chain(self.many().into_iter().flatten())
    }

    /// All keys, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + Clone {
        self.iter().map(|(key, _)| key)
    }

    /// All values, in order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + Clone {
        self.iter().map(|(_, value)| value)
    }

    /// The entries whose keys are in `range`, in order.
    pub fn range(&self, range: RangeInclusive<K>) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        let few = self.few();
        let start = few.partition_point(|(key, _)| key < range.start());
        let end = few.partition_point(|(key, _)| key <= range.end());
        let few = few.get(start..end).unwrap_or_default().iter().map(|(key, value)| (key, value));
        few.chain(
            self.many().filter(|_| !range.is_empty()).map(|many| many.range(range)).into_iter().flatten(),
        )
    }

    /// The entry with the least key.
    #[inline]
    pub fn first(&self) -> Option<(&K, &V)> {
        match &self.0 {
            Entries::Few(few) => few.first().map(|(key, value)| (key, value)),
            Entries::Many(many) => many.first_key_value(),
        }
    }

    /// The entry with the greatest key.
    #[inline]
    pub fn last(&self) -> Option<(&K, &V)> {
        match &self.0 {
            Entries::Few(few) => few.last().map(|(key, value)| (key, value)),
            Entries::Many(many) => many.last_key_value(),
        }
    }

    /// The entries, if they are few.
    fn few(&self) -> &[(K, V)] {
        match &self.0 {
            Entries::Few(few) => few,
            Entries::Many(_) => &[],
        }
    }

    /// The entries, if they are many.
    const fn many(&self) -> Option<&BTreeMap<K, V>> {
        match &self.0 {
            Entries::Few(_) => None,
            Entries::Many(many) => Some(many),
        }
    }
}

impl<K: Ord, V> IntoIterator for SmallMap<K, V> {
    type Item = (K, V);
    type IntoIter =
        core::iter::Chain<alloc::vec::IntoIter<(K, V)>, alloc::collections::btree_map::IntoIter<K, V>>;

    fn into_iter(self) -> Self::IntoIter {
        let (few, many) = match self.0 {
            Entries::Few(few) => (few, BTreeMap::new()),
            Entries::Many(many) => (Vec::new(), many),
        };
        few.into_iter().chain(many)
    }
}

/// Where `key` is, or would have to be.
#[inline]
fn place<K: Borrow<Q>, V, Q: Ord + ?Sized>(entries: &[(K, V)], key: &Q) -> Result<usize, usize> {
    entries.binary_search_by(|(known, _)| known.borrow().cmp(key))
}

/// An ordered set that is stored as a [`SmallMap`]'s keys are.
///
/// ```
/// use sendrecv_core::SmallSet;
///
/// let mut set = SmallSet::default();
/// assert!(set.insert(3) && set.insert(1) && !set.insert(3));
/// assert_eq!((set.first(), set.last()), (Some(&1), Some(&3)));
/// ```
#[derive(Clone, Debug)]
pub struct SmallSet<T>(SmallMap<T, ()>);

impl<T> Default for SmallSet<T> {
    fn default() -> Self {
        Self(SmallMap::default())
    }
}

impl<T: Ord> SmallSet<T> {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds an element; says whether it was new.
    pub fn insert(&mut self, element: T) -> bool {
        self.0.insert(element, ()).is_none()
    }

    /// Takes an element out; says whether it was there.
    pub fn remove(&mut self, element: &T) -> bool {
        self.0.remove(element).is_some()
    }

    /// Removes all elements.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// All elements, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + Clone {
        self.0.iter().map(|(element, ())| element)
    }

    /// The elements in `range`, in order.
    pub fn range(&self, range: RangeInclusive<T>) -> impl DoubleEndedIterator<Item = &T> {
        self.0.range(range).map(|(element, ())| element)
    }

    /// The least element.
    #[inline]
    pub fn first(&self) -> Option<&T> {
        self.0.first().map(|(element, ())| element)
    }

    /// The greatest element.
    #[inline]
    pub fn last(&self) -> Option<&T> {
        self.0.last().map(|(element, ())| element)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_small_map_is_a_map_at_any_size(
            operations in prop::collection::vec((0u8..60, prop::option::weighted(0.6, any::<u16>())), 0..400),
            range in (0u8..60, 0u8..60),
        ) {
            let (mut map, mut model) = (SmallMap::default(), BTreeMap::new());
            for (key, value) in operations {
                match value {
                    Some(value) => prop_assert_eq!(map.insert(key, value), model.insert(key, value)),
                    None => prop_assert_eq!(map.remove(&key), model.remove(&key)),
                }
                prop_assert_eq!(map.len(), model.len());
                prop_assert_eq!((map.first(), map.last()), (model.first_key_value(), model.last_key_value()));
                prop_assert_eq!(map.get(&key), model.get(&key));
            }
            prop_assert!(map.iter().eq(model.iter()));
            prop_assert!(map.iter().rev().eq(model.iter().rev()));
            let range = range.0.min(range.1)..=range.1;
            prop_assert!(map.range(range.clone()).eq(model.range(range)));
            map.retain(|key, _| key % 5 == 0);
            model.retain(|key, _| key % 5 == 0);
            prop_assert!(map.clone().into_iter().eq(model));
            map.clear();
            prop_assert!(map.is_empty());
        }
    }

    #[test]
    fn few_entries_take_the_room_they_need_and_many_become_few_again() {
        let mut map = SmallMap::default();
        map.insert(0, [0u8; 100]);
        assert!(matches!(&map.0, Entries::Few(few) if few.capacity() == 1));
        for key in 0..=FEW {
            map.insert(key, [0; 100]);
        }
        assert!(matches!(map.0, Entries::Many(_)));
        for key in 0..FEW {
            map.remove(&key);
        }
        assert!(matches!(&map.0, Entries::Few(few) if few.len() == 1));
    }
}
