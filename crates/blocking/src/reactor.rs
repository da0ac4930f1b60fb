//! Sockets on the system's poll.

use mio::net::{TcpListener, TcpStream, UdpSocket};
use mio::{Interest, Registry, Token};
use sendrecv_core::Transmit;
use sendrecv_net::{Offload, Reactor, Sent, Slab};
use socket2::SockRef;
use std::io::{self, Read, Write};
use std::net::SocketAddr;

/// Where sockets are registered, under their number.
#[derive(Debug)]
pub(crate) struct MioReactor(pub(crate) Registry);

const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

impl Reactor for MioReactor {
    type Udp = UdpSocket;
    type Listener = TcpListener;
    type Stream = TcpStream;

    fn udp(&mut self, token: usize, socket: std::net::UdpSocket) -> io::Result<UdpSocket> {
        let mut socket = UdpSocket::from_std(socket);
        self.0.register(&mut socket, Token(token), BOTH)?;
        Ok(socket)
    }

    fn listener(&mut self, token: usize, socket: std::net::TcpListener) -> io::Result<TcpListener> {
        let mut listener = TcpListener::from_std(socket);
        self.0.register(&mut listener, Token(token), Interest::READABLE)?;
        Ok(listener)
    }

    fn stream(&mut self, token: usize, socket: std::net::TcpStream) -> io::Result<TcpStream> {
        let mut stream = TcpStream::from_std(socket);
        self.0.register(&mut stream, Token(token), BOTH)?;
        Ok(stream)
    }

    fn receive(socket: &UdpSocket, offload: &Offload, slab: &mut Slab) -> io::Result<()> {
        offload.receive(socket, slab)
    }

    fn send(
        socket: &UdpSocket,
        offload: &Offload,
        transmit: &Transmit,
        remote: SocketAddr,
        content: &[u8],
    ) -> Sent {
        offload.send(socket, transmit, remote, content)
    }

    fn accept(listener: &mut TcpListener) -> io::Result<(std::net::TcpStream, SocketAddr)> {
        let (stream, remote) = listener.accept()?;
        Ok((stream.into(), remote))
    }

    fn read(mut stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
        stream.read(buffer)
    }

    fn write(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
        stream.write(bytes)
    }

    fn as_system(stream: &TcpStream) -> SockRef<'_> {
        stream.into()
    }
}
