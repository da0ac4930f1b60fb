//! What the association tells, in terms of channels.

use super::dcep::{Dcep, encode_ack, ppid};
use super::{ChannelEvent, ChannelFailure, ChannelId, DataChannelInit, DataChannels, Message};
use crate::num::wide;
use crate::{CloseReason, Event};
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// The most bytes of labels and protocols that the peer's channels may take in all.
const MAX_INCOMING_TEXT: usize = 4 << 20;

impl DataChannels {
    /// Turns an event of the association into ours; what gives several goes to the queue.
    pub(super) fn translate(&mut self, event: Event) -> Option<ChannelEvent> {
        match event {
            Event::Message(message) => return self.on_message(message),
            Event::Connected => self.on_connected(),
            Event::BufferedAmountLow { stream } => {
                return self.id_of(stream).map(ChannelEvent::BufferedAmountLow);
            }
            Event::IncomingStreamReset { stream } => self.on_incoming_reset(stream),
            Event::AllIncomingStreamsReset => {
                let streams: Vec<_> =
                    self.channels.iter().filter_map(|(_, channel)| channel.stream).collect();
                streams.into_iter().for_each(|stream| self.on_incoming_reset(stream));
            }
            Event::OutgoingStreamReset { stream, .. } => self.on_outgoing_reset(stream),
            Event::Restarted => self.fail_all(&ChannelFailure::Restarted),
            Event::Closed(reason) => {
                self.connected = false;
                match &reason {
                    CloseReason::Shutdown | CloseReason::Aborted => self.close_all(),
                    error => self.fail_all(&ChannelFailure::Association(error.clone())),
                }
                self.events.push_back(ChannelEvent::AssociationClosed(reason));
            }
        }
        self.events.pop_front()
    }

    fn on_connected(&mut self) {
        self.connected = true;
        self.events.push_back(ChannelEvent::AssociationConnected);
        let limit = self.association.outbound_streams();
        let all: Vec<_> = self.channels().collect();
        for id in all {
            match self.get(id).and_then(|channel| channel.stream) {
                Some(stream) if stream >= limit => self.fail(id, ChannelFailure::NoStream),
                Some(_) => self.open(id),
                None => {}
            }
        }
    }

    fn on_message(&mut self, message: crate::Message) -> Option<ChannelEvent> {
        if message.ppid == ppid::DCEP {
            self.on_dcep(message.stream, &message.data);
            return self.events.pop_front();
        }
        let data = match message.ppid {
            ppid::STRING => Message::Text(message.data),
            ppid::BINARY => Message::Binary(message.data),
            ppid::STRING_EMPTY => Message::Text(Bytes::new()),
            ppid::BINARY_EMPTY => Message::Binary(Bytes::new()),
            _ => return self.stray(),
        };
        let Some(id) = self.id_of(message.stream) else { return self.stray() };
        let Some(channel) = self.get_mut(id) else { return self.stray() };
        // A message proves that the peer knows the channel, whether or not its ACK came yet.
        channel.confirmed = true;
        channel.stats.messages_received = channel.stats.messages_received.saturating_add(1);
        channel.stats.bytes_received = channel.stats.bytes_received.saturating_add(wide(data.bytes().len()));
        Some(ChannelEvent::Message { channel: id, data })
    }

    fn stray(&mut self) -> Option<ChannelEvent> {
        self.stray_messages = self.stray_messages.saturating_add(1);
        None
    }

    fn on_dcep(&mut self, stream: u16, bytes: &[u8]) {
        match Dcep::parse(bytes) {
            Ok(Dcep::Ack) => {
                if let Some(channel) = self.id_of(stream).and_then(|id| self.get_mut(id)) {
                    channel.confirmed = true;
                }
            }
            Ok(Dcep::Open { label, init }) => self.on_open(stream, label, init),
            Err(_) => {
                self.stray();
            }
        }
    }

    fn on_open(&mut self, stream: u16, label: String, init: DataChannelInit) {
        self.finish_before_reuse(stream);
        let text = label.len().saturating_add(init.protocol.len());
        let refused = self.by_stream.get(stream).is_some()
            || stream >= self.association.outbound_streams()
            || self.incoming_text.saturating_add(text) > MAX_INCOMING_TEXT;
        if refused {
            self.stray();
            return;
        }
        self.incoming_text = self.incoming_text.saturating_add(text);
        let init = DataChannelInit { id: Some(stream), ..init };
        let channel = self.insert(label.clone(), init.clone());
        self.adopt(channel, stream);
        // Cannot be refused: see `attach`.
        let _ = self.association.send_control(self.now, stream, ppid::DCEP, Bytes::from_static(encode_ack()));
        self.events.push_back(ChannelEvent::Incoming { channel, label, init });
        self.open(channel);
    }

    /// The peer opens a channel on a stream whose last one it has closed, while we still wait for the answer to our own
    /// reset: that it opens anew is the answer.
    fn finish_before_reuse(&mut self, stream: u16) {
        let Some(id) = self.id_of(stream) else { return };
        if self.get(id).is_some_and(|channel| channel.incoming_reset) {
            self.association.settle_reset(stream);
            self.on_outgoing_reset(stream);
        }
    }

    fn adopt(&mut self, id: ChannelId, stream: u16) {
        let Some(channel) = self.get_mut(id) else { return };
        channel.stream = Some(stream);
        (channel.incoming, channel.confirmed) = (true, true);
        let priority = channel.init.priority;
        self.association.set_priority(stream, priority);
        self.by_stream.insert(stream, id.slot);
    }
}
