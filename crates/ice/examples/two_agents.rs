//! Two ICE agents in one program find each other over real UDP sockets and say hello.
//!
//! ```text
//! cargo run -p sendrecv-ice --example two_agents [stun:SERVER:PORT]
//! ```
//!
//! Each agent takes five steps: it gets a socket, gathers candidates, learns the other's parameters and candidates,
//! runs its loop until a pair is selected, and sends data over that. With a server it also learns its address outside;
//! without, everything stays on this machine.
//!
//! In a real application each agent lives in its own process; what [`introduce`] carries over would travel through
//! whatever the two already have: a web server, a chat, a QR code.

use sendrecv_core::{Instant, Machine, PacketBuf, Path, Seed, Writer};
use sendrecv_ice::{
    Config, DATA_HEADROOM, Event, GatheringState, IceAgent, IceServer, LocalSocket, Role, Up,
};
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::time::Duration;

/// An agent, its socket, and the loop's memory.
struct Peer {
    name: &'static str,
    agent: IceAgent,
    socket: UdpSocket,
    /// Candidate lines to be signalled.
    candidates: Vec<String>,
    connected: bool,
    heard: Option<String>,
}

impl Peer {
    fn new(
        name: &'static str,
        role: Role,
        server: Option<&IceServer>,
        now: Instant,
    ) -> Result<Self, Box<dyn Error>> {
        let socket = UdpSocket::bind((own_address(server.is_some())?, 0))?;
        // Two agents share this thread, so neither may sleep for long. One alone would wait until `poll_timeout`.
        socket.set_read_timeout(Some(Duration::from_millis(1)))?;
        let config = Config { role, ..Config::default() };
        let mut agent = IceAgent::new(config, &entropy(name), now);
        agent.add_socket(now, LocalSocket::udp(socket.local_addr()?))?;
        if let Some(server) = server {
            agent.add_ice_server(now, server.clone())?;
        }
        agent.gather(now)?;
        Ok(Self { name, agent, socket, candidates: Vec::new(), connected: false, heard: None })
    }

    /// One round of the loop: time, one datagram in, events, datagrams out.
    fn turn(&mut self, now: Instant) -> Result<(), Box<dyn Error>> {
        if self.agent.poll_timeout().is_some_and(|deadline| deadline <= now) {
            self.agent.handle_timeout(now);
        }
        let mut datagram = [0; 2048];
        if let Ok((len, remote)) = self.socket.recv_from(&mut datagram) {
            let path = Path::udp(self.socket.local_addr()?, remote);
            let data = datagram.get_mut(..len).unwrap_or_default();
            if let Ok(Up::Data { data, .. }) = self.agent.handle_datagram(now, path, data) {
                self.heard = Some(String::from_utf8_lossy(data).into_owned());
            }
        }
        self.handle_events();
        self.send_what_is_due(now)
    }

    fn handle_events(&mut self) {
        while let Some(event) = self.agent.poll_event() {
            match event {
                Event::LocalCandidate(candidate) => self.candidates.push(candidate.to_string()),
                Event::CandidateError(error) => eprintln!("{}: {} {}", self.name, error.url, error.text),
                Event::ConnectionState(state) => println!("{}: {state}", self.name),
                Event::SelectedPair(pair) => {
                    println!("{}: using {:?}", self.name, pair.route);
                    self.connected = true;
                }
                _ => {}
            }
        }
    }

    fn send_what_is_due(&mut self, now: Instant) -> Result<(), Box<dyn Error>> {
        let mut buffer = [0; 2048];
        loop {
            let mut packet = PacketBuf::new(&mut buffer, DATA_HEADROOM, 0);
            let Some(transmit) = self.agent.poll_transmit(now, &mut packet) else { return Ok(()) };
            if let Some(path) = transmit.path {
                self.socket.send_to(packet.bytes(), path.remote)?;
            }
        }
    }

    fn say(&mut self, now: Instant, text: &str) -> Result<(), Box<dyn Error>> {
        let mut buffer = [0; 2048];
        let mut packet = PacketBuf::new(&mut buffer, DATA_HEADROOM, 0);
        packet.put(text.as_bytes())?;
        let transmit = self.agent.send_data(now, &mut packet)?;
        if let Some(path) = transmit.path {
            self.socket.send_to(packet.bytes(), path.remote)?;
        }
        Ok(())
    }
}

/// The signalling: `to` learns how to reach `from`.
fn introduce(from: &mut Peer, to: &mut Peer, now: Instant) -> Result<(), Box<dyn Error>> {
    to.agent.set_remote_parameters(now, from.agent.local_parameters().clone())?;
    signal_candidates(from, to, now)
}

/// More signalling, each time there are new candidates.
fn signal_candidates(from: &mut Peer, to: &mut Peer, now: Instant) -> Result<(), Box<dyn Error>> {
    from.handle_events();
    for line in from.candidates.drain(..) {
        println!("{} -> {}: {line}", from.name, to.name);
        to.agent.add_remote_candidate(now, line.parse()?)?;
    }
    if from.agent.gathering_state() == GatheringState::Complete {
        to.agent.end_of_remote_candidates(now)?;
    }
    Ok(())
}

/// The address of this machine that other machines are reached from, or the loopback address.
fn own_address(outside: bool) -> std::io::Result<IpAddr> {
    if !outside {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    // Connecting a UDP socket sends nothing; it only makes the system choose an address. 192.0.2.1 is nobody's.
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect(("192.0.2.1", 9))?;
    Ok(socket.local_addr()?.ip())
}

/// 32 bytes that nobody can guess. A real application asks the operating system (`getrandom`); this one needs no
/// secrets and makes do with the standard library's hasher keys.
fn entropy(label: &str) -> Seed {
    use std::hash::{BuildHasher, RandomState};
    let mut bytes = [0; 32];
    for (index, chunk) in bytes.chunks_mut(8).enumerate() {
        chunk.copy_from_slice(&RandomState::new().hash_one(index).to_be_bytes());
    }
    Seed::new(bytes).derive(label)
}

/// The host's clock: nanoseconds since the program began.
struct Clock(#[allow(clippy::disallowed_types, reason = "hosts have clocks")] std::time::Instant);

impl Clock {
    #[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "hosts have clocks")]
    fn start() -> Self {
        Self(std::time::Instant::now())
    }

    fn now(&self) -> Instant {
        Instant::from_nanos(u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let clock = Clock::start();
    let server = std::env::args().nth(1).map(|url| url.parse().map(IceServer::stun)).transpose()?;
    let mut alice = Peer::new("alice", Role::Controlling, server.as_ref(), clock.now())?;
    let mut bob = Peer::new("bob", Role::Controlled, server.as_ref(), clock.now())?;
    introduce(&mut alice, &mut bob, clock.now())?;
    introduce(&mut bob, &mut alice, clock.now())?;

    while !(alice.connected && bob.connected) {
        alice.turn(clock.now())?;
        bob.turn(clock.now())?;
        signal_candidates(&mut alice, &mut bob, clock.now())?;
        signal_candidates(&mut bob, &mut alice, clock.now())?;
    }
    alice.say(clock.now(), "hello, bob")?;
    bob.say(clock.now(), "hello, alice")?;
    while alice.heard.is_none() || bob.heard.is_none() {
        alice.turn(clock.now())?;
        bob.turn(clock.now())?;
    }
    println!("alice heard {:?}, bob heard {:?}", alice.heard, bob.heard);
    Ok(())
}
