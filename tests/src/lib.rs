//! What the tests of this package share: peers and servers for the simulated internet.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unreachable,
    reason = "test support may panic"
)]

mod datagram_server;
mod hosted_peer;
mod internet;
mod own_network;
mod peer_node;
mod stream_server;
mod turn_server;

pub use datagram_server::DatagramServer;
pub use hosted_peer::{Handle, Host, HostedPeer, HostedServer, News, Teller};
pub use internet::{Access, Internet, Machine, SERVER, USER};
pub use own_network::{in_own_network, ip};
pub use peer_node::{MediaReceived, PeerNode};
pub use stream_server::StreamServer;
pub use turn_server::TurnServer;
