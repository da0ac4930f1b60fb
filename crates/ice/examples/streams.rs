//! Two ICE agents in one program find each other over TCP: from an active candidate to a passive one (RFC 6544), or through
//! a TURN server that is reached over TCP.
//!
//! ```text
//! cargo run -p sendrecv-ice --example streams [turn:SERVER:PORT?transport=tcp USER PASSWORD]
//! ```
//!
//! The agent asks for streams by [`Event::OpenStream`]; what comes to a passive socket the host accepts by itself. A stream
//! is known by its [`Path`]: the two addresses that it has. For TLS, put the TLS library's stream in the place of
//! [`TcpStream`], and verify the certificate for [`OpenStream::server_name`].

use sendrecv_core::{Instant, Machine, PacketBuf, Path, Protocol, Seed, Writer};
use sendrecv_ice::framing::{self, Rfc4571Reader, StreamFraming};
use sendrecv_ice::{
    Config, DATA_HEADROOM, DATA_TAILROOM, Event, Framing, IceAgent, IceServer, LocalSocket, OpenStream, Role,
    TransportPolicy, Up,
};
use std::collections::BTreeMap;
use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// What takes a stream apart into packets.
enum Cutter {
    Ice(Rfc4571Reader),
    Turn(StreamFraming),
}

struct Stream {
    io: TcpStream,
    cutter: Cutter,
}

impl Stream {
    fn new(io: TcpStream, framing: Framing) -> Outcome<Self> {
        io.set_nonblocking(true)?;
        io.set_nodelay(true)?;
        let cutter = match framing {
            Framing::Rfc4571 => Cutter::Ice(Rfc4571Reader::new()),
            Framing::Turn => Cutter::Turn(StreamFraming::default()),
        };
        Ok(Self { io, cutter })
    }

    fn path(&self) -> Outcome<Path> {
        Ok(Path { protocol: Protocol::Tcp, local: self.io.local_addr()?, remote: self.io.peer_addr()? })
    }

    /// The packets that have arrived; `None` when the stream is over.
    fn read(&mut self) -> Outcome<Option<Vec<Vec<u8>>>> {
        let (mut buffer, mut packets) = ([0; 4096], Vec::new());
        let mut bytes = match self.io.read(&mut buffer) {
            Ok(0) => return Ok(None),
            Ok(len) => buffer.get(..len).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Some(packets)),
            Err(_) => return Ok(None),
        };
        match &mut self.cutter {
            Cutter::Ice(reader) => {
                reader.push(bytes);
                while let Some(packet) = reader.next() {
                    packets.push(packet.to_vec());
                }
            }
            Cutter::Turn(framing) => {
                while !bytes.is_empty() {
                    let taken = framing.push(bytes);
                    bytes = bytes.get(taken..).unwrap_or_default();
                    while let Some(packet) = framing.next_frame()? {
                        packets.push(packet.to_vec());
                    }
                }
            }
        }
        Ok(Some(packets))
    }

    /// Writes a packet. TURN messages are their own frames; others get their length in front. A real host would keep what
    /// the system does not take at once.
    fn write(&mut self, mut packet: PacketBuf<'_>) -> Outcome {
        if let Cutter::Ice(_) = self.cutter {
            framing::frame(&mut packet)?;
        }
        Ok(self.io.write_all(packet.bytes())?)
    }
}

struct Peer {
    name: &'static str,
    agent: IceAgent,
    listener: Option<TcpListener>,
    streams: BTreeMap<Path, Stream>,
    candidates: Vec<String>,
    heard: Option<String>,
}

impl Peer {
    fn new(name: &'static str, config: Config) -> Self {
        let agent = IceAgent::new(config, &entropy(name), Instant::ZERO);
        Self { name, agent, listener: None, streams: BTreeMap::new(), candidates: Vec::new(), heard: None }
    }

    /// One round of the loop: time, streams, events, packets out.
    fn turn(&mut self, now: Instant) -> Outcome {
        self.agent.handle_timeout(now);
        self.accept()?;
        for path in self.streams.keys().copied().collect::<Vec<_>>() {
            self.read(now, path)?;
        }
        self.handle_events(now)?;
        loop {
            let mut buffer = [0; 2048];
            let mut packet = PacketBuf::new(&mut buffer, DATA_HEADROOM + framing::HEADER_LEN, DATA_TAILROOM);
            let Some(transmit) = self.agent.poll_transmit(now, &mut packet) else { return Ok(()) };
            self.write(transmit.path, packet)?;
        }
    }

    fn accept(&mut self) -> Outcome {
        let Some(listener) = &self.listener else { return Ok(()) };
        while let Ok((io, _)) = listener.accept() {
            let stream = Stream::new(io, Framing::Rfc4571)?;
            self.streams.insert(stream.path()?, stream);
        }
        Ok(())
    }

    fn read(&mut self, now: Instant, path: Path) -> Outcome {
        let Some(stream) = self.streams.get_mut(&path) else { return Ok(()) };
        let Some(packets) = stream.read()? else {
            self.streams.remove(&path);
            return Ok(self.agent.stream_closed(now, path)?);
        };
        for mut packet in packets {
            if let Ok(Up::Data { data, .. }) = self.agent.handle_datagram(now, path, &mut packet) {
                self.heard = Some(String::from_utf8_lossy(data).into_owned());
            }
        }
        Ok(())
    }

    fn handle_events(&mut self, now: Instant) -> Outcome {
        while let Some(event) = self.agent.poll_event() {
            match event {
                Event::LocalCandidate(candidate) => self.candidates.push(candidate.to_string()),
                Event::OpenStream(request) => self.open(now, &request)?,
                Event::CloseStream(path) => drop(self.streams.remove(&path)),
                Event::CandidateError(error) => eprintln!("{}: {} {}", self.name, error.url, error.text),
                Event::SelectedPair(pair) => println!("{}: using {:?}", self.name, pair.route),
                _ => {}
            }
        }
        Ok(())
    }

    /// A real host connects in the background, and from the address that is asked for.
    fn open(&mut self, now: Instant, request: &OpenStream) -> Outcome {
        let Ok(io) = TcpStream::connect_timeout(&request.remote, Duration::from_secs(5)) else {
            return Ok(self.agent.stream_failed(now, request.id)?);
        };
        let stream = Stream::new(io, request.framing)?;
        let path = stream.path()?;
        self.streams.insert(path, stream);
        Ok(self.agent.stream_opened(now, request.id, path.local)?)
    }

    fn write(&mut self, path: Option<Path>, packet: PacketBuf<'_>) -> Outcome {
        match path.and_then(|path| self.streams.get_mut(&path)) {
            Some(stream) => stream.write(packet),
            None => Ok(()),
        }
    }

    fn say(&mut self, now: Instant, text: &str) -> Outcome {
        let mut buffer = [0; 2048];
        let mut packet = PacketBuf::new(&mut buffer, DATA_HEADROOM + framing::HEADER_LEN, DATA_TAILROOM);
        packet.put(text.as_bytes())?;
        let transmit = self.agent.send_data(now, &mut packet)?;
        self.write(transmit.path, packet)
    }
}

/// The signalling.
fn signal(from: &mut Peer, to: &mut Peer, now: Instant) -> Outcome {
    to.agent.set_remote_parameters(now, from.agent.local_parameters().clone())?;
    for line in from.candidates.drain(..) {
        println!("{} -> {}: {line}", from.name, to.name);
        to.agent.add_remote_candidate(now, line.parse()?)?;
    }
    Ok(())
}

/// One connects to the other.
fn active_and_passive(alice: &mut Peer, bob: &mut Peer) -> Outcome {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    bob.agent.add_socket(Instant::ZERO, LocalSocket::tcp_passive(listener.local_addr()?))?;
    bob.listener = Some(listener);
    Ok(alice.agent.add_socket(Instant::ZERO, LocalSocket::tcp_active(Ipv4Addr::LOCALHOST.into()))?)
}

/// Both connect to a server. The sockets say from which addresses; UDP is not used.
fn relayed(peers: [&mut Peer; 2], server: &IceServer) -> Outcome {
    for peer in peers {
        peer.agent.add_ice_server(Instant::ZERO, server.clone())?;
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
        peer.agent.add_socket(Instant::ZERO, LocalSocket::udp(any))?;
    }
    Ok(())
}

/// A real application asks the operating system (`getrandom`); this one makes do with the standard library's hasher keys.
fn entropy(label: &str) -> Seed {
    use std::hash::{BuildHasher, RandomState};
    Seed::from_u64(RandomState::new().hash_one(label)).derive(label)
}

#[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "hosts have clocks")]
fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let policy = if arguments.is_empty() { TransportPolicy::All } else { TransportPolicy::Relay };
    let config = |role| Config { role, policy, ..Config::default() };
    let mut alice = Peer::new("alice", config(Role::Controlling));
    let mut bob = Peer::new("bob", config(Role::Controlled));
    match &arguments[..] {
        [] => active_and_passive(&mut alice, &mut bob)?,
        [url, user, password] => {
            relayed([&mut alice, &mut bob], &IceServer::turn(url.parse()?, user, password))?;
        }
        _ => return Err("usage: streams [turn:SERVER:PORT?transport=tcp USER PASSWORD]".into()),
    }
    let began = std::time::Instant::now();
    let now = || Instant::ZERO + began.elapsed();
    alice.agent.gather(now())?;
    bob.agent.gather(now())?;
    let mut said = false;
    while alice.heard.is_none() || bob.heard.is_none() {
        signal(&mut alice, &mut bob, now())?;
        signal(&mut bob, &mut alice, now())?;
        alice.turn(now())?;
        bob.turn(now())?;
        if !said && alice.agent.selected_pair().is_some() && bob.agent.selected_pair().is_some() {
            alice.say(now(), "hello, bob")?;
            bob.say(now(), "hello, alice")?;
            said = true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    println!("alice heard {:?}, bob heard {:?}", alice.heard, bob.heard);
    Ok(())
}
