//! Protocol versions and the roles of the two sides.

/// A DTLS version this crate speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// DTLS 1.2 (RFC 6347).
    Dtls12,
    /// DTLS 1.3 (RFC 9147).
    Dtls13,
}

impl Version {
    /// The two bytes on the wire: versions count downwards from `0xfeff`.
    pub const fn code(self) -> u16 {
        match self {
            Self::Dtls12 => 0xfefd,
            Self::Dtls13 => 0xfefc,
        }
    }

    /// The version with this code, if it is one of ours.
    pub const fn from_code(code: u16) -> Option<Self> {
        match code {
            0xfefd => Some(Self::Dtls12),
            0xfefc => Some(Self::Dtls13),
            _ => None,
        }
    }
}

/// Which side of the handshake this is; in WebRTC decided by SDP's `a=setup` (RFC 8842).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Speaks first (`a=setup:active`).
    Client,
    /// Waits for the ClientHello (`a=setup:passive`).
    Server,
}

impl Role {
    /// The other side's role.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}
