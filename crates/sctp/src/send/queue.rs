//! Messages that wait to be sent, per stream.

use super::scheduler::{NORMAL_PRIORITY, Scheduler};
use crate::num::{clamp32, size};
use crate::table::{NIL, Slab, StreamMap};
use crate::{Scheduling, SendError, SendOptions};
use alloc::collections::VecDeque;
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
    /// Fragments sent so far.
    pub(crate) fragments: u32,
    /// Fragments that the flight still refers to.
    pub(crate) in_flight: u32,
    pub(crate) abandoned: bool,
    /// It counts towards its stream's buffered amount.
    counted: bool,
    /// Still linked in its stream's queue.
    queued: bool,
    next: u32,
}

impl OutMessage {
    fn remaining(&self) -> usize {
        self.data.len().saturating_sub(size(self.sent))
    }
}

/// The sending side of a stream.
#[derive(Clone, Debug)]
pub(crate) struct SendStream {
    id: u16,
    head: u32,
    tail: u32,
    buffered: usize,
    low_threshold: usize,
    next_ordered: u32,
    next_unordered: u32,
    priority: u16,
    credit: usize,
    ready: bool,
    /// No new messages: the stream is to be reset.
    closing: bool,
}

impl SendStream {
    const fn new(id: u16) -> Self {
        Self {
            id,
            head: NIL,
            tail: NIL,
            buffered: 0,
            low_threshold: 0,
            next_ordered: 0,
            next_unordered: 0,
            priority: NORMAL_PRIORITY,
            credit: 0,
            ready: false,
            closing: false,
        }
    }
}

/// A fragment that is to leave now, cut off its message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewFragment {
    pub(crate) message: u32,
    pub(crate) offset: u32,
    pub(crate) len: usize,
    pub(crate) index: u32,
    pub(crate) beginning: bool,
    pub(crate) ending: bool,
}

/// Every stream's messages, and whose turn it is.
#[derive(Clone, Debug)]
pub(crate) struct SendQueue {
    messages: Slab<OutMessage>,
    streams: StreamMap<SendStream>,
    scheduler: Scheduler,
    buffered: usize,
    limit: usize,
    low: VecDeque<u16>,
    drained: VecDeque<u16>,
    /// Messages that were given up after some of their fragments had left, and before the others had.
    cut_short: VecDeque<u32>,
    pub(crate) messages_sent: u64,
    pub(crate) messages_abandoned: u64,
}

impl SendQueue {
    pub(crate) fn new(scheduling: Scheduling, limit: usize) -> Self {
        Self {
            messages: Slab::default(),
            streams: StreamMap::default(),
            scheduler: Scheduler::new(scheduling),
            buffered: 0,
            limit,
            low: VecDeque::new(),
            drained: VecDeque::new(),
            cut_short: VecDeque::new(),
            messages_sent: 0,
            messages_abandoned: 0,
        }
    }

    fn stream_key(&mut self, stream: u16) -> u32 {
        match self.streams.key(stream) {
            Some(key) => key,
            None => self.streams.insert(stream, SendStream::new(stream)),
        }
    }

    fn stream_mut(&mut self, stream: u16) -> Option<&mut SendStream> {
        let key = self.stream_key(stream);
        self.streams.by_key_mut(key)
    }

    /// Takes a message, or leaves everything as it was.
    pub(crate) fn push(
        &mut self,
        now: Instant,
        stream: u16,
        ppid: u32,
        data: Bytes,
        options: SendOptions,
    ) -> Result<(), SendError> {
        if data.is_empty() {
            return Err(SendError::Empty);
        }
        if u32::try_from(data.len()).is_err() {
            return Err(SendError::TooLarge { limit: size(u32::MAX) });
        }
        if self.buffered > 0 && self.buffered.saturating_add(data.len()) > self.limit {
            return Err(SendError::BufferFull);
        }
        self.insert(now, stream, ppid, data, (options, true))
    }

    /// Takes a message whatever is buffered; it does not count towards the stream's buffered amount.
    pub(crate) fn push_uncounted(
        &mut self,
        now: Instant,
        stream: u16,
        ppid: u32,
        data: Bytes,
    ) -> Result<(), SendError> {
        self.insert(now, stream, ppid, data, (SendOptions::default(), false))
    }

    fn insert(
        &mut self,
        now: Instant,
        stream: u16,
        ppid: u32,
        data: Bytes,
        (options, counted): (SendOptions, bool),
    ) -> Result<(), SendError> {
        let len = data.len();
        let key = self.stream_key(stream);
        if self.streams.by_key(key).is_some_and(|stream| stream.closing) {
            return Err(SendError::Closing);
        }
        let message = self.messages.insert(OutMessage {
            data,
            stream,
            ppid,
            unordered: options.unordered,
            id: 0,
            expires: options.lifetime.map_or(Instant::MAX, |lifetime| now + lifetime),
            max_retransmits: options.max_retransmits,
            sent: 0,
            fragments: 0,
            in_flight: 0,
            abandoned: false,
            counted,
            queued: true,
            next: NIL,
        });
        self.link(key, message, len, counted);
        Ok(())
    }

    fn link(&mut self, key: u32, message: u32, len: usize, counted: bool) {
        self.buffered = self.buffered.saturating_add(len);
        let Some(stream) = self.streams.by_key_mut(key) else { return };
        if counted {
            stream.buffered = stream.buffered.saturating_add(len);
        }
        let tail = core::mem::replace(&mut stream.tail, message);
        if tail == NIL {
            stream.head = message;
        }
        if !stream.ready {
            stream.ready = true;
            self.scheduler.push(key, stream.priority);
        }
        if let Some(last) = self.messages.get_mut(tail) {
            last.next = message;
        }
    }

    /// Whether something waits to be sent.
    pub(crate) fn has_data(&self) -> bool {
        self.scheduler.front().is_some()
    }

    pub(crate) const fn buffered(&self) -> usize {
        self.buffered
    }

    pub(crate) fn stream_buffered(&self, stream: u16) -> usize {
        self.streams.get(stream).map_or(0, |stream| stream.buffered)
    }

    pub(crate) fn set_low_threshold(&mut self, stream: u16, threshold: usize) {
        if let Some(stream) = self.stream_mut(stream) {
            stream.low_threshold = threshold;
        }
    }

    pub(crate) fn set_priority(&mut self, stream: u16, priority: u16) {
        if let Some(stream) = self.stream_mut(stream) {
            stream.priority = priority.max(1);
        }
    }

    /// The next stream whose buffered amount fell to its threshold.
    pub(crate) fn pop_low(&mut self) -> Option<u16> {
        self.low.pop_front()
    }

    /// The next closing stream that has nothing left to send.
    pub(crate) fn pop_drained(&mut self) -> Option<u16> {
        self.drained.pop_front()
    }

    /// Accepts no more messages for this stream; false when that is so already.
    pub(crate) fn close_stream(&mut self, stream: u16) -> bool {
        let Some(state) = self.stream_mut(stream) else { return false };
        if core::mem::replace(&mut state.closing, true) {
            return false;
        }
        if state.head == NIL {
            self.drained.push_back(stream);
        }
        true
    }

    /// Starts the stream over after a reset was performed, or lets it go on after it was refused.
    pub(crate) fn reopen_stream(&mut self, stream: u16, performed: bool) {
        if performed {
            self.streams.remove(stream);
        } else if let Some(state) = self.streams.get_mut(stream) {
            state.closing = false;
        }
    }

    pub(crate) fn message(&self, key: u32) -> Option<&OutMessage> {
        self.messages.get(key)
    }

    /// Cuts the next fragment of at most `space` payload bytes. A message that fits a packet of `full` payload bytes
    /// is not cut; nor is less than `least` cut off a longer one.
    pub(crate) fn next_fragment(
        &mut self,
        now: Instant,
        (space, least, full): (usize, usize, usize),
        interleaved: bool,
    ) -> Option<NewFragment> {
        loop {
            let key = self.scheduler.front()?;
            let stream = self.streams.by_key_mut(key)?;
            let head = stream.head;
            let Some(message) = self.messages.get(head) else {
                stream.ready = false;
                self.scheduler.pop();
                continue;
            };
            if now >= message.expires {
                self.abandon(head);
                continue;
            }
            let remaining = message.remaining();
            let fits_whole = remaining <= space;
            if !fits_whole && (remaining <= full && message.sent == 0 || space < least) {
                return None;
            }
            return self.cut(key, head, remaining.min(space), interleaved);
        }
    }

    fn cut(&mut self, key: u32, head: u32, len: usize, interleaved: bool) -> Option<NewFragment> {
        let stream = self.streams.by_key_mut(key)?;
        let message = self.messages.get_mut(head)?;
        let beginning = message.sent == 0;
        if beginning {
            let next = if message.unordered && interleaved {
                &mut stream.next_unordered
            } else {
                &mut stream.next_ordered
            };
            message.id = *next;
            // Unordered DATA has no number of its own and must not use up an ordered one.
            if interleaved || !message.unordered {
                *next = next.wrapping_add(1);
            }
        }
        let (offset, index) = (message.sent, message.fragments);
        message.sent = message.sent.saturating_add(clamp32(len));
        message.fragments = message.fragments.saturating_add(1);
        message.in_flight = message.in_flight.saturating_add(1);
        let (ending, counted) = (message.remaining() == 0, message.counted);
        self.account_sent(key, len, counted);
        if ending {
            self.messages_sent = self.messages_sent.saturating_add(1);
            self.unlink_head(key);
        }
        self.schedule(key, len, ending, interleaved);
        Some(NewFragment { message: head, offset, len, index, beginning, ending })
    }

    fn account_sent(&mut self, key: u32, len: usize, counted: bool) {
        self.buffered = self.buffered.saturating_sub(len);
        if !counted {
            return;
        }
        let Some(stream) = self.streams.by_key_mut(key) else { return };
        let before = stream.buffered;
        stream.buffered = before.saturating_sub(len);
        if before > stream.low_threshold && stream.buffered <= stream.low_threshold {
            self.low.push_back(stream.id);
        }
    }

    /// Takes the head message off its stream's queue; it stays in the slab for the flight.
    fn unlink_head(&mut self, key: u32) {
        let Some(stream) = self.streams.by_key_mut(key) else { return };
        let Some(message) = self.messages.get_mut(stream.head) else { return };
        message.queued = false;
        stream.head = core::mem::replace(&mut message.next, NIL);
        if stream.head == NIL {
            stream.tail = NIL;
            if stream.closing {
                self.drained.push_back(stream.id);
            }
        }
    }

    /// Decides whose turn is next after `len` bytes of `key` left.
    fn schedule(&mut self, key: u32, len: usize, ending: bool, interleaved: bool) {
        let Some(stream) = self.streams.by_key_mut(key) else { return };
        let empty = stream.head == NIL;
        let priority = stream.priority;
        if empty {
            stream.ready = false;
            stream.credit = 0;
            self.scheduler.pop();
            return;
        }
        if !ending && !interleaved {
            self.spend(key, len);
            self.scheduler.hold();
            return;
        }
        if self.spend(key, len) {
            self.scheduler.pop();
            self.scheduler.push(key, priority);
        }
    }

    /// Charges a stream for `len` bytes; true when its turn is over.
    fn spend(&mut self, key: u32, len: usize) -> bool {
        const QUANTUM: usize = 1200;
        let Some(stream) = self.streams.by_key_mut(key) else { return true };
        if self.scheduler.kind() != Scheduling::WeightedFair {
            return true;
        }
        if stream.credit > len {
            stream.credit = stream.credit.saturating_sub(len);
            return false;
        }
        let share = QUANTUM.saturating_mul(usize::from(stream.priority)) / usize::from(NORMAL_PRIORITY);
        stream.credit = stream.credit.saturating_add(share.max(1)).saturating_sub(len);
        true
    }

    /// Gives a message up: what was not sent of it never will be.
    pub(crate) fn abandon(&mut self, key: u32) {
        let Some(message) = self.messages.get_mut(key) else { return };
        if core::mem::replace(&mut message.abandoned, true) {
            return;
        }
        self.messages_abandoned = self.messages_abandoned.saturating_add(1);
        if !message.queued {
            return;
        }
        if message.sent > 0 {
            message.in_flight = message.in_flight.saturating_add(1);
            self.cut_short.push_back(key);
        }
        let (stream, remaining, counted) = (message.stream, message.remaining(), message.counted);
        let Some(stream_key) = self.streams.key(stream) else { return };
        self.account_sent(stream_key, remaining, counted);
        self.unlink_head(stream_key);
        self.after_abandoned_head(stream_key);
        self.forget_if_done(key);
    }

    /// The next message whose number the peer may wait for although none of its fragments is under way any more. The
    /// flight must be given something to refer to it.
    pub(crate) fn pop_cut_short(&mut self) -> Option<u32> {
        self.cut_short.pop_front()
    }

    /// A stream that is not held stays in the ready list, even when empty: its turn finds that out.
    fn after_abandoned_head(&mut self, key: u32) {
        if !self.scheduler.release(key) {
            return;
        }
        let Some(stream) = self.streams.by_key_mut(key) else { return };
        stream.ready = stream.head != NIL;
        if stream.ready {
            self.scheduler.push(key, stream.priority);
        }
    }

    /// The flight no longer refers to a fragment of this message.
    pub(crate) fn release(&mut self, key: u32) {
        if let Some(message) = self.messages.get_mut(key) {
            message.in_flight = message.in_flight.saturating_sub(1);
            self.forget_if_done(key);
        }
    }

    fn forget_if_done(&mut self, key: u32) {
        if self.messages.get(key).is_some_and(|message| message.in_flight == 0 && !message.queued) {
            self.messages.remove(key);
        }
    }

    /// Gives up everything that was begun, and numbers streams from zero: the peer restarted.
    pub(crate) fn restart(&mut self) {
        *self = Self::new(self.scheduler.kind(), self.limit);
    }

    /// Drops everything.
    pub(crate) fn clear(&mut self) {
        self.restart();
    }
}
