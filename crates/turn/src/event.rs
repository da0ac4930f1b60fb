//! What a client tells: events, failures, refusals, discards and statistics.

use alloc::string::String;
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use sendrecv_core::{DiscardReason, Discards};
use sendrecv_stun::attribute::Icmp;
use sendrecv_stun::{ChallengeError, TransactionFailure};

/// What a [`TurnClient`](crate::TurnClient) tells its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The server allocated.
    Allocated {
        /// The relayed address.
        relayed: SocketAddr,
        /// The relayed address of the other family, when both were asked for and given.
        other_relayed: Option<SocketAddr>,
        /// Our address as the server sees it: a server-reflexive candidate when the way there is UDP.
        mapped: Option<SocketAddr>,
        /// How long the server keeps the allocation; it is refreshed in time.
        lifetime: Duration,
    },
    /// Peers at this address may send through the relay, and data may be sent to them.
    PermissionReady(IpAddr),
    /// The server does not allow this peer, or did not answer in time; the permission is gone.
    PermissionRefused {
        /// The peer's address.
        peer: IpAddr,
        /// The ERROR-CODE, if there was one.
        code: Option<u16>,
    },
    /// Data to and from this peer now travels with four bytes of overhead.
    ChannelReady(SocketAddr),
    /// The server sent us to another one (300), to which the client now talks; only over UDP. See
    /// [`TurnClient::server`](crate::TurnClient::server).
    Redirected(SocketAddr),
    /// The relay got an ICMP error from the way to this peer. Not authenticated: a hint.
    Icmp {
        /// The peer's address.
        peer: SocketAddr,
        /// What the ICMP message said.
        icmp: Icmp,
    },
    /// The server says that the allocation belongs to other credentials (441); the client went back to those it had.
    CredentialsRefused,
    /// The allocation is gone, by [`release`](crate::TurnClient::release). Terminal.
    Released,
    /// There is no allocation, or no longer one. Terminal.
    Failed(Failure),
}

/// Why there is no allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The server does not answer, or no longer: try another transport or server.
    Unreachable(TransactionFailure),
    /// The server's challenge cannot be answered, or it refuses the credentials (401).
    Unauthenticated(ChallengeError),
    /// The server has, or has lost, an allocation on this 5-tuple (437): try again from a new local port, three times
    /// at most.
    Mismatch,
    /// The server wants us to use another one (300) that the client cannot go to by itself: open a stream to it.
    Redirected {
        /// The other server.
        server: SocketAddr,
        /// By which name to verify its certificate, when not by the present one.
        domain: Option<String>,
    },
    /// The server gave an address family that nobody asked for, or none at all.
    UnexpectedAddress,
    /// The server refused, with this ERROR-CODE.
    Refused(u16),
    /// The stream to the server was closed.
    StreamClosed,
}

impl Failure {
    /// How long to wait before asking this server again, as far as RFC 8656, section 7.4 says; `None`: not at all, as
    /// long as nothing changes.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Mismatch | Self::StreamClosed => Some(Duration::ZERO),
            Self::Refused(486 | 508) => Some(Duration::from_secs(60)),
            Self::Refused(500..=599) => Some(Duration::from_secs(10)),
            _ => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(failure) => write!(f, "the server does not answer: {failure}"),
            Self::Unauthenticated(error) => error.fmt(f),
            Self::Mismatch => f.write_str("the server disagrees about an allocation on this port (437)"),
            Self::Redirected { server, .. } => write!(f, "the server wants us to use {server} instead"),
            Self::UnexpectedAddress => f.write_str("the server gave no address of a family asked for"),
            Self::Refused(code) => write!(f, "the server refused: {} ({code})", meaning(*code)),
            Self::StreamClosed => f.write_str("the stream to the server was closed"),
        }
    }
}

impl core::error::Error for Failure {}

/// What the error codes of RFC 8489, section 14.8 and RFC 8656, section 19 mean.
const fn meaning(code: u16) -> &'static str {
    match code {
        300 => "use another server",
        400 => "bad request",
        403 => "forbidden",
        420 => "unknown attribute",
        438 => "stale nonce",
        440 => "address family not supported",
        441 => "wrong credentials",
        442 => "transport not supported",
        486 => "allocation quota reached",
        508 => "insufficient capacity",
        500..=599 => "server error",
        _ => "error",
    }
}

/// Why a command had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageError {
    /// There is no allocation yet.
    NotAllocated,
    /// The client is releasing its allocation, or closed.
    Closed,
    /// The peer is not an address that data can be relayed to: unspecified, multicast, or an odd form of IPv4.
    InvalidPeer,
    /// The allocation has no relayed address of the peer's family.
    FamilyMismatch,
    /// There is no permission for the peer; see [`permit`](crate::TurnClient::permit).
    NotPermitted,
    /// There are as many permissions as configured.
    TooManyPermissions,
    /// The packet has no room for the header, or is too long.
    NoSpace,
    /// The crypto provider cannot do what the credentials need.
    Crypto,
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAllocated => "there is no allocation yet",
            Self::Closed => "the client is closed",
            Self::InvalidPeer => "data cannot be relayed to this address",
            Self::FamilyMismatch => "no relayed address of the peer's family",
            Self::NotPermitted => "no permission for this peer",
            Self::TooManyPermissions => "too many permissions",
            Self::NoSpace => "no room for the header, or packet too long",
            Self::Crypto => "the crypto provider lacks an algorithm",
        })
    }
}

impl core::error::Error for UsageError {}

/// Why a datagram had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discard {
    /// It did not come from the server, or not over the socket the server is reached by.
    WrongPath,
    /// Neither STUN nor ChannelData, or cut off.
    Malformed,
    /// FINGERPRINT does not match.
    Fingerprint,
    /// A response to no request of ours, or to one already answered.
    UnknownTransaction,
    /// A response without integrity, or with a wrong one.
    Unauthenticated,
    /// A kind of message that servers do not send, or one without the attributes it must have.
    Unexpected,
    /// ChannelData on a channel that was never bound.
    UnknownChannel,
    /// Data from a peer that is not permitted.
    NotPermitted,
    /// The client is closed.
    Closed,
}

impl DiscardReason for Discard {
    const ALL: &'static [Self] = &[
        Self::WrongPath,
        Self::Malformed,
        Self::Fingerprint,
        Self::UnknownTransaction,
        Self::Unauthenticated,
        Self::Unexpected,
        Self::UnknownChannel,
        Self::NotPermitted,
        Self::Closed,
    ];

    fn index(self) -> usize {
        match self {
            Self::WrongPath => 0,
            Self::Malformed => 1,
            Self::Fingerprint => 2,
            Self::UnknownTransaction => 3,
            Self::Unauthenticated => 4,
            Self::Unexpected => 5,
            Self::UnknownChannel => 6,
            Self::NotPermitted => 7,
            Self::Closed => 8,
        }
    }
}

/// Counters of a [`TurnClient`](crate::TurnClient).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TurnStats {
    /// Requests sent, retransmissions included (W3C `totalRequestsSent` counts first sends only).
    pub requests_sent: u64,
    /// Responses taken, errors included.
    pub responses_received: u64,
    /// Packets sent to peers, by either way.
    pub packets_sent: u64,
    /// How many of them had to go as Send indications.
    pub indications_sent: u64,
    /// Application bytes sent to peers.
    pub bytes_sent: u64,
    /// Packets received from peers.
    pub packets_received: u64,
    /// Application bytes received from peers.
    pub bytes_received: u64,
    /// Datagrams without effect, by reason.
    pub discards: Discards<9>,
    /// How often the caller's time ran backwards.
    pub backwards_time: u64,
}
