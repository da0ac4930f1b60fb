//! Sends back what comes in: messages on the other side's channels, and its media.

use sendrecv::{
    DataChannelId, Direction, Event, Layer, LayerSelector, Message, PeerConnection, ReceivedRtp,
    SessionDescription, TransceiverId, UsageError,
};
use sendrecv_core::Instant;
use std::collections::{BTreeMap, VecDeque};

/// Bytes of echoes that may wait per channel before the channel's echoes are held back here.
const BUFFER: usize = 8 << 20;

/// The echo, as a part of an application.
#[derive(Debug, Default)]
pub(crate) struct Echo {
    /// Echoes held back because their channel's buffer is full.
    waiting: BTreeMap<DataChannelId, VecDeque<Message>>,
    /// Of transceivers that receive simulcast, the stream that is sent back.
    layers: BTreeMap<TransceiverId, LayerSelector>,
}

impl Echo {
    /// Takes an offer and answers it, with a track of ours for every section that can carry one.
    pub(crate) fn answer(
        &mut self,
        pc: &mut PeerConnection,
        now: Instant,
        offer: SessionDescription,
    ) -> Result<SessionDescription, UsageError> {
        pc.set_remote_description(now, offer)?;
        for transceiver in idle_transceivers(pc, &[]) {
            send_back(pc, now, transceiver)?;
        }
        let answer = pc.create_answer()?;
        pc.set_local_description(now, Some(answer.clone()))?;
        Ok(answer)
    }

    pub(crate) fn on_event(&mut self, pc: &mut PeerConnection, now: Instant, event: &Event) {
        match event {
            Event::DataChannelBufferedAmountLow(channel) => self.flush(pc, now, *channel),
            Event::DataChannelClose(channel) => {
                self.waiting.remove(channel);
            }
            // The browser wants a keyframe of its echo: only its own encoder can make one.
            Event::KeyframeRequested { transceiver, .. } => {
                let rid = self.layers.get(transceiver).and_then(LayerSelector::forwarded);
                let _ = pc.request_keyframe(now, Layer { transceiver: *transceiver, rid });
            }
            _ => {}
        }
    }

    pub(crate) fn on_message(
        &mut self,
        pc: &mut PeerConnection,
        now: Instant,
        channel: DataChannelId,
        message: Message,
    ) {
        self.waiting.entry(channel).or_default().push_back(message);
        self.flush(pc, now, channel);
    }

    fn flush(&mut self, pc: &mut PeerConnection, now: Instant, channel: DataChannelId) {
        let Some(waiting) = self.waiting.get_mut(&channel) else { return };
        while let Some(message) = waiting.front() {
            let full = pc.data_channel(channel).is_none_or(|channel| channel.buffered_amount() >= BUFFER);
            if full || pc.send(now, channel, message.clone()).is_err() {
                let _ = pc.set_buffered_amount_low_threshold(now, channel, BUFFER / 2);
                return;
            }
            waiting.pop_front();
        }
    }

    pub(crate) fn on_rtp(&mut self, pc: &mut PeerConnection, now: Instant, packet: &ReceivedRtp<'_>) {
        if let Some(rid) = packet.rid()
            && !self.takes(pc, now, packet, rid)
        {
            return;
        }
        // A packet that cannot be sent (its codec is not the sender's, the queue is full) is simply not echoed.
        let _ = pc.forward_rtp(now, packet.transceiver, packet);
    }
}

/// Of simulcast streams, one is sent back.
impl Echo {
    /// Sends back another one, from its next keyframe on.
    pub(crate) fn select_layer(&mut self, rid: &str) {
        self.layers.values_mut().for_each(|layers| layers.select(rid));
    }

    fn takes(&mut self, pc: &mut PeerConnection, now: Instant, packet: &ReceivedRtp<'_>, rid: &str) -> bool {
        let layers = self.layers.entry(packet.transceiver).or_insert_with(|| LayerSelector::new(rid));
        let takes = layers.takes(Some(rid), packet.is_keyframe());
        if layers.waits_for() == Some(rid) {
            // As often as it likes: no more than every 300 ms goes out.
            let _ = pc.request_keyframe(now, packet.transceiver.layer(rid));
        }
        takes
    }
}

/// Transceivers that have nothing to send, but for those of kinds in `without`.
pub(crate) fn idle_transceivers(pc: &PeerConnection, without: &[&str]) -> Vec<TransceiverId> {
    let all = pc.transceivers().iter().filter(|transceiver| !without.contains(&transceiver.kind().as_str()));
    let idle = all.filter(|transceiver| !transceiver.is_stopping() && transceiver.sender().track.is_none());
    idle.map(sendrecv::Transceiver::id).collect()
}

/// Gives a transceiver a track for what it receives.
pub(crate) fn send_back(pc: &mut PeerConnection, now: Instant, id: TransceiverId) -> Result<(), UsageError> {
    let kind = pc.transceiver(id).map_or("", |transceiver| transceiver.kind().as_str());
    pc.replace_track(now, id, Some(&format!("echo-{kind}-{}", pc.transceivers().len())))?;
    pc.set_direction(now, id, Direction::SendRecv)
}
