//! All sockets of a host, on whatever runtime.

use crate::offload::{Offload, Sent};
use crate::peer_id::PeerId;
use crate::reactor::{Io, Reactor, Ready};
use crate::scratch::Scratch;
use crate::stream::{Arrival, Stream};
use sendrecv_core::{Instant, Path, Protocol, Transmit};
use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};

/// Reads from one socket before everything else gets its turn.
const READS_PER_TURN: usize = 8;
/// Streams at a time. Those beyond are closed as soon as they are accepted.
const MAX_STREAMS: usize = 1024;

pub(crate) struct Sockets<R: Reactor> {
    reactor: R,
    wires: BTreeMap<usize, Wire<R>>,
    /// UDP sockets by their address, streams by their path.
    udp: BTreeMap<SocketAddr, usize>,
    streams: BTreeMap<Path, usize>,
    next_token: usize,
}

struct Wire<R: Reactor> {
    kind: Kind<R>,
    ready: Ready,
}

enum Kind<R: Reactor> {
    /// Of one peer only, if it has an owner.
    Udp {
        io: R::Udp,
        offload: Offload,
        owner: Option<PeerId>,
    },
    Listener {
        io: R::Listener,
        address: SocketAddr,
    },
    Stream(Box<Stream<R>>),
}

impl<R: Reactor> Sockets<R> {
    pub(crate) const fn new(reactor: R) -> Self {
        Self {
            reactor,
            wires: BTreeMap::new(),
            udp: BTreeMap::new(),
            streams: BTreeMap::new(),
            next_token: 0,
        }
    }

    pub(crate) const fn reactor(&mut self) -> &mut R {
        &mut self.reactor
    }

    /// Takes on a UDP socket, of one peer or all; whether its datagrams leave in one piece or not at all.
    pub(crate) fn add_udp(
        &mut self,
        socket: UdpSocket,
        address: SocketAddr,
        owner: Option<PeerId>,
    ) -> io::Result<bool> {
        let offload = Offload::new(&socket, address)?;
        let whole = offload.keeps_datagrams_whole();
        let token = self.new_token();
        let io = self.reactor.udp(token, socket)?;
        self.udp.insert(address, token);
        self.wires.insert(token, Wire { kind: Kind::Udp { io, offload, owner }, ready: Ready::default() });
        Ok(whole)
    }

    pub(crate) fn add_listener(&mut self, listener: TcpListener) -> io::Result<()> {
        let address = listener.local_addr()?;
        let token = self.new_token();
        let io = self.reactor.listener(token, listener)?;
        self.wires.insert(token, Wire { kind: Kind::Listener { io, address }, ready: Ready::default() });
        Ok(())
    }

    pub(crate) fn add_stream(
        &mut self,
        make: impl FnOnce(&mut R, usize) -> io::Result<Stream<R>>,
    ) -> io::Result<()> {
        if self.streams.len() >= MAX_STREAMS {
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, "too many streams"));
        }
        let token = self.new_token();
        let stream = make(&mut self.reactor, token)?;
        // One before it with the same path has ended, or this one could not be.
        if let Some(before) = self.streams.insert(stream.path(), token) {
            self.wires.remove(&before);
        }
        self.wires.insert(token, Wire { kind: Kind::Stream(Box::new(stream)), ready: Ready::default() });
        Ok(())
    }

    /// Closes the socket or listener bound to `address`. Streams end when they notice.
    pub(crate) fn remove(&mut self, protocol: Protocol, address: SocketAddr) {
        if protocol == Protocol::Udp {
            self.udp.remove(&address);
        }
        self.wires.retain(|_, wire| match &wire.kind {
            Kind::Udp { offload, .. } => protocol != Protocol::Udp || offload.address() != address,
            Kind::Listener { address: bound, .. } => protocol != Protocol::Tcp || *bound != address,
            Kind::Stream(_) => true,
        });
    }

    fn new_token(&mut self) -> usize {
        let token = self.next_token;
        self.next_token = self.next_token.wrapping_add(1);
        token
    }

    /// Reads what has come and gives it to `take`, which says whose it was.
    pub(crate) fn read(
        &mut self,
        now: Instant,
        scratch: &mut Scratch,
        take: &mut impl FnMut(Arrival<'_>) -> Option<PeerId>,
    ) {
        let mut accepted = Vec::new();
        for wire in self.wires.values_mut().filter(|wire| wire.ready.readable) {
            let ready = &mut wire.ready;
            match &mut wire.kind {
                Kind::Udp { io, offload, owner } => {
                    read_datagrams::<R>((io, offload), *owner, ready, scratch, take);
                }
                Kind::Listener { io, address } => accept::<R>(io, *address, ready, &mut accepted),
                Kind::Stream(stream) => {
                    let memory = scratch.batch.as_mut_slice();
                    ready.readable = stream.read(memory, READS_PER_TURN, take);
                }
            }
        }
        for (socket, path) in accepted {
            let outcome = self
                .add_stream(|reactor, token| Ok(Stream::accepted(reactor.stream(token, socket)?, path, now)));
            if let Err(error) = outcome {
                tracing::debug!(%error, remote = %path.remote, "stream not accepted");
            }
        }
    }

    /// Writes what waits in streams, and removes those that have ended.
    pub(crate) fn serve_streams(
        &mut self,
        now: Instant,
        tell: &mut impl FnMut(Arrival<'_>) -> Option<PeerId>,
    ) {
        let mut ended = Vec::new();
        for (path, token) in &self.streams {
            let Some(Wire { kind: Kind::Stream(stream), ready }) = self.wires.get_mut(token) else {
                continue;
            };
            stream.serve(now, ready, tell);
            if stream.has_ended() {
                ended.push(*path);
            }
        }
        for path in ended {
            if let Some(token) = self.streams.remove(&path) {
                self.wires.remove(&token);
            }
        }
    }

    /// Sends over the socket that `path` names. Datagrams from addresses that are not ours any more, and packets for streams
    /// that have ended, are lost.
    pub(crate) fn send(&mut self, transmit: &Transmit, path: Path, content: &[u8]) -> Sent {
        let all = Sent { bytes: content.len(), unreachable: None };
        if path.protocol != Protocol::Udp {
            self.send_over_stream(transmit, path, content);
            return all;
        }
        let wire = self.udp.get(&path.local).and_then(|token| self.wires.get_mut(token));
        let Some(Wire { kind: Kind::Udp { io, offload, .. }, ready }) = wire else { return all };
        if !ready.writable {
            return Sent::default();
        }
        let sent = R::send(io, offload, transmit, path.remote, content);
        ready.writable = sent.bytes == content.len();
        sent
    }

    fn send_over_stream(&mut self, transmit: &Transmit, path: Path, content: &[u8]) {
        if let Some(stream) = self.stream(&path) {
            let segment = transmit.segment_size.unwrap_or(content.len()).max(1);
            content.chunks(segment).for_each(|packet| stream.send(packet));
        }
    }

    /// Closes a stream, after what was sent over it, or the socket that one peer had to itself.
    pub(crate) fn close(&mut self, now: Instant, path: &Path) {
        if path.protocol == Protocol::Udp {
            self.remove(Protocol::Udp, path.local);
        } else if let Some(stream) = self.stream(path) {
            stream.close(now);
        }
    }

    /// Closes all streams of a peer that has gone, and the sockets that it had to itself.
    pub(crate) fn close_all_of(&mut self, now: Instant, peer: PeerId) {
        let mut its_own = Vec::new();
        for wire in self.wires.values_mut() {
            match &mut wire.kind {
                Kind::Stream(stream) if stream.owner() == Some(peer) => stream.close(now),
                Kind::Udp { offload, owner: Some(owner), .. } if *owner == peer => {
                    its_own.push(offload.address());
                }
                _ => {}
            }
        }
        for address in its_own {
            self.remove(Protocol::Udp, address);
        }
    }

    fn stream(&mut self, path: &Path) -> Option<&mut Stream<R>> {
        match self.wires.get_mut(self.streams.get(path)?) {
            Some(Wire { kind: Kind::Stream(stream), .. }) => Some(stream),
            _ => None,
        }
    }

    /// Whether any stream is left that a peer had.
    pub(crate) fn has_owned_streams(&self) -> bool {
        self.wires.values().any(|wire| matches!(&wire.kind, Kind::Stream(stream) if stream.owner().is_some()))
    }

    /// Asks to be told when the socket bound to `address` has room, and whether it has.
    pub(crate) fn wants_room(&mut self, address: SocketAddr, wanted: bool) -> bool {
        match self.udp.get(&address).and_then(|token| self.wires.get_mut(token)) {
            Some(wire) => {
                wire.ready.wanted = wanted;
                wire.ready.writable
            }
            None => true,
        }
    }

    /// When streams have to be looked at.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let stream = |wire: &Wire<R>| match &wire.kind {
            Kind::Stream(stream) => stream.deadline(),
            Kind::Udp { .. } | Kind::Listener { .. } => None,
        };
        if self.streams.is_empty() { None } else { self.wires.values().filter_map(stream).min() }
    }

    /// Tries every socket, whether the runtime has said that there is something or not.
    pub(crate) fn look_again(&mut self) {
        self.wires.values_mut().for_each(|wire| wire.ready.readable = true);
    }

    /// Whether there may be more to read.
    pub(crate) fn has_unread(&self) -> bool {
        self.wires.values().any(|wire| wire.ready.readable)
    }

    /// Whether there is something to do at once.
    pub(crate) fn has_ready(&self) -> bool {
        self.wires.values().any(|wire| wire.ready.readable || (wire.ready.wanted && wire.ready.writable))
    }

    pub(crate) fn each(&mut self, mut look: impl FnMut(Io<'_, R>, &mut Ready)) {
        for wire in self.wires.values_mut() {
            let io = match &mut wire.kind {
                Kind::Udp { io, .. } => Io::Udp(io),
                Kind::Listener { io, .. } => Io::Listener(io),
                Kind::Stream(stream) => Io::Stream(stream.socket()),
            };
            look(io, &mut wire.ready);
        }
    }

    pub(crate) fn ready(&mut self, token: usize) -> Option<&mut Ready> {
        self.wires.get_mut(&token).map(|wire| &mut wire.ready)
    }
}

fn read_datagrams<R: Reactor>(
    (io, offload): (&R::Udp, &Offload),
    owner: Option<PeerId>,
    ready: &mut Ready,
    scratch: &mut Scratch,
    take: &mut impl FnMut(Arrival<'_>) -> Option<PeerId>,
) {
    for _ in 0..READS_PER_TURN {
        match R::receive(io, offload, &mut scratch.slab) {
            Ok(()) => {
                for received in scratch.slab.datagrams() {
                    take(Arrival::Datagram(owner, received));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                ready.readable = false;
                return;
            }
            // Other errors are news of datagrams sent earlier, which are losses; there may be more to read.
            Err(_) => {}
        }
    }
}

type Accepted = Vec<(TcpStream, Path)>;

fn accept<R: Reactor>(io: &mut R::Listener, address: SocketAddr, ready: &mut Ready, accepted: &mut Accepted) {
    for _ in 0..READS_PER_TURN {
        match R::accept(io) {
            Ok((socket, remote)) => {
                let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
                accepted.push((socket, Path { protocol: Protocol::Tcp, local: address, remote }));
            }
            Err(error) => {
                ready.readable = false;
                if error.kind() != io::ErrorKind::WouldBlock {
                    tracing::debug!(%error, %address, "stream not accepted");
                }
                return;
            }
        }
    }
}
