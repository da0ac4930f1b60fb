//! State per SSRC.

use alloc::vec::Vec;

/// A bounded map from SSRC to state: a sorted index, and the latest source looked up, which is the next one's most
/// likely. Whatever SSRCs a peer invents, a lookup is a binary search at worst; nothing is ever removed, since an SSRC
/// that came back without its index would repeat its keystream or accept replays.
#[derive(Debug)]
pub(crate) struct Sources<S> {
    /// SSRCs in ascending order, each with its place in `states`.
    index: Vec<(u32, usize)>,
    states: Vec<S>,
    latest: Option<(u32, usize)>,
    max: usize,
}

/// There is no room for another source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl<S> Sources<S> {
    /// An empty map for at most `max` sources.
    pub(crate) const fn new(max: usize) -> Self {
        Self { index: Vec::new(), states: Vec::new(), latest: None, max }
    }

    /// The state of `ssrc`, if it has one.
    pub(crate) fn get_mut(&mut self, ssrc: u32) -> Option<&mut S> {
        let place = match self.latest {
            Some((latest, place)) if latest == ssrc => place,
            _ => self.find(ssrc)?,
        };
        self.latest = Some((ssrc, place));
        self.states.get_mut(place)
    }

    fn find(&self, ssrc: u32) -> Option<usize> {
        let position = self.index.binary_search_by_key(&ssrc, |(known, _)| *known).ok()?;
        self.index.get(position).map(|(_, place)| *place)
    }

    /// Whether no source can be added.
    pub(crate) const fn is_full(&self) -> bool {
        self.states.len() >= self.max
    }

    /// Adds a source that has no state yet.
    pub(crate) fn insert(&mut self, ssrc: u32, state: S) -> Result<(), Full> {
        let position = self.index.partition_point(|(known, _)| *known < ssrc);
        if self.is_full() {
            return Err(Full);
        }
        self.index.insert(position, (ssrc, self.states.len()));
        self.states.push(state);
        Ok(())
    }

    /// How many sources there are.
    pub(crate) const fn len(&self) -> usize {
        self.states.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

    #[test]
    fn a_full_map_takes_no_more() {
        let mut sources = Sources::new(1);
        assert_eq!(sources.get_mut(0), None::<&mut ()>);
        assert_eq!(sources.insert(7, ()), Ok(()));
        assert_eq!(sources.insert(8, ()), Err(Full));
        assert!(sources.is_full() && sources.get_mut(7).is_some() && sources.get_mut(8).is_none());
    }

    proptest! {
        #[test]
        fn it_finds_what_was_inserted(ssrcs in prop::collection::vec(0u32..50, 0..200)) {
            let (mut sources, mut model) = (Sources::new(usize::MAX), BTreeMap::new());
            for (value, ssrc) in ssrcs.into_iter().enumerate() {
                prop_assert_eq!(sources.get_mut(ssrc).copied(), model.get(&ssrc).copied());
                if model.insert(ssrc, value).is_none() {
                    sources.insert(ssrc, value).unwrap();
                } else {
                    *sources.get_mut(ssrc).unwrap() = value;
                }
                prop_assert_eq!(sources.len(), model.len());
            }
        }
    }
}
