//! DTMF of the senders.

use super::{MAX_EVENTS, MediaEngine, index};
use crate::discard::MediaError;
use crate::event::Event;
use crate::parameters::SenderId;
use crate::send::{SendStream, ToneTiming};
use sendrecv_core::Instant;

impl MediaEngine {
    /// Replaces the tones that a sender is to send, as telephone events (RFC 4733): `0` to `9`, `A` to `D`, `#`, `*`, and
    /// `,` for a pause of two seconds. The tone that sounds is played to its end.
    pub fn insert_tones(
        &mut self,
        now: Instant,
        id: SenderId,
        tones: &str,
        timing: ToneTiming,
    ) -> Result<(), MediaError> {
        let now = self.command(now)?;
        self.sender_mut(id)?.insert_tones(now, tones, timing)?;
        if !self.toning.contains(&index(id)) {
            self.toning.push(index(id));
        }
        self.advance_tones(now);
        Ok(())
    }

    /// Ends a sender's tones at once.
    pub fn stop_tones(&mut self, id: SenderId) -> Result<(), MediaError> {
        self.sender_mut(id)?.stop_tones();
        self.toning.retain(|position| *position != index(id));
        Ok(())
    }

    pub(super) fn tones_deadline(&self) -> Option<Instant> {
        self.toning.iter().filter_map(|position| self.tones_deadline_of(*position)).min()
    }

    fn tones_deadline_of(&self, position: usize) -> Option<Instant> {
        self.senders.get(position)?.as_ref()?.tones_deadline()
    }

    /// Does what is due. A host that comes late makes up for no tones.
    pub(super) fn advance_tones(&mut self, now: Instant) {
        let mut toning = core::mem::take(&mut self.toning);
        toning.retain(|position| {
            while let Some(sender) = self.senders.get_mut(*position).and_then(Option::as_mut)
                && sender.tones_deadline().is_some_and(|at| at <= now)
            {
                let (id, begun) = (sender.id(), sender.advance_tones(now));
                if sender.has_work() {
                    self.enlist(id);
                }
                if let Some(tone) = begun
                    && self.events.len() < MAX_EVENTS
                {
                    self.events.push_back(Event::ToneChanged { sender: id, tone });
                }
            }
            self.senders
                .get(*position)
                .and_then(Option::as_ref)
                .is_some_and(|sender: &SendStream| sender.tones_deadline().is_some())
        });
        self.toning = toning;
    }
}
