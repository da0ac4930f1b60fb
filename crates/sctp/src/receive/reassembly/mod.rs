//! Putting messages together (RFC 9260, section 6.9; RFC 8260, section 2.2), and in order (section 6.6).
//!
//! A fragment that continues a message whose beginning is here is appended to it; other fragments wait, by TSN (DATA)
//! or by fragment number within their message (I-DATA), until the one before them comes. So each fragment is moved at
//! most once, whatever the order of arrival, and a message in order costs one growing buffer.

mod data;
mod interleaved;
mod order;

use crate::Message;
use crate::wire::{DataChunk, DataHeader, Skipped};
use alloc::vec::Vec;
use bytes::Bytes;
use data::DataAssemblies;
use interleaved::InterleavedAssemblies;
use order::Streams;

/// What an entry is charged beside its bytes, so that many small ones cannot take much memory.
const OVERHEAD: usize = 64;
/// The most that is set aside for a message before its bytes are there.
const MAX_ESTIMATE: usize = 256 << 10;
/// What is set aside for all unfinished messages, about: a peer may only begin messages.
const MAX_SET_ASIDE: usize = 1 << 20;
/// With more unfinished messages than this nothing is set aside.
const MAX_ESTIMATED: usize = 16;

/// The peer broke the protocol; the text says how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Violation(pub(crate) &'static str);

/// Which message a fragment belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct MessageKey {
    stream: u16,
    unordered: bool,
    /// SSN (16 bits) or MID.
    id: u32,
}

impl MessageKey {
    const fn of(header: &DataHeader) -> Self {
        Self { stream: header.stream, unordered: header.unordered, id: header.message_id }
    }
}

/// A message with all its fragments.
#[derive(Clone, Debug)]
struct Whole {
    key: MessageKey,
    ppid: u32,
    data: Vec<u8>,
}

/// A fragment that waits for the one before it.
#[derive(Clone, Debug)]
struct Waiting {
    ending: bool,
    data: Bytes,
}

/// Bytes held of unfinished messages, and how long one may become.
#[derive(Clone, Copy, Debug)]
struct Budget {
    held: usize,
    max_message: usize,
}

impl Budget {
    /// Charges for an entry of `len` bytes.
    const fn charge(&mut self, len: usize) {
        self.held = self.held.saturating_add(len).saturating_add(OVERHEAD);
    }

    /// Takes back what [`charge`](Self::charge) and [`append`](Self::append) charged for an entry.
    const fn release(&mut self, len: usize) {
        self.held = self.held.saturating_sub(len).saturating_sub(OVERHEAD);
    }

    /// Appends a fragment's bytes to its message, and charges for them.
    fn append(&mut self, data: &mut Vec<u8>, payload: &[u8]) -> Result<(), Violation> {
        if data.len().saturating_add(payload.len()) > self.max_message {
            return Err(Violation("message too long"));
        }
        self.held = self.held.saturating_add(payload.len());
        data.extend_from_slice(payload);
        Ok(())
    }
}

/// Every unfinished or undeliverable message.
#[derive(Clone, Debug)]
pub(crate) struct Reassembly {
    streams: Streams,
    data: DataAssemblies,
    interleaved: InterleavedAssemblies,
    budget: Budget,
}

impl Reassembly {
    pub(crate) fn new(max_message: usize) -> Self {
        Self {
            streams: Streams::default(),
            data: DataAssemblies::default(),
            interleaved: InterleavedAssemblies::default(),
            budget: Budget { held: 0, max_message },
        }
    }

    #[cfg(test)]
    pub(crate) fn number_from(&mut self, stream: u16, number: u32) {
        self.streams.number_from(stream, number);
    }

    /// Bytes held, with an overhead for each entry.
    pub(crate) const fn bytes(&self) -> usize {
        self.budget.held.saturating_add(self.streams.bytes())
    }

    /// Bytes of the message that grew last, if it is unfinished.
    pub(crate) fn growing(&self) -> usize {
        self.data.growing().max(self.interleaved.growing())
    }

    /// Bytes that are here of the message that a fragment continues.
    pub(crate) fn len_before(&self, tsn: u64, header: &DataHeader) -> usize {
        if header.interleaved {
            self.interleaved.len_of(MessageKey::of(header))
        } else {
            self.data.len_before(tsn)
        }
    }

    /// Takes a new fragment and hands finished messages whose turn it is to `deliver`.
    pub(crate) fn add(
        &mut self,
        tsn: u64,
        chunk: &DataChunk<'_>,
        deliver: &mut impl FnMut(Message),
    ) -> Result<(), Violation> {
        let header = &chunk.header;
        if header.beginning && header.ending {
            if chunk.payload.len() > self.budget.max_message {
                return Err(Violation("message too long"));
            }
            let data = Bytes::copy_from_slice(chunk.payload);
            self.streams.finish(MessageKey::of(header), header.interleaved, (header.ppid, data), deliver);
            return Ok(());
        }
        let estimate = if header.beginning { self.estimate(header.stream) } else { 0 };
        let whole = if header.interleaved {
            self.interleaved.add(chunk, estimate, &mut self.budget)?
        } else {
            self.data.add(tsn, chunk, estimate, &mut self.budget)?
        };
        if let Some(Whole { key, ppid, data }) = whole {
            self.streams.note_length(key.stream, data.len());
            self.streams.finish(key, header.interleaved, (ppid, into_bytes(data)), deliver);
        }
        Ok(())
    }

    /// How much to set aside for a stream's next message: as much as the last one took, and the less the more are open.
    fn estimate(&self, stream: u16) -> usize {
        let open = self.data.len().saturating_add(self.interleaved.len()).saturating_add(1);
        if open > MAX_ESTIMATED {
            return 0;
        }
        self.streams.last_length(stream).min(MAX_ESTIMATE).min(MAX_SET_ASIDE / open)
    }

    /// The peer gave up a stream's messages up to this one: delivers what is complete of them and goes on behind.
    pub(crate) fn skip(&mut self, skipped: &Skipped, interleaved: bool, deliver: &mut impl FnMut(Message)) {
        if interleaved {
            self.interleaved.skip(skipped, &mut self.budget);
        }
        if !skipped.unordered {
            self.streams.skip(skipped, interleaved, deliver);
        }
    }

    /// The peer gave up everything up to `tsn`: DATA messages with a fragment there will not be finished.
    pub(crate) fn forward(&mut self, tsn: u64, interleaved: bool) {
        if !interleaved {
            self.data.forward(tsn, &mut self.budget);
        }
    }

    /// Everything up to `cumulative` arrived: a fragment below it that still waits has no beginning.
    pub(crate) fn cumulative_advanced(&mut self, cumulative: u64) {
        self.data.drop_waiting(cumulative, &mut self.budget);
    }

    /// Streams start over; an empty list means all of them.
    pub(crate) fn reset_streams(&mut self, streams: &[u16]) {
        self.interleaved.reset(streams, &mut self.budget);
        self.streams.reset(streams);
    }
}

/// A vector as `Bytes`, which keeps its spare room: too much of that is given back.
fn into_bytes(mut data: Vec<u8>) -> Bytes {
    if data.capacity() > data.len().saturating_add(data.len() / 2) {
        data.shrink_to_fit();
    }
    Bytes::from(data)
}
