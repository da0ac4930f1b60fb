//! What a runtime adds to the system's sockets: it says when they are ready.

use crate::offload::{Offload, Sent, Slab};
use sendrecv_core::Transmit;
use socket2::SockRef;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};

/// A runtime's sockets. All operations return at once; `WouldBlock` says that there is nothing to be had, or no room.
///
/// What [`Host`](crate::Host) knows of a socket's readiness is its [`Ready`]: the runtime sets it while it waits, the host
/// clears it when an operation would block.
pub trait Reactor: Sized {
    /// A UDP socket.
    type Udp;
    /// A TCP listener.
    type Listener;
    /// A TCP stream.
    type Stream;

    /// Takes on a socket, under a number that no other has.
    fn udp(&mut self, token: usize, socket: UdpSocket) -> io::Result<Self::Udp>;
    /// Takes on a listener.
    fn listener(&mut self, token: usize, socket: TcpListener) -> io::Result<Self::Listener>;
    /// Takes on a connected stream.
    fn stream(&mut self, token: usize, socket: TcpStream) -> io::Result<Self::Stream>;

    /// [`Offload::receive`].
    fn receive(socket: &Self::Udp, offload: &Offload, slab: &mut Slab) -> io::Result<()>;
    /// [`Offload::send`].
    fn send(
        socket: &Self::Udp,
        offload: &Offload,
        transmit: &Transmit,
        remote: SocketAddr,
        content: &[u8],
    ) -> Sent;
    /// Takes the next stream that wants in.
    fn accept(listener: &mut Self::Listener) -> io::Result<(TcpStream, SocketAddr)>;
    /// Reads from a stream.
    fn read(stream: &Self::Stream, buffer: &mut [u8]) -> io::Result<usize>;
    /// Writes to a stream.
    fn write(stream: &Self::Stream, bytes: &[u8]) -> io::Result<usize>;
    /// The system's name for a stream.
    fn as_system(stream: &Self::Stream) -> SockRef<'_>;
}

/// What is known of a socket's readiness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// It may have something to read, or an error to tell.
    pub readable: bool,
    /// It may have room.
    pub writable: bool,
    /// Somebody waits for room.
    pub wanted: bool,
}

impl Default for Ready {
    /// Unknown, so that it is tried.
    fn default() -> Self {
        Self { readable: true, writable: true, wanted: false }
    }
}

/// One of a host's sockets, for the runtime to wait for.
#[derive(Debug)]
pub enum Io<'s, R: Reactor> {
    /// A UDP socket.
    Udp(&'s R::Udp),
    /// A TCP listener.
    Listener(&'s mut R::Listener),
    /// A TCP stream.
    Stream(&'s R::Stream),
}
