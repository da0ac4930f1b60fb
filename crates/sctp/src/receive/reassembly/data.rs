//! DATA: the fragments of a message have consecutive TSNs, and are found by them.

use super::{Budget, MessageKey, Violation, Waiting, Whole};
use crate::wire::DataChunk;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use bytes::Bytes;

/// A message of which everything up to some fragment is here.
#[derive(Clone, Debug)]
struct Assembly {
    key: MessageKey,
    ppid: u32,
    /// The first fragment's TSN, and that of the next one.
    first: u64,
    next: u64,
    data: Vec<u8>,
}

impl Assembly {
    /// Whether a fragment can be this message's. Unordered messages have no number.
    fn owns(&self, key: MessageKey) -> Result<(), Violation> {
        let same_number = key.unordered || self.key.id == key.id;
        if (self.key.stream, self.key.unordered) == (key.stream, key.unordered) && same_number {
            Ok(())
        } else {
            Err(Violation("fragments of different messages follow each other"))
        }
    }
}

/// Unfinished messages, by TSN.
#[derive(Clone, Debug, Default)]
pub(super) struct DataAssemblies {
    /// The assembly that grew last. Without loss it is the only one.
    current: Option<Assembly>,
    /// Other assemblies, under the TSN each needs next.
    others: BTreeMap<u64, Assembly>,
    waiting: BTreeMap<u64, (MessageKey, Waiting)>,
}

impl DataAssemblies {
    /// How many messages have begun, beside the one that grew last.
    pub(super) fn len(&self) -> usize {
        self.others.len()
    }

    /// Bytes of the message that grew last.
    pub(super) fn growing(&self) -> usize {
        self.current.as_ref().map_or(0, |assembly| assembly.data.len())
    }

    /// Bytes of the message that needs this TSN next.
    pub(super) fn len_before(&self, tsn: u64) -> usize {
        let current = self.current.as_ref().filter(|assembly| assembly.next == tsn);
        current.or_else(|| self.others.get(&tsn)).map_or(0, |assembly| assembly.data.len())
    }

    /// Takes a fragment; returns the message it finishes. `estimate` bytes are set aside when one begins.
    pub(super) fn add(
        &mut self,
        tsn: u64,
        chunk: &DataChunk<'_>,
        estimate: usize,
        budget: &mut Budget,
    ) -> Result<Option<Whole>, Violation> {
        let header = &chunk.header;
        let key = MessageKey::of(header);
        if header.beginning {
            self.park_current();
            budget.charge(0);
            let data = Vec::with_capacity(estimate);
            self.current = Some(Assembly { key, ppid: header.ppid, first: tsn, next: tsn, data });
        } else if !self.select(tsn) {
            budget.charge(chunk.payload.len());
            let waiting = Waiting { ending: header.ending, data: Bytes::copy_from_slice(chunk.payload) };
            self.waiting.insert(tsn, (key, waiting));
            return Ok(None);
        }
        let Some(assembly) = &mut self.current else { return Ok(None) };
        assembly.owns(key)?;
        budget.append(&mut assembly.data, chunk.payload)?;
        assembly.next = tsn.saturating_add(1);
        if !header.ending && !self.take_waiting(budget)? {
            return Ok(None);
        }
        Ok(self.current.take().map(|Assembly { key, ppid, data, .. }| {
            budget.release(data.len());
            Whole { key, ppid, data }
        }))
    }

    fn park_current(&mut self) {
        if let Some(assembly) = self.current.take() {
            self.others.insert(assembly.next, assembly);
        }
    }

    /// Makes the assembly that needs this TSN next the current one; false when there is none.
    fn select(&mut self, tsn: u64) -> bool {
        if self.current.as_ref().is_some_and(|assembly| assembly.next == tsn) {
            return true;
        }
        let Some(assembly) = self.others.remove(&tsn) else { return false };
        self.park_current();
        self.current = Some(assembly);
        true
    }

    /// Lets the current assembly take what waited for it; true when that finishes it.
    fn take_waiting(&mut self, budget: &mut Budget) -> Result<bool, Violation> {
        let Self { current: Some(assembly), waiting, .. } = self else { return Ok(false) };
        while !waiting.is_empty()
            && let Some((key, Waiting { ending, data })) = waiting.remove(&assembly.next)
        {
            budget.release(data.len());
            assembly.owns(key)?;
            budget.append(&mut assembly.data, &data)?;
            assembly.next = assembly.next.saturating_add(1);
            if ending {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Drops every message with a fragment up to `tsn`.
    pub(super) fn forward(&mut self, tsn: u64, budget: &mut Budget) {
        self.park_current();
        // Assemblies do not overlap: beside those that end by `tsn`, one at most begins there and goes on behind.
        let kept = self.others.split_off(&tsn.saturating_add(2));
        let mut dead: Vec<_> = core::mem::replace(&mut self.others, kept).into_values().collect();
        if let Some(entry) = self.others.first_entry().filter(|entry| entry.get().first <= tsn) {
            dead.push(entry.remove());
        }
        dead.iter().for_each(|assembly| budget.release(assembly.data.len()));
        self.drop_waiting(tsn, budget);
    }

    /// Drops fragments up to `to` that wait for a beginning.
    pub(super) fn drop_waiting(&mut self, to: u64, budget: &mut Budget) {
        while let Some(entry) = self.waiting.first_entry().filter(|entry| *entry.key() <= to) {
            let (_, waiting) = entry.remove();
            budget.release(waiting.data.len());
        }
    }
}
