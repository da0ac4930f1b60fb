//! An SCTP association (RFC 9260) as a machine.

mod close;
mod control;
mod cookie;
mod handshake;
mod path;
mod receive;
mod reset;
mod snap;
mod transmit;

pub use snap::is_usable_init;

use crate::num::{clamp32, size};
use crate::receive::Receiver;
use crate::send::Sender;
use crate::wire::InitExtensions;
use crate::{CloseReason, Config, Event, MIN_PACKET_SIZE, SendError, SendOptions, Stats, UsageError};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::Bytes;
use control::Control;
use cookie::CookieKey;
use path::Path;
use reset::Resets;
use sendrecv_core::{Clock, Instant, Machine, PacketBuf, Rng, Seed, Transmit, earliest};

/// An association's state (RFC 9260, section 4).
///
/// ```text
///                    connect / INIT           INIT ACK / COOKIE ECHO
///          Closed ------------------> CookieWait ----------> CookieEchoed
///             \                                                  |
///              \ COOKIE ECHO / COOKIE ACK            COOKIE ACK  |
///               `-----------------> Established <----------------'
///                 shutdown |              | SHUTDOWN
///                   ShutdownPending   ShutdownReceived
///          all acked, SHUTDOWN |          | all acked, SHUTDOWN ACK
///                     ShutdownSent    ShutdownAckSent
///     SHUTDOWN ACK / SHUTDOWN COMPLETE \  / SHUTDOWN COMPLETE
///                                     Closed
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not yet connected, or no longer.
    Closed,
    /// Our INIT waits for its answer.
    CookieWait,
    /// Our COOKIE ECHO waits for its answer.
    CookieEchoed,
    /// Messages flow.
    Established,
    /// We want to end; what was sent is still being acknowledged.
    ShutdownPending,
    /// Our SHUTDOWN waits for its answer.
    ShutdownSent,
    /// The peer wants to end; what was sent is still being acknowledged.
    ShutdownReceived,
    /// Our SHUTDOWN ACK waits for its answer.
    ShutdownAckSent,
}

/// What is known of the peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Peer {
    /// The tag the peer wants to be addressed with; 0 when unknown.
    tag: u32,
    initial_tsn: u32,
    /// How many streams we may send on, and the peer may send on.
    outbound_streams: u16,
    inbound_streams: u16,
    extensions: InitExtensions,
}

/// An SCTP association: one peer, many streams, messages in both directions.
///
/// Both sides may call [`connect`](Self::connect); one that does not still answers. Messages may be handed over before
/// the association is established. See [`Machine`] for the loop that drives it.
#[derive(Debug)]
pub struct Association {
    config: Config,
    clock: Clock,
    rng: Rng,
    cookie_key: CookieKey,
    state: State,
    local_tag: u32,
    local_initial_tsn: u32,
    peer: Peer,
    sender: Sender,
    receiver: Receiver,
    control: Control,
    resets: Resets,
    path: Path,
    events: VecDeque<Event>,
    close_reason: Option<CloseReason>,
    /// Chunks of the handshake or the shutdown that are sent again until answered.
    handshake_at: Option<Instant>,
    handshake_attempts: u32,
    /// Our INIT left before the peer could be expected to take it: the next one counts as the first.
    init_was_early: bool,
    /// Our COOKIE ECHO, and whether it is to be sent.
    cookie_echo: Vec<u8>,
    cookie_due: bool,
    /// When a shutdown that does not end is cut short.
    shutdown_guard_at: Option<Instant>,
    /// The shutdown begins as soon as the association is established.
    shutdown_asked: bool,
    stats: Stats,
}

impl Association {
    /// An association that is not connected yet. `seed` gives its tags, its first TSN and its cookie key.
    pub fn new(config: Config, seed: &Seed, now: Instant) -> Self {
        let config = sane(config);
        let mut rng = seed.derive("sctp").rng();
        let mut secrets = seed.derive("sctp cookie").rng();
        let local_tag = nonzero(&mut rng);
        let local_initial_tsn = rng.u32();
        Self {
            clock: Clock::new(now),
            cookie_key: CookieKey::new(&mut secrets),
            state: State::Closed,
            local_tag,
            local_initial_tsn,
            peer: Peer::default(),
            sender: Sender::new(&config, local_initial_tsn, now),
            receiver: Receiver::new(&config, 0),
            control: Control::default(),
            resets: Resets::new(local_initial_tsn),
            path: Path::new(&config),
            events: VecDeque::new(),
            close_reason: None,
            handshake_at: None,
            handshake_attempts: 0,
            init_was_early: false,
            cookie_echo: Vec::new(),
            cookie_due: false,
            shutdown_guard_at: None,
            shutdown_asked: false,
            stats: Stats::default(),
            rng,
            config,
        }
    }

    /// The present state.
    pub const fn state(&self) -> State {
        self.state
    }

    /// Why the association ended, once it has.
    pub const fn close_reason(&self) -> Option<&CloseReason> {
        self.close_reason.as_ref()
    }

    /// The extensions both sides have, once established.
    pub const fn extensions(&self) -> InitExtensions {
        self.peer.extensions
    }

    /// How many streams we may send on: what both sides accept, or what we asked for while that is unknown.
    pub const fn outbound_streams(&self) -> u16 {
        if self.peer.tag == 0 { self.config.outbound_streams } else { self.peer.outbound_streams }
    }

    /// The settings, as they are used.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Counters and gauges.
    pub fn stats(&self) -> Stats {
        let min_rtt = self.sender.rtt.min();
        Stats {
            messages_sent: self.sender.queue.messages_sent,
            messages_abandoned: self.sender.queue.messages_abandoned,
            data_chunks_sent: self.sender.data_chunks_sent,
            retransmissions: self.sender.retransmissions,
            timeouts: self.sender.timeouts,
            tail_loss_probes: self.sender.probes,
            spurious_recoveries: self.sender.spurious_recoveries,
            duplicates_received: self.receiver.duplicates,
            sacks_sent: self.receiver.sacks_sent,
            smoothed_rtt: self.sender.rtt.smoothed(),
            min_rtt: (min_rtt != core::time::Duration::MAX).then_some(min_rtt),
            rto: self.sender.rtt.rto(),
            congestion_window: self.sender.congestion_window(),
            bytes_in_flight: self.sender.bytes_in_flight(),
            peer_window: self.sender.peer_window(),
            receive_window: self.receiver.advertised_window(),
            buffered_amount: self.sender.queue.buffered(),
            max_packet_size: self.path.packet_size(),
            backwards_time: self.clock.backwards(),
            ..self.stats
        }
    }

    /// Hands over a message. Before the association is established it waits.
    ///
    /// # Errors
    /// [`SendError`] says why the message was not taken; nothing changed then.
    pub fn send(
        &mut self,
        now: Instant,
        stream: u16,
        ppid: u32,
        data: Bytes,
        options: SendOptions,
    ) -> Result<(), SendError> {
        let now = self.clock.advance(now);
        let open = matches!(self.state, State::CookieWait | State::CookieEchoed | State::Established)
            || self.state == State::Closed && self.close_reason.is_none();
        if !open || self.shutdown_asked {
            return Err(SendError::Closed);
        }
        if stream >= self.outbound_streams() {
            return Err(SendError::NoSuchStream);
        }
        self.sender.queue.push(now, stream, ppid, data, &options)
    }

    /// Hands over a message of the layer above this one's own: it does not count as buffered by the application.
    pub(crate) fn send_control(
        &mut self,
        now: Instant,
        stream: u16,
        ppid: u32,
        data: Bytes,
    ) -> Result<(), SendError> {
        let now = self.clock.advance(now);
        self.sender.queue.push_uncounted(now, stream, ppid, data)
    }

    /// Bytes handed over for this stream that were never sent.
    pub fn buffered_amount(&self, stream: u16) -> usize {
        self.sender.queue.stream_buffered(stream)
    }

    /// Sets the threshold in bytes for [`Event::BufferedAmountLow`] of this stream; 0 at first.
    pub fn set_buffered_amount_low_threshold(&mut self, stream: u16, bytes: usize) {
        self.sender.queue.set_low_threshold(stream, bytes);
    }

    /// Sets a stream's priority: its rank, or its share. 256 at first; see [`Scheduling`](crate::Scheduling).
    pub fn set_priority(&mut self, stream: u16, priority: u16) {
        self.sender.queue.set_priority(stream, priority);
    }

    /// Tells that there is another path: the longest packet in bytes that is known to pass, at least
    /// [`MIN_PACKET_SIZE`], and the longest to try. What was found out of the path before is forgotten; see
    /// [`max_packet_size`](Config::max_packet_size) and [`max_probe_size`](Config::max_probe_size).
    pub fn set_packet_sizes(&mut self, now: Instant, max_packet_size: usize, max_probe_size: usize) {
        let now = self.clock.advance(now);
        (self.config.max_packet_size, self.config.max_probe_size) = (max_packet_size, max_probe_size);
        clamp_packet_sizes(&mut self.config);
        self.path.set_limits(now, self.config.max_packet_size, self.config.max_probe_size);
        self.apply_packet_size();
    }

    /// Asks the peer to let us start these streams over, once everything handed over for them has been sent
    /// (RFC 6525). [`Event::OutgoingStreamReset`] tells the outcome.
    ///
    /// # Errors
    /// `NotSupportedByPeer`, or `NoSuchStream` when the stream is already being reset.
    pub fn reset_stream(&mut self, now: Instant, stream: u16) -> Result<(), UsageError> {
        self.clock.advance(now);
        if self.close_reason.is_some() {
            return Err(UsageError::WrongState);
        }
        if self.peer.tag != 0 && !self.peer.extensions.reconfig {
            return Err(UsageError::NotSupportedByPeer);
        }
        if self.sender.queue.close_stream(stream) { Ok(()) } else { Err(UsageError::NoSuchStream) }
    }

    /// Why [`poll_timeout`](Machine::poll_timeout) says what it says, for people who debug a busy loop.
    pub fn timeout_reason(&self) -> Option<(&'static str, Instant)> {
        [
            ("handshake", self.handshake_at),
            ("loss detection or pacing", self.sender.deadline().filter(|_| self.sends_data())),
            ("delayed acknowledgement", self.receiver.sack_deadline()),
            ("stream reset", self.resets.deadline()),
            ("heartbeat or path probe", self.path.deadline()),
            ("shutdown guard", self.shutdown_guard_at),
        ]
        .into_iter()
        .filter_map(|(name, at)| at.map(|at| (name, at)))
        .min_by_key(|(_, at)| *at)
    }

    /// Whether DATA may be sent in this state.
    const fn sends_data(&self) -> bool {
        matches!(self.state, State::Established | State::ShutdownPending | State::ShutdownReceived)
    }

    /// Whether there is a peer that acknowledges.
    const fn is_established(&self) -> bool {
        !matches!(self.state, State::Closed | State::CookieWait | State::CookieEchoed)
    }
}

impl Machine for Association {
    type Event = Event;

    fn handle_timeout(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        self.handshake_timeout(now);
        if self.sends_data() && self.sender.handle_timeout(now) && self.gives_up(self.sender.errors) {
            self.fail(CloseReason::PeerUnreachable);
        }
        self.receiver.handle_timeout(now);
        self.path_timeout(now);
        self.reset_timeout(now);
        self.after_progress(now);
        self.guard_timeout(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let sender = self.sender.deadline().filter(|_| self.sends_data());
        let data = earliest(sender, self.receiver.sack_deadline());
        let control = earliest(self.handshake_at, earliest(self.resets.deadline(), self.path.deadline()));
        earliest(data, earliest(control, self.shutdown_guard_at))
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> Option<Transmit> {
        let now = self.clock.advance(now);
        self.transmit(now, out).then(Transmit::selected)
    }

    fn poll_event(&mut self) -> Option<Event> {
        if let Some(event) = self.events.pop_front() {
            if let Event::Message(message) = &event {
                self.receiver.on_taken(message.data.len());
                self.stats.messages_received = self.stats.messages_received.saturating_add(1);
            }
            return Some(event);
        }
        self.sender.queue.pop_low().map(|stream| Event::BufferedAmountLow { stream })
    }
}

#[cfg(test)]
impl Association {
    /// Begins with this TSN, before connecting.
    pub(crate) fn begin_with_tsn(&mut self, tsn: u32) {
        self.local_initial_tsn = tsn;
        self.sender = Sender::new(&self.config, tsn, self.clock.now());
        self.resets = Resets::new(tsn);
    }

    /// Numbers a stream's messages from here, both ways, once established.
    pub(crate) fn number_from(&mut self, stream: u16, number: u32) {
        self.sender.queue.number_from(stream, number);
        self.receiver.number_from(stream, number);
    }
}

/// Settings brought into the ranges they must have.
fn sane(mut config: Config) -> Config {
    clamp_packet_sizes(&mut config);
    config.outbound_streams = config.outbound_streams.max(1);
    config.inbound_streams = config.inbound_streams.max(1);
    config.receive_buffer = config.receive_buffer.clamp(1 << 13, size(clamp32(usize::MAX) / 2));
    config
}

fn clamp_packet_sizes(config: &mut Config) {
    config.max_packet_size = config.max_packet_size.clamp(MIN_PACKET_SIZE, size(u32::from(u16::MAX)));
    config.max_probe_size = config.max_probe_size.min(size(u32::from(u16::MAX)));
}

/// A random number other than 0, for a tag.
fn nonzero(rng: &mut Rng) -> u32 {
    rng.u32().max(1)
}
