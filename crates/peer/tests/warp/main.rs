//! Round trips that are saved when a connection is made: what saves them, and that nothing breaks where it cannot.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    clippy::as_conversions
)]

mod early;
mod round_trips;
mod snap;
mod sped;
#[path = "../support/mod.rs"]
mod support;
