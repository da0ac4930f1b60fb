//! Allocates at a TURN server, permits a peer and echoes packets through the relay, over std sockets.
//!
//! ```text
//! cargo run -p sendrecv-turn --example turn_echo -- udp|tcp SERVER:PORT USER PASSWORD [ROUNDS [any|4|6|both]]
//! ```
//!
//! The peer is a second socket of this program, which sends back what it gets, so the server must allow to relay to
//! this machine. TLS is like TCP with the host's TLS stream around it.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // a host owns the clock

use sendrecv_core::{Instant, Machine, PacketBuf, Path, Protocol, Seed, Transmit, Writer};
use sendrecv_crypto::rustcrypto;
use sendrecv_stun::Credentials;
use sendrecv_stun::attribute::AddressFamily;
use sendrecv_turn::{Event, Families, HEADROOM, StreamFraming, TAILROOM, TurnClient, TurnConfig, Up};
use std::error::Error;
use std::hash::{BuildHasher, RandomState};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The way to the server.
enum Wire {
    Udp(UdpSocket),
    Tcp(TcpStream, StreamFraming),
}

impl Wire {
    fn open(protocol: &str, server: SocketAddr) -> Result<(Self, Path)> {
        let any = SocketAddr::new(if server.is_ipv4() { [0, 0, 0, 0].into() } else { [0; 16].into() }, 0);
        if protocol == "tcp" {
            let stream = TcpStream::connect(server)?;
            stream.set_nodelay(true)?;
            let path = Path { protocol: Protocol::Tcp, local: stream.local_addr()?, remote: server };
            return Ok((Self::Tcp(stream, StreamFraming::default()), path));
        }
        let socket = UdpSocket::bind(any)?;
        let path = Path::udp(socket.local_addr()?, server);
        Ok((Self::Udp(socket), path))
    }

    fn send(&mut self, server: SocketAddr, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Udp(socket) => drop(socket.send_to(bytes, server)?),
            Self::Tcp(stream, _) => stream.write_all(bytes)?,
        }
        Ok(())
    }

    /// Waits for something to arrive, at most `timeout`, and hands each message to `deliver`, with its way here.
    fn receive(
        &mut self,
        path: Path,
        timeout: Duration,
        mut deliver: impl FnMut(Path, &mut [u8]),
    ) -> Result<()> {
        let mut buffer = [0; 4096];
        let timeout = Some(timeout.max(Duration::from_millis(1)));
        let received = match self {
            Self::Udp(socket) => {
                socket.set_read_timeout(timeout)?;
                socket.recv_from(&mut buffer)
            }
            Self::Tcp(stream, _) => {
                stream.set_read_timeout(timeout)?;
                stream.read(&mut buffer).map(|len| (len, path.remote))
            }
        };
        let (len, remote) = match received {
            Ok((0, _)) => return Err("the server closed the stream".into()),
            Ok(received) => received,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let mut bytes = buffer.get_mut(..len).unwrap_or_default();
        let Self::Tcp(_, framing) = self else {
            deliver(Path { remote, ..path }, bytes);
            return Ok(());
        };
        while !bytes.is_empty() {
            let taken = framing.push(bytes);
            bytes = bytes.get_mut(taken..).unwrap_or_default();
            while let Some(frame) = framing.next_frame()? {
                deliver(path, frame);
            }
        }
        Ok(())
    }
}

struct Host {
    wire: Wire,
    path: Path,
    client: TurnClient,
    started: std::time::Instant,
    /// What peers sent us through the relay.
    inbox: Vec<(SocketAddr, Vec<u8>)>,
}

impl Host {
    fn now(&self) -> Instant {
        Instant::ZERO + self.started.elapsed()
    }

    /// Runs the client's loop until it says something, or a packet is in the inbox, or `limit` has passed.
    fn run(&mut self, limit: Duration) -> Result<Option<Event>> {
        let end = self.now() + limit;
        while self.now() < end && self.inbox.is_empty() {
            if let Some(event) = self.client.poll_event() {
                println!("{event:?}");
                return Ok(Some(event));
            }
            self.transmit()?;
            let now = self.now();
            let next = self.client.poll_timeout().map_or(end, |at| at.min(end));
            let (client, inbox) = (&mut self.client, &mut self.inbox);
            self.wire.receive(self.path, next - now, |path, message| {
                match client.handle_datagram(now, path, message) {
                    Ok(Up::Data { peer, data }) => inbox.push((peer, data.to_vec())),
                    Ok(Up::Consumed) => (),
                    Err(discard) => eprintln!("discarded: {discard:?}"),
                }
            })?;
            let now = self.now();
            self.client.handle_timeout(now);
        }
        Ok(None)
    }

    fn transmit(&mut self) -> Result<()> {
        let mut slab = [0; 1500];
        loop {
            let now = self.now();
            let mut packet = PacketBuf::new(&mut slab, 0, 0);
            let Some(transmit) = self.client.poll_transmit(now, &mut packet) else { return Ok(()) };
            self.send(transmit, packet.bytes())?;
        }
    }

    fn send_to_peer(&mut self, peer: SocketAddr, data: &[u8]) -> Result<()> {
        let mut slab = [0; 1500];
        let mut packet = PacketBuf::new(&mut slab, HEADROOM, TAILROOM);
        packet.put(data)?;
        let now = self.now();
        let transmit = self.client.wrap(now, peer, &mut packet)?;
        self.send(transmit, packet.bytes())
    }

    fn send(&mut self, transmit: Transmit, bytes: &[u8]) -> Result<()> {
        let path = transmit.path.unwrap_or(self.path);
        self.wire.send(path.remote, bytes)
    }

    fn wait_for(&mut self, wanted: impl Fn(&Event) -> bool) -> Result<Event> {
        loop {
            match self.run(Duration::from_secs(10))? {
                Some(event) if wanted(&event) => return Ok(event),
                Some(Event::Failed(failure)) => return Err(failure.into()),
                Some(_) => (),
                None => return Err("nothing happens".into()),
            }
        }
    }
}

/// Enough for an example; a real host asks the operating system.
fn entropy() -> Seed {
    let mut bytes = [0; 32];
    for chunk in bytes.chunks_mut(8) {
        chunk.copy_from_slice(&RandomState::new().hash_one(0).to_ne_bytes());
    }
    Seed::new(bytes)
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [protocol, server, user, password, rest @ ..] = &arguments[..] else {
        return Err("usage: turn_echo udp|tcp SERVER:PORT USER PASSWORD [ROUNDS [any|4|6|both]]".into());
    };
    let rounds: u32 = rest.first().map_or(Ok(10), |rounds| rounds.parse())?;
    let server: SocketAddr = server.parse()?;
    let (wire, path) = Wire::open(protocol, server)?;
    let mut config = TurnConfig::new(path, Credentials::new(user.as_str(), password), rustcrypto());
    config.families = match rest.get(1).map(String::as_str) {
        Some("4") => Families::Only(AddressFamily::V4),
        Some("6") => Families::Only(AddressFamily::V6),
        Some("both") => Families::Both,
        _ => Families::Any,
    };
    let client = TurnClient::new(config, &entropy(), Instant::ZERO);
    let mut host = Host { wire, path, client, started: std::time::Instant::now(), inbox: Vec::new() };

    let Event::Allocated { relayed, .. } = host.wait_for(|event| matches!(event, Event::Allocated { .. }))?
    else {
        return Ok(());
    };
    let echo = UdpSocket::bind(SocketAddr::new(relayed.ip(), 0)).or_else(|_| UdpSocket::bind("0.0.0.0:0"))?;
    echo.set_read_timeout(Some(Duration::from_secs(2)))?;
    let peer = echo.local_addr()?;
    let now = host.now();
    host.client.permit(now, peer.ip())?;
    host.wait_for(|event| matches!(event, Event::PermissionReady(_)))?;

    let began = host.now();
    for round in 0..rounds {
        exchange(
            &mut host,
            &echo,
            peer,
            relayed,
            &round.to_be_bytes().repeat(1 + usize::try_from(round % 200)?),
        )?;
    }
    let spent = host.now() - began;
    println!("{rounds} rounds through {relayed} in {spent:?}; {:?}", host.client.stats());

    let now = host.now();
    host.client.release(now);
    host.wait_for(|event| *event == Event::Released)?;
    Ok(())
}

/// Client → relay → peer → relay → client.
fn exchange(
    host: &mut Host,
    echo: &UdpSocket,
    peer: SocketAddr,
    relayed: SocketAddr,
    data: &[u8],
) -> Result<()> {
    host.send_to_peer(peer, data)?;
    let mut buffer = [0; 2048];
    let (len, from) = echo.recv_from(&mut buffer)?;
    if from != relayed {
        return Err(format!("the relay sent from {from}").into());
    }
    echo.send_to(buffer.get(..len).unwrap_or_default(), from)?;
    while host.inbox.is_empty() {
        match host.run(Duration::from_secs(2))? {
            Some(Event::Failed(failure)) => return Err(failure.into()),
            None if host.inbox.is_empty() => return Err("the echo is lost".into()),
            _ => (),
        }
    }
    match host.inbox.pop() {
        Some((from, echoed)) if from == peer && echoed == data => Ok(()),
        other => Err(format!("not what was sent: {other:?}").into()),
    }
}
