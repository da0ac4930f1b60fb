//! Sending RTP: senders take turns, at the pace of congestion control where there is one.

use super::{MediaEngine, index};
use crate::congestion::SentPacket;
use crate::parameters::{MediaKind, SenderId};
use crate::send::{Sent, Stamps};
use sendrecv_core::{Instant, PacketBuf};

/// One of the two lists of senders with packets.
#[derive(Clone, Copy, Debug)]
enum Lane {
    /// Audio under congestion control: little, and it cannot wait.
    Urgent,
    /// Everything else.
    Ready,
}

impl MediaEngine {
    /// Puts a sender with packets into the list of those to be served.
    pub(super) fn enlist(&mut self, id: SenderId) {
        let position = index(id);
        if let Some(sender) = self.senders.get_mut(position).and_then(Option::as_mut)
            && !sender.queued
        {
            sender.queued = true;
            let urgent = self.congestion.is_some() && sender.kind() == MediaKind::Audio;
            if urgent { self.urgent.push_back(position) } else { self.ready.push_back(position) }
        }
    }

    /// Writes the next packet that may be sent now: audio first, padding last.
    pub(super) fn write_rtp(&mut self, now: Instant, out: &mut PacketBuf<'_>, full_length: bool) -> bool {
        if self.congestion.is_none() {
            return self.serve(now, Lane::Ready, out, full_length);
        }
        self.serve(now, Lane::Urgent, out, full_length)
            || self.may_send(now)
                && (self.serve(now, Lane::Ready, out, full_length)
                    || self.write_padding(now, out, full_length))
    }

    fn may_send(&self, now: Instant) -> bool {
        self.congestion.as_ref().is_none_or(|congestion| congestion.estimator.is_open(now))
    }

    /// Writes one packet of the sender whose turn it is.
    fn serve(&mut self, now: Instant, lane: Lane, out: &mut PacketBuf<'_>, full_length: bool) -> bool {
        let waiting = match lane {
            Lane::Urgent => &mut self.urgent,
            Lane::Ready => &mut self.ready,
        };
        let watched = self.congestion.is_some();
        while let Some(position) = waiting.pop_front() {
            let Some(sender) = self.senders.get_mut(position).and_then(Option::as_mut) else { continue };
            let mut stamps = Stamps::new(now, &mut self.transport_sequence, full_length, watched);
            let sent = sender.transmit(&mut stamps, out);
            let written = stamps.written;
            sender.queued = sender.has_work();
            match sent {
                Sent::NoRoom => {
                    waiting.push_front(position);
                    return false;
                }
                _ if sender.queued => waiting.push_back(position),
                _ => {}
            }
            if sent == Sent::Packet {
                self.note_sent(now, position, written);
                return true;
            }
        }
        false
    }

    /// Fills a probe up with packets that were sent before.
    fn write_padding(&mut self, now: Instant, out: &mut PacketBuf<'_>, full_length: bool) -> bool {
        let Some(congestion) =
            self.congestion.as_mut().filter(|congestion| congestion.estimator.wants_padding())
        else {
            return false;
        };
        let Some(position) = congestion.padding_from else { return false };
        let Some(sender) = self.senders.get_mut(position).and_then(Option::as_mut) else {
            congestion.padding_from = None;
            return false;
        };
        let mut stamps = Stamps::new(now, &mut self.transport_sequence, full_length, true);
        match sender.pad(&mut stamps, out) {
            Sent::Packet => {
                let written = stamps.written.map(|packet| SentPacket { is_repair: false, ..packet });
                self.note_sent(now, position, written);
                return true;
            }
            Sent::Nothing => congestion.padding_from = None,
            Sent::NoRoom => {}
        }
        false
    }
}
