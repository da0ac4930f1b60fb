//! A sans-IO ICE agent (RFC 8445) with trickle, TURN, consent and restarts.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
