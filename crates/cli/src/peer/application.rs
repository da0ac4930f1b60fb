//! What the scripted peer remembers and does by itself: it counts, echoes, and sends its source.

use super::command::{Channel, Offer, Send};
use super::pattern::{Tally, pattern};
use crate::echo::{Echo, idle_transceivers, send_back};
use crate::source::Sources;
use sendrecv::{
    DataChannelId, DataChannelInit, DataChannelState, Direction, Event, Message, OfferOptions,
    PeerConnection, ReceivedRtp, SessionDescription, TrackKind, TransceiverInit, UsageError,
};
use sendrecv_core::Instant;
use sendrecv_net::Application;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};

/// Bytes of our own messages that may wait in a channel.
const BUFFER: usize = 4 << 20;

/// The application of `sendrecv peer`.
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    echo: Echo,
    sources: Option<Sources>,
    channels: BTreeMap<DataChannelId, Remembered>,
    media: BTreeMap<TrackKind, Received>,
}

/// A channel, also after it has closed.
#[derive(Debug, Default)]
struct Remembered {
    label: String,
    echo: bool,
    open: bool,
    closed: bool,
    received: Tally,
    last_text: Option<String>,
    /// Messages of ours that wait for room.
    waiting: VecDeque<Message>,
}

#[derive(Debug, Default)]
struct Received {
    packets: u64,
    frames: u64,
    bytes: u64,
    last_timestamp: Option<u32>,
    /// Packets of each simulcast stream.
    layers: BTreeMap<String, u64>,
}

impl Scripted {
    /// Makes an offer with media and a channel as asked.
    pub(crate) fn offer(
        &mut self,
        pc: &mut PeerConnection,
        now: Instant,
        offer: &Offer,
        sources: Option<Sources>,
    ) -> Result<(), UsageError> {
        for (kind, wanted) in [(TrackKind::Audio, offer.media.audio), (TrackKind::Video, offer.media.video)] {
            if wanted && !pc.transceivers().iter().any(|transceiver| transceiver.kind() == kind) {
                let (track, streams) = (Some(format!("source-{kind}")), vec!["source".to_owned()]);
                pc.add_transceiver(
                    now,
                    kind,
                    TransceiverInit { track, streams, ..TransceiverInit::default() },
                )?;
            }
        }
        self.sources = sources;
        if let Some(label) = &offer.channel {
            self.open(pc, now, label, DataChannelInit::default(), false)?;
        }
        let offer = pc.create_offer(OfferOptions::default())?;
        pc.set_local_description(now, Some(offer))
    }

    /// Answers an offer; media of kinds in `without` is refused, the rest echoed.
    pub(crate) fn answer(
        pc: &mut PeerConnection,
        now: Instant,
        offer: SessionDescription,
        without: &[&str],
    ) -> Result<(), UsageError> {
        pc.set_remote_description(now, offer)?;
        let of_refused_kind = pc.transceivers().iter().filter(|t| without.contains(&t.kind().as_str()));
        let refused: Vec<_> = of_refused_kind.map(sendrecv::Transceiver::id).collect();
        for transceiver in refused {
            pc.set_direction(now, transceiver, Direction::Inactive)?;
        }
        for transceiver in idle_transceivers(pc, without) {
            send_back(pc, now, transceiver)?;
        }
        let answer = pc.create_answer()?;
        pc.set_local_description(now, Some(answer))
    }

    pub(crate) fn open_channel(
        &mut self,
        pc: &mut PeerConnection,
        now: Instant,
        channel: &Channel,
    ) -> Result<(), UsageError> {
        self.open(pc, now, &channel.label, channel.init.clone(), channel.echo)
    }

    fn open(
        &mut self,
        pc: &mut PeerConnection,
        now: Instant,
        label: &str,
        init: DataChannelInit,
        echo: bool,
    ) -> Result<(), UsageError> {
        let id = pc.create_data_channel(now, label, init)?;
        self.channels.insert(id, Remembered { label: label.to_owned(), echo, ..Remembered::default() });
        Ok(())
    }

    /// The newest channel with this label.
    fn find(&self, label: &str) -> Result<DataChannelId, String> {
        let found = self.channels.iter().rev().find(|(_, channel)| channel.label == label);
        found.map(|(id, _)| *id).ok_or_else(|| format!("there is no channel {label:?}"))
    }

    pub(crate) fn close_channel(
        &mut self,
        pc: &mut PeerConnection,
        now: Instant,
        label: &str,
    ) -> Result<(), String> {
        pc.close_data_channel(now, self.find(label)?).map_err(|error| error.to_string())
    }

    pub(crate) fn send(
        &mut self,
        pc: &mut PeerConnection,
        now: Instant,
        send: &Send,
    ) -> Result<Tally, String> {
        let id = self.find(&send.channel)?;
        let messages: Vec<Message> = match (&send.text, send.bytes, send.count) {
            (Some(text), None, None) => vec![Message::from(text.as_str())],
            (None, Some(size), None) => vec![Message::Binary(pattern(0, size).into())],
            (None, None, Some(count)) if !send.sizes.is_empty() => (0..count)
                .map(|i| Message::Binary(pattern(i, send.sizes[i as usize % send.sizes.len()]).into()))
                .collect(),
            _ => return Err("send takes one of text, bytes, or count with sizes".to_owned()),
        };
        let mut sent = Tally::default();
        messages.iter().for_each(|message| sent.add(message));
        if let Some(channel) = self.channels.get_mut(&id) {
            channel.waiting.extend(messages);
        }
        self.flush(pc, now, id).map_err(|error| error.to_string())?;
        Ok(sent)
    }

    /// Sends what waits for room in this channel. What cannot leave before the channel is open waits for that, too.
    fn flush(&mut self, pc: &mut PeerConnection, now: Instant, id: DataChannelId) -> Result<(), UsageError> {
        let Some(remembered) = self.channels.get_mut(&id) else { return Ok(()) };
        while let Some(message) = remembered.waiting.front() {
            if pc.data_channel(id).is_none_or(|channel| channel.buffered_amount() >= BUFFER) {
                return pc.set_buffered_amount_low_threshold(now, id, BUFFER / 2);
            }
            match pc.send_early(now, id, message.clone()) {
                Ok(()) => drop(remembered.waiting.pop_front()),
                Err(_) if !remembered.open => return Ok(()),
                Err(error) => {
                    remembered.waiting.clear();
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn on_message(&mut self, pc: &mut PeerConnection, now: Instant, id: DataChannelId, message: Message) {
        let channel = self.channels.entry(id).or_default();
        channel.received.add(&message);
        if let Some(text) = message.as_text() {
            channel.last_text = Some(text.chars().take(200).collect());
        }
        if channel.echo {
            self.echo.on_message(pc, now, id, message);
        }
    }

    fn on_incoming(&mut self, pc: &PeerConnection, id: DataChannelId) {
        let label = pc.data_channel(id).map(|channel| channel.label().to_owned()).unwrap_or_default();
        self.channels.insert(id, Remembered { label, echo: true, ..Remembered::default() });
    }

    /// Echoes another simulcast stream.
    pub(crate) fn select_layer(&mut self, rid: &str) {
        self.echo.select_layer(rid);
    }

    /// The answer to `state`.
    pub(crate) fn describe(&self, pc: &PeerConnection) -> Value {
        let channels: serde_json::Map<String, Value> = self
            .channels
            .iter()
            .map(|(id, channel)| (channel.label.clone(), describe_channel(pc, *id, channel)))
            .collect();
        let media = |kind| {
            let received = self.media.get(&kind);
            json!({
                "packets": received.map_or(0, |r| r.packets),
                "frames": received.map_or(0, |r| r.frames),
                "bytes": received.map_or(0, |r| r.bytes),
                "layers": received.map(|r| &r.layers),
            })
        };
        json!({
            "connectionState": pc.connection_state(),
            "iceConnectionState": pc.ice_connection_state(),
            "iceGatheringState": pc.ice_gathering_state(),
            "maxPacketSize": pc.sctp().map(|sctp| sctp.max_packet_size),
            "signalingState": pc.signaling_state().as_str(),
            "channels": channels,
            "received": { "audio": media(TrackKind::Audio), "video": media(TrackKind::Video) },
        })
    }
}

fn describe_channel(pc: &PeerConnection, id: DataChannelId, remembered: &Remembered) -> Value {
    let live = pc.data_channel(id);
    let state = match &live {
        _ if remembered.closed => DataChannelState::Closed,
        Some(channel) => channel.ready_state(),
        None => DataChannelState::Closed,
    };
    json!({
        "readyState": state.as_str(),
        "id": live.as_ref().and_then(sendrecv::DataChannel::stream_id),
        "bufferedAmount": live.as_ref().map_or(0, sendrecv::DataChannel::buffered_amount),
        "waiting": remembered.waiting.len(),
        "received": remembered.received,
        "lastText": remembered.last_text,
    })
}

impl Application for Scripted {
    fn on_event(&mut self, pc: &mut PeerConnection, now: Instant, event: Event) {
        match event {
            Event::DataChannel(id) => self.on_incoming(pc, id),
            Event::DataChannelOpen(id) => {
                self.channels.entry(id).or_default().open = true;
                let _ = self.flush(pc, now, id);
            }
            Event::DataChannelMessage { channel, message } => self.on_message(pc, now, channel, message),
            Event::DataChannelBufferedAmountLow(id) => {
                let _ = self.flush(pc, now, id);
                self.echo.on_event(pc, now, &event);
            }
            Event::DataChannelClose(id) => {
                if let Some(channel) = self.channels.get_mut(&id) {
                    channel.closed = true;
                    channel.waiting.clear();
                }
                self.echo.on_event(pc, now, &event);
            }
            other => self.echo.on_event(pc, now, &other),
        }
    }

    fn on_rtp(&mut self, pc: &mut PeerConnection, now: Instant, packet: ReceivedRtp<'_>) {
        let received = self.media.entry(packet.kind).or_default();
        received.packets += 1;
        received.bytes += packet.payload().len() as u64;
        if let Some(rid) = packet.rid() {
            match received.layers.get_mut(rid) {
                Some(packets) => *packets += 1,
                None => drop(received.layers.insert(rid.to_owned(), 1)),
            }
        }
        let timestamp = Some(packet.packet().timestamp());
        if received.last_timestamp != timestamp {
            received.last_timestamp = timestamp;
            received.frames += 1;
        }
        if self.sources.is_none() {
            self.echo.on_rtp(pc, now, &packet);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.sources.as_ref().and_then(Sources::poll_timeout)
    }

    fn handle_timeout(&mut self, pc: &mut PeerConnection, now: Instant) {
        if let Some(sources) = &mut self.sources {
            sources.handle_timeout(pc, now);
        }
    }
}
