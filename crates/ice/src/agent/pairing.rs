//! Forming pairs (RFC 8445, section 6.1.2).

use super::IceAgent;
use crate::base::BaseId;
use crate::candidate::{CandidateKind, Transport};
use crate::config::{Role, TransportPolicy};
use crate::event::Event;
use crate::pair::{Foundations, Pair, PairId, PairState};
use crate::priority;
use crate::remote::RemoteId;
use crate::route::Route;
use crate::stats::PairCounters;
use alloc::vec::Vec;
use core::time::Duration;
use sendrecv_core::Instant;

impl IceAgent {
    /// Pairs a new base with every remote candidate.
    pub(super) fn pair_base(&mut self, now: Instant, base: BaseId) {
        for remote in self.remotes.ids() {
            self.pair(now, base, remote);
        }
    }

    /// Pairs a new remote candidate with every base.
    pub(super) fn pair_remote(&mut self, now: Instant, remote: RemoteId) {
        for base in self.bases.keys().copied().collect::<Vec<_>>() {
            self.pair(now, base, remote);
        }
        self.pair_lite_ends(now);
    }

    pub(super) fn pair(&mut self, now: Instant, base: BaseId, remote: RemoteId) {
        let (Some(local), Some(other)) = (self.bases.get(&base), self.remotes.get(remote)) else { return };
        let destination = self.destination(local, other.address);
        if self.config.lite || self.list.by_ends(remote, base).is_some() {
            return;
        }
        if !local.can_pair(other.candidate.transport, destination) {
            return self.consider_nat64(base, other.address.ip());
        }
        if self.config.policy == TransportPolicy::Relay && !local.is_relay() {
            return;
        }
        let (route, peer) = (local.route(destination), other.address.ip());
        if self.is_permitted(now, base, peer) {
            self.add_pair(now, base, remote, route);
        }
    }

    /// Adds a pair if there is room, or if a worse one can go (section 6.1.2.5).
    pub(super) fn add_pair(
        &mut self,
        now: Instant,
        base: BaseId,
        remote: RemoteId,
        route: Option<Route>,
    ) -> Option<PairId> {
        let (priority, foundations) = self.rank(base, remote)?;
        if self.list.len() >= self.config.limits.pairs {
            let (worst, id) = self.list.worst_droppable()?;
            if worst >= priority {
                return None;
            }
            self.remove_pair(now, id);
        }
        let local = self.bases.get(&base)?.candidate;
        Some(self.list.insert(Pair {
            generation: self.current.number,
            base,
            local,
            remote,
            route,
            stream: None,
            foundations,
            priority,
            state: PairState::Frozen,
            check: None,
            triggered: false,
            nominating: false,
            nominated_by_peer: None,
            nominated: None,
            authenticated: false,
            unanswered: false,
            revoked: false,
            rtt_up_to: Duration::ZERO,
            heard: now,
            counters: PairCounters::default(),
        }))
    }

    /// A pair's priority and foundations.
    fn rank(&self, base: BaseId, remote: RemoteId) -> Option<(u64, Foundations)> {
        let local = self.locals.get(self.bases.get(&base)?.candidate)?;
        let remote = self.remotes.get(remote)?;
        let (ours, theirs) = (local.candidate.priority, remote.candidate.priority);
        let priority = match self.role {
            Role::Controlling => priority::pair(ours, theirs),
            Role::Controlled => priority::pair(theirs, ours),
        };
        Some((priority, (local.foundation, remote.foundation)))
    }

    /// The role or the remote candidate changed.
    pub(super) fn reprioritise(&mut self, id: PairId) {
        let Some(pair) = self.list.get(id) else { return };
        if let Some((priority, _)) = self.rank(pair.base, pair.remote) {
            self.list.set_priority(id, priority);
        }
    }

    /// Takes a pair out of the list and everything that hangs on it.
    pub(super) fn remove_pair(&mut self, now: Instant, id: PairId) {
        let Some(pair) = self.list.remove(id) else { return };
        if let Some(check) = pair.check {
            self.end_transaction(check);
        }
        self.close_pair(&pair);
        if self.nominator.pending == Some(id) {
            self.nominator.pending = None;
        }
        if self.selected == Some(id) {
            self.deselect();
            self.select_best(now);
        }
    }

    /// Closes the stream of a pair that goes.
    pub(super) fn close_pair(&mut self, pair: &Pair) {
        if let Some(stream) = pair.stream {
            self.forget_stream(stream);
        }
        if let Some(Route::Direct(path)) = pair.route
            && path.protocol != sendrecv_core::Protocol::Udp
        {
            self.events.push_back(Event::CloseStream(path));
        }
    }

    /// Between two lite agents nobody checks: the best pair of matching host candidates is used as it is (RFC 8445,
    /// section 8.2.2).
    pub(super) fn pair_lite_ends(&mut self, now: Instant) {
        if !(self.config.lite && self.current.remote_is_lite()) || self.selected.is_some() {
            return;
        }
        let remotes = self.remotes.ids();
        let ends = self.bases.keys().flat_map(|base| remotes.iter().map(|remote| (*base, *remote)));
        let matching = ends.filter(|(base, remote)| self.is_lite_match(*base, *remote));
        let best =
            matching.max_by_key(|(base, remote)| self.rank(*base, *remote).map(|(priority, _)| priority));
        let Some((base, remote)) = best else { return };
        let Some(route) =
            self.remotes.get(remote).and_then(|other| self.bases.get(&base)?.route(other.address))
        else {
            return;
        };
        if let Some(id) = self.add_pair(now, base, remote, Some(route)) {
            if let Some(pair) = self.list.get_mut(id) {
                pair.authenticated = true;
            }
            self.list.set_state(id, PairState::Succeeded);
            self.list.set_nominated(id, Some(0));
            self.select_best(now);
        }
    }

    fn is_lite_match(&self, base: BaseId, remote: RemoteId) -> bool {
        let (Some(base), Some(remote)) = (self.bases.get(&base), self.remotes.get(remote)) else {
            return false;
        };
        remote.candidate.kind == CandidateKind::Host
            && base.transport() == Transport::Udp
            && base.can_pair(remote.candidate.transport, remote.address)
    }
}
