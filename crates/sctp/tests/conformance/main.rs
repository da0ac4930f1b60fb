//! Scenarios that conformance suites for SCTP run, one behaviour per test: setup and its errors (ETSI TS 102 369, "AS",
//! "I"), tags and packets out of the blue, data and acknowledgements ("D", "A"), shutdown ("AT"), faults ("FH"), and
//! the extensions' own rules (RE-CONFIG, FORWARD-TSN, I-DATA, zero checksums). The peer is played chunk by chunk.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions, missing_docs)]

mod acknowledgement;
mod bundled;
mod data;
mod extensions;
mod reconfig;
mod setup;
mod shutdown;
#[path = "../support/mod.rs"]
mod support;
mod tags;
