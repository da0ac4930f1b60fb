//! The connection: records in, records out, time.

mod early;
mod half_trip;
mod handshake;
mod ids;
mod incoming;
#[cfg(test)]
mod malformed;
mod outgoing;
mod resume;
#[cfg(test)]
mod tests;

use crate::delivery::{Delivery, Records};
use crate::hello::client::AwaitServerHello;
use crate::record::Incoming;
use crate::session::Session;
use crate::srtp::{EXPORTER_LABEL, MAX_EXPORT_LEN, split};
use crate::state::{Connected, State};
use crate::wire::ack::RecordNumber;
use crate::{
    Alert, AlertDescription, CloseReason, Config, ConnectionState, Discard, Event, ExportError, Fingerprint,
    Role, SealError, SrtpKeyMaterial, Stats, Version,
};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use core::time::Duration;
use early::EarlyData;
use sendrecv_core::{Clock, Instant, Machine, PacketBuf, Seed, Transmit, earliest};
use zeroize::Zeroizing;

/// After this many timeouts the handshake's last flight is given up: the peer evidently lives without it.
const MAX_LATE_EXPIRATIONS: u32 = 32;
/// How long a packet may be under way (TCP's maximum segment lifetime): so long records of an old key are still read
/// (RFC 9147, section 4.2.1).
const MAX_LIFETIME: Duration = Duration::from_secs(120);
/// How long a server can answer a client that did not hear of its being connected (RFC 9147, section 5.8.1).
const LINGER: Duration = Duration::from_secs(240);

/// One DTLS connection.
///
/// See the [crate's documentation](crate) for how to drive it.
pub struct Dtls {
    session: Session,
    state: State,
    clock: Clock,
    /// When the handshake sent or received its first packet.
    started: Option<Instant>,
    /// Whether the handshake came to its end, be the connection closed since or not.
    was_connected: bool,
    /// When what is kept for late packets goes.
    forget_at: Option<Instant>,
    /// When the flight last went out.
    sent_at: Instant,
    deferred: Vec<Vec<u8>>,
    early: EarlyData,
    pending_alert: Option<Alert>,
    asked_for_fingerprint: bool,
    refused_renegotiation: bool,
    /// The newest authentic record so far.
    newest: RecordNumber,
    /// Whether it came in the last datagram.
    newest_in_last: bool,
    events: VecDeque<Event>,
    stats: Stats,
}

impl Dtls {
    /// A connection that has sent nothing yet. A client's first flight comes from
    /// [`poll_transmit`](Machine::poll_transmit); retransmission starts when it was taken.
    pub fn new(config: Config, role: Role, seed: &Seed, now: Instant) -> Self {
        let mut this = Self {
            session: Session::new(config, role, seed),
            state: State::AwaitClientHello,
            clock: Clock::new(now),
            started: None,
            was_connected: false,
            forget_at: None,
            sent_at: now,
            deferred: Vec::new(),
            early: EarlyData::default(),
            pending_alert: None,
            asked_for_fingerprint: false,
            refused_renegotiation: false,
            newest: RecordNumber::default(),
            newest_in_last: false,
            events: VecDeque::new(),
            stats: Stats::default(),
        };
        if role == Role::Client {
            match AwaitServerHello::start(&mut this.session) {
                Ok(state) => this.state = State::AwaitServerHello(state),
                Err(failure) => this.fail(failure),
            }
        }
        this
    }

    /// Tells which certificates the peer may have, from its `a=fingerprint` lines (RFC 8122): one match suffices, none
    /// ends the connection. May come at any time before the handshake needs it; then the handshake goes on.
    pub fn set_remote_fingerprints(&mut self, now: Instant, fingerprints: Vec<Fingerprint>) {
        let now = self.clock.advance(now);
        self.session.set_fingerprints(fingerprints);
        if self.asked_for_fingerprint {
            self.started = Some(now);
        }
        self.drive(now);
        self.handle_deferred(now);
    }

    /// Tells the path's round-trip time, e.g. from ICE's connectivity checks: the first retransmission timeout becomes
    /// twice that.
    pub fn set_rtt(&mut self, rtt: Duration) {
        self.session.timer.set_rtt(rtt, self.session.config.initial_rto);
    }

    /// Tells the largest datagram the path carries, in bytes of UDP payload. What is sent from now on, also again, is
    /// cut to it.
    pub fn set_mtu(&mut self, mtu: usize) {
        self.session.config.mtu = mtu;
    }

    /// Takes a datagram from the peer, decrypts it in place, and returns the application data in it.
    ///
    /// Feed only what comes over a path that ICE has validated. `Err` when nothing in the datagram had any effect; it and
    /// every single record discarded are counted in [`stats`](Self::stats).
    pub fn handle_datagram<'b>(
        &mut self,
        now: Instant,
        datagram: &'b mut [u8],
    ) -> Result<Records<'b>, Discard> {
        let now = self.clock.advance(now);
        self.stats.datagrams_received = self.stats.datagrams_received.saturating_add(1);
        self.newest_in_last = false;
        if matches!(self.state, State::Closed(_)) {
            return Err(self.stats.discards.count(Discard::Closed));
        }
        let (mut delivery, mut at) = (Delivery::default(), 0_usize);
        let (mut accepted, mut discard) = (false, None);
        loop {
            let rest = datagram.get_mut(at..).unwrap_or_default();
            if rest.is_empty() && at > 0 {
                break;
            }
            let result = match &Incoming::parse(rest, self.session.records.received_id_len()) {
                Ok(incoming) => {
                    let start = at;
                    at = at.saturating_add(incoming.len());
                    let record = rest.get_mut(..incoming.len()).unwrap_or_default();
                    self.handle_record(now, incoming, record)
                        .map(|content| content.map(|range| shift(range, start)))
                }
                Err(reason) => {
                    at = datagram.len().max(1);
                    Err(*reason)
                }
            };
            match result {
                Ok(Some(payload)) => {
                    delivery.push(datagram, &payload);
                    accepted = true;
                }
                Ok(None) => accepted = true,
                Err(reason) => {
                    discard = discard.or(Some(self.stats.discards.count(reason)));
                    // What follows is of another connection too (RFC 9147, section 4).
                    if reason == Discard::UnknownConnectionId {
                        break;
                    }
                }
            }
        }
        match discard {
            Some(reason) if !accepted => Err(reason),
            _ => Ok(delivery.finish(datagram)),
        }
    }

    /// Application data that overtook the end of the handshake, record by record: to be taken after
    /// [`Event::Connected`], and none before it.
    pub fn poll_early_data(&mut self) -> Option<Vec<u8>> {
        self.state.connected()?;
        self.early.take()
    }

    /// Protects the packet's content as one record, in place: the header goes into the headroom ([`HEADROOM`](crate::HEADROOM)),
    /// the tag into the tailroom ([`TAILROOM`](crate::TAILROOM)).
    pub fn seal(&mut self, now: Instant, packet: &mut PacketBuf<'_>) -> Result<(), SealError> {
        self.clock.advance(now);
        match &self.state {
            State::Connected(_) => (),
            State::Closed(_) => return Err(SealError::Closed),
            _ => return Err(SealError::NotConnected),
        }
        self.seal_packet(packet)
    }

    /// Bytes that [`seal`](Self::seal) adds to a packet; before the handshake is complete, the most it can be.
    pub fn overhead(&self) -> usize {
        let most = crate::HEADROOM.saturating_add(crate::TAILROOM);
        self.state.connected().map_or(most, |_| self.session.records.application_overhead())
    }

    /// Those of [`overhead`](Self::overhead) that come before the content.
    pub fn header_len(&self) -> usize {
        self.state.connected().map_or(crate::HEADROOM, |_| self.session.records.application_header_len())
    }

    /// Changes our key (DTLS 1.3). Happens by itself after [`Config::key_update_after`] records; DTLS 1.2 cannot.
    pub fn update_key(&mut self, now: Instant) {
        self.clock.advance(now);
        if let State::Connected(Connected { updates: Some(updates), .. }) = &mut self.state {
            updates.want();
        }
    }

    /// Fills `out` with keying material bound to this connection (RFC 5705; RFC 8446, section 7.5).
    pub fn export_keying_material(
        &self,
        label: &str,
        context: Option<&[u8]>,
        out: &mut [u8],
    ) -> Result<(), ExportError> {
        let connected = self.state.connected().ok_or(ExportError::NotConnected)?;
        Ok(connected.exporter.export(self.session.config.provider, label, context, out)?)
    }

    /// The keys for SRTP, if both sides wanted SRTP (RFC 5764).
    pub fn srtp_keys(&self) -> Option<SrtpKeyMaterial> {
        let profile = self.state.connected()?.srtp_profile()?;
        let mut material = Zeroizing::new([0; MAX_EXPORT_LEN]);
        let len = profile.key_len().saturating_add(profile.salt_len()).saturating_mul(2);
        let material = material.get_mut(..len)?;
        self.export_keying_material(EXPORTER_LABEL, None, material).ok()?;
        let (client, server) = split(profile, material)?;
        let (local, remote) = match self.session.role {
            Role::Client => (client, server),
            Role::Server => (server, client),
        };
        Some(SrtpKeyMaterial { profile, local, remote })
    }

    /// Ends the connection with close_notify, which the next [`poll_transmit`](Machine::poll_transmit) gives.
    pub fn close(&mut self, now: Instant) {
        self.clock.advance(now);
        if matches!(self.state, State::Closed(_)) {
            return;
        }
        if self.started.is_some() {
            self.pending_alert = Some(Alert::warning(AlertDescription::CloseNotify));
        }
        self.enter_closed(CloseReason::Local);
    }

    /// Which side this is.
    pub const fn role(&self) -> Role {
        self.session.role
    }

    /// The version, once chosen.
    pub const fn version(&self) -> Option<Version> {
        self.session.version
    }

    /// Where the connection is.
    pub const fn state(&self) -> ConnectionState {
        match (&self.state, self.started) {
            (State::Connected(_), _) => ConnectionState::Connected,
            (State::Closed(CloseReason::Local | CloseReason::Peer), _) => ConnectionState::Closed,
            (State::Closed(_), _) => ConnectionState::Failed,
            (_, None) => ConnectionState::New,
            (_, Some(_)) => ConnectionState::Connecting,
        }
    }

    /// Why the connection is closed, if it is.
    pub const fn close_reason(&self) -> Option<CloseReason> {
        match &self.state {
            State::Closed(reason) => Some(*reason),
            _ => None,
        }
    }

    /// Counters.
    pub fn stats(&self) -> Stats {
        Stats { backwards_time: self.clock.backwards(), ..self.stats }
    }

    /// Bytes held for what the peer sent and the handshake could not use yet. Bounded before and after authentication.
    pub fn buffered_bytes(&self) -> usize {
        let deferred = self.deferred.iter().map(Vec::len).fold(0, usize::saturating_add);
        self.session.inbox.buffered().saturating_add(deferred).saturating_add(self.early.bytes())
    }
}

impl Machine for Dtls {
    type Event = Event;

    fn handle_timeout(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        if self.handshake_deadline().is_some_and(|deadline| deadline <= now) {
            return self.enter_closed(CloseReason::HandshakeTimeout);
        }
        if self.forget_at.take_if(|at| *at <= now).is_some() {
            self.session.forget_old();
        }
        if self.session.timer.expire(now) {
            let is_late = self.state.connected().is_some() && self.session.flight.is_of_handshake();
            if is_late && self.session.timer.expirations() > MAX_LATE_EXPIRATIONS {
                self.session.forget_old();
            } else {
                self.retransmit();
            }
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let timers = earliest(self.session.timer.deadline(), self.session.acks.deadline());
        earliest(timers, earliest(self.handshake_deadline(), self.forget_at))
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> Option<Transmit> {
        let now = self.clock.advance(now);
        let before = out.len();
        if !(self.write_alert(out) || self.write_ack(now, out) || self.write_flight(now, out)) {
            return None;
        }
        self.started.get_or_insert(now);
        self.stats.datagrams_sent = self.stats.datagrams_sent.saturating_add(1);
        let bytes = u64::try_from(out.len().saturating_sub(before)).unwrap_or(u64::MAX);
        self.stats.handshake_bytes_sent = self.stats.handshake_bytes_sent.saturating_add(bytes);
        Some(Transmit::selected())
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }
}

impl fmt::Debug for Dtls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dtls")
            .field("role", &self.session.role)
            .field("version", &self.session.version)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

const fn shift(range: Range<usize>, by: usize) -> Range<usize> {
    range.start.saturating_add(by)..range.end.saturating_add(by)
}
