//! One UDP socket per local address.

use crate::interfaces::LocalAddress;
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6, TcpListener, UdpSocket};
use std::ops::RangeInclusive;

/// Streams that wait to be accepted.
const BACKLOG: i32 = 128;

/// When loopback addresses are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Loopback {
    /// Always: peers on the same machine then connect even when its other addresses change.
    Always,
    /// When the machine has no other address.
    #[default]
    WhenAlone,
    /// Never.
    Never,
}

/// Which local addresses and ports to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindOptions {
    /// Exactly these addresses, instead of looking at the interfaces. Empty: look.
    pub addresses: Vec<IpAddr>,
    /// Whether to use loopback addresses.
    pub loopback: Loopback,
    /// Whether to use link-local addresses.
    pub link_local: bool,
    /// Whether to use IPv6 addresses.
    pub ipv6: bool,
    /// Whether peers can open ICE-TCP streams to us (RFC 6544, passive candidates): a listener on each address.
    pub tcp_passive: bool,
    /// Whether we open ICE-TCP streams to peers that listen (active candidates), as browsers do.
    pub tcp_active: bool,
    /// Whether a listener on each address also opens streams, from its own port, to peers that do the same (RFC 6544,
    /// simultaneous open): whichever of the two streams gets through, firewalls on both sides have let one out. On Unix only;
    /// elsewhere a port has one use.
    pub tcp_so: bool,
    /// The ports to choose from, e.g. those a firewall lets through; `0..=0` leaves the choice to the system.
    pub ports: RangeInclusive<u16>,
    /// Kernel buffers to ask for, in bytes, in each direction; the system may give less.
    pub buffer_bytes: usize,
}

impl Default for BindOptions {
    fn default() -> Self {
        Self {
            addresses: Vec::new(),
            loopback: Loopback::default(),
            link_local: false,
            ipv6: true,
            tcp_passive: false,
            tcp_active: false,
            tcp_so: false,
            ports: 0..=0,
            buffer_bytes: 2 << 20,
        }
    }
}

/// Binds a UDP socket on this address.
pub(crate) fn bind_one(interface: &LocalAddress, options: &BindOptions) -> io::Result<UdpSocket> {
    let socket = open(interface, options, Type::DGRAM)?;
    // Best effort: the system caps what an ordinary user may have.
    let _ = socket.set_recv_buffer_size(options.buffer_bytes);
    let _ = socket.set_send_buffer_size(options.buffer_bytes);
    Ok(socket.into())
}

/// Listens for TCP streams on this address, from whose port others may be opened if it is `shared`.
pub(crate) fn listen(
    interface: &LocalAddress,
    options: &BindOptions,
    shared: bool,
) -> io::Result<TcpListener> {
    let socket = open(interface, options, Type::STREAM)?;
    if shared {
        // Not sooner, so that nobody else has the port yet.
        share_port(&socket)?;
    }
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Lets several sockets of this user have one port: a listener, and streams that are opened from there.
pub(crate) fn share_port(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_address(true)?;
    #[cfg(unix)]
    socket.set_reuse_port(true)?;
    Ok(())
}

/// A non-blocking socket, bound to the first port that is free.
fn open(interface: &LocalAddress, options: &BindOptions, kind: Type) -> io::Result<Socket> {
    let mut error = io::Error::new(io::ErrorKind::InvalidInput, "no ports to choose from");
    for port in options.ports.clone() {
        let address = socket_address(interface, port);
        let socket = Socket::new(Domain::for_address(address), kind, None)?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_nonblocking(true)?;
        match socket.bind(&address.into()) {
            Ok(()) => return Ok(socket),
            Err(failure) => error = failure,
        }
        if error.kind() != io::ErrorKind::AddrInUse {
            break;
        }
    }
    Err(error)
}

fn socket_address(interface: &LocalAddress, port: u16) -> SocketAddr {
    match interface.ip {
        IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, scope_of(ip, interface.index)).into(),
        IpAddr::V4(ip) => (ip, port).into(),
    }
}

/// Only link-local addresses need to say which link they mean.
const fn scope_of(ip: Ipv6Addr, index: u32) -> u32 {
    if ip.is_unicast_link_local() { index } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_makes_way_for_the_next_one_in_the_range() {
        let loopback = LocalAddress { ip: [127, 0, 0, 1].into(), interface: "lo".to_owned(), index: 1 };
        let bind = |ports| {
            let options = BindOptions { ports, ..BindOptions::default() };
            let socket = bind_one(&loopback, &options)?;
            Ok::<_, io::Error>((socket.local_addr()?.port(), socket))
        };
        let (taken, _free) = bind(0..=0).unwrap();
        let next = taken.saturating_add(40);
        assert!((taken + 1..=next).contains(&bind(taken..=next).unwrap().0));
        assert_eq!(bind(taken..=taken).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    #[cfg(unix)]
    fn a_shared_port_is_shared_with_streams_of_our_own_and_with_no_other_listener() {
        let loopback = LocalAddress { ip: [127, 0, 0, 1].into(), interface: "lo".to_owned(), index: 1 };
        let listener = listen(&loopback, &BindOptions::default(), true).unwrap();
        let address = listener.local_addr().unwrap();
        let options = BindOptions { ports: address.port()..=address.port(), ..BindOptions::default() };
        assert!(listen(&loopback, &options, true).is_err());
        let stream = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        share_port(&stream).unwrap();
        stream.bind(&address.into()).unwrap();
    }

    #[test]
    fn an_address_of_another_machine_is_an_error() {
        let elsewhere = LocalAddress { ip: [192, 0, 2, 1].into(), interface: String::new(), index: 0 };
        let error = bind_one(&elsewhere, &BindOptions::default()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
        assert!(listen(&elsewhere, &BindOptions::default(), false).is_err());
    }
}
