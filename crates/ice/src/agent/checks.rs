//! Sending checks: pacing, retransmission, failure (RFC 8445, sections 6.1.4 and 7.2.4).

use super::{IceAgent, TimerKey};
use crate::config::{Nomination, Role};
use crate::pair::{Pair, PairId, PairState};
use crate::route::Route;
use crate::transaction::{Request, Transaction};
use crate::wire::{self, Check};
use alloc::vec::Vec;
use core::time::Duration;
use sendrecv_core::{Instant, NoSpace, PacketBuf, Protocol, Transmit};
use sendrecv_stun::{ClientTransaction, Step, TransactionConfig, TransactionId};

/// No path is believed to be slower than this.
pub(super) const SLOWEST: Duration = Duration::from_secs(1);

impl IceAgent {
    /// Sets the pacer if there is something to start.
    pub(super) fn wake_pacer(&mut self, now: Instant) {
        let checks = self.list.has_check() && self.current.remote_key().is_some();
        if self.timers.get(TimerKey::Pace).is_some() || !(checks || self.gatherer.has_work()) {
            return;
        }
        let at = self.last_paced.map_or(now, |last| now.max(last + self.timing.pacing));
        self.timers.set(TimerKey::Pace, Some(at));
    }

    /// Starts the next transaction. Questions to servers and checks take turns, so that neither waits for the other.
    pub(super) fn start_next(&mut self, now: Instant) {
        let server_first = !self.gatherer.server_was_last;
        let started = (server_first && self.start_server_request(now)) || self.start_next_check(now);
        if started {
            self.gatherer.server_was_last = server_first;
        } else {
            self.gatherer.server_was_last = self.start_server_request(now);
        }
        self.last_paced = Some(now);
    }

    /// Starts the check whose turn it is, passing over those that turn out not to be needed any more.
    fn start_next_check(&mut self, now: Instant) -> bool {
        if self.current.remote_key().is_none() {
            return false;
        }
        while let Some(id) = self.list.next_check() {
            if self.start_check(now, id) {
                return true;
            }
        }
        false
    }

    fn start_check(&mut self, now: Instant, id: PairId) -> bool {
        let Some(pair) = self.list.get(id) else { return false };
        if pair.revoked {
            self.list.set_state(id, PairState::Failed);
            return false;
        }
        let Some(route) = pair.route else { return self.open_pair_stream(now, id) };
        if let Some(running) = pair.check {
            self.cancel_transaction(now, running);
        }
        let Some(check) = self.check_of(id) else { return false };
        if self.list.get(id).is_some_and(|pair| pair.state != PairState::Succeeded) {
            self.list.set_state(id, PairState::InProgress);
        }
        let transaction = self.begin(now, Request::Check(id, check), route, self.check_schedule(id));
        if let Some(pair) = self.list.get_mut(id) {
            pair.check = Some(transaction);
        }
        true
    }

    /// What a check of the pair says now.
    pub(super) fn check_of(&mut self, id: PairId) -> Option<Check> {
        let pair = self.list.get(id)?;
        let base = self.bases.get(&pair.base)?;
        let aggressive = self.config.nomination == Nomination::Aggressive && self.selected != Some(id);
        let nominates = self.role == Role::Controlling && (pair.nominating || aggressive);
        let host = &self.locals.get(base.candidate)?.candidate;
        Some(Check {
            priority: base.priority(crate::CandidateKind::PeerReflexive),
            role: self.role,
            tie_breaker: self.tie_breaker,
            use_candidate: nominates,
            nomination: (nominates && self.may_renominate()).then_some(self.nominator.rank),
            network_info: host.network_id.map(|network| {
                let cost = host.network_cost.unwrap_or(0);
                (u32::from(network) << 16) | u32::from(cost)
            }),
        })
    }

    /// RTO = MAX(500 ms, Ta * (waiting + in progress)), section 14.3, and on paths that may be slow half as much again as
    /// their round-trip time, so that requests are repeated for loss only. Waits that double for half a minute find what
    /// may come to work. What is known to be there they only keep from us: they double once where the peer has proved to
    /// be, and never on a pair that works. As long as nothing works, any pair may be the one, and they double twice: all
    /// that are in progress send five requests a second at most, since RTO grows with their number.
    fn check_schedule(&self, id: PairId) -> TransactionConfig {
        let active = u32::try_from(self.list.active()).unwrap_or(u32::MAX);
        let pair = self.list.get(id);
        let slow = pair.map_or(Duration::ZERO, |pair| pair.rtt_up_to * 3 / 2);
        let rto = self.timing.rto.max(self.timing.pacing.saturating_mul(active)).max(slow);
        let max_requests = self.timing.requests.into();
        let usual = TransactionConfig { rto, max_requests, ..TransactionConfig::default() };
        let spread = |max_doublings| TransactionConfig::spread(rto, max_doublings, usual.total());
        match pair {
            Some(pair) if pair.state == PairState::Succeeded => spread(0),
            Some(pair) if pair.authenticated => spread(1),
            _ if self.list.best_valid().is_none() => spread(2),
            _ => usual,
        }
    }

    /// Starts a request and queues it to be sent.
    pub(super) fn begin(
        &mut self,
        now: Instant,
        request: Request,
        route: Route,
        config: TransactionConfig,
    ) -> TransactionId {
        let id = TransactionId::random(&mut self.wire_rng);
        let reliable = matches!(route, Route::Direct(path) if path.protocol != Protocol::Udp);
        let schedule = ClientTransaction::new(id, reliable, config, now);
        self.transactions.insert(id, Transaction { schedule, request, cancelled: false, queued: false });
        self.send_request(now, id);
        id
    }

    /// Queues a request, for the first time or again.
    pub(super) fn send_request(&mut self, now: Instant, id: TransactionId) {
        let Some(transaction) = self.transactions.get_mut(&id) else { return };
        transaction.schedule.sent(now);
        self.timers.set(TimerKey::Transaction(id), Some(transaction.schedule.deadline()));
        if !core::mem::replace(&mut transaction.queued, true) {
            self.requests.push_back(id);
        }
    }

    pub(super) fn step_transaction(&mut self, now: Instant, id: TransactionId) {
        let Some(transaction) = self.transactions.get(&id) else { return };
        let step = transaction.schedule.step(now);
        match step {
            _ if transaction.cancelled => self.end_transaction(id),
            Step::Wait => {
                let deadline = transaction.schedule.deadline();
                self.timers.set(TimerKey::Transaction(id), Some(deadline));
            }
            Step::Send => {
                let (request, sent) = (transaction.request, transaction.schedule.requests_sent());
                self.send_request(now, id);
                if let Request::Check(pair, _) = request {
                    // RFC 8445 would leave the others frozen until this one has failed for good, 39.5 s later.
                    self.list.thaw_next(pair);
                    self.doubt_nomination(pair, sent);
                }
            }
            Step::Failed(_) => {
                let request = transaction.request;
                self.end_transaction(id);
                self.request_failed(now, id, request);
            }
        }
    }

    pub(super) fn end_transaction(&mut self, id: TransactionId) {
        self.transactions.remove(&id);
        self.timers.set(TimerKey::Transaction(id), None);
    }

    /// Sends it no more, but lets its answer count for a while.
    fn cancel_transaction(&mut self, now: Instant, id: TransactionId) {
        if let Some(transaction) = self.transactions.get_mut(&id) {
            transaction.cancelled = true;
            let until = now + self.timing.rto.saturating_mul(4);
            self.timers.set(TimerKey::Transaction(id), Some(until));
        }
    }

    /// Ends all transactions of pairs other than `kept`.
    pub(super) fn drop_checks_but(&mut self, kept: Option<PairId>) {
        let over = |request: &Request| match request {
            Request::Check(pair, _) | Request::Consent(pair, _) => Some(*pair) != kept,
            Request::Server(_) => false,
        };
        let ids = self.transactions.iter().filter(|(_, transaction)| over(&transaction.request));
        for id in ids.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.end_transaction(id);
        }
    }

    fn request_failed(&mut self, now: Instant, id: TransactionId, request: Request) {
        match request {
            Request::Check(pair, _) => {
                self.check_failed(now, pair, Some(id));
                self.try_again(pair);
            }
            Request::Consent(..) => {}
            Request::Server(task) => self.server_task_unanswered(task, "the server did not answer"),
        }
    }

    /// The pair's check failed: for good, unless it is the pair in use, of which only consent decides.
    pub(super) fn check_failed(&mut self, now: Instant, id: PairId, transaction: Option<TransactionId>) {
        let Some(pair) = self.list.get_mut(id) else { return };
        if transaction.is_some() && pair.check != transaction {
            return;
        }
        let running = pair.check.take();
        pair.nominating = false;
        if let Some(running) = running {
            self.end_transaction(running);
        }
        if self.nominator.pending == Some(id) {
            self.nominator.pending = None;
        }
        if self.selected != Some(id) {
            self.fail_pair(now, id);
        }
    }

    /// Silence proves nothing for good: all requests may have been lost, or the peer's way to us may open yet. As long as
    /// nothing works and patience lasts, the pair has another turn.
    fn try_again(&mut self, id: PairId) {
        let nothing_works = self.list.best_valid().is_none();
        let Some(pair) = self.list.get_mut(id) else { return };
        pair.unanswered = true;
        if nothing_works && !self.patience_over && pair.state == PairState::Failed && !pair.revoked {
            self.list.set_state(id, PairState::Waiting);
        }
    }

    /// Patience is over (RFC 8863): what was not answered has no more turns. What is new still has its own.
    pub(super) fn lose_patience(&mut self, now: Instant) {
        self.patience_over = true;
        let unanswered = |pair: &Pair| pair.unanswered && pair.state.is_unresolved();
        let pairs = self.list.iter().filter(|(_, pair)| unanswered(pair));
        for id in pairs.map(|(id, _)| id).collect::<Vec<_>>() {
            self.check_failed(now, id, None);
        }
    }

    /// The pair is of no use any more.
    pub(super) fn fail_pair(&mut self, now: Instant, id: PairId) {
        self.list.set_nominated(id, None);
        self.list.set_state(id, PairState::Failed);
        if self.selected == Some(id) {
            self.deselect();
            self.select_best(now);
        }
    }

    /// Writes the next request.
    pub(super) fn transmit_request(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> Option<Transmit> {
        while let Some(id) = self.requests.front().copied() {
            let before = out.len();
            match self.write_request(now, id, out) {
                Ok(transmit) => {
                    self.requests.pop_front();
                    if let Some(transaction) = self.transactions.get_mut(&id) {
                        transaction.queued = false;
                    }
                    if transmit.is_some() {
                        return transmit;
                    }
                    out.truncate(before);
                }
                Err(NoSpace) => return None,
            }
        }
        None
    }

    /// `None` when the request has become pointless.
    fn write_request(
        &mut self,
        now: Instant,
        id: TransactionId,
        out: &mut PacketBuf<'_>,
    ) -> Result<Option<Transmit>, NoSpace> {
        let Some(transaction) = self.transactions.get(&id) else { return Ok(None) };
        match transaction.request {
            Request::Server(task) => {
                wire::write_server_request(out, id)?;
                Ok(self.task_path(task).map(Transmit::to))
            }
            Request::Check(pair, check) | Request::Consent(pair, check) => {
                let consent = matches!(transaction.request, Request::Consent(..));
                self.write_check(now, id, pair, check, consent, out)
            }
        }
    }

    fn write_check(
        &mut self,
        now: Instant,
        id: TransactionId,
        pair_id: PairId,
        check: Check,
        consent: bool,
        out: &mut PacketBuf<'_>,
    ) -> Result<Option<Transmit>, NoSpace> {
        let Some((generation, route)) = self.list.get(pair_id).map(|pair| (pair.generation, pair.route))
        else {
            return Ok(None);
        };
        let Some(remote) = self.generation(generation).and_then(|generation| generation.remote.as_ref())
        else {
            return Ok(None);
        };
        let (Some(route), Some(key)) = (route, &remote.key) else { return Ok(None) };
        let riders = self.riders();
        check.write(out, id, &remote.username, key, riders)?;
        self.piggyback.left_with(riders.packet_len());
        if let Some(pair) = self.list.get_mut(pair_id) {
            let counters = &mut pair.counters;
            let counter =
                if consent { &mut counters.consent_requests_sent } else { &mut counters.requests_sent };
            *counter = counter.saturating_add(1);
        }
        Ok(self.address(now, route, out))
    }

    /// Wraps what was written for its way.
    pub(super) fn address(
        &mut self,
        now: Instant,
        route: Route,
        out: &mut PacketBuf<'_>,
    ) -> Option<Transmit> {
        match route {
            Route::Direct(path) => Some(Transmit::to(path)),
            Route::Relayed { relay, peer } => self.wrap(now, relay, peer, out),
        }
    }

    /// How long an answer on this pair may reasonably take.
    pub(super) fn patience_for(&self, id: PairId) -> Duration {
        let rtt = self.list.get(id).and_then(|pair| pair.counters.current_round_trip_time);
        self.timing.rto.max(rtt.unwrap_or_default().saturating_mul(3))
    }
}
