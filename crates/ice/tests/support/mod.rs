//! Agents in a simulated internet, with a signalling channel between two of them.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test support may panic, and no test file uses all of it"
)]

use sendrecv_core::{Ecn, Instant, Machine, PacketBuf, Path, Protocol, Seed, Transmit, Writer};
use sendrecv_ice::{
    Candidate, Config, ConnectionState, DATA_HEADROOM, DATA_TAILROOM, Event, GatheringState, IceAgent,
    IceParameters, LocalSocket, Role, SelectedPair, Up,
};
use sendrecv_sim::{HostId, Interface, LinkConfig, NatId, Node, Simulation, Stopped};
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::time::Duration;

/// What travels over the signalling channel.
#[derive(Clone, Debug)]
pub enum Signal {
    Parameters(IceParameters),
    Candidate(Candidate),
    End,
}

/// One agent as a simulated host runs it.
pub struct AgentNode {
    pub agent: IceAgent,
    pub events: Vec<Event>,
    pub outgoing: VecDeque<Signal>,
    pub to_send: VecDeque<Vec<u8>>,
    pub received: Vec<Vec<u8>>,
    pub packets: u64,
    /// What names resolve to.
    pub names: Vec<(String, IpAddr)>,
    /// Whether streams open.
    pub streams: bool,
    /// Whether nobody is told what becomes of them.
    pub keeps_streams_waiting: bool,
    /// Until when nothing is read and nothing happens in time.
    pub sleeps_until: Option<Instant>,
    unread: Vec<(Path, Vec<u8>)>,
    next_port: u16,
}

impl AgentNode {
    pub fn new(config: Config, seed: &Seed) -> Self {
        Self {
            agent: IceAgent::new(config, seed, Instant::ZERO),
            events: Vec::new(),
            outgoing: VecDeque::new(),
            to_send: VecDeque::new(),
            received: Vec::new(),
            packets: 0,
            names: Vec::new(),
            streams: true,
            keeps_streams_waiting: false,
            sleeps_until: None,
            unread: Vec::new(),
            next_port: 40_000,
        }
    }

    pub fn collect(&mut self, now: Instant) {
        while let Some(event) = self.agent.poll_event() {
            match &event {
                Event::LocalCandidate(candidate) => {
                    self.outgoing.push_back(Signal::Candidate(candidate.clone()));
                }
                Event::GatheringState(GatheringState::Complete) => self.outgoing.push_back(Signal::End),
                Event::ResolveName { id, name } => {
                    let found = self.names.iter().find(|(known, _)| known == name).map(|(_, ip)| *ip);
                    let _ = self.agent.name_resolved(now, *id, found.as_slice());
                }
                Event::OpenStream(_) if self.keeps_streams_waiting => {}
                Event::OpenStream(open) if self.streams => {
                    self.next_port += 1;
                    // Port 9 is that of active candidates, and means any; for simultaneous open it is the socket's.
                    let any = matches!(open.local.port(), 0 | 9);
                    let port = if any { self.next_port } else { open.local.port() };
                    let local = SocketAddr::new(open.local.ip(), port);
                    let _ = self.agent.stream_opened(now, open.id, local);
                }
                Event::OpenStream(open) => {
                    let _ = self.agent.stream_failed(now, open.id);
                }
                _ => {}
            }
            self.events.push(event);
        }
    }

    pub fn states(&self) -> Vec<ConnectionState> {
        let state = |event: &Event| match event {
            Event::ConnectionState(state) => Some(*state),
            _ => None,
        };
        self.events.iter().filter_map(state).collect()
    }

    pub fn selections(&self) -> Vec<&SelectedPair> {
        fn selected(event: &Event) -> Option<&SelectedPair> {
            match event {
                Event::SelectedPair(pair) => Some(pair),
                _ => None,
            }
        }
        self.events.iter().filter_map(selected).collect()
    }

    pub fn signal_parameters(&mut self) {
        self.outgoing.push_front(Signal::Parameters(self.agent.local_parameters().clone()));
    }

    fn take_signal(&mut self, now: Instant, signal: Signal) {
        match signal {
            Signal::Parameters(parameters) => self.agent.set_remote_parameters(now, parameters).unwrap(),
            Signal::Candidate(candidate) => {
                // As a line, as it really travels.
                let candidate: Candidate = candidate.to_string().parse().unwrap();
                let _ = self.agent.add_remote_candidate(now, candidate);
            }
            Signal::End => self.agent.end_of_remote_candidates(now).unwrap(),
        }
        self.collect(now);
    }
}

impl Node for AgentNode {
    fn handle_datagram(&mut self, now: Instant, path: Path, _: Ecn, data: &mut [u8]) {
        if self.sleeps_until.is_some() {
            return self.unread.push((path, data.to_vec()));
        }
        if let Ok(Up::Data { data, .. }) = self.agent.handle_datagram(now, path, data) {
            self.received.push(data.to_vec());
        }
        self.collect(now);
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<(Transmit, Range<usize>)> {
        if self.sleeps_until.is_some() {
            return None;
        }
        let mut packet = PacketBuf::new(out, DATA_HEADROOM, DATA_TAILROOM);
        packet.release_tailroom();
        let mut transmit = None;
        if let Some(data) = self.to_send.pop_front() {
            packet.put(&data).unwrap();
            transmit = self.agent.send_data(now, &mut packet).ok();
            if transmit.is_none() {
                packet.clear();
            }
        }
        let transmit = transmit.or_else(|| self.agent.poll_transmit(now, &mut packet));
        self.collect(now);
        self.packets += u64::from(transmit.is_some());
        transmit.map(|transmit| (transmit, packet.range()))
    }

    /// A host that was asleep reads first, as ours do.
    fn handle_timeout(&mut self, now: Instant) {
        self.sleeps_until.take_if(|until| *until <= now);
        if self.sleeps_until.is_some() {
            return;
        }
        for (path, mut data) in std::mem::take(&mut self.unread) {
            self.handle_datagram(now, path, Ecn::NotEct, &mut data);
        }
        self.agent.handle_timeout(now);
        self.collect(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.sleeps_until.or_else(|| self.agent.poll_timeout())
    }
}

/// Whatever a host runs here.
pub enum Machinery {
    Agent(Box<AgentNode>),
    Server(Box<dyn Node>),
}

impl Machinery {
    fn node(&mut self) -> &mut dyn Node {
        match self {
            Self::Agent(agent) => &mut **agent,
            Self::Server(server) => &mut **server,
        }
    }
}

impl Node for Machinery {
    fn handle_datagram(&mut self, now: Instant, path: Path, ecn: Ecn, data: &mut [u8]) {
        self.node().handle_datagram(now, path, ecn, data);
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<(Transmit, Range<usize>)> {
        self.node().poll_transmit(now, out)
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.node().handle_timeout(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Agent(agent) => agent.poll_timeout(),
            Self::Server(server) => server.poll_timeout(),
        }
    }
}

/// Two agents and what is between them.
pub struct World {
    pub sim: Simulation<Machinery>,
    pub a: HostId,
    pub b: HostId,
    /// Whether the peers' candidates travel at all.
    pub trickle: [bool; 2],
    /// How long signals travel.
    pub delay: Duration,
    /// The NATs in front of a and b.
    pub nats: [Option<NatId>; 2],
    under_way: VecDeque<(Instant, HostId, Signal)>,
}

/// A controlling agent that opens TCP streams, and one that listens for them.
pub fn over_tcp() -> (AgentNode, AgentNode) {
    let mut a = AgentNode::new(config(Role::Controlling), &Seed::from_u64(1));
    a.agent.add_socket(Instant::ZERO, LocalSocket::tcp_active(ip("10.0.0.1"))).unwrap();
    let mut b = AgentNode::new(config(Role::Controlled), &Seed::from_u64(2));
    b.agent.add_socket(Instant::ZERO, LocalSocket::tcp_passive(addr("10.0.0.2:443"))).unwrap();
    (a, b)
}

/// The wires' delay on a LAN.
pub const LAN_DELAY: Duration = Duration::from_millis(10);

/// Two agents on one LAN, at 10.0.0.1 and 10.0.0.2 (and 10.0.1.x, fd00::x).
pub fn lan(a: AgentNode, b: AgentNode) -> World {
    let mut sim = Simulation::new(&Seed::from_u64(7));
    let wire = LinkConfig::with_delay(LAN_DELAY);
    let interfaces = |host: u8| {
        [format!("10.0.0.{host}"), format!("10.0.1.{host}"), format!("fd00::{host}")]
            .map(|address| Interface::new(ip(&address)).up(wire))
    };
    let a = sim.add_host("a", Machinery::Agent(Box::new(a)), interfaces(1));
    let b = sim.add_host("b", Machinery::Agent(Box::new(b)), interfaces(2));
    World::new(sim, a, b)
}

/// Two agents with a socket each on one LAN.
pub fn pair_on_a_lan(a: Config, b: Config) -> World {
    lan(node(a, 1, &["10.0.0.1:5000"]), node(b, 2, &["10.0.0.2:5000"]))
}

/// The same with ordinary configurations.
pub fn ordinary_pair() -> World {
    pair_on_a_lan(config(Role::Controlling), config(Role::Controlled))
}

impl World {
    pub fn new(sim: Simulation<Machinery>, a: HostId, b: HostId) -> Self {
        Self {
            sim,
            a,
            b,
            trickle: [true; 2],
            delay: Duration::from_millis(20),
            nats: [None; 2],
            under_way: VecDeque::new(),
        }
    }

    pub fn agent(&mut self, host: HostId) -> &mut AgentNode {
        match self.sim.node_mut(host) {
            Machinery::Agent(agent) => agent,
            Machinery::Server(_) => panic!("not an agent"),
        }
    }

    pub fn a(&mut self) -> &mut AgentNode {
        self.agent(self.a)
    }

    pub fn b(&mut self) -> &mut AgentNode {
        self.agent(self.b)
    }

    /// Both gather and introduce themselves.
    pub fn start(&mut self) {
        let now = self.sim.now();
        for host in [self.a, self.b] {
            let node = self.agent(host);
            node.signal_parameters();
            node.agent.gather(now).unwrap();
            node.collect(now);
        }
    }

    fn carry_signals(&mut self) {
        let now = self.sim.now();
        for (index, (from, to)) in [(self.a, self.b), (self.b, self.a)].into_iter().enumerate() {
            let (trickle, at) = (self.trickle[index], now + self.delay);
            let signals: Vec<Signal> = self.agent(from).outgoing.drain(..).collect();
            for signal in signals {
                if trickle || matches!(signal, Signal::Parameters(_)) {
                    self.under_way.push_back((at, to, signal));
                }
            }
        }
        while self.under_way.front().is_some_and(|(at, ..)| *at <= now) {
            let (_, to, signal) = self.under_way.pop_front().unwrap();
            self.agent(to).take_signal(now, signal);
        }
    }

    /// Runs until `done` holds.
    pub fn run_until(
        &mut self,
        within: Duration,
        done: impl FnMut(&mut Self) -> bool,
    ) -> Result<(), Stopped> {
        self.run_in_steps(Duration::from_millis(5), within, done)
    }

    /// Signals leave, and `done` is asked, after each step.
    fn run_in_steps(
        &mut self,
        step: Duration,
        within: Duration,
        mut done: impl FnMut(&mut Self) -> bool,
    ) -> Result<(), Stopped> {
        let limit = self.sim.now() + within;
        loop {
            self.carry_signals();
            if done(self) {
                return Ok(());
            }
            let left = limit - self.sim.now();
            if left.is_zero() {
                return Err(Stopped::TimeUp);
            }
            let next = self.under_way.front().map_or(left, |(at, ..)| *at - self.sim.now()).min(left);
            self.sim.run_for(next.min(step).max(Duration::from_micros(1)))?;
        }
    }

    pub fn run_for(&mut self, duration: Duration) {
        let _ = self.run_in_steps(Duration::from_millis(50), duration, |_| false);
    }

    pub fn both(&mut self, state: ConnectionState) -> bool {
        self.a().agent.state() == state && self.b().agent.state() == state
    }

    /// Runs until both have a pair in use.
    pub fn connect(&mut self, within: Duration) -> Result<(), Stopped> {
        self.run_until(within, |world| {
            world.a().agent.selected_pair().is_some() && world.b().agent.selected_pair().is_some()
        })
    }

    /// Sends a datagram each way and expects both to arrive.
    pub fn exchange(&mut self) {
        self.a().received.clear();
        self.b().received.clear();
        self.a().to_send.push_back(b"\x80from a".to_vec());
        self.b().to_send.push_back(b"\x80from b".to_vec());
        self.run_for(Duration::from_millis(500));
        assert_eq!(self.a().received, [b"\x80from b"]);
        assert_eq!(self.b().received, [b"\x80from a"]);
    }
}

pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A configuration with a role.
pub fn config(role: Role) -> Config {
    Config { role, ..Config::default() }
}

/// An agent with UDP sockets on these addresses.
pub fn node(config: Config, seed: u64, sockets: &[&str]) -> AgentNode {
    let mut node = AgentNode::new(config, &Seed::from_u64(seed));
    for socket in sockets {
        node.agent.add_socket(Instant::ZERO, LocalSocket::udp(addr(socket))).unwrap();
    }
    node
}

/// An agent with UDP sockets on these addresses, whose datagrams are never cut up.
pub fn node_with_whole_datagrams(config: Config, seed: u64, sockets: &[&str]) -> AgentNode {
    let mut node = AgentNode::new(config, &Seed::from_u64(seed));
    for socket in sockets {
        let socket = LocalSocket { dont_fragment: true, ..LocalSocket::udp(addr(socket)) };
        node.agent.add_socket(Instant::ZERO, socket).unwrap();
    }
    node
}

/// The path protocols' short names, for reports.
pub fn protocol_name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Udp => "udp",
        Protocol::Tcp => "tcp",
        Protocol::Tls => "tls",
    }
}
