//! Messages that wait to be sent, per stream.

use super::outgoing::{OutMessage, SendStream};
use super::scheduler::Scheduler;
use crate::num::{clamp32, size};
use crate::table::{NIL, Slab, StreamMap};
use crate::{Scheduling, SendError, SendOptions};
use alloc::collections::VecDeque;
use bytes::Bytes;
use sendrecv_core::Instant;

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

/// Messages that are begun and not all sent. With interleaving each holds memory of the peer's until its end: were there
/// more of them than the peer has room for, none would ever end.
#[derive(Clone, Debug, Default)]
struct Begun {
    /// The sum of their lengths.
    bytes: usize,
    /// The most there may be of that.
    limit: usize,
    /// Streams whose next message has to wait for room.
    waiting: VecDeque<u32>,
}

impl Begun {
    /// Whether a message of `len` bytes may begin beside others of `bytes`. One by itself always may.
    const fn allows(&self, bytes: usize, len: usize) -> bool {
        bytes == 0 || bytes.saturating_add(len) <= self.limit
    }
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
    /// How many messages were given up that the flight still refers to.
    abandoned: usize,
    begun: Begun,
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
            abandoned: 0,
            begun: Begun::default(),
            messages_sent: 0,
            messages_abandoned: 0,
        }
    }

    /// Gives the next message of a stream this number.
    #[cfg(test)]
    pub(crate) fn number_from(&mut self, stream: u16, number: u32) {
        if let Some(stream) = self.stream_mut(stream) {
            (stream.next_ordered, stream.next_unordered) = (number, number);
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
        options: &SendOptions,
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
        self.insert(now, stream, ppid, data, (&SendOptions::default(), false))
    }

    fn insert(
        &mut self,
        now: Instant,
        stream: u16,
        ppid: u32,
        data: Bytes,
        (options, counted): (&SendOptions, bool),
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
            stream.start = self.scheduler.start(stream.start);
            self.scheduler.push(key, stream.priority, stream.start);
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
            let long = interleaved && message.sent == 0 && !fits_whole;
            if long && !self.begun.allows(self.begun.bytes, remaining) {
                self.scheduler.pop();
                self.begun.waiting.push_back(key);
                continue;
            }
            return self.cut(key, head, remaining.min(space), interleaved);
        }
    }

    fn cut(&mut self, key: u32, head: u32, len: usize, interleaved: bool) -> Option<NewFragment> {
        let stream = self.streams.by_key_mut(key)?;
        let message = self.messages.get_mut(head)?;
        let beginning = message.sent == 0;
        if beginning {
            stream.number(message, interleaved);
            self.begun.bytes = self.begun.bytes.saturating_add(message.data.len());
        }
        let (offset, index) = (message.sent, stream.next_fragment);
        message.sent = message.sent.saturating_add(clamp32(len));
        stream.next_fragment = index.wrapping_add(1);
        self.buffered = self.buffered.saturating_sub(len);
        if message.counted && stream.shrink(len) {
            self.low.push_back(stream.id);
        }
        let ending = message.remaining() == 0;
        let whole = message.data.len();
        if ending {
            self.messages_sent = self.messages_sent.saturating_add(1);
            if stream.unlink(message) {
                self.drained.push_back(stream.id);
            }
        }
        self.schedule(key, len, ending, interleaved);
        if ending {
            self.end_begun(whole);
        }
        Some(NewFragment { message: head, offset, len, index, beginning, ending })
    }

    /// The peer has room for this many bytes. Half of the most it ever had is for messages that are begun: what waits for
    /// something lost takes room too, and so does keeping account of it all.
    pub(crate) fn note_peer_window(&mut self, bytes: usize) {
        self.begun.limit = self.begun.limit.max(bytes / 2);
    }

    /// A begun message of `len` bytes is all sent, or given up: those that wait for room may have a turn.
    fn end_begun(&mut self, len: usize) {
        self.begun.bytes = self.begun.bytes.saturating_sub(len);
        let mut bytes = self.begun.bytes;
        while let Some(key) = self.begun.waiting.front().copied() {
            let stream = self.streams.by_key(key);
            let head = stream.and_then(|stream| self.messages.get(stream.head));
            let next = head.map_or(0, |message| message.data.len());
            if !self.begun.allows(bytes, next) {
                break;
            }
            bytes = bytes.saturating_add(next);
            self.begun.waiting.pop_front();
            stream.inspect(|stream| self.scheduler.push(key, stream.priority, stream.start));
        }
    }

    /// Decides whose turn is next after `len` bytes of `key` left.
    fn schedule(&mut self, key: u32, len: usize, ending: bool, interleaved: bool) {
        let Some(stream) = self.streams.by_key_mut(key) else { return };
        stream.start = self.scheduler.serve(stream.start, len, stream.priority);
        stream.ready = stream.head != NIL;
        if stream.ready && !ending && !interleaved {
            self.scheduler.hold();
            return;
        }
        self.scheduler.pop();
        if stream.ready {
            self.scheduler.push(key, stream.priority, stream.start);
        }
    }

    /// Gives a message up: what was not sent of it never will be.
    pub(crate) fn abandon(&mut self, key: u32) {
        let Some(message) = self.messages.get_mut(key) else { return };
        if core::mem::replace(&mut message.abandoned, true) {
            return;
        }
        self.messages_abandoned = self.messages_abandoned.saturating_add(1);
        self.abandoned = self.abandoned.saturating_add(1);
        if !message.queued {
            return;
        }
        let (begun, remaining, whole) = (message.sent > 0, message.remaining(), message.data.len());
        self.buffered = self.buffered.saturating_sub(remaining);
        let Some(stream_key) = self.streams.key(message.stream) else { return };
        let Some(stream) = self.streams.by_key_mut(stream_key) else { return };
        if message.counted && stream.shrink(remaining) {
            self.low.push_back(stream.id);
        }
        if stream.unlink(message) {
            self.drained.push_back(stream.id);
        }
        self.after_abandoned_head(stream_key);
        if begun {
            self.cut_short.push_back(key);
            self.end_begun(whole);
        } else {
            self.release(key);
        }
    }

    /// Whether there are messages that were given up and that the peer may have to be told of.
    pub(crate) const fn has_abandoned(&self) -> bool {
        self.abandoned > 0
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
            self.scheduler.push(key, stream.priority, stream.start);
        }
    }

    /// The flight no longer refers to this message.
    pub(crate) fn release(&mut self, key: u32) {
        if self.messages.get(key).is_some_and(|message| message.abandoned) {
            self.abandoned = self.abandoned.saturating_sub(1);
        }
        self.messages.free(key);
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
