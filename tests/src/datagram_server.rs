//! The model TURN server behind a real UDP socket of this machine.

use crate::internet::USER;
use crate::turn_server::TurnServer;
use sendrecv_core::{Ecn, Path};
use sendrecv_net::HostClock;
use sendrecv_sim::Node;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How long it waits for a datagram before it looks whether it is over.
const TURN: Duration = Duration::from_millis(20);

/// A TURN server for datagrams on a loopback port. Its one user is [`USER`]. It stops when dropped.
#[derive(Debug)]
pub struct DatagramServer {
    address: SocketAddr,
    clock: HostClock,
    server: Arc<Mutex<TurnServer>>,
    over: Arc<AtomicBool>,
}

impl DatagramServer {
    /// Starts it on a thread.
    pub fn start() -> Self {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        socket.set_read_timeout(Some(TURN)).unwrap();
        let (address, clock) = (socket.local_addr().unwrap(), HostClock::start());
        let server = TurnServer::new(sendrecv_crypto::default_provider(), address, USER.0, USER.1);
        let (server, over) = (Arc::new(Mutex::new(server)), Arc::default());
        let this = Self { address, clock, server, over };
        let (server, over) = (Arc::clone(&this.server), Arc::clone(&this.over));
        thread::Builder::new().spawn(move || serve(&socket, clock, &server, &over)).unwrap();
        this
    }

    /// Where it is.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Has an allocation for this client as if somebody had asked for it from there before.
    pub fn occupy(&self, client: SocketAddr) {
        self.server.lock().unwrap().occupy(self.clock.now(), client);
    }

    /// Who has an allocation.
    pub fn clients(&self) -> Vec<SocketAddr> {
        self.server.lock().unwrap().clients().collect()
    }
}

impl Drop for DatagramServer {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

fn serve(socket: &UdpSocket, clock: HostClock, server: &Mutex<TurnServer>, over: &AtomicBool) {
    let (local, mut buffer) = (socket.local_addr().unwrap(), vec![0; 65_536]);
    while !over.load(Ordering::Relaxed) {
        let Ok((len, client)) = socket.recv_from(&mut buffer) else { continue };
        let mut server = server.lock().unwrap();
        server.handle_datagram(clock.now(), Path::udp(local, client), Ecn::NotEct, &mut buffer[..len]);
        while let Some((transmit, range)) = server.poll_transmit(clock.now(), &mut buffer) {
            // A client that has gone loses what was meant for it.
            let _ = transmit.path.map(|path| socket.send_to(&buffer[range], path.remote));
        }
    }
}
