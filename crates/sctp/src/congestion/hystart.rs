//! HyStart++: leaving slow start before it overflows the queue (RFC 9406).

use super::Ack;
use core::time::Duration;

const MIN_RTT_THRESHOLD: Duration = Duration::from_millis(4);
const MAX_RTT_THRESHOLD: Duration = Duration::from_millis(16);
const SAMPLES: u32 = 8;
const GROWTH_DIVISOR: usize = 4;
const CONSERVATIVE_ROUNDS: u32 = 5;

/// Watches the round-trip time during slow start.
#[derive(Clone, Debug)]
pub(super) struct HyStart {
    last_round_min: Duration,
    round_min: Duration,
    samples: u32,
    /// While growing conservatively: the round-trip time that started it, and rounds left.
    conservative: Option<(Duration, u32)>,
}

/// How slow start goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Growth {
    /// By this many bytes.
    By(usize),
    /// It is over.
    Over,
}

impl HyStart {
    pub(super) const fn new() -> Self {
        Self { last_round_min: Duration::MAX, round_min: Duration::MAX, samples: 0, conservative: None }
    }

    /// Takes note of an acknowledgement and says how the window grows.
    pub(super) fn on_ack(&mut self, ack: &Ack) -> Growth {
        if ack.round_started && self.start_round() {
            return Growth::Over;
        }
        if let Some(rtt) = ack.rtt {
            self.round_min = self.round_min.min(rtt);
            self.samples = self.samples.saturating_add(1);
        }
        if self.samples >= SAMPLES {
            self.judge_round();
        }
        Growth::By(if self.conservative.is_some() { ack.acked / GROWTH_DIVISOR } else { ack.acked })
    }

    /// Whether conservative growth has lasted long enough.
    fn start_round(&mut self) -> bool {
        self.last_round_min = self.round_min;
        self.round_min = Duration::MAX;
        self.samples = 0;
        if let Some((_, rounds)) = &mut self.conservative {
            *rounds = rounds.saturating_sub(1);
            return *rounds == 0;
        }
        false
    }

    fn judge_round(&mut self) {
        match self.conservative {
            Some((baseline, _)) if self.round_min < baseline => self.conservative = None,
            None if self.last_round_min != Duration::MAX => {
                let threshold = (self.last_round_min / 8).clamp(MIN_RTT_THRESHOLD, MAX_RTT_THRESHOLD);
                if self.round_min >= self.last_round_min.saturating_add(threshold) {
                    self.conservative = Some((self.round_min, CONSERVATIVE_ROUNDS));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::ack;
    use super::*;

    fn round(hystart: &mut HyStart, rtt_ms: u64) -> Growth {
        let mut growth = Growth::Over;
        for sample in 0..10 {
            let rtt = Some(Duration::from_millis(rtt_ms));
            growth = hystart.on_ack(&Ack { rtt, round_started: sample == 0, ..ack(0, 1000) });
            if growth == Growth::Over {
                break;
            }
        }
        growth
    }

    #[test]
    fn a_rising_round_trip_time_ends_slow_start_gently() {
        let mut hystart = HyStart::new();
        assert_eq!(round(&mut hystart, 50), Growth::By(1000));
        assert_eq!(round(&mut hystart, 50), Growth::By(1000));
        assert_eq!(round(&mut hystart, 60), Growth::By(250));
        for _ in 0..4 {
            assert_eq!(round(&mut hystart, 62), Growth::By(250));
        }
        assert_eq!(round(&mut hystart, 64), Growth::Over);
    }

    #[test]
    fn a_false_alarm_resumes_slow_start() {
        let mut hystart = HyStart::new();
        round(&mut hystart, 50);
        assert_eq!(round(&mut hystart, 60), Growth::By(250));
        assert_eq!(round(&mut hystart, 50), Growth::By(1000));
    }
}
