//! A message on its way out, and the sending side of a stream.

use super::scheduler::NORMAL_PRIORITY;
use crate::num::size;
use crate::table::NIL;
use bytes::Bytes;
use sendrecv_core::Instant;

/// A message from the call that handed it over until its last fragment is acknowledged.
#[derive(Clone, Debug)]
pub(crate) struct OutMessage {
    pub(crate) data: Bytes,
    pub(crate) stream: u16,
    pub(crate) ppid: u32,
    pub(crate) unordered: bool,
    /// Stream sequence number or message identifier, given when the first fragment leaves.
    pub(crate) id: u32,
    pub(crate) expires: Instant,
    pub(crate) max_retransmits: Option<u16>,
    /// Bytes that were sent at least once.
    pub(crate) sent: u32,
    pub(crate) abandoned: bool,
    /// It counts towards its stream's buffered amount.
    pub(super) counted: bool,
    /// Still linked in its stream's queue.
    pub(super) queued: bool,
    pub(super) next: u32,
}

impl OutMessage {
    pub(super) fn remaining(&self) -> usize {
        self.data.len().saturating_sub(size(self.sent))
    }
}

/// The sending side of a stream.
#[derive(Clone, Debug)]
pub(crate) struct SendStream {
    pub(super) id: u16,
    pub(super) head: u32,
    pub(super) tail: u32,
    pub(super) buffered: usize,
    pub(super) low_threshold: usize,
    pub(super) next_ordered: u32,
    pub(super) next_unordered: u32,
    /// The number of the head message's next fragment.
    pub(super) next_fragment: u32,
    pub(super) priority: u16,
    /// When its next fragment starts in the scheduler's time.
    pub(super) start: u64,
    pub(super) ready: bool,
    /// No new messages: the stream is to be reset.
    pub(super) closing: bool,
}

impl SendStream {
    pub(super) const fn new(id: u16) -> Self {
        Self {
            id,
            head: NIL,
            tail: NIL,
            buffered: 0,
            low_threshold: 0,
            next_ordered: 0,
            next_unordered: 0,
            next_fragment: 0,
            priority: NORMAL_PRIORITY,
            start: 0,
            ready: false,
            closing: false,
        }
    }

    /// Gives a message whose first fragment leaves its number.
    pub(super) fn number(&mut self, message: &mut OutMessage, interleaved: bool) {
        self.next_fragment = 0;
        let next =
            if message.unordered && interleaved { &mut self.next_unordered } else { &mut self.next_ordered };
        message.id = *next;
        // Unordered DATA has no number of its own and must not use up an ordered one.
        if interleaved || !message.unordered {
            *next = next.wrapping_add(1);
        }
    }

    /// Fewer bytes wait; true when the amount fell to the threshold by that.
    pub(super) const fn shrink(&mut self, len: usize) -> bool {
        let before = self.buffered;
        self.buffered = before.saturating_sub(len);
        before > self.low_threshold && self.buffered <= self.low_threshold
    }

    /// Takes the head message out of the queue; true when a closing stream has nothing left to send.
    pub(super) fn unlink(&mut self, head: &mut OutMessage) -> bool {
        head.queued = false;
        self.head = core::mem::replace(&mut head.next, NIL);
        if self.head == NIL {
            self.tail = NIL;
        }
        self.head == NIL && self.closing
    }
}
