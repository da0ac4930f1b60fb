//! Sending packets again: what the peer misses, and what a probe is filled up with.

use super::{SendStream, Sent, Stamps, wire};
use core::time::Duration;
use sendrecv_core::{Instant, NoSpace, PacketBuf};

/// Most packets that wait to be sent again.
const MAX_RESENDS: usize = 512;
/// For how many packets a longer one is preferred as padding.
const PADDING_AGE: u64 = 64;

/// What to send again where a probe lacks packets: the longest of the last ones.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Padding {
    longest: Option<(u64, usize)>,
}

impl Padding {
    /// Takes note of a packet that was sent, and can be again.
    pub(super) fn offer(&mut self, sequence: u64, len: usize) {
        let still_best =
            |(of, longest): &(u64, usize)| sequence < of.saturating_add(PADDING_AGE) && len < *longest;
        self.longest = self.longest.filter(still_best).or(Some((sequence, len)));
    }
}

impl SendStream {
    /// Takes the sequence numbers that the peer misses.
    pub(crate) fn nack(&mut self, now: Instant, missing: impl Iterator<Item = u16>) {
        self.stats.nack_count += 1;
        let retry = self.remote.round_trip_time.unwrap_or(Duration::from_millis(20));
        for number in missing {
            if !self.resend(now, number, retry) {
                self.stats.retransmissions_refused += 1;
            }
        }
    }

    /// Queues a packet to be sent again. What was just sent again is on its way, which is not a refusal.
    fn resend(&mut self, now: Instant, number: u16, retry: Duration) -> bool {
        let sequence = before(self.next_sequence, number);
        let Some(slot) = self.cache.get_mut(sequence).filter(|slot| slot.sent().is_some()) else {
            return false;
        };
        if slot.resent().is_some_and(|at| now.saturating_since(at) < retry) {
            return true;
        }
        if self.resends.len() >= MAX_RESENDS || !self.budget.take(now, slot.payload().len()) {
            return false;
        }
        slot.note_resent(now);
        self.resends.push_back(sequence);
        true
    }

    /// Whether there is a packet that can be sent again as padding.
    pub(crate) const fn can_pad(&self) -> bool {
        self.padding.longest.is_some()
    }

    /// Sends a packet again that nobody asked for, as padding.
    pub(crate) fn pad(&mut self, stamps: &mut Stamps<'_>, out: &mut PacketBuf<'_>) -> Sent {
        let Some((sequence, _)) = self.padding.longest else { return Sent::Nothing };
        match self.transmit_one(sequence, true, stamps, out) {
            Ok(true) => Sent::Packet,
            Err(NoSpace) if !stamps.full_length => Sent::NoRoom,
            Ok(false) | Err(NoSpace) => {
                self.padding = Padding::default();
                Sent::Nothing
            }
        }
    }
}

/// The extended number of a packet sent before `next`.
fn before(next: u64, number: u16) -> u64 {
    let back = wire(next).wrapping_sub(number);
    let back = if back == 0 { 0x1_0000 } else { u64::from(back) };
    next.saturating_sub(back)
}
