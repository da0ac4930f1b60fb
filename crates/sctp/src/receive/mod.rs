//! The receiving side: which TSNs arrived, what is acknowledged, and messages put together again.

mod reassembly;
mod tracker;
mod window;

use crate::num::{clamp32, low32};
use crate::wire::{DataChunk, DataHeader, ForwardTsn, GapBlock, Sack};
use crate::{Config, Event, Message};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::Bytes;
use reassembly::Reassembly;
pub(crate) use reassembly::Violation;
use sendrecv_core::{Instant, PacketBuf};
use tracker::{Arrival, Tracker};
use window::Window;

/// How many packets with data are answered by one SACK.
const PACKETS_PER_SACK: u32 = 2;

/// The most runs one SACK tells of: what it told before, the peer remembers.
const MAX_GAP_BLOCKS: usize = 64;

/// What a chunk that is held back is charged beside its bytes.
const HELD_OVERHEAD: usize = 64;

/// When the next SACK leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SackState {
    Idle,
    /// With any packet before, or alone at this time.
    Delayed(Instant),
    Due,
}

/// The receiving side of an association.
#[derive(Clone, Debug)]
pub(crate) struct Receiver {
    tracker: Tracker,
    reassembly: Reassembly,
    window: Window,
    /// Chunks whose streams are about to start over, with what they are charged in all.
    held_back: Vec<(u64, DataHeader, Bytes)>,
    held_bytes: usize,
    sack: SackState,
    packets_since_sack: u32,
    /// The present packet contained data, and asked for an answer at once.
    packet_has_data: bool,
    packet_is_urgent: bool,
    any_received: bool,
    pub(crate) duplicates: u64,
    pub(crate) sacks_sent: u64,
}

impl Receiver {
    pub(crate) fn new(config: &Config, peer_initial_tsn: u32) -> Self {
        let first_tsn = (1u64 << 32).saturating_add(u64::from(peer_initial_tsn));
        Self {
            tracker: Tracker::new(first_tsn),
            reassembly: Reassembly::new(config.max_receive_message_size),
            window: Window::new(config.receive_buffer),
            held_back: Vec::new(),
            held_bytes: 0,
            sack: SackState::Idle,
            packets_since_sack: 0,
            packet_has_data: false,
            packet_is_urgent: false,
            any_received: false,
            duplicates: 0,
            sacks_sent: 0,
        }
    }

    #[cfg(test)]
    pub(crate) fn number_from(&mut self, stream: u16, number: u32) {
        self.reassembly.number_from(stream, number);
    }

    /// The window we would advertise in an INIT.
    pub(crate) fn initial_window(config: &Config) -> u32 {
        clamp32(Window::new(config.receive_buffer).limit())
    }

    /// Takes a DATA or I-DATA chunk, unless it came before or there is no room; finished messages go to `events`.
    pub(crate) fn on_data(
        &mut self,
        chunk: &DataChunk<'_>,
        events: &mut VecDeque<Event>,
    ) -> Result<(), Violation> {
        if let Some(tsn) = self.admit(chunk) {
            self.assemble(tsn, chunk, events)?;
            self.note_arrival(tsn);
        }
        Ok(())
    }

    /// Takes a chunk that is acknowledged and not looked at.
    pub(crate) fn on_useless_data(&mut self, chunk: &DataChunk<'_>) {
        if let Some(tsn) = self.admit(chunk) {
            self.note_arrival(tsn);
        }
    }

    /// Takes a chunk that is acknowledged, and not looked at before [`release`](Self::release).
    pub(crate) fn hold_back(&mut self, chunk: &DataChunk<'_>) {
        if let Some(tsn) = self.admit(chunk) {
            self.held_bytes =
                self.held_bytes.saturating_add(chunk.payload.len()).saturating_add(HELD_OVERHEAD);
            self.held_back.push((tsn, chunk.header, Bytes::copy_from_slice(chunk.payload)));
            self.note_arrival(tsn);
        }
    }

    /// Looks at what was held back.
    pub(crate) fn release(&mut self, events: &mut VecDeque<Event>) -> Result<(), Violation> {
        self.held_bytes = 0;
        for (tsn, header, payload) in core::mem::take(&mut self.held_back) {
            self.assemble(tsn, &DataChunk { header, payload: &payload }, events)?;
        }
        self.reassembly.cumulative_advanced(self.tracker.cumulative());
        Ok(())
    }

    /// The TSN of a chunk that is new, and for which there is room.
    fn admit(&mut self, chunk: &DataChunk<'_>) -> Option<u64> {
        self.packet_has_data = true;
        self.packet_is_urgent |= chunk.header.immediate || !self.any_received;
        let tsn = self.tracker.extend(chunk.header.tsn);
        match self.tracker.judge(tsn) {
            Arrival::Duplicate => {
                self.duplicates = self.duplicates.saturating_add(1);
                self.packet_is_urgent = true;
                self.tracker.note_duplicate(chunk.header.tsn);
                return None;
            }
            Arrival::OutOfRange => return None,
            Arrival::New => {}
        }
        if !self.has_room(tsn, chunk) {
            self.packet_is_urgent = true;
            return None;
        }
        self.any_received = true;
        Some(tsn)
    }

    fn assemble(
        &mut self,
        tsn: u64,
        chunk: &DataChunk<'_>,
        events: &mut VecDeque<Event>,
    ) -> Result<(), Violation> {
        let before = events.len();
        let held = &mut self.window;
        self.reassembly.add(tsn, chunk, &mut |message: Message| {
            held.deliver(message.data.len());
            events.push_back(Event::Message(message));
        })?;
        debug_assert!(events.len() >= before, "delivering only adds events");
        Ok(())
    }

    fn note_arrival(&mut self, tsn: u64) {
        if self.tracker.add(tsn) {
            self.reassembly.cumulative_advanced(self.tracker.cumulative());
        }
        self.packet_is_urgent |= self.tracker.has_gaps();
    }

    /// Bytes of what cannot be delivered yet. Of a long message of which `growing` bytes are here, no more than half a buffer
    /// counts: there would never be room for the end of one that is longer than the buffer.
    const fn held_beside(&self, growing: usize) -> usize {
        let held = self.reassembly.bytes().saturating_add(self.held_bytes);
        held.saturating_sub(self.window.excess(growing))
    }

    /// The same, when the message that grew last goes on.
    fn held(&self) -> usize {
        self.held_beside(self.reassembly.growing())
    }

    /// Whether a chunk may be kept. What fills a gap may use the slack beyond the window, so that a full buffer can
    /// drain.
    fn has_room(&self, tsn: u64, chunk: &DataChunk<'_>) -> bool {
        let fills_gap = tsn <= self.tracker.highest() || tsn == self.tracker.cumulative().saturating_add(1);
        let fits = |held| self.window.has_room(held, chunk.payload.len(), fills_gap);
        fits(self.held()) || fits(self.held_beside(self.reassembly.len_before(tsn, &chunk.header)))
    }

    /// Takes a FORWARD-TSN or I-FORWARD-TSN.
    pub(crate) fn on_forward(&mut self, forward: &ForwardTsn<'_>, events: &mut VecDeque<Event>) {
        self.packet_has_data = true;
        self.packet_is_urgent = true;
        let tsn = self.tracker.extend(forward.cumulative_tsn);
        if !self.tracker.forward(tsn) {
            return;
        }
        let window = &mut self.window;
        let mut deliver = |message: Message| {
            window.deliver(message.data.len());
            events.push_back(Event::Message(message));
        };
        for skipped in forward.skipped() {
            self.reassembly.skip(&skipped, forward.interleaved, &mut deliver);
        }
        self.reassembly.forward(tsn, forward.interleaved);
        self.reassembly.cumulative_advanced(self.tracker.cumulative());
    }

    /// A packet's chunks were all taken: decides about its acknowledgement. True when there was data.
    pub(crate) fn end_packet(&mut self, now: Instant, delay: core::time::Duration) -> bool {
        if !core::mem::take(&mut self.packet_has_data) {
            return false;
        }
        self.packets_since_sack = self.packets_since_sack.saturating_add(1);
        if core::mem::take(&mut self.packet_is_urgent) || self.packets_since_sack >= PACKETS_PER_SACK {
            self.sack = SackState::Due;
        } else if self.sack == SackState::Idle {
            self.sack = SackState::Delayed(now + delay);
        }
        true
    }

    /// The application took a message of `len` bytes.
    pub(crate) fn on_taken(&mut self, len: usize) {
        self.window.take(len);
        if self.any_received && self.window.worth_announcing(self.held()) {
            self.sack = SackState::Due;
        }
    }

    /// The peer reset its sending side of these streams; an empty list means all.
    pub(crate) fn reset_streams(&mut self, streams: &[u16]) {
        self.reassembly.reset_streams(streams);
    }

    /// Everything up to this TSN has arrived.
    pub(crate) const fn cumulative_tsn(&self) -> u32 {
        low32(self.tracker.cumulative())
    }

    /// Whether everything up to `tsn` has arrived.
    pub(crate) fn has_all_to(&self, tsn: u32) -> bool {
        self.tracker.extend(tsn) <= self.tracker.cumulative()
    }

    /// The window as it would be advertised now.
    pub(crate) fn advertised_window(&self) -> usize {
        self.window.available(self.held())
    }

    pub(crate) const fn sack_deadline(&self) -> Option<Instant> {
        match self.sack {
            SackState::Delayed(at) => Some(at),
            SackState::Idle | SackState::Due => None,
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.sack_deadline().is_some_and(|at| at <= now) {
            self.sack = SackState::Due;
        }
    }

    /// Whether a SACK must leave, in a packet of its own if need be.
    pub(crate) fn sack_due(&self) -> bool {
        self.sack == SackState::Due
    }

    /// Whether a SACK may ride along with something else.
    pub(crate) fn sack_wanted(&self) -> bool {
        self.sack != SackState::Idle
    }

    /// Writes a SACK, with as many gap blocks as fit.
    pub(crate) fn write_sack(&mut self, out: &mut PacketBuf<'_>) -> bool {
        let room = out.space().saturating_sub(Sack::wire_len(0, 0)) / 4;
        let gaps = self.tracker.gap_count().min(room).min(MAX_GAP_BLOCKS);
        let a_rwnd = self.window.announce(self.held());
        let blocks = self.tracker.gaps(gaps).map(|(start, end)| GapBlock { start, end });
        let duplicates = self.tracker.duplicates();
        let duplicates =
            duplicates.get(..duplicates.len().min(room.saturating_sub(gaps))).unwrap_or_default();
        if Sack::write(self.cumulative_tsn(), clamp32(a_rwnd), blocks, duplicates, out).is_err() {
            return false;
        }
        self.tracker.clear_duplicates();
        self.sack = SackState::Idle;
        self.packets_since_sack = 0;
        self.sacks_sent = self.sacks_sent.saturating_add(1);
        true
    }

    /// The association is over: nothing is acknowledged any more.
    pub(crate) fn close(&mut self) {
        self.sack = SackState::Idle;
        self.any_received = false;
    }
}
