//! A peer's UDP sockets on the system's poll.

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use sendrecv_core::{Path, Transmit};
use sendrecv_net::{Bound, Offload, Slab};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

struct Socket {
    io: UdpSocket,
    offload: Offload,
    /// Readiness is told once; it holds until reading or writing found it gone.
    readable: bool,
    writable: bool,
}

/// All sockets of one peer.
pub(crate) struct Sockets {
    poll: Poll,
    events: Events,
    sockets: Vec<Socket>,
}

/// What the waker's events are called; sockets are called by their index.
const WAKER: Token = Token(usize::MAX);

impl Sockets {
    /// The system's poll, and what wakes it up.
    pub(crate) fn poll() -> io::Result<(Poll, Arc<Waker>)> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        Ok((poll, waker))
    }

    pub(crate) fn new(poll: Poll, bound: Vec<Bound>) -> io::Result<Self> {
        let mut sockets = Vec::new();
        for bound in bound {
            let offload = Offload::new(&bound.socket, bound.address)?;
            let mut io = UdpSocket::from_std(bound.socket);
            let both = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut io, Token(sockets.len()), both)?;
            sockets.push(Socket { io, offload, readable: true, writable: true });
        }
        Ok(Self { poll, events: Events::with_capacity(64), sockets })
    }

    /// Sleeps until something is ready, the waker is called, or the time is over. Does not sleep while there is
    /// something left to read.
    pub(crate) fn wait(&mut self, time: Option<Duration>) -> io::Result<()> {
        let something_left = self.sockets.iter().any(|socket| socket.readable);
        let time = if something_left { Some(Duration::ZERO) } else { time };
        match self.poll.poll(&mut self.events, time) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        for event in &self.events {
            if let Some(socket) = self.sockets.get_mut(event.token().0) {
                // An error is a readiness too: reading fetches and clears it.
                socket.readable |= event.is_readable() || event.is_error();
                socket.writable |= event.is_writable();
            }
        }
        Ok(())
    }

    /// Reads, at most `turns` times from each socket, and gives each time's datagrams to `take`.
    pub(crate) fn receive(&mut self, turns: usize, slab: &mut Slab, mut take: impl FnMut(&mut Slab)) {
        for socket in &mut self.sockets {
            for _ in 0..turns {
                if !socket.readable {
                    break;
                }
                match socket.offload.receive(&socket.io, slab) {
                    Ok(()) => take(slab),
                    // Other errors are news of datagrams sent earlier, which are losses; there may be more to read.
                    Err(error) => socket.readable = error.kind() != io::ErrorKind::WouldBlock,
                }
            }
        }
    }

    /// Sends over the socket that `path` names and returns how many bytes are done with. Datagrams from addresses
    /// that are not ours any more are lost.
    pub(crate) fn send(&mut self, transmit: &Transmit, path: Path, content: &[u8]) -> usize {
        let Some(socket) = self.sockets.iter_mut().find(|socket| socket.offload.address() == path.local)
        else {
            return content.len();
        };
        let done = socket.offload.send(&socket.io, transmit, path.remote, content);
        socket.writable = done == content.len();
        done
    }

    /// Whether the socket bound to `local` has room.
    pub(crate) fn is_writable(&self, local: SocketAddr) -> bool {
        self.sockets.iter().all(|socket| socket.offload.address() != local || socket.writable)
    }
}
