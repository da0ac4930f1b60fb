//! Whole connections in simulation.
#![cfg(test)]
#![allow(clippy::as_conversions, clippy::needless_pass_by_value, unreachable_pub)]

#[global_allocator]
static ALLOCATOR: sendrecv_sim::Counting = sendrecv_sim::Counting;

mod behaviour;
mod browsers;
mod common;
mod connection_ids;
mod corpora;
mod handshake;
mod hostile;
mod hostile_cost;
mod keys;
mod simulation;
mod tampering;
mod watch;
