//! What the tests of this package share: servers for the simulated internet, and an allocator that counts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "test support may panic"
)]

mod allocations;
mod turn_server;

pub use allocations::{Allocations, Counting};
pub use turn_server::TurnServer;
