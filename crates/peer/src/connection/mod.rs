//! [`PeerConnection`]: what it owns, how it begins and how it ends. What it does is in the modules below.

mod channels;
mod drive;
mod dtmf;
mod ice;
mod media;
mod negotiate;
mod parameters;
mod receive;
mod receiver;
mod sections;
mod snap;
mod transmit;
mod transports;

pub use channels::DataChannel;
pub use media::{MediaPacket, ReceivedRtp};
pub use parameters::RtpSendParameters;
pub use receive::Inbound;
pub use receiver::RtpSource;
pub use transmit::Datagrams;
pub use transports::SctpTransport;

use crate::configuration::Configuration;
use crate::error::{Discard, UsageError};
use crate::event::Event;
use crate::ice_server;
use crate::jsep::{
    DataCapabilities, DtlsRole, Negotiation, NegotiationConfig, SessionDescription, SignalingState,
    TransceiverId,
};
use crate::record::{Input, InputLog, Recorder};
use crate::states::{
    self, DtlsTransportState, IceConnectionState, IceGatheringState, PeerConnectionState, SctpTransportState,
};
use crate::transport::Transport;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use sections::MediaSections;
use sendrecv_core::{Clock, DiscardReason, Discards, Instant, Machine, Seed};
use sendrecv_dtls::Certificate;
use sendrecv_ice::{IceAgent, TransportPolicy, UfragPrefix};
use sendrecv_media::{MediaConfig, MediaEngine};
use sendrecv_sctp::channel::DataChannels;

/// How long a certificate made for a connection is valid, in days, as in browsers.
const CERTIFICATE_DAYS: u32 = 31;
/// How many events an idle connection has room for.
const IDLE_EVENTS: usize = 4;
/// How often an established connection gives memory back, so that a busy one does not ask for it again at once.
const REST_INTERVAL: Duration = Duration::from_secs(1);

/// A WebRTC peer connection: the browser's `RTCPeerConnection`, synchronous and polled.
///
/// Members, states and the order of events are those of W3C webrtc-pc, in Rust's spelling; what a browser does in the
/// background is the host's loop here:
///
/// - datagrams from sockets go into [`handle_datagram`](Self::handle_datagram),
/// - what is to be sent comes out of [`poll_transmit`](Self::poll_transmit),
/// - at [`poll_timeout`](Self::poll_timeout) call [`handle_timeout`](Self::handle_timeout),
/// - [`poll_event`](Self::poll_event) tells what happened.
///
/// After any call that takes `&mut self`: drain events, then transmits, then read the timeout.
pub struct PeerConnection {
    clock: Clock,
    configuration: Configuration,
    jsep: Negotiation,
    transport: Transport,
    channels: DataChannels,
    media: MediaEngine,
    sections: MediaSections,
    /// `[[LastReturnedParameters]]` of senders.
    parameters: BTreeMap<TransceiverId, RtpSendParameters>,
    /// How many times parameters were returned.
    transactions: u64,
    /// Whether an application section was agreed on, whether SCTP was told to connect, and whether DTLS is connected to
    /// carry more than its INIT.
    sctp_wanted: bool,
    sctp_started: bool,
    sctp_runs: bool,
    /// The other side's INIT, if both were signalled: then the association needs no handshake.
    remote_init: Option<Vec<u8>>,
    /// Where associations have their randomness from, and how many there were before the present one.
    sctp_seed: Seed,
    associations: u64,
    /// What SCTP was last told of the sizes of packets on this path: the one to begin with, and the largest to try.
    packet_sizes: Option<(usize, usize)>,
    /// When ICE and DTLS had nothing to send, if nothing has happened since.
    transport_idle_at: Option<Instant>,
    /// Not before this memory is given back again.
    rest_at: Instant,
    events: VecDeque<Event>,
    connection_state: PeerConnectionState,
    ice_state: IceConnectionState,
    gathering_state: IceGatheringState,
    /// The states of transports that events have told.
    dtls_told: DtlsTransportState,
    sctp_told: Option<SctpTransportState>,
    /// Our candidates of the present ICE generation, as candidate-attributes.
    local_candidates: Vec<String>,
    /// The MID and index of the section whose transport all others share.
    transport_section: Option<(Option<String>, usize)>,
    closed: bool,
    channels_opened: u32,
    channels_closed: u32,
    discards: Discards<3>,
    recorder: Option<Recorder>,
}

impl PeerConnection {
    /// A connection that nobody has heard of yet. `seed` must be secret and used once; `now` is the host's clock.
    ///
    /// # Errors
    /// [`UsageError::IceServer`] for an unusable server, [`UsageError::Configuration`] for other contradictions.
    pub fn new(configuration: Configuration, seed: Seed, now: Instant) -> Result<Self, UsageError> {
        configuration.validate()?;
        let settings = &configuration.settings;
        let certificate = own_certificate(&configuration, &seed, now)?;
        let ice = make_ice(&configuration, &seed, now)?;
        let jsep = Negotiation::new(negotiation_config(&configuration), &seed.derive("jsep"));
        let media_config = MediaConfig {
            cname: jsep.cname().into(),
            wall_clock_at_zero: Duration::from_millis(settings.unix_ms_at_epoch),
            congestion_control: settings.media_congestion_control,
            ..MediaConfig::default()
        };
        let sctp_seed = seed.derive("sctp");
        let association_seed = sctp_seed.derive_indexed("association", 0);
        let channels = DataChannels::new(channel_config(&configuration), &association_seed, now);
        Ok(Self {
            clock: Clock::new(now),
            jsep,
            transport: Transport::new(&configuration, ice, certificate, &seed),
            channels,
            media: MediaEngine::new(media_config, &seed.derive("media"), now),
            sections: MediaSections::default(),
            parameters: BTreeMap::new(),
            transactions: 0,
            sctp_wanted: false,
            sctp_started: false,
            sctp_runs: false,
            remote_init: None,
            sctp_seed,
            associations: 0,
            packet_sizes: None,
            transport_idle_at: None,
            rest_at: now,
            events: VecDeque::new(),
            connection_state: PeerConnectionState::New,
            ice_state: IceConnectionState::New,
            gathering_state: IceGatheringState::New,
            dtls_told: DtlsTransportState::New,
            sctp_told: None,
            local_candidates: Vec::new(),
            transport_section: None,
            closed: false,
            channels_opened: 0,
            channels_closed: 0,
            discards: Discards::default(),
            recorder: None,
            configuration,
        })
    }

    /// The same, keeping a record of everything that enters from the first call on; see
    /// [`take_recording`](Self::take_recording). The record holds the seed, and so every secret of the session.
    ///
    /// # Errors
    /// As [`new`](Self::new); and [`UsageError::Configuration`] with a crypto provider that draws randomness of its own
    /// ([`CryptoProvider::is_deterministic`](sendrecv_crypto::CryptoProvider::is_deterministic)), as its run cannot be played
    /// again.
    pub fn new_recorded(configuration: Configuration, seed: Seed, now: Instant) -> Result<Self, UsageError> {
        if !configuration.settings.crypto.is_deterministic() {
            return Err(UsageError::Configuration(
                "a session cannot be recorded with a crypto provider that draws randomness of its own",
            ));
        }
        let recorder = Recorder::new(&configuration, &seed, now);
        let mut connection = Self::new(configuration, seed, now)?;
        connection.recorder = Some(recorder);
        Ok(connection)
    }

    /// Ends recording and returns what was recorded, if anything was.
    pub fn take_recording(&mut self) -> Option<InputLog> {
        self.recorder.take().map(Recorder::into_log)
    }

    /// `getConfiguration`.
    pub const fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// `setConfiguration`: ICE servers and policy may change, for the gathering to come; the rest may not.
    ///
    /// # Errors
    /// [`UsageError::Configuration`] for what cannot change, [`UsageError::IceServer`], [`UsageError::Closed`].
    pub fn set_configuration(
        &mut self,
        now: Instant,
        configuration: Configuration,
    ) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        configuration.validate()?;
        if configuration.bundle_policy != self.configuration.bundle_policy {
            return Err(UsageError::Configuration("the bundle policy cannot change"));
        }
        if !configuration.certificates.is_empty() {
            return Err(UsageError::Configuration("the certificates cannot change"));
        }
        self.record(|| Input::SetConfiguration { now, configuration: configuration.clone() });
        for server in &configuration.ice_servers {
            if !self.configuration.ice_servers.contains(server) {
                add_server(&mut self.transport.ice, server, now)?;
            }
        }
        let (settings, certificates) =
            (self.configuration.settings.clone(), self.configuration.certificates.clone());
        self.configuration = Configuration { settings, certificates, ..configuration };
        Ok(())
    }

    /// `signalingState`.
    pub const fn signaling_state(&self) -> SignalingState {
        self.jsep.signaling_state()
    }

    /// `connectionState`.
    pub const fn connection_state(&self) -> PeerConnectionState {
        self.connection_state
    }

    /// `iceConnectionState`.
    pub const fn ice_connection_state(&self) -> IceConnectionState {
        self.ice_state
    }

    /// `iceGatheringState`.
    pub const fn ice_gathering_state(&self) -> IceGatheringState {
        self.gathering_state
    }

    /// The DTLS transport's state.
    pub const fn dtls_state(&self) -> DtlsTransportState {
        if self.closed { DtlsTransportState::Closed } else { self.transport.state }
    }

    /// `canTrickleIceCandidates`.
    pub fn can_trickle_ice_candidates(&self) -> Option<bool> {
        self.jsep.can_trickle_ice_candidates()
    }

    /// The certificate we show.
    pub fn certificate(&self) -> &Certificate {
        &self.transport.certificate
    }

    /// Datagrams that had no effect for reasons of this layer; the layers below count their own.
    pub fn discarded(&self, reason: Discard) -> u64 {
        self.discards.get(reason)
    }

    /// `close`: channels, association, DTLS and ICE end, in this order. What they still have to say drains from
    /// [`poll_transmit`](Self::poll_transmit); no events follow but the channels' `close`.
    pub fn close(&mut self, now: Instant) {
        let Ok(now) = self.enter(now) else { return };
        self.record(|| Input::Close { now });
        self.closed = true;
        self.jsep.close();
        self.channels.abort(now);
        self.drain_channels();
        self.media.close(now);
        self.connection_state = PeerConnectionState::Closed;
        self.ice_state = IceConnectionState::Closed;
    }

    /// Whether [`close`](Self::close) was called.
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Lets happen what is due at `now`. Too early or too late does no harm.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        self.record(|| Input::Timeout { now });
        self.transport_idle_at = None;
        self.transport.handle_timeout(now);
        if self.poll_channel_timeout().is_some_and(|at| at <= now) {
            self.channels.handle_timeout(now);
        }
        self.media.handle_timeout(now);
        self.drive(now);
        if self.connection_state == PeerConnectionState::Connected && now >= self.rest_at {
            self.rest_at = now + REST_INTERVAL;
            self.rest();
        }
    }

    /// Gives back memory that setting up a connection took, and keeping it does not need.
    fn rest(&mut self) {
        self.jsep.rest();
        if self.events.is_empty() {
            self.events.shrink_to(IDLE_EVENTS);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let lower = sendrecv_core::earliest(self.transport.poll_timeout(), self.poll_channel_timeout());
        if self.transport.can_send_media() {
            sendrecv_core::earliest(lower, self.media.poll_timeout())
        } else {
            lower
        }
    }

    /// SCTP's time runs only while its packets can go out.
    fn poll_channel_timeout(&self) -> Option<Instant> {
        if self.sctp_started { self.channels.poll_timeout() } else { None }
    }

    /// The next event, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Makes the caller's time monotonic, or says that the connection is closed.
    fn enter(&mut self, now: Instant) -> Result<Instant, UsageError> {
        let now = self.clock.advance(now);
        self.transport_idle_at = None;
        if self.closed { Err(UsageError::Closed) } else { Ok(now) }
    }

    fn record(&mut self, input: impl FnOnce() -> Input) {
        if let Some(recorder) = &mut self.recorder {
            recorder.push(input());
        }
    }

    fn discard(&mut self, reason: Discard) -> Discard {
        if reason.index() < Discard::ALL.len() { self.discards.count(reason) } else { reason }
    }

    pub(crate) const fn transport(&self) -> &Transport {
        &self.transport
    }

    fn set_ice_state(&mut self, state: IceConnectionState) {
        if state != self.ice_state {
            self.ice_state = state;
            self.events.push_back(Event::IceConnectionStateChange(state));
        }
    }

    fn update_states(&mut self) {
        if self.closed {
            return;
        }
        let combined = states::combined(self.ice_state, self.transport.state);
        if combined != self.connection_state {
            self.connection_state = combined;
            self.events.push_back(Event::ConnectionStateChange(combined));
        }
    }
}

impl fmt::Debug for PeerConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerConnection")
            .field("signaling", &self.signaling_state())
            .field("connection", &self.connection_state)
            .field("ice", &self.transport.ice)
            .field("dtls", &self.transport.state)
            .finish_non_exhaustive()
    }
}

fn own_certificate(
    configuration: &Configuration,
    seed: &Seed,
    now: Instant,
) -> Result<Arc<Certificate>, UsageError> {
    if let Some(certificate) = configuration.certificates.first() {
        return Ok(Arc::clone(certificate));
    }
    let settings = &configuration.settings;
    let unix_seconds = settings.unix_ms_at_epoch.saturating_add(now.as_millis()) / 1000;
    Certificate::generate(settings.crypto, &seed.derive("certificate"), unix_seconds, CERTIFICATE_DAYS)
        .map(Arc::new)
        .map_err(|_| UsageError::Configuration("the crypto provider cannot make a certificate"))
}

fn make_ice(configuration: &Configuration, seed: &Seed, now: Instant) -> Result<IceAgent, UsageError> {
    let settings = &configuration.settings;
    let mut config = sendrecv_ice::Config::with_provider(settings.crypto);
    config.lite = settings.ice_lite;
    config.renomination = settings.ice_renomination;
    config.piggyback = (settings.sped && !settings.ice_lite).then_some(settings.initial_packet_size);
    config.policy = match configuration.ice_transport_policy {
        crate::IceTransportPolicy::All => TransportPolicy::All,
        crate::IceTransportPolicy::Relay => TransportPolicy::Relay,
    };
    config.ufrag_prefix = UfragPrefix::new(&settings.ice_ufrag_prefix).ok_or(UsageError::Configuration(
        "the ufrag prefix has characters that ICE does not allow, or too many",
    ))?;
    let mut ice = IceAgent::new(config, &seed.derive("ice"), now);
    for server in &configuration.ice_servers {
        add_server(&mut ice, server, now)?;
    }
    Ok(ice)
}

fn add_server(ice: &mut IceAgent, server: &ice_server::IceServer, now: Instant) -> Result<(), UsageError> {
    for server in server.parse()? {
        ice.add_ice_server(now, server)?;
    }
    Ok(())
}

fn negotiation_config(configuration: &Configuration) -> NegotiationConfig {
    let settings = &configuration.settings;
    NegotiationConfig {
        data: DataCapabilities {
            max_message_size: settings.max_message_size.into(),
            ..DataCapabilities::default()
        },
        cname: settings.cname.clone(),
        answer_role: DtlsRole::Client,
        receive_simulcast: settings.receive_simulcast,
        ice_lite: settings.ice_lite,
        ..NegotiationConfig::default()
    }
}

fn channel_config(configuration: &Configuration) -> sendrecv_sctp::Config {
    let limit = usize::try_from(configuration.settings.max_message_size).unwrap_or(usize::MAX);
    sendrecv_sctp::Config { max_receive_message_size: limit, ..sendrecv_sctp::Config::webrtc() }
}

const fn ice_connection_state(state: sendrecv_ice::ConnectionState) -> IceConnectionState {
    use sendrecv_ice::ConnectionState;
    match state {
        ConnectionState::New => IceConnectionState::New,
        ConnectionState::Checking => IceConnectionState::Checking,
        ConnectionState::Connected => IceConnectionState::Connected,
        ConnectionState::Completed => IceConnectionState::Completed,
        ConnectionState::Disconnected => IceConnectionState::Disconnected,
        ConnectionState::Failed => IceConnectionState::Failed,
        ConnectionState::Closed => IceConnectionState::Closed,
    }
}

/// `RTCPeerConnection`'s descriptions.
impl PeerConnection {
    /// `currentLocalDescription`.
    pub fn current_local_description(&self) -> Option<SessionDescription> {
        self.jsep.current_local_description()
    }

    /// `pendingLocalDescription`.
    pub fn pending_local_description(&self) -> Option<SessionDescription> {
        self.jsep.pending_local_description()
    }

    /// `localDescription`: the pending one, else the current one, with the candidates gathered so far.
    pub fn local_description(&self) -> Option<SessionDescription> {
        self.jsep.describe(&self.describe_transport())
    }

    /// `currentRemoteDescription`.
    pub fn current_remote_description(&self) -> Option<SessionDescription> {
        self.jsep.current_remote_description()
    }

    /// `pendingRemoteDescription`.
    pub fn pending_remote_description(&self) -> Option<SessionDescription> {
        self.jsep.pending_remote_description()
    }

    /// `remoteDescription`: the pending one, else the current one.
    pub fn remote_description(&self) -> Option<SessionDescription> {
        self.pending_remote_description().or_else(|| self.current_remote_description())
    }
}
