//! An ICE agent whose signalling is standard input and output, to be tried with other implementations: what it prints up to
//! `end` belongs to the other side, and what the other side has to say comes in the same way, as lines of SDP.
//!
//! ```text
//! cargo run -p sendrecv-ice --example signalled_agent -- controlling
//! ```
//!
//! Once connected it sends a hundred packets, each when the one before has come back, and ends. Packets get lost, at the
//! beginning in particular, while the other side has not yet selected a pair: what does not come back is sent again.

use sendrecv_core::{Instant, Machine, PacketBuf, Path, Seed, Writer};
use sendrecv_ice::{
    Config, DATA_HEADROOM, Event, GatheringState, IceAgent, IceParameters, LocalSocket, Role, Up,
};
use std::error::Error;
use std::net::UdpSocket;
use std::time::Duration;

const PACKETS: u32 = 100;
const PATIENCE: Duration = Duration::from_millis(50);

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The agent, its socket and its clock.
struct Peer {
    agent: IceAgent,
    socket: UdpSocket,
    clock: Clock,
    /// How many of our packets came back.
    echoes: u32,
    /// When to send the awaited one again.
    again: Option<Instant>,
}

impl Peer {
    fn new(role: Role) -> Outcome<Self> {
        let (socket, clock) = (UdpSocket::bind("127.0.0.1:0")?, Clock::start());
        socket.set_read_timeout(Some(Duration::from_millis(1)))?;
        let mut agent = IceAgent::new(Config { role, ..Config::default() }, &entropy(), clock.now());
        agent.add_socket(clock.now(), LocalSocket::udp(socket.local_addr()?))?;
        agent.gather(clock.now())?;
        Ok(Self { agent, socket, clock, echoes: 0, again: None })
    }

    /// Prints what the other side is to know.
    fn introduce(&mut self) {
        let IceParameters { ufrag, pwd, .. } = self.agent.local_parameters();
        println!("m=application 9 ICE/SDP\nc=IN IP4 127.0.0.1\na=ice-ufrag:{ufrag}\na=ice-pwd:{pwd}");
        while let Some(event) = self.agent.poll_event() {
            match event {
                Event::LocalCandidate(candidate) => println!("a={candidate}"),
                Event::GatheringState(GatheringState::Complete) => break,
                _ => {}
            }
        }
        println!("end");
    }

    /// Reads what the other side says.
    fn listen(&mut self) -> Outcome {
        let lines: Vec<String> =
            std::io::stdin().lines().map_while(Result::ok).take_while(|line| line != "end").collect();
        let value = |name: &str| lines.iter().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        let (Some(ufrag), Some(pwd)) = (value("a=ice-ufrag:"), value("a=ice-pwd:")) else {
            return Err("the other side's ufrag or password is missing".into());
        };
        let now = self.clock.now();
        self.agent.set_remote_parameters(now, IceParameters::new(&ufrag, &pwd))?;
        for line in lines
            .iter()
            .filter_map(|line| line.strip_prefix("a="))
            .filter(|line| line.starts_with("candidate:"))
        {
            self.agent.add_remote_candidate(now, line.parse()?)?;
        }
        Ok(self.agent.end_of_remote_candidates(now)?)
    }

    /// One round of the loop: time, a datagram in, events, packets out.
    fn turn(&mut self) -> Outcome {
        let mut buffer = [0; 2048];
        if let Ok((len, remote)) = self.socket.recv_from(&mut buffer) {
            let path = Path::udp(self.socket.local_addr()?, remote);
            let data = buffer.get_mut(..len).unwrap_or_default();
            if let Ok(Up::Data { data, .. }) = self.agent.handle_datagram(self.clock.now(), path, data)
                && data == message(self.echoes).as_bytes()
            {
                self.echoes += 1;
                self.say()?;
            }
        }
        if self.again.is_some_and(|at| at <= self.clock.now()) {
            self.say()?;
        }
        self.agent.handle_timeout(self.clock.now());
        while let Some(event) = self.agent.poll_event() {
            match event {
                Event::ConnectionState(state) => println!("state {state}"),
                Event::RoleConflictResolved(role) => println!("now {role:?}"),
                Event::SelectedPair(pair) => {
                    println!("selected {:?}", pair.route);
                    self.say()?;
                }
                _ => {}
            }
        }
        loop {
            let mut packet = PacketBuf::new(&mut buffer, DATA_HEADROOM, 0);
            let Some(transmit) = self.agent.poll_transmit(self.clock.now(), &mut packet) else {
                return Ok(());
            };
            if let Some(path) = transmit.path {
                self.socket.send_to(packet.bytes(), path.remote)?;
            }
        }
    }

    /// Sends the packet whose echo is awaited.
    fn say(&mut self) -> Outcome {
        self.again = Some(self.clock.now() + PATIENCE);
        let mut buffer = [0; 2048];
        let mut packet = PacketBuf::new(&mut buffer, DATA_HEADROOM, 0);
        packet.put(message(self.echoes).as_bytes())?;
        let transmit = self.agent.send_data(self.clock.now(), &mut packet)?;
        if let Some(path) = transmit.path {
            self.socket.send_to(packet.bytes(), path.remote)?;
        }
        Ok(())
    }
}

fn message(index: u32) -> String {
    format!("packet {index}")
}

/// A real application asks the operating system (`getrandom`); this one makes do with the standard library's hasher keys.
fn entropy() -> Seed {
    use std::hash::{BuildHasher, RandomState};
    Seed::from_u64(RandomState::new().hash_one(0))
}

/// The host's clock: nanoseconds since the program began.
struct Clock(#[allow(clippy::disallowed_types, reason = "hosts have clocks")] std::time::Instant);

impl Clock {
    #[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "hosts have clocks")]
    fn start() -> Self {
        Self(std::time::Instant::now())
    }

    fn now(&self) -> Instant {
        Instant::ZERO + self.0.elapsed()
    }
}

fn main() -> Outcome {
    let role = match std::env::args().nth(1).as_deref() {
        Some("controlling") => Role::Controlling,
        Some("controlled") => Role::Controlled,
        _ => return Err("usage: signalled_agent controlling|controlled".into()),
    };
    let mut peer = Peer::new(role)?;
    peer.introduce();
    peer.listen()?;
    while peer.echoes < PACKETS {
        peer.turn()?;
    }
    println!("echoed {} packets as {:?}", peer.echoes, peer.agent.role());
    Ok(())
}
