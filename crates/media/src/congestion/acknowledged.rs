//! The bitrate that arrives.

/// Microseconds that one bucket stands for, and how many there are.
const BUCKET: i64 = 20_000;
const BUCKETS: usize = 20;
/// How long must have been measured, in microseconds.
const MIN_SPAN: i64 = 100_000;

/// Counts bytes by their arrival on the receiver's clock, over the last 400 ms.
#[derive(Clone, Debug, Default)]
pub(super) struct Acknowledged {
    buckets: [u64; BUCKETS],
    total: u64,
    /// The newest bucket's number.
    newest: i64,
    first_arrival: Option<i64>,
    last_arrival: i64,
}

impl Acknowledged {
    pub(super) fn add(&mut self, arrival: i64, bytes: u64) {
        let number = arrival.div_euclid(BUCKET);
        if self.first_arrival.is_none() || number.abs_diff(self.newest) > slots(BUCKETS) {
            // The first packet says when, not how much.
            *self = Self {
                newest: number,
                first_arrival: Some(arrival),
                last_arrival: arrival,
                ..Self::default()
            };
            return;
        }
        while self.newest < number {
            self.newest += 1;
            if let Some(bucket) = self.buckets.get_mut(position(self.newest)) {
                self.total = self.total.saturating_sub(core::mem::take(bucket));
            }
        }
        if number.saturating_add(i64::try_from(BUCKETS).unwrap_or(0)) <= self.newest {
            return;
        }
        if let Some(bucket) = self.buckets.get_mut(position(number)) {
            *bucket = bucket.saturating_add(bytes);
            self.total = self.total.saturating_add(bytes);
        }
        self.last_arrival = self.last_arrival.max(arrival);
    }

    /// Bits per second; `None` before enough has arrived.
    pub(super) fn bps(&self) -> Option<u64> {
        let covered =
            self.newest.saturating_sub(i64::try_from(BUCKETS).unwrap_or(0) - 1).saturating_mul(BUCKET);
        let span = self.last_arrival.saturating_sub(self.first_arrival?.max(covered));
        let micros = u64::try_from(span).ok().filter(|_| span >= MIN_SPAN)?;
        Some(self.total.saturating_mul(8_000_000) / micros)
    }
}

fn position(number: i64) -> usize {
    usize::try_from(number.rem_euclid(i64::try_from(BUCKETS).unwrap_or(1))).unwrap_or(0)
}

fn slots(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_the_rate_within_its_window() {
        let mut acknowledged = Acknowledged::default();
        assert_eq!(acknowledged.bps(), None);
        // 1000 bytes each 8 ms are 1 Mbit/s.
        (0..100).for_each(|i| acknowledged.add(i * 8_000, 1000));
        let bps = acknowledged.bps().unwrap();
        assert!((950_000..=1_050_000).contains(&bps), "{bps}");
        (0..100).for_each(|i| acknowledged.add(800_000 + i * 4_000, 1000));
        let bps = acknowledged.bps().unwrap();
        assert!((1_900_000..=2_100_000).contains(&bps), "{bps}");
    }

    #[test]
    fn silence_and_jumps_begin_anew() {
        let mut acknowledged = Acknowledged::default();
        (0..100).for_each(|i| acknowledged.add(i * 8_000, 1000));
        acknowledged.add(5_000_000, 1000);
        assert_eq!(acknowledged.bps(), None);
        acknowledged.add(i64::MIN, 1000);
        acknowledged.add(i64::MAX, 1000);
        assert_eq!(acknowledged.bps(), None);
    }
}
