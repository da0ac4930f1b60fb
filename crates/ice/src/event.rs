//! What an agent tells its host.

use crate::candidate::Candidate;
use crate::config::Role;
use crate::route::Route;
use crate::socket::OpenStream;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;
use sendrecv_core::Path;

/// What an agent tells its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A candidate to signal to the peer.
    LocalCandidate(Candidate),
    /// A candidate that was signalled has gone, with its socket or allocation.
    LocalCandidateRemoved(Candidate),
    /// Gathering went on; [`Complete`](GatheringState::Complete) is the end of candidates.
    GatheringState(GatheringState),
    /// The connection's state changed.
    ConnectionState(ConnectionState),
    /// Another pair carries the data from now on.
    SelectedPair(Box<SelectedPair>),
    /// Both sides had the same role; this is ours now.
    RoleConflictResolved(Role),
    /// Resolve `name` (mDNS if it ends in `.local`) and call [`name_resolved`](crate::IceAgent::name_resolved).
    ResolveName {
        /// The name's number in the answer.
        id: NameId,
        /// The host name.
        name: String,
    },
    /// Open a stream, or another UDP socket for an allocation on a TURN server.
    OpenStream(OpenStream),
    /// Close the stream or socket that was opened with this path, after sending what was polled for it.
    CloseStream(Path),
    /// A packet for the layer above, which rode on an authenticated check. Nobody knows yet whether it came from where
    /// answers can be sent; see [`confirm_packet`](crate::IceAgent::confirm_packet).
    Packet(Vec<u8>),
    /// A STUN or TURN server did not give a candidate (`icecandidateerror`).
    CandidateError(ServerError),
}

/// Names a host name that is being resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameId(pub(crate) u32);

impl NameId {
    /// The name's number, for recordings.
    pub const fn to_bits(self) -> u32 {
        self.0
    }

    /// The name with this number.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
}

/// `RTCIceGathererState`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GatheringState {
    /// Gathering has not begun.
    #[default]
    New,
    /// Servers are being asked.
    Gathering,
    /// Everything known was tried.
    Complete,
}

impl GatheringState {
    /// The W3C name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Gathering => "gathering",
            Self::Complete => "complete",
        }
    }
}

impl fmt::Display for GatheringState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `RTCIceTransportState`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConnectionState {
    /// Nothing is known of the peer.
    #[default]
    New,
    /// Looking for a pair that works.
    Checking,
    /// A pair is in use, be it nominated yet or not; better ones may still be found.
    Connected,
    /// A pair is in use and everything was tried.
    Completed,
    /// The pair in use is not answered at the moment.
    Disconnected,
    /// Nothing works. Only a restart or new candidates help.
    Failed,
    /// Closed by this side.
    Closed,
}

impl ConnectionState {
    /// The W3C name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Checking => "checking",
            Self::Connected => "connected",
            Self::Completed => "completed",
            Self::Disconnected => "disconnected",
            Self::Failed => "failed",
            Self::Closed => "closed",
        }
    }
}

impl fmt::Display for ConnectionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a datagram could not be delivered, as far as its sender is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unreachable {
    /// This host itself knows no way there (`ENETUNREACH`, `EHOSTUNREACH` or `EADDRNOTAVAIL` from sending).
    NoRoute,
    /// Nobody listens there: ICMP port or protocol unreachable (`ECONNREFUSED`), a hard error of RFC 1122.
    Refused,
    /// It cannot be reached at the moment: ICMP network or host unreachable, a soft error of RFC 1122.
    Soft,
}

/// The pair that carries data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectedPair {
    /// The way datagrams go.
    pub route: Route,
    /// The local candidate, as the peer sees it.
    pub local: Candidate,
    /// The remote candidate.
    pub remote: Candidate,
    /// The pair's number in [`candidate_pairs`](crate::IceAgent::candidate_pairs).
    pub pair: crate::PairId,
}

/// The fields of `RTCPeerConnectionIceErrorEvent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerError {
    /// The server's URL.
    pub url: String,
    /// The local address it was tried from, if that far.
    pub local: Option<SocketAddr>,
    /// The STUN error code; 701 when the server was not reached.
    pub code: u16,
    /// The server's reason phrase, or ours.
    pub text: String,
}
