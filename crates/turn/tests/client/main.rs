//! The client against a TURN server that is a pure state machine too.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions, clippy::panic)]

mod allocations;
mod flows;
mod properties;
mod server;
mod world;
