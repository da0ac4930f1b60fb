//! NATs of every kind on both sides, with and without TURN, and what else networks do to packets. What comes about is
//! kept as snapshots: `SENDRECV_BLESS=1 cargo test -p sendrecv-ice --test nat` writes them anew.
#![allow(
    unreachable_pub,
    clippy::as_conversions,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may panic"
)]

mod carriers;
mod extremes;
mod floods;
mod grid;
mod household;
mod lifetimes;
mod loss;
mod roaming;
mod servers;
mod setup;
#[path = "../support/mod.rs"]
mod support;
#[path = "../../../../tests/src/turn_server.rs"]
#[allow(dead_code, unreachable_pub)]
mod turn_server;
