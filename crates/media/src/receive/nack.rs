//! Asking for lost packets again (RFC 4585, section 6.2.1).

use super::window::Window;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;
use sendrecv_core::Instant;
use sendrecv_rtp::rtcp::{NackPair, pack_nacks};

/// Most packets that are waited for; beyond that the stream is better off with a keyframe.
const MAX_MISSING: usize = 512;
/// How often one packet is asked for.
const MAX_REQUESTS: u8 = 10;
/// A packet that did not come for so long is of no use to a conversation.
const MAX_AGE: Duration = Duration::from_secs(2);
/// How long a gap may be mere reordering; also lets one request cover a burst of losses.
pub(crate) const REORDERING: Duration = Duration::from_millis(5);
/// The least time between two requests for the same packet.
const MIN_RETRY: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, Debug)]
struct Missing {
    sequence: u64,
    since: Instant,
    due: Instant,
    requests: u8,
}

/// The packets of one stream that are missing and worth asking for, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct NackList {
    missing: VecDeque<Missing>,
}

impl NackList {
    /// Notes that the packets `first..end` were skipped. `false` when there are too many: all are given up.
    pub(crate) fn skipped(&mut self, now: Instant, first: u64, end: u64) -> bool {
        let count = usize::try_from(end.saturating_sub(first)).unwrap_or(usize::MAX);
        if count.saturating_add(self.missing.len()) > MAX_MISSING {
            self.clear();
            return false;
        }
        let due = now + REORDERING;
        self.missing.extend((first..end).map(|sequence| Missing { sequence, since: now, due, requests: 0 }));
        true
    }

    /// Stops waiting for everything.
    pub(crate) fn clear(&mut self) {
        self.missing.clear();
    }

    /// Collects what is to be asked for now into `pairs`, forgets what arrived or became hopeless, and says how many were
    /// given up and when to look again.
    pub(crate) fn collect(
        &mut self,
        now: Instant,
        rtt: Duration,
        window: &Window,
        pairs: &mut Vec<NackPair>,
    ) -> (usize, Option<Instant>) {
        let before = self.missing.len();
        let mut arrived = 0;
        self.missing.retain(|packet| {
            let there = window.contains(packet.sequence);
            arrived += usize::from(there);
            !there && packet.requests < MAX_REQUESTS && now.saturating_since(packet.since) < MAX_AGE
        });
        let given_up = before - arrived - self.missing.len();
        let retry = (rtt + rtt / 2).max(MIN_RETRY);
        let mut next = None;
        let due = self.missing.iter_mut().filter_map(|packet| {
            let is_due = packet.due <= now;
            if is_due {
                packet.due = now + retry;
                packet.requests += 1;
            }
            next = sendrecv_core::earliest(next, Some(packet.due));
            let [.., a, b] = packet.sequence.to_be_bytes();
            is_due.then_some(u16::from_be_bytes([a, b]))
        });
        pack_nacks(due, pairs);
        (given_up, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Duration = Duration::from_millis(100);

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn collect(list: &mut NackList, window: &Window, now: Instant) -> (usize, Option<Instant>, usize) {
        let mut pairs = Vec::new();
        let (given_up, next) = list.collect(now, RTT, window, &mut pairs);
        (pairs.len(), next, given_up)
    }

    #[test]
    fn a_loss_is_asked_for_after_the_reordering_delay_and_again_after_an_rtt_and_a_half() {
        let (mut list, window) = (NackList::default(), Window::new());
        assert!(list.skipped(at(0), 10, 12));
        assert_eq!(collect(&mut list, &window, at(1)), (0, Some(at(5)), 0));
        assert_eq!(collect(&mut list, &window, at(5)), (1, Some(at(155)), 0));
        assert_eq!(collect(&mut list, &window, at(155)), (1, Some(at(305)), 0));
    }

    #[test]
    fn what_arrived_is_not_asked_for() {
        let (mut list, mut window) = (NackList::default(), Window::new());
        window.insert(1);
        window.insert(4);
        list.skipped(at(0), 0x1_0002, 0x1_0004);
        window.insert(2);
        window.insert(3);
        assert_eq!(collect(&mut list, &window, at(5)), (0, None, 0));
    }

    #[test]
    fn requests_are_limited_in_number_and_time() {
        let (mut list, window) = (NackList::default(), Window::new());
        list.skipped(at(0), 10, 11);
        let mut now = at(5);
        let mut requests = 0;
        let given_up = loop {
            let (pairs, next, given_up) = collect(&mut list, &window, now);
            requests += pairs;
            match next {
                Some(next) => now = next,
                None => break given_up,
            }
        };
        assert_eq!((requests, given_up, list.missing.is_empty()), (10, 1, true));
    }

    #[test]
    fn a_flood_of_losses_is_given_up_at_once() {
        let mut list = NackList::default();
        assert!(list.skipped(at(0), 0, 500));
        assert!(!list.skipped(at(0), 501, 600));
        assert!(list.missing.is_empty());
    }
}
