//! Complete messages, and the changes of state they lead to.

use super::early::EarlyData;
use super::{Dtls, LINGER, MAX_LIFETIME};
use crate::state::State;
use crate::wire::fragment::HandshakeType;
use crate::{Alert, CloseReason, Event, Failure, Role, Version};
use alloc::boxed::Box;
use alloc::vec::Vec;
use sendrecv_core::Instant;
use tracing::{debug, trace};

impl Dtls {
    /// Hands complete messages to the state, in order, until one is missing or a fingerprint is needed.
    pub(super) fn drive(&mut self, now: Instant) {
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
        self.was_connected = true;
        self.session.inbox.release();
        if self.session.role == Role::Server {
            // The client may have to send its last flight again until it hears of this.
            self.forget_at = Some(now + LINGER);
            if self.session.version == Some(Version::Dtls13) {
                self.session.acks.send_now(now);
                self.session.records.drop_handshake_write_key();
            }
        }
    }

    fn on_post_handshake_message(&mut self, now: Instant, kind: HandshakeType) {
        self.session.acks.send_now(now);
        if kind == HandshakeType::KEY_UPDATE {
            self.forget_at = Some(now + MAX_LIFETIME);
            self.stats.key_updates_received = self.stats.key_updates_received.saturating_add(1);
        }
    }

    pub(super) fn fail(&mut self, failure: Failure) {
        debug!(%failure, "the connection failed");
        self.pending_alert = Some(Alert::fatal(failure.alert()));
        self.enter_closed(CloseReason::Failed(failure));
    }

    pub(super) fn enter_closed(&mut self, reason: CloseReason) {
        debug!(%reason, "closed");
        self.session.end_flight();
        self.session.acks.clear();
        self.deferred = Vec::new();
        self.early = EarlyData::default();
        self.forget_at = None;
        self.state = State::Closed(reason);
        self.events.push_back(Event::Closed(reason));
    }

    /// When the handshake is given up. While it waits for the signalling, never.
    pub(super) fn handshake_deadline(&self) -> Option<Instant> {
        let waits = self.asked_for_fingerprint && !self.session.knows_fingerprints();
        let under_way = !waits && !matches!(self.state, State::Connected(_) | State::Closed(_));
        self.started.filter(|_| under_way).map(|started| started + self.session.config.handshake_timeout)
    }
}
