//! A flow that fills the queue until it overflows, as TCP with Reno does.

use sendrecv_core::Instant;
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Tcp {
    /// In thousandths of packets.
    window: u64,
    in_flight: u64,
    next: u64,
    /// Losses of packets before this one were answered.
    recovered: u64,
    pub(crate) begin: Instant,
    pub(crate) delivered: u64,
}

pub(crate) const SEGMENT: usize = 1_400;
pub(crate) const ACK_DELAY: Duration = Duration::from_millis(25);

impl Tcp {
    pub(crate) fn new(begin: Instant) -> Self {
        Self { window: 10_000, in_flight: 0, next: 0, recovered: 0, begin, delivered: 0 }
    }

    /// The number of the packet to be sent now, if one may be.
    pub(crate) fn send(&mut self, now: Instant) -> Option<u64> {
        if now < self.begin || (self.in_flight + 1) * 1000 > self.window {
            return None;
        }
        self.in_flight += 1;
        self.next += 1;
        Some(self.next)
    }

    pub(crate) fn acknowledged(&mut self) {
        self.in_flight -= 1;
        self.delivered += u64::try_from(SEGMENT).unwrap();
        self.window += 1_000_000 / self.window.max(1000);
    }

    pub(crate) fn lost(&mut self, number: u64) {
        self.in_flight -= 1;
        if number > self.recovered {
            self.recovered = self.next;
            self.window = (self.window / 2).max(2000);
        }
    }
}
