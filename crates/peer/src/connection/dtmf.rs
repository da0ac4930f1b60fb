//! `RTCDTMFSender`: tones of a transceiver that sends audio.

use super::PeerConnection;
use crate::error::UsageError;
use crate::jsep::{Transceiver, TransceiverId};
use crate::record::Input;
use crate::states::PeerConnectionState;
use sendrecv_core::Instant;
use sendrecv_media::ToneTiming;
use sendrecv_sdp::Direction;

impl PeerConnection {
    /// `sender.dtmf.insertDTMF`: replaces the tones that transceiver `id` is to send, as telephone events (RFC 4733):
    /// `0` to `9`, `A` to `D` in either case, `#`, `*`, and `,` for a pause of two seconds. None at all cancels those that
    /// have not begun. [`Event::ToneChange`](crate::Event::ToneChange) tells each.
    ///
    /// While a tone sounds, audio of [`send_rtp`](Self::send_rtp) is left out, as in browsers.
    ///
    /// # Errors
    /// [`UsageError::CannotInsertDtmf`] unless [`can_insert_dtmf`](Self::can_insert_dtmf); [`UsageError::Media`] for other
    /// characters; [`UsageError::Closed`].
    pub fn insert_dtmf(
        &mut self,
        now: Instant,
        id: TransceiverId,
        tones: &str,
        timing: ToneTiming,
    ) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        self.record(|| Input::insert_dtmf(now, id, tones, timing));
        let sender = self.sections.sender(id).filter(|_| self.can_insert_dtmf(id));
        self.media.insert_tones(now, sender.ok_or(UsageError::CannotInsertDtmf)?, tones, timing)?;
        self.drive(now);
        Ok(())
    }

    /// `sender.dtmf.canInsertDTMF`: connected, with a track that is being sent, and telephone events agreed on.
    pub fn can_insert_dtmf(&self, id: TransceiverId) -> bool {
        let sends = |own: &Transceiver| {
            !own.is_stopping()
                && own.sender().track.is_some()
                && own.current_direction().is_some_and(Direction::sends)
        };
        let sender = self.sections.sender(id).and_then(|sender| self.media.sender(sender));
        self.connection_state == PeerConnectionState::Connected
            && self.transceiver(id).is_some_and(sends)
            && self.is_active(id)
            && sender.is_some_and(sendrecv_media::SendStream::can_send_tones)
    }

    /// `sender.dtmf.toneBuffer`: the tones that have not begun.
    pub fn tone_buffer(&self, id: TransceiverId) -> &str {
        let sender = self.sections.sender(id).and_then(|sender| self.media.sender(sender));
        sender.map_or("", sendrecv_media::SendStream::tone_buffer)
    }

    /// Ends the tones of a transceiver that has nothing to send any more.
    pub(super) fn stop_tones_without_track(&mut self, id: TransceiverId) {
        let has_track = |own: &Transceiver| own.sender().track.is_some() && !own.is_stopping();
        let sends = self.is_active(id) && self.transceiver(id).is_some_and(has_track);
        if !sends && let Some(sender) = self.sections.sender(id) {
            // The sender is the engine's own; there is nobody to tell.
            let _ = self.media.stop_tones(sender);
        }
    }
}
