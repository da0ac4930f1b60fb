//! When the next packet may go: a bucket that leaks at the pacing rate.

use core::time::Duration;
use sendrecv_core::Instant;

/// What may go at once, in time at the pacing rate: few wake-ups, and batches, without a queue of note elsewhere.
const BURST: Duration = Duration::from_millis(5);
/// The same while a probe is sent, whose packets are to be evenly apart.
const PROBE_BURST: Duration = Duration::from_millis(1);

/// Spreads packets over time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pacer {
    /// When all that went will have leaked.
    empty_at: Instant,
    /// After a burst nothing goes before the bucket is empty, so that several packets go then.
    opens_at: Instant,
}

impl Pacer {
    pub(super) const fn new(now: Instant) -> Self {
        Self { empty_at: now, opens_at: now }
    }

    /// Whether a packet may go now.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        self.opens_at <= now
    }

    /// From when on a packet may go.
    pub(super) const fn opens_at(&self) -> Instant {
        self.opens_at
    }

    /// Puts a packet into the bucket. A host that wakes up late has what it missed, up to a burst.
    pub(super) fn packet_sent(&mut self, now: Instant, bytes: u64, bps: u64, probing: bool) {
        let nanos = bytes.saturating_mul(8_000_000_000) / bps.max(1);
        let begin = self.empty_at.max(now.saturating_sub(BURST));
        self.empty_at = begin + Duration::from_nanos(nanos);
        if self.empty_at >= now + burst(probing) {
            self.opens_at = self.empty_at;
        }
    }
}

const fn burst(probing: bool) -> Duration {
    if probing { PROBE_BURST } else { BURST }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends as much as may go for a second, waking up when told to; bytes and wake-ups.
    fn run(pacer: &mut Pacer, late: Duration) -> (u64, u32) {
        let (mut now, mut bytes, mut wakes) = (Instant::ZERO, 0, 0);
        while now < Instant::from_millis(1000) {
            wakes += 1;
            while pacer.is_open(now) {
                pacer.packet_sent(now, 1000, 8_000_000, false);
                bytes += 1000;
            }
            now = pacer.opens_at() + late;
        }
        (bytes, wakes)
    }

    #[test]
    fn packets_go_at_the_rate_in_small_bursts() {
        let (bytes, wakes) = run(&mut Pacer::new(Instant::ZERO), Duration::ZERO);
        assert!((1_000_000..1_020_000).contains(&bytes), "{bytes}");
        assert!(wakes <= 201, "{wakes}");
    }

    #[test]
    fn a_late_host_catches_up() {
        let (bytes, _) = run(&mut Pacer::new(Instant::ZERO), Duration::from_millis(2));
        assert!(bytes > 990_000, "{bytes}");
    }
}
