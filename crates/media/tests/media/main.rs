//! Behaviour of whole engines: on a simulated line, under a counting allocator, and fed with nonsense.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod allocations;
mod conformance;
mod congestion;
mod engine;
mod hostile;
mod line;
mod simulcast;
