//! Whole connections in simulation.
#![cfg(test)]
#![allow(clippy::as_conversions, clippy::needless_pass_by_value, unreachable_pub)]

mod behaviour;
mod browsers;
mod common;
mod connection_ids;
mod handshake;
mod hostile;
mod simulation;
