//! Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1).
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |V=2|P|  FMT=15 |    PT=205     |           length              |
//! |                     SSRC of packet sender                     |
//! |                      SSRC of media source                     |
//! |      base sequence number     |      packet status count      |
//! |                 reference time                | fb pkt. count |
//! |          packet chunk         |         packet chunk          |
//! |         packet chunk          |  recv delta   |  recv delta   |
//! |           recv delta          |  recv delta   | zero padding  |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

mod builder;
mod chunk;
mod view;

pub use builder::TwccBuilder;
pub use chunk::{Chunk, Symbol};
pub use view::Twcc;

/// Microseconds in one unit of the receive deltas.
pub const TICK_MICROS: u64 = 250;
/// Ticks of 250 µs in one unit of the reference time, 64 ms.
pub const TICKS_PER_REFERENCE: i64 = 256;
