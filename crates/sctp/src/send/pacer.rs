//! Spreading packets over time, in bursts that one wake-up can serve.

use crate::congestion::bytes_at;
use crate::num::wide;
use core::time::Duration;
use sendrecv_core::Instant;

/// How much time's worth of bytes may leave at once.
const BURST: Duration = Duration::from_millis(2);
/// At least this many packets may leave at once, however slow the path.
const BURST_PACKETS: u64 = 8;

/// A bucket that fills at the pacing rate. A packet may leave while there is any credit, and leaves a debt behind.
#[derive(Clone, Debug)]
pub(crate) struct Pacer {
    credit: i64,
    filled_at: Instant,
}

impl Pacer {
    pub(crate) const fn new(now: Instant) -> Self {
        Self { credit: i64::MAX, filled_at: now }
    }

    /// Whether a packet may leave now.
    pub(crate) fn may_send(&mut self, now: Instant, per_second: Option<u64>, packet_size: usize) -> bool {
        let Some(per_second) = per_second else {
            self.credit = i64::MAX;
            self.filled_at = now;
            return true;
        };
        let full = Self::capacity(per_second, packet_size);
        let added = signed(bytes_at(per_second, now.saturating_since(self.filled_at)));
        if added > 0 || self.credit > full {
            self.credit = self.credit.saturating_add(added).min(full);
            self.filled_at = now;
        }
        self.credit > 0
    }

    /// Accounts for what left.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.credit = self.credit.saturating_sub(signed(wide(bytes)));
    }

    /// When half a burst may leave, after [`may_send`](Self::may_send) said no.
    pub(crate) fn release_at(&self, per_second: Option<u64>, packet_size: usize) -> Option<Instant> {
        let per_second = per_second?.max(1);
        let wanted = Self::capacity(per_second, packet_size) / 2;
        let missing = wanted.saturating_sub(self.credit).max(1).unsigned_abs();
        let nanos = u128::from(missing).saturating_mul(1_000_000_000) / u128::from(per_second);
        let wait = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX).saturating_add(1));
        Some(self.filled_at + wait)
    }

    fn capacity(per_second: u64, packet_size: usize) -> i64 {
        signed(bytes_at(per_second, BURST).max(wide(packet_size).saturating_mul(BURST_PACKETS)))
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wake_up_serves_several_packets_and_the_rate_holds() {
        let per_second = Some(1_250_000);
        let (mut pacer, mut now) = (Pacer::new(Instant::ZERO), Instant::ZERO);
        let (mut sent, mut wakes) = (0u64, 0u64);
        while now < Instant::from_millis(1000) {
            while pacer.may_send(now, per_second, 1200) {
                pacer.sent(1200);
                sent += 1200;
            }
            now = pacer.release_at(per_second, 1200).unwrap();
            wakes += 1;
        }
        let measured = sent;
        assert!((1_200_000..1_300_000).contains(&measured), "{measured}");
        assert!(sent / 1200 > wakes * 3, "{wakes} wake-ups");
    }

    #[test]
    fn without_a_rate_everything_may_leave() {
        let mut pacer = Pacer::new(Instant::ZERO);
        pacer.sent(usize::MAX);
        assert!(pacer.may_send(Instant::ZERO, None, 1200));
        assert_eq!(pacer.release_at(None, 1200), None);
    }
}
