//! Calls that changed nothing.

use core::fmt;

/// Why a call was refused; nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageError {
    /// The agent is closed.
    Closed,
    /// A ufrag or password that RFC 8839 section 5.4 does not allow.
    InvalidParameters,
    /// A remote candidate for another component than 1: this side multiplexes RTCP.
    OtherComponent,
    /// A remote candidate that belongs to another generation than the remote parameters.
    OtherGeneration,
    /// A multicast, unspecified or otherwise unusable address, or port 0.
    UnusableAddress,
    /// There is such a socket already.
    DuplicateSocket,
    /// There is no such socket, stream or name.
    Unknown,
    /// A bound of [`Limits`](crate::Limits) is reached.
    TooMany,
    /// A lite agent has no use for it.
    Lite,
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the ICE agent is closed",
            Self::InvalidParameters => "ufrag or password has a length or character that is not allowed",
            Self::OtherComponent => "the candidate is for another component",
            Self::OtherGeneration => "the candidate is of another generation",
            Self::UnusableAddress => "the address cannot be used",
            Self::DuplicateSocket => "the socket is there already",
            Self::Unknown => "no such socket, stream or name",
            Self::TooMany => "a configured limit is reached",
            Self::Lite => "not for ICE-lite agents",
        })
    }
}

impl core::error::Error for UsageError {}

/// Why data cannot be sent; the packet is as it was, or to be thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoute {
    /// No pair is selected, or the peer's consent has expired.
    NotConnected,
    /// The packet has too little headroom for the relay's header.
    NoSpace,
    /// The relay cannot take it now.
    Relay,
}

impl fmt::Display for NoRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotConnected => "no candidate pair is selected",
            Self::NoSpace => "no room for the relay's header",
            Self::Relay => "the relay cannot take it now",
        })
    }
}

impl core::error::Error for NoRoute {}
