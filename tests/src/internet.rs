//! Peers in a simulated internet, and the signalling between them.

use crate::{PeerNode, TurnServer};
use sendrecv::{Configuration, DataChannelInit, OfferOptions, PeerConnectionState};
use sendrecv_core::{Ecn, Instant, Path, Seed, Transmit};
use sendrecv_sim::{HostId, Interface, LinkConfig, NatConfig, Node, Realm, Simulation, Stopped};
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::time::Duration;

/// What hosts of this internet run.
pub enum Machine {
    /// A peer.
    Peer(Box<PeerNode>),
    /// A STUN and TURN server.
    Server(Box<TurnServer>),
}

impl Node for Machine {
    fn handle_datagram(&mut self, now: Instant, path: Path, ecn: Ecn, data: &mut [u8]) {
        match self {
            Self::Peer(peer) => peer.handle_datagram(now, path, ecn, data),
            Self::Server(server) => server.handle_datagram(now, path, ecn, data),
        }
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<(Transmit, Range<usize>)> {
        match self {
            Self::Peer(peer) => peer.poll_transmit(now, out),
            Self::Server(server) => server.poll_transmit(now, out),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        match self {
            Self::Peer(peer) => peer.handle_timeout(now),
            Self::Server(server) => server.handle_timeout(now),
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Peer(peer) => peer.poll_timeout(),
            Self::Server(server) => server.poll_timeout(),
        }
    }
}

/// Where the STUN and TURN server is, and its user.
pub const SERVER: &str = "198.51.100.1:3478";
/// The server's user.
pub const USER: (&str, &str) = ("user", "secret");

/// What lies between a peer and the internet.
#[derive(Clone, Debug)]
pub enum Access {
    /// Nothing.
    Public,
    /// A NAT of its own.
    Behind(NatConfig),
}

/// Two peers, and a server that both may use.
pub struct Internet {
    /// The simulation; `a` offers, `b` answers.
    pub sim: Simulation<Machine>,
    /// The offering peer.
    pub a: HostId,
    /// The answering peer.
    pub b: HostId,
    /// The server.
    pub server: HostId,
}

impl Internet {
    /// Two public peers with this link between each and the internet.
    pub fn open(seed: u64, link: LinkConfig) -> Self {
        Self::new(
            seed,
            link,
            [Access::Public, Access::Public],
            [Configuration::default(), Configuration::default()],
        )
    }

    /// Two peers with their ways into the internet.
    pub fn new(seed: u64, link: LinkConfig, access: [Access; 2], configurations: [Configuration; 2]) -> Self {
        let seed = Seed::from_u64(seed);
        let mut sim = Simulation::new(&seed);
        let server_address: SocketAddr = SERVER.parse().unwrap();
        let provider = sendrecv_crypto::default_provider();
        let server = TurnServer::new(provider, server_address, USER.0, USER.1);
        let interface = Interface::new(server_address.ip());
        let server = sim.add_host("server", Machine::Server(Box::new(server)), [interface]);
        let mut peers = Vec::new();
        for (index, (access, configuration)) in (1..).zip(access.into_iter().zip(configurations)) {
            let name = if index == 1 { "a" } else { "b" };
            let (address, interface) = attach(&mut sim, index, &access, link);
            let node = PeerNode::new(configuration, &seed.derive(name), &[SocketAddr::new(address, 5000)]);
            peers.push(sim.add_host(name, Machine::Peer(Box::new(node)), [interface]));
        }
        Self { sim, a: peers[0], b: peers[1], server }
    }

    /// A peer.
    pub fn peer(&self, host: HostId) -> &PeerNode {
        match self.sim.node(host) {
            Machine::Peer(peer) => peer,
            Machine::Server(_) => unreachable!("peers are peers"),
        }
    }

    /// Calls commands on a peer.
    pub fn with<R>(&mut self, host: HostId, job: impl FnOnce(&mut PeerNode, Instant) -> R) -> R {
        let now = self.sim.now();
        let Machine::Peer(peer) = self.sim.node_mut(host) else { unreachable!("peers are peers") };
        let result = job(peer, now);
        peer.settle(now);
        result
    }

    /// The server.
    pub fn server(&self) -> &TurnServer {
        match self.sim.node(self.server) {
            Machine::Server(server) => server,
            Machine::Peer(_) => unreachable!("the server is a server"),
        }
    }

    /// One round of offer and answer, from `a` to `b`; candidates trickle as the simulation runs.
    pub fn negotiate(&mut self) {
        let offer = self.with(self.a, |a, now| {
            let offer = a.pc.create_offer(OfferOptions::default()).unwrap();
            a.pc.set_local_description(now, Some(offer.clone())).unwrap();
            offer
        });
        let answer = self.with(self.b, |b, now| {
            b.pc.set_remote_description(now, offer).unwrap();
            let answer = b.pc.create_answer().unwrap();
            b.pc.set_local_description(now, Some(answer.clone())).unwrap();
            answer
        });
        self.with(self.a, |a, now| a.pc.set_remote_description(now, answer).unwrap());
    }

    /// Runs until `done`, carrying candidates between the peers.
    pub fn run_until(
        &mut self,
        within: Duration,
        mut done: impl FnMut(&Self) -> bool,
    ) -> Result<(), Stopped> {
        let end = self.sim.now() + within;
        loop {
            self.signal();
            if done(self) {
                return Ok(());
            }
            let (a, b) = (self.a, self.b);
            let news = |sim: &mut Simulation<Machine>| {
                [a, b].iter().any(|id| match sim.node(*id) {
                    Machine::Peer(peer) => !peer.candidates.is_empty(),
                    Machine::Server(_) => false,
                })
            };
            let slice = Duration::from_millis(5).min(end - self.sim.now());
            match self.sim.run_until(slice, news) {
                Ok(()) => {}
                Err(Stopped::TimeUp) if self.sim.now() < end => {}
                Err(stopped) => return if done(self) { Ok(()) } else { Err(stopped) },
            }
        }
    }

    /// Runs until both are connected.
    pub fn connect(&mut self, within: Duration) -> Result<(), Stopped> {
        self.run_until(within, |internet| {
            [internet.a, internet.b]
                .iter()
                .all(|id| internet.peer(*id).pc.connection_state() == PeerConnectionState::Connected)
        })
    }

    /// Makes a data channel, negotiates, and runs until it is open on both sides.
    pub fn open_channel(&mut self, init: DataChannelInit, within: Duration) -> Result<(), Stopped> {
        self.with(self.a, |a, now| a.pc.create_data_channel(now, "test", init).map(drop).unwrap());
        self.negotiate();
        self.run_until(within, |internet| {
            !internet.peer(internet.a).open.is_empty() && !internet.peer(internet.b).open.is_empty()
        })
    }

    fn signal(&mut self) {
        for (from, to) in [(self.a, self.b), (self.b, self.a)] {
            if self.peer(to).pc.remote_description().is_none() {
                continue;
            }
            let candidates = self.with(from, |peer, _| std::mem::take(&mut peer.candidates));
            for candidate in candidates {
                let init = candidate.map(|candidate| candidate.to_init());
                // A candidate of an earlier generation is refused, and that is all.
                let _ = self.with(to, |peer, now| peer.pc.add_ice_candidate(now, init));
            }
        }
    }
}

fn attach(
    sim: &mut Simulation<Machine>,
    index: u8,
    access: &Access,
    link: LinkConfig,
) -> (IpAddr, Interface) {
    match access {
        Access::Public => {
            let address = IpAddr::from([203, 0, 113, index]);
            (address, Interface::new(address).up(link))
        }
        Access::Behind(nat) => {
            let outside = IpAddr::from([203, 0, 113, 100 + index]);
            let nat = sim.add_nat(nat.clone(), outside, Realm::Internet);
            let address = IpAddr::from([10, 0, index, 2]);
            (address, Interface::new(address).behind(nat).up(link))
        }
    }
}
