//! What a host calls its peers.

/// Names a peer within its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PeerId(pub(crate) u64);
