//! What the tests of this package share: peers and servers for the simulated internet, and an allocator that counts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unreachable,
    reason = "test support may panic"
)]

mod allocations;
mod internet;
mod peer_node;
mod turn_server;

pub use allocations::{Allocations, Counting};
pub use internet::{Access, Internet, Machine, SERVER, USER};
pub use peer_node::{MediaReceived, PeerNode};
pub use turn_server::TurnServer;
