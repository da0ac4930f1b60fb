//! HyStart++: leaving slow start before it overflows the queue (RFC 9406).
//!
//! Two things differ from the RFC, for senders that pace. The round-trip time is judged by the lowest of the newest
//! eight samples wherever in a round they fall, not by the first eight of a round: where packets are spread over the
//! round, the queue grows during it, and the first samples of the next come a window's doubling too late. And growing
//! conservatively ends as soon as a whole round stayed above the round-trip time that began it; waiting for five such
//! rounds lets the window treble on a path that has shown to be full.

use super::Ack;
use super::recent::Recent;
use core::time::Duration;

const MIN_RTT_THRESHOLD: Duration = Duration::from_millis(4);
const MAX_RTT_THRESHOLD: Duration = Duration::from_millis(16);
const GROWTH_DIVISOR: usize = 4;
const CONSERVATIVE_ROUNDS: u32 = 5;

/// Watches the round-trip time during slow start.
#[derive(Clone, Debug)]
pub(super) struct HyStart {
    last_round_min: Duration,
    round_min: Duration,
    recent: Recent,
    conservative: Option<Conservative>,
}

/// Growing conservatively, until the suspicion is confirmed or gone.
#[derive(Clone, Copy, Debug)]
struct Conservative {
    /// The round-trip time that roused it.
    baseline: Duration,
    rounds_left: u32,
    /// The present round began after the suspicion.
    whole_round: bool,
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
        Self {
            last_round_min: Duration::MAX,
            round_min: Duration::MAX,
            recent: Recent::new(),
            conservative: None,
        }
    }

    /// Whether the path seems full, which is yet to be confirmed.
    pub(super) const fn is_conservative(&self) -> bool {
        self.conservative.is_some()
    }

    /// Takes note of an acknowledgement and says how the window grows.
    pub(super) fn on_ack(&mut self, ack: &Ack) -> Growth {
        if ack.round_started && self.start_round() {
            return Growth::Over;
        }
        if let Some(rtt) = ack.rtt {
            self.round_min = self.round_min.min(rtt);
            self.recent.add(rtt);
            self.judge();
        }
        Growth::By(if self.is_conservative() { ack.acked / GROWTH_DIVISOR } else { ack.acked })
    }

    /// Whether conservative growth has lasted long enough.
    fn start_round(&mut self) -> bool {
        let finished = core::mem::replace(&mut self.round_min, Duration::MAX);
        self.last_round_min = finished;
        let Some(state) = &mut self.conservative else { return false };
        let confirmed = state.whole_round && finished != Duration::MAX && finished >= state.baseline;
        state.whole_round = true;
        state.rounds_left = state.rounds_left.saturating_sub(1);
        confirmed || state.rounds_left == 0
    }

    fn judge(&mut self) {
        let lowest = self.recent.lowest();
        match self.conservative {
            Some(Conservative { baseline, .. }) if lowest < baseline => self.conservative = None,
            None if self.last_round_min != Duration::MAX => {
                let threshold = (self.last_round_min / 8).clamp(MIN_RTT_THRESHOLD, MAX_RTT_THRESHOLD);
                if lowest >= self.last_round_min.saturating_add(threshold) {
                    let rounds_left = CONSERVATIVE_ROUNDS;
                    self.conservative =
                        Some(Conservative { baseline: lowest, rounds_left, whole_round: false });
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

    fn samples(hystart: &mut HyStart, count: u32, rtt_ms: u64, starts: bool) -> Growth {
        let mut growth = Growth::Over;
        for sample in 0..count {
            let rtt = Some(Duration::from_millis(rtt_ms));
            growth = hystart.on_ack(&Ack { rtt, round_started: starts && sample == 0, ..ack(0, 1000) });
            if growth == Growth::Over {
                break;
            }
        }
        growth
    }

    fn round(hystart: &mut HyStart, rtt_ms: u64) -> Growth {
        samples(hystart, 10, rtt_ms, true)
    }

    #[test]
    fn a_round_trip_time_that_stays_up_ends_slow_start() {
        let mut hystart = HyStart::new();
        assert_eq!(round(&mut hystart, 50), Growth::By(1000));
        assert_eq!(round(&mut hystart, 50), Growth::By(1000));
        assert_eq!(round(&mut hystart, 60), Growth::By(250));
        assert_eq!(round(&mut hystart, 62), Growth::By(250));
        assert_eq!(round(&mut hystart, 64), Growth::Over);
    }

    #[test]
    fn a_queue_that_grows_within_a_round_is_seen_within_it() {
        let mut hystart = HyStart::new();
        round(&mut hystart, 50);
        assert_eq!(round(&mut hystart, 50), Growth::By(1000));
        assert_eq!(samples(&mut hystart, 7, 60, false), Growth::By(1000));
        assert_eq!(samples(&mut hystart, 1, 60, false), Growth::By(250));
    }

    #[test]
    fn a_false_alarm_resumes_slow_start() {
        let mut hystart = HyStart::new();
        round(&mut hystart, 50);
        assert_eq!(round(&mut hystart, 60), Growth::By(250));
        assert_eq!(round(&mut hystart, 50), Growth::By(1000));
    }

    #[test]
    fn single_late_acknowledgements_rouse_no_suspicion() {
        let mut hystart = HyStart::new();
        round(&mut hystart, 50);
        for _ in 0..10 {
            assert_eq!(samples(&mut hystart, 7, 80, false), Growth::By(1000));
            assert_eq!(samples(&mut hystart, 1, 50, false), Growth::By(1000));
        }
    }
}
