//! The connection: records in, records out, time.

use crate::delivery::{Delivery, Records};
use crate::handshake::reassembly::Insertion;
use crate::hello::client::AwaitServerHello;
use crate::record::{Incoming, OpenError, Opened, Sealer};
use crate::session::Session;
use crate::srtp::{EXPORTER_LABEL, MAX_EXPORT_LEN, split};
use crate::state::{Connected, State};
use crate::wire::ack::{self, RecordNumber};
use crate::wire::fragment::{Fragment, HandshakeType};
use crate::wire::record::ContentType;
use crate::{
    Alert, AlertDescription, CloseReason, Config, ConnectionState, Discard, Event, ExportError, Failure,
    Fingerprint, Role, SealError, SrtpKeyMaterial, Stats, Version,
};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use core::time::Duration;
use sendrecv_core::{Clock, Instant, Machine, PacketBuf, Reader, Seed, Transmit, earliest};
use tracing::{debug, trace};
use zeroize::Zeroizing;

/// Records kept until their keys are there: number and bytes.
const MAX_DEFERRED: usize = 32;
const MAX_DEFERRED_BYTES: usize = 16 << 10;
/// After this many timeouts a flight after the handshake is given up: the peer evidently lives without it.
const MAX_LATE_EXPIRATIONS: u32 = 32;
/// How long the handshake's keys are kept to answer a peer that did not hear of our being connected.
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
    connected_at: Option<Instant>,
    /// When the flight last went out.
    sent_at: Instant,
    deferred: Vec<Vec<u8>>,
    pending_alert: Option<Alert>,
    asked_for_fingerprint: bool,
    refused_renegotiation: bool,
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
            connected_at: None,
            sent_at: now,
            deferred: Vec::new(),
            pending_alert: None,
            asked_for_fingerprint: false,
            refused_renegotiation: false,
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
            let result = match Incoming::parse(rest) {
                Ok(incoming) => {
                    let start = at;
                    at = at.saturating_add(incoming.len());
                    let record = rest.get_mut(..incoming.len()).unwrap_or_default();
                    self.handle_record(now, &incoming, record)
                        .map(|content| content.map(|range| shift(range, start)))
                }
                Err(reason) => {
                    at = datagram.len().max(1);
                    Err(reason)
                }
            };
            match result {
                Ok(Some(payload)) => {
                    delivery.push(datagram, &payload);
                    accepted = true;
                }
                Ok(None) => accepted = true,
                Err(reason) => discard = discard.or(Some(self.stats.discards.count(reason))),
            }
        }
        match discard {
            Some(reason) if !accepted => Err(reason),
            _ => Ok(delivery.finish(datagram)),
        }
    }

    /// Protects the packet's content as one record, in place: the header goes into the headroom ([`HEADROOM`](crate::HEADROOM)),
    /// the tag into the tailroom ([`TAILROOM`](crate::TAILROOM)).
    pub fn seal(&mut self, now: Instant, packet: &mut PacketBuf<'_>) -> Result<(), SealError> {
        self.clock.advance(now);
        let connected = match &mut self.state {
            State::Connected(connected) => connected,
            State::Closed(_) => return Err(SealError::Closed),
            _ => return Err(SealError::NotConnected),
        };
        let sealer = self.session.records.sealer().ok_or(SealError::NotConnected)?;
        sealer.seal_packet(packet)?;
        if let (Sealer::V13(sealer), Some(updates)) = (&*sealer, &mut connected.updates)
            && sealer.sealed() >= self.session.config.key_update_after
        {
            updates.want();
        }
        self.stats.records_sealed = self.stats.records_sealed.saturating_add(1);
        Ok(())
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
        self.session.inbox.buffered().saturating_add(deferred)
    }
}

/// Incoming records.
impl Dtls {
    fn handle_record(
        &mut self,
        now: Instant,
        incoming: &Incoming,
        record: &mut [u8],
    ) -> Result<Option<Range<usize>>, Discard> {
        if matches!(self.state, State::Closed(_)) {
            return Err(Discard::Closed);
        }
        match self.session.records.open(incoming, record) {
            Ok(opened) => {
                self.started.get_or_insert(now);
                self.handle_content(now, opened, record)
            }
            Err(OpenError::NoKeysYet) => self.defer(record).map(|()| None),
            Err(OpenError::Discard(reason)) => {
                if self.session.records.forgery_limit_reached() {
                    self.enter_closed(CloseReason::ForgeryLimit);
                }
                Err(reason)
            }
        }
    }

    fn handle_content(
        &mut self,
        now: Instant,
        opened: Opened,
        record: &[u8],
    ) -> Result<Option<Range<usize>>, Discard> {
        let content = record.get(opened.content.clone()).unwrap_or_default();
        match opened.content_type {
            ContentType::ApplicationData if self.state.connected().is_none() => {
                Err(Discard::EarlyApplicationData)
            }
            ContentType::ApplicationData => {
                self.stats.records_opened = self.stats.records_opened.saturating_add(1);
                Ok(Some(opened.content))
            }
            ContentType::Handshake => self.handle_handshake(now, opened.number, content).map(|()| None),
            ContentType::Alert => self.handle_alert(opened.number, content).map(|()| None),
            ContentType::Ack => self.handle_ack(opened.number, content).map(|()| None),
            // Says nothing that the epoch of the next record does not say.
            ContentType::ChangeCipherSpec if self.state.connected().is_none() => Ok(None),
            ContentType::ChangeCipherSpec | ContentType::Tls12Cid => Err(Discard::BadContent),
        }
    }

    /// Keeps a protected record until its keys are there.
    fn defer(&mut self, record: &[u8]) -> Result<(), Discard> {
        let bytes = self.deferred.iter().map(Vec::len).fold(record.len(), usize::saturating_add);
        if self.deferred.len() >= MAX_DEFERRED || bytes > MAX_DEFERRED_BYTES {
            return Err(Discard::EarlyRecord);
        }
        self.deferred.push(record.to_vec());
        Ok(())
    }

    /// Opens what was kept, now that there are keys.
    fn handle_deferred(&mut self, now: Instant) {
        if self.deferred.is_empty() || !self.session.records.is_protected() {
            return;
        }
        for mut record in core::mem::take(&mut self.deferred) {
            let result =
                Incoming::parse(&record).and_then(|incoming| self.handle_record(now, &incoming, &mut record));
            if let Err(reason) = result {
                self.stats.discards.count(reason);
            }
        }
    }

    /// Whether a plaintext record means anything now. Once the peer can protect what it says, plaintext is only believed
    /// to be a flight sent again.
    fn believes_plaintext(&self) -> bool {
        let protected = self.session.version == Some(Version::Dtls13) && self.session.records.is_protected();
        self.state.connected().is_none() && !protected
    }

    fn handle_handshake(
        &mut self,
        now: Instant,
        number: RecordNumber,
        content: &[u8],
    ) -> Result<(), Discard> {
        let mut reader = Reader::new(content);
        let (mut new, mut old, mut discard) = (false, false, None);
        if reader.is_empty() {
            return Err(Discard::BadFragment);
        }
        while !reader.is_empty() {
            let fragment = Fragment::parse(&mut reader).map_err(|_| Discard::BadFragment)?;
            match self.insert(&fragment, number.epoch) {
                Ok(Insertion::New) => new = true,
                Ok(Insertion::Known) => (),
                Ok(Insertion::Old) => old = true,
                Err(reason) => discard = Some(reason),
            }
        }
        if new {
            self.on_progress();
        }
        if old && !new {
            self.on_flight_again(now, number);
        } else if discard.is_none() {
            self.session.acks.add(number);
        }
        if new {
            self.drive(now);
            self.handle_deferred(now);
        }
        self.schedule_ack(now);
        match discard {
            Some(reason) if !new && !old => Err(reason),
            _ => Ok(()),
        }
    }

    fn insert(&mut self, fragment: &Fragment<'_>, epoch: u64) -> Result<Insertion, Discard> {
        let is_old = self.session.inbox.is_old(fragment.message_seq);
        if epoch == 0 && (!self.believes_plaintext() || fragment.kind == HandshakeType::FINISHED) {
            let again = is_old && self.state.connected().is_none();
            return if again { Ok(Insertion::Old) } else { Err(Discard::Plaintext) };
        }
        if !is_old && self.state.connected().is_some() && self.session.version == Some(Version::Dtls12) {
            self.refuse_renegotiation();
            return Err(Discard::Renegotiation);
        }
        self.session.inbox.insert(fragment, epoch)
    }

    /// Says once that there will be no renegotiation (RFC 5246, section 7.2.2).
    fn refuse_renegotiation(&mut self) {
        if !core::mem::replace(&mut self.refused_renegotiation, true) {
            self.pending_alert = Some(Alert::warning(AlertDescription::NoRenegotiation));
        }
    }

    /// In DTLS 1.3 the first piece of an answer acknowledges all of our flight (RFC 9147, section 7.2).
    fn on_progress(&mut self) {
        if self.session.version == Some(Version::Dtls13) && self.state.connected().is_none() {
            self.session.end_flight();
        }
    }

    /// The peer sends a flight again that was complete here: it has not heard our answer.
    fn on_flight_again(&mut self, now: Instant, number: RecordNumber) {
        if self.session.flight.is_empty() {
            // Ours was answered already, or there is none: acknowledging is all that can be done.
            self.session.acks.add(number);
            if self.state.connected().is_some() {
                self.session.acks.send_now(now);
            }
            return;
        }
        let pause = self.session.timer.timeout() / 2;
        if !self.session.flight.is_sending() && now >= self.sent_at + pause {
            self.retransmit();
        }
    }

    fn retransmit(&mut self) {
        self.session.flight.restart();
        self.stats.retransmissions = self.stats.retransmissions.saturating_add(1);
    }

    /// Acknowledges what is there if the rest of the flight does not come soon (RFC 9147, section 7.1).
    fn schedule_ack(&mut self, now: Instant) {
        let connected = self.state.connected().is_some();
        if self.session.version == Some(Version::Dtls13) && self.session.records.write_epoch(connected) > 0 {
            self.session.acks.schedule(now, self.session.timer.timeout() / 4);
        }
    }

    fn handle_ack(&mut self, number: RecordNumber, content: &[u8]) -> Result<(), Discard> {
        if number.epoch == 0 || self.session.version != Some(Version::Dtls13) {
            return Err(Discard::Plaintext);
        }
        let numbers = ack::parse(content).map_err(|_| Discard::BadContent)?;
        let mut news = false;
        for number in numbers {
            news |= self.session.flight.acknowledge(number);
        }
        if self.session.flight.is_acknowledged() {
            self.session.end_flight();
            self.on_flight_acknowledged();
        } else if news && !self.session.flight.is_sending() {
            self.session.timer.reset();
            self.retransmit();
        }
        Ok(())
    }

    fn on_flight_acknowledged(&mut self) {
        let State::Connected(Connected { updates: Some(updates), .. }) = &mut self.state else {
            return;
        };
        match updates.on_flight_acknowledged(&mut self.session) {
            Ok(true) => self.stats.key_updates_sent = self.stats.key_updates_sent.saturating_add(1),
            Ok(false) => (),
            Err(failure) => self.fail(failure),
        }
    }

    fn handle_alert(&mut self, number: RecordNumber, content: &[u8]) -> Result<(), Discard> {
        if number.epoch == 0 && !self.believes_plaintext() {
            return Err(Discard::Plaintext);
        }
        let alert = Alert::parse(content).map_err(|_| Discard::BadContent)?;
        debug!(?alert, "alert received");
        match alert.description {
            AlertDescription::CloseNotify => {
                self.pending_alert = Some(Alert::warning(AlertDescription::CloseNotify));
                self.enter_closed(CloseReason::Peer);
            }
            // In DTLS 1.3 levels mean nothing: everything but close_notify and user_canceled is an error.
            AlertDescription::UserCanceled => (),
            description if alert.fatal || self.session.version == Some(Version::Dtls13) => {
                self.enter_closed(CloseReason::Alert(description));
            }
            _ => (),
        }
        Ok(())
    }
}

/// The handshake.
impl Dtls {
    /// Hands complete messages to the state, in order, until one is missing or a fingerprint is needed.
    fn drive(&mut self, now: Instant) {
        while !self.is_blocked() {
            let Some(message) = self.session.inbox.take() else {
                return;
            };
            trace!(kind = ?message.kind, seq = message.seq, "handshake message");
            let was_connected = self.state.connected().is_some();
            let state = core::mem::replace(&mut self.state, State::Closed(CloseReason::Local));
            match state.on_message(&mut self.session, &message) {
                Ok(state) => self.state = state,
                Err(failure) => return self.fail(failure),
            }
            if let Some(connected) = self.state.connected().filter(|_| !was_connected) {
                let info = Box::new(connected.info());
                self.on_connected(now);
                self.events.push_back(Event::Connected(info));
            } else if was_connected {
                self.on_post_handshake_message(now, message.kind);
            }
        }
    }

    /// Whether the peer's certificate is here but not the fingerprint to check it with.
    fn is_blocked(&mut self) -> bool {
        let blocked = self.session.inbox.next_kind() == Some(HandshakeType::CERTIFICATE)
            && !self.session.knows_fingerprints()
            && self.state.connected().is_none();
        if blocked && !core::mem::replace(&mut self.asked_for_fingerprint, true) {
            self.events.push_back(Event::FingerprintNeeded);
        }
        blocked
    }

    fn on_connected(&mut self, now: Instant) {
        debug!(version = ?self.session.version, role = ?self.session.role, "connected");
        self.connected_at = Some(now);
        self.deferred = Vec::new();
        // The client's last flight has no other answer.
        if self.session.version == Some(Version::Dtls13) && self.session.role == Role::Server {
            self.session.acks.send_now(now);
        }
    }

    fn on_post_handshake_message(&mut self, now: Instant, kind: HandshakeType) {
        self.session.acks.send_now(now);
        if kind == HandshakeType::KEY_UPDATE {
            self.stats.key_updates_received = self.stats.key_updates_received.saturating_add(1);
        }
    }

    fn fail(&mut self, failure: Failure) {
        debug!(%failure, "the connection failed");
        self.pending_alert = Some(Alert::fatal(failure.alert()));
        self.enter_closed(CloseReason::Failed(failure));
    }

    fn enter_closed(&mut self, reason: CloseReason) {
        debug!(%reason, "closed");
        self.session.end_flight();
        self.session.acks.clear();
        self.deferred = Vec::new();
        self.state = State::Closed(reason);
        self.events.push_back(Event::Closed(reason));
    }

    /// When the handshake is given up. While it waits for the signalling, never.
    fn handshake_deadline(&self) -> Option<Instant> {
        let waits = self.asked_for_fingerprint && !self.session.knows_fingerprints();
        let under_way = !waits && !matches!(self.state, State::Connected(_) | State::Closed(_));
        self.started.filter(|_| under_way).map(|started| started + self.session.config.handshake_timeout)
    }
}

/// Outgoing records.
impl Dtls {
    fn write_alert(&mut self, out: &mut PacketBuf<'_>) -> bool {
        let Some(alert) = self.pending_alert else {
            return false;
        };
        let epoch = self.session.records.write_epoch(self.connected_at.is_some());
        let written = self.session.records.append(out, epoch, ContentType::Alert, &[&alert.encode()]);
        if written != Err(SealError::NoSpace) {
            self.pending_alert = None;
        }
        written.is_ok()
    }

    fn write_ack(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> bool {
        let epoch = self.session.records.write_epoch(self.state.connected().is_some());
        let room = out.space().min(self.session.mtu()).saturating_sub(self.session.records.overhead(epoch));
        let Some(numbers) = self.session.acks.take_due(now, room.saturating_sub(2) / 16) else {
            return false;
        };
        if self.state.connected().is_some() {
            self.session.acks.clear();
        }
        let content = ack::encode(&numbers);
        epoch > 0 && self.session.records.append(out, epoch, ContentType::Ack, &[&content]).is_ok()
    }

    fn write_flight(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> bool {
        if let State::Connected(Connected { updates: Some(updates), .. }) = &mut self.state {
            updates.send_if_wanted(&mut self.session);
        }
        let mtu = self.session.mtu();
        if !self.session.flight.write(&mut self.session.records, out, mtu) {
            return false;
        }
        if !self.session.flight.is_sending() {
            self.sent_at = now;
            if self.session.expects_answer {
                self.session.timer.start(now);
            }
        }
        true
    }
}

impl Machine for Dtls {
    type Event = Event;

    fn handle_timeout(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        if self.handshake_deadline().is_some_and(|deadline| deadline <= now) {
            return self.enter_closed(CloseReason::HandshakeTimeout);
        }
        if self.session.timer.expire(now) {
            if self.state.connected().is_some() && self.session.timer.expirations() > MAX_LATE_EXPIRATIONS {
                self.session.end_flight();
            } else {
                self.retransmit();
            }
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let timers = earliest(self.session.timer.deadline(), self.session.acks.deadline());
        earliest(timers, self.handshake_deadline())
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> Option<Transmit> {
        let now = self.clock.advance(now);
        let before = out.len();
        if !(self.write_alert(out) || self.write_ack(now, out) || self.write_flight(now, out)) {
            return None;
        }
        self.started.get_or_insert(now);
        if self.connected_at.is_some_and(|since| now >= since + LINGER) && self.session.flight.is_empty() {
            self.session.records.drop_handshake_keys();
        }
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
