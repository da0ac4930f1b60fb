//! Messages for channels that are not open yet: they leave with the first packet that may carry data, which for the side
//! that connects is the one with the COOKIE ECHO (RFC 9260, section 5.1; RFC 8832, section 6).

use super::{ChannelFailure, ChannelId, ChannelState, DataChannels, Message};
use crate::SendError;
use alloc::vec::Vec;
use sendrecv_core::Instant;

/// What was handed over before there was an association: neither the stream's number nor the longest message that the
/// peer takes may be known.
#[derive(Debug, Default)]
pub(super) struct Early {
    messages: Vec<(ChannelId, Message)>,
    bytes: usize,
}

impl Early {
    fn keep(&mut self, channel: ChannelId, message: Message, limit: usize) -> Result<(), SendError> {
        let bytes = self.bytes.saturating_add(message.bytes().len());
        if !self.messages.is_empty() && bytes > limit {
            return Err(SendError::BufferFull);
        }
        self.bytes = bytes;
        self.messages.push((channel, message));
        Ok(())
    }

    /// Bytes that wait for this channel.
    pub(super) fn buffered(&self, channel: ChannelId) -> usize {
        let own = self.messages.iter().filter(|(of, _)| *of == channel);
        own.fold(0, |sum, (_, message)| sum.saturating_add(message.bytes().len()))
    }

    /// Drops what waits for a channel that is no more.
    pub(super) fn forget(&mut self, channel: ChannelId) {
        self.bytes = self.bytes.saturating_sub(self.buffered(channel));
        self.messages.retain(|(of, _)| *of != channel);
    }
}

impl DataChannels {
    /// Like [`send`](Self::send), and takes messages for a channel that is still connecting, too: they leave as soon as
    /// the protocol lets them, the first packet's worth with the COOKIE ECHO, which is a round trip before the channel is
    /// open. They are lost if it closes before, and one that is longer than the peer turns out to take closes it.
    ///
    /// # Errors
    /// Those of [`send`](Self::send), except `Connecting`.
    pub fn send_early(
        &mut self,
        now: Instant,
        channel: ChannelId,
        message: Message,
    ) -> Result<(), SendError> {
        let record = self.get(channel).ok_or(SendError::Closed)?;
        if record.state != ChannelState::Connecting {
            return self.send(now, channel, message);
        }
        let stream = record.stream.filter(|_| self.ids.role_is_known());
        self.now = self.now.max(now);
        match stream {
            Some(stream) => self.hand_over(channel, stream, message),
            None => {
                self.check_len(&message)?;
                let limit = self.association.config().send_buffer;
                self.early.keep(channel, message, limit)
            }
        }
    }

    /// Now that it is known what the peer takes: channels that wait to send more than that in one message have failed.
    pub(super) fn refuse_too_long(&mut self) {
        let too_long = |(channel, message): &(ChannelId, Message)| {
            let SendError::TooLarge { limit } = self.check_len(message).err()? else { return None };
            Some((*channel, limit))
        };
        let failed: Vec<_> = self.early.messages.iter().filter_map(too_long).collect();
        for (channel, limit) in failed {
            self.fail(channel, ChannelFailure::MessageTooLong { limit });
        }
    }

    /// Hands over what waited for the numbers of streams.
    pub(super) fn send_what_waited(&mut self) {
        for (channel, message) in core::mem::take(&mut self.early).messages {
            let connecting = self.get(channel).filter(|record| record.state == ChannelState::Connecting);
            if let Some(stream) = connecting.and_then(|record| record.stream) {
                // Cannot be refused: nothing else is buffered, and the bounds were kept.
                let _ = self.hand_over(channel, stream, message);
            }
        }
    }
}
