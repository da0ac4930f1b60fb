//! Silence on the pair that is used before one is nominated (RFC 8445, section 12.1): no consent checks would notice it yet.

use super::{IceAgent, TimerKey};
use core::time::Duration;
use sendrecv_core::Instant;

/// How often a silent pair is looked at again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

impl IceAgent {
    /// Has the pair that data takes watched for as long as none is selected.
    pub(super) fn watch_unnominated(&mut self, now: Instant) {
        let used = self.data_pair().is_some() && self.selected.is_none() && !self.config.lite;
        match (used, self.timers.get(TimerKey::Unnominated)) {
            (true, None) => self.hear_unnominated(now),
            (false, Some(_)) => self.timers.set(TimerKey::Unnominated, None),
            _ => (),
        }
    }

    /// Looks how long the pair has been silent. Half of what is borne has it asked, unless it is being asked; all of that is
    /// a loss of contact; and what ends consent ends its use.
    pub(super) fn hear_unnominated(&mut self, now: Instant) {
        let Some(id) = self.data_pair().filter(|_| self.selected.is_none()) else { return };
        let Some(pair) = self.list.get(id) else { return };
        let (heard, is_asked) = (pair.heard, pair.check.is_some());
        let silence = now.saturating_since(heard);
        let (ask, most) = (self.timing.disconnected / 2, self.timing.disconnected);
        self.consent.lost = silence >= most;
        if silence >= self.timing.consent_timeout {
            return self.lose_consent(now);
        }
        if silence >= ask && !is_asked {
            self.list.trigger(id);
        }
        let next = [ask, most].into_iter().find(|time| *time > silence).unwrap_or(silence + AGAIN_AFTER);
        self.timers.set(TimerKey::Unnominated, Some(heard + next));
    }
}
