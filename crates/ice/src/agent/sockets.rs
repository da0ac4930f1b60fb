//! Sockets come and go; each is a base with a host candidate (RFC 8445, section 5.1.1.1).

use super::IceAgent;
use crate::base::{Base, BaseId, BaseKind};
use crate::candidate::{Candidate, CandidateAddress, CandidateKind, TcpType, Transport};
use crate::config::TransportPolicy;
use crate::error::UsageError;
use crate::event::{Event, GatheringState};
use crate::local::{Local, LocalId};
use crate::priority;
use crate::socket::LocalSocket;
use alloc::string::String;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use sendrecv_core::{Instant, Protocol};

impl IceAgent {
    /// Adds a socket. Once gathering has begun its candidates are gathered, signalled and paired right away, also in
    /// the middle of a session (continual gathering).
    ///
    /// # Errors
    /// [`DuplicateSocket`](UsageError::DuplicateSocket), [`TooMany`](UsageError::TooMany), [`Lite`](UsageError::Lite)
    /// for TCP on a lite agent, [`Closed`](UsageError::Closed).
    pub fn add_socket(&mut self, now: Instant, socket: LocalSocket) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        if self.config.lite && socket.transport != Transport::Udp {
            return Err(UsageError::Lite);
        }
        let key = (socket.transport.protocol(), socket.address);
        if self.base_of_socket.contains_key(&key) {
            return Err(UsageError::DuplicateSocket);
        }
        if self.base_of_socket.len() >= self.config.limits.sockets {
            return Err(UsageError::TooMany);
        }
        self.doubt_nat64();
        let base = self.add_base(key, socket);
        if self.gatherer.state != GatheringState::New {
            self.gather_base(base);
        }
        self.pair_base(now, base);
        self.doubt_selected(now);
        self.run(now);
        Ok(())
    }

    /// Removes the socket bound to `address`, with its candidates, allocations and pairs. When it carried the data,
    /// another pair is looked for.
    ///
    /// # Errors
    /// [`Unknown`](UsageError::Unknown) when there is no such socket, [`Closed`](UsageError::Closed).
    pub fn remove_socket(
        &mut self,
        now: Instant,
        protocol: Protocol,
        address: SocketAddr,
    ) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        let base = self.base_of_socket.remove(&(protocol, address)).ok_or(UsageError::Unknown)?;
        self.remove_relays_of(now, base);
        self.remove_base(now, base);
        self.run(now);
        Ok(())
    }

    fn add_base(&mut self, key: (Protocol, SocketAddr), socket: LocalSocket) -> BaseId {
        let ipv6 = socket.address.is_ipv6();
        let same_family = |base: &&Base| !base.is_relay() && base.address().is_ipv6() == ipv6;
        let rank = self.bases.values().filter(same_family).count();
        let preference = priority::address_preference(ipv6, rank, socket.network_cost);
        let id = self.new_base_id();
        let base = Base { preference, candidate: LocalId(u32::MAX), kind: BaseKind::Socket(socket) };
        self.base_of_socket.insert(key, id);
        self.bases.insert(id, base);
        self.add_host_candidate(id);
        id
    }

    pub(super) fn new_base_id(&mut self) -> BaseId {
        let id = BaseId(self.next_base);
        self.next_base = self.next_base.wrapping_add(1);
        id
    }

    fn add_host_candidate(&mut self, id: BaseId) {
        let Some(base) = self.bases.get(&id) else { return };
        let BaseKind::Socket(socket) = &base.kind else { return };
        let address = socket.advertised.unwrap_or(socket.address);
        let mut candidate = Candidate::new(CandidateKind::Host, socket.transport, address);
        candidate.priority = base.priority(CandidateKind::Host);
        candidate.network_id = socket.network_id;
        candidate.network_cost = socket.network_id.map(|_| socket.network_cost);
        if let Some(name) = &socket.name {
            candidate.address = CandidateAddress::Name(name.clone());
        }
        if socket.transport == Transport::Tcp(TcpType::Active) {
            candidate.port = 9;
        }
        let actual = socket.address;
        let foundation =
            self.locals.foundation((CandidateKind::Host, actual.ip(), socket.transport.protocol(), None));
        let hidden = !is_usable(address.ip());
        let local = Local { base: id, candidate, foundation, signalled: None, hidden };
        let local = self.locals.insert(actual, local);
        self.locals.alias(id, address, local);
        if let Some(base) = self.bases.get_mut(&id) {
            base.candidate = local;
        }
    }

    /// Adds a candidate that a server or peer saw `base` as; finds it if it is there.
    pub(super) fn learn_local(
        &mut self,
        id: BaseId,
        kind: CandidateKind,
        mapped: SocketAddr,
        server: Option<(IpAddr, String)>,
    ) -> Option<LocalId> {
        if let Some(known) = self.locals.find(id, mapped) {
            return Some(known);
        }
        let base = self.bases.get(&id)?;
        let mut candidate = Candidate::new(kind, base.transport(), mapped);
        candidate.priority = base.priority(kind);
        candidate.related = Some(self.related(base));
        if let BaseKind::Socket(socket) = &base.kind {
            candidate.network_id = socket.network_id;
            candidate.network_cost = socket.network_id.map(|_| socket.network_cost);
        }
        let key_server = server.as_ref().map(|(ip, _)| alloc::format!("{ip}"));
        candidate.url = server.map(|(_, url)| url);
        let key = (kind, base.address().ip(), base.transport().protocol(), key_server);
        let foundation = self.locals.foundation(key);
        let hidden = kind == CandidateKind::PeerReflexive;
        Some(self.locals.insert(mapped, Local { base: id, candidate, foundation, signalled: None, hidden }))
    }

    /// The related address of a candidate on `base`: nothing when the host hides its addresses behind names, or behind
    /// relays (RFC 8839, section 5.1).
    fn related(&self, base: &Base) -> (CandidateAddress, u16) {
        let named = matches!(&base.kind, BaseKind::Socket(socket) if socket.name.is_some());
        if named || self.config.policy == TransportPolicy::Relay {
            return hidden_address(base.address());
        }
        (base.address().ip().into(), base.address().port())
    }

    /// Signals a candidate, once per generation, as far as the policy allows.
    pub(super) fn signal(&mut self, id: LocalId) {
        let generation = self.current.number;
        let relay_only = self.config.policy == TransportPolicy::Relay;
        let Some(local) = self.locals.get_mut(id) else { return };
        let forbidden = relay_only && local.candidate.kind != CandidateKind::Relayed;
        if local.hidden || forbidden || local.signalled == Some(generation) {
            return;
        }
        local.signalled = Some(generation);
        local.candidate.ufrag = Some(self.current.local.ufrag.clone());
        self.events.push_back(Event::LocalCandidate(local.candidate.clone()));
    }

    /// Removes a base with everything on it.
    pub(super) fn remove_base(&mut self, now: Instant, id: BaseId) {
        for pair in self.list.of_base(id) {
            self.remove_pair(now, pair);
        }
        self.cancel_server_tasks(id);
        self.bases.remove(&id);
        for local in self.locals.remove_base(id) {
            if local.signalled == Some(self.current.number) {
                self.events.push_back(Event::LocalCandidateRemoved(local.candidate));
            }
        }
    }
}

/// A related address that says nothing.
pub(super) fn hidden_address(like: SocketAddr) -> (CandidateAddress, u16) {
    let ip =
        if like.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
    (ip.into(), 0)
}

/// Whether a peer could send to `ip`.
pub(super) fn is_usable(ip: IpAddr) -> bool {
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    !(ip.is_unspecified() || ip.is_multicast() || broadcast)
}
