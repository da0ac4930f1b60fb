//! Checks that the peer sends (RFC 8445, section 7.3).

use super::IceAgent;
use super::early::EarlyCheck;
use crate::candidate::{Candidate, CandidateKind, TcpType, Transport};
use crate::config::{Role, TransportPolicy};
use crate::discard::Discard;
use crate::generation::Generation;
use crate::pair::{PairId, PairState};
use crate::remote::RemoteId;
use crate::route::Route;
use crate::wire::{self, Answer, Check};
use alloc::format;
use core::time::Duration;
use sendrecv_core::{Instant, NoSpace, PacketBuf, Protocol, Transmit};
use sendrecv_stun::attribute::{AttributeType, Username};
use sendrecv_stun::{Message, TransactionId};

/// An answer that waits to be sent.
#[derive(Debug)]
pub(crate) struct Response {
    route: Route,
    transaction: TransactionId,
    answer: Answer,
    generation: u32,
}

/// How long a peer may take to hear of a role conflict.
const ROLE_PATIENCE: Duration = Duration::from_secs(4);

impl IceAgent {
    pub(super) fn handle_request(
        &mut self,
        now: Instant,
        route: Route,
        message: &Message<'_>,
    ) -> Result<(), Discard> {
        let base = self.base_of_route(&route).ok_or(Discard::UnknownSocket)?;
        let Username(username) = message.attribute().ok_or(Discard::UnknownUsername)?;
        let (ours, theirs) = username.split_once(':').ok_or(Discard::UnknownUsername)?;
        let generation = self.generation_of(ours).ok_or(Discard::UnknownUsername)?;
        if !wire::is_authentic(message, generation.local_key.as_ref()) {
            return Err(Discard::Unauthenticated);
        }
        let number = generation.number;
        let check = Check::read(message).ok_or(Discard::Incomplete)?;
        if self.responses.len() >= self.config.limits.responses {
            return Err(Discard::Full);
        }
        let unknown = message.unknown_required(AttributeType::is_known).next();
        let answer = unknown.map_or_else(|| self.judge_roles(now, &route, check), Answer::UnknownAttribute);
        self.responses.push_back(Response {
            route,
            transaction: message.transaction_id(),
            answer,
            generation: number,
        });
        if !matches!(answer, Answer::Success(_)) {
            return Ok(());
        }
        self.receive_riders(message);
        if number != self.current.number {
            self.heard_on_old_pair(now, route);
        } else if self.remote_parameters().is_some_and(|parameters| parameters.ufrag == theirs) {
            self.follow_up(now, base, route, check);
        } else {
            self.remember(EarlyCheck { route, base, check, ufrag: theirs.into() });
        }
        Ok(())
    }

    /// The base a datagram came to, unless policy forbids it.
    fn base_of_route(&self, route: &Route) -> Option<crate::base::BaseId> {
        match route {
            Route::Direct(_) if self.config.policy == TransportPolicy::Relay => None,
            Route::Direct(path) => match self.list.by_route(route).and_then(|id| self.list.get(id)) {
                Some(pair) => Some(pair.base),
                None => self.base_of_socket.get(&(path.protocol, path.local)).copied(),
            },
            Route::Relayed { relay, peer } => self.relays.base_towards(*relay, *peer),
        }
    }

    fn generation_of(&self, ufrag: &str) -> Option<&Generation> {
        let known = core::iter::once(&self.current).chain(&self.previous);
        known.into_iter().find(|generation| generation.local.ufrag == ufrag)
    }

    pub(super) fn generation(&self, number: u32) -> Option<&Generation> {
        let known = core::iter::once(&self.current).chain(&self.previous);
        known.into_iter().find(|generation| generation.number == number)
    }

    /// Section 7.3.1.1: when both have one role, the larger tie-breaker decides who gives way.
    fn judge_roles(&mut self, now: Instant, route: &Route, check: Check) -> Answer {
        let success = Answer::Success(self.address_of_peer(route));
        if check.role != self.role {
            return success;
        }
        let ours_is_larger = self.tie_breaker >= check.tie_breaker;
        let stays = (self.role == Role::Controlling) == ours_is_larger || self.config.lite;
        if stays && (self.config.lite || !self.insists_on_role(now)) {
            return Answer::RoleConflict;
        }
        self.resolve_conflict(self.role.opposite());
        success
    }

    /// Whether the peer keeps a role that it was told to give up for longer than loss explains. Pion's ICE 2 does; without
    /// us giving way there would be no connection.
    fn insists_on_role(&mut self, now: Instant) -> bool {
        let first = *self.nominator.conflict.get_or_insert(now);
        let insists = self.selected.is_none() && now.saturating_since(first) >= ROLE_PATIENCE;
        if insists {
            self.nominator.conflict = None;
        }
        insists
    }

    /// What an authenticated check of the current generation leads to.
    pub(super) fn follow_up(&mut self, now: Instant, base: crate::base::BaseId, route: Route, check: Check) {
        let Some(id) = self.pair_of_check(now, base, route, check) else {
            self.discard(Discard::Full);
            return;
        };
        let Some(pair) = self.list.get_mut(id) else { return };
        pair.authenticated = true;
        pair.heard = now;
        pair.counters.requests_received = pair.counters.requests_received.saturating_add(1);
        pair.counters.responses_sent = pair.counters.responses_sent.saturating_add(1);
        self.note_nomination(id, check);
        if self.config.lite {
            // A lite agent has nothing but the peer's word (section 7.3.2).
            self.list.set_state(id, PairState::Succeeded);
            self.heard_by_lite(now, id);
        }
        self.accept_nomination(now, id);
        self.trigger_check(now, id);
        if self.role == Role::Controlling && self.selected != Some(id) {
            self.doubt_selected(now);
        }
    }

    /// The pair a check came over; made if there is none (sections 7.3.1.3 and 7.3.1.4).
    fn pair_of_check(
        &mut self,
        now: Instant,
        base: crate::base::BaseId,
        route: Route,
        check: Check,
    ) -> Option<PairId> {
        if let Some(id) = self.list.by_route(&route) {
            return Some(id);
        }
        let remote = self.remote_of_check(route, check)?;
        match self.list.by_ends(remote, base) {
            Some(id) => {
                // The peer's stream came before ours was open.
                self.list.set_route(id, Some(route));
                Some(id)
            }
            None => self.add_pair(now, base, remote, Some(route)),
        }
    }

    /// The candidate a check came from; a new peer-reflexive one if nobody has signalled it.
    fn remote_of_check(&mut self, route: Route, check: Check) -> Option<RemoteId> {
        let protocol = match route {
            Route::Direct(path) => path.protocol,
            Route::Relayed { .. } => Protocol::Udp,
        };
        let address = self.address_of_peer(&route);
        if let Some(known) = self.remotes.find(protocol, address) {
            return Some(known);
        }
        if self.remotes.len() >= self.config.limits.remote_candidates {
            return None;
        }
        let transport =
            if protocol == Protocol::Udp { Transport::Udp } else { Transport::Tcp(TcpType::Active) };
        let mut candidate = Candidate::new(CandidateKind::PeerReflexive, transport, address);
        // A foundation that equals no other (section 7.3.1.3); '=' is in no foundation of ours or the RFC's.
        candidate.foundation = format!("={}", self.remotes.len());
        candidate.priority = check.priority.max(1);
        candidate.network_id = check.network_info.and_then(|info| u16::try_from(info >> 16).ok());
        candidate.network_cost = check.network_info.and_then(|info| u16::try_from(info & 0xffff).ok());
        Some(self.remotes.insert(candidate, address))
    }

    /// Lets a check of the pair be made soon (section 7.3.1.4).
    pub(super) fn trigger_check(&mut self, _now: Instant, id: PairId) {
        let Some(pair) = self.list.get(id) else { return };
        if self.config.lite || pair.revoked || pair.generation != self.current.number {
            return;
        }
        match pair.state {
            PairState::Succeeded => {}
            PairState::InProgress => self.list.trigger(id),
            PairState::Frozen | PairState::Waiting | PairState::Failed => {
                self.list.set_state(id, PairState::Waiting);
                self.list.trigger(id);
            }
        }
    }

    /// A consent check of the old generation keeps the old pair's hopes up.
    fn heard_on_old_pair(&mut self, now: Instant, route: Route) {
        let Some(pair) = self.selected.and_then(|id| self.list.get_mut(id)) else { return };
        if pair.route == Some(route) {
            pair.heard = now;
            pair.counters.requests_received = pair.counters.requests_received.saturating_add(1);
            pair.counters.responses_sent = pair.counters.responses_sent.saturating_add(1);
        }
    }

    /// Writes the next answer.
    pub(super) fn transmit_response(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> Option<Transmit> {
        while let Some(response) = self.responses.front() {
            let before = out.len();
            let key =
                self.generation(response.generation).and_then(|generation| generation.local_key.as_ref());
            let riders = self.riders();
            let written = key.map(|key| response.answer.write(out, response.transaction, key, riders));
            if written == Some(Err(NoSpace)) {
                return None;
            }
            let (route, bytes) = (response.route, written.map_or(0, |_| riders.packet_len()));
            self.piggyback.left_with(bytes);
            self.responses.pop_front();
            if written.is_some()
                && let Some(transmit) = self.address(now, route, out)
            {
                return Some(transmit);
            }
            out.truncate(before);
        }
        None
    }
}
