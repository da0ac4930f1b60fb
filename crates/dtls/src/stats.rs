//! Counters.

use crate::error::DISCARDS;
use sendrecv_core::Discards;

/// What a connection has seen and done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Datagrams handed in.
    pub datagrams_received: u64,
    /// Datagrams of the handshake, acknowledgements and alerts handed out.
    pub datagrams_sent: u64,
    /// Bytes of those.
    pub handshake_bytes_sent: u64,
    /// Records with application data opened.
    pub records_opened: u64,
    /// Records with application data sealed.
    pub records_sealed: u64,
    /// How often a flight was sent again, all or in part.
    pub retransmissions: u64,
    /// Key updates of ours that took effect.
    pub key_updates_sent: u64,
    /// Key updates of the peer.
    pub key_updates_received: u64,
    /// Records that had no effect, by reason.
    pub discards: Discards<DISCARDS>,
    /// How often time ran backwards.
    pub backwards_time: u64,
}
