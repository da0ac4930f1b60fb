//! Ways to the peer.

use core::net::SocketAddr;
use sendrecv_core::Path;

/// Names an allocation on a TURN server within one agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelayId(pub(crate) u32);

/// A way to the peer: straight from a socket, or through an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Route {
    /// From a host's socket.
    Direct(Path),
    /// Through a TURN server.
    Relayed {
        /// The allocation.
        relay: RelayId,
        /// The peer's address as the TURN server sees it.
        peer: SocketAddr,
    },
}

impl Route {
    /// The address datagrams arrive at, as far as the local side can know it.
    pub const fn remote(&self) -> SocketAddr {
        match self {
            Self::Direct(path) => path.remote,
            Self::Relayed { peer, .. } => *peer,
        }
    }
}
