//! I-DATA: fragments are numbered within their message, and messages may interleave (RFC 8260, section 2.2).

use super::order::distance;
use super::{Budget, MessageKey, Violation, Waiting, Whole};
use crate::wire::{DataChunk, Skipped};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use bytes::Bytes;

/// A message of which everything up to some fragment is here, if anything.
#[derive(Clone, Debug, Default)]
struct Assembly {
    /// The number of the fragment that `data` needs next.
    next: u32,
    ppid: u32,
    data: Vec<u8>,
}

/// Unfinished messages, by stream and number.
#[derive(Clone, Debug, Default)]
pub(super) struct InterleavedAssemblies {
    /// The message that grew last: where fragments come in runs, it is not looked up again.
    current: Option<(MessageKey, Assembly)>,
    others: BTreeMap<MessageKey, Assembly>,
    /// Of all messages, by message and fragment number. One map for all takes the least memory per fragment.
    waiting: BTreeMap<(MessageKey, u32), Waiting>,
}

impl InterleavedAssemblies {
    /// How many messages have begun, beside the one that grew last.
    pub(super) fn len(&self) -> usize {
        self.others.len()
    }

    /// Bytes of the message that grew last.
    pub(super) fn growing(&self) -> usize {
        self.current.as_ref().map_or(0, |(_, assembly)| assembly.data.len())
    }

    /// Bytes of a message, up to the first that is missing.
    pub(super) fn len_of(&self, key: MessageKey) -> usize {
        let current =
            self.current.as_ref().filter(|(current, _)| *current == key).map(|(_, assembly)| assembly);
        current.or_else(|| self.others.get(&key)).map_or(0, |assembly| assembly.data.len())
    }

    /// Takes a fragment; returns the message it finishes. `estimate` bytes are set aside when one begins.
    pub(super) fn add(
        &mut self,
        chunk: &DataChunk<'_>,
        estimate: usize,
        budget: &mut Budget,
    ) -> Result<Option<Whole>, Violation> {
        let header = &chunk.header;
        let key = MessageKey::of(header);
        self.select(key, budget);
        let Some((_, assembly)) = &mut self.current else { return Ok(None) };
        if header.beginning {
            assembly.data.reserve_exact(estimate.max(chunk.payload.len()));
            assembly.ppid = header.ppid;
        }
        if header.fragment != assembly.next || assembly.next == 0 && !header.beginning {
            budget.charge(chunk.payload.len());
            let waiting = Waiting { ending: header.ending, data: Bytes::copy_from_slice(chunk.payload) };
            return match self.waiting.insert((key, header.fragment), waiting) {
                Some(_) => Err(Violation("a fragment number was used twice")),
                None => Ok(None),
            };
        }
        budget.append(&mut assembly.data, chunk.payload)?;
        assembly.next = assembly.next.wrapping_add(1);
        if !header.ending && !self.take_waiting(budget)? {
            return Ok(None);
        }
        self.drop_waiting(key, budget);
        Ok(self.current.take().map(|(key, Assembly { ppid, data, .. })| {
            budget.release(data.len());
            Whole { key, ppid, data }
        }))
    }

    /// Lets the current message take what waited for it; true when that finishes it.
    fn take_waiting(&mut self, budget: &mut Budget) -> Result<bool, Violation> {
        let Self { current: Some((key, assembly)), waiting, .. } = self else { return Ok(false) };
        while !waiting.is_empty()
            && let Some(Waiting { ending, data }) = waiting.remove(&(*key, assembly.next))
        {
            budget.release(data.len());
            budget.append(&mut assembly.data, &data)?;
            assembly.next = assembly.next.wrapping_add(1);
            if ending {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Drops what waits for a message.
    fn drop_waiting(&mut self, key: MessageKey, budget: &mut Budget) {
        while let Some((number, _)) = self.waiting.range((key, 0)..=(key, u32::MAX)).next() {
            let number = *number;
            if let Some(waiting) = self.waiting.remove(&number) {
                budget.release(waiting.data.len());
            }
        }
    }

    /// Makes the message with this key the current one; it begins now if need be.
    fn select(&mut self, key: MessageKey, budget: &mut Budget) {
        if self.current.as_ref().is_some_and(|(current, _)| *current == key) {
            return;
        }
        self.others.extend(self.current.take());
        let assembly = self.others.remove(&key).unwrap_or_else(|| {
            budget.charge(0);
            Assembly::default()
        });
        self.current = Some((key, assembly));
    }

    /// Drops a stream's unfinished messages up to the skipped one.
    pub(super) fn skip(&mut self, skipped: &Skipped, budget: &mut Budget) {
        self.others.extend(self.current.take());
        let key = |id| MessageKey { stream: skipped.stream, unordered: skipped.unordered, id };
        let of_stream = self.others.range(key(0)..=key(u32::MAX)).map(|(key, _)| *key);
        let dead = of_stream.filter(|key| distance(key.id, skipped.message_id, true) <= 0).collect();
        self.remove(dead, budget);
    }

    /// Drops the unfinished messages of these streams, which are numbered anew; an empty list means all streams.
    pub(super) fn reset(&mut self, streams: &[u16], budget: &mut Budget) {
        self.others.extend(self.current.take());
        let first = |stream| MessageKey { stream, unordered: false, id: 0 };
        let last = |stream| MessageKey { stream, unordered: true, id: u32::MAX };
        let keys = |from, to| self.others.range(first(from)..=last(to)).map(|(key, _)| *key);
        let dead = match streams {
            [] => keys(0, u16::MAX).collect(),
            _ => streams.iter().flat_map(|stream| keys(*stream, *stream)).collect(),
        };
        self.remove(dead, budget);
    }

    fn remove(&mut self, keys: Vec<MessageKey>, budget: &mut Budget) {
        for key in keys {
            if let Some(assembly) = self.others.remove(&key) {
                budget.release(assembly.data.len());
                self.drop_waiting(key, budget);
            }
        }
    }
}
