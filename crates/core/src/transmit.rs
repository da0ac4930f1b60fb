//! Where datagrams go.

use core::fmt;
use core::net::SocketAddr;

/// The transport below a [`Path`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Protocol {
    /// Datagrams.
    Udp,
    /// A TCP stream; datagrams in it are framed by RFC 4571, or are STUN/TURN messages which frame themselves.
    Tcp,
    /// A TLS stream to a TURN server.
    Tls,
}

/// Explicit Congestion Notification codepoint of an IP packet (RFC 3168, section 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Ecn {
    /// Not ECN-capable.
    #[default]
    NotEct,
    /// ECN-capable, codepoint 10.
    Ect0,
    /// ECN-capable, codepoint 01 (L4S, RFC 9331).
    Ect1,
    /// Congestion experienced.
    Ce,
}

/// One way from here to there: a local socket and a remote address.
///
/// `local` names the socket by the address the host bound it to; on receipt it is the socket that got the datagram.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Path {
    /// The transport.
    pub protocol: Protocol,
    /// The address of the host's socket.
    pub local: SocketAddr,
    /// The address at the other end.
    pub remote: SocketAddr,
}

impl Path {
    /// A UDP path.
    pub const fn udp(local: SocketAddr, remote: SocketAddr) -> Self {
        Self { protocol: Protocol::Udp, local, remote }
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} -> {}", self.protocol, self.local, self.remote)
    }
}

/// What the host needs to know to send what `poll_transmit` wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transmit {
    /// Where to send it. `None`, from a layer that knows no addresses: over whatever path is selected.
    pub path: Option<Path>,
    /// When set, the content is several datagrams of this many bytes each (the last may be shorter), to be sent as
    /// they are or handed to generic segmentation offload.
    pub segment_size: Option<usize>,
    /// The ECN codepoint to send with.
    pub ecn: Ecn,
}

impl Transmit {
    /// One datagram over `path`.
    pub const fn to(path: Path) -> Self {
        Self { path: Some(path), segment_size: None, ecn: Ecn::NotEct }
    }

    /// One datagram over the selected path.
    pub const fn selected() -> Self {
        Self { path: None, segment_size: None, ecn: Ecn::NotEct }
    }
}
