//! A STUN and TURN server for the simulated internet (RFC 8489, RFC 8656): long-term credentials, allocations,
//! permissions, channels, relaying. UDP only, and trusting: it is there to be talked to, not to be attacked.

use sendrecv_core::{Ecn, Instant, Path, Transmit};
use sendrecv_crypto::CryptoProvider;
use sendrecv_sim::Node;
use sendrecv_stun::attribute::{
    AdditionalAddressFamily, AlternateServer, ChannelNumber, Data, ErrorCode, Lifetime, Nonce,
    PasswordAlgorithm, Realm, RequestedTransport, Username, XorMappedAddress, XorPeerAddress,
    XorRelayedAddress,
};
use sendrecv_stun::{
    Class, Credentials, Integrity, IntegrityKey, Message, MessageBuilder, Method, TransactionId, is_stun,
    long_term_key,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::time::Duration;

const REALM: &str = "sim.example";
const NONCE: &str = "once";
const LIFETIME: Duration = Duration::from_secs(600);
const UNAUTHENTICATED: u16 = ErrorCode::UNAUTHENTICATED;

/// The server.
pub struct TurnServer {
    address: SocketAddr,
    /// Of relayed addresses for those who ask for both families.
    ipv6: Option<IpAddr>,
    /// How every allocation is refused, and where a 300 points to.
    refusal: Option<(u16, Option<SocketAddr>)>,
    /// Where every question for an address is sent on to.
    bindings_at: Option<SocketAddr>,
    username: String,
    key: IntegrityKey,
    allocations: BTreeMap<SocketAddr, Allocation>,
    clients: BTreeMap<u16, SocketAddr>,
    next_port: u16,
    outbox: VecDeque<(Path, Vec<u8>)>,
    relayed: u64,
}

#[derive(Debug)]
struct Allocation {
    /// Of the request that made it: asked again, the server answers again.
    transaction: TransactionId,
    port: u16,
    expires: Instant,
    permitted: BTreeSet<IpAddr>,
    channels: BTreeMap<u16, SocketAddr>,
}

impl TurnServer {
    /// A server at `address` with one user. Relayed addresses are ports from 50000 of the same IP address.
    pub fn new(provider: &dyn CryptoProvider, address: SocketAddr, username: &str, password: &str) -> Self {
        let credentials = Credentials::new(username, password);
        let key = long_term_key(provider, PasswordAlgorithm::Md5, &credentials, REALM).unwrap();
        Self {
            address,
            ipv6: None,
            refusal: None,
            bindings_at: None,
            username: username.to_owned(),
            key: IntegrityKey::new(provider, key.expose(), Integrity::Sha1).unwrap(),
            allocations: BTreeMap::new(),
            clients: BTreeMap::new(),
            next_port: 50_000,
            outbox: VecDeque::new(),
            relayed: 0,
        }
    }

    /// Also gives relayed addresses with this IPv6 address to those who ask for both families.
    pub fn give_ipv6(&mut self, ip: IpAddr) {
        self.ipv6 = Some(ip);
    }

    /// Refuses every allocation with this error, which for 300 points to another server.
    pub fn refuse_allocations(&mut self, code: u16, alternate: Option<SocketAddr>) {
        self.refusal = Some((code, alternate));
    }

    /// Sends those who ask for their address to another server.
    pub fn redirect_bindings(&mut self, alternate: SocketAddr) {
        self.bindings_at = Some(alternate);
    }

    /// Has an allocation for this client as if somebody had asked for it from there before.
    pub fn occupy(&mut self, now: Instant, client: SocketAddr) {
        self.add_allocation(now, client, TransactionId([0; 12]));
    }

    /// From now on it is another server.
    pub fn move_to(&mut self, address: SocketAddr) {
        self.address = address;
    }

    /// How many datagrams it has relayed, in both directions.
    pub const fn relayed(&self) -> u64 {
        self.relayed
    }

    /// How many allocations are alive.
    pub fn allocations(&self) -> usize {
        self.allocations.len()
    }

    /// Who has an allocation.
    pub fn clients(&self) -> impl Iterator<Item = SocketAddr> {
        self.allocations.keys().copied()
    }

    fn receive_from_client(&mut self, now: Instant, client: SocketAddr, data: &[u8]) {
        if !is_stun(data) {
            return self.channel_data(client, data);
        }
        let Ok(message) = Message::parse(data) else { return };
        match (message.class(), message.method()) {
            (Class::Request, Method::BINDING) => self.binding(client, &message),
            (Class::Request, _) if !self.is_authentic(&message) => self.challenge(client, &message),
            (Class::Request, Method::ALLOCATE) => self.allocate(now, client, &message),
            (Class::Request, Method::REFRESH) => self.refresh(now, client, &message),
            (Class::Request, Method::CREATE_PERMISSION) => self.permit(client, &message),
            (Class::Request, Method::CHANNEL_BIND) => self.bind(client, &message),
            (Class::Indication, Method::SEND) => {
                if let (Some(XorPeerAddress(peer)), Some(Data(data))) =
                    (message.attribute(), message.attribute())
                {
                    self.relay_to_peer(client, peer, data);
                }
            }
            _ => {}
        }
    }

    fn is_authentic(&self, message: &Message<'_>) -> bool {
        message.attribute() == Some(Username(self.username.as_str()))
            && message.attribute() == Some(Nonce(NONCE))
            && message.verify_integrity(&self.key).is_ok()
    }

    fn challenge(&mut self, client: SocketAddr, request: &Message<'_>) {
        let mut answer = Vec::new();
        let mut builder =
            MessageBuilder::error(&mut answer, request, UNAUTHENTICATED, "Unauthenticated").unwrap();
        builder.attribute(&Realm(REALM)).unwrap().attribute(&Nonce(NONCE)).unwrap();
        self.answer(client, answer);
    }

    fn binding(&mut self, client: SocketAddr, request: &Message<'_>) {
        let mut answer = Vec::new();
        if let Some(alternate) = self.bindings_at {
            let mut builder = MessageBuilder::error(&mut answer, request, 300, "Try Alternate").unwrap();
            builder.attribute(&AlternateServer(alternate)).unwrap();
            return self.answer(client, answer);
        }
        let mut builder = MessageBuilder::success(&mut answer, request).unwrap();
        builder.attribute(&XorMappedAddress(client)).unwrap();
        self.answer(client, answer);
    }

    fn allocate(&mut self, now: Instant, client: SocketAddr, request: &Message<'_>) {
        if let Some((code, alternate)) = self.refusal {
            let mut answer = Vec::new();
            let mut builder = MessageBuilder::error(&mut answer, request, code, "refused").unwrap();
            if let Some(alternate) = alternate {
                builder.attribute(&AlternateServer(alternate)).unwrap();
            }
            builder.integrity(&self.key).unwrap();
            return self.answer(client, answer);
        }
        if let Some(known) = self.allocations.get(&client) {
            return match known.transaction == request.transaction_id() {
                true => self.confirm_allocation(client, request, known.port),
                false => self.refuse(client, request, ErrorCode::ALLOCATION_MISMATCH),
            };
        }
        if request.attribute() != Some(RequestedTransport::UDP) {
            return self.refuse(client, request, ErrorCode::UNSUPPORTED_TRANSPORT);
        }
        let port = self.add_allocation(now, client, request.transaction_id());
        self.confirm_allocation(client, request, port);
    }

    /// Makes an allocation; its port.
    fn add_allocation(&mut self, now: Instant, client: SocketAddr, transaction: TransactionId) -> u16 {
        let port = self.next_port;
        self.next_port += 1;
        let expires = now + LIFETIME;
        let (permitted, channels) = (BTreeSet::new(), BTreeMap::new());
        let allocation = Allocation { transaction, port, expires, permitted, channels };
        self.allocations.insert(client, allocation);
        self.clients.insert(port, client);
        port
    }

    fn confirm_allocation(&mut self, client: SocketAddr, request: &Message<'_>, port: u16) {
        let relayed = SocketAddr::new(self.address.ip(), port);
        let mut answer = Vec::new();
        let mut builder = MessageBuilder::success(&mut answer, request).unwrap();
        builder.attribute(&XorRelayedAddress(relayed)).unwrap();
        if let (Some(ip), Some(AdditionalAddressFamily(_))) = (self.ipv6, request.attribute()) {
            builder.attribute(&XorRelayedAddress(SocketAddr::new(ip, port))).unwrap();
        }
        builder.attribute(&XorMappedAddress(client)).unwrap();
        builder.attribute(&Lifetime(u32::try_from(LIFETIME.as_secs()).unwrap())).unwrap();
        builder.integrity(&self.key).unwrap();
        self.answer(client, answer);
    }

    fn refresh(&mut self, now: Instant, client: SocketAddr, request: &Message<'_>) {
        let Some(allocation) = self.allocations.get_mut(&client) else {
            return self.refuse(client, request, ErrorCode::ALLOCATION_MISMATCH);
        };
        let seconds = request.attribute().map_or(600, |Lifetime(seconds)| seconds.min(3600));
        allocation.expires = now + Duration::from_secs(seconds.into());
        let mut answer = Vec::new();
        let mut builder = MessageBuilder::success(&mut answer, request).unwrap();
        builder.attribute(&Lifetime(seconds)).unwrap().integrity(&self.key).unwrap();
        self.answer(client, answer);
        self.expire(now);
    }

    fn permit(&mut self, client: SocketAddr, request: &Message<'_>) {
        let Some(allocation) = self.allocations.get_mut(&client) else {
            return self.refuse(client, request, ErrorCode::ALLOCATION_MISMATCH);
        };
        let Some(XorPeerAddress(peer)) = request.attribute() else {
            return self.refuse(client, request, ErrorCode::BAD_REQUEST);
        };
        allocation.permitted.insert(peer.ip());
        self.accept(client, request);
    }

    fn bind(&mut self, client: SocketAddr, request: &Message<'_>) {
        let Some(allocation) = self.allocations.get_mut(&client) else {
            return self.refuse(client, request, ErrorCode::ALLOCATION_MISMATCH);
        };
        let (Some(XorPeerAddress(peer)), Some(ChannelNumber(channel))) =
            (request.attribute(), request.attribute())
        else {
            return self.refuse(client, request, ErrorCode::BAD_REQUEST);
        };
        allocation.permitted.insert(peer.ip());
        allocation.channels.insert(channel, peer);
        self.accept(client, request);
    }

    fn accept(&mut self, client: SocketAddr, request: &Message<'_>) {
        let mut answer = Vec::new();
        MessageBuilder::success(&mut answer, request).unwrap().integrity(&self.key).unwrap();
        self.answer(client, answer);
    }

    fn refuse(&mut self, client: SocketAddr, request: &Message<'_>, code: u16) {
        let mut answer = Vec::new();
        MessageBuilder::error(&mut answer, request, code, "").unwrap().integrity(&self.key).unwrap();
        self.answer(client, answer);
    }

    fn channel_data(&mut self, client: SocketAddr, data: &[u8]) {
        let [a, b, c, d, rest @ ..] = data else { return };
        let (channel, length) = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
        let peer = self.allocations.get(&client).and_then(|allocation| allocation.channels.get(&channel));
        if let (Some(peer), Some(data)) = (peer.copied(), rest.get(..usize::from(length))) {
            self.relay_to_peer(client, peer, data);
        }
    }

    fn relay_to_peer(&mut self, client: SocketAddr, peer: SocketAddr, data: &[u8]) {
        let Some(allocation) = self.allocations.get(&client) else { return };
        if allocation.permitted.contains(&peer.ip()) {
            let ip = self.ipv6.filter(|_| peer.is_ipv6()).unwrap_or(self.address.ip());
            let relayed = SocketAddr::new(ip, allocation.port);
            self.relayed += 1;
            // A peer may be another client's relayed address: then the datagram never leaves the server.
            if peer.ip() == ip {
                return self.relay_to_client(peer.port(), relayed, data);
            }
            self.outbox.push_back((Path::udp(relayed, peer), data.to_vec()));
        }
    }

    fn relay_to_client(&mut self, port: u16, peer: SocketAddr, data: &[u8]) {
        let Some(client) = self.clients.get(&port).copied() else { return };
        let Some(allocation) = self.allocations.get(&client) else { return };
        if !allocation.permitted.contains(&peer.ip()) {
            return;
        }
        self.relayed += 1;
        let mut wrapped = Vec::new();
        match allocation.channels.iter().find(|(_, bound)| **bound == peer) {
            Some((channel, _)) => {
                wrapped.extend(channel.to_be_bytes());
                wrapped.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
                wrapped.extend(data);
            }
            None => {
                let id = TransactionId([7; 12]);
                let mut builder =
                    MessageBuilder::new(&mut wrapped, Class::Indication, Method::DATA, id).unwrap();
                builder.attribute(&XorPeerAddress(peer)).unwrap().attribute(&Data(data)).unwrap();
            }
        }
        self.answer(client, wrapped);
    }

    fn answer(&mut self, client: SocketAddr, data: Vec<u8>) {
        self.outbox.push_back((Path::udp(self.address, client), data));
    }

    fn expire(&mut self, now: Instant) {
        let clients = &mut self.clients;
        self.allocations.retain(|_, allocation| {
            let alive = allocation.expires > now;
            if !alive {
                clients.remove(&allocation.port);
            }
            alive
        });
    }
}

impl Node for TurnServer {
    fn handle_datagram(&mut self, now: Instant, path: Path, _: Ecn, data: &mut [u8]) {
        if path.local == self.address {
            self.receive_from_client(now, path.remote, data);
        } else {
            self.relay_to_client(path.local.port(), path.remote, data);
        }
    }

    fn poll_transmit(&mut self, _: Instant, out: &mut [u8]) -> Option<(Transmit, Range<usize>)> {
        let (path, data) = self.outbox.pop_front()?;
        out[..data.len()].copy_from_slice(&data);
        Some((Transmit::to(path), 0..data.len()))
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.expire(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.allocations.values().map(|allocation| allocation.expires).min()
    }
}

impl std::fmt::Debug for TurnServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TurnServer")
            .field("address", &self.address)
            .field("allocations", &self.allocations)
            .finish_non_exhaustive()
    }
}
