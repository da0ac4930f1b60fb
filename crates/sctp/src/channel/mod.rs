//! Data channels (RFC 8831) over an [`Association`], opened by DCEP (RFC 8832) or negotiated elsewhere.

mod close;
mod dcep;
mod early;
mod ids;
mod incoming;
mod types;

pub use dcep::ppid;
pub use types::{
    ChannelEvent, ChannelFailure, ChannelId, ChannelState, ChannelStats, CreateError, DataChannelInit,
    DtlsRole, InvalidInit, Message,
};

use crate::num::wide;
use crate::table::{Slab, StreamMap};
use crate::{Association, Config, Discard, SendError, SendOptions, Stats, UsageError};
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::time::Duration;
use early::Early;
use ids::Ids;
use sendrecv_core::{Instant, Machine, PacketBuf, Seed, Transmit};

/// The limit for messages to a peer that says nothing (RFC 8841, section 6.1).
const DEFAULT_REMOTE_MAX_MESSAGE_SIZE: usize = 65_536;

/// A channel's record.
#[derive(Clone, Debug)]
struct Channel {
    generation: u32,
    label: String,
    init: DataChannelInit,
    /// The stream, once chosen.
    stream: Option<u16>,
    state: ChannelState,
    /// The peer opened it.
    incoming: bool,
    /// The peer knows the channel: messages may overtake the OPEN.
    confirmed: bool,
    /// Our side of the stream was reset, and the peer's.
    outgoing_reset: bool,
    incoming_reset: bool,
    low_threshold: usize,
    stats: ChannelStats,
}

/// All data channels of one peer, and the SCTP association below them.
///
/// ```
/// use sendrecv_core::{Instant, Seed};
/// use sendrecv_sctp::Config;
/// use sendrecv_sctp::channel::{DataChannelInit, DataChannels, DtlsRole};
///
/// let now = Instant::ZERO;
/// let mut channels = DataChannels::new(Config::webrtc(), &Seed::from_u64(1), now);
/// let chat = channels.create(now, "chat", DataChannelInit::default()).unwrap();
/// channels.connect(now, DtlsRole::Client).unwrap();
/// assert_eq!(channels.stream_id(chat), Some(0));
/// ```
#[derive(Debug)]
pub struct DataChannels {
    association: Association,
    now: Instant,
    channels: Slab<Channel>,
    by_stream: StreamMap<u32>,
    ids: Ids,
    next_generation: u32,
    /// Channels created before the DTLS role was known, in order.
    without_id: Vec<ChannelId>,
    early: Early,
    events: VecDeque<ChannelEvent>,
    connected: bool,
    remote_max_message_size: usize,
    /// Bytes of labels and protocols of channels the peer opened.
    incoming_text: usize,
    /// Messages on streams without a channel, or with a protocol identifier that means nothing here.
    stray_messages: u64,
}

impl DataChannels {
    /// Data channels of an association that is not connected yet.
    pub fn new(config: Config, seed: &Seed, now: Instant) -> Self {
        Self {
            association: Association::new(config, seed, now),
            now,
            channels: Slab::default(),
            by_stream: StreamMap::default(),
            ids: Ids::default(),
            next_generation: 0,
            without_id: Vec::new(),
            early: Early::default(),
            events: VecDeque::new(),
            connected: false,
            remote_max_message_size: DEFAULT_REMOTE_MAX_MESSAGE_SIZE,
            incoming_text: 0,
            stray_messages: 0,
        }
    }

    /// Begins again with another association, because the transport below is another one: every channel closes, and
    /// [`connect`](Self::connect) is due again. Handles are not used twice.
    pub fn restart(&mut self, config: Config, seed: &Seed, now: Instant) {
        let channels: Vec<ChannelId> = self.channels().collect();
        channels.into_iter().for_each(|channel| self.discard(channel));
        self.now = self.now.max(now);
        self.association = Association::new(config, seed, now);
        self.by_stream = StreamMap::default();
        self.ids = Ids::default();
        self.connected = false;
    }

    /// The association below.
    pub const fn association(&self) -> &Association {
        &self.association
    }

    /// Counters and gauges of the association below.
    pub fn stats(&self) -> Stats {
        self.association.stats()
    }

    /// Messages that came for no channel.
    pub const fn stray_messages(&self) -> u64 {
        self.stray_messages
    }

    /// Connects once DTLS is: the role decides the numbers of the channels created so far, which are opened with the
    /// first packets.
    ///
    /// # Errors
    /// `WrongState` unless this is the first time.
    pub fn connect(&mut self, now: Instant, role: DtlsRole) -> Result<(), UsageError> {
        self.association.connect(now)?;
        self.begin(now, role);
        Ok(())
    }

    /// Like [`connect`](Self::connect), with the INIT chunk the peer signalled (SNAP): no handshake is needed.
    ///
    /// # Errors
    /// Those of [`Association::connect_with_init`].
    pub fn connect_with_init(
        &mut self,
        now: Instant,
        role: DtlsRole,
        remote_init: &[u8],
    ) -> Result<(), UsageError> {
        self.association.connect_with_init(now, remote_init)?;
        self.begin(now, role);
        Ok(())
    }

    /// The INIT chunk to signal to the peer (SNAP).
    pub fn local_init(&self) -> Vec<u8> {
        self.association.local_init()
    }

    fn begin(&mut self, now: Instant, role: DtlsRole) {
        self.now = self.now.max(now);
        self.ids.set_role(role);
        self.refuse_too_long();
        for channel in core::mem::take(&mut self.without_id) {
            match self.allocate() {
                Some(stream) => self.attach(channel, stream),
                None => self.fail(channel, ChannelFailure::NoStream),
            }
        }
        self.send_what_waited();
    }

    /// Creates a channel. Before [`connect`](Self::connect) its number may still be open.
    ///
    /// # Errors
    /// [`CreateError`] says why there is no channel; nothing changed then.
    pub fn create(
        &mut self,
        now: Instant,
        label: &str,
        init: DataChannelInit,
    ) -> Result<ChannelId, CreateError> {
        self.now = self.now.max(now);
        dcep::check(label, &init).map_err(CreateError::InvalidInit)?;
        if self.association.close_reason().is_some() {
            return Err(CreateError::Closed);
        }
        let stream = match init.id.filter(|_| init.negotiated) {
            Some(id) if id >= self.association.outbound_streams() => {
                return Err(CreateError::InvalidInit(InvalidInit::IdOutOfRange));
            }
            Some(id) if self.by_stream.get(id).is_some() => return Err(CreateError::IdInUse),
            Some(id) => Some(id),
            None if self.ids.role_is_known() => Some(self.allocate().ok_or(CreateError::IdsExhausted)?),
            None => None,
        };
        let channel = self.insert(label.into(), init);
        match stream {
            Some(stream) => self.attach(channel, stream),
            None => self.without_id.push(channel),
        }
        Ok(channel)
    }

    fn allocate(&mut self) -> Option<u16> {
        let by_stream = &self.by_stream;
        self.ids.allocate(self.association.outbound_streams(), |id| by_stream.get(id).is_none())
    }

    fn insert(&mut self, label: String, init: DataChannelInit) -> ChannelId {
        let generation = self.next_generation;
        self.next_generation = generation.wrapping_add(1);
        let slot = self.channels.insert(Channel {
            generation,
            label,
            init,
            stream: None,
            state: ChannelState::Connecting,
            incoming: false,
            confirmed: false,
            outgoing_reset: false,
            incoming_reset: false,
            low_threshold: 0,
            stats: ChannelStats::default(),
        });
        ChannelId { slot, generation }
    }

    /// Gives a channel its stream and announces it.
    fn attach(&mut self, id: ChannelId, stream: u16) {
        let open = {
            let Some(channel) = self.get_mut(id) else { return };
            channel.stream = Some(stream);
            channel.init.id = Some(stream);
            channel.confirmed = channel.init.negotiated;
            let open = (!channel.init.negotiated).then(|| dcep::encode_open(&channel.label, &channel.init));
            let (priority, threshold) = (channel.init.priority, channel.low_threshold);
            self.association.set_priority(stream, priority);
            self.association.set_buffered_amount_low_threshold(stream, threshold);
            open
        };
        self.by_stream.insert(stream, id.slot);
        if let Some(Ok(bytes)) = open {
            // Cannot be refused: the stream is new and control messages are not held to the buffer's limit.
            let _ = self.association.send_control(self.now, stream, ppid::DCEP, bytes.into());
        }
        if self.connected {
            self.open(id);
        }
    }

    fn open(&mut self, id: ChannelId) {
        if let Some(channel) = self.get_mut(id)
            && channel.state == ChannelState::Connecting
        {
            channel.state = ChannelState::Open;
            self.events.push_back(ChannelEvent::Opened(id));
        }
    }

    fn get(&self, id: ChannelId) -> Option<&Channel> {
        self.channels.get(id.slot).filter(|channel| channel.generation == id.generation)
    }

    fn get_mut(&mut self, id: ChannelId) -> Option<&mut Channel> {
        self.channels.get_mut(id.slot).filter(|channel| channel.generation == id.generation)
    }

    fn id_of(&self, stream: u16) -> Option<ChannelId> {
        let slot = *self.by_stream.get(stream)?;
        Some(ChannelId { slot, generation: self.channels.get(slot)?.generation })
    }

    /// Hands over a message.
    ///
    /// # Errors
    /// [`SendError`] says why the message was not taken; nothing changed then. [`send_early`](Self::send_early) need not
    /// wait for the channel to be open.
    pub fn send(&mut self, now: Instant, channel: ChannelId, message: Message) -> Result<(), SendError> {
        self.now = self.now.max(now);
        let record = self.get(channel).ok_or(SendError::Closed)?;
        let stream = match record.state {
            ChannelState::Open => record.stream.ok_or(SendError::Connecting)?,
            ChannelState::Connecting => return Err(SendError::Connecting),
            ChannelState::Closing => return Err(SendError::Closing),
            ChannelState::Closed => return Err(SendError::Closed),
        };
        self.hand_over(channel, stream, message)
    }

    fn check_len(&self, message: &Message) -> Result<(), SendError> {
        let limit = self.remote_max_message_size;
        if message.bytes().len() > limit { Err(SendError::TooLarge { limit }) } else { Ok(()) }
    }

    /// Gives a message to the association, whatever the channel's state.
    fn hand_over(&mut self, channel: ChannelId, stream: u16, message: Message) -> Result<(), SendError> {
        let record = self.get(channel).ok_or(SendError::Closed)?;
        let options = SendOptions {
            // Until the peer knows the channel nothing may overtake the OPEN (RFC 8832, section 6).
            unordered: !record.init.ordered && record.confirmed,
            lifetime: record.init.max_packet_life_time.map(|millis| Duration::from_millis(u64::from(millis))),
            max_retransmits: record.init.max_retransmits,
        };
        self.check_len(&message)?;
        let len = message.bytes().len();
        let (ppid, data) = match message {
            Message::Text(bytes) if bytes.is_empty() => (ppid::STRING_EMPTY, Bytes::from_static(&[0])),
            Message::Binary(bytes) if bytes.is_empty() => (ppid::BINARY_EMPTY, Bytes::from_static(&[0])),
            Message::Text(bytes) => (ppid::STRING, bytes),
            Message::Binary(bytes) => (ppid::BINARY, bytes),
        };
        self.association.send(self.now, stream, ppid, data, options)?;
        if let Some(record) = self.get_mut(channel) {
            record.stats.messages_sent = record.stats.messages_sent.saturating_add(1);
            record.stats.bytes_sent = record.stats.bytes_sent.saturating_add(wide(len));
        }
        Ok(())
    }

    /// Bytes handed over on this channel that were never sent; 0 for a channel that is no more.
    pub fn buffered_amount(&self, channel: ChannelId) -> usize {
        let stream = self.get(channel).and_then(|channel| channel.stream);
        let queued = stream.map_or(0, |stream| self.association.buffered_amount(stream));
        queued.saturating_add(self.early.buffered(channel))
    }

    /// Sets the threshold in bytes for [`ChannelEvent::BufferedAmountLow`]; 0 at first.
    pub fn set_buffered_amount_low_threshold(&mut self, channel: ChannelId, bytes: usize) {
        let Some(record) = self.get_mut(channel) else { return };
        record.low_threshold = bytes;
        if let Some(stream) = record.stream {
            self.association.set_buffered_amount_low_threshold(stream, bytes);
        }
    }

    /// The channel's state; closed for a handle that means nothing any more.
    pub fn state(&self, channel: ChannelId) -> ChannelState {
        self.get(channel).map_or(ChannelState::Closed, |channel| channel.state)
    }

    /// The channel's stream number, once it has one.
    pub fn stream_id(&self, channel: ChannelId) -> Option<u16> {
        self.get(channel)?.stream
    }

    /// The channel's label.
    pub fn label(&self, channel: ChannelId) -> Option<&str> {
        self.get(channel).map(|channel| channel.label.as_str())
    }

    /// The channel's parameters.
    pub fn init(&self, channel: ChannelId) -> Option<&DataChannelInit> {
        self.get(channel).map(|channel| &channel.init)
    }

    /// What was sent and received on the channel.
    pub fn channel_stats(&self, channel: ChannelId) -> Option<ChannelStats> {
        self.get(channel).map(|channel| channel.stats)
    }

    /// Every channel there is, by handle.
    pub fn channels(&self) -> impl Iterator<Item = ChannelId> + '_ {
        self.channels.iter().map(|(slot, channel)| ChannelId { slot, generation: channel.generation })
    }

    /// Sets the longest message in bytes the peer takes (`a=max-message-size`); 0 means any.
    pub const fn set_remote_max_message_size(&mut self, bytes: usize) {
        self.remote_max_message_size = if bytes == 0 { usize::MAX } else { bytes };
    }

    /// The longest message in bytes the peer takes.
    pub const fn remote_max_message_size(&self) -> usize {
        self.remote_max_message_size
    }

    /// Sets the longest SCTP packet in bytes that is known to pass on a new path, and the longest that path MTU discovery
    /// tries there.
    pub fn set_packet_sizes(&mut self, now: Instant, max_packet_size: usize, max_probe_size: usize) {
        self.association.set_packet_sizes(now, max_packet_size, max_probe_size);
    }

    /// See [`Association::lower_layer_is_ready`].
    pub fn lower_layer_is_ready(&mut self, now: Instant) {
        self.association.lower_layer_is_ready(now);
    }

    /// Takes one packet from the peer.
    ///
    /// # Errors
    /// [`Discard`] says why the packet had no effect.
    pub fn handle_datagram(&mut self, now: Instant, packet: &[u8]) -> Result<(), Discard> {
        self.now = self.now.max(now);
        self.association.handle_datagram(now, packet)
    }

    /// Writes another packet of data of at most `len` bytes, for a batch; see [`Association::poll_another`].
    pub fn poll_another(&mut self, now: Instant, len: usize, out: &mut PacketBuf<'_>) -> Option<Transmit> {
        self.now = self.now.max(now);
        self.association.poll_another(now, len, out)
    }

    /// Ends the association in order.
    ///
    /// # Errors
    /// `WrongState` when it is closed or already being shut down.
    pub fn shutdown(&mut self, now: Instant) -> Result<(), UsageError> {
        self.association.shutdown(now)
    }

    /// Ends the association at once, as browsers do when a peer connection closes.
    pub fn abort(&mut self, now: Instant) {
        self.association.abort(now, "closed");
    }
}

impl Machine for DataChannels {
    type Event = ChannelEvent;

    fn handle_timeout(&mut self, now: Instant) {
        self.now = self.now.max(now);
        self.association.handle_timeout(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.association.poll_timeout()
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> Option<Transmit> {
        self.association.poll_transmit(now, out)
    }

    fn poll_event(&mut self) -> Option<ChannelEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let event = self.association.poll_event()?;
            if let Some(event) = self.translate(event) {
                return Some(event);
            }
        }
    }
}
