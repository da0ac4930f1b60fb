//! One client, one server and the wire between them, in virtual time.

use crate::server::{Behaviour, Datagram, Server, client_path};
use sendrecv_core::{Instant, Machine, PacketBuf, Path, Protocol, Seed, Transmit, Writer};
use sendrecv_crypto::rustcrypto;
use sendrecv_stun::{Credentials, Message};
use sendrecv_turn::{Discard, Event, HEADROOM, Permit, TAILROOM, TurnClient, TurnConfig, Up, UsageError};
use std::net::SocketAddr;
use std::time::Duration;

pub(crate) struct World {
    pub(crate) client: TurnClient,
    pub(crate) server: Server,
    pub(crate) now: Instant,
    pub(crate) events: Vec<Event>,
    /// What the server relayed to peers.
    pub(crate) relayed: Vec<Datagram>,
    /// Datagrams to lose, counted from the client's next.
    pub(crate) lose: usize,
    pub(crate) sent: usize,
}

pub(crate) fn config(protocol: Protocol) -> TurnConfig {
    TurnConfig::new(client_path(protocol), Credentials::new("user", "secret"), rustcrypto())
}

impl World {
    pub(crate) fn new(config: TurnConfig, behaviour: Behaviour) -> Self {
        let now = Instant::from_millis(1000);
        Self {
            server: Server::new(config.server.remote, behaviour),
            client: TurnClient::new(config, &Seed::from_u64(1), now),
            now,
            events: Vec::new(),
            relayed: Vec::new(),
            lose: 0,
            sent: 0,
        }
    }

    /// A world whose client has its allocation.
    pub(crate) fn allocated() -> Self {
        Self::allocated_with(config(Protocol::Udp), Behaviour::default())
    }

    pub(crate) fn allocated_with(config: TurnConfig, behaviour: Behaviour) -> Self {
        let mut world = Self::new(config, behaviour);
        world.settle();
        assert!(!world.client.relayed().is_empty(), "{:?}", world.events);
        world.events.clear();
        world
    }

    /// Carries datagrams back and forth, without time passing, until all is quiet.
    pub(crate) fn settle(&mut self) {
        let mut slab = [0; 1500];
        loop {
            self.events.extend(std::iter::from_fn(|| self.client.poll_event()));
            let mut packet = PacketBuf::new(&mut slab, 0, 0);
            let Some(transmit) = self.client.poll_transmit(self.now, &mut packet) else { return };
            assert_eq!(transmit, Transmit::to(self.client.server()));
            let request = packet.bytes().to_vec();
            self.carry(&request);
        }
    }

    fn carry(&mut self, bytes: &[u8]) {
        self.sent += 1;
        if self.lose > 0 {
            self.lose -= 1;
            return;
        }
        let path = self.client.server();
        if path.remote != self.server.address {
            return;
        }
        let Some(mut datagram) = self.server.handle_client(self.now, path.local, bytes) else { return };
        if datagram.from == self.server.address {
            self.client.handle_datagram(self.now, path, &mut datagram.bytes).unwrap();
        } else {
            self.relayed.push(datagram);
        }
    }

    /// Lets time pass, timeouts and all.
    pub(crate) fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        self.settle();
        while let Some(at) = self.client.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.client.handle_timeout(self.now);
            self.settle();
        }
        self.now = end;
    }

    pub(crate) fn permit(&mut self, peer: SocketAddr) {
        assert_eq!(self.client.permit(self.now, peer.ip()), Ok(Permit::Pending));
        self.settle();
        assert_eq!(self.client.permit(self.now, peer.ip()), Ok(Permit::Ready), "{:?}", self.events);
        self.events.clear();
    }

    /// Sends data to a peer; what went to the server.
    pub(crate) fn send(&mut self, peer: SocketAddr, data: &[u8]) -> Result<Vec<u8>, UsageError> {
        let mut slab = [0; 1500];
        let mut packet = PacketBuf::new(&mut slab, HEADROOM, TAILROOM);
        packet.put(data).unwrap();
        self.client.wrap(self.now, peer, &mut packet)?;
        let bytes = packet.bytes().to_vec();
        self.carry(&bytes);
        self.settle();
        Ok(bytes)
    }

    /// A peer sends data; what the client makes of it.
    pub(crate) fn receive(
        &mut self,
        peer: SocketAddr,
        data: &[u8],
    ) -> Option<Result<(SocketAddr, Vec<u8>), Discard>> {
        let relayed = *self.client.relayed().iter().find(|relayed| relayed.is_ipv4() == peer.is_ipv4())?;
        let mut datagram = self.server.handle_peer(self.now, peer, relayed, data)?;
        Some(self.feed(&mut datagram.bytes))
    }

    /// Feeds bytes from the server.
    pub(crate) fn feed(&mut self, bytes: &mut [u8]) -> Result<(SocketAddr, Vec<u8>), Discard> {
        match self.client.handle_datagram(self.now, self.client.server(), bytes)? {
            Up::Data { peer, data } => Ok((peer, data.to_vec())),
            Up::Consumed => panic!("not data"),
        }
    }

    /// The last request the client wants to send, without sending it.
    pub(crate) fn next_request(&mut self) -> Option<Vec<u8>> {
        let mut slab = [0; 1500];
        let mut packet = PacketBuf::new(&mut slab, 0, 0);
        self.client.poll_transmit(self.now, &mut packet)?;
        Some(packet.bytes().to_vec())
    }
}

/// Some other path than the one to the server.
pub(crate) fn elsewhere() -> Path {
    Path::udp(client_path(Protocol::Udp).local, "203.0.113.66:3478".parse().unwrap())
}

/// The numbers of the attributes in a message.
pub(crate) fn attributes(bytes: &[u8]) -> Vec<u16> {
    Message::parse(bytes).unwrap().attributes().map(|attribute| attribute.kind.0).collect()
}
