//! A peer's UDP sockets on tokio's reactor.

use sendrecv_core::{Path, Transmit};
use sendrecv_net::{Bound, Offload, Slab};
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use tokio::io::Interest;
use tokio::net::UdpSocket;

struct Socket {
    io: UdpSocket,
    offload: Offload,
}

/// All sockets of one peer.
pub(crate) struct Sockets {
    sockets: Vec<Socket>,
    /// Where the next search for a readable socket begins, so that a busy one cannot starve the others.
    next: usize,
}

impl Sockets {
    pub(crate) fn new(bound: Vec<Bound>) -> io::Result<Self> {
        let socket = |bound: Bound| {
            let offload = Offload::new(&bound.socket, bound.address)?;
            Ok(Socket { io: UdpSocket::from_std(bound.socket)?, offload })
        };
        Ok(Self { sockets: bound.into_iter().map(socket).collect::<io::Result<_>>()?, next: 0 })
    }

    /// Waits until a socket has something to read, and returns its index.
    pub(crate) async fn readable(&self) -> usize {
        poll_fn(|context| self.poll_readable(context)).await
    }

    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<usize> {
        let (first, last) = self.sockets.split_at(self.next.min(self.sockets.len()));
        let order = last.iter().zip(self.next..).chain(first.iter().zip(0..));
        for (socket, index) in order {
            // An error is a readiness too: reading fetches and clears it.
            if socket.io.poll_recv_ready(context).is_ready() {
                return Poll::Ready(index);
            }
        }
        Poll::Pending
    }

    /// Reads what the socket has into `slab`; `false` when it has nothing more.
    pub(crate) fn receive(&mut self, index: usize, slab: &mut Slab) -> bool {
        self.next = index.saturating_add(1) % self.sockets.len().max(1);
        let Some(Socket { io, offload }) = self.sockets.get(index) else { return false };
        match io.try_io(Interest::READABLE, || offload.receive(io, slab)) {
            Ok(()) => true,
            // Other errors are news of datagrams sent earlier, which are losses; there may be more to read.
            Err(error) => {
                slab.clear();
                error.kind() != io::ErrorKind::WouldBlock
            }
        }
    }

    /// Sends over the socket that `path` names and returns how many bytes are done with. Datagrams from addresses
    /// that are not ours any more are lost.
    pub(crate) fn send(&self, transmit: &Transmit, path: Path, content: &[u8]) -> usize {
        let Some(Socket { io, offload }) = self.find(path.local) else { return content.len() };
        let mut done = 0;
        let outcome = io.try_io(Interest::WRITABLE, || {
            done = offload.send(io, transmit, path.remote, content);
            if done < content.len() { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
        });
        // tokio answers "would block" by itself while it knows the socket to be full.
        outcome.map_or(done, |()| content.len())
    }

    /// Waits until the socket bound to `local` has room again; for ever when there is none.
    pub(crate) async fn writable(&self, local: Option<SocketAddr>) {
        match local.and_then(|local| self.find(local)) {
            Some(socket) => {
                // An error is found, and told, by the next attempt to send.
                let _ = socket.io.writable().await;
            }
            None => std::future::pending().await,
        }
    }

    fn find(&self, local: SocketAddr) -> Option<&Socket> {
        self.sockets.iter().find(|socket| socket.offload.address() == local)
    }
}
