//! The retransmission timer (RFC 6347, section 4.2.4.1; RFC 9147, section 5.8.2).

use core::time::Duration;
use sendrecv_core::Instant;

/// A timeout that doubles each time it expires, up to a bound.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetransmitTimer {
    initial: Duration,
    current: Duration,
    max: Duration,
    deadline: Option<Instant>,
    expirations: u32,
}

impl RetransmitTimer {
    pub(crate) fn new(initial: Duration, max: Duration) -> Self {
        // A timeout of zero would never let time pass.
        let initial = initial.max(Duration::from_millis(1));
        Self { initial, current: initial, max: max.max(initial), deadline: None, expirations: 0 }
    }

    /// Takes over a measured round trip: twice that, as browsers do, but not less than the first value configured.
    pub(crate) fn set_rtt(&mut self, rtt: Duration, floor: Duration) {
        self.initial = rtt.saturating_mul(2).max(floor).max(Duration::from_millis(1)).min(self.max);
        if self.expirations == 0 {
            self.current = self.initial;
        }
    }

    /// A new flight starts over.
    pub(crate) fn reset(&mut self) {
        *self = Self { current: self.initial, deadline: None, expirations: 0, ..*self };
    }

    /// The flight has been sent: expect an answer within the timeout.
    pub(crate) fn start(&mut self, now: Instant) {
        self.deadline = Some(now + self.current);
    }

    /// The answer came.
    pub(crate) fn stop(&mut self) {
        self.deadline = None;
    }

    /// Whether the timeout has expired; then it is doubled and stopped.
    pub(crate) fn expire(&mut self, now: Instant) -> bool {
        let expired = self.deadline.take_if(|deadline| *deadline <= now).is_some();
        if expired {
            self.current = self.current.saturating_mul(2).min(self.max);
            self.expirations = self.expirations.saturating_add(1);
        }
        expired
    }

    pub(crate) const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// How often this flight's timeout expired.
    pub(crate) const fn expirations(&self) -> u32 {
        self.expirations
    }

    pub(crate) const fn timeout(&self) -> Duration {
        self.current
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_its_bound() {
        let mut timer = RetransmitTimer::new(Duration::from_millis(50), Duration::from_millis(150));
        let mut now = Instant::ZERO;
        let waits: alloc::vec::Vec<u64> = (0..4)
            .map(|_| {
                timer.start(now);
                let deadline = timer.deadline().unwrap();
                assert!(!timer.expire(now));
                let wait = (deadline - now).as_millis();
                now = deadline;
                assert!(timer.expire(now));
                wait.try_into().unwrap()
            })
            .collect();
        assert_eq!(waits, [50, 100, 150, 150]);
    }

    #[test]
    fn a_measured_round_trip_sets_the_start() {
        let mut timer = RetransmitTimer::new(Duration::from_millis(50), Duration::from_secs(2));
        timer.set_rtt(Duration::from_millis(100), Duration::from_millis(50));
        assert_eq!(timer.timeout(), Duration::from_millis(200));
        timer.set_rtt(Duration::ZERO, Duration::from_millis(50));
        assert_eq!(timer.timeout(), Duration::from_millis(50));
    }
}
