//! What a host tells the agent about its sockets.

use crate::candidate::{TcpType, Transport};
use alloc::string::String;
use core::net::{IpAddr, SocketAddr};
use sendrecv_core::Protocol;

/// A socket (or, for active TCP, the ability to connect from an address) that the agent may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalSocket {
    /// The address the host bound, which is the `local` of every path over this socket. Its IP should be one of an
    /// interface; a socket bound to the unspecified address has no host candidate unless one is advertised.
    pub address: SocketAddr,
    /// UDP, or the direction of a TCP candidate. For active TCP the port is not used.
    pub transport: Transport,
    /// The address to signal in place of `address`, for hosts behind a static one-to-one NAT.
    pub advertised: Option<SocketAddr>,
    /// The name to signal in place of the IP address, e.g. an mDNS name that the host answers for.
    pub name: Option<String>,
    /// Which interface it is; signalled as `network-id`.
    pub network_id: Option<u16>,
    /// What the interface costs, 0 (wired) to 999, as in libwebrtc; cheaper ones are preferred. Signalled as
    /// `network-cost`.
    pub network_cost: u16,
    /// Whether datagrams of this socket leave in one piece or not at all: the host has set "don't fragment", and kept the
    /// system from cutting them up by what it knows of the path. Only then does it show something when a large one arrives;
    /// see [`max_data_len`](crate::IceAgent::max_data_len).
    pub dont_fragment: bool,
}

impl LocalSocket {
    /// A UDP socket bound to `address`.
    pub const fn udp(address: SocketAddr) -> Self {
        Self::new(address, Transport::Udp)
    }

    /// A TCP listener bound to `address`.
    pub const fn tcp_passive(address: SocketAddr) -> Self {
        Self::new(address, Transport::Tcp(TcpType::Passive))
    }

    /// A TCP listener bound to `address`, from which streams are opened as well (simultaneous open).
    pub const fn tcp_so(address: SocketAddr) -> Self {
        Self::new(address, Transport::Tcp(TcpType::SimultaneousOpen))
    }

    /// The ability to open TCP streams from `ip`.
    pub const fn tcp_active(ip: IpAddr) -> Self {
        Self::new(SocketAddr::new(ip, 9), Transport::Tcp(TcpType::Active))
    }

    const fn new(address: SocketAddr, transport: Transport) -> Self {
        Self {
            address,
            transport,
            advertised: None,
            name: None,
            network_id: None,
            network_cost: 0,
            dont_fragment: false,
        }
    }
}

/// Names a stream that the agent asked the host to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub(crate) u32);

impl StreamId {
    /// The stream's number, for recordings.
    pub const fn to_bits(self) -> u32 {
        self.0
    }

    /// The stream with this number.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
}

/// How datagrams are told apart in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Framing {
    /// A 16-bit length before each packet: [`Rfc4571Reader`](crate::framing::Rfc4571Reader).
    Rfc4571,
    /// STUN messages and ChannelData as they are (RFC 8656, section 12.5):
    /// [`StreamFraming`](crate::framing::StreamFraming).
    Turn,
}

/// A request to the host: connect, then call [`stream_opened`](crate::IceAgent::stream_opened) or
/// [`stream_failed`](crate::IceAgent::stream_failed).
///
/// For [`Udp`](Protocol::Udp), bind a socket beside the one that is there, unconnected: the TURN server has another
/// allocation on that one's port (437; RFC 8656, section 7.4). It is no socket for candidates, so it is not
/// [added](crate::IceAgent::add_socket). A host that cannot says that it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenStream {
    /// The stream's name in the answer.
    pub id: StreamId,
    /// TCP, TLS over TCP, or UDP.
    pub protocol: Protocol,
    /// The local address to connect from or to bind; port 0 or 9 means any.
    pub local: SocketAddr,
    /// Where to connect to.
    pub remote: SocketAddr,
    /// The name to verify the server's certificate against, for TLS.
    pub server_name: Option<String>,
    /// How datagrams are told apart in it.
    pub framing: Framing,
}
