//! Whole handshake messages from fragments, in order (RFC 6347, section 4.2.3; RFC 9147, section 5.5).
//!
//! Everything is bounded before the peer is known: how far ahead a message may be, how long it may be, how many bytes
//! all of them hold together and in how many pieces each may lie.

use super::ranges::Ranges;
use crate::Discard;
use crate::wire::fragment::{Fragment, HandshakeType};
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Messages kept at once, counted from the next one expected: more than the longest flight has.
const WINDOW: u16 = 12;
/// The longest message, in bytes.
const MAX_MESSAGE: u32 = 16 << 10;
/// Bytes of all messages together.
const MAX_TOTAL: usize = 32 << 10;
/// Pieces of one message with gaps between them.
const MAX_RANGES: usize = 32;

/// A whole handshake message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) kind: HandshakeType,
    pub(crate) seq: u16,
    /// The epoch it came in.
    pub(crate) epoch: u64,
    pub(crate) body: Vec<u8>,
}

/// What became of a fragment that was not discarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Insertion {
    /// It brought something new.
    New,
    /// All of it was there already, in a message that is not complete yet or not taken.
    Known,
    /// Its message was taken before: the peer sends a flight again.
    Old,
}

/// A message under construction.
#[derive(Clone, Debug)]
struct Partial {
    message: Message,
    length: u32,
    there: Ranges,
}

impl Partial {
    fn is_complete(&self) -> bool {
        self.there.covers(self.length)
    }
}

/// Puts fragments together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reassembly {
    next: u16,
    /// Slot `i` is for the message `next + i`.
    slots: VecDeque<Option<Partial>>,
    total: usize,
}

impl Reassembly {
    /// Whether a message with this number was taken already.
    pub(crate) const fn is_old(&self, seq: u16) -> bool {
        seq < self.next
    }

    /// Takes in a fragment that came in a record of `epoch`.
    pub(crate) fn insert(&mut self, fragment: &Fragment<'_>, epoch: u64) -> Result<Insertion, Discard> {
        let ahead = match fragment.message_seq.checked_sub(self.next) {
            None => return Ok(Insertion::Old),
            Some(ahead) if ahead >= WINDOW => return Err(Discard::ReassemblyFull),
            Some(ahead) => usize::from(ahead),
        };
        let partial = self.slot(ahead, fragment, epoch)?;
        let len = u32::try_from(fragment.data.len()).unwrap_or(u32::MAX);
        let end = fragment.offset.saturating_add(len);
        if len == 0 || partial.there.contains(fragment.offset, end) {
            // A fragment without bytes says something only of a message without bytes, and only once.
            let news = len == 0 && fragment.length == 0 && partial.there == Ranges::default();
            return if news {
                partial.there.insert(0, 1, 1);
                Ok(Insertion::New)
            } else {
                Ok(Insertion::Known)
            };
        }
        if !partial.there.insert(fragment.offset, end, MAX_RANGES) {
            return Err(Discard::ReassemblyFull);
        }
        let range = usize::try_from(fragment.offset).ok().zip(usize::try_from(end).ok());
        if let Some(to) = range.and_then(|(start, end)| partial.message.body.get_mut(start..end)) {
            to.copy_from_slice(fragment.data);
        }
        Ok(Insertion::New)
    }

    /// The next message, once it is complete.
    pub(crate) fn take(&mut self) -> Option<Message> {
        if !self.peek().is_some_and(Partial::is_complete) {
            return None;
        }
        let partial = self.slots.pop_front().flatten()?;
        self.total = self.total.saturating_sub(partial.message.body.len());
        self.next = self.next.saturating_add(1);
        Some(partial.message)
    }

    /// The kind of the next message, once it is complete.
    pub(crate) fn next_kind(&self) -> Option<HandshakeType> {
        self.peek().filter(|partial| partial.is_complete()).map(|partial| partial.message.kind)
    }

    /// Forgets what came in plaintext and was not taken: from now on only protected messages are believed.
    pub(crate) fn forget_plaintext(&mut self) {
        for slot in &mut self.slots {
            if let Some(partial) = slot.take_if(|partial| partial.message.epoch == 0) {
                self.total = self.total.saturating_sub(partial.message.body.len());
            }
        }
    }

    /// Gives back the memory for messages if none is there.
    pub(crate) fn release(&mut self) {
        if self.slots.is_empty() {
            self.slots = VecDeque::new();
        }
    }

    /// Bytes held for messages that are not complete or not taken.
    pub(crate) const fn buffered(&self) -> usize {
        self.total
    }

    fn peek(&self) -> Option<&Partial> {
        self.slots.front().and_then(Option::as_ref)
    }

    /// The message that the fragment is of; made when it is the first of it.
    fn slot(&mut self, ahead: usize, fragment: &Fragment<'_>, epoch: u64) -> Result<&mut Partial, Discard> {
        let body_len = usize::try_from(fragment.length).unwrap_or(usize::MAX);
        while self.slots.len() <= ahead {
            self.slots.push_back(None);
        }
        let slot = self.slots.get_mut(ahead).ok_or(Discard::ReassemblyFull)?;
        // What is protected replaces what anybody could have written.
        if let Some(plain) = slot.take_if(|partial| partial.message.epoch == 0 && epoch != 0) {
            self.total = self.total.saturating_sub(plain.message.body.len());
        }
        let total = self.total.saturating_add(body_len);
        if let Some(partial) = slot {
            let message = &partial.message;
            let same =
                message.kind == fragment.kind && partial.length == fragment.length && message.epoch == epoch;
            return if same { Ok(partial) } else { Err(Discard::BadFragment) };
        }
        if fragment.length > MAX_MESSAGE || total > MAX_TOTAL {
            return Err(Discard::ReassemblyFull);
        }
        self.total = total;
        let body = alloc::vec![0; body_len];
        let message = Message { kind: fragment.kind, seq: fragment.message_seq, epoch, body };
        Ok(slot.insert(Partial { message, length: fragment.length, there: Ranges::default() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fragment(seq: u16, length: u32, offset: u32, data: &[u8]) -> Fragment<'_> {
        Fragment { kind: HandshakeType::CERTIFICATE, length, message_seq: seq, offset, data }
    }

    #[test]
    fn messages_come_in_order_whatever_the_order_of_fragments() {
        let mut reassembly = Reassembly::default();
        assert_eq!(reassembly.insert(&fragment(1, 2, 0, b"cd"), 0), Ok(Insertion::New));
        assert_eq!(reassembly.insert(&fragment(0, 2, 1, b"b"), 0), Ok(Insertion::New));
        assert_eq!(reassembly.take(), None);
        assert_eq!(reassembly.insert(&fragment(0, 2, 0, b"a"), 0), Ok(Insertion::New));
        let bodies: Vec<_> = core::iter::from_fn(|| reassembly.take()).map(|message| message.body).collect();
        assert_eq!(bodies, [b"ab", b"cd"]);
        assert_eq!(reassembly.insert(&fragment(0, 2, 0, b"a"), 0), Ok(Insertion::Old));
    }

    #[test]
    fn an_empty_message_is_complete_with_its_only_fragment() {
        let mut reassembly = Reassembly::default();
        assert_eq!(reassembly.insert(&fragment(0, 0, 0, b""), 0), Ok(Insertion::New));
        assert_eq!(reassembly.insert(&fragment(0, 0, 0, b""), 0), Ok(Insertion::Known));
        assert!(reassembly.take().is_some_and(|message| message.body.is_empty()));
    }

    #[test]
    fn zero_length_fragments_of_a_longer_message_add_nothing() {
        let mut reassembly = Reassembly::default();
        for _ in 0..10_000 {
            assert_eq!(reassembly.insert(&fragment(0, 100, 5, b""), 0), Ok(Insertion::Known));
        }
        assert_eq!((reassembly.take(), reassembly.buffered()), (None, 100));
    }

    #[test]
    fn a_flood_of_tiny_fragments_holds_bounded_memory() {
        let mut reassembly = Reassembly::default();
        for seq in 0..=u16::MAX {
            for offset in (0..MAX_MESSAGE).step_by(1 << 10) {
                let _ = reassembly.insert(&fragment(seq, MAX_MESSAGE, offset, b"x"), 0);
            }
        }
        assert!(reassembly.buffered() <= MAX_TOTAL);
        assert!(reassembly.slots.len() <= usize::from(WINDOW));
        assert!(reassembly.slots.iter().flatten().all(|partial| partial.there.count() <= MAX_RANGES));
    }

    #[test]
    fn fragments_that_contradict_each_other_are_refused() {
        let mut reassembly = Reassembly::default();
        reassembly.insert(&fragment(0, 4, 0, b"ab"), 0).unwrap();
        assert_eq!(reassembly.insert(&fragment(0, 5, 2, b"cd"), 0), Err(Discard::BadFragment));
    }

    #[test]
    fn a_protected_fragment_replaces_plaintext_but_not_the_other_way_round() {
        let mut reassembly = Reassembly::default();
        reassembly.insert(&fragment(0, 4, 0, b"ab"), 0).unwrap();
        assert_eq!(reassembly.insert(&fragment(0, 2, 0, b"cd"), 2), Ok(Insertion::New));
        assert_eq!(reassembly.insert(&fragment(0, 4, 0, b"ab"), 0), Err(Discard::BadFragment));
        assert_eq!((reassembly.buffered(), reassembly.take().map(|message| message.epoch)), (2, Some(2)));
    }

    #[test]
    fn plaintext_leftovers_are_forgotten() {
        let mut reassembly = Reassembly::default();
        reassembly.insert(&fragment(1, 4, 0, b"ab"), 0).unwrap();
        reassembly.insert(&fragment(2, 4, 0, b"ab"), 2).unwrap();
        reassembly.forget_plaintext();
        assert_eq!(reassembly.buffered(), 4);
        assert_eq!(reassembly.insert(&fragment(1, 9, 0, b"ab"), 2), Ok(Insertion::New));
    }

    proptest! {
        #[test]
        fn any_cut_with_overlaps_gives_the_message(
            body in prop::collection::vec(any::<u8>(), 1..300),
            cuts in prop::collection::vec((0usize..300, 1usize..80), 0..30),
        ) {
            let mut reassembly = Reassembly::default();
            let length = u32::try_from(body.len()).unwrap();
            let pieces = cuts.into_iter().chain((0..body.len()).step_by(7).map(|at| (at, 7)));
            for (start, len) in pieces.filter(|(start, _)| *start < body.len()) {
                let data = &body[start..(start + len).min(body.len())];
                prop_assert!(reassembly.insert(&fragment(0, length, u32::try_from(start).unwrap(), data), 0).is_ok());
            }
            prop_assert_eq!(reassembly.take().map(|message| message.body), Some(body));
        }
    }
}
