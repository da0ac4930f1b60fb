//! A server with one UDP socket for all its connections, and clients with one each, with nothing but the standard
//! library below them: `cargo run -p sendrecv --example one_socket`.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "an example is a host: it has a clock and a terminal"
)]

use sendrecv::{
    Configuration, DataChannelInit, Demux, Event, LocalSocket, Message, PeerConnection, UsageError,
};
use sendrecv_core::{Ecn, Instant, Path, Seed};
use std::error::Error;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

const CLIENTS: u64 = 5;

/// One socket and the connections on it, called by their index.
struct Host {
    socket: UdpSocket,
    address: SocketAddr,
    connections: Vec<PeerConnection>,
    demux: Demux<usize>,
    greetings: usize,
}

impl Host {
    fn new(seed: &Seed, now: Instant, count: u64) -> Result<Self, Box<dyn Error>> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_read_timeout(Some(Duration::from_millis(1)))?;
        let address = socket.local_addr()?;
        let mut connections = Vec::new();
        for number in 0..count {
            let seed = seed.derive_indexed("connection", number);
            let mut pc = PeerConnection::new(Configuration::default(), seed, now)?;
            pc.add_local_socket(now, LocalSocket::udp(address))?;
            connections.push(pc);
        }
        Ok(Self { socket, address, connections, demux: Demux::new(), greetings: 0 })
    }

    /// What was described is how checks will call the connection.
    fn describe(&mut self, now: Instant, index: usize) -> Result<(), UsageError> {
        let Some(pc) = self.connections.get_mut(index) else { return Ok(()) };
        pc.set_local_description(now, None)?;
        self.demux.add_ufrag(index, pc.local_ufrag());
        Ok(())
    }

    /// Gives a datagram to whom it is for.
    fn receive(&mut self, now: Instant) -> Result<(), Box<dyn Error>> {
        let mut buffer = [0; 2048];
        let (len, remote) = match self.socket.recv_from(&mut buffer) {
            Ok(received) => received,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let Some(datagram) = buffer.get_mut(..len) else { return Ok(()) };
        let Some(index) = self.demux.route(remote, datagram) else { return Ok(()) };
        let Some(pc) = self.connections.get_mut(index) else { return Ok(()) };
        let path = Path::udp(self.address, remote);
        if pc.handle_datagram(now, path, Ecn::NotEct, datagram).is_ok() {
            self.demux.accepted(index, remote);
        }
        Ok(())
    }

    /// Lets every connection say what it has to say.
    fn drive(&mut self, now: Instant) -> Result<(), Box<dyn Error>> {
        let mut buffer = vec![0; 65_536];
        for (index, pc) in self.connections.iter_mut().enumerate() {
            if pc.poll_timeout().is_some_and(|at| at <= now) {
                pc.handle_timeout(now);
            }
            while let Some(event) = pc.poll_event() {
                match event {
                    Event::DataChannelOpen(channel) => {
                        pc.send(now, channel, Message::from(format!("hello from {index}").as_str()))?;
                    }
                    Event::DataChannelMessage { message, .. } => {
                        println!("{} connection {index}: {:?}", self.address, message.as_text());
                        self.greetings += 1;
                    }
                    _ => {}
                }
            }
            while let Some(sent) = pc.poll_transmit(now, &mut buffer) {
                let bytes = buffer.get(..sent.len).unwrap_or_default();
                for datagram in bytes.chunks(sent.segment_size.unwrap_or(sent.len).max(1)) {
                    self.socket.send_to(datagram, sent.path.remote)?;
                }
            }
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let start = std::time::Instant::now();
    let clock = || Instant::ZERO + start.elapsed();
    // A real host takes 32 bytes of the system's entropy for each.
    let mut server = Host::new(&Seed::from_u64(0), clock(), CLIENTS)?;
    let mut clients = Vec::new();
    for (index, number) in (1..=CLIENTS).enumerate() {
        let mut client = Host::new(&Seed::from_u64(number), clock(), 1)?;
        let now = clock();
        if let Some(pc) = client.connections.first_mut() {
            pc.create_data_channel(now, "greetings", DataChannelInit::default())?;
        }
        client.describe(now, 0)?;
        signal(now, (&client, 0), (&mut server, index))?;
        server.describe(now, index)?;
        signal(now, (&server, index), (&mut client, 0))?;
        clients.push(client);
    }
    while server.greetings < clients.len() || clients.iter().any(|client| client.greetings == 0) {
        for host in clients.iter_mut().chain([&mut server]) {
            host.receive(clock())?;
            host.drive(clock())?;
        }
        if start.elapsed() > Duration::from_secs(30) {
            return Err("the connections did not come about".into());
        }
    }
    println!("{CLIENTS} clients greeted through one socket");
    Ok(())
}

/// What a signalling channel would do: the description of one connection goes to the other.
fn signal(now: Instant, from: (&Host, usize), to: (&mut Host, usize)) -> Result<(), UsageError> {
    let description = from.0.connections.get(from.1).and_then(PeerConnection::local_description);
    match (description, to.0.connections.get_mut(to.1)) {
        (Some(description), Some(pc)) => pc.set_remote_description(now, description),
        _ => Ok(()),
    }
}
