//! Consent freshness and keepalives (RFC 7675; RFC 8445, section 11).

use super::{IceAgent, TimerKey};
use crate::config::Role;
use crate::pair::{Pair, PairId, PairState};
use crate::route::Route;
use crate::transaction::Request;
use crate::wire;
use alloc::vec::Vec;
use sendrecv_core::{Instant, PacketBuf, Transmit};
use sendrecv_stun::{TransactionConfig, TransactionId};

/// What is known of the peer's consent to the pair in use.
#[derive(Debug, Default)]
pub(crate) struct Consent {
    /// When the oldest unanswered consent check was sent.
    asked: Option<Instant>,
    /// The peer's network may have changed, so that silence is not borne for long.
    hurried: bool,
    /// Too long without an answer.
    pub(super) lost: bool,
    /// It ran out while nobody served us: data waits until there is an answer again.
    pub(super) held: bool,
}

/// How many times a reasonable wait the pair in use may be silent when it is doubted.
const HURRIED_WAITS: u32 = 3;

impl IceAgent {
    /// A pair was selected; its check just succeeded, which is consent.
    pub(super) fn start_consent(&mut self, now: Instant) {
        self.stop_consent();
        if self.config.lite {
            self.timers.set(TimerKey::Keepalive, Some(now + self.timing.keepalive));
            self.timers.set(TimerKey::Disconnect, Some(now + self.timing.consent_timeout));
            return;
        }
        self.timers.set(TimerKey::ConsentExpiry, Some(now + self.timing.consent_timeout));
        self.schedule_consent(now);
        if self.current.remote_is_lite() {
            // A lite peer checks nothing of its own accord, so ours keep the binding.
            self.timers.set(TimerKey::Keepalive, Some(now + self.timing.keepalive));
        }
    }

    pub(super) fn stop_consent(&mut self) {
        self.consent = Consent::default();
        let keys = [
            TimerKey::Consent,
            TimerKey::Probe,
            TimerKey::Doubt,
            TimerKey::Disconnect,
            TimerKey::ConsentExpiry,
            TimerKey::Keepalive,
        ];
        for key in keys {
            self.timers.set(key, None);
        }
    }

    /// The next consent check comes after 0.8 to 1.2 intervals (RFC 7675, section 5.1).
    fn schedule_consent(&mut self, now: Instant) {
        let thousandths = u32::try_from(self.wire_rng.below(401)).unwrap_or(0).saturating_add(800);
        let interval = self.timing.consent_interval.saturating_mul(thousandths) / 1000;
        self.timers.set(TimerKey::Consent, Some(now + interval));
    }

    /// Sends one consent check, once.
    pub(super) fn check_consent(&mut self, now: Instant) {
        let Some(id) = self.selected else { return };
        let Some(route) = self.list.get(id).and_then(|pair| pair.route) else { return };
        let Some(mut check) = self.check_of(id) else { return };
        // The nomination is repeated, so that the peer follows when a NAT has given us another address meanwhile.
        check.use_candidate = self.role == Role::Controlling;
        let rank = self.list.get(id).and_then(|pair| pair.nominated);
        check.nomination = rank.filter(|_| check.use_candidate && self.may_renominate());
        let lifetime = self.timing.consent_timeout;
        let once = TransactionConfig::spread(lifetime, 0, lifetime);
        self.begin(now, Request::Consent(id, check), route, once);
        self.schedule_consent(now);
        if self.consent.asked.is_none() {
            self.consent.asked = Some(now);
            self.timers.set(TimerKey::Probe, Some(now + self.patience_for(id)));
            self.timers.set(TimerKey::Disconnect, Some(now + self.timing.disconnected));
        }
    }

    /// Something suggests that one side's network has changed: an address that came or went, or a check over another pair
    /// than the one in use. If that has been silent for a while, it is asked whether it still works.
    pub(super) fn doubt_selected(&mut self, now: Instant) {
        let Some(id) = self.selected.filter(|id| self.is_current(*id)) else { return };
        if self.config.lite || self.consent.hurried || self.timers.get(TimerKey::Doubt).is_some() {
            return;
        }
        let heard = self.list.get(id).map_or(now, |pair| pair.heard);
        self.timers.set(TimerKey::Doubt, Some(now.max(heard + self.patience_for(id))));
    }

    /// Consent has run out, but for want of time on our side. Who sends no data need not have consent, only regain it before
    /// it sends more (RFC 7675, section 5.1): data waits for the answer to a check that is made now. Without one, consent is
    /// lost as ever.
    pub(super) fn hold_data(&mut self, now: Instant) {
        let Some(id) = self.selected.filter(|_| !self.consent.held) else { return };
        self.consent.held = true;
        self.consent.lost = true;
        self.probe(now);
        let patience = self.patience_for(id).saturating_mul(HURRIED_WAITS);
        self.timers.set(TimerKey::ConsentExpiry, Some(now + patience));
        self.timers.set(TimerKey::Consent, Some(now));
    }

    /// The doubted pair has been silent until now: asks it by a connectivity check, since consent checks keep their pace.
    pub(super) fn ask_selected(&mut self, now: Instant) {
        let Some(id) = self.selected else { return };
        let patience = self.patience_for(id);
        if self.list.get(id).is_none_or(|pair| pair.heard + patience > now) {
            return;
        }
        self.list.trigger(id);
        self.consent.asked = Some(now);
        self.consent.hurried = true;
        self.timers.set(TimerKey::Disconnect, Some(now + patience.saturating_mul(HURRIED_WAITS)));
    }

    /// The answer is late. Consent checks are neither repeated nor sent more often, but connectivity checks are: one of
    /// those finds out whether it was just a lost packet. Or a relay has forgotten us.
    pub(super) fn probe(&mut self, now: Instant) {
        if let Some(id) = self.selected
            && self.list.get(id).is_some_and(|pair| pair.generation == self.current.number)
        {
            self.list.trigger(id);
        }
        if let Some(Route::Relayed { relay, peer }) =
            self.selected.and_then(|id| self.list.get(id)).and_then(|pair| pair.route)
        {
            self.renew_way(now, relay, peer);
        }
    }

    /// The pair in use was answered.
    pub(super) fn consented(&mut self, now: Instant) {
        self.consent = Consent::default();
        self.timers.set(TimerKey::Probe, None);
        self.timers.set(TimerKey::Disconnect, None);
        self.timers.set(TimerKey::ConsentExpiry, Some(now + self.timing.consent_timeout));
    }

    /// The full side's checks are all that tells a lite agent that the pair in use lives.
    pub(super) fn heard_by_lite(&mut self, now: Instant, id: PairId) {
        if self.selected == Some(id) {
            self.consent.lost = false;
            self.timers.set(TimerKey::Disconnect, Some(now + self.timing.consent_timeout));
        }
    }

    /// No answer for too long. What else was heard of the peer counts; if nothing was, other pairs are looked at again.
    pub(super) fn lose_contact(&mut self, now: Instant) {
        let Some(heard) = self.selected.and_then(|id| self.list.get(id)).map(|pair| pair.heard) else {
            return;
        };
        let silence = if self.config.lite { self.timing.consent_timeout } else { self.timing.disconnected };
        let until = heard + silence;
        let silent_since_asked = self.consent.asked.is_some_and(|asked| heard < asked);
        let out_of_patience = core::mem::take(&mut self.consent.hurried) && silent_since_asked;
        if until > now && !out_of_patience {
            self.consent.lost = false;
            self.timers.set(TimerKey::Disconnect, Some(until));
            return;
        }
        self.consent.lost = true;
        if self.config.lite {
            return;
        }
        self.list.set_floor(0);
        for id in self.other_pairs() {
            self.doubt(id);
        }
    }

    /// The pair has to prove itself again. What the peer nominated counts again when it does.
    fn doubt(&mut self, id: PairId) {
        if let Some(pair) = self.list.get_mut(id) {
            pair.nominated_by_peer = pair.nominated_by_peer.max(pair.nominated);
        }
        self.list.set_nominated(id, None);
        self.list.set_state(id, PairState::Waiting);
    }

    /// The pairs of this generation that might replace the one in use, but for those that worked since that was silent.
    fn other_pairs(&self) -> Vec<PairId> {
        let works = |pair: &Pair| {
            pair.state == PairState::Succeeded && self.consent.asked.is_some_and(|asked| pair.heard >= asked)
        };
        let usable = |id: PairId, pair: &Pair| {
            Some(id) != self.selected
                && pair.generation == self.current.number
                && !pair.revoked
                && !works(pair)
                && pair.state != PairState::InProgress
        };
        self.list.iter().filter(|(id, pair)| usable(*id, pair)).map(|(id, _)| id).collect()
    }

    /// Consent is over: nothing may be sent there any more, and only other pairs or a restart help.
    pub(super) fn lose_consent(&mut self, now: Instant) {
        let Some(id) = self.data_pair() else { return };
        tracing::debug!("consent expired");
        if let Some(pair) = self.list.get_mut(id) {
            pair.revoked = true;
        }
        self.drop_transactions_of(id);
        self.fail_pair(now, id);
        if self.selected.is_none() && self.list.best_valid().is_none() {
            self.give_up();
        }
    }

    /// What was still being tried had as long as consent lasts.
    fn give_up(&mut self) {
        for id in self.other_pairs() {
            self.list.set_state(id, PairState::Failed);
        }
        let running: Vec<PairId> = self.list.iter().map(|(id, _)| id).collect();
        for id in running {
            if let Some(check) = self.list.get_mut(id).and_then(|pair| pair.check.take()) {
                self.end_transaction(check);
            }
            self.list.set_state(id, PairState::Failed);
        }
        self.patience_over = true;
    }

    fn drop_transactions_of(&mut self, id: PairId) {
        let of_pair = |request: &Request| matches!(request, Request::Check(pair, _) | Request::Consent(pair, _) if *pair == id);
        let ids = self.transactions.iter().filter(|(_, transaction)| of_pair(&transaction.request));
        for transaction in ids.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.end_transaction(transaction);
        }
    }

    /// The binding may need a packet, if none was sent for a while.
    pub(super) fn keep_alive(&mut self, now: Instant) {
        let Some(pair) = self.selected.and_then(|id| self.list.get(id)) else { return };
        let quiet_until =
            pair.counters.last_packet_sent.map_or(Instant::ZERO, |sent| sent + self.timing.keepalive);
        self.keepalive_due = quiet_until <= now;
        let next = if self.keepalive_due { now + self.timing.keepalive } else { quiet_until };
        self.timers.set(TimerKey::Keepalive, Some(next));
    }

    /// Writes a keepalive.
    pub(super) fn transmit_keepalive(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> Option<Transmit> {
        if !self.keepalive_due {
            return None;
        }
        let route = self.selected.and_then(|id| self.list.get(id)).and_then(|pair| pair.route);
        let id = TransactionId::random(&mut self.wire_rng);
        wire::write_keepalive(out, id).ok()?;
        self.keepalive_due = false;
        self.address(now, route?, out)
    }
}
