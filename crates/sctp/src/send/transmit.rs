//! What leaves in the next packet: first what is lost, then what is new, as far as windows and pacing let it.

use super::Sender;
use super::fragment::{Fragment, FragmentState};
use super::outgoing::OutMessage;
use super::queue::NewFragment;
use crate::num::{clamp16, low32, size};
use crate::wire::{DataHeader, HEADER_LEN};
use sendrecv_core::{Instant, NoSpace, PacketBuf};

/// The least payload cut off a long message to fill a packet up.
const MIN_FRAGMENT: usize = 200;

impl Sender {
    /// Writes a FORWARD-TSN, if one is due.
    pub(crate) fn write_forward(&mut self, now: Instant, out: &mut PacketBuf<'_>) {
        if self.forward.is_due() && self.forward.write(now, self.interleaving, out) {
            self.recovery.arm(now, &self.flight, &self.rtt);
        }
    }

    /// Whether a window keeps the next packet back; sets the pacing deadline if that is why.
    fn is_blocked(&mut self, now: Instant) -> bool {
        self.release_at = None;
        if core::mem::take(&mut self.probe_due) {
            return false;
        }
        // After a timeout one packet is in flight until something is acknowledged, however short it is.
        let timed_out = self.errors > 0 && self.flight.bytes() > 0;
        if timed_out || self.flight.bytes() >= self.congestion.window() {
            self.window_limited = true;
            return true;
        }
        let rate = self.congestion.pacing_rate(self.rtt.smoothed().unwrap_or_default());
        if !self.pacer.may_send(now, rate, self.packet_size) {
            self.release_at = self.pacer.release_at(rate, self.packet_size);
            self.window_limited = true;
            return true;
        }
        false
    }

    /// Tells the congestion control that nothing left for so long that what it knows of the path is old (RFC 9260,
    /// section 7.2.1).
    fn note_idle(&mut self, now: Instant) {
        let idle = now.saturating_since(self.sent_at);
        if self.flight.bytes() > 0 || idle < self.rtt.rto() {
            return;
        }
        let timeouts = idle.as_nanos() / self.rtt.rto().as_nanos().max(1);
        self.congestion.on_idle(u32::try_from(timeouts).unwrap_or(u32::MAX));
        self.sent_at = now;
    }

    /// Whether something is to be sent, and the congestion window lets it.
    pub(crate) fn wants_to_send(&self) -> bool {
        (self.flight.has_lost() || self.queue.has_data()) && self.flight.bytes() < self.congestion.window()
    }

    /// The longest that the next packet may be. What is sent again takes packets of the base, so that it arrives though
    /// larger ones do not any more; or longer ones, when the base became smaller since: a fragment with a TSN cannot be cut
    /// again.
    pub(crate) fn next_packet_len(&mut self) -> usize {
        match self.retransmission_len() {
            0 => self.packet_size,
            needed => self.base_size.max(needed),
        }
    }

    /// The packet length that the next retransmission needs; 0 if there is none.
    fn retransmission_len(&mut self) -> usize {
        if !self.flight.has_lost() {
            return 0;
        }
        self.flight
            .next_lost()
            .map_or(0, |(_, fragment)| usize::from(fragment.wire).saturating_add(HEADER_LEN))
    }

    /// Whether the next packet may be held to `len` bytes, as another one of a batch: nothing that must leave is longer.
    pub(crate) fn may_batch(&mut self, len: usize) -> bool {
        !self.probe_due && self.retransmission_len() <= len
    }

    /// Fills the packet with chunks that may leave now; returns how many. `batched`: the packet is shorter than it could
    /// be only to be as long as others, and no message is cut for that.
    pub(crate) fn write_data(&mut self, now: Instant, batched: bool, out: &mut PacketBuf<'_>) -> usize {
        let probing = self.probe_due;
        if !self.flight.has_lost() && !self.queue.has_data() && !probing {
            self.release_at = None;
            self.window_limited = false;
            return 0;
        }
        self.note_idle(now);
        if self.is_blocked(now) {
            return 0;
        }
        let start = out.len();
        let mut chunks = self.write_lost(now, out, probing);
        chunks = chunks.saturating_add(self.write_new(now, out, (chunks == 0, batched)));
        if chunks == 0 && probing {
            chunks = self.write_tail(now, out);
        }
        if chunks > 0 {
            self.pacer.sent(out.len().saturating_sub(start));
            self.sent_at = now;
            self.recovery.arm(now, &self.flight, &self.rtt);
        } else if !self.queue.has_data() {
            self.window_limited = false;
        }
        chunks
    }

    fn write_lost(&mut self, now: Instant, out: &mut PacketBuf<'_>, probe: bool) -> usize {
        let mut chunks = 0usize;
        while let Some((tsn, fragment)) = self.flight.next_lost() {
            let key = fragment.message;
            let Some(message) = self.queue.message(key) else { break };
            if self.partial_reliability && (message.abandoned || now >= message.expires) {
                self.queue.abandon(key);
                self.flight.mark(tsn, FragmentState::Abandoned);
                continue;
            }
            if write_fragment(low32(tsn), fragment, message, (self.interleaving, probe), out).is_err() {
                break;
            }
            self.flight.retransmitted(now, tsn);
            self.retransmissions = self.retransmissions.saturating_add(1);
            chunks = chunks.saturating_add(1);
        }
        if !self.flight.has_lost() {
            self.advance_forward_point(now);
        }
        chunks
    }

    fn write_new(&mut self, now: Instant, out: &mut PacketBuf<'_>, (first, batched): (bool, bool)) -> usize {
        let header = DataHeader::len(self.interleaving);
        let full = self.base_size.saturating_sub(HEADER_LEN).saturating_sub(header) & !3;
        // Without the peer's support nothing expires: what was begun could never be skipped.
        let expiry = if self.partial_reliability { now } else { Instant::ZERO };
        let mut chunks = 0usize;
        loop {
            let space = (out.space().saturating_sub(header) & !3).min(full);
            if space == 0 || self.peer_window_closed(space) {
                return chunks;
            }
            let least = match (first && chunks == 0, batched) {
                (true, true) => full,
                (true, false) => 1,
                (false, _) => MIN_FRAGMENT,
            };
            let Some(cut) = self.queue.next_fragment(expiry, (space, least, full), self.interleaving) else {
                break;
            };
            self.send_new(now, cut, out);
            chunks = chunks.saturating_add(1);
        }
        self.advance_forward_point(now);
        if !self.queue.has_data() {
            self.flight.mark_app_limited();
            self.window_limited = self.flight.bytes() >= self.congestion.window();
        }
        chunks
    }

    /// Whether the peer's window has no room. With nothing in flight one packet may leave all the same: it probes
    /// whether the window opened (RFC 9260, section 6.1, rule A).
    fn peer_window_closed(&self, wanted: usize) -> bool {
        let in_flight = self.flight.bytes();
        in_flight > 0 && self.peer_window.saturating_sub(in_flight) < wanted.min(self.packet_size / 2)
    }

    fn send_new(&mut self, now: Instant, cut: NewFragment, out: &mut PacketBuf<'_>) {
        let wire = clamp16(DataHeader::wire_len(self.interleaving, cut.len));
        let mut fragment = Fragment::new(cut.message, cut.offset, cut.index, (clamp16(cut.len), wire));
        (fragment.beginning, fragment.ending) = (cut.beginning, cut.ending);
        fragment.beyond_base = out.len().saturating_add(usize::from(wire)) > self.base_size;
        self.end_cut_short();
        let tsn = low32(self.flight.next_tsn());
        // The last packet a full window lets out asks for an answer at once (RFC 7053).
        let last = self.flight.bytes().saturating_add(usize::from(wire)) >= self.congestion.window();
        // Before the payload is copied: the processor would have to finish that before it could move the record.
        self.flight.push(now, fragment);
        self.data_chunks_sent = self.data_chunks_sent.saturating_add(1);
        if let Some(message) = self.queue.message(cut.message) {
            let written = write_fragment(tsn, &fragment, message, (self.interleaving, last), out);
            debug_assert!(written.is_ok(), "a fragment was cut to the space there is");
        }
    }

    /// A tail loss probe without new data repeats the newest fragment.
    fn write_tail(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> usize {
        let tail = self.flight.next_tsn().saturating_sub(1);
        if self.flight.back().is_some_and(|fragment| fragment.state == FragmentState::InFlight) {
            self.flight.mark(tail, FragmentState::Lost);
            let chunks = self.write_lost(now, out, true);
            self.flight.mark_probe(tail);
            return chunks;
        }
        0
    }
}

fn write_fragment(
    tsn: u32,
    fragment: &Fragment,
    message: &OutMessage,
    (interleaved, immediate): (bool, bool),
    out: &mut PacketBuf<'_>,
) -> Result<(), NoSpace> {
    if out.space() < usize::from(fragment.wire) {
        return Err(NoSpace);
    }
    let header = DataHeader {
        interleaved,
        immediate,
        unordered: message.unordered,
        beginning: fragment.beginning,
        ending: fragment.ending,
        tsn,
        stream: message.stream,
        message_id: message.id,
        ppid: message.ppid,
        fragment: fragment.index,
    };
    let start = size(fragment.offset);
    let payload =
        message.data.get(start..start.saturating_add(usize::from(fragment.len))).unwrap_or_default();
    header.write(payload, out)
}
