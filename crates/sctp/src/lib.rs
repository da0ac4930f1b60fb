//! SCTP (RFC 9260) and WebRTC data channels (RFC 8831, RFC 8832) as pure state machines.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod association;
pub mod channel;
mod checksum;
mod config;
pub mod congestion;
mod error;
mod event;
mod num;
mod ranges;
mod receive;
mod send;
mod stats;
mod table;
pub mod wire;

pub use association::{Association, State};
pub use checksum::crc32c;
pub use config::{Config, Scheduling};
pub use error::{CloseReason, DISCARD_REASONS, Discard, SendError, UsageError};
pub use event::{Event, Message, SendOptions};
pub use stats::Stats;

/// The smallest packet budget in bytes that an association works with.
pub const MIN_PACKET_SIZE: usize = 512;
