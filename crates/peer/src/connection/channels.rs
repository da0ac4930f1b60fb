//! Data channels.

use super::PeerConnection;
use crate::error::UsageError;
use crate::record::Input;
use sendrecv_core::Instant;
use sendrecv_sctp::channel::{ChannelId, ChannelState, DataChannelInit, DataChannels, Message};

/// A view of one data channel: the attributes of `RTCDataChannel`.
#[derive(Clone, Copy, Debug)]
pub struct DataChannel<'c> {
    channels: &'c DataChannels,
    id: ChannelId,
    label: &'c str,
    init: &'c DataChannelInit,
}

impl<'c> DataChannel<'c> {
    /// Its handle, by which commands and events name it.
    pub const fn handle(&self) -> ChannelId {
        self.id
    }

    /// `label`.
    pub const fn label(&self) -> &'c str {
        self.label
    }

    /// `protocol`.
    pub fn protocol(&self) -> &'c str {
        &self.init.protocol
    }

    /// `ordered`.
    pub const fn ordered(&self) -> bool {
        self.init.ordered
    }

    /// `maxPacketLifeTime`, milliseconds.
    pub const fn max_packet_life_time(&self) -> Option<u16> {
        self.init.max_packet_life_time
    }

    /// `maxRetransmits`.
    pub const fn max_retransmits(&self) -> Option<u16> {
        self.init.max_retransmits
    }

    /// `negotiated`.
    pub const fn negotiated(&self) -> bool {
        self.init.negotiated
    }

    /// `id`: the stream's number, once there is one.
    pub fn stream_id(&self) -> Option<u16> {
        self.channels.stream_id(self.id)
    }

    /// `readyState`.
    pub fn ready_state(&self) -> ChannelState {
        self.channels.state(self.id)
    }

    /// `bufferedAmount`: bytes handed over that were never sent.
    pub fn buffered_amount(&self) -> usize {
        self.channels.buffered_amount(self.id)
    }
}

impl PeerConnection {
    /// `createDataChannel`. Before the connection is up the channel's number is still open.
    ///
    /// # Errors
    /// [`UsageError::CreateChannel`] for impossible parameters or when no number is left, [`UsageError::Closed`].
    pub fn create_data_channel(
        &mut self,
        now: Instant,
        label: &str,
        init: DataChannelInit,
    ) -> Result<ChannelId, UsageError> {
        let now = self.enter(now)?;
        self.record(|| Input::create_data_channel(now, label, &init));
        let id = self.channels.create(now, label, init)?;
        self.jsep.want_data_channels();
        self.drive(now);
        Ok(id)
    }

    /// A channel; `None` once it is closed and gone.
    pub fn data_channel(&self, id: ChannelId) -> Option<DataChannel<'_>> {
        let (label, init) = (self.channels.label(id)?, self.channels.init(id)?);
        Some(DataChannel { channels: &self.channels, id, label, init })
    }

    /// Every channel there is.
    pub fn data_channels(&self) -> impl Iterator<Item = DataChannel<'_>> {
        self.channels.channels().filter_map(|id| self.data_channel(id))
    }

    /// `send`: takes a message whole or not at all.
    ///
    /// # Errors
    /// [`UsageError::Send`] when the channel is not open, the message longer than the other side takes, or the buffer
    /// full; [`UsageError::Closed`].
    pub fn send(&mut self, now: Instant, id: ChannelId, message: Message) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        self.record(|| Input::send(now, id, &message));
        self.channels.send(now, id, message)?;
        Ok(())
    }

    /// Like [`send`](Self::send), and takes messages for a channel that is still connecting, too, where the standard has
    /// `send` fail: from [`create_data_channel`](Self::create_data_channel) on. They leave as soon as the protocols let
    /// them, which is up to a round trip before the channel is open, for the first packet's worth of them. They are lost
    /// if the channel closes before, and one that is longer than the other side turns out to take closes it.
    ///
    /// # Errors
    /// Those of [`send`](Self::send), except that the channel need not be open.
    pub fn send_early(&mut self, now: Instant, id: ChannelId, message: Message) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        self.record(|| Input::send_early(now, id, &message));
        self.channels.send_early(now, id, message)?;
        Ok(())
    }

    /// Sets `bufferedAmountLowThreshold`, bytes.
    ///
    /// # Errors
    /// [`UsageError::UnknownChannel`], [`UsageError::Closed`].
    pub fn set_buffered_amount_low_threshold(
        &mut self,
        now: Instant,
        id: ChannelId,
        bytes: usize,
    ) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        self.record(|| Input::SetBufferedAmountLowThreshold { now, channel: Input::channel(id), bytes });
        if self.channels.label(id).is_none() {
            return Err(UsageError::UnknownChannel);
        }
        self.channels.set_buffered_amount_low_threshold(id, bytes);
        Ok(())
    }

    /// `close` of a data channel: what was handed over is still sent, then the stream is reset both ways.
    ///
    /// # Errors
    /// [`UsageError::UnknownChannel`], [`UsageError::Closed`].
    pub fn close_data_channel(&mut self, now: Instant, id: ChannelId) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        self.record(|| Input::CloseDataChannel { now, channel: Input::channel(id) });
        if self.channels.label(id).is_none() {
            return Err(UsageError::UnknownChannel);
        }
        let closed = self.channels.close_channel(now, id);
        self.drive(now);
        closed.map_err(|_| UsageError::UnknownChannel)
    }
}

/// What statistics need to know.
impl PeerConnection {
    /// Channels that were opened so far, and of them those closed.
    pub(crate) const fn channel_counts(&self) -> (u32, u32) {
        (self.channels_opened, self.channels_closed)
    }

    pub(crate) fn channel_stats(&self, id: ChannelId) -> Option<sendrecv_sctp::channel::ChannelStats> {
        self.channels.channel_stats(id)
    }
}
