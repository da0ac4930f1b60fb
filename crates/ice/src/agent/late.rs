//! A host that serves the agent late: it was busy or asleep. What it did not wait for is not the peer's silence.

use super::{IceAgent, TimerKey};
use core::time::Duration;
use sendrecv_core::Instant;

/// Deadlines are met within this by hosts that have nothing better to do.
const PUNCTUAL: Duration = Duration::from_millis(500);

impl IceAgent {
    /// How much later than due the host serves the agent, if that is worth talking of.
    pub(super) fn lateness(&self, now: Instant) -> Option<Duration> {
        let late = self.timers.next().map(|due| now.saturating_since(due));
        late.filter(|late| *late >= PUNCTUAL)
    }

    /// Gives the peer the time that it had no chance to use. Requests need no such gift: their waits begin when they are
    /// sent, however late.
    pub(super) fn excuse_lateness(&mut self, now: Instant) {
        let Some(late) = self.lateness(now) else { return };
        tracing::debug!(?late, "served late");
        for key in [TimerKey::Patience, TimerKey::Disconnect] {
            self.timers.set(key, self.timers.get(key).map(|at| at + late));
        }
        if self.timers.get(TimerKey::ConsentExpiry).is_some_and(|at| at <= now) {
            self.hold_data(now);
        }
    }
}
