//! One UDP socket per local address.

use crate::interfaces::{LocalAddress, local_addresses};
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::ops::RangeInclusive;

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
            ports: 0..=0,
            buffer_bytes: 2 << 20,
        }
    }
}

/// A bound socket in non-blocking mode.
#[derive(Debug)]
pub struct Bound {
    /// The socket.
    pub socket: UdpSocket,
    /// The address it is bound to: the `local` of every path over it.
    pub address: SocketAddr,
    /// Which interface it belongs to.
    pub interface: LocalAddress,
}

/// Binds a socket on every address that `options` select. Addresses that cannot be bound (gone, not ready yet) are
/// left out; when none can, the last error is returned.
pub fn bind(options: &BindOptions) -> io::Result<Vec<Bound>> {
    let mut bound = Vec::new();
    let mut error = io::Error::new(io::ErrorKind::AddrNotAvailable, "this machine has no usable address");
    for interface in local_addresses(options)? {
        match bind_one(&interface, options) {
            Ok(socket) => bound.push(Bound { address: socket.local_addr()?, socket, interface }),
            Err(failure) => {
                tracing::debug!(address = %interface.ip, error = %failure, "address left out");
                error = failure;
            }
        }
    }
    if bound.is_empty() { Err(error) } else { Ok(bound) }
}

fn bind_one(interface: &LocalAddress, options: &BindOptions) -> io::Result<UdpSocket> {
    let mut error = io::Error::new(io::ErrorKind::InvalidInput, "no ports to choose from");
    for port in options.ports.clone() {
        match open(interface, port, options.buffer_bytes) {
            Ok(socket) => return Ok(socket),
            Err(failure) => error = failure,
        }
        if error.kind() != io::ErrorKind::AddrInUse {
            break;
        }
    }
    Err(error)
}

fn open(interface: &LocalAddress, port: u16, buffer_bytes: usize) -> io::Result<UdpSocket> {
    let address = socket_address(interface, port);
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    // Best effort: the system caps what an ordinary user may have.
    let _ = socket.set_recv_buffer_size(buffer_bytes);
    let _ = socket.set_send_buffer_size(buffer_bytes);
    socket.bind(&address.into())?;
    Ok(socket.into())
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

    fn on_loopback(ports: RangeInclusive<u16>) -> BindOptions {
        BindOptions { addresses: vec![[127, 0, 0, 1].into()], ports, ..BindOptions::default() }
    }

    #[test]
    fn every_address_gets_a_socket_of_its_own() {
        let options = BindOptions { loopback: Loopback::Always, ..BindOptions::default() };
        let bound = bind(&options).unwrap();
        let addresses: Vec<_> = bound.iter().map(|bound| bound.address).collect();
        assert!(addresses.iter().all(|address| address.port() != 0), "{addresses:?}");
        assert!(bound.iter().all(|bound| bound.address.ip() == bound.interface.ip));
    }

    #[test]
    fn a_taken_port_makes_way_for_the_next_one_in_the_range() {
        let free = bind(&on_loopback(0..=0)).unwrap();
        let taken = free[0].address.port();
        let next = taken.saturating_add(40);
        let bound = bind(&on_loopback(taken..=next)).unwrap();
        assert!((taken + 1..=next).contains(&bound[0].address.port()));
        let error = bind(&on_loopback(taken..=taken)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn an_address_of_another_machine_is_an_error() {
        let options = BindOptions { addresses: vec![[192, 0, 2, 1].into()], ..BindOptions::default() };
        assert_eq!(bind(&options).unwrap_err().kind(), io::ErrorKind::AddrNotAvailable);
    }
}
