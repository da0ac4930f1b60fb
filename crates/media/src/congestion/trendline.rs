//! Whether the delay grows: a line through the last groups, and a threshold that adapts to what the path is like.

use super::groups::Variation;
use alloc::collections::VecDeque;

/// Groups that the line is drawn through.
const WINDOW: usize = 20;
/// A slope counts the more, the more groups were seen, up to this many.
const MAX_COUNT: i128 = 60;
/// By how much slopes are scaled up before they are compared with the threshold.
const GAIN: i128 = 4;
/// The threshold to begin with, and its range, in thousandths of a millisecond.
const THRESHOLD: i64 = 12_500;
const MIN_THRESHOLD: i64 = 6_000;
const MAX_THRESHOLD: i64 = 600_000;
/// How fast the threshold follows the trend per millisecond, upwards and downwards, in parts per million.
const GROWTH: i64 = 8_700;
const DECAY: i64 = 39_000;
/// A trend that is further above it says nothing about what the path is usually like.
const MAX_EXCESS: i64 = 15_000;
/// How many microseconds a trend must last to count as over-use.
const MIN_OVERUSE: i64 = 10_000;

/// How the path is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Usage {
    /// Nothing builds up.
    #[default]
    Normal,
    /// A queue builds up.
    Over,
    /// A queue drains.
    Under,
}

/// Watches the delay, in integers, so that every machine comes to the same result.
#[derive(Clone, Debug)]
pub(super) struct Trendline {
    /// Arrival in microseconds and the smoothed delay in nanoseconds, of each group.
    points: VecDeque<(i64, i64)>,
    count: u32,
    /// All variations so far, and the same smoothed, in nanoseconds.
    delay: i64,
    smoothed: i64,
    detector: Detector,
}

impl Trendline {
    pub(super) fn new() -> Self {
        Self {
            points: VecDeque::with_capacity(WINDOW + 1),
            count: 0,
            delay: 0,
            smoothed: 0,
            detector: Detector::new(),
        }
    }

    /// What the last group led to.
    pub(super) const fn usage(&self) -> Usage {
        self.detector.usage
    }

    pub(super) fn add(&mut self, variation: Variation) {
        self.count = self.count.saturating_add(1);
        self.delay = self.delay.saturating_add(variation.delay.saturating_mul(1000));
        self.smoothed = self.smoothed.saturating_add(self.delay.saturating_sub(self.smoothed) / 10);
        self.points.push_back((variation.arrival, self.smoothed));
        if self.points.len() > WINDOW {
            self.points.pop_front();
        }
        let trend = self.trend();
        self.detector.detect(variation.arrival, trend);
    }

    /// The slope of the regression line, scaled: in thousandths of what the literature calls a millisecond.
    fn trend(&self) -> i64 {
        let (Some((origin, base)), Ok(count)) = (self.points.front(), i128::try_from(self.points.len()))
        else {
            return 0;
        };
        if self.points.len() < WINDOW {
            return 0;
        }
        let relative =
            |(x, y): &(i64, i64)| (i128::from(*x) - i128::from(*origin), i128::from(*y) - i128::from(*base));
        let (mut sum_x, mut sum_y, mut sum_xx, mut sum_xy) = (0, 0, 0, 0);
        for (x, y) in self.points.iter().map(relative) {
            sum_x += x;
            sum_y += y;
            sum_xx += x * x;
            sum_xy += x * y;
        }
        let below = count * sum_xx - sum_x * sum_x;
        if below <= 0 {
            return 0;
        }
        // Nanoseconds per microsecond are thousandths already.
        let scaled = (count * sum_xy - sum_x * sum_y)
            .saturating_mul(i128::from(self.count).min(MAX_COUNT) * GAIN)
            / below;
        i64::try_from(scaled.clamp(-1_000_000_000, 1_000_000_000)).unwrap_or(0)
    }
}

/// Compares the trend with a threshold that follows it slowly: flows that only fill queues would starve us otherwise.
#[derive(Clone, Copy, Debug)]
struct Detector {
    threshold: i64,
    usage: Usage,
    previous: i64,
    at: Option<i64>,
    /// Microseconds for which the trend was above the threshold, and how often.
    over_for: i64,
    over_count: u32,
}

impl Detector {
    const fn new() -> Self {
        Self { threshold: THRESHOLD, usage: Usage::Normal, previous: 0, at: None, over_for: 0, over_count: 0 }
    }

    fn detect(&mut self, at: i64, trend: i64) {
        let elapsed = self.at.map_or(0, |before| at.saturating_sub(before).clamp(0, 100_000));
        self.at = Some(at);
        if trend > self.threshold {
            self.over_for = self.over_for.saturating_add(elapsed);
            self.over_count = self.over_count.saturating_add(1);
            if self.over_for > MIN_OVERUSE && self.over_count > 1 && trend >= self.previous {
                (self.over_for, self.over_count) = (0, 0);
                self.usage = Usage::Over;
            }
        } else {
            (self.over_for, self.over_count) = (0, 0);
            self.usage = if trend < -self.threshold { Usage::Under } else { Usage::Normal };
        }
        self.previous = trend;
        self.adapt(elapsed, trend.saturating_abs());
    }

    fn adapt(&mut self, elapsed: i64, trend: i64) {
        let excess = trend.saturating_sub(self.threshold);
        if excess > MAX_EXCESS {
            return;
        }
        let factor = if excess < 0 { DECAY } else { GROWTH };
        let step = excess.saturating_mul(factor).saturating_mul(elapsed / 1000) / 1_000_000;
        self.threshold = self.threshold.saturating_add(step).clamp(MIN_THRESHOLD, MAX_THRESHOLD);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups every 20 ms whose delay grows by `step` microseconds each.
    fn run(trendline: &mut Trendline, from: i64, count: i64, step: i64) -> usize {
        let usages = (from..from + count).map(|i| {
            trendline.add(Variation { arrival: i * 20_000, delay: step });
            trendline.usage()
        });
        usages.filter(|usage| *usage == Usage::Over).count()
    }

    #[test]
    fn a_steady_delay_is_normal_a_growing_one_over_use_a_falling_one_under_use() {
        let mut trendline = Trendline::new();
        assert_eq!(run(&mut trendline, 0, 100, 0), 0);
        assert!(run(&mut trendline, 100, 20, 2_000) > 5);
        run(&mut trendline, 120, 20, -4_000);
        assert_eq!(trendline.usage(), Usage::Under);
        run(&mut trendline, 140, 60, 0);
        assert_eq!(trendline.usage(), Usage::Normal);
    }

    #[test]
    fn jitter_around_a_steady_delay_is_normal() {
        let mut trendline = Trendline::new();
        let mut before = 0;
        for i in 0..2000i64 {
            let jitter = i * 7919 % 5000;
            trendline.add(Variation { arrival: i * 20_000 + jitter, delay: jitter - before });
            before = jitter;
            assert_ne!(trendline.usage(), Usage::Over, "{i}");
        }
    }

    #[test]
    fn the_threshold_follows_and_stays_in_its_range() {
        let mut detector = Detector::new();
        (0..1000).for_each(|i| detector.detect(i * 20_000, 0));
        assert_eq!(detector.threshold, MIN_THRESHOLD);
        (1000..2000).for_each(|i| detector.detect(i * 20_000, 20_000));
        assert!(detector.threshold > 15_000, "{}", detector.threshold);
    }
}
