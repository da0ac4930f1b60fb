//! Bulk transfer over simulated paths: transports in virtual time, whose figures no other load on the machine disturbs.
//!
//! The paths, and our own end, are those that the tests of `sendrecv-sctp` use.

mod dcsctp;
mod quic;
mod rtc_sctp;
mod sctp_proto;

#[path = "../../../crates/sctp/tests/simulation/bottleneck.rs"]
pub mod bottleneck;
#[path = "../../../crates/sctp/tests/simulation/network.rs"]
pub mod network;
#[path = "../../../crates/sctp/tests/simulation/ours.rs"]
pub mod ours;

pub use dcsctp::DcSctp;
pub use quic::{Quic, QuicControl};
pub use rtc_sctp::RtcSctp;
pub use sctp_proto::SctpProto;

use sendrecv_core::Instant;
use std::time::{Duration, Instant as Clock};

/// The length of the messages that every transport sends.
const MESSAGE: usize = 16 << 10;
/// How much is handed over at most before it has been sent.
const SEND_BUFFER: usize = 4 << 20;

/// Virtual time as the clock of libraries that ask for the system's.
struct SystemTime {
    origin: Instant,
    clock: Clock,
}

impl SystemTime {
    fn starting(origin: Instant) -> Self {
        Self { origin, clock: Clock::now() }
    }

    fn of(&self, at: Instant) -> Clock {
        self.clock + at.saturating_since(self.origin)
    }

    fn back(&self, at: Clock) -> Instant {
        // A nanosecond later, so that a timer is due when it is called for.
        self.origin + at.saturating_duration_since(self.clock) + Duration::from_nanos(1)
    }
}
