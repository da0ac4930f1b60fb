//! Answers to our requests (RFC 8445, section 7.2.5).

use super::IceAgent;
use crate::candidate::CandidateKind;
use crate::config::Role;
use crate::discard::Discard;
use crate::event::Event;
use crate::pair::{PairId, PairState};
use crate::route::Route;
use crate::transaction::Request;
use crate::wire::{self, Check};
use alloc::vec::Vec;
use core::net::SocketAddr;
use sendrecv_core::Instant;
use sendrecv_stun::attribute::{AlternateServer, ErrorCode, MappedAddress, XorMappedAddress};
use sendrecv_stun::{Class, Message};

impl IceAgent {
    /// Whether a response answers a request of this agent's own, rather than of a TURN client.
    pub(super) fn is_ours(&self, message: &Message<'_>) -> bool {
        message.class().is_response() && self.transactions.contains_key(&message.transaction_id())
    }

    pub(super) fn handle_response(
        &mut self,
        now: Instant,
        route: Route,
        message: &Message<'_>,
    ) -> Result<(), Discard> {
        let transaction =
            self.transactions.get(&message.transaction_id()).ok_or(Discard::UnknownTransaction)?;
        match transaction.request {
            Request::Server(task) => self.handle_server_response(task, route, message),
            Request::Check(pair, check) => {
                self.handle_check_response(now, pair, check, false, route, message)
            }
            Request::Consent(pair, check) => {
                self.handle_check_response(now, pair, check, true, route, message)
            }
        }
    }

    fn handle_server_response(
        &mut self,
        task: super::TaskId,
        route: Route,
        message: &Message<'_>,
    ) -> Result<(), Discard> {
        let expected = self.task_path(task).map(Route::Direct);
        if expected.is_some_and(|expected| expected != route) {
            return Err(Discard::AsymmetricResponse);
        }
        match (message.class(), mapped_address(message)) {
            (Class::Success, Some(mapped)) => self.server_answered(task, mapped),
            (Class::Success, None) => return Err(Discard::Malformed),
            _ => {
                let ErrorCode { code, reason } = message.attribute().ok_or(Discard::Malformed)?;
                match message.attribute() {
                    Some(AlternateServer(server)) if code == ErrorCode::TRY_ALTERNATE => {
                        self.server_redirected(task, server);
                    }
                    _ => self.server_task_failed(task, code, reason),
                }
            }
        }
        self.end_transaction(message.transaction_id());
        Ok(())
    }

    fn handle_check_response(
        &mut self,
        now: Instant,
        id: PairId,
        check: Check,
        consent: bool,
        route: Route,
        message: &Message<'_>,
    ) -> Result<(), Discard> {
        let pair = self.list.get(id).ok_or(Discard::UnknownTransaction)?;
        let key = self.generation(pair.generation).and_then(|generation| generation.remote_key());
        if !wire::is_authentic(message, key) {
            return Err(Discard::Unauthenticated);
        }
        if message.class() == Class::Success {
            let mapped = mapped_address(message).ok_or(Discard::Malformed)?;
            let expected = pair.route;
            self.receive_riders(message);
            if expected != Some(route) {
                // The answer took another way: the pair does not work in both directions (section 7.2.5.2.1).
                self.end_transaction(message.transaction_id());
                self.check_failed(now, id, None);
                return Ok(());
            }
            self.check_succeeded(now, id, check, consent, mapped, message);
            return Ok(());
        }
        let ErrorCode { code, .. } = message.attribute().ok_or(Discard::Malformed)?;
        self.end_transaction(message.transaction_id());
        if code == ErrorCode::ROLE_CONFLICT {
            self.told_of_role_conflict(now, id, check);
        } else if !consent {
            self.check_failed(now, id, None);
        }
        Ok(())
    }

    /// The peer has the same role and the larger tie-breaker (section 7.2.5.1).
    fn told_of_role_conflict(&mut self, now: Instant, id: PairId, check: Check) {
        if check.role == self.role {
            self.resolve_conflict(check.role.opposite());
            self.tie_breaker = self.secret_rng.u64();
        }
        self.trigger_check(now, id);
    }

    /// Takes the other role because of a conflict.
    pub(super) fn resolve_conflict(&mut self, role: Role) {
        tracing::debug!(?role, "role conflict resolved");
        self.switch_role(role);
        self.events.push_back(Event::RoleConflictResolved(role));
    }

    /// Takes a role, which turns all priorities around.
    pub(super) fn switch_role(&mut self, role: Role) {
        if self.role == role {
            return;
        }
        self.role = role;
        self.nominator.pending = None;
        for id in self.list.iter().map(|(id, _)| id).collect::<Vec<_>>() {
            if let Some(pair) = self.list.get_mut(id) {
                pair.nominating = false;
            }
            self.reprioritise(id);
        }
        self.set_floor();
    }

    fn check_succeeded(
        &mut self,
        now: Instant,
        id: PairId,
        check: Check,
        consent: bool,
        mapped: SocketAddr,
        message: &Message<'_>,
    ) {
        let transaction = message.transaction_id();
        let schedule = self.transactions.get(&transaction).map(|transaction| &transaction.schedule);
        let (rtt, longest) =
            schedule.map_or((None, None), |it| (it.rtt(now), it.rtt_up_to(now, super::checks::SLOWEST)));
        // What waited to be read was quicker than it seems.
        let punctual = self.lateness(now).is_none();
        self.end_transaction(transaction);
        self.learn_from_mapped(id, mapped);
        if let Some(pair) = self.list.get_mut(id) {
            pair.measured(rtt.filter(|_| punctual));
            pair.rtt_up_to = longest.unwrap_or_default();
            pair.heard = now;
            pair.authenticated = true;
        }
        if self.selected == Some(id) {
            self.consented(now);
        }
        if !consent {
            self.validate(now, id, check, transaction);
        }
    }

    /// The address the peer sees makes the pair's local candidate (section 7.2.5.3.1).
    fn learn_from_mapped(&mut self, id: PairId, mapped: SocketAddr) {
        let Some(base) = self.list.get(id).map(|pair| pair.base) else { return };
        let local = self.learn_local(base, CandidateKind::PeerReflexive, mapped, None);
        if let (Some(local), Some(pair)) = (local, self.list.get_mut(id)) {
            pair.local = local;
        }
    }

    /// The pair is valid (section 7.2.5.3.2), and nominated if that was asked.
    fn validate(
        &mut self,
        now: Instant,
        id: PairId,
        check: Check,
        transaction: sendrecv_stun::TransactionId,
    ) {
        let Some(pair) = self.list.get_mut(id) else { return };
        if pair.generation != self.current.number || pair.revoked {
            return;
        }
        // An earlier, cancelled check may be the one that was answered: its successor is superfluous then, unless it is to
        // nominate.
        let nominating = pair.nominating;
        if let Some(running) = pair.check.take_if(|running| *running == transaction || !nominating) {
            self.end_transaction(running);
        }
        if !nominating {
            self.list.untrigger(id);
        }
        self.list.set_state(id, PairState::Succeeded);
        if check.use_candidate && check.role == Role::Controlling && self.role == Role::Controlling {
            self.nominated(now, id);
        }
        self.stand_in(id);
        self.accept_nomination(now, id);
    }
}

fn mapped_address(message: &Message<'_>) -> Option<SocketAddr> {
    let xored = message.attribute().map(|XorMappedAddress(address)| address);
    xored.or_else(|| message.attribute().map(|MappedAddress(address)| address))
}
