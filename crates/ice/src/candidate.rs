//! Candidates: transport addresses at which an agent might be reached (RFC 8445, section 5).

mod line;

pub(crate) use line::is_ice_char;
pub use line::{CandidateError, CandidateField};

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use sendrecv_core::Protocol;

/// A local or remote candidate, as it travels in a candidate line (RFC 8839, section 5.1).
///
/// [`FromStr`](core::str::FromStr) accepts the line with or without the prefixes `a=` and `candidate:`;
/// [`Display`](fmt::Display) writes it with `candidate:`, which is what `RTCIceCandidate.candidate` holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Equal for candidates of one type, base address, protocol and server: 1 to 32 ice-chars.
    pub foundation: String,
    /// 1 for RTP (and everything multiplexed with it), 2 for RTCP. An agent here has component 1 only.
    pub component: u16,
    /// UDP, or TCP with its direction.
    pub transport: Transport,
    /// The candidate's priority (RFC 8445, section 5.1.2): larger is better.
    pub priority: u32,
    /// Where it is: an IP address, or a name to be resolved.
    pub address: CandidateAddress,
    /// The port; 9 for active TCP candidates.
    pub port: u16,
    /// How it was learnt.
    pub kind: CandidateKind,
    /// The related address: the base of reflexive candidates, the mapped address of relayed ones. For diagnosis only.
    pub related: Option<(CandidateAddress, u16)>,
    /// The username fragment of the generation the candidate belongs to.
    pub ufrag: Option<String>,
    /// The `generation` extension of libwebrtc.
    pub generation: Option<u32>,
    /// The `network-id` extension of libwebrtc: which interface of the sender it is.
    pub network_id: Option<u16>,
    /// The `network-cost` extension of libwebrtc: 0 (wired) to 999.
    pub network_cost: Option<u16>,
    /// Extensions not known here, name and value, in their order.
    pub extensions: Vec<(String, String)>,
    /// The URL of the server a local candidate was gathered from. Not part of the line.
    pub url: Option<String>,
    /// How a local relay candidate's server is spoken to. Not part of the line.
    pub relay_protocol: Option<Protocol>,
}

impl Candidate {
    /// A candidate with nothing optional. Its foundation is `"1"` and its priority the recommended one for the only
    /// address of its kind; both matter to tests and to static (lite) configurations, while an agent's own candidates
    /// get theirs from the agent.
    pub fn new(kind: CandidateKind, transport: Transport, address: SocketAddr) -> Self {
        let local = crate::priority::local_preference(transport, kind, u16::MAX);
        Self {
            foundation: String::from("1"),
            component: 1,
            transport,
            priority: crate::priority::candidate(crate::priority::type_preference(kind, transport), local),
            address: CandidateAddress::Ip(address.ip()),
            port: address.port(),
            kind,
            related: None,
            ufrag: None,
            generation: None,
            network_id: None,
            network_cost: None,
            extensions: Vec::new(),
            url: None,
            relay_protocol: None,
        }
    }

    /// A UDP host candidate.
    pub fn host(address: SocketAddr) -> Self {
        Self::new(CandidateKind::Host, Transport::Udp, address)
    }

    /// Address and port, unless the address is a name.
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        match self.address {
            CandidateAddress::Ip(ip) => Some(SocketAddr::new(ip, self.port)),
            CandidateAddress::Name(_) => None,
        }
    }
}

/// How a candidate was learnt (RFC 8445, section 5.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CandidateKind {
    /// An address of a local interface.
    Host,
    /// The address a STUN or TURN server saw.
    ServerReflexive,
    /// The address the peer saw, or the one a peer's check came from.
    PeerReflexive,
    /// An address on a TURN server.
    Relayed,
}

impl CandidateKind {
    /// The name used in candidate lines and W3C statistics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::ServerReflexive => "srflx",
            Self::PeerReflexive => "prflx",
            Self::Relayed => "relay",
        }
    }
}

impl fmt::Display for CandidateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The transport of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A TCP stream with RFC 4571 framing (RFC 6544).
    Tcp(TcpType),
}

impl Transport {
    /// The transport of a [`Path`](sendrecv_core::Path) between such candidates.
    pub const fn protocol(self) -> Protocol {
        match self {
            Self::Udp => Protocol::Udp,
            Self::Tcp(_) => Protocol::Tcp,
        }
    }

    /// Whether a check can go from a local candidate with this transport to a remote one with `remote` (RFC 6544,
    /// section 6.2). A passive candidate pairs with nothing of its own accord: it waits for the stream.
    pub const fn reaches(self, remote: Self) -> bool {
        matches!(
            (self, remote),
            (Self::Udp, Self::Udp)
                | (Self::Tcp(TcpType::Active), Self::Tcp(TcpType::Passive))
                | (Self::Tcp(TcpType::SimultaneousOpen), Self::Tcp(TcpType::SimultaneousOpen))
        )
    }
}

/// Who opens the stream of a TCP candidate (RFC 6544, section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TcpType {
    /// Connects to passive candidates; its port means nothing and is written as 9.
    Active,
    /// Waits for connections.
    Passive,
    /// Both sides connect at once.
    SimultaneousOpen,
}

impl TcpType {
    /// The value of the `tcptype` attribute.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::SimultaneousOpen => "so",
        }
    }
}

/// The address of a candidate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CandidateAddress {
    /// An IPv4 or IPv6 address.
    Ip(IpAddr),
    /// A host name, such as an mDNS name ending in `.local` (draft-ietf-mmusic-mdns-ice-candidates).
    Name(String),
}

impl fmt::Display for CandidateAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl From<IpAddr> for CandidateAddress {
    fn from(ip: IpAddr) -> Self {
        Self::Ip(ip)
    }
}
