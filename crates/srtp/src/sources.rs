//! State per SSRC.

use alloc::vec;
use alloc::vec::Vec;

/// A bounded map from SSRC to state.
///
/// It is a hash table with open addressing, at most half full, of which the latest source looked up is kept at hand:
/// it is the next packet's most likely. Whoever does not know the seed cannot choose SSRCs that collide. Nothing is
/// ever removed, since an SSRC that came back without its index would repeat its keystream or accept replays.
#[derive(Debug)]
pub(crate) struct Sources<S> {
    slots: Vec<Slot>,
    states: Vec<S>,
    latest: Option<(u32, usize)>,
    multiplier: u64,
    max: usize,
}

/// A place in the table: an SSRC and where its state lies, counted from 1; 0 when the slot is free.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    ssrc: u32,
    place: u32,
}

/// There is no room for another source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl<S> Sources<S> {
    /// An empty map for at most `max` sources, scattered by `seed`.
    pub(crate) const fn new(max: usize, seed: u64) -> Self {
        // An odd multiplier loses nothing; the constant serves those whose seed is 0.
        let multiplier = (seed ^ 0x9e37_79b9_7f4a_7c15) | 1;
        Self { slots: Vec::new(), states: Vec::new(), latest: None, multiplier, max }
    }

    /// The state of `ssrc`, if it has one.
    pub(crate) fn get_mut(&mut self, ssrc: u32) -> Option<&mut S> {
        let index = match self.latest {
            Some((latest, index)) if latest == ssrc => index,
            _ => self.find(ssrc)?,
        };
        self.latest = Some((ssrc, index));
        self.states.get_mut(index)
    }

    /// Whether no source can be added.
    pub(crate) const fn is_full(&self) -> bool {
        self.states.len() >= self.max
    }

    /// Adds a source that has no state yet.
    pub(crate) fn insert(&mut self, ssrc: u32, state: S) -> Result<(), Full> {
        let place = u32::try_from(self.states.len()).ok().and_then(|len| len.checked_add(1)).ok_or(Full)?;
        if self.is_full() {
            return Err(Full);
        }
        if self.states.len().saturating_mul(2) >= self.slots.len() {
            self.grow();
        }
        self.states.push(state);
        self.occupy(Slot { ssrc, place });
        Ok(())
    }

    /// How many sources there are.
    pub(crate) const fn len(&self) -> usize {
        self.states.len()
    }

    /// Where the state of `ssrc` lies. A free slot ends the search, and half of them are.
    fn find(&self, ssrc: u32) -> Option<usize> {
        let mut position = self.home(ssrc);
        loop {
            let slot = self.slots.get(position & self.mask())?;
            if slot.place == 0 {
                return None;
            }
            if slot.ssrc == ssrc {
                return usize::try_from(slot.place).ok()?.checked_sub(1);
            }
            position = position.wrapping_add(1);
        }
    }

    fn grow(&mut self) {
        let len = self.slots.len().saturating_mul(2).max(8);
        let old = core::mem::replace(&mut self.slots, vec![Slot::default(); len]);
        old.into_iter().filter(|slot| slot.place != 0).for_each(|slot| self.occupy(slot));
    }

    /// Puts `slot` into the first free place from its home on.
    fn occupy(&mut self, slot: Slot) {
        let (mask, mut position) = (self.mask(), self.home(slot.ssrc));
        while let Some(candidate) = self.slots.get_mut(position & mask) {
            if candidate.place == 0 {
                *candidate = slot;
                return;
            }
            position = position.wrapping_add(1);
        }
    }

    const fn mask(&self) -> usize {
        self.slots.len().wrapping_sub(1)
    }

    /// The slot that `ssrc` would like to have, before the mask: bits of the product that depend on all of the SSRC.
    fn home(&self, ssrc: u32) -> usize {
        let product = u64::from(ssrc).wrapping_mul(self.multiplier);
        usize::try_from(product >> 32).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

    #[test]
    fn a_full_map_takes_no_more() {
        let mut sources = Sources::new(1, 0);
        assert_eq!(sources.get_mut(0), None::<&mut ()>);
        assert_eq!(sources.insert(7, ()), Ok(()));
        assert_eq!(sources.insert(8, ()), Err(Full));
        assert!(sources.is_full() && sources.get_mut(7).is_some() && sources.get_mut(8).is_none());
    }

    proptest! {
        #[test]
        fn it_finds_what_was_inserted(ssrcs in prop::collection::vec(0u32..50, 0..200), seed: u64) {
            let (mut sources, mut model) = (Sources::new(usize::MAX, seed), BTreeMap::new());
            for (value, ssrc) in ssrcs.into_iter().enumerate() {
                prop_assert_eq!(sources.get_mut(ssrc).copied(), model.get(&ssrc).copied());
                if model.insert(ssrc, value).is_none() {
                    sources.insert(ssrc, value).unwrap();
                } else {
                    *sources.get_mut(ssrc).unwrap() = value;
                }
                prop_assert_eq!(sources.len(), model.len());
                prop_assert!(sources.slots.len() >= 2 * sources.len(), "at most half full");
            }
        }
    }
}
