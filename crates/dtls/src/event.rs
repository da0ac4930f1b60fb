//! What a connection tells its owner.

use crate::{CipherSuite, CloseReason, SrtpProfile, Version};
use alloc::boxed::Box;
use alloc::vec::Vec;
use sendrecv_crypto::NamedGroup;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The peer's certificate is here, but not its fingerprint: the handshake waits for
    /// [`Dtls::set_remote_fingerprints`](crate::Dtls::set_remote_fingerprints).
    FingerprintNeeded,
    /// The handshake is complete and the peer is who the signalling said.
    Connected(Box<ConnectedInfo>),
    /// The connection is over.
    Closed(CloseReason),
}

/// What was agreed in the handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectedInfo {
    /// The version.
    pub version: Version,
    /// The cipher suite.
    pub cipher_suite: CipherSuite,
    /// The key exchange group.
    pub group: NamedGroup,
    /// The SRTP profile, if both sides want SRTP.
    pub srtp_profile: Option<SrtpProfile>,
    /// The peer's certificate, DER.
    pub peer_certificate: Vec<u8>,
}

/// Where a connection is; the names of the W3C's `RTCDtlsTransportState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionState {
    /// Nothing was sent or received.
    New,
    /// The handshake is under way.
    Connecting,
    /// The peer is verified; data may flow.
    Connected,
    /// Closed by either side.
    Closed,
    /// Ended by an error.
    Failed,
}
