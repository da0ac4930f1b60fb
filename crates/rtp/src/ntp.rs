//! NTP timestamps as RTCP carries them (RFC 3550, section 4).

use core::time::Duration;

/// Seconds from 1900 to 1970.
const UNIX_EPOCH_SECONDS: u64 = 2_208_988_800;

/// A point in wall-clock time: 32 bits of seconds since 1900, 32 bits of fraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct NtpTime(
    /// As on the wire.
    pub u64,
);

impl NtpTime {
    /// From the time since the Unix epoch. Wraps in 2036, as the format does.
    pub fn from_unix(since_1970: Duration) -> Self {
        let seconds = since_1970.as_secs().wrapping_add(UNIX_EPOCH_SECONDS);
        let fraction = (u64::from(since_1970.subsec_nanos()) << 32) / 1_000_000_000;
        Self(seconds << 32 | fraction)
    }

    /// The time since the Unix epoch; zero for times before it.
    pub fn to_unix(self) -> Duration {
        let seconds = (self.0 >> 32).saturating_sub(UNIX_EPOCH_SECONDS);
        let nanos = ((self.0 & 0xffff_ffff) * 1_000_000_000) >> 32;
        Duration::new(seconds, u32::try_from(nanos).unwrap_or(0))
    }

    /// The middle 32 bits, which report blocks send back: 16 bits of seconds, 16 of fraction.
    pub const fn middle(self) -> CompactNtp {
        let [_, _, a, b, c, d, _, _] = self.0.to_be_bytes();
        CompactNtp(u32::from_be_bytes([a, b, c, d]))
    }
}

/// A time or a span in units of 1/65536 s: the middle 32 bits of an [`NtpTime`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompactNtp(
    /// As on the wire.
    pub u32,
);

impl CompactNtp {
    /// A span, at most 65536 s.
    pub fn from_duration(span: Duration) -> Self {
        let units = (span.as_nanos() << 16) / 1_000_000_000;
        Self(u32::try_from(units).unwrap_or(u32::MAX))
    }

    /// As a span.
    pub fn to_duration(self) -> Duration {
        Duration::from_nanos((u64::from(self.0) * 1_000_000_000) >> 16)
    }

    /// The round-trip time by RFC 3550, section 6.4.1: when the report `arrived`, the `last_report` it answers and the
    /// `delay` the peer held it for. `None` when there was no report to answer or the sum is negative, as clocks of
    /// unequal speed and lying peers make it.
    pub fn round_trip(arrived: Self, last_report: Self, delay: Self) -> Option<Duration> {
        if last_report.0 == 0 {
            return None;
        }
        let units = arrived.0.wrapping_sub(last_report.0).wrapping_sub(delay.0);
        (units.cast_signed() >= 0).then(|| Self(units).to_duration())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_example_of_rfc_3550_figure_2_has_an_rtt_of_6_125_s() {
        let text = include_str!("../../../tests/vectors/rtp/rtp_rtcp_numbers.json");
        let vector: serde_json::Value = serde_json::from_str(text).unwrap();
        let field =
            |name: &str| CompactNtp(u32::from_str_radix(vector["rtt"][name].as_str().unwrap(), 16).unwrap());
        let rtt = CompactNtp::round_trip(field("A"), field("LSR"), field("DLSR"));
        assert_eq!(rtt, Some(field("rtt").to_duration()));
        assert_eq!(rtt, Some(Duration::from_millis(6125)));
    }

    #[test]
    fn a_negative_or_unanswered_round_trip_is_none() {
        let (one, two) = (CompactNtp(1), CompactNtp(2));
        assert_eq!(CompactNtp::round_trip(one, two, CompactNtp(0)), None);
        assert_eq!(CompactNtp::round_trip(two, CompactNtp(0), one), None);
    }

    proptest! {
        #[test]
        fn unix_time_survives_to_the_nanosecond(seconds in 0u64..2_000_000_000, nanos in 0u32..1_000_000_000) {
            let time = Duration::new(seconds, nanos);
            let back = NtpTime::from_unix(time).to_unix();
            prop_assert!(time - back <= Duration::from_nanos(1));
        }
    }
}
