//! Loss and jitter of a received stream (RFC 3550, appendices A.3 and A.8).

use core::time::Duration;
use sendrecv_core::Instant;

/// Interarrival jitter.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Jitter {
    /// The previous packet's arrival and timestamp.
    last: Option<(Instant, u32)>,
    /// The estimate in 1/16 timestamp units.
    scaled: u64,
}

impl Jitter {
    /// Takes a packet's arrival and timestamp.
    pub(crate) fn update(&mut self, now: Instant, timestamp: u32, clock_rate: u32) {
        if let Some((arrival, previous)) = self.last.replace((now, timestamp)) {
            let elapsed = units(now.saturating_since(arrival), clock_rate);
            let sent = i64::from(timestamp.wrapping_sub(previous).cast_signed());
            let deviation = elapsed.saturating_sub(sent).unsigned_abs();
            // A jump of timestamps (a new source behind the same SSRC) says nothing about the network.
            if deviation < u64::from(clock_rate).saturating_mul(10) {
                self.scaled = self.scaled.saturating_add(deviation).saturating_sub((self.scaled + 8) >> 4);
            }
        }
    }

    /// The estimate in timestamp units.
    pub(crate) fn value(&self) -> u32 {
        u32::try_from(self.scaled >> 4).unwrap_or(u32::MAX)
    }
}

/// A span in timestamp units.
pub(crate) fn units(span: Duration, clock_rate: u32) -> i64 {
    let rate = u64::from(clock_rate);
    let units = span
        .as_secs()
        .saturating_mul(rate)
        .saturating_add(u64::from(span.subsec_nanos()) * rate / 1_000_000_000);
    i64::try_from(units).unwrap_or(i64::MAX)
}

/// Counts of expected and received packets, and what they were at the last report.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Loss {
    base: u64,
    /// Packets expected before the count last restarted.
    expected_before: u64,
    received: u64,
    expected_prior: u64,
    received_prior: u64,
}

impl Loss {
    /// Starts, or goes on after a jump, at `sequence`; `highest` is where the count stood.
    pub(crate) fn restart(&mut self, sequence: u64, highest: Option<u64>) {
        if let Some(highest) = highest {
            self.expected_before = self.expected(highest);
        }
        self.base = sequence;
    }

    /// Counts a packet.
    pub(crate) fn received(&mut self) {
        self.received = self.received.saturating_add(1);
    }

    /// Packets expected so far.
    fn expected(&self, highest: u64) -> u64 {
        self.expected_before.saturating_add(highest.saturating_sub(self.base)).saturating_add(1)
    }

    /// Packets lost so far; negative with duplicates.
    pub(crate) fn lost(&self, highest: u64) -> i64 {
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        signed(self.expected(highest)) - signed(self.received)
    }

    /// The fraction lost since the last call, in 1/256.
    pub(crate) fn fraction(&mut self, highest: u64) -> u8 {
        let expected = self.expected(highest);
        let expected_interval = expected.saturating_sub(self.expected_prior);
        let received_interval = self.received.saturating_sub(self.received_prior);
        (self.expected_prior, self.received_prior) = (expected, self.received);
        let lost = expected_interval.saturating_sub(received_interval);
        lost.saturating_mul(256)
            .checked_div(expected_interval)
            .map_or(0, |fraction| u8::try_from(fraction).unwrap_or(255))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_spacing_has_no_jitter_and_uneven_spacing_converges() {
        let mut jitter = Jitter::default();
        for i in 0..100u32 {
            jitter.update(Instant::from_millis(u64::from(i) * 20), i.wrapping_mul(960), 48_000);
        }
        assert_eq!(jitter.value(), 0);
        for i in 100..500u32 {
            let uneven = u64::from(i) * 20 + u64::from(i % 2) * 10;
            jitter.update(Instant::from_millis(uneven), i.wrapping_mul(960), 48_000);
        }
        assert!((440..=480).contains(&jitter.value()), "{}", jitter.value());
    }

    #[test]
    fn timestamps_may_wrap_or_jump() {
        let mut jitter = Jitter::default();
        jitter.update(Instant::from_millis(0), u32::MAX - 100, 90_000);
        jitter.update(Instant::from_millis(10), 799, 90_000);
        assert_eq!(jitter.value(), 0);
        jitter.update(Instant::from_millis(20), 0x8000_0000, 90_000);
        assert_eq!(jitter.value(), 0);
    }

    #[test]
    fn loss_is_counted_per_interval_and_in_all() {
        let mut loss = Loss::default();
        loss.restart(100, None);
        (0..75).for_each(|_| loss.received());
        assert_eq!((loss.lost(199), loss.fraction(199)), (25, 64));
        (0..100).for_each(|_| loss.received());
        assert_eq!((loss.lost(299), loss.fraction(299)), (25, 0));
        assert_eq!(loss.fraction(299), 0);
    }
}
