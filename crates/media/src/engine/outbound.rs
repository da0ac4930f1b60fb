//! Sending RTP: senders take turns.

use super::{MediaEngine, index};
use crate::parameters::SenderId;
use crate::send::{Sent, Stamps};
use sendrecv_core::{Instant, PacketBuf};

impl MediaEngine {
    /// Puts a sender with packets into the list of those to be served.
    pub(super) fn enlist(&mut self, id: SenderId) {
        let position = index(id);
        if let Some(sender) = self.senders.get_mut(position).and_then(Option::as_mut)
            && !sender.queued
        {
            sender.queued = true;
            self.ready.push_back(position);
        }
    }

    /// Writes one packet of the sender whose turn it is.
    pub(super) fn write_rtp(&mut self, now: Instant, out: &mut PacketBuf<'_>, full_length: bool) -> bool {
        while let Some(position) = self.ready.pop_front() {
            let Some(sender) = self.senders.get_mut(position).and_then(Option::as_mut) else { continue };
            let mut stamps = Stamps { now, transport_sequence: &mut self.transport_sequence, full_length };
            let sent = sender.transmit(&mut stamps, out);
            sender.queued = sender.has_work();
            match sent {
                Sent::NoRoom => {
                    self.ready.push_front(position);
                    return false;
                }
                _ if sender.queued => self.ready.push_back(position),
                _ => {}
            }
            if sent == Sent::Packet {
                return true;
            }
        }
        false
    }
}
