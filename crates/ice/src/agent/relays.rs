//! Allocations on TURN servers: each is a base with a relayed candidate (RFC 8445, section 5.1.1.2; RFC 8656).

use super::gather::Resolution;
use super::sockets::hidden_address;
use super::streams::StreamPurpose;
use super::{IceAgent, TimerKey, Up};
use crate::base::{Base, BaseId, BaseKind, RelayBase};
use crate::candidate::{Candidate, CandidateKind, Transport};
use crate::config::TransportPolicy;
use crate::discard::Discard;
use crate::error::NoRoute;
use crate::event::{ConnectionState, Event, GatheringState};
use crate::local::{Local, LocalId};
use crate::route::{RelayId, Route};
use crate::server::ServerHost;
use crate::socket::Framing;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use sendrecv_core::{Instant, Machine, PacketBuf, Path, Protocol, Transmit};
use sendrecv_stun::{Credentials, Message, is_stun};
use sendrecv_turn::{Event as TurnEvent, Failure, Permit, TurnClient, TurnConfig};

/// All allocations of one agent.
#[derive(Default)]
pub(crate) struct Relays {
    by_id: BTreeMap<RelayId, Relay>,
    by_path: BTreeMap<Path, RelayId>,
    /// Those that may have something to send.
    ready: VecDeque<RelayId>,
    next_id: u32,
}

/// One allocation, or the attempt at one.
pub(crate) struct Relay {
    /// The socket, or for streams its address, that the server is reached from.
    owner: BaseId,
    /// The relayed address, once there is one.
    base: Option<BaseId>,
    server: SocketAddr,
    url: String,
    protocol: Protocol,
    username: String,
    credential: String,
    /// `None` while its stream is being opened.
    client: Option<TurnClient>,
    ready: bool,
}

impl Relay {
    fn credentials(&self) -> Credentials {
        Credentials::new(self.username.clone(), &self.credential)
    }
}

impl Relays {
    /// The base of an allocation.
    pub(super) fn base(&self, id: RelayId) -> Option<BaseId> {
        self.by_id.get(&id)?.base
    }

    fn client(&mut self, id: RelayId) -> Option<&mut TurnClient> {
        self.by_id.get_mut(&id)?.client.as_mut()
    }

    fn find(&self, owner: BaseId, server: SocketAddr, protocol: Protocol) -> bool {
        let same =
            |relay: &Relay| relay.owner == owner && relay.server == server && relay.protocol == protocol;
        self.by_id.values().any(same)
    }
}

impl IceAgent {
    /// Asks a TURN server for an address.
    pub(super) fn allocate(&mut self, index: usize, owner: BaseId, server: SocketAddr) {
        let (Some(entry), Some(base)) = (self.gatherer.servers.get(index), self.bases.get(&owner)) else {
            return;
        };
        debug_assert!(matches!(entry.addresses, Resolution::Known(_)));
        let (url, protocol) = (entry.config.url.to_string(), entry.config.url.protocol);
        if self.relays.find(owner, server, protocol) {
            return;
        }
        let (username, credential) = (entry.config.username.clone(), entry.config.credential.clone());
        let name = match &entry.config.url.host {
            ServerHost::Name(name) => name.clone(),
            ServerHost::Ip(ip) => ip.to_string(),
        };
        let local = base.address();
        let id = RelayId(self.relays.next_id);
        self.relays.next_id = self.relays.next_id.wrapping_add(1);
        let relay = Relay {
            owner,
            base: None,
            server,
            url,
            protocol,
            username,
            credential,
            client: None,
            ready: false,
        };
        self.relays.by_id.insert(id, relay);
        let now = self.clock.now();
        if protocol == Protocol::Udp {
            self.begin_allocation(now, id, Path::udp(local, server));
        } else {
            let from = SocketAddr::new(local.ip(), 0);
            let name = (protocol == Protocol::Tls).then_some(name);
            self.open_stream(now, StreamPurpose::Relay(id), protocol, from, server, name, Framing::Turn);
        }
        self.set_gathering(GatheringState::Gathering);
    }

    fn begin_allocation(&mut self, now: Instant, id: RelayId, path: Path) {
        let seed = self.seed.derive_indexed("relay", id.0.into());
        let transaction = self.server_schedule();
        let Some(relay) = self.relays.by_id.get_mut(&id) else { return };
        let mut config = TurnConfig::new(path, relay.credentials(), self.config.provider);
        config.transaction = transaction;
        relay.client = Some(TurnClient::new(config, &seed, now));
        self.relays.by_path.insert(path, id);
        self.pump_relay(now, id);
    }

    pub(super) fn relay_stream_opened(&mut self, now: Instant, id: RelayId, local: SocketAddr) {
        let Some(relay) = self.relays.by_id.get(&id) else { return };
        let path = Path { protocol: relay.protocol, local, remote: relay.server };
        self.begin_allocation(now, id, path);
    }

    pub(super) fn relay_unreachable(&mut self, now: Instant, id: RelayId) {
        self.relay_failed(now, id, 701, "the server could not be reached");
    }

    pub(super) fn relay_stream_closed(&mut self, now: Instant, id: RelayId) {
        if let Some(client) = self.relays.client(id) {
            client.stream_closed(now);
            self.pump_relay(now, id);
        }
    }

    pub(super) fn relay_of_path(&self, path: &Path) -> Option<RelayId> {
        self.relays.by_path.get(path).copied()
    }

    pub(super) fn relays_pending(&self) -> bool {
        self.relays.by_id.values().any(|relay| relay.base.is_none())
    }

    /// Whether a datagram is for a TURN client. A STUN server may be at the same address: what answers a question of
    /// ours is not the client's.
    pub(super) fn belongs_to_relay(&self, path: &Path, data: &[u8]) -> bool {
        let ours = || is_stun(data) && Message::parse(data).is_ok_and(|message| self.is_ours(&message));
        self.relay_of_path(path).is_some() && !ours()
    }

    pub(super) fn handle_relayed<'b>(
        &mut self,
        now: Instant,
        path: Path,
        data: &'b mut [u8],
    ) -> Result<Up<'b>, Discard> {
        let id = self.relay_of_path(&path).ok_or(Discard::UnknownSocket)?;
        let client = self.relays.client(id).ok_or(Discard::UnknownSocket)?;
        match client.handle_datagram(now, path, data) {
            Ok(sendrecv_turn::Up::Data { peer, data }) if !self.closed => {
                self.receive(now, Route::Relayed { relay: id, peer }, data)
            }
            Ok(sendrecv_turn::Up::Data { .. }) => Err(Discard::Closed),
            Ok(sendrecv_turn::Up::Consumed) => {
                self.pump_relay(now, id);
                if !self.closed {
                    self.run(now);
                }
                Ok(Up::Consumed)
            }
            Err(_) => Err(Discard::Relay),
        }
    }

    pub(super) fn relay_timeout(&mut self, now: Instant, id: RelayId) {
        if let Some(client) = self.relays.client(id) {
            client.handle_timeout(now);
        }
        self.pump_relay(now, id);
    }

    /// After the agent was closed, only the release of allocations is left to do.
    pub(super) fn run_relays(&mut self, now: Instant) {
        while let Some(key) = self.timers.pop_due(now) {
            if let TimerKey::Relay(id) = key {
                self.relay_timeout(now, id);
            }
        }
    }

    /// Takes out what a client has to say after it was touched.
    fn pump_relay(&mut self, now: Instant, id: RelayId) {
        self.relay_touched(id);
        while let Some(event) = self.relays.client(id).and_then(TurnClient::poll_event) {
            self.relay_event(now, id, event);
        }
    }

    /// A client may have something to send, and another deadline.
    fn relay_touched(&mut self, id: RelayId) {
        let Some(relay) = self.relays.by_id.get_mut(&id) else { return };
        if !core::mem::replace(&mut relay.ready, true) {
            self.relays.ready.push_back(id);
        }
        let deadline = relay.client.as_ref().and_then(Machine::poll_timeout);
        if self.timers.get(TimerKey::Relay(id)) != deadline {
            self.timers.set(TimerKey::Relay(id), deadline);
        }
    }

    fn relay_event(&mut self, now: Instant, id: RelayId, event: TurnEvent) {
        match event {
            TurnEvent::Allocated { relayed, mapped, .. } => self.relay_allocated(now, id, relayed, mapped),
            TurnEvent::PermissionReady(peer) => self.relay_permitted(now, id, peer),
            TurnEvent::Redirected(server) => self.relay_redirected(id, server),
            TurnEvent::Released => self.relay_released(now, id),
            TurnEvent::Failed(failure) => self.relay_failed(now, id, code_of(&failure), &failure.to_string()),
            TurnEvent::PermissionRefused { .. }
            | TurnEvent::ChannelReady(_)
            | TurnEvent::Icmp { .. }
            | TurnEvent::CredentialsRefused => {}
        }
    }

    fn relay_allocated(
        &mut self,
        now: Instant,
        id: RelayId,
        relayed: SocketAddr,
        mapped: Option<SocketAddr>,
    ) {
        if self.closed {
            return;
        }
        let base = self.new_base_id();
        let Some(relay) = self.relays.by_id.get_mut(&id) else { return };
        relay.base = Some(base);
        let (owner, url, protocol, server) = (relay.owner, relay.url.clone(), relay.protocol, relay.server);
        let kind = BaseKind::Relay(RelayBase { id, address: relayed, server: protocol });
        let preference = self.bases.get(&owner).map_or(0, |owner| owner.preference);
        self.bases.insert(base, Base { kind, preference, candidate: LocalId(u32::MAX) });
        if protocol == Protocol::Udp
            && self.config.policy == TransportPolicy::All
            && let Some(mapped) = mapped
            && let Some(local) = self.learn_local(
                owner,
                CandidateKind::ServerReflexive,
                mapped,
                Some((server.ip(), url.clone())),
            )
        {
            self.signal(local);
        }
        self.add_relayed_candidate(base, relayed, mapped, url, protocol, server);
        self.pair_base(now, base);
    }

    fn add_relayed_candidate(
        &mut self,
        id: BaseId,
        relayed: SocketAddr,
        mapped: Option<SocketAddr>,
        url: String,
        protocol: Protocol,
        server: SocketAddr,
    ) {
        let Some(base) = self.bases.get(&id) else { return };
        let mut candidate = Candidate::new(CandidateKind::Relayed, Transport::Udp, relayed);
        candidate.priority = base.priority(CandidateKind::Relayed);
        candidate.related = Some(match mapped {
            Some(mapped) if self.config.policy == TransportPolicy::All => (mapped.ip().into(), mapped.port()),
            _ => hidden_address(relayed),
        });
        candidate.relay_protocol = Some(protocol);
        let key_server = format!("{} {protocol:?}", server.ip());
        candidate.url = Some(url);
        let key = (CandidateKind::Relayed, relayed.ip(), Protocol::Udp, Some(key_server));
        let foundation = self.locals.foundation(key);
        let local = Local { base: id, candidate, foundation, signalled: None, hidden: false };
        let local = self.locals.insert(relayed, local);
        if let Some(base) = self.bases.get_mut(&id) {
            base.candidate = local;
        }
        self.signal(local);
    }

    /// Whether checks may go through the relay to `peer` now. If not, a permission is on its way.
    pub(super) fn is_permitted(&mut self, now: Instant, base: BaseId, peer: IpAddr) -> bool {
        let Some(BaseKind::Relay(relay)) = self.bases.get(&base).map(|base| &base.kind) else { return true };
        let id = relay.id;
        let permit = self.relays.client(id).map(|client| client.permit(now, peer));
        self.relay_touched(id);
        matches!(permit, Some(Ok(Permit::Ready)))
    }

    fn relay_permitted(&mut self, now: Instant, id: RelayId, peer: IpAddr) {
        let Some(base) = self.relays.base(id) else { return };
        let of_peer = |id| self.remotes.get(id).is_some_and(|remote| remote.address.ip() == peer);
        for remote in self.remotes.ids().into_iter().filter(|id| of_peer(*id)).collect::<Vec<_>>() {
            self.pair(now, base, remote);
        }
    }

    fn relay_redirected(&mut self, id: RelayId, server: SocketAddr) {
        self.relays.by_path.retain(|_, relay| *relay != id);
        let Some(relay) = self.relays.by_id.get_mut(&id) else { return };
        relay.server = server;
        if let Some(client) = &relay.client {
            self.relays.by_path.insert(client.server(), id);
        }
    }

    /// The servers were replaced.
    pub(super) fn renew_relays(&mut self, now: Instant) {
        for id in self.relays.by_id.keys().copied().collect::<Vec<_>>() {
            let Some(relay) = self.relays.by_id.get_mut(&id) else { continue };
            let server =
                self.gatherer.servers.iter().find(|server| server.config.url.to_string() == relay.url);
            let renewed = server.map(|server| (&server.config.username, &server.config.credential));
            if renewed == Some((&relay.username, &relay.credential)) {
                continue;
            }
            if let Some((username, credential)) = renewed {
                relay.username.clone_from(username);
                relay.credential.clone_from(credential);
            }
            self.renew_relay(now, id);
        }
    }

    /// An allocation in use goes on, with the new credentials if the server allows that; others are given back.
    fn renew_relay(&mut self, now: Instant, id: RelayId) {
        let used = self.selected.and_then(|pair| self.list.get(pair)).map(|pair| pair.base);
        let Some(relay) = self.relays.by_id.get_mut(&id) else { return };
        let in_use = used.is_some() && relay.base == used;
        let credentials = relay.credentials();
        match &mut relay.client {
            Some(client) if in_use => drop(client.set_credentials(now, credentials)),
            Some(client) => client.release(now),
            None => return self.relay_released(now, id),
        }
        self.pump_relay(now, id);
    }

    /// The server has forgotten the allocation: now the port may ask for another.
    fn relay_released(&mut self, now: Instant, id: RelayId) {
        let Some(relay) = self.relays.by_id.get(&id) else { return };
        let (owner, url) = (relay.owner, relay.url.clone());
        self.streams.retain(|_, purpose| *purpose != StreamPurpose::Relay(id));
        self.drop_relay(now, id);
        let index = self.gatherer.servers.iter().position(|server| server.config.url.to_string() == url);
        if let (Some(index), false, true) = (index, self.closed, self.gatherer.state != GatheringState::New) {
            self.ask_server_from(index, owner);
        }
    }

    /// There is no allocation, or no longer one.
    fn relay_failed(&mut self, now: Instant, id: RelayId, code: u16, text: &str) {
        let Some(relay) = self.relays.by_id.get(&id) else { return };
        let local = self.bases.get(&relay.owner).map(Base::address);
        let url = relay.url.clone();
        self.drop_relay(now, id);
        if self.state != ConnectionState::Closed {
            self.server_failed(url, local, code, text);
        }
    }

    /// Forgets an allocation, with its candidate and pairs.
    fn drop_relay(&mut self, now: Instant, id: RelayId) {
        let Some(relay) = self.relays.by_id.remove(&id) else { return };
        self.relays.by_path.retain(|_, of| *of != id);
        self.relays.ready.retain(|of| *of != id);
        self.timers.set(TimerKey::Relay(id), None);
        if let Some(client) = &relay.client
            && relay.protocol != Protocol::Udp
        {
            self.events.push_back(Event::CloseStream(client.server()));
        }
        if let Some(base) = relay.base {
            self.remove_base(now, base);
        }
    }

    /// The socket is gone, and its allocations with it.
    pub(super) fn remove_relays_of(&mut self, now: Instant, owner: BaseId) {
        let of_owner = self.relays.by_id.iter().filter(|(_, relay)| relay.owner == owner);
        for id in of_owner.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.streams.retain(|_, purpose| *purpose != StreamPurpose::Relay(id));
            self.drop_relay(now, id);
        }
    }

    /// Gives all allocations back.
    pub(super) fn release_relays(&mut self, now: Instant) {
        for id in self.relays.by_id.keys().copied().collect::<Vec<_>>() {
            match self.relays.client(id) {
                Some(client) => {
                    client.release(now);
                    self.pump_relay(now, id);
                }
                None => self.drop_relay(now, id),
            }
        }
    }

    /// Puts the relay's header around a message of ours.
    pub(super) fn wrap(
        &mut self,
        now: Instant,
        id: RelayId,
        peer: SocketAddr,
        out: &mut PacketBuf<'_>,
    ) -> Option<Transmit> {
        self.wrap_data(now, id, peer, out).ok()
    }

    /// Puts the relay's header around data.
    pub(super) fn wrap_data(
        &mut self,
        now: Instant,
        id: RelayId,
        peer: SocketAddr,
        packet: &mut PacketBuf<'_>,
    ) -> Result<Transmit, NoRoute> {
        let client = self.relays.client(id).ok_or(NoRoute::Relay)?;
        let wrapped = client.wrap(now, peer, packet).map_err(|error| match error {
            sendrecv_turn::UsageError::NoSpace => NoRoute::NoSpace,
            _ => NoRoute::Relay,
        });
        self.relay_touched(id);
        wrapped
    }

    /// Bytes that a relay adds to data for `peer` at present.
    pub(super) fn relay_overhead(&self, id: RelayId, peer: SocketAddr) -> usize {
        self.relays
            .by_id
            .get(&id)
            .and_then(|relay| relay.client.as_ref())
            .map_or(0, |client| client.overhead(peer))
    }

    /// Writes what the TURN clients have to say to their servers.
    pub(super) fn transmit_relays(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> Option<Transmit> {
        while let Some(id) = self.relays.ready.front().copied() {
            let transmit = self.relays.client(id).and_then(|client| client.poll_transmit(now, out));
            self.pump_relay(now, id);
            if transmit.is_some() {
                return transmit;
            }
            self.relays.ready.pop_front();
            if let Some(relay) = self.relays.by_id.get_mut(&id) {
                relay.ready = false;
            }
        }
        None
    }
}

/// The code that `icecandidateerror` has for a failure: the server's, or 701.
const fn code_of(failure: &Failure) -> u16 {
    match failure {
        Failure::Refused(code) => *code,
        Failure::Mismatch => 437,
        Failure::Unauthenticated(_) => 401,
        _ => 701,
    }
}
