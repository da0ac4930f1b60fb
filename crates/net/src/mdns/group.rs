//! The sockets of multicast DNS.

use socket2::{Domain, SockRef, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
/// The port of everybody who takes part; from another one, it is plain DNS that asks.
pub(super) const PORT: u16 = 5353;

/// A member of the group, over one version of IP.
pub(super) struct Member {
    socket: UdpSocket,
    is_v6: bool,
}

impl Member {
    /// A socket that hears what is sent to the group as well as to itself. Port 5353 is shared with the machine's other
    /// responders; where that is not allowed, answers come by unicast only.
    pub(super) fn join(is_v6: bool) -> io::Result<Self> {
        let (domain, any) = if is_v6 {
            (Domain::IPV6, IpAddr::V6(Ipv6Addr::UNSPECIFIED))
        } else {
            (Domain::IPV4, IpAddr::V4(Ipv4Addr::UNSPECIFIED))
        };
        let socket = Socket::new(domain, Type::DGRAM, None)?;
        socket.set_reuse_address(true)?;
        #[cfg(unix)]
        socket.set_reuse_port(true)?;
        if is_v6 {
            socket.set_only_v6(true)?;
            socket.set_multicast_hops_v6(255)?;
            socket.set_multicast_loop_v6(true)?;
        } else {
            socket.set_multicast_ttl_v4(255)?;
            socket.set_multicast_loop_v4(true)?;
        }
        if socket.bind(&SocketAddr::new(any, PORT).into()).is_err() {
            socket.bind(&SocketAddr::new(any, 0).into())?;
        }
        let member = Self { socket: socket.into(), is_v6 };
        member.join_everywhere()?;
        Ok(member)
    }

    /// Whether it hears questions.
    pub(super) fn is_on_the_port(&self) -> bool {
        self.socket.local_addr().is_ok_and(|address| address.port() == PORT)
    }

    /// Joins on every interface, also on those that are new; it harms nowhere to join again.
    pub(super) fn join_everywhere(&self) -> io::Result<()> {
        let socket = SockRef::from(&self.socket);
        for (ip, index) in self.interfaces()? {
            let joined = match ip {
                IpAddr::V4(ip) => socket.join_multicast_v4(&GROUP_V4, &ip),
                IpAddr::V6(_) => socket.join_multicast_v6(&GROUP_V6, index),
            };
            if let Err(error) = joined.or_else(already_done) {
                tracing::debug!(%ip, %error, "no multicast here");
            }
        }
        Ok(())
    }

    /// Sends to the group, on every interface: its default route leads to only one of them.
    pub(super) fn multicast(&self, message: &[u8]) {
        let socket = SockRef::from(&self.socket);
        let Ok(interfaces) = self.interfaces() else { return };
        for (ip, index) in interfaces {
            let (chosen, group) = match ip {
                IpAddr::V4(ip) => (socket.set_multicast_if_v4(&ip), IpAddr::V4(GROUP_V4)),
                IpAddr::V6(_) => (socket.set_multicast_if_v6(index), IpAddr::V6(GROUP_V6)),
            };
            let sent = chosen.and_then(|()| self.socket.send_to(message, (group, PORT)));
            if let Err(error) = sent {
                tracing::debug!(%ip, %error, "multicast message not sent");
            }
        }
    }

    /// Sends to one.
    pub(super) fn unicast(&self, message: &[u8], to: SocketAddr) {
        if let Err(error) = self.socket.send_to(message, to) {
            tracing::debug!(%to, %error, "answer not sent");
        }
    }

    /// Waits for one message.
    pub(super) fn receive(
        &self,
        buffer: &mut [u8],
        patience: Duration,
    ) -> io::Result<Option<(usize, SocketAddr)>> {
        self.socket.set_read_timeout(Some(patience))?;
        match self.socket.recv_from(buffer) {
            Ok(received) => Ok(Some(received)),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Every interface of this version of IP: one of its addresses, and its index.
    fn interfaces(&self) -> io::Result<Vec<(IpAddr, u32)>> {
        let mut interfaces: Vec<(IpAddr, u32)> = Vec::new();
        for interface in if_addrs::get_if_addrs()? {
            let (ip, index) = (interface.ip(), interface.index.unwrap_or(0));
            let known = self.is_v6 && interfaces.iter().any(|(_, other)| *other == index);
            if ip.is_ipv6() == self.is_v6 && !known {
                interfaces.push((ip, index));
            }
        }
        Ok(interfaces)
    }
}

fn already_done(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::AddrInUse { Ok(()) } else { Err(error) }
}
