//! What can go wrong with one packet.

use core::fmt;
use sendrecv_core::DiscardReason;

/// Why a received packet had no effect, apart from being counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Discard {
    /// Too short, not version 2, or with a header that claims more than there is.
    Malformed,
    /// The packet was received before.
    Replayed,
    /// The packet is older than the replay window.
    TooOld,
    /// The tag does not verify: forged, damaged, or protected with other keys.
    Unauthenticated,
    /// A further SSRC, beyond [`Options::max_remote_sources`](crate::Options::max_remote_sources).
    TooManySources,
    /// RTCP whose E bit is not as agreed ([`Options::encrypt_rtcp`](crate::Options::encrypt_rtcp)).
    EncryptionMismatch,
}

impl DiscardReason for Discard {
    const ALL: &'static [Self] = &[
        Self::Malformed,
        Self::Replayed,
        Self::TooOld,
        Self::Unauthenticated,
        Self::TooManySources,
        Self::EncryptionMismatch,
    ];

    fn index(self) -> usize {
        match self {
            Self::Malformed => 0,
            Self::Replayed => 1,
            Self::TooOld => 2,
            Self::Unauthenticated => 3,
            Self::TooManySources => 4,
            Self::EncryptionMismatch => 5,
        }
    }
}

impl fmt::Display for Discard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the packet is malformed",
            Self::Replayed => "the packet was received before",
            Self::TooOld => "the packet is older than the replay window",
            Self::Unauthenticated => "the packet does not authenticate",
            Self::TooManySources => "too many sources",
            Self::EncryptionMismatch => "the packet is (not) encrypted against the agreement",
        })
    }
}

impl core::error::Error for Discard {}

/// Why a packet could not be protected. The packet must not be sent; the session is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProtectError {
    /// Too short, not version 2, or with a header that claims more than there is.
    Malformed,
    /// No room for the tag: reserve [`TAILROOM`](crate::TAILROOM).
    NoSpace,
    /// The sequence number was protected before (see [`Options::allow_repeats`](crate::Options::allow_repeats)).
    Repeated,
    /// The sequence number lies too far behind the highest one protected.
    TooOld,
    /// The keys have protected as many packets as they may: 2⁴⁸ RTP or 2³¹ RTCP packets of an SSRC (RFC 3711,
    /// section 9.2).
    KeyExhausted,
    /// A further SSRC, beyond [`Options::max_local_sources`](crate::Options::max_local_sources).
    TooManySources,
    /// The cipher refused, as an AEAD does for absurdly long packets.
    Cipher,
}

impl fmt::Display for ProtectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the packet is malformed",
            Self::NoSpace => "no room for the authentication tag",
            Self::Repeated => "the sequence number was used before",
            Self::TooOld => "the sequence number is too far behind",
            Self::KeyExhausted => "the keys have protected as many packets as they may",
            Self::TooManySources => "too many sources",
            Self::Cipher => "the cipher refused the packet",
        })
    }
}

impl core::error::Error for ProtectError {}
