//! Two connections with a virtual network between them.

use sendrecv_core::{Instant, Machine, PacketBuf, Rng, Seed, Writer};
use sendrecv_crypto::{CryptoProvider, HashAlgorithm, default_provider};
use sendrecv_dtls::wire::fragment::HandshakeType;
use sendrecv_dtls::{
    Certificate, Config, ConnectedInfo, ConnectionState, Dtls, Event, Role, TAILROOM, Version,
};
use std::collections::BTreeMap;
use std::hash::Hasher;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// 2026-11-22.
pub const UNIX_TIME: u64 = 1_795_305_600;

/// The fastest that is compiled in: `--features sendrecv-crypto/aws-lc-rs` runs everything on AWS-LC.
pub fn provider() -> &'static dyn CryptoProvider {
    default_provider()
}

/// Two certificates, made once: making one costs a signature.
pub fn certificate(role: Role) -> Arc<Certificate> {
    static CLIENT: OnceLock<Arc<Certificate>> = OnceLock::new();
    static SERVER: OnceLock<Arc<Certificate>> = OnceLock::new();
    let (cell, seed) = match role {
        Role::Client => (&CLIENT, 1),
        Role::Server => (&SERVER, 2),
    };
    let make = || Certificate::generate(provider(), &Seed::from_u64(seed), UNIX_TIME, 31).unwrap();
    cell.get_or_init(|| Arc::new(make())).clone()
}

pub fn config(role: Role) -> Config {
    Config::new(provider(), certificate(role))
}

pub fn only(version: Version, config: Config) -> Config {
    Config { min_version: version, max_version: version, ..config }
}

/// What the network does to datagrams.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    pub delay: Duration,
    /// Per cent.
    pub loss: u64,
    pub duplication: u64,
    /// Per cent of datagrams that are late by up to three delays.
    pub reorder: u64,
}

impl Link {
    pub const PERFECT: Self = Self { delay: Duration::from_millis(10), loss: 0, duplication: 0, reorder: 0 };
}

/// One end.
pub struct End {
    pub dtls: Dtls,
    pub connected: Option<ConnectedInfo>,
    pub connected_at: Option<Instant>,
    pub events: Vec<Event>,
    pub received: Vec<Vec<u8>>,
    pub datagrams: usize,
    pub largest: usize,
}

impl End {
    fn new(dtls: Dtls) -> Self {
        Self {
            dtls,
            connected: None,
            connected_at: None,
            events: Vec::new(),
            received: Vec::new(),
            datagrams: 0,
            largest: 0,
        }
    }

    fn drain_events(&mut self, now: Instant) {
        while let Some(event) = self.dtls.poll_event() {
            if let Event::Connected(info) = &event {
                self.connected = Some((**info).clone());
                self.connected_at = Some(now);
            }
            self.events.push(event);
        }
    }
}

/// Changes the n-th datagram to an end.
pub type Mangle = Box<dyn FnMut(Role, usize, &mut Vec<u8>)>;

/// Both ends and what is in flight.
pub struct Pair {
    pub now: Instant,
    pub client: End,
    pub server: End,
    link: Link,
    rng: Rng,
    wire: BTreeMap<(Instant, u64), (Role, Vec<u8>)>,
    sent: u64,
    /// Datagrams to the server and to the client.
    posted: [usize; 2],
    /// Replaces these bytes by those in everything sent.
    pub tamper: Option<(Vec<u8>, Vec<u8>)>,
    /// Does what it likes to the n-th datagram that goes to an end.
    pub mangle: Option<Mangle>,
    /// Makes plaintext handshake messages of one kind into another.
    pub retype: Option<(HandshakeType, HandshakeType)>,
    pub keep_copies: bool,
    pub copies: Vec<Vec<u8>>,
    /// Where each of them went.
    pub copies_to: Vec<Role>,
    /// Calls `handle_timeout` whenever anything happens.
    pub spurious_timeouts: bool,
    /// Over everything that was sent.
    hasher: std::hash::DefaultHasher,
}

impl Pair {
    pub fn new(client: Config, server: Config, seed: u64, link: Link) -> Self {
        let mut pair = Self::without_fingerprints(client, server, seed, link);
        pair.exchange_fingerprints();
        pair
    }

    pub fn without_fingerprints(client: Config, server: Config, seed: u64, link: Link) -> Self {
        let seed = Seed::from_u64(seed);
        let now = Instant::from_millis(1000);
        let end = |config, role, label| End::new(Dtls::new(config, role, &seed.derive(label), now));
        Self {
            now,
            client: end(client, Role::Client, "client"),
            server: end(server, Role::Server, "server"),
            link,
            rng: seed.derive("network").rng(),
            wire: BTreeMap::new(),
            sent: 0,
            posted: [0; 2],
            tamper: None,
            mangle: None,
            retype: None,
            keep_copies: false,
            copies: Vec::new(),
            copies_to: Vec::new(),
            spurious_timeouts: false,
            hasher: std::hash::DefaultHasher::new(),
        }
    }

    /// Of all datagrams so far.
    pub fn hash(&self) -> u64 {
        self.hasher.finish()
    }

    pub fn exchange_fingerprints(&mut self) {
        let of = |role| certificate(role).fingerprint(provider(), HashAlgorithm::Sha256).unwrap();
        let now = self.now;
        self.client.dtls.set_remote_fingerprints(now, vec![of(Role::Server)]);
        self.server.dtls.set_remote_fingerprints(now, vec![of(Role::Client)]);
    }

    pub fn end(&mut self, role: Role) -> &mut End {
        match role {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        }
    }

    /// Takes everything both ends want to send.
    pub fn drain(&mut self) {
        for role in [Role::Client, Role::Server] {
            let now = self.now;
            self.end(role).drain_events(now);
            loop {
                let mut slab = [0; 2048];
                let mut out = PacketBuf::new(&mut slab, 0, 0);
                let end = self.end(role);
                if end.dtls.poll_transmit(now, &mut out).is_none() {
                    assert!(out.is_empty());
                    break;
                }
                let datagram = out.finish().to_vec();
                end.datagrams += 1;
                end.largest = end.largest.max(datagram.len());
                self.post(role.peer(), datagram);
            }
            let deadline = self.end(role).dtls.poll_timeout();
            assert!(deadline.is_none_or(|deadline| deadline > now), "{role:?}: time must pass");
        }
    }

    /// Puts a datagram on the wire.
    pub fn post(&mut self, to: Role, mut datagram: Vec<u8>) {
        self.hasher.write(&datagram);
        if self.keep_copies {
            self.copies.push(datagram.clone());
            self.copies_to.push(to);
        }
        if let Some((from, to)) = &self.tamper {
            replace(&mut datagram, from, to);
        }
        let index = self.posted[usize::from(to == Role::Client)];
        self.posted[usize::from(to == Role::Client)] += 1;
        if let Some(mangle) = &mut self.mangle {
            mangle(to, index, &mut datagram);
        }
        if let Some((from, to)) = self.retype {
            retype(&mut datagram, from, to);
        }
        let copies = if self.rng.chance(self.link.duplication, 100) { 2 } else { 1 };
        for _ in 0..copies {
            if self.rng.chance(self.link.loss, 100) {
                continue;
            }
            let mut delay = self.link.delay;
            if self.rng.chance(self.link.reorder, 100) {
                delay += Duration::from_nanos(self.rng.below(3 * delay.as_nanos() as u64));
            }
            self.sent += 1;
            self.wire.insert((self.now + delay, self.sent), (to, datagram.clone()));
        }
    }

    /// Lets the next thing happen; `false` when nothing will.
    pub fn step(&mut self) -> bool {
        self.step_until(Instant::MAX)
    }

    /// The same, unless it would be after `limit`.
    fn step_until(&mut self, limit: Instant) -> bool {
        self.drain();
        let arrival = self.wire.keys().next().map(|(at, _)| *at);
        let timeouts = [self.client.dtls.poll_timeout(), self.server.dtls.poll_timeout()];
        let Some(next) = timeouts.into_iter().chain([arrival]).flatten().min() else {
            return false;
        };
        if next > limit {
            return false;
        }
        self.now = self.now.max(next);
        let now = self.now;
        while let Some(entry) = self.wire.first_entry().filter(|entry| entry.key().0 <= now) {
            let (role, datagram) = entry.remove();
            self.deliver(role, datagram);
        }
        self.client.dtls.handle_timeout(now);
        self.server.dtls.handle_timeout(now);
        if self.spurious_timeouts {
            let early = self.now + Duration::from_micros(1);
            for role in [Role::Client, Role::Server] {
                self.drain();
                let dtls = &mut self.end(role).dtls;
                if dtls.poll_timeout().is_none_or(|deadline| deadline > early) {
                    dtls.handle_timeout(early);
                }
            }
        }
        self.drain();
        true
    }

    pub fn deliver(&mut self, role: Role, mut datagram: Vec<u8>) {
        let now = self.now;
        let end = self.end(role);
        if let Ok(records) = end.dtls.handle_datagram(now, &mut datagram) {
            let payloads: Vec<_> = records.map(|payload| payload.to_vec()).collect();
            end.received.extend(payloads);
        }
        end.drain_events(now);
    }

    pub fn lose_everything_in_flight(&mut self) {
        self.drain();
        self.wire.clear();
    }

    /// Takes everything that is in flight off the wire, in the order in which it would arrive.
    pub fn take_wire(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.wire).into_values().map(|(_, datagram)| datagram).collect()
    }

    pub fn is_connected(&self) -> bool {
        self.client.connected.is_some() && self.server.connected.is_some()
    }

    pub fn is_over(&self) -> bool {
        let over = |end: &End| matches!(end.dtls.state(), ConnectionState::Closed | ConnectionState::Failed);
        over(&self.client) && over(&self.server)
    }

    /// Runs until both ends are connected; `false` when that does not happen within a virtual two minutes.
    pub fn connect(&mut self) -> bool {
        let limit = self.now + Duration::from_secs(120);
        while !self.is_connected() && self.now < limit && !self.is_over() {
            if !self.step() {
                return false;
            }
        }
        self.is_connected()
    }

    /// Runs for a virtual time.
    pub fn run(&mut self, time: Duration) {
        let limit = self.now + time;
        while self.step_until(limit) {}
        self.now = self.now.max(limit);
    }

    /// Sends application data from one end.
    pub fn send(&mut self, from: Role, payload: &[u8]) {
        let datagram = self.seal(from, payload);
        self.post(from.peer(), datagram);
    }

    pub fn seal(&mut self, from: Role, payload: &[u8]) -> Vec<u8> {
        self.try_seal(from, payload).unwrap()
    }

    pub fn try_seal(&mut self, from: Role, payload: &[u8]) -> Option<Vec<u8>> {
        let now = self.now;
        let headroom = self.end(from).dtls.header_len();
        let mut slab = vec![0; payload.len() + headroom + TAILROOM];
        let mut packet = PacketBuf::new(&mut slab, headroom, TAILROOM);
        packet.put(payload).unwrap();
        self.end(from).dtls.seal(now, &mut packet).ok()?;
        Some(packet.finish().to_vec())
    }

    /// Both ends have derived the same keys, and data flows both ways.
    pub fn assert_works(&mut self) {
        let export = |dtls: &Dtls| {
            let mut out = [0; 60];
            dtls.export_keying_material("EXTRACTOR-dtls_srtp", None, &mut out).unwrap();
            out
        };
        assert_eq!(export(&self.client.dtls), export(&self.server.dtls));
        self.link = Link { loss: 0, ..self.link };
        self.run(Duration::from_secs(1));
        self.client.received.clear();
        self.server.received.clear();
        self.send(Role::Client, b"from the client");
        self.send(Role::Server, b"from the server");
        self.run(Duration::from_secs(1));
        assert!(self.server.received.iter().all(|payload| payload == b"from the client"));
        assert!(self.client.received.iter().all(|payload| payload == b"from the server"));
        assert_eq!((self.client.received.len(), self.server.received.len()), (1, 1));
    }
}

fn replace(datagram: &mut [u8], from: &[u8], to: &[u8]) {
    if let Some(at) = datagram.windows(from.len()).position(|window| window == from) {
        datagram[at..at + to.len()].copy_from_slice(to);
    }
}

/// Walks the plaintext records at the start of a datagram.
fn retype(datagram: &mut [u8], from: HandshakeType, to: HandshakeType) {
    let mut at = 0;
    while datagram.len() > at + 25 && datagram[at] < 0x20 {
        if datagram[at] == 22 && datagram[at + 4] == 0 && datagram[at + 13] == from.0 {
            datagram[at + 13] = to.0;
        }
        at += 13 + usize::from(u16::from_be_bytes([datagram[at + 11], datagram[at + 12]]));
    }
}
