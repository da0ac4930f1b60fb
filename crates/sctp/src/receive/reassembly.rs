//! Putting messages together (RFC 9260, section 6.9; RFC 8260, section 2.2).
//!
//! A fragment that continues a message whose beginning is here is appended to it; other fragments wait, by TSN (DATA)
//! or by fragment number within their message (I-DATA), until the one before them comes. So each fragment is moved at
//! most once, whatever the order of arrival, and a message in order costs one growing buffer.

use crate::Message;
use crate::num::low16;
use crate::table::StreamMap;
use crate::wire::{DataChunk, DataHeader, Skipped};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use bytes::Bytes;

/// What an entry is charged beside its bytes, so that many small ones cannot take much memory.
const OVERHEAD: usize = 64;
/// The most that is set aside for a message before its bytes are there.
const MAX_ESTIMATE: usize = 256 << 10;
/// With more unfinished messages than this nothing is set aside: a peer may only begin messages.
const MAX_ESTIMATED: usize = 16;

/// The peer broke the protocol; the text says how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Violation(pub(crate) &'static str);

/// A message of which everything up to some fragment is here.
#[derive(Clone, Debug)]
struct Assembly {
    stream: u16,
    unordered: bool,
    message_id: u32,
    ppid: u32,
    /// The first fragment's TSN (DATA only).
    first: u64,
    data: Vec<u8>,
}

/// A fragment that waits for the one before it.
#[derive(Clone, Debug)]
struct Waiting {
    ending: bool,
    data: Bytes,
}

/// A fragment of a message that may interleave, before its message's assembly.
#[derive(Clone, Debug, Default)]
struct Interleaved {
    next: u32,
    ppid: u32,
    data: Vec<u8>,
    waiting: BTreeMap<u32, Waiting>,
}

/// Stream, whether unordered, and message identifier.
type MessageKey = (u16, bool, u32);

/// The receiving side of a stream.
#[derive(Clone, Debug, Default)]
struct ReceiveStream {
    /// The ordered message that is delivered next: SSN (16 bits) or MID.
    next: u32,
    /// Finished ordered messages that wait for earlier ones, by their distance from `base`.
    finished: BTreeMap<u64, (u32, Bytes)>,
    /// `next`, extended.
    base: u64,
    /// The length of the last fragmented message: an estimate for the next.
    last_len: usize,
}

/// Where a DATA fragment waits.
#[derive(Clone, Debug)]
struct WaitingData {
    stream: u16,
    unordered: bool,
    message_id: u32,
    waiting: Waiting,
}

/// Every unfinished or undeliverable message.
#[derive(Clone, Debug)]
pub(crate) struct Reassembly {
    streams: StreamMap<ReceiveStream>,
    /// The assembly that grew last, under the TSN it needs next. Without loss it is the only one.
    current: Option<(u64, Assembly)>,
    /// Other assemblies, under the TSN each needs next.
    assemblies: BTreeMap<u64, Assembly>,
    waiting: BTreeMap<u64, WaitingData>,
    interleaved: BTreeMap<MessageKey, Interleaved>,
    /// The message that may interleave and grew last: where fragments come in runs, it is not looked up again.
    recent: Option<(MessageKey, Interleaved)>,
    bytes: usize,
    max_message: usize,
}

impl Reassembly {
    pub(crate) fn new(max_message: usize) -> Self {
        Self {
            streams: StreamMap::default(),
            current: None,
            assemblies: BTreeMap::new(),
            waiting: BTreeMap::new(),
            interleaved: BTreeMap::new(),
            recent: None,
            bytes: 0,
            max_message,
        }
    }

    /// Bytes held, with an overhead for each entry.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
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
            if chunk.payload.len() > self.max_message {
                return Err(Violation("message too long"));
            }
            self.finish(header, header.ppid, Bytes::copy_from_slice(chunk.payload), deliver);
            return Ok(());
        }
        if header.interleaved {
            return self.add_interleaved(chunk, deliver);
        }
        self.add_data(tsn, chunk, deliver)
    }

    fn add_data(
        &mut self,
        tsn: u64,
        chunk: &DataChunk<'_>,
        deliver: &mut impl FnMut(Message),
    ) -> Result<(), Violation> {
        let header = &chunk.header;
        if header.beginning {
            self.park_current();
            let mut assembly = self.begin(tsn, header);
            self.append(&mut assembly.data, chunk.payload)?;
            self.bytes = self.bytes.saturating_add(OVERHEAD);
            return self.grow(tsn, assembly, false, deliver);
        }
        let Some(mut assembly) = self.take_assembly(tsn) else {
            self.bytes = self.bytes.saturating_add(chunk.payload.len()).saturating_add(OVERHEAD);
            let waiting = Waiting { ending: header.ending, data: Bytes::copy_from_slice(chunk.payload) };
            let (stream, unordered, message_id) = (header.stream, header.unordered, header.message_id);
            self.waiting.insert(tsn, WaitingData { stream, unordered, message_id, waiting });
            return Ok(());
        };
        if !belongs(&assembly, header.stream, header.unordered, header.message_id) {
            return Err(Violation("fragments of different messages follow each other"));
        }
        self.append(&mut assembly.data, chunk.payload)?;
        self.grow(tsn, assembly, header.ending, deliver)
    }

    fn begin(&self, tsn: u64, header: &DataHeader) -> Assembly {
        let estimate = self.estimate(header.stream);
        Assembly {
            stream: header.stream,
            unordered: header.unordered,
            message_id: header.message_id,
            ppid: header.ppid,
            first: tsn,
            data: Vec::with_capacity(estimate),
        }
    }

    /// How much to set aside for a stream's next message: as much as its last one took, while few are open.
    fn estimate(&self, stream: u16) -> usize {
        if self.assemblies.len().saturating_add(self.interleaved.len()) > MAX_ESTIMATED {
            return 0;
        }
        self.streams.get(stream).map_or(0, |stream| stream.last_len.min(MAX_ESTIMATE))
    }

    fn park_current(&mut self) {
        if let Some((next, assembly)) = self.current.take() {
            self.assemblies.insert(next, assembly);
        }
    }

    /// The assembly that needs this TSN next.
    fn take_assembly(&mut self, tsn: u64) -> Option<Assembly> {
        if let Some((_, assembly)) = self.current.take_if(|(next, _)| *next == tsn) {
            return Some(assembly);
        }
        let assembly = self.assemblies.remove(&tsn)?;
        self.park_current();
        Some(assembly)
    }

    fn append(&mut self, data: &mut Vec<u8>, payload: &[u8]) -> Result<(), Violation> {
        if data.len().saturating_add(payload.len()) > self.max_message {
            return Err(Violation("message too long"));
        }
        data.extend_from_slice(payload);
        self.bytes = self.bytes.saturating_add(payload.len());
        Ok(())
    }

    /// The assembly has everything up to `tsn`; lets it take what waited for that.
    fn grow(
        &mut self,
        mut tsn: u64,
        mut assembly: Assembly,
        mut ended: bool,
        deliver: &mut impl FnMut(Message),
    ) -> Result<(), Violation> {
        while !ended && !self.waiting.is_empty() {
            let Some(waiting) = self.waiting.remove(&tsn.saturating_add(1)) else { break };
            let WaitingData { stream, unordered, message_id, waiting } = waiting;
            self.bytes = self.bytes.saturating_sub(waiting.data.len()).saturating_sub(OVERHEAD);
            if !belongs(&assembly, stream, unordered, message_id) {
                return Err(Violation("fragments of different messages follow each other"));
            }
            self.append(&mut assembly.data, &waiting.data)?;
            tsn = tsn.saturating_add(1);
            ended = waiting.ending;
        }
        if ended {
            self.finish_assembly(assembly, deliver);
        } else {
            self.current = Some((tsn.saturating_add(1), assembly));
        }
        Ok(())
    }

    fn finish_assembly(&mut self, assembly: Assembly, deliver: &mut impl FnMut(Message)) {
        let Assembly { stream, unordered, message_id, ppid, data, .. } = assembly;
        self.bytes = self.bytes.saturating_sub(data.len()).saturating_sub(OVERHEAD);
        let header = header_of(stream, unordered, message_id, false);
        self.finish_fragmented(&header, ppid, data, deliver);
    }

    fn finish_fragmented(
        &mut self,
        header: &DataHeader,
        ppid: u32,
        data: Vec<u8>,
        deliver: &mut impl FnMut(Message),
    ) {
        if let Some(stream) = self.stream_mut(header.stream) {
            stream.last_len = data.len();
        }
        self.finish(header, ppid, into_bytes(data), deliver);
    }

    fn add_interleaved(
        &mut self,
        chunk: &DataChunk<'_>,
        deliver: &mut impl FnMut(Message),
    ) -> Result<(), Violation> {
        let header = &chunk.header;
        let key = (header.stream, header.unordered, header.message_id);
        let mut entry = self.take_interleaved(key);
        if header.beginning {
            entry.data.reserve_exact(self.estimate(header.stream).max(chunk.payload.len()));
            entry.ppid = header.ppid;
        }
        if header.fragment != entry.next || entry.next == 0 && !header.beginning {
            self.bytes = self.bytes.saturating_add(chunk.payload.len()).saturating_add(OVERHEAD);
            let data = Bytes::copy_from_slice(chunk.payload);
            let waiting = Waiting { ending: header.ending, data };
            if entry.waiting.insert(header.fragment, waiting).is_some() {
                return Err(Violation("a fragment number was used twice"));
            }
            self.recent = Some((key, entry));
            return Ok(());
        }
        self.append(&mut entry.data, chunk.payload)?;
        entry.next = entry.next.wrapping_add(1);
        let ended = self.grow_interleaved(&mut entry, header.ending)?;
        if !ended {
            self.recent = Some((key, entry));
            return Ok(());
        }
        self.forget(&entry);
        self.finish_fragmented(header, entry.ppid, entry.data, deliver);
        Ok(())
    }

    /// The message with this key, begun now if need be. The one that grew last makes room in its place.
    fn take_interleaved(&mut self, key: MessageKey) -> Interleaved {
        if let Some((other, entry)) = self.recent.take() {
            if other == key {
                return entry;
            }
            self.interleaved.insert(other, entry);
        }
        self.interleaved.remove(&key).unwrap_or_else(|| {
            self.bytes = self.bytes.saturating_add(OVERHEAD);
            Interleaved::default()
        })
    }

    /// Lets a message take what waited; true when it is finished.
    fn grow_interleaved(&mut self, entry: &mut Interleaved, mut ended: bool) -> Result<bool, Violation> {
        while !ended {
            let Some(waiting) = entry.waiting.remove(&entry.next) else { break };
            self.bytes = self.bytes.saturating_sub(waiting.data.len()).saturating_sub(OVERHEAD);
            self.append(&mut entry.data, &waiting.data)?;
            entry.next = entry.next.wrapping_add(1);
            ended = waiting.ending;
        }
        Ok(ended)
    }

    /// Releases what an entry is charged.
    fn forget(&mut self, entry: &Interleaved) {
        let waiting: usize =
            entry.waiting.values().map(|waiting| waiting.data.len().saturating_add(OVERHEAD)).sum();
        let charge = entry.data.len().saturating_add(OVERHEAD).saturating_add(waiting);
        self.bytes = self.bytes.saturating_sub(charge);
    }

    fn stream_mut(&mut self, stream: u16) -> Option<&mut ReceiveStream> {
        let key = match self.streams.key(stream) {
            Some(key) => key,
            None => self.streams.insert(stream, ReceiveStream { base: 1 << 32, ..ReceiveStream::default() }),
        };
        self.streams.by_key_mut(key)
    }

    /// A message is complete: delivers it, or lets it wait for its turn.
    fn finish(&mut self, header: &DataHeader, ppid: u32, data: Bytes, deliver: &mut impl FnMut(Message)) {
        let id = header.stream;
        if header.unordered {
            deliver(Message { stream: id, ppid, unordered: true, data });
            return;
        }
        let Some(stream) = self.stream_mut(id) else { return };
        let distance = distance(header.message_id, stream.next, header.interleaved);
        if distance == 0 {
            advance(stream, header.interleaved);
            deliver(Message { stream: id, ppid, unordered: false, data });
            let freed = drain(id, stream, header.interleaved, deliver);
            self.bytes = self.bytes.saturating_sub(freed);
        } else if distance > 0 {
            let charge = data.len().saturating_add(OVERHEAD);
            if stream.finished.insert(stream.base.saturating_add_signed(distance), (ppid, data)).is_none() {
                self.bytes = self.bytes.saturating_add(charge);
            }
        }
    }

    /// The peer gave up a stream's messages up to this one: delivers what is complete of them and goes on behind.
    pub(crate) fn skip(&mut self, skipped: &Skipped, interleaved: bool, deliver: &mut impl FnMut(Message)) {
        if interleaved {
            self.drop_interleaved(skipped);
        }
        if skipped.unordered {
            return;
        }
        let Some(stream) = self.stream_mut(skipped.stream) else { return };
        let distance = distance(skipped.message_id, stream.next, interleaved);
        if distance < 0 {
            return;
        }
        let first_kept = stream.base.saturating_add_signed(distance).saturating_add(1);
        let kept = stream.finished.split_off(&first_kept);
        let finished = core::mem::replace(&mut stream.finished, kept);
        stream.base = first_kept;
        stream.next = skipped.message_id.wrapping_add(1);
        if !interleaved {
            stream.next &= 0xffff;
        }
        let mut freed = 0usize;
        for (ppid, data) in finished.into_values() {
            freed = freed.saturating_add(data.len()).saturating_add(OVERHEAD);
            deliver(Message { stream: skipped.stream, ppid, unordered: false, data });
        }
        freed = freed.saturating_add(drain(skipped.stream, stream, interleaved, deliver));
        self.bytes = self.bytes.saturating_sub(freed);
    }

    /// Drops a stream's unfinished messages up to the skipped one.
    fn drop_interleaved(&mut self, skipped: &Skipped) {
        self.interleaved.extend(self.recent.take());
        let of_stream =
            (skipped.stream, skipped.unordered, 0)..=(skipped.stream, skipped.unordered, u32::MAX);
        let dead: Vec<_> = self
            .interleaved
            .range(of_stream)
            .filter(|((_, _, id), _)| distance(*id, skipped.message_id, true) <= 0)
            .map(|(key, _)| *key)
            .collect();
        for key in dead {
            if let Some(entry) = self.interleaved.remove(&key) {
                self.forget(&entry);
            }
        }
    }

    /// The peer gave up everything up to `tsn`: DATA messages with a fragment there will not be finished.
    pub(crate) fn forward(&mut self, tsn: u64, interleaved: bool) {
        if interleaved {
            return;
        }
        self.park_current();
        // Assemblies do not overlap: beside those that end by `tsn`, one at most begins there and goes on behind.
        let kept = self.assemblies.split_off(&tsn.saturating_add(2));
        let mut dead: Vec<_> = core::mem::replace(&mut self.assemblies, kept).into_values().collect();
        if let Some(entry) = self.assemblies.first_entry().filter(|entry| entry.get().first <= tsn) {
            dead.push(entry.remove());
        }
        for assembly in dead {
            self.bytes = self.bytes.saturating_sub(assembly.data.len()).saturating_sub(OVERHEAD);
        }
        self.drop_waiting(tsn);
    }

    /// Everything up to `cumulative` arrived: a fragment below it that still waits has no beginning.
    pub(crate) fn cumulative_advanced(&mut self, cumulative: u64) {
        if !self.waiting.is_empty() {
            self.drop_waiting(cumulative);
        }
    }

    fn drop_waiting(&mut self, to: u64) {
        while let Some(entry) = self.waiting.first_entry() {
            if *entry.key() > to {
                break;
            }
            let dropped = entry.remove();
            self.bytes = self.bytes.saturating_sub(dropped.waiting.data.len()).saturating_sub(OVERHEAD);
        }
    }

    /// Streams start over; an empty list means all of them.
    pub(crate) fn reset_streams(&mut self, streams: &[u16]) {
        if streams.is_empty() {
            let freed: usize = self.streams.iter().map(|(_, stream)| held(stream)).sum();
            self.bytes = self.bytes.saturating_sub(freed);
            self.streams = StreamMap::default();
            return;
        }
        for stream in streams {
            let freed = self.streams.remove(*stream).as_ref().map_or(0, held);
            self.bytes = self.bytes.saturating_sub(freed);
        }
    }
}

/// A vector as `Bytes`, which keeps its spare room: too much of that is given back.
fn into_bytes(mut data: Vec<u8>) -> Bytes {
    if data.capacity() > data.len().saturating_add(data.len() / 2) {
        data.shrink_to_fit();
    }
    Bytes::from(data)
}

fn held(stream: &ReceiveStream) -> usize {
    stream.finished.values().map(|(_, data)| data.len().saturating_add(OVERHEAD)).sum()
}

fn belongs(assembly: &Assembly, stream: u16, unordered: bool, message_id: u32) -> bool {
    assembly.stream == stream
        && assembly.unordered == unordered
        && (unordered || assembly.message_id == message_id)
}

const fn header_of(stream: u16, unordered: bool, message_id: u32, interleaved: bool) -> DataHeader {
    DataHeader {
        interleaved,
        immediate: false,
        unordered,
        beginning: true,
        ending: true,
        tsn: 0,
        stream,
        message_id,
        ppid: 0,
        fragment: 0,
    }
}

/// How far `id` is ahead of `next`, in the arithmetic of SSNs (16 bits) or MIDs (32 bits).
fn distance(id: u32, next: u32, interleaved: bool) -> i64 {
    if interleaved {
        i64::from(id.wrapping_sub(next).cast_signed())
    } else {
        i64::from(low16(id).wrapping_sub(low16(next)).cast_signed())
    }
}

fn advance(stream: &mut ReceiveStream, interleaved: bool) {
    stream.base = stream.base.saturating_add(1);
    stream.next = stream.next.wrapping_add(1);
    if !interleaved {
        stream.next &= 0xffff;
    }
}

/// Delivers what waited for its turn and has it now; returns the bytes freed.
fn drain(id: u16, stream: &mut ReceiveStream, interleaved: bool, deliver: &mut impl FnMut(Message)) -> usize {
    let mut freed = 0usize;
    while let Some(entry) = stream.finished.first_entry() {
        if *entry.key() != stream.base {
            break;
        }
        let (ppid, data) = entry.remove();
        freed = freed.saturating_add(data.len()).saturating_add(OVERHEAD);
        advance(stream, interleaved);
        deliver(Message { stream: id, ppid, unordered: false, data });
    }
    freed
}
