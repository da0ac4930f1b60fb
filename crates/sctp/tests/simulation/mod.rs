//! Connections over simulated paths in virtual time, for the tests and the `goodput` bench of the workspace.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::as_conversions)]

pub mod bottleneck;
pub mod network;
pub mod ours;
pub mod snapshot;
pub mod tcp;
