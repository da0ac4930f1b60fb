//! Telling the peer to stop waiting for messages that were given up (RFC 3758, section 3.5).

use super::flight::Flight;
use super::fragment::FragmentState;
use super::queue::SendQueue;
use crate::num::low32;
use crate::wire::{ForwardTsn, Skipped};
use alloc::collections::BTreeMap;
use core::time::Duration;
use sendrecv_core::{Instant, PacketBuf};

/// How many skipped streams one FORWARD-TSN names, so that it fits any packet; the point does not advance beyond until the
/// peer follows.
const MAX_SKIPPED: usize = 56;

/// The "Advanced.Peer.Ack.Point" and what lies behind it.
#[derive(Clone, Debug)]
pub(crate) struct Forward {
    point: u64,
    cumulative: u64,
    skipped: BTreeMap<(u16, bool), u32>,
    due: bool,
    sent_at: Instant,
}

impl Forward {
    pub(crate) const fn new(cumulative: u64) -> Self {
        Self { point: cumulative, cumulative, skipped: BTreeMap::new(), due: false, sent_at: Instant::ZERO }
    }

    /// Moves the point over what was given up. Amortised, each TSN is passed once. What was merely acknowledged is left
    /// to the peer: it may belong to a message that still lacks something.
    pub(crate) fn advance(&mut self, flight: &mut Flight, queue: &SendQueue, interleaved: bool) {
        self.cumulative = flight.cumulative();
        if self.cumulative >= self.point {
            self.point = self.cumulative;
            self.skipped.clear();
            self.due = false;
        }
        let before = self.point;
        while self.skipped.len() < MAX_SKIPPED && self.pass(flight, queue, interleaved) {}
        self.due |= self.point > before && self.point > self.cumulative;
    }

    /// Passes one fragment, if its message was given up.
    fn pass(&mut self, flight: &mut Flight, queue: &SendQueue, interleaved: bool) -> bool {
        let tsn = self.point.saturating_add(1);
        let Some(fragment) = flight.get(tsn) else { return false };
        let Some(message) = queue.message(fragment.message) else { return false };
        if !message.abandoned {
            return false;
        }
        if interleaved || !message.unordered {
            self.skipped.insert((message.stream, message.unordered), message.id);
        }
        if fragment.state != FragmentState::Acked {
            flight.mark(tsn, FragmentState::Abandoned);
        }
        self.point = tsn;
        true
    }

    /// Whether the peer does not yet know of everything given up.
    pub(crate) const fn is_pending(&self) -> bool {
        self.point > self.cumulative
    }

    pub(crate) const fn is_due(&self) -> bool {
        self.due
    }

    /// A SACK came that does not show the point: the last one was lost, if there was time for an answer.
    pub(crate) fn on_sack(&mut self, now: Instant, rtt: Duration) {
        if self.is_pending() && now.saturating_since(self.sent_at) > rtt.saturating_add(rtt / 4) {
            self.due = true;
        }
    }

    /// The last one may have been lost.
    pub(crate) const fn retransmit(&mut self) {
        self.due = self.is_pending();
    }

    pub(crate) fn write(&mut self, now: Instant, interleaved: bool, out: &mut PacketBuf<'_>) -> bool {
        if out.space() < ForwardTsn::wire_len(interleaved, self.skipped.len()) {
            return false;
        }
        let skipped = self.skipped.iter();
        let skipped = skipped.map(|((stream, unordered), id)| Skipped {
            stream: *stream,
            unordered: *unordered,
            message_id: *id,
        });
        self.due = false;
        self.sent_at = now;
        ForwardTsn::write(interleaved, low32(self.point), skipped, out).is_ok()
    }
}
