//! A sans-IO TURN client (RFC 8656) over UDP, TCP and TLS.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod channel_data;
mod client;
mod config;
mod deadlines;
mod event;
mod framing;
mod peers;
mod requests;

pub use client::{HEADROOM, Permit, TAILROOM, TurnClient, Up};
pub use config::{Families, TurnConfig};
pub use event::{Discard, Event, Failure, TurnStats, UsageError};
pub use framing::{FramingError, StreamFraming};
