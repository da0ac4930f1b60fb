//! Why a datagram had no effect.

use sendrecv_core::DiscardReason;

/// Why a datagram had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Discard {
    /// The agent is closed.
    Closed,
    /// It came to a socket or over a stream that the agent does not have, or that policy forbids.
    UnknownSocket,
    /// A broken STUN message, or one whose FINGERPRINT is wrong.
    Malformed,
    /// A STUN message of a kind that ICE has no use for.
    Unexpected,
    /// A check without USERNAME, or for another agent or generation.
    UnknownUsername,
    /// MESSAGE-INTEGRITY is absent or wrong.
    Unauthenticated,
    /// An authenticated check without PRIORITY, or without a role.
    Incomplete,
    /// A response to no request of ours, or to one that is over.
    UnknownTransaction,
    /// A response from elsewhere than the request went to (RFC 8445, section 7.2.5.2.1).
    AsymmetricResponse,
    /// An error response that changes nothing.
    ErrorResponse,
    /// A bound was reached: pairs, remote candidates or responses.
    Full,
    /// Data from an address that no check has authenticated.
    Unvalidated,
    /// The TURN client had no use for it.
    Relay,
}

impl DiscardReason for Discard {
    const ALL: &'static [Self] = &[
        Self::Closed,
        Self::UnknownSocket,
        Self::Malformed,
        Self::Unexpected,
        Self::UnknownUsername,
        Self::Unauthenticated,
        Self::Incomplete,
        Self::UnknownTransaction,
        Self::AsymmetricResponse,
        Self::ErrorResponse,
        Self::Full,
        Self::Unvalidated,
        Self::Relay,
    ];

    #[allow(clippy::as_conversions)]
    fn index(self) -> usize {
        self as usize
    }
}

/// Number of [`Discard`] reasons.
pub(crate) const REASONS: usize = Discard::ALL.len();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_counter() {
        assert!(Discard::ALL.iter().enumerate().all(|(position, reason)| reason.index() == position));
    }
}
