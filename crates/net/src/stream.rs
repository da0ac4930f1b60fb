//! A TCP or TLS stream of a peer, from its first byte to its last.

use crate::channel::Channel;
use crate::offload::Received;
use crate::peer_id::PeerId;
use crate::reactor::{Reactor, Ready};
use crate::tls::{Session, TlsRoots};
use sendrecv::{OpenStream, StreamId};
use sendrecv_core::{Ecn, Instant, Path, Protocol, earliest};
use sendrecv_ice::Framing;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// How long a server may take for the handshake, a peer to prove itself, and either to take in what is sent.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the last bytes may take, and then the other end to close its direction.
const LINGER: Duration = Duration::from_secs(1);

/// What sockets tell of.
pub(crate) enum Arrival<'a> {
    /// A datagram, or a packet of a stream, which belongs to a peer if it has proved that.
    Datagram(Option<PeerId>, Received<'a>),
    /// A stream is ready for packets.
    Opened(PeerId, StreamId, Path),
    /// A stream could not be made ready.
    Failed(PeerId, StreamId),
    /// A stream that was ready has ended.
    Closed(PeerId, Path),
}

pub(crate) struct Stream<R: Reactor> {
    socket: R::Stream,
    channel: Channel,
    path: Path,
    owner: Option<PeerId>,
    phase: Phase,
    /// When the present phase has taken too long.
    deadline: Option<Instant>,
    /// When what waits to be written has waited too long.
    stalled: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// TLS is being agreed on.
    Handshake(StreamId),
    /// Packets flow.
    Open,
    /// We close it: the last packets are being written.
    Closing,
    /// Our direction is closed. The server can take in what was sent last, e.g. the release of an allocation, and then
    /// closes the other.
    Finished,
    Ended,
}

impl<R: Reactor> Stream<R> {
    /// A stream that was connected for `owner`, who hears of it when it is ready.
    pub(crate) fn connected(
        reactor: &mut R,
        token: usize,
        (request, socket): (&OpenStream, TcpStream),
        owner: PeerId,
        (roots, now): (&TlsRoots, Instant),
    ) -> io::Result<Self> {
        let is_tls = request.protocol == Protocol::Tls;
        let name = request.server_name.as_deref().unwrap_or_default();
        let session = if is_tls { Some(Session::new(roots, name)?) } else { None };
        let path = Path { protocol: request.protocol, local: socket.local_addr()?, remote: request.remote };
        let channel = Channel::new(request.framing, session);
        let phase = Phase::Handshake(request.id);
        Ok(Self::new(reactor.stream(token, socket)?, channel, path, Some(owner), phase, now))
    }

    /// A stream that a listener accepted.
    pub(crate) fn accepted(socket: R::Stream, path: Path, now: Instant) -> Self {
        // Without it, small packets wait for others; they arrive all the same.
        let _ = R::as_system(&socket).set_tcp_nodelay(true);
        Self::new(socket, Channel::new(Framing::Rfc4571, None), path, None, Phase::Open, now)
    }

    fn new(
        socket: R::Stream,
        channel: Channel,
        path: Path,
        owner: Option<PeerId>,
        phase: Phase,
        now: Instant,
    ) -> Self {
        Self { socket, channel, path, owner, phase, deadline: Some(now + PATIENCE), stalled: None }
    }

    pub(crate) const fn path(&self) -> Path {
        self.path
    }

    /// Whose it is: of one that was accepted, the peer who took a packet of it.
    pub(crate) const fn owner(&self) -> Option<PeerId> {
        self.owner
    }

    pub(crate) const fn socket(&self) -> &R::Stream {
        &self.socket
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        earliest(self.deadline, self.stalled)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// Reads up to `turns` times; whether there may be more.
    pub(crate) fn read(
        &mut self,
        memory: &mut [u8],
        turns: usize,
        tell: &mut impl FnMut(Arrival<'_>) -> Option<PeerId>,
    ) -> bool {
        for _ in 0..turns {
            match R::read(&self.socket, memory) {
                Ok(0) => self.end(&io::ErrorKind::UnexpectedEof.into(), tell),
                Ok(len) => self.received(memory.get(..len).unwrap_or_default(), tell),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.end(&error, tell),
            }
            if self.has_ended() {
                return false;
            }
        }
        true
    }

    fn received(&mut self, bytes: &[u8], tell: &mut impl FnMut(Arrival<'_>) -> Option<PeerId>) {
        if !matches!(self.phase, Phase::Handshake(_) | Phase::Open) {
            return;
        }
        let Self { path, owner, deadline, .. } = self;
        let outcome = self.channel.take(bytes, |data| {
            let received = Received { path: *path, ecn: Ecn::NotEct, data };
            let taker = tell(Arrival::Datagram(*owner, received));
            if owner.is_none() && taker.is_some() {
                (*owner, *deadline) = (taker, None);
            }
        });
        match outcome {
            Ok(true) => self.announce(tell),
            Ok(false) => self.end(&io::ErrorKind::ConnectionAborted.into(), tell),
            Err(error) => {
                // Telling the server what was wrong is a courtesy.
                let _ = R::write(&self.socket, self.channel.waiting());
                self.end(&error, tell);
            }
        }
    }

    /// The handshake may be over.
    fn announce(&mut self, tell: &mut impl FnMut(Arrival<'_>) -> Option<PeerId>) {
        if let (Phase::Handshake(id), Some(owner)) = (self.phase, self.owner)
            && !self.channel.is_handshaking()
        {
            (self.phase, self.deadline) = (Phase::Open, None);
            tell(Arrival::Opened(owner, id, self.path));
        }
    }

    /// Queues a packet.
    pub(crate) fn send(&mut self, packet: &[u8]) {
        if self.phase == Phase::Open
            && let Err(error) = self.channel.put(packet)
        {
            tracing::debug!(remote = %self.path.remote, %error, "packet not sent");
        }
    }

    /// Closes the stream, after what was sent.
    pub(crate) fn close(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Handshake(_) | Phase::Open) {
            self.channel.end();
            (self.phase, self.deadline) = (Phase::Closing, Some(now + LINGER));
        }
    }

    /// Goes on with what does not wait for the other end: announces the stream if it is ready, writes what waits, gives
    /// up what takes too long.
    pub(crate) fn serve(
        &mut self,
        now: Instant,
        ready: &mut Ready,
        tell: &mut impl FnMut(Arrival<'_>) -> Option<PeerId>,
    ) {
        self.announce(tell);
        if ready.writable
            && let Err(error) = self.write(now, ready)
        {
            self.end(&error, tell);
        }
        ready.wanted = !self.channel.waiting().is_empty();
        self.stalled = if ready.wanted { self.stalled.or(Some(now + PATIENCE)) } else { None };
        if self.phase == Phase::Closing && !ready.wanted {
            // The other end may have gone first.
            let _ = R::as_system(&self.socket).shutdown(Shutdown::Write);
            (self.phase, self.deadline) = (Phase::Finished, Some(now + LINGER));
        }
        if self.deadline().is_some_and(|at| at <= now) {
            self.end(&io::ErrorKind::TimedOut.into(), tell);
        }
    }

    fn write(&mut self, now: Instant, ready: &mut Ready) -> io::Result<()> {
        while !self.channel.waiting().is_empty() {
            match R::write(&self.socket, self.channel.waiting()) {
                Ok(count) => {
                    self.channel.wrote(count);
                    self.stalled = Some(now + PATIENCE);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready.writable = false;
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The stream is over, for a reason that is news to its owner unless it closed it.
    fn end(&mut self, error: &io::Error, tell: &mut impl FnMut(Arrival<'_>) -> Option<PeerId>) {
        tracing::debug!(remote = %self.path.remote, %error, "stream ended");
        match (self.phase, self.owner) {
            (Phase::Handshake(id), Some(owner)) => drop(tell(Arrival::Failed(owner, id))),
            (Phase::Open, Some(owner)) => drop(tell(Arrival::Closed(owner, self.path))),
            _ => {}
        }
        (self.phase, self.deadline, self.stalled) = (Phase::Ended, None, None);
    }
}
