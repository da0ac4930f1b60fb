//! The receiver's clock, as feedback shows it.

use sendrecv_rtp::CompactNtp;
use sendrecv_rtp::rtcp::twcc::TICK_MICROS;

/// Unwraps the two formats of arrival times into microseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ArrivalClock {
    last: Option<Last>,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    wire: u32,
    unwrapped: i64,
}

impl ArrivalClock {
    /// Ticks of 250 µs of transport-wide feedback, whose reference time wraps after 2³² of them.
    pub(super) fn unwrap_ticks(&mut self, ticks: i64) -> i64 {
        let [.., a, b, c, d] = ticks.to_be_bytes();
        let ticks = self.unwrap(u32::from_be_bytes([a, b, c, d]));
        ticks.saturating_mul(i64::try_from(TICK_MICROS).unwrap_or(0))
    }

    /// A report's timestamp, in units of 1/65536 s.
    pub(super) fn unwrap_timestamp(&mut self, timestamp: CompactNtp) -> i64 {
        self.unwrap(timestamp.0).saturating_mul(1_000_000) >> 16
    }

    fn unwrap(&mut self, wire: u32) -> i64 {
        let step = self.last.map_or(0, |last| i64::from(wire.wrapping_sub(last.wire).cast_signed()));
        let before = self.last.map_or(i64::from(wire), |last| last.unwrapped);
        let unwrapped = before.saturating_add(step);
        self.last = Some(Last { wire, unwrapped });
        unwrapped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_time_goes_on_over_its_wrap() {
        let mut clock = ArrivalClock::default();
        let first = clock.unwrap_ticks(-4);
        assert_eq!(clock.unwrap_ticks(4) - first, 2000);
        assert_eq!(clock.unwrap_ticks(0) - first, 1000);
    }

    #[test]
    fn a_report_timestamp_is_in_fractions_of_a_second() {
        let mut clock = ArrivalClock::default();
        let first = clock.unwrap_timestamp(CompactNtp(0xffff_8000));
        assert_eq!(clock.unwrap_timestamp(CompactNtp(0x8000)) - first, 1_000_000);
    }
}
