//! The four classes of errors: discards, failures that end the connection, misuse, and why a connection is closed.

use crate::AlertDescription;
use crate::wire::DecodeError;
use crate::wire::fragment::HandshakeType;
use core::fmt;
use sendrecv_core::{DiscardReason, NoSpace};
use sendrecv_crypto::CryptoError;
use thiserror::Error;

/// Why a record or datagram had no effect. Each is counted in [`Stats`](crate::Stats).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Discard {
    /// The datagram is empty, or a record's header or length runs past its end.
    #[error("a record is cut off")]
    Truncated,
    /// The first byte is not that of a DTLS record.
    #[error("not a DTLS record")]
    UnknownContentType,
    /// The record's version field is not DTLS.
    #[error("a record of another protocol version")]
    BadVersion,
    /// There are no keys for the record's epoch, or no more.
    #[error("a record of an epoch without keys")]
    UnknownEpoch,
    /// A protected record came before its keys and there was no room to keep it.
    #[error("too many records before their keys")]
    EarlyRecord,
    /// The record's connection ID is not one of ours, or it has none though we want one, or one though none was agreed.
    #[error("a record with another connection ID")]
    UnknownConnectionId,
    /// The record's number was seen before, or is older than the replay window.
    #[error("a replayed record")]
    Replayed,
    /// The record does not authenticate.
    #[error("a forged or damaged record")]
    Unauthenticated,
    /// The record is protected, but what is inside has no meaning.
    #[error("a record without meaning")]
    BadContent,
    /// Application data without protection, or before the peer is verified.
    #[error("application data before the handshake is complete")]
    EarlyApplicationData,
    /// A plaintext record when only protected ones are believed.
    #[error("a plaintext record after the keys are there")]
    Plaintext,
    /// A handshake fragment that contradicts itself or an earlier one.
    #[error("a malformed handshake fragment")]
    BadFragment,
    /// A handshake message that is too large, or too far ahead to be kept.
    #[error("a handshake message beyond the bounds of reassembly")]
    ReassemblyFull,
    /// A DTLS 1.2 peer tried to renegotiate.
    #[error("an attempt to renegotiate")]
    Renegotiation,
    /// The connection is closed.
    #[error("the connection is closed")]
    Closed,
}

impl DiscardReason for Discard {
    const ALL: &'static [Self] = &[
        Self::Truncated,
        Self::UnknownContentType,
        Self::BadVersion,
        Self::UnknownEpoch,
        Self::EarlyRecord,
        Self::UnknownConnectionId,
        Self::Replayed,
        Self::Unauthenticated,
        Self::BadContent,
        Self::EarlyApplicationData,
        Self::Plaintext,
        Self::BadFragment,
        Self::ReassemblyFull,
        Self::Renegotiation,
        Self::Closed,
    ];

    fn index(self) -> usize {
        Self::ALL.iter().position(|reason| *reason == self).unwrap_or(0)
    }
}

/// How many reasons [`Discard`] has.
pub(crate) const DISCARDS: usize = 15;

/// What the peer did wrong, or what the two sides could not agree on. The connection is over; the alert is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Failure {
    /// The peer's certificate has none of the signalled fingerprints (RFC 8122, section 6.2).
    #[error("the certificate has none of the signalled fingerprints")]
    FingerprintMismatch,
    /// The peer sent no certificate.
    #[error("the peer sent no certificate")]
    NoCertificate,
    /// The peer's certificate cannot be read or has a kind of key that is not supported.
    #[error("the certificate's key cannot be read")]
    UnsupportedCertificate,
    /// The server wants no certificate from us; in WebRTC both sides show one.
    #[error("the server asked for no certificate")]
    CertificateNotRequested,
    /// No version in common.
    #[error("no DTLS version in common")]
    NoCommonVersion,
    /// No cipher suite in common.
    #[error("no cipher suite in common")]
    NoCommonCipherSuite,
    /// No key exchange group in common.
    #[error("no key exchange group in common")]
    NoCommonGroup,
    /// No signature scheme in common that our key can do.
    #[error("no signature scheme in common")]
    NoCommonSignatureScheme,
    /// A DTLS 1.2 peer does not know the extended master secret (RFC 7627) and the configuration insists on it.
    #[error("the peer does not know the extended master secret")]
    NoExtendedMasterSecret,
    /// Somebody between the two sides made them choose an older version (RFC 8446, section 4.1.3).
    #[error("the version was downgraded")]
    Downgrade,
    /// A signature does not verify.
    #[error("the signature in {0} does not verify")]
    BadSignature(HandshakeType),
    /// The peer's Finished does not verify: the two sides saw different handshakes.
    #[error("Finished does not verify")]
    BadFinished,
    /// The peer's key share is no valid share of its group.
    #[error("the key share is not valid")]
    BadKeyShare,
    /// A message cannot be decoded.
    #[error("{0} cannot be decoded: {1}")]
    Decode(HandshakeType, DecodeError),
    /// A field contradicts what was offered or agreed.
    #[error("{0} has a field that contradicts the handshake")]
    IllegalParameter(HandshakeType),
    /// A mandatory extension is missing.
    #[error("extension {1} is missing in {0}")]
    MissingExtension(HandshakeType, u16),
    /// An answer to an extension that was not sent.
    #[error("{0} has extension {1}, which nobody asked for")]
    UnsolicitedExtension(HandshakeType, u16),
    /// A message came when it should not.
    #[error("{0} was not expected")]
    UnexpectedMessage(HandshakeType),
    /// The peer asked for more connection IDs before it was answered (RFC 9147, section 9).
    #[error("too many requests for connection IDs")]
    TooManyConnectionIds,
    /// The provider cannot do what was agreed, or an external signer failed.
    #[error("the crypto provider failed: {0}")]
    Crypto(CryptoError),
}

impl Failure {
    /// The alert that tells the peer.
    pub const fn alert(&self) -> AlertDescription {
        match self {
            Self::FingerprintMismatch => AlertDescription::BadCertificate,
            Self::UnsupportedCertificate => AlertDescription::UnsupportedCertificate,
            Self::NoCommonVersion => AlertDescription::ProtocolVersion,
            Self::NoCertificate
            | Self::CertificateNotRequested
            | Self::NoCommonCipherSuite
            | Self::NoCommonGroup
            | Self::NoCommonSignatureScheme
            | Self::NoExtendedMasterSecret => AlertDescription::HandshakeFailure,
            Self::Downgrade | Self::BadKeyShare | Self::IllegalParameter(_) => {
                AlertDescription::IllegalParameter
            }
            Self::BadSignature(_) | Self::BadFinished => AlertDescription::DecryptError,
            Self::Decode(..) => AlertDescription::DecodeError,
            Self::MissingExtension(..) => AlertDescription::MissingExtension,
            Self::UnsolicitedExtension(..) => AlertDescription::UnsupportedExtension,
            Self::UnexpectedMessage(_) => AlertDescription::UnexpectedMessage,
            Self::TooManyConnectionIds => AlertDescription::TooManyCidsRequested,
            Self::Crypto(_) => AlertDescription::InternalError,
        }
    }
}

impl From<CryptoError> for Failure {
    fn from(error: CryptoError) -> Self {
        Self::Crypto(error)
    }
}

/// Why a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// [`Dtls::close`](crate::Dtls::close) was called.
    Local,
    /// The peer sent close_notify.
    Peer,
    /// The peer sent a fatal alert.
    Alert(AlertDescription),
    /// We gave up; the peer was sent the alert.
    Failed(Failure),
    /// The handshake was not complete within [`Config::handshake_timeout`](crate::Config::handshake_timeout).
    HandshakeTimeout,
    /// So many records failed authentication that a forgery could succeed (RFC 9147, section 4.5.3).
    ForgeryLimit,
}

impl CloseReason {
    /// Whether one of the sides ended it on purpose.
    pub const fn is_orderly(self) -> bool {
        matches!(self, Self::Local | Self::Peer)
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("closed here"),
            Self::Peer => f.write_str("closed by the peer"),
            Self::Alert(description) => write!(f, "the peer sent the alert {description}"),
            Self::Failed(failure) => write!(f, "failed: {failure}"),
            Self::HandshakeTimeout => f.write_str("the handshake timed out"),
            Self::ForgeryLimit => f.write_str("too many forged records"),
        }
    }
}

/// Why application data cannot be sealed. The packet is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SealError {
    /// The handshake is not complete.
    #[error("the handshake is not complete")]
    NotConnected,
    /// The connection is closed.
    #[error("the connection is closed")]
    Closed,
    /// The packet has too little head- or tailroom.
    #[error("the packet has too little head- or tailroom")]
    NoSpace,
    /// More than a record can carry (2¹⁴ bytes).
    #[error("more than a record can carry")]
    TooLong,
    /// The key may protect no more records, and there is no new one.
    #[error("the key has protected as many records as it may")]
    KeyExhausted,
}

impl From<NoSpace> for SealError {
    fn from(_: NoSpace) -> Self {
        Self::NoSpace
    }
}

/// Why keying material cannot be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ExportError {
    /// The handshake is not complete, or the connection failed.
    #[error("there is nothing to export before the handshake is complete")]
    NotConnected,
    /// DTLS 1.2 without the extended master secret does not bind the keys to the handshake; or the length or context is
    /// more than the exporter can do.
    #[error("the exporter cannot do that: {0}")]
    Crypto(#[from] CryptoError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_discard_has_its_own_counter() {
        assert_eq!(Discard::ALL.len(), DISCARDS);
        for (i, reason) in Discard::ALL.iter().enumerate() {
            assert_eq!(reason.index(), i);
        }
    }
}
