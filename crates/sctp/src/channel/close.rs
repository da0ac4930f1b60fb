//! Closing channels by resetting their streams, both directions (RFC 8831, section 6.7).

use super::{ChannelEvent, ChannelFailure, ChannelId, ChannelState, DataChannels};
use crate::UsageError;
use alloc::vec::Vec;
use sendrecv_core::Instant;

impl DataChannels {
    /// Closes a channel: what was handed over is still sent, then both directions are reset.
    /// [`ChannelEvent::Closed`] follows when the peer did the same.
    ///
    /// # Errors
    /// `NoSuchStream` when the channel is no more, or closing already.
    pub fn close_channel(&mut self, now: Instant, channel: ChannelId) -> Result<(), UsageError> {
        self.now = self.now.max(now);
        let record = self.get_mut(channel).ok_or(UsageError::NoSuchStream)?;
        if record.state == ChannelState::Closing {
            return Err(UsageError::NoSuchStream);
        }
        record.state = ChannelState::Closing;
        match record.stream {
            Some(stream) => self.reset_outgoing(channel, stream),
            None => self.discard(channel),
        }
        Ok(())
    }

    fn reset_outgoing(&mut self, id: ChannelId, stream: u16) {
        if self.association.reset_stream(self.now, stream) == Err(UsageError::NotSupportedByPeer) {
            // Without RE-CONFIG there is no orderly close: the number stays used, the channel ends here.
            self.discard(id);
        }
    }

    pub(super) fn on_incoming_reset(&mut self, stream: u16) {
        let Some(id) = self.id_of(stream) else { return };
        let Some(channel) = self.get_mut(id) else { return };
        channel.incoming_reset = true;
        if matches!(channel.state, ChannelState::Open | ChannelState::Connecting) {
            channel.state = ChannelState::Closing;
            self.events.push_back(ChannelEvent::Closing(id));
            self.reset_outgoing(id, stream);
        }
        self.finish(id);
    }

    pub(super) fn on_outgoing_reset(&mut self, stream: u16) {
        let Some(id) = self.id_of(stream) else { return };
        if let Some(channel) = self.get_mut(id) {
            channel.outgoing_reset = true;
        }
        self.finish(id);
    }

    /// Ends a channel both of whose directions are reset.
    fn finish(&mut self, id: ChannelId) {
        if self.get(id).is_some_and(|channel| channel.outgoing_reset && channel.incoming_reset) {
            self.discard(id);
        }
    }

    /// Ends a channel at once.
    pub(super) fn discard(&mut self, id: ChannelId) {
        if self.get(id).is_none() {
            return;
        }
        self.without_id.retain(|other| *other != id);
        self.early.forget(id);
        let Some(channel) = self.channels.remove(id.slot) else { return };
        if let Some(stream) = channel.stream {
            self.by_stream.remove(stream);
            if channel.outgoing_reset && channel.incoming_reset {
                self.ids.release(stream);
            }
        }
        if channel.incoming {
            let text = channel.label.len().saturating_add(channel.init.protocol.len());
            self.incoming_text = self.incoming_text.saturating_sub(text);
        }
        self.events.push_back(ChannelEvent::Closed(id));
    }

    /// Ends a channel by an error.
    pub(super) fn fail(&mut self, channel: ChannelId, failure: ChannelFailure) {
        if self.get(channel).is_some() {
            self.events.push_back(ChannelEvent::Failed { channel, failure });
            self.discard(channel);
        }
    }

    pub(super) fn fail_all(&mut self, failure: &ChannelFailure) {
        let all: Vec<_> = self.channels().collect();
        all.into_iter().for_each(|id| self.fail(id, failure.clone()));
    }

    pub(super) fn close_all(&mut self) {
        let all: Vec<_> = self.channels().collect();
        all.into_iter().for_each(|id| self.discard(id));
    }
}
