//! Establishing an association (RFC 9260, section 5).

use super::control::ControlChunk;
use super::cookie::{BadCookie, Cookie};
use super::{Association, Peer, State, nonzero};
use crate::receive::Receiver;
use crate::wire::{
    Abort, Cause, Chunk, HEADER_LEN, Init, InitExtensions, Parameter, Parameters, code, kind, parameter,
    report_unrecognized, write_cookie_ack, write_cookie_echo,
};
use crate::{CloseReason, Discard, Event, UsageError};
use alloc::vec::Vec;
use core::time::Duration;
use sendrecv_core::{Instant, NoSpace, Writer};

/// How long the answer to an early INIT may take behind the packet that ended the handshake of the layer below: both leave
/// the peer at the same time.
const EARLY_ANSWER_WAIT: Duration = Duration::from_millis(5);

/// What an INIT's or INIT ACK's parameters say.
#[derive(Debug, Default)]
struct InitParameters<'a> {
    extensions: InitExtensions,
    cookie: Option<&'a [u8]>,
    /// Reports of parameters that were not recognized, encoded.
    unrecognized: Vec<u8>,
    host_name: bool,
}

/// One parser for every place an INIT comes in (RFC 9260, section 3.2.1, for the unknown).
fn read_parameters(parameters: Parameters<'_>) -> Result<InitParameters<'_>, Discard> {
    /// Addresses, cookie preservative, supported address types, ECN, authentication, address reconfiguration:
    /// understood, and of no use here.
    const IGNORED: [u16; 12] = [5, 6, 9, 12, 0x8000, 0x8002, 0x8003, 0x8004, 0xc001, 0xc002, 0xc004, 0xc006];
    let mut read = InitParameters::default();
    for parameter in parameters {
        let parameter = parameter.map_err(|_| Discard::Malformed)?;
        match parameter.kind {
            parameter::STATE_COOKIE => read.cookie = read.cookie.or(Some(parameter.value)),
            parameter::HOST_NAME => read.host_name = true,
            parameter::UNRECOGNIZED => {}
            kind if IGNORED.contains(&kind) => {}
            kind => {
                if read.extensions.note(&parameter) {
                    continue;
                }
                if kind & 0x4000 != 0 {
                    report_unrecognized(&parameter, &mut read.unrecognized)
                        .map_err(|_| Discard::Malformed)?;
                }
                if kind & 0x8000 == 0 {
                    break;
                }
            }
        }
    }
    Ok(read)
}

/// Whether the fixed fields make sense (RFC 9260, section 3.3.2).
const fn fields_are_valid(init: &Init<'_>) -> bool {
    init.initiate_tag != 0 && init.outbound_streams != 0 && init.inbound_streams != 0 && init.a_rwnd >= 1500
}

impl Association {
    /// Starts to connect. The peer may do so at the same time.
    ///
    /// # Errors
    /// `WrongState` unless the association is new.
    pub fn connect(&mut self, now: Instant) -> Result<(), UsageError> {
        let now = self.clock.advance(now);
        if self.state != State::Closed || self.close_reason.is_some() {
            return Err(UsageError::WrongState);
        }
        self.state = State::CookieWait;
        self.handshake_attempts = 0;
        self.send_init(now);
        Ok(())
    }

    /// Tells that only now the layer below is established on both sides, after [`connect`](Self::connect): our INIT was
    /// taken along by the last packets of its handshake, and may have come too early for the peer. Unless the answer is
    /// there within a few milliseconds it is sent again, as the first attempt.
    pub fn lower_layer_is_ready(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        if self.state == State::CookieWait {
            self.init_was_early = true;
            self.handshake_at = Some(now + EARLY_ANSWER_WAIT);
        }
    }

    /// What we announce.
    pub(super) const fn own_extensions(&self) -> InitExtensions {
        InitExtensions {
            partial_reliability: self.config.partial_reliability,
            reconfig: self.config.stream_reset,
            interleaving: self.config.interleaving,
            zero_checksum: self.config.lower_layer_is_dtls,
        }
    }

    /// Our INIT or INIT ACK with further parameters.
    pub(super) fn encode_init(
        &self,
        kind: u8,
        (tag, initial_tsn): (u32, u32),
        extensions: InitExtensions,
        extra: &[Parameter<'_>],
        reports: &[u8],
    ) -> Result<Vec<u8>, NoSpace> {
        let mut parameters = Vec::with_capacity(160);
        extensions.write(&mut parameters)?;
        extra.iter().try_for_each(|parameter| parameter.write(&mut parameters))?;
        parameters.put(reports)?;
        let init = Init {
            initiate_tag: tag,
            a_rwnd: Receiver::initial_window(&self.config),
            outbound_streams: self.config.outbound_streams,
            inbound_streams: self.config.inbound_streams,
            initial_tsn,
            parameters: Parameters::new(&parameters),
        };
        let mut bytes = Vec::with_capacity(parameters.len().saturating_add(20));
        init.write(kind, &mut bytes)?;
        Ok(bytes)
    }

    /// Sends our INIT. From the third on it does without the parameter for zero checksums: RFC 9260 has receivers skip
    /// parameters of its kind, but there are peers (Pion of early 2023) that drop the whole packet for it.
    fn send_init(&mut self, now: Instant) {
        let own = self.own_extensions();
        let extensions =
            InitExtensions { zero_checksum: own.zero_checksum && self.handshake_attempts < 2, ..own };
        let initial = (self.local_tag, self.local_initial_tsn);
        if let Ok(bytes) = self.encode_init(kind::INIT, initial, extensions, &[], &[]) {
            self.control.push(ControlChunk { bytes, tag: Some(0), alone: true, checksum: true });
        }
        self.arm_handshake(now);
    }

    /// Sets the timer T1 (or T2), doubled with each attempt.
    pub(super) fn arm_handshake(&mut self, now: Instant) {
        let factor = 1u32.checked_shl(self.handshake_attempts).unwrap_or(u32::MAX);
        let wait = self.config.rto_initial.saturating_mul(factor).min(self.config.rto_max);
        self.handshake_at = Some(now + wait);
    }

    pub(super) fn handshake_timeout(&mut self, now: Instant) {
        if self.handshake_at.is_none_or(|at| at > now) {
            return;
        }
        self.handshake_at = None;
        let was_early = core::mem::take(&mut self.init_was_early) && self.state == State::CookieWait;
        if !was_early {
            self.handshake_attempts = self.handshake_attempts.saturating_add(1);
        }
        if self.config.max_init_retransmissions.is_some_and(|limit| self.handshake_attempts > limit) {
            self.fail(CloseReason::PeerUnreachable);
            return;
        }
        match self.state {
            State::CookieWait => self.send_init(now),
            State::CookieEchoed => self.send_cookie_echo(now),
            State::ShutdownSent | State::ShutdownAckSent => self.repeat_shutdown(now),
            State::Closed | State::Established | State::ShutdownPending | State::ShutdownReceived => {}
        }
    }

    /// An INIT came (RFC 9260, sections 5.1, 5.2.1, 5.2.2 and 5.2.3). Nothing is kept of it: all is in the cookie.
    /// Zero checksums are announced only to a peer that did so first, since others may choke on the parameter.
    pub(super) fn on_init(&mut self, now: Instant, chunk: &Chunk<'_>) -> Result<(), Discard> {
        let init = Init::parse(chunk).map_err(|_| Discard::Malformed)?;
        let read = read_parameters(init.parameters)?;
        if !fields_are_valid(&init) {
            return self.refuse_init(init.initiate_tag, code::INVALID_PARAMETER);
        }
        if read.host_name {
            return self.refuse_init(init.initiate_tag, code::UNRESOLVABLE_ADDRESS);
        }
        if self.close_reason.is_some() {
            // Nobody is here for another one (section 8.4, rule 3).
            return self.refuse_init(init.initiate_tag, code::USER_INITIATED_ABORT);
        }
        if self.state == State::ShutdownAckSent {
            // Section 9.2: the SHUTDOWN ACK is sent again, and the INIT is not answered.
            self.repeat_shutdown(now);
            return Ok(());
        }
        let colliding = matches!(self.state, State::CookieWait | State::CookieEchoed);
        let fresh = self.state == State::Closed || colliding;
        let (tag, initial_tsn) = if fresh {
            (self.local_tag, self.local_initial_tsn)
        } else {
            (nonzero(&mut self.rng), self.rng.u32())
        };
        let tie_tags = match self.state {
            State::Closed | State::CookieWait => (0, 0),
            _ => (self.local_tag, self.peer.tag),
        };
        let cookie = Cookie {
            created: now,
            local_tag: tag,
            peer_tag: init.initiate_tag,
            local_initial_tsn: initial_tsn,
            peer_initial_tsn: init.initial_tsn,
            peer_window: init.a_rwnd,
            peer_outbound: init.outbound_streams,
            peer_inbound: init.inbound_streams,
            extensions: read.extensions,
            tie_tags,
        };
        let answer = self.cookie_key.seal(&cookie).and_then(|sealed| {
            let cookie = Parameter { kind: parameter::STATE_COOKIE, value: &sealed };
            let own = self.own_extensions();
            let zero_checksum = own.zero_checksum && read.extensions.zero_checksum;
            let extensions = InitExtensions { zero_checksum, ..own };
            self.encode_init(kind::INIT_ACK, (tag, initial_tsn), extensions, &[cookie], &read.unrecognized)
        });
        if let Ok(bytes) = answer {
            self.control.push(ControlChunk {
                bytes,
                tag: Some(init.initiate_tag),
                alone: true,
                checksum: true,
            });
        }
        Ok(())
    }

    fn refuse_init(&mut self, tag: u32, code: u16) -> Result<(), Discard> {
        if tag == 0 {
            return Err(Discard::Malformed);
        }
        let (mut causes, mut bytes) = (Vec::new(), Vec::new());
        let written = Cause { code, value: &[] }
            .write(&mut causes)
            .and_then(|()| Abort::write(false, &causes, &mut bytes));
        if written.is_ok() {
            self.control.push(ControlChunk { bytes, tag: Some(tag), alone: true, checksum: true });
        }
        Ok(())
    }

    /// An INIT ACK came (RFC 9260, sections 5.1 and 5.2.3).
    pub(super) fn on_init_ack(&mut self, now: Instant, chunk: &Chunk<'_>) -> Result<(), Discard> {
        if self.state != State::CookieWait {
            return Err(Discard::Unexpected);
        }
        let init = Init::parse(chunk).map_err(|_| Discard::Malformed)?;
        let read = read_parameters(init.parameters)?;
        // Whatever else is wrong with it, it says where an ABORT goes.
        self.peer.tag = init.initiate_tag;
        if !fields_are_valid(&init) {
            self.abort_with(CloseReason::ProtocolViolation("invalid INIT ACK"), code::INVALID_PARAMETER, &[]);
            return Ok(());
        }
        let Some(cookie) = read.cookie else {
            self.abort_with(
                CloseReason::ProtocolViolation("INIT ACK without a cookie"),
                code::MISSING_PARAMETER,
                &[0, 0, 0, 1, 0, 7],
            );
            return Ok(());
        };
        self.adopt_peer(&init, read.extensions);
        self.cookie_echo.clear();
        let _ = write_cookie_echo(cookie, &mut self.cookie_echo);
        self.report_behind_cookie(&read.unrecognized);
        self.state = State::CookieEchoed;
        self.handshake_attempts = 0;
        self.send_cookie_echo(now);
        Ok(())
    }

    /// Puts an ERROR behind the COOKIE ECHO: what of the INIT ACK was not recognized, in reports that look the same as
    /// parameters and as causes (section 3.2.2). Rather nothing than a packet that is too long.
    fn report_behind_cookie(&mut self, reports: &[u8]) {
        let len = self.cookie_echo.len().saturating_add(reports.len()).saturating_add(4);
        if !reports.is_empty() && len.saturating_add(HEADER_LEN) <= self.path.packet_size() {
            let _ = Chunk { kind: kind::ERROR, flags: 0, value: reports }.write(&mut self.cookie_echo);
        }
    }

    /// Has the COOKIE ECHO sent, with data behind it: that which the last one took along, if there was one, goes again.
    fn send_cookie_echo(&mut self, now: Instant) {
        self.sender.repeat_all(now);
        self.cookie_due = true;
        self.arm_handshake(now);
    }

    /// Takes over what an INIT or INIT ACK says about the peer.
    pub(super) fn adopt_peer(&mut self, init: &Init<'_>, extensions: InitExtensions) {
        self.peer = Peer {
            tag: init.initiate_tag,
            initial_tsn: init.initial_tsn,
            outbound_streams: self.config.outbound_streams.min(init.inbound_streams),
            inbound_streams: self.config.inbound_streams.min(init.outbound_streams),
            extensions: self.own_extensions().common_with(extensions),
        };
        self.receiver = Receiver::new(&self.config, init.initial_tsn);
        self.resets.set_peer_initial(init.initial_tsn);
        let extensions = self.peer.extensions;
        self.sender.establish(init.a_rwnd, extensions.interleaving, extensions.partial_reliability);
    }

    /// A COOKIE ECHO came (RFC 9260, sections 5.1.5 and 5.2.4). `tag` is the packet's verification tag.
    pub(super) fn on_cookie_echo(
        &mut self,
        now: Instant,
        chunk: &Chunk<'_>,
        tag: u32,
    ) -> Result<(), Discard> {
        let cookie = match self.cookie_key.open(chunk.value, now, self.config.cookie_lifetime) {
            Ok(cookie) => cookie,
            Err(BadCookie::Forged) => return Err(Discard::BadCookie),
            // Of the association there is, however old (RFC 9260, section 5.2.4): its COOKIE ACK was lost.
            Err(BadCookie::Stale { cookie, .. }) if self.is_of_present(&cookie) => cookie,
            Err(BadCookie::Stale { by, cookie }) => return self.refuse_stale(by, cookie.peer_tag),
        };
        if cookie.local_tag != tag {
            return Err(Discard::BadVerificationTag);
        }
        if self.close_reason.is_some() {
            return Err(Discard::OutOfTheBlue);
        }
        if self.state == State::Closed {
            self.establish_from(&cookie);
            self.connected();
            self.send_cookie_ack();
            return Ok(());
        }
        self.resolve_tie(now, &cookie)
    }

    /// Whether both of the cookie's tags are those of the association there is.
    fn is_of_present(&self, cookie: &Cookie) -> bool {
        self.is_established() && (cookie.local_tag, cookie.peer_tag) == (self.local_tag, self.peer.tag)
    }

    /// The table of RFC 9260, section 5.2.4.
    fn resolve_tie(&mut self, now: Instant, cookie: &Cookie) -> Result<(), Discard> {
        let local_matches = cookie.local_tag == self.local_tag;
        let peer_matches = cookie.peer_tag == self.peer.tag;
        let ties_match = cookie.tie_tags == (self.local_tag, self.peer.tag) && cookie.tie_tags != (0, 0);
        match (local_matches, peer_matches) {
            // D: the COOKIE ECHO again, or the one of a simultaneous opening.
            (true, true) => {
                if self.state == State::CookieEchoed {
                    self.connected();
                }
                self.send_cookie_ack();
                Ok(())
            }
            // B: both opened at the same time, and the peer's INIT ACK is still to come or was overtaken.
            (true, false) if matches!(self.state, State::CookieWait | State::CookieEchoed) => {
                self.establish_from(cookie);
                self.connected();
                self.send_cookie_ack();
                Ok(())
            }
            // A: the peer restarted.
            (false, false) if ties_match => self.restart(now, cookie),
            // C: a cookie that came late.
            _ => Err(Discard::BadCookie),
        }
    }

    fn establish_from(&mut self, cookie: &Cookie) {
        let init = Init {
            initiate_tag: cookie.peer_tag,
            a_rwnd: cookie.peer_window,
            outbound_streams: cookie.peer_outbound,
            inbound_streams: cookie.peer_inbound,
            initial_tsn: cookie.peer_initial_tsn,
            parameters: Parameters::new(&[]),
        };
        self.adopt_peer(&init, cookie.extensions);
    }

    fn restart(&mut self, now: Instant, cookie: &Cookie) -> Result<(), Discard> {
        if self.state == State::ShutdownAckSent {
            self.repeat_shutdown(now);
            self.report(code::COOKIE_WHILE_SHUTTING_DOWN, &[]);
            return Ok(());
        }
        self.local_tag = cookie.local_tag;
        self.local_initial_tsn = cookie.local_initial_tsn;
        self.sender.restart(&self.config, cookie.local_initial_tsn, now);
        self.resets.restart(cookie.local_initial_tsn);
        self.control.clear();
        self.establish_from(cookie);
        self.state = State::Established;
        (self.handshake_at, self.shutdown_guard_at) = (None, None);
        self.events.push_back(Event::Restarted);
        self.send_cookie_ack();
        Ok(())
    }

    /// The association is established.
    pub(super) fn connected(&mut self) {
        self.state = if self.shutdown_asked { State::ShutdownPending } else { State::Established };
        self.handshake_at = None;
        self.handshake_attempts = 0;
        self.cookie_due = false;
        self.cookie_echo.clear();
        self.sender.start(self.clock.now());
        // Every peer should skip a PAD, but some stop at any chunk they do not know (werift ends the whole process). Those
        // that announce one of the newer extensions are known to skip it.
        let takes_probes = self.peer.extensions.interleaving || self.peer.extensions.zero_checksum;
        self.path.start(self.clock.now(), takes_probes);
        self.schedule_heartbeat(self.clock.now());
        self.events.push_back(Event::Connected);
        tracing::debug!(extensions = ?self.peer.extensions, "association established");
    }

    fn send_cookie_ack(&mut self) {
        let mut bytes = Vec::with_capacity(4);
        if write_cookie_ack(&mut bytes).is_ok() {
            self.control.push_shared(bytes);
        }
    }

    /// A COOKIE ACK came.
    pub(super) fn on_cookie_ack(&mut self) -> Result<(), Discard> {
        if self.state != State::CookieEchoed {
            return Err(Discard::Unexpected);
        }
        self.connected();
        Ok(())
    }

    /// Our cookie came back too late: the peer is told by how much (RFC 9260, section 5.2.6).
    fn refuse_stale(&mut self, by: Duration, peer_tag: u32) -> Result<(), Discard> {
        let micros = u32::try_from(by.as_micros()).unwrap_or(u32::MAX);
        let (mut causes, mut bytes) = (Vec::new(), Vec::new());
        let written = Cause { code: code::STALE_COOKIE, value: &micros.to_be_bytes() }
            .write(&mut causes)
            .and_then(|()| Chunk { kind: kind::ERROR, flags: 0, value: &causes }.write(&mut bytes));
        if written.is_ok() {
            self.control.push(ControlChunk { bytes, tag: Some(peer_tag), alone: true, checksum: true });
        }
        Ok(())
    }

    /// The peer found our COOKIE ECHO stale: start over, within the limit of attempts.
    pub(super) fn on_stale_cookie(&mut self, now: Instant) {
        if self.state != State::CookieEchoed {
            return;
        }
        self.state = State::CookieWait;
        self.cookie_due = false;
        self.handshake_attempts = self.handshake_attempts.saturating_add(1);
        if self.config.max_init_retransmissions.is_some_and(|limit| self.handshake_attempts > limit) {
            self.fail(CloseReason::PeerUnreachable);
        } else {
            self.send_init(now);
        }
    }
}

/// What a signalled INIT announces; `None` when it is not valid.
pub(super) fn signalled_extensions(init: &Init<'_>) -> Option<InitExtensions> {
    let read = read_parameters(init.parameters).ok()?;
    (fields_are_valid(init) && !read.host_name).then_some(read.extensions)
}
