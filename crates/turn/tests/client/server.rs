//! A TURN server as a pure state machine, for tests: it follows RFC 8656 as far as a client can see, and can be told
//! to misbehave.

use sendrecv_core::{Clock, Instant, Machine, PacketBuf, Path, Protocol, Rng, Seed, Transmit, Writer};
use sendrecv_crypto::rustcrypto;
use sendrecv_stun::attribute::{
    AdditionalAddressFamily, AddressErrorCode, AddressFamily, AlternateServer, AttributeType, ChannelNumber,
    Data, Lifetime, Nonce, PasswordAlgorithm, PasswordAlgorithms, Realm, RequestedAddressFamily, UserHash,
    Username, XorMappedAddress, XorPeerAddress, XorRelayedAddress,
};
use sendrecv_stun::{
    Class, Credentials, Integrity, IntegrityKey, Message, MessageBuilder, Method, SecurityFeatures,
    TransactionId, long_term_key, user_hash,
};
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

pub(crate) const REALM: &str = "test";
pub(crate) const CLIENT: &str = "10.0.0.1:40000";
pub(crate) const SERVER: &str = "192.0.2.10:3478";

pub(crate) fn client_path(protocol: Protocol) -> Path {
    Path { protocol, local: CLIENT.parse().unwrap(), remote: SERVER.parse().unwrap() }
}

/// What the server is like.
#[derive(Clone, Debug)]
pub(crate) struct Behaviour {
    pub(crate) users: Vec<(String, String)>,
    /// Whether it is a server of RFC 8489: nonce cookie, PASSWORD-ALGORITHMS, USERHASH.
    pub(crate) modern: bool,
    pub(crate) nonce_lifetime: Duration,
    pub(crate) max_lifetime: Duration,
    /// Every request of this method is answered with this error.
    pub(crate) refuse: Option<(Method, u16)>,
    /// Where a 300 points to.
    pub(crate) alternate: Option<SocketAddr>,
    /// No relayed address of this family.
    pub(crate) lacks: Option<AddressFamily>,
    /// It refuses requests for a second family with this error.
    pub(crate) refuses_second_family: Option<u16>,
    /// It gives IPv4 whatever is asked for.
    pub(crate) ignores_family: bool,
    /// It signs with a wrong key.
    pub(crate) signs_wrongly: bool,
    /// It says nothing any more.
    pub(crate) dead: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            users: vec![("user".into(), "secret".into())],
            modern: false,
            nonce_lifetime: Duration::from_secs(3600),
            max_lifetime: Duration::from_secs(3600),
            refuse: None,
            alternate: None,
            lacks: None,
            refuses_second_family: None,
            ignores_family: false,
            signs_wrongly: false,
            dead: false,
        }
    }
}

#[derive(Debug)]
struct Allocation {
    id: TransactionId,
    username: String,
    relayed: Vec<SocketAddr>,
    expires: Instant,
    permissions: BTreeMap<IpAddr, Instant>,
    channels: BTreeMap<u16, (SocketAddr, Instant)>,
}

/// A datagram from the server to a client, or from a relayed address to a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Datagram {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) behaviour: Behaviour,
    allocations: BTreeMap<SocketAddr, Allocation>,
    /// The nonces given out, by client, and when each ends.
    nonces: BTreeMap<SocketAddr, (String, Instant)>,
    next_port: u16,
    next_nonce: u64,
    pub(crate) requests: Vec<Method>,
}

#[derive(Clone, Copy)]
enum Refusal {
    Error(u16),
    Challenge(u16),
    Silent,
}

struct Authenticated {
    username: String,
    key: IntegrityKey,
}

impl Server {
    pub(crate) fn new(address: SocketAddr, behaviour: Behaviour) -> Self {
        Self {
            address,
            behaviour,
            allocations: BTreeMap::new(),
            nonces: BTreeMap::new(),
            next_port: 50_000,
            next_nonce: 0,
            requests: Vec::new(),
        }
    }

    pub(crate) fn allocations(&self) -> usize {
        self.allocations.len()
    }

    /// Forgets everything, as after a restart.
    pub(crate) fn restart(&mut self) {
        self.allocations.clear();
        self.nonces.clear();
    }

    /// A datagram from a client to the server's address.
    pub(crate) fn handle_client(
        &mut self,
        now: Instant,
        client: SocketAddr,
        bytes: &[u8],
    ) -> Option<Datagram> {
        if self.behaviour.dead {
            return None;
        }
        if let [0x40..=0x4f, ..] = bytes {
            return self.channel_data(now, client, bytes);
        }
        let message = Message::parse(bytes).ok()?;
        if message.verify_fingerprint().is_err() && message.class() == Class::Request {
            return None;
        }
        match (message.class(), message.method()) {
            (Class::Request, _) => self.request(now, client, &message),
            (Class::Indication, Method::SEND) => {
                let XorPeerAddress(peer) = message.attribute()?;
                let Data(data) = message.attribute()?;
                self.to_peer(now, client, peer, data)
            }
            _ => None,
        }
    }

    /// A datagram from a peer to a relayed address.
    pub(crate) fn handle_peer(
        &self,
        now: Instant,
        peer: SocketAddr,
        relayed: SocketAddr,
        data: &[u8],
    ) -> Option<Datagram> {
        let (client, allocation) =
            self.allocations.iter().find(|(_, allocation)| allocation.relayed.contains(&relayed))?;
        allocation.permissions.get(&peer.ip()).filter(|until| **until > now)?;
        let channel = allocation.channels.iter().find(|(_, (to, until))| *to == peer && *until > now);
        let mut bytes = Vec::new();
        if let Some((number, _)) = channel {
            bytes.put_u16(*number).unwrap();
            bytes.put_u16(u16::try_from(data.len()).unwrap()).unwrap();
            bytes.put(data).unwrap();
        } else {
            let id = TransactionId([9; 12]);
            let mut builder = MessageBuilder::new(&mut bytes, Class::Indication, Method::DATA, id).unwrap();
            builder.attribute(&XorPeerAddress(peer)).unwrap().attribute(&Data(data)).unwrap();
        }
        Some(Datagram { from: self.address, to: *client, bytes })
    }

    fn channel_data(&self, now: Instant, client: SocketAddr, bytes: &[u8]) -> Option<Datagram> {
        let [a, b, c, d, data @ ..] = bytes else { return None };
        let data = data.get(..usize::from(u16::from_be_bytes([*c, *d])))?;
        let number = u16::from_be_bytes([*a, *b]);
        let (peer, _) =
            self.allocations.get(&client)?.channels.get(&number).filter(|(_, until)| *until > now)?;
        self.to_peer(now, client, *peer, data)
    }

    fn to_peer(&self, now: Instant, client: SocketAddr, peer: SocketAddr, data: &[u8]) -> Option<Datagram> {
        let allocation = self.allocations.get(&client).filter(|allocation| allocation.expires > now)?;
        allocation.permissions.get(&peer.ip()).filter(|until| **until > now)?;
        let from = *allocation.relayed.iter().find(|relayed| relayed.is_ipv4() == peer.is_ipv4())?;
        Some(Datagram { from, to: peer, bytes: data.to_vec() })
    }

    fn request(&mut self, now: Instant, client: SocketAddr, request: &Message<'_>) -> Option<Datagram> {
        self.requests.push(request.method());
        self.allocations.retain(|_, allocation| allocation.expires > now);
        let mut bytes = Vec::new();
        let authenticated = match self.authenticate(now, client, request) {
            Ok(authenticated) => authenticated,
            Err(refusal) => {
                self.refuse(now, client, request, refusal, None, &mut bytes)?;
                return Some(Datagram { from: self.address, to: client, bytes });
            }
        };
        match self.serve(now, client, request, &authenticated, &mut bytes) {
            Ok(()) => self.sign(&authenticated.key, &mut bytes),
            Err(refusal) => {
                bytes.clear();
                self.refuse(now, client, request, refusal, Some(&authenticated.key), &mut bytes)?;
            }
        }
        Some(Datagram { from: self.address, to: client, bytes })
    }

    fn sign(&self, key: &IntegrityKey, bytes: &mut Vec<u8>) {
        // The builder only appends to messages it began: begin it again from what is there.
        let unsigned = std::mem::take(bytes);
        let message = Message::parse(&unsigned).unwrap();
        let (class, method, id) = (message.class(), message.method(), message.transaction_id());
        let mut builder = MessageBuilder::new(bytes, class, method, id).unwrap();
        for attribute in message.attributes() {
            builder.raw(attribute.kind, attribute.value).unwrap();
        }
        let wrong = IntegrityKey::new(rustcrypto(), b"wrong", key.integrity()).unwrap();
        builder.integrity(if self.behaviour.signs_wrongly { &wrong } else { key }).unwrap();
        builder.fingerprint().unwrap();
    }

    fn refuse(
        &mut self,
        now: Instant,
        client: SocketAddr,
        request: &Message<'_>,
        refusal: Refusal,
        key: Option<&IntegrityKey>,
        bytes: &mut Vec<u8>,
    ) -> Option<()> {
        match refusal {
            Refusal::Silent => return None,
            Refusal::Error(code) => {
                let mut builder = MessageBuilder::error(bytes, request, code, "refused").unwrap();
                if let (300, Some(alternate)) = (code, self.behaviour.alternate) {
                    builder.attribute(&AlternateServer(alternate)).unwrap();
                }
                match key {
                    Some(key) => self.sign(key, bytes),
                    None => drop(builder.fingerprint().unwrap()),
                }
            }
            Refusal::Challenge(code) => {
                let nonce = self.fresh_nonce(now, client);
                let mut builder = MessageBuilder::error(bytes, request, code, "").unwrap();
                builder.attribute(&Realm(REALM)).unwrap().attribute(&Nonce(&nonce)).unwrap();
                if self.behaviour.modern {
                    builder.attribute(&PasswordAlgorithms::SHA256_MD5).unwrap();
                }
                builder.fingerprint().unwrap();
            }
        }
        Some(())
    }

    fn fresh_nonce(&mut self, now: Instant, client: SocketAddr) -> String {
        self.next_nonce += 1;
        let features = SecurityFeatures { password_algorithms: true, username_anonymity: true };
        let cookie = if self.behaviour.modern { features.cookie() } else { "" };
        let nonce = format!("{cookie}nonce-{}", self.next_nonce);
        self.nonces.insert(client, (nonce.clone(), now + self.behaviour.nonce_lifetime));
        nonce
    }

    fn authenticate(
        &self,
        now: Instant,
        client: SocketAddr,
        request: &Message<'_>,
    ) -> Result<Authenticated, Refusal> {
        if request.integrity().is_none() {
            return Err(Refusal::Challenge(401));
        }
        let user = self.user_of(request).ok_or(Refusal::Challenge(401))?;
        let algorithm = request.attribute::<PasswordAlgorithm>().unwrap_or(PasswordAlgorithm::Md5);
        let key =
            long_term_key(rustcrypto(), algorithm, &Credentials::new(&*user.0, &user.1), REALM).unwrap();
        let integrity = if self.behaviour.modern { Integrity::Sha256 } else { Integrity::Sha1 };
        let key = IntegrityKey::new(rustcrypto(), key.expose(), integrity).unwrap();
        if request.verify_integrity(&key).is_err() {
            return Err(Refusal::Challenge(401));
        }
        let Nonce(nonce) = request.attribute().ok_or(Refusal::Error(400))?;
        let fresh = self.nonces.get(&client).is_some_and(|(issued, until)| issued == nonce && *until > now);
        if fresh { Ok(Authenticated { username: user.0, key }) } else { Err(Refusal::Challenge(438)) }
    }

    fn user_of(&self, request: &Message<'_>) -> Option<(String, String)> {
        let hash = request.attribute::<UserHash>().map(|UserHash(hash)| hash);
        let name = request.attribute::<Username<'_>>().map(|Username(name)| name);
        let is_meant = |user: &str| match hash {
            Some(hash) => user_hash(rustcrypto(), user, REALM).unwrap() == hash,
            None => name == Some(user),
        };
        self.behaviour.users.iter().find(|(user, _)| is_meant(user)).cloned()
    }

    fn serve(
        &mut self,
        now: Instant,
        client: SocketAddr,
        request: &Message<'_>,
        authenticated: &Authenticated,
        bytes: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        if let Some((method, code)) = self.behaviour.refuse
            && method == request.method()
        {
            return Err(Refusal::Error(code));
        }
        if let Some(code) = self.behaviour.refuses_second_family
            && request.has(AttributeType::ADDITIONAL_ADDRESS_FAMILY)
        {
            return Err(Refusal::Error(code));
        }
        if request.method() == Method::ALLOCATE {
            return self.allocate(now, client, request, authenticated, bytes);
        }
        let lifetime = self.lifetime(request);
        let allocation = self.allocations.get_mut(&client).ok_or(Refusal::Error(437))?;
        if allocation.username != authenticated.username {
            return Err(Refusal::Error(441));
        }
        let mut response = MessageBuilder::success(bytes, request).unwrap();
        match request.method() {
            Method::REFRESH => {
                response.attribute(&Lifetime(u32::try_from(lifetime.as_secs()).unwrap())).unwrap();
                allocation.expires = now + lifetime;
                if lifetime.is_zero() {
                    self.allocations.remove(&client);
                }
            }
            Method::CREATE_PERMISSION => {
                let XorPeerAddress(peer) = request.attribute().ok_or(Refusal::Error(400))?;
                allocation.permissions.insert(peer.ip(), now + Duration::from_secs(300));
            }
            Method::CHANNEL_BIND => allocation.bind(now, request)?,
            _ => return Err(Refusal::Silent),
        }
        Ok(())
    }

    fn lifetime(&self, request: &Message<'_>) -> Duration {
        match request.attribute() {
            Some(Lifetime(0)) => Duration::ZERO,
            Some(Lifetime(seconds)) => Duration::from_secs(seconds.into()).min(self.behaviour.max_lifetime),
            None => Duration::from_secs(600).min(self.behaviour.max_lifetime),
        }
    }

    fn allocate(
        &mut self,
        now: Instant,
        client: SocketAddr,
        request: &Message<'_>,
        authenticated: &Authenticated,
        bytes: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let id = request.transaction_id();
        if self.allocations.get(&client).is_some_and(|allocation| allocation.id != id) {
            return Err(Refusal::Error(437));
        }
        let mut families = vec![match request.attribute() {
            Some(RequestedAddressFamily(family)) if !self.behaviour.ignores_family => family,
            _ => AddressFamily::V4,
        }];
        if let Some(AdditionalAddressFamily(family)) = request.attribute() {
            families.push(family);
        }
        let lacking = families.iter().copied().find(|family| self.behaviour.lacks == Some(*family));
        families.retain(|family| Some(*family) != lacking);
        if families.is_empty() {
            return Err(Refusal::Error(440));
        }
        let lifetime = self.lifetime(request);
        let (port, username) = (&mut self.next_port, authenticated.username.clone());
        let allocation = self.allocations.entry(client).or_insert_with(|| {
            *port += 1;
            let relayed = |family: &AddressFamily| match family {
                AddressFamily::V4 => SocketAddr::new("192.0.2.20".parse().unwrap(), *port),
                AddressFamily::V6 => SocketAddr::new("2001:db8::20".parse().unwrap(), *port),
            };
            let relayed = families.iter().map(relayed).collect();
            let (permissions, channels) = (BTreeMap::new(), BTreeMap::new());
            Allocation { id, username, relayed, expires: now + lifetime, permissions, channels }
        });
        let mut response = MessageBuilder::success(bytes, request).unwrap();
        for relayed in &allocation.relayed {
            response.attribute(&XorRelayedAddress(*relayed)).unwrap();
        }
        response.attribute(&XorMappedAddress(client)).unwrap();
        response.attribute(&Lifetime(u32::try_from(lifetime.as_secs()).unwrap())).unwrap();
        if let Some(family) = lacking {
            response.attribute(&AddressErrorCode { family, code: 440, reason: "" }).unwrap();
        }
        Ok(())
    }
}

impl Allocation {
    fn bind(&mut self, now: Instant, request: &Message<'_>) -> Result<(), Refusal> {
        let (Some(ChannelNumber(number)), Some(XorPeerAddress(peer))) =
            (request.attribute(), request.attribute())
        else {
            return Err(Refusal::Error(400));
        };
        let taken = self
            .channels
            .iter()
            .any(|(other, (to, until))| *until > now && ((*other == number) != (*to == peer)));
        if taken || !(0x4000..=0x4fff).contains(&number) {
            return Err(Refusal::Error(400));
        }
        self.channels.insert(number, (peer, now + Duration::from_secs(600)));
        self.permissions.insert(peer.ip(), now + Duration::from_secs(300));
        Ok(())
    }
}

/// Writes a message again from what parsing found in it.
pub(crate) fn rewrite(bytes: &[u8]) -> Option<Vec<u8>> {
    if let [0x40..=0x4f, ..] = bytes {
        return Some(bytes.to_vec());
    }
    let message = Message::parse(bytes).ok()?;
    let mut again = Vec::new();
    let (class, method, id) = (message.class(), message.method(), message.transaction_id());
    let mut builder = MessageBuilder::new(&mut again, class, method, id).ok()?;
    for attribute in message.attributes() {
        builder.raw(attribute.kind, attribute.value).ok()?;
    }
    // The checks come last; their values are copied, not computed.
    let checks = [
        (AttributeType::MESSAGE_INTEGRITY, 20),
        (AttributeType::MESSAGE_INTEGRITY_SHA256, 32),
        (AttributeType::FINGERPRINT, 4),
    ];
    for (kind, len) in checks.into_iter().filter(|(kind, _)| message.has(*kind)) {
        let at = builder.message().len() + 4;
        builder.raw(kind, bytes.get(at..at + len)?).ok()?;
    }
    Some(again)
}

/// The server as one end of the property suite.
#[derive(Debug)]
pub(crate) struct ServerMachine {
    pub(crate) server: Server,
    clock: Clock,
    out: VecDeque<Vec<u8>>,
    pub(crate) closed: bool,
    rng: Rng,
}

impl ServerMachine {
    pub(crate) fn new(behaviour: Behaviour, seed: &Seed, now: Instant) -> Self {
        let server = Server::new(SERVER.parse().unwrap(), behaviour);
        Self { server, clock: Clock::new(now), out: VecDeque::new(), closed: false, rng: seed.rng() }
    }

    pub(crate) fn handle_datagram(&mut self, now: Instant, bytes: &[u8]) -> bool {
        let now = self.clock.advance(now);
        if self.closed {
            return false;
        }
        match self.server.handle_client(now, CLIENT.parse().unwrap(), bytes) {
            Some(datagram) if datagram.from == self.server.address => {
                self.out.push_back(datagram.bytes);
                true
            }
            Some(_) => true,
            None => false,
        }
    }

    /// A peer sends something to whoever has an allocation.
    pub(crate) fn relay_something(&mut self, now: Instant, peer: SocketAddr) {
        let now = self.clock.advance(now);
        let relayed = self.server.allocations.values().next().map(|allocation| allocation.relayed.clone());
        let Some(relayed) = relayed.and_then(|relayed| relayed.first().copied()) else { return };
        let data: [u8; 16] = self.rng.bytes();
        let datagram = self.server.handle_peer(now, peer, relayed, &data);
        self.out.extend(datagram.filter(|_| !self.closed).map(|datagram| datagram.bytes));
    }

    pub(crate) fn state(&self) -> String {
        format!("{:?} {:?} {}", self.server.allocations, self.server.nonces, self.closed)
    }
}

impl Machine for ServerMachine {
    type Event = ();

    fn handle_timeout(&mut self, now: Instant) {
        self.clock.advance(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    fn poll_transmit(&mut self, _: Instant, out: &mut PacketBuf<'_>) -> Option<Transmit> {
        let bytes = self.out.pop_front()?;
        out.put(&bytes).unwrap();
        let path = client_path(Protocol::Udp);
        Some(Transmit::to(Path::udp(path.remote, path.local)))
    }

    fn poll_event(&mut self) -> Option<()> {
        None
    }
}
