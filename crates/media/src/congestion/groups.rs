//! How the delay changes from one burst of packets to the next.

use core::time::Duration;
use sendrecv_core::Instant;

/// Packets sent within this time are one group; pacing sends them in such bursts.
const BURST: Duration = Duration::from_millis(5);
/// Packets that queued somewhere and come out together belong to one group, too: gaps of up to this many microseconds,
const BURST_GAP: i64 = 5_000;
/// and this much in all.
const MAX_BURST: u64 = 100_000;
/// A change of this many microseconds is none of the network: the clock jumped, or the route is another one.
const MAX_VARIATION: i64 = 3_000_000;

/// How one group fared in comparison with the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Variation {
    /// When the group was complete at the receiver, in microseconds on its clock.
    pub(super) arrival: i64,
    /// How many microseconds longer its last packet was under way than that of the group before.
    pub(super) delay: i64,
}

#[derive(Clone, Copy, Debug)]
struct Group {
    first_sent: Instant,
    last_sent: Instant,
    first_arrival: i64,
    last_arrival: i64,
}

/// Puts packets into groups.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Groups {
    current: Option<Group>,
    previous: Option<Group>,
}

impl Groups {
    /// Takes a packet that arrived. When it begins another group, says how the one before it fared.
    pub(super) fn add(&mut self, sent: Instant, arrival: i64) -> Option<Variation> {
        let fresh =
            Group { first_sent: sent, last_sent: sent, first_arrival: arrival, last_arrival: arrival };
        let Some(group) = &mut self.current else {
            self.current = Some(fresh);
            return None;
        };
        if sent < group.first_sent {
            return None;
        }
        if group.takes(sent, arrival) {
            group.last_sent = group.last_sent.max(sent);
            group.last_arrival = group.last_arrival.max(arrival);
            return None;
        }
        let complete = self.current.replace(fresh)?;
        let before = self.previous.replace(complete)?;
        let under_way = complete.last_arrival.saturating_sub(before.last_arrival);
        let apart = micros(complete.last_sent.saturating_since(before.last_sent));
        let delay = under_way.saturating_sub(apart);
        if delay.unsigned_abs() > MAX_VARIATION.unsigned_abs() {
            *self = Self { current: Some(fresh), previous: None };
            return None;
        }
        Some(Variation { arrival: complete.last_arrival, delay })
    }
}

impl Group {
    fn takes(&self, sent: Instant, arrival: i64) -> bool {
        let since_first = sent.saturating_since(self.first_sent);
        if since_first <= BURST {
            return true;
        }
        let gap = arrival.saturating_sub(self.last_arrival);
        let closer = gap < micros(sent.saturating_since(self.last_sent));
        closer && gap <= BURST_GAP && arrival.abs_diff(self.first_arrival) < MAX_BURST
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn a_group_is_compared_with_the_one_before_it() {
        let mut groups = Groups::default();
        assert_eq!(groups.add(at(0), 10_000), None);
        assert_eq!(groups.add(at(3), 13_000), None);
        assert_eq!(groups.add(at(20), 31_000), None);
        assert_eq!(groups.add(at(40), 52_000), Some(Variation { arrival: 31_000, delay: 1_000 }));
        assert_eq!(groups.add(at(60), 70_000), Some(Variation { arrival: 52_000, delay: 1_000 }));
    }

    #[test]
    fn packets_that_come_out_of_a_queue_together_are_one_group() {
        let mut groups = Groups::default();
        assert_eq!(groups.add(at(0), 10_000), None);
        assert_eq!(groups.add(at(20), 130_000), None);
        assert_eq!(groups.add(at(40), 131_000), None, "held up and let go with the one before");
        assert_eq!(groups.add(at(130), 140_000), Some(Variation { arrival: 131_000, delay: 81_000 }));
    }

    #[test]
    fn a_jump_of_the_clock_begins_anew() {
        let mut groups = Groups::default();
        for i in 0..3 {
            groups.add(at(20 * i), i64::try_from(20_000 * i).unwrap());
        }
        assert_eq!(groups.add(at(60), 1 << 50), Some(Variation { arrival: 40_000, delay: 0 }));
        assert_eq!(groups.add(at(80), 1 << 51), None);
        assert_eq!(groups.add(at(100), 100_000), None);
        assert_eq!(groups.add(at(120), 120_000), None);
        assert_eq!(groups.add(at(140), 140_000), None);
        assert_eq!(groups.add(at(160), 160_000), Some(Variation { arrival: 140_000, delay: 0 }));
    }
}
