//! Sockets on tokio's reactor.

use sendrecv_core::Transmit;
use sendrecv_net::{Io, Offload, Reactor, Ready, Sent, Slab};
use socket2::SockRef;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream, UdpSocket};

/// The reactor of the runtime that the host runs in.
#[derive(Debug)]
pub(crate) struct TokioReactor;

/// A listener, and the stream it had when it was asked last: tokio knows no other way to ask.
#[derive(Debug)]
pub(crate) struct Listener {
    io: TcpListener,
    accepted: Option<io::Result<(TcpStream, SocketAddr)>>,
}

impl Reactor for TokioReactor {
    type Udp = UdpSocket;
    type Listener = Listener;
    type Stream = TcpStream;

    fn udp(&mut self, _: usize, socket: std::net::UdpSocket) -> io::Result<UdpSocket> {
        UdpSocket::from_std(socket)
    }

    fn listener(&mut self, _: usize, socket: std::net::TcpListener) -> io::Result<Listener> {
        Ok(Listener { io: TcpListener::from_std(socket)?, accepted: None })
    }

    fn stream(&mut self, _: usize, socket: std::net::TcpStream) -> io::Result<TcpStream> {
        TcpStream::from_std(socket)
    }

    fn receive(socket: &UdpSocket, offload: &Offload, slab: &mut Slab) -> io::Result<()> {
        socket.try_io(Interest::READABLE, || offload.receive(socket, slab))
    }

    fn send(
        socket: &UdpSocket,
        offload: &Offload,
        transmit: &Transmit,
        remote: SocketAddr,
        content: &[u8],
    ) -> Sent {
        let mut sent = Sent::default();
        // tokio answers "would block" by itself while it knows the socket to be full; otherwise it learns so from us.
        let _ = socket.try_io(Interest::WRITABLE, || {
            sent = offload.send(socket, transmit, remote, content);
            if sent.bytes < content.len() { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
        });
        sent
    }

    fn accept(listener: &mut Listener) -> io::Result<(std::net::TcpStream, SocketAddr)> {
        let (stream, remote) = listener.accepted.take().ok_or(io::ErrorKind::WouldBlock)??;
        Ok((stream.into_std()?, remote))
    }

    fn read(stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
        stream.try_read(buffer)
    }

    fn write(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
        stream.try_write(bytes)
    }

    fn as_system(stream: &TcpStream) -> SockRef<'_> {
        stream.into()
    }
}

/// Asks tokio about one socket, which will wake the task when it becomes ready; whether there is something to do.
pub(crate) fn poll(io: Io<'_, TokioReactor>, ready: &mut Ready, context: &mut Context<'_>) -> bool {
    // An error is a readiness too: reading or writing fetches and clears it.
    match io {
        Io::Udp(socket) => {
            ready.readable = ready.readable || socket.poll_recv_ready(context).is_ready();
            if ready.wanted && !ready.writable {
                ready.writable = socket.poll_send_ready(context).is_ready();
            }
        }
        Io::Listener(listener) => {
            if listener.accepted.is_none()
                && let Poll::Ready(accepted) = listener.io.poll_accept(context)
            {
                listener.accepted = Some(accepted);
            }
            ready.readable = listener.accepted.is_some();
        }
        Io::Stream(stream) => {
            ready.readable = ready.readable || stream.poll_read_ready(context).is_ready();
            if ready.wanted && !ready.writable {
                ready.writable = stream.poll_write_ready(context).is_ready();
            }
        }
    }
    ready.readable || (ready.wanted && ready.writable)
}
