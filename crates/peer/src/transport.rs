//! The transport that all bundled sections share: ICE below, DTLS and SRTP on it.

mod sped;

use crate::configuration::{Configuration, DtlsVersion};
use crate::demux::PacketKind;
use crate::error::Discard;
use crate::states::DtlsTransportState;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use sendrecv_core::{Instant, Machine, PacketBuf, Path, Seed, Transmit, Writer};
use sendrecv_dtls::{Certificate, ConnectedInfo, Dtls, Fingerprint, Records, Role, Version};
use sendrecv_ice::{IceAgent, Up};
use sendrecv_srtp::{MasterKey, Options, Session, SrtpProfile};
use sped::Sped;

/// Free bytes in front of a packet that is to be sealed: the DTLS record header and a TURN header.
pub(crate) const HEADROOM: usize = sendrecv_dtls::HEADROOM + sendrecv_ice::DATA_HEADROOM;
/// Free bytes behind it, for either kind of tag.
pub(crate) const TAILROOM: usize = if sendrecv_dtls::TAILROOM > sendrecv_srtp::TAILROOM {
    sendrecv_dtls::TAILROOM
} else {
    sendrecv_srtp::TAILROOM
};

/// ICE, DTLS and SRTP of one BUNDLE group.
pub(crate) struct Transport {
    pub(crate) ice: IceAgent,
    pub(crate) certificate: Arc<Certificate>,
    dtls: Option<Dtls>,
    /// Apart, as those without media do without.
    srtp: Option<Box<Session>>,
    /// Media was negotiated, and so SRTP is needed.
    media_wanted: bool,
    pub(crate) state: DtlsTransportState,
    pub(crate) connected: Option<ConnectedInfo>,
    pub(crate) role: Option<Role>,
    /// DTLS was told to close.
    dtls_ended: bool,
    fingerprints: Vec<Fingerprint>,
    versions: (Version, Version),
    provider: &'static dyn sendrecv_crypto::CryptoProvider,
    mtu: usize,
    sped: Sped,
    seed: Seed,
    generation: u64,
    pub(crate) counters: Counters,
}

/// `packetsSent` and the like of `RTCTransportStats`: what went over ICE, STUN excluded.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) packets_sent: u64,
    pub(crate) bytes_sent: u64,
    pub(crate) packets_received: u64,
    pub(crate) bytes_received: u64,
}

/// What came up through the transport, in clear.
pub(crate) enum Received<'b> {
    /// Nothing for the layers above.
    Consumed,
    /// DTLS application data, a packet per record.
    Records(Records<'b>),
    /// An RTP packet.
    Rtp(&'b mut [u8]),
    /// A compound RTCP packet.
    Rtcp(&'b mut [u8]),
}

impl Transport {
    pub(crate) fn new(
        configuration: &Configuration,
        ice: IceAgent,
        certificate: Arc<Certificate>,
        seed: &Seed,
    ) -> Self {
        let settings = &configuration.settings;
        Self {
            ice,
            certificate,
            dtls: None,
            srtp: None,
            media_wanted: false,
            state: DtlsTransportState::New,
            connected: None,
            role: None,
            dtls_ended: false,
            fingerprints: Vec::new(),
            versions: (version(settings.dtls_min), version(settings.dtls_max)),
            provider: settings.crypto,
            mtu: settings.initial_packet_size,
            sped: Sped::default(),
            seed: seed.derive("dtls"),
            generation: 0,
            counters: Counters::default(),
        }
    }

    /// Takes the fingerprints the remote description gives, and the role that was agreed on. DTLS starts as soon as ICE
    /// can carry it, on its checks or by itself.
    pub(crate) fn configure(
        &mut self,
        now: Instant,
        role: Role,
        fingerprints: &[Fingerprint],
        restart: bool,
    ) {
        if restart {
            self.discard();
        }
        self.role = Some(role);
        self.fingerprints = fingerprints.to_vec();
        if let Some(dtls) = &mut self.dtls {
            dtls.set_remote_fingerprints(now, self.fingerprints.clone());
        } else if role == Role::Server || self.ice.packet_room().is_some() {
            self.start_dtls(now);
        }
        self.follow_path(now);
    }

    /// Forgets the DTLS connection and its keys.
    pub(crate) fn discard(&mut self) {
        self.dtls = None;
        self.leave_checks();
        self.srtp = None;
        self.connected = None;
        self.role = None;
        self.state = DtlsTransportState::New;
    }

    /// Lets DTLS speak: by itself as soon as there is a pair that works, be it nominated or not, until then on checks.
    pub(crate) fn follow_path(&mut self, now: Instant) {
        if !self.ice.can_send_data() {
            return self.ride(now);
        }
        if self.dtls.is_none() && self.state == DtlsTransportState::New {
            self.start_dtls(now);
        }
        self.go_directly(now);
    }

    /// ICE has another pair in use.
    pub(crate) fn path_changed(&mut self) {
        if let (Some(dtls), Some(rtt)) = (&mut self.dtls, self.ice.rtt()) {
            dtls.set_rtt(rtt);
        }
    }

    fn start_dtls(&mut self, now: Instant) {
        let Some(role) = self.role.filter(|_| self.dtls.is_none() && self.state == DtlsTransportState::New)
        else {
            return;
        };
        let mut config = sendrecv_dtls::Config::new(self.provider, Arc::clone(&self.certificate));
        (config.min_version, config.max_version) = self.versions;
        config.mtu = self.mtu;
        let seed = self.seed.derive_indexed("connection", self.generation);
        self.generation = self.generation.wrapping_add(1);
        let mut dtls = Dtls::new(config, role, &seed, now);
        dtls.set_remote_fingerprints(now, self.fingerprints.clone());
        if let Some(rtt) = self.ice.rtt() {
            dtls.set_rtt(rtt);
        }
        self.dtls = Some(dtls);
        self.state = DtlsTransportState::Connecting;
        self.take_early(now);
    }

    /// Takes a datagram from a socket; what is left of it is in clear and belongs to the layers above.
    pub(crate) fn handle_datagram<'b>(
        &mut self,
        now: Instant,
        path: Path,
        datagram: &'b mut [u8],
    ) -> Result<Received<'b>, Discard> {
        let data = match self.ice.handle_datagram(now, path, datagram)? {
            Up::Consumed => return Ok(Received::Consumed),
            Up::Data { data, .. } => data,
        };
        self.counters.packets_received = self.counters.packets_received.wrapping_add(1);
        self.counters.bytes_received = self.counters.bytes_received.wrapping_add(len(data));
        match PacketKind::of(data) {
            PacketKind::Dtls => {
                if self.state == DtlsTransportState::Connecting {
                    self.ice.confirm_packet(data);
                }
                let dtls = self.dtls.as_mut().ok_or(Discard::TooEarly)?;
                Ok(Received::Records(dtls.handle_datagram(now, data)?))
            }
            PacketKind::Rtp => {
                Ok(Received::Rtp(self.srtp.as_mut().ok_or(Discard::TooEarly)?.unprotect(data)?))
            }
            PacketKind::Rtcp => {
                Ok(Received::Rtcp(self.srtp.as_mut().ok_or(Discard::TooEarly)?.unprotect_rtcp(data)?))
            }
            PacketKind::Stun | PacketKind::TurnChannel | PacketKind::Unknown => Err(Discard::UnknownProtocol),
        }
    }

    /// The next handshake or alert datagram, ready for its path.
    pub(crate) fn poll_dtls(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> Option<Transmit> {
        let dtls = self.dtls.as_mut().filter(|_| self.ice.can_send_data())?;
        match dtls.poll_transmit(now, out) {
            // What DTLS says anew takes the place of what it said on checks.
            Some(_) => self.ice.board(Vec::new()),
            None => out.put(&self.ice.disembark()?).ok()?,
        }
        self.send(now, out)
    }

    /// Seals a packet of application data where it lies, and finds its path. See [`can_send_data`](Self::can_send_data).
    pub(crate) fn seal_data(&mut self, now: Instant, packet: &mut PacketBuf<'_>) -> Option<Transmit> {
        let dtls = self.dtls.as_mut()?;
        let sealed =
            if dtls.can_seal_early() { dtls.seal_early(now, packet) } else { dtls.seal(now, packet) };
        sealed.ok()?;
        self.send(now, packet)
    }

    /// Protects an RTP packet where it lies, and finds its path.
    pub(crate) fn seal_rtp(&mut self, now: Instant, packet: &mut PacketBuf<'_>) -> Option<Transmit> {
        self.srtp.as_mut()?.protect(packet).ok()?;
        self.send(now, packet)
    }

    /// Protects an RTCP packet where it lies, and finds its path.
    pub(crate) fn seal_rtcp(&mut self, now: Instant, packet: &mut PacketBuf<'_>) -> Option<Transmit> {
        self.srtp.as_mut()?.protect_rtcp(packet).ok()?;
        self.send(now, packet)
    }

    fn send(&mut self, now: Instant, packet: &mut PacketBuf<'_>) -> Option<Transmit> {
        let bytes = len(packet.bytes());
        let transmit = self.ice.send_data(now, packet).ok()?;
        self.counters.packets_sent = self.counters.packets_sent.wrapping_add(1);
        self.counters.bytes_sent = self.counters.bytes_sent.wrapping_add(bytes);
        Some(transmit)
    }

    /// Whether application data can be sealed and sent now: once DTLS is connected, and on a server of DTLS 1.3 behind its
    /// flight. Then it is not known yet who reads it, and before [`Received::Records`] come from there, no one has proven
    /// anything: an INIT may go, messages may not.
    pub(crate) fn can_send_data(&self) -> bool {
        let early = || self.dtls.as_ref().is_some_and(Dtls::can_seal_early);
        (self.state == DtlsTransportState::Connected || early()) && self.ice.can_send_data()
    }

    /// Whether media can be protected and sent now.
    pub(crate) fn can_send_media(&self) -> bool {
        self.srtp.is_some() && self.ice.can_send_data()
    }

    /// Bytes of a UDP payload that DTLS and a relay take from a packet of application data.
    pub(crate) fn data_overhead(&self) -> usize {
        self.dtls.as_ref().map_or(sendrecv_dtls::HEADROOM + sendrecv_dtls::TAILROOM, Dtls::overhead)
            + self.ice.path_mtu_overhead()
    }

    /// The longest packet of application data in an IP packet of `ip_packet` bytes; 0 where there is nothing to be found
    /// out about that.
    pub(crate) fn max_data_packet(&self, ip_packet: usize) -> usize {
        let record = self.data_overhead().saturating_sub(self.ice.path_mtu_overhead());
        self.ice.max_data_len(ip_packet).map_or(0, |room| room.saturating_sub(record))
    }

    /// Bytes of a UDP payload that SRTP and a relay take from an RTP packet.
    pub(crate) fn media_overhead(&self) -> usize {
        self.srtp_profile().map_or(0, SrtpProfile::rtp_overhead) + self.ice.path_mtu_overhead()
    }

    /// Bytes in front of application data once it is sealed: exact, so that datagrams of a batch lie back to back.
    pub(crate) fn data_header_len(&self) -> usize {
        self.dtls.as_ref().map_or(sendrecv_dtls::HEADROOM, Dtls::header_len) + self.ice.path_mtu_overhead()
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.ice.handle_timeout(now);
        if let Some(dtls) = self.dtls.as_mut().filter(|_| self.ice.can_send_data()) {
            dtls.handle_timeout(now);
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        // Without a path DTLS could send nothing, so its time does not run.
        let dtls = self.dtls.as_ref().filter(|_| self.ice.can_send_data());
        sendrecv_core::earliest(self.ice.poll_timeout(), dtls.and_then(Machine::poll_timeout))
    }

    /// Data that the peer sent before we had seen the end of its handshake.
    pub(crate) fn poll_early_data(&mut self) -> Option<Vec<u8>> {
        self.dtls.as_mut()?.poll_early_data()
    }

    /// The next event of DTLS, with its consequences for SRTP and the state already drawn.
    pub(crate) fn poll_dtls_event(&mut self) -> Option<sendrecv_dtls::Event> {
        let event = self.dtls.as_mut()?.poll_event()?;
        match &event {
            sendrecv_dtls::Event::Connected(info) => {
                self.connected = Some(ConnectedInfo::clone(info));
                self.state = DtlsTransportState::Connected;
                self.start_srtp();
            }
            sendrecv_dtls::Event::Closed(reason) => {
                self.state =
                    if reason.is_orderly() { DtlsTransportState::Closed } else { DtlsTransportState::Failed };
            }
            sendrecv_dtls::Event::FingerprintNeeded => {}
        }
        Some(event)
    }

    /// Media was negotiated. Connections without any need no SRTP.
    pub(crate) fn want_media(&mut self) {
        self.media_wanted = true;
        self.start_srtp();
    }

    fn start_srtp(&mut self) {
        if self.media_wanted && self.srtp.is_none() && self.state == DtlsTransportState::Connected {
            self.srtp = self.make_srtp().map(Box::new);
        }
    }

    fn make_srtp(&self) -> Option<Session> {
        let keys = self.dtls.as_ref()?.srtp_keys()?;
        let profile = SrtpProfile::from_code(keys.profile.code())?;
        let key = |key: &sendrecv_dtls::SrtpMasterKey| MasterKey::new(key.key.expose(), key.salt.expose());
        let options = Options {
            table_seed: self.seed.derive("srtp table").rng().u64(),
            // The media engine repeats packets, where that was negotiated, to the last bit.
            allow_repeats: true,
            ..Options::default()
        };
        Session::new(self.provider, profile, &key(&keys.local), &key(&keys.remote), &options).ok()
    }

    /// The SRTP profile in use.
    pub(crate) fn srtp_profile(&self) -> Option<SrtpProfile> {
        self.srtp.as_ref().map(|session| session.profile())
    }

    /// Ends the next layer from above: DTLS, which says so to the peer, then ICE. `false` once both have ended.
    pub(crate) fn end_next(&mut self, now: Instant) -> bool {
        if let Some(dtls) = self.dtls.as_mut().filter(|_| !self.dtls_ended) {
            dtls.close(now);
            self.dtls_ended = true;
            return true;
        }
        let ice_runs = self.ice.state() != sendrecv_ice::ConnectionState::Closed;
        self.ice.close(now);
        ice_runs
    }
}

const fn version(version: DtlsVersion) -> Version {
    match version {
        DtlsVersion::Dtls12 => Version::Dtls12,
        DtlsVersion::Dtls13 => Version::Dtls13,
    }
}

fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
