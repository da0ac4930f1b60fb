//! What comes in: records, and what is inside them.

use super::Dtls;
use super::early::{MAX_DEFERRED, MAX_DEFERRED_BYTES};
use crate::handshake::reassembly::Insertion;
use crate::record::{Incoming, OpenError, Opened};
use crate::state::{Connected, State};
use crate::wire::ack::{self, RecordNumber};
use crate::wire::fragment::{Fragment, HandshakeType};
use crate::wire::record::ContentType;
use crate::{Alert, AlertDescription, CloseReason, Discard, Version};
use alloc::vec::Vec;
use core::ops::Range;
use sendrecv_core::{Instant, Reader};
use tracing::debug;

impl Dtls {
    pub(super) fn handle_record(
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
                if opened.number > self.newest {
                    (self.newest, self.newest_in_last) = (opened.number, true);
                }
                self.handle_content(now, opened, record)
            }
            Err(OpenError::NoKeysYet) => {
                self.defer(record)?;
                if matches!(incoming, Incoming::Unified(_)) {
                    self.ask_for_server_hello(now);
                }
                Ok(None)
            }
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
            ContentType::ApplicationData => {
                self.stats.records_opened = self.stats.records_opened.saturating_add(1);
                match self.state.connected() {
                    Some(_) => Ok(Some(opened.content)),
                    None => self.early.keep(content).map(|()| None),
                }
            }
            ContentType::Handshake => self.handle_handshake(now, opened.number, content).map(|()| None),
            ContentType::Alert => self.handle_alert(opened.number, content).map(|()| None),
            ContentType::Ack => self.handle_ack(now, opened.number, content).map(|()| None),
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
    pub(super) fn handle_deferred(&mut self, now: Instant) {
        if self.deferred.is_empty() || !self.session.records.is_protected() {
            return;
        }
        let id_len = self.session.records.received_id_len();
        for mut record in core::mem::take(&mut self.deferred) {
            let result = Incoming::parse(&record, id_len)
                .and_then(|incoming| self.handle_record(now, &incoming, &mut record));
            let kept = result.and_then(|content| match content.and_then(|range| record.get(range)) {
                Some(data) => self.early.keep(data),
                None => Ok(()),
            });
            if let Err(reason) = kept {
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
            self.on_flight_again(now, Some(number));
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
        // A new handshake may count its messages from zero again; of the old one only Finished is protected.
        let begins_again = !is_old || fragment.kind != HandshakeType::FINISHED;
        if begins_again && self.state.connected().is_some() && self.session.version == Some(Version::Dtls12) {
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
    fn on_flight_again(&mut self, now: Instant, number: Option<RecordNumber>) {
        if self.session.flight.is_empty() {
            // Ours was answered already, or there is none: acknowledging is all that can be done.
            if self.session.version == Some(Version::Dtls13) {
                number.into_iter().for_each(|number| self.session.acks.add(number));
                if self.state.connected().is_some() {
                    self.session.acks.send_now(now);
                }
            }
            return;
        }
        let pause = self.session.timer.timeout() / 2;
        if !self.session.flight.is_sending() && now >= self.sent_at + pause {
            self.retransmit();
        }
    }

    pub(super) fn retransmit(&mut self) {
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

    /// A client that gets protected records before the ServerHello asks for it with an ACK of nothing, in plaintext as it
    /// has no keys yet, unless it comes soon (RFC 9147, section 7.1).
    fn ask_for_server_hello(&mut self, now: Instant) {
        if matches!(self.state, State::AwaitServerHello(_)) && self.session.config.allows(Version::Dtls13) {
            self.session.acks.schedule_empty(now, self.session.timer.timeout() / 4);
        }
    }

    fn handle_ack(&mut self, now: Instant, number: RecordNumber, content: &[u8]) -> Result<(), Discard> {
        if self.session.version != Some(Version::Dtls13) {
            return Err(Discard::Plaintext);
        }
        if number.epoch == 0 {
            // Anybody can write it, so it is worth as much as an old message sent again.
            let asks = self.state.connected().is_none() && content == [0, 0];
            if !asks {
                return Err(Discard::Plaintext);
            }
            self.on_flight_again(now, None);
            return Ok(());
        }
        let numbers = ack::parse(content).map_err(|_| Discard::BadContent)?;
        let mut news = false;
        for number in numbers {
            news |= self.session.flight.acknowledge(number);
        }
        if self.session.flight.is_acknowledged() {
            if self.state.connected().is_some() && self.session.flight.is_of_handshake() {
                // The peer is connected too: it sends nothing of the handshake any more.
                self.session.records.drop_handshake_keys();
            }
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
