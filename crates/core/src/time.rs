//! Time as an input.

use core::fmt;
use core::ops::{Add, AddAssign, Sub};
use core::time::Duration;

/// A point in time: nanoseconds since an epoch that the host picks.
///
/// All arithmetic saturates, so a hostile or absurd duration can neither panic nor wrap into the past.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Instant(u64);

impl Instant {
    /// The host's epoch itself.
    pub const ZERO: Self = Self(0);
    /// Later than anything else; as a deadline it means "never".
    pub const MAX: Self = Self(u64::MAX);

    /// The instant `nanos` nanoseconds after the epoch.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The instant `micros` microseconds after the epoch, saturating.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros.saturating_mul(1_000))
    }

    /// The instant `millis` milliseconds after the epoch, saturating.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whole microseconds since the epoch.
    pub const fn as_micros(self) -> u64 {
        self.0 / 1_000
    }

    /// Whole milliseconds since the epoch.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }

    /// `self + duration`, at most [`Instant::MAX`].
    #[inline]
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }

    /// `self - duration`, at least [`Instant::ZERO`].
    #[inline]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(duration)))
    }

    /// The time from `earlier` to `self`; zero when `earlier` is in fact later.
    #[inline]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

#[inline]
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Add<Duration> for Instant {
    type Output = Self;

    #[inline]
    fn add(self, duration: Duration) -> Self {
        self.saturating_add(duration)
    }
}

impl AddAssign<Duration> for Instant {
    #[inline]
    fn add_assign(&mut self, duration: Duration) {
        *self = self.saturating_add(duration);
    }
}

impl Sub for Instant {
    type Output = Duration;

    /// The time between the two, zero when `earlier` is in fact later.
    #[inline]
    fn sub(self, earlier: Self) -> Duration {
        self.saturating_since(earlier)
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}s", self.0 / 1_000_000_000, self.0 / 1_000 % 1_000_000)
    }
}

/// The earlier of two optional deadlines; `None` means "no deadline".
#[inline]
pub fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (deadline, None) | (None, deadline) => deadline,
    }
}

/// Makes a machine's time monotonic: what runs backwards is clamped to the latest time seen, and counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    now: Instant,
    backwards: u64,
}

impl Clock {
    /// A clock that has seen `now`.
    pub const fn new(now: Instant) -> Self {
        Self { now, backwards: 0 }
    }

    /// Takes the caller's `now` and returns the time the machine is to use.
    #[inline]
    pub fn advance(&mut self, now: Instant) -> Instant {
        if now < self.now {
            self.backwards = self.backwards.saturating_add(1);
        } else {
            self.now = now;
        }
        self.now
    }

    /// The latest time seen.
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// How often the caller's time ran backwards.
    pub const fn backwards(&self) -> u64 {
        self.backwards
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        assert_eq!(Instant::MAX + Duration::MAX, Instant::MAX);
        assert_eq!(Instant::ZERO.saturating_sub(Duration::from_secs(1)), Instant::ZERO);
        assert_eq!(Instant::ZERO - Instant::MAX, Duration::ZERO);
    }

    #[test]
    fn a_clock_clamps_and_counts_backwards_time() {
        let mut clock = Clock::new(Instant::from_millis(5));
        assert_eq!(clock.advance(Instant::from_millis(3)), Instant::from_millis(5));
        assert_eq!(clock.advance(Instant::from_millis(9)), Instant::from_millis(9));
        assert_eq!(clock.backwards(), 1);
    }

    #[test]
    fn the_earliest_deadline_ignores_absent_ones() {
        let one = Some(Instant::from_millis(1));
        assert_eq!(earliest(None, one), one);
        assert_eq!(earliest(one, Some(Instant::ZERO)), Some(Instant::ZERO));
        assert_eq!(earliest(None, None), None);
    }
}
