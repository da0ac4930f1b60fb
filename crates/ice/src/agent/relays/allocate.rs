//! Asking for allocations, and what comes of it.

use super::{Relay, RelayedBase};
use crate::agent::gather::Resolution;
use crate::agent::sockets::hidden_address;
use crate::agent::streams::StreamPurpose;
use crate::agent::{IceAgent, TimerKey};
use crate::base::{Base, BaseId, BaseKind, RelayBase};
use crate::candidate::{Candidate, CandidateKind, Transport};
use crate::config::TransportPolicy;
use crate::event::{Event, GatheringState, Unreachable};
use crate::local::{Local, LocalId};
use crate::route::RelayId;
use crate::server::ServerHost;
use crate::socket::Framing;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::SocketAddr;
use sendrecv_core::{Instant, Path, Protocol};
use sendrecv_stun::attribute::ErrorCode;
use sendrecv_turn::{Event as TurnEvent, Failure, Families, TurnClient, TurnConfig};

/// How many servers may send us to another one.
const MAX_REDIRECTS: usize = 3;

/// Allocation Mismatch.
const MISMATCH: u16 = ErrorCode::ALLOCATION_MISMATCH;

/// How many local ports a server is asked from that has allocations on them already (RFC 8656, section 7.4).
const MAX_PORTS: u32 = 3;

impl IceAgent {
    /// Asks a TURN server for addresses; `others` are of the same name, if this one is silent.
    pub(in crate::agent) fn allocate(
        &mut self,
        index: usize,
        owner: BaseId,
        server: SocketAddr,
        others: VecDeque<SocketAddr>,
    ) {
        let Some(entry) = self.gatherer.servers.get(index) else { return };
        debug_assert!(matches!(entry.addresses, Resolution::Known(_)));
        let url = &entry.config.url;
        if self.relays.has(owner, server, url.protocol) {
            return;
        }
        let name = match &url.host {
            ServerHost::Name(name) => name.clone(),
            ServerHost::Ip(ip) => ip.to_string(),
        };
        let relay = Relay {
            owner,
            bases: Vec::new(),
            asked: server,
            server,
            others,
            redirected_from: Vec::new(),
            attempts: 0,
            mismatches: 0,
            server_name: (url.protocol == Protocol::Tls).then_some(name),
            url: url.to_string(),
            protocol: url.protocol,
            username: entry.config.username.clone(),
            credential: entry.config.credential.clone(),
            allocated_at: None,
            client: None,
            ready: false,
        };
        let id = RelayId(self.relays.next_id);
        self.relays.next_id = self.relays.next_id.wrapping_add(1);
        self.relays.by_id.insert(id, relay);
        self.contact_server(self.clock.now(), id);
        self.set_gathering(GatheringState::Gathering);
    }

    /// Talks to the server: at once from the owner's socket, else as soon as the host has opened a stream or another
    /// socket.
    fn contact_server(&mut self, now: Instant, id: RelayId) {
        let Some(relay) = self.relays.by_id.get(&id) else { return };
        let Some(local) = self.bases.get(&relay.owner).map(Base::address) else { return };
        let (server, protocol, name) = (relay.server, relay.protocol, relay.server_name.clone());
        let (others, own_way) = (relay.others.len(), relay.has_own_way());
        if own_way {
            let from = SocketAddr::new(local.ip(), 0);
            self.open_stream(now, StreamPurpose::Relay(id), protocol, from, server, name, Framing::Turn);
        } else {
            self.begin_allocation(now, id, Path::udp(local, server));
        }
        let impatient = (others > 0).then(|| now + self.patience_with_server(others));
        self.timers.set(TimerKey::RelayAnswer(id), impatient);
    }

    /// Nothing was heard of the server yet: time to try another address, if there is one.
    pub(in crate::agent) fn relay_answer_due(&mut self, now: Instant, id: RelayId) {
        let Some(relay) = self.relays.by_id.get(&id) else { return };
        let answered = relay.client.as_ref().is_some_and(|client| client.stats().responses_received > 0);
        if !answered {
            self.try_next_address(now, id);
        }
    }

    /// Goes on to the next address of the server's name; says whether there is one.
    pub(super) fn try_next_address(&mut self, now: Instant, id: RelayId) -> bool {
        let Some(relay) = self.relays.by_id.get_mut(&id) else { return false };
        if !relay.bases.is_empty() {
            return false;
        }
        let local = self.bases.get(&relay.owner).map(Base::address);
        // Another URL's client may be talking to it already.
        let taken = |server: SocketAddr| {
            local.is_some_and(|local| self.relays.by_path.contains_key(&Path::udp(local, server)))
        };
        while let Some(next) = relay.others.pop_front() {
            if !taken(next) {
                self.contact_another(now, id, next);
                return true;
            }
        }
        false
    }

    /// The server knows our port from another allocation (437): one that somebody had there before us, most likely. Goes on
    /// from another port, by a stream or a socket of this allocation's own; says whether there is one to try.
    fn try_another_port(&mut self, now: Instant, id: RelayId) -> bool {
        let Some(relay) = self.relays.by_id.get(&id) else { return false };
        let (server, tried) = (relay.server, relay.mismatches.saturating_add(1));
        if !relay.bases.is_empty() || tried >= MAX_PORTS {
            return false;
        }
        self.leave_server(id);
        if let Some(relay) = self.relays.by_id.get_mut(&id) {
            relay.mismatches = tried;
        }
        self.go_to_server(now, id, server);
        true
    }

    /// Leaves a server that gave nothing for another one.
    fn contact_another(&mut self, now: Instant, id: RelayId, server: SocketAddr) {
        self.leave_server(id);
        self.go_to_server(now, id, server);
    }

    fn leave_server(&mut self, id: RelayId) {
        self.relays.by_path.retain(|_, of| *of != id);
        self.streams.retain(|_, purpose| *purpose != StreamPurpose::Relay(id));
        self.timers.set(TimerKey::Relay(id), None);
        let Some(relay) = self.relays.by_id.get_mut(&id) else { return };
        self.events.extend(relay.own_way().map(Event::CloseStream));
        relay.client = None;
    }

    fn go_to_server(&mut self, now: Instant, id: RelayId, server: SocketAddr) {
        let Some(relay) = self.relays.by_id.get_mut(&id) else { return };
        relay.server = server;
        relay.attempts = relay.attempts.saturating_add(1);
        self.contact_server(now, id);
    }

    fn begin_allocation(&mut self, now: Instant, id: RelayId, path: Path) {
        let transaction = self.server_schedule();
        let Some(relay) = self.relays.by_id.get_mut(&id) else { return };
        let mut config = TurnConfig::new(path, relay.credentials(), self.config.provider);
        config.transaction = transaction;
        // Servers that know one family only do not mind, and peers may know the other one only.
        config.families = Families::Both;
        // Of a server that sends us elsewhere and back again both clients have been us: their ids must differ.
        let seed = self.seed.derive_indexed("relay", id.0.into());
        let seed = seed.derive_indexed("attempt", relay.attempts);
        relay.client = Some(TurnClient::new(config, &seed, now));
        self.relays.by_path.insert(path, id);
        self.pump_relay(now, id);
    }

    pub(in crate::agent) fn relay_stream_opened(&mut self, now: Instant, id: RelayId, local: SocketAddr) {
        let Some(relay) = self.relays.by_id.get(&id) else { return };
        let path = Path { protocol: relay.protocol, local, remote: relay.server };
        self.begin_allocation(now, id, path);
    }

    /// The host could not open a stream, or had no other socket for a server that does not want the port of the first.
    pub(in crate::agent) fn relay_stream_failed(&mut self, now: Instant, id: RelayId) {
        let protocol = self.relays.by_id.get(&id).map(|relay| relay.protocol);
        if protocol == Some(Protocol::Udp) {
            self.relay_failed(now, id, MISMATCH, &Failure::Mismatch.to_string());
        } else {
            self.relay_unreachable(now, id);
        }
    }

    fn relay_unreachable(&mut self, now: Instant, id: RelayId) {
        let protocol = self.relays.by_id.get(&id).map(|relay| relay.protocol);
        let text = match protocol {
            Some(Protocol::Tls) => {
                "the server could not be reached over TLS, or its certificate is not valid"
            }
            Some(Protocol::Tcp) => "the server could not be reached over TCP",
            _ => "the server could not be reached",
        };
        self.relay_failed(now, id, 701, text);
    }

    /// Something sent to a TURN server over UDP could not be delivered. What is allocated already, refreshing decides.
    pub(in crate::agent) fn relay_server_unreachable(
        &mut self,
        now: Instant,
        id: RelayId,
        reason: Unreachable,
    ) {
        let Some(relay) = self.relays.by_id.get(&id) else { return };
        let asked = relay.client.as_ref().is_some_and(|client| client.stats().requests_sent > 1);
        if relay.bases.is_empty() && asked && reason != Unreachable::Soft {
            self.relay_unreachable(now, id);
        }
    }

    pub(in crate::agent) fn relay_stream_closed(&mut self, now: Instant, id: RelayId) {
        if let Some(client) = self.relays.client(id) {
            client.stream_closed(now);
            self.pump_relay(now, id);
        }
    }

    pub(super) fn relay_event(&mut self, now: Instant, id: RelayId, event: TurnEvent) {
        match event {
            TurnEvent::Allocated { relayed, other_relayed, mapped, .. } if !self.closed => {
                self.learn_from_relay(id, mapped);
                for address in core::iter::once(relayed).chain(other_relayed) {
                    self.add_relayed_base(now, id, address, mapped);
                }
            }
            TurnEvent::PermissionReady(peer) => self.relay_permitted(now, id, peer),
            TurnEvent::Redirected(server) => self.relay_redirected(id, server),
            TurnEvent::Released => self.relay_released(now, id),
            TurnEvent::Failed(Failure::Redirected { server, domain }) => {
                self.follow_redirection(now, id, server, domain);
            }
            TurnEvent::Failed(Failure::Mismatch) if self.try_another_port(now, id) => {}
            TurnEvent::Failed(failure) => self.relay_failed(now, id, code_of(&failure), &failure.to_string()),
            TurnEvent::Icmp { peer, icmp } => self.relay_reports_icmp(now, id, peer, icmp),
            TurnEvent::Allocated { .. }
            | TurnEvent::PermissionRefused { .. }
            | TurnEvent::ChannelReady(_)
            | TurnEvent::CredentialsRefused => {}
        }
    }

    /// How a server that was asked for an address sees the socket it was asked from.
    fn learn_from_relay(&mut self, id: RelayId, mapped: Option<SocketAddr>) {
        let Some(relay) = self.relays.by_id.get(&id) else { return };
        if relay.has_own_way() || self.config.policy != TransportPolicy::All {
            return;
        }
        let (owner, server) = (relay.owner, (relay.server.ip(), relay.url.clone()));
        let Some(mapped) = mapped else { return };
        if let Some(local) = self.learn_local(owner, CandidateKind::ServerReflexive, mapped, Some(server)) {
            self.signal(local);
        }
    }

    fn add_relayed_base(
        &mut self,
        now: Instant,
        id: RelayId,
        address: SocketAddr,
        mapped: Option<SocketAddr>,
    ) {
        let base = self.new_base_id();
        let Some(relay) = self.relays.by_id.get_mut(&id) else { return };
        relay.allocated_at = Some(now);
        relay.bases.push(RelayedBase { id: base, address });
        let kind = BaseKind::Relay(RelayBase { id, address, server: relay.protocol });
        let preference = self.bases.get(&relay.owner).map_or(0, |owner| owner.preference);
        self.bases.insert(base, Base { kind, preference, candidate: LocalId(u32::MAX) });
        self.add_relayed_candidate(base, id, address, mapped);
        self.pair_base(now, base);
    }

    fn add_relayed_candidate(
        &mut self,
        id: BaseId,
        relay: RelayId,
        address: SocketAddr,
        mapped: Option<SocketAddr>,
    ) {
        let (Some(base), Some(relay)) = (self.bases.get(&id), self.relays.by_id.get(&relay)) else { return };
        let mut candidate = Candidate::new(CandidateKind::Relayed, Transport::Udp, address);
        candidate.priority = base.priority(CandidateKind::Relayed);
        candidate.related = Some(match mapped {
            Some(mapped) if self.config.policy == TransportPolicy::All => (mapped.ip().into(), mapped.port()),
            _ => hidden_address(address),
        });
        candidate.relay_protocol = Some(relay.protocol);
        candidate.url = Some(relay.url.clone());
        let server = format!("{} {:?}", relay.server.ip(), relay.protocol);
        let key = (CandidateKind::Relayed, address.ip(), Protocol::Udp, Some(server));
        let foundation = self.locals.foundation(key);
        let local = Local { base: id, candidate, foundation, signalled: None, hidden: false };
        let local = self.locals.insert(address, local);
        if let Some(base) = self.bases.get_mut(&id) {
            base.candidate = local;
        }
        self.signal(local);
    }

    /// The client went to another server, over the same socket.
    fn relay_redirected(&mut self, id: RelayId, server: SocketAddr) {
        self.relays.by_path.retain(|_, relay| *relay != id);
        let Some(relay) = self.relays.by_id.get_mut(&id) else { return };
        relay.server = server;
        relay.others.clear();
        if let Some(client) = &relay.client {
            self.relays.by_path.insert(client.server(), id);
        }
    }

    /// The server wants us to go to another one, to which another stream has to be opened. Servers that send us around
    /// in a circle, or too far, have failed.
    fn follow_redirection(&mut self, now: Instant, id: RelayId, server: SocketAddr, domain: Option<String>) {
        let Some(relay) = self.relays.by_id.get_mut(&id) else { return };
        let circle = server == relay.server || relay.redirected_from.contains(&server);
        if circle || relay.redirected_from.len() >= MAX_REDIRECTS {
            return self.relay_failed(now, id, 300, "the servers send us from one to the other");
        }
        relay.redirected_from.push(relay.server);
        relay.others.clear();
        if relay.server_name.is_some() && domain.is_some() {
            relay.server_name = domain;
        }
        self.contact_another(now, id, server);
    }
}

/// The code that `icecandidateerror` has for a failure: the server's, or 701.
const fn code_of(failure: &Failure) -> u16 {
    match failure {
        Failure::Refused(code) => *code,
        Failure::Mismatch => MISMATCH,
        Failure::Unauthenticated(_) => 401,
        _ => 701,
    }
}
