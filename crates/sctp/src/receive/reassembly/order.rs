//! Ordered messages are delivered in the order of their numbers, stream by stream (RFC 9260, section 6.6).

use super::{MessageKey, OVERHEAD};
use crate::Message;
use crate::num::low16;
use crate::table::StreamMap;
use crate::wire::Skipped;
use alloc::collections::BTreeMap;
use bytes::Bytes;

/// The receiving side of a stream.
#[derive(Clone, Debug)]
struct ReceiveStream {
    /// The ordered message that is delivered next: SSN (16 bits) or MID.
    next: u32,
    /// `next`, extended.
    base: u64,
    /// Finished ordered messages that wait for earlier ones, by their extended numbers.
    finished: BTreeMap<u64, (u32, Bytes)>,
    /// The length of the last fragmented message: an estimate for the next.
    last_length: Option<usize>,
}

impl Default for ReceiveStream {
    fn default() -> Self {
        Self { next: 0, base: 1 << 32, finished: BTreeMap::new(), last_length: None }
    }
}

impl ReceiveStream {
    fn advance(&mut self, interleaved: bool) {
        self.base = self.base.saturating_add(1);
        self.next = following(self.next, interleaved);
    }

    /// Delivers what waited for its turn and has it now; returns the bytes freed.
    fn drain(&mut self, stream: u16, interleaved: bool, deliver: &mut impl FnMut(Message)) -> usize {
        let mut freed = 0usize;
        while let Some(entry) = self.finished.first_entry().filter(|entry| *entry.key() == self.base) {
            let (ppid, data) = entry.remove();
            freed = freed.saturating_add(charge(&data));
            self.advance(interleaved);
            deliver(Message { stream, ppid, unordered: false, data });
        }
        freed
    }

    /// Bytes held.
    fn held(&self) -> usize {
        self.finished.values().map(|(_, data)| charge(data)).sum()
    }
}

fn charge(data: &Bytes) -> usize {
    data.len().saturating_add(OVERHEAD)
}

/// The number behind `number`: SSNs have 16 bits.
const fn following(number: u32, interleaved: bool) -> u32 {
    let next = number.wrapping_add(1);
    if interleaved { next } else { next & 0xffff }
}

/// How far `id` is ahead of `next`, in the arithmetic of SSNs (16 bits) or MIDs (32 bits).
pub(super) fn distance(id: u32, next: u32, interleaved: bool) -> i64 {
    if interleaved {
        i64::from(id.wrapping_sub(next).cast_signed())
    } else {
        i64::from(low16(id).wrapping_sub(low16(next)).cast_signed())
    }
}

/// All streams, and what waits in them.
#[derive(Clone, Debug, Default)]
pub(super) struct Streams {
    streams: StreamMap<ReceiveStream>,
    bytes: usize,
    /// The length of the last fragmented message on any stream.
    last_length: usize,
}

impl Streams {
    /// Bytes held, with an overhead for each message.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    fn stream_mut(&mut self, stream: u16) -> Option<&mut ReceiveStream> {
        let key = match self.streams.key(stream) {
            Some(key) => key,
            None => self.streams.insert(stream, ReceiveStream::default()),
        };
        self.streams.by_key_mut(key)
    }

    /// Waits for the message with this number next.
    #[cfg(test)]
    pub(super) fn number_from(&mut self, stream: u16, number: u32) {
        if let Some(stream) = self.stream_mut(stream) {
            stream.next = number;
        }
    }

    /// Takes note of a fragmented message's length.
    pub(super) fn note_length(&mut self, stream: u16, length: usize) {
        self.last_length = length;
        if let Some(stream) = self.stream_mut(stream) {
            stream.last_length = Some(length);
        }
    }

    /// The length of a stream's last fragmented message or, when it had none, of another's.
    pub(super) fn last_length(&self, stream: u16) -> usize {
        self.streams.get(stream).and_then(|stream| stream.last_length).unwrap_or(self.last_length)
    }

    /// A message is complete: delivers it, or lets it wait for its turn.
    pub(super) fn finish(
        &mut self,
        key: MessageKey,
        interleaved: bool,
        (ppid, data): (u32, Bytes),
        deliver: &mut impl FnMut(Message),
    ) {
        if key.unordered {
            deliver(Message { stream: key.stream, ppid, unordered: true, data });
            return;
        }
        let Some(stream) = self.stream_mut(key.stream) else { return };
        let distance = distance(key.id, stream.next, interleaved);
        if distance == 0 {
            stream.advance(interleaved);
            deliver(Message { stream: key.stream, ppid, unordered: false, data });
            if !stream.finished.is_empty() {
                let freed = stream.drain(key.stream, interleaved, deliver);
                self.bytes = self.bytes.saturating_sub(freed);
            }
        } else if distance > 0 {
            let charge = charge(&data);
            if stream.finished.insert(stream.base.saturating_add_signed(distance), (ppid, data)).is_none() {
                self.bytes = self.bytes.saturating_add(charge);
            }
        }
    }

    /// The peer gave up messages up to this one: delivers what is complete of them and goes on behind.
    pub(super) fn skip(&mut self, skipped: &Skipped, interleaved: bool, deliver: &mut impl FnMut(Message)) {
        let Some(stream) = self.stream_mut(skipped.stream) else { return };
        let distance = distance(skipped.message_id, stream.next, interleaved);
        if distance < 0 {
            return;
        }
        let first_kept = stream.base.saturating_add_signed(distance).saturating_add(1);
        let kept = stream.finished.split_off(&first_kept);
        let finished = core::mem::replace(&mut stream.finished, kept);
        stream.base = first_kept;
        stream.next = following(skipped.message_id, interleaved);
        let mut freed = 0usize;
        for (ppid, data) in finished.into_values() {
            freed = freed.saturating_add(charge(&data));
            deliver(Message { stream: skipped.stream, ppid, unordered: false, data });
        }
        freed = freed.saturating_add(stream.drain(skipped.stream, interleaved, deliver));
        self.bytes = self.bytes.saturating_sub(freed);
    }

    /// Streams start over; an empty list means all of them.
    pub(super) fn reset(&mut self, streams: &[u16]) {
        if streams.is_empty() {
            self.bytes = 0;
            self.streams = StreamMap::default();
            return;
        }
        for stream in streams {
            let freed = self.streams.remove(*stream).map_or(0, |stream| stream.held());
            self.bytes = self.bytes.saturating_sub(freed);
        }
    }
}
