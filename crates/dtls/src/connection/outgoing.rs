//! What goes out besides application data: alerts, acknowledgements, flights.

use super::Dtls;
use crate::SealError;
use crate::state::{Connected, State};
use crate::wire::ack;
use crate::wire::record::ContentType;
use sendrecv_core::{Instant, PacketBuf};

impl Dtls {
    pub(super) fn write_alert(&mut self, out: &mut PacketBuf<'_>) -> bool {
        let Some(alert) = self.pending_alert else {
            return false;
        };
        let epoch = self.session.records.write_epoch(self.was_connected);
        let written = self.session.records.append(out, epoch, ContentType::Alert, &[&alert.encode()]);
        if written != Err(SealError::NoSpace) {
            self.pending_alert = None;
        }
        written.is_ok()
    }

    pub(super) fn write_ack(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> bool {
        let epoch = self.session.records.write_epoch(self.state.connected().is_some());
        let room = out.space().min(self.session.mtu()).saturating_sub(self.session.records.overhead(epoch));
        let Some(numbers) = self.session.acks.take_due(now, room.saturating_sub(2) / 16) else {
            return false;
        };
        if self.state.connected().is_some() {
            self.session.acks.clear();
        }
        // Before there are keys it can only say that something is missing.
        let content = ack::encode(if epoch == 0 { &[] } else { &numbers });
        self.session.records.append(out, epoch, ContentType::Ack, &[&content]).is_ok()
    }

    pub(super) fn write_flight(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> bool {
        if let State::Connected(Connected { updates: Some(updates), .. }) = &mut self.state {
            if self.session.records.is_key_due(self.session.config.key_update_after) {
                updates.want();
            }
            updates.send_if_wanted(&mut self.session);
            updates.send_connection_ids(&mut self.session);
        }
        let mtu = self.session.mtu();
        if !self.session.flight.write(&mut self.session.records, out, mtu) {
            return false;
        }
        if !self.session.flight.is_sending() {
            self.sent_at = now;
            if self.session.expects_answer {
                self.session.timer.start(now);
            }
        }
        true
    }
}
