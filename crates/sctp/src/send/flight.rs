//! Fragments that were sent and not yet cumulatively acknowledged, indexed by TSN.

use super::black_hole::BlackHole;
use super::burst::{Burst, Bursts, RateSample};
use super::fragment::{Fragment, FragmentState};
use crate::num::{extend, low32, wide};
use crate::ranges::Ranges;
use alloc::collections::{BinaryHeap, VecDeque};
use core::cmp::Reverse;
use sendrecv_core::{Instant, Ring};

/// The newest transmission that an acknowledgement told of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewestAcked {
    /// Its number, over all fragments.
    pub(crate) order: u64,
    /// How often its fragment was sent.
    pub(crate) transmissions: u16,
    pub(crate) burst: Burst,
}

/// What an acknowledgement did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Acked {
    /// Bytes acknowledged for the first time.
    pub(crate) bytes: usize,
    pub(crate) newest: Option<NewestAcked>,
    /// Fragments that had been found lost, were not sent again yet, and arrived nevertheless.
    pub(crate) found: u32,
    /// A tail loss probe's retransmission was acknowledged.
    pub(crate) probe: bool,
}

/// A transmission that is neither acknowledged nor found lost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transmission {
    pub(crate) order: u64,
    pub(crate) sent_at: Instant,
}

/// Sums over the ring that change with every fragment's state.
#[derive(Clone, Debug)]
struct Sums {
    /// Bytes in flight.
    bytes: usize,
    /// How many entries of `lost` are not stale.
    lost: usize,
    bursts: Bursts,
    next_order: u64,
    black_hole: BlackHole,
}

/// The ring of fragments with its sums.
#[derive(Clone, Debug)]
pub(crate) struct Flight {
    ring: Ring<Fragment>,
    gap_acked: Ranges,
    /// First transmissions of TSNs before this are all acknowledged, lost or repeated.
    oldest_first: u64,
    /// Later transmissions in order; entries that were overtaken by an acknowledgement or another one are stale.
    repeated: VecDeque<(u64, u32)>,
    /// Fragments to send again, the lowest TSN first: a SACK may have no room for what lies in the middle. Entries that
    /// arrived after all are stale.
    lost: BinaryHeap<Reverse<u64>>,
    sums: Sums,
}

impl Flight {
    pub(crate) const fn new(first_tsn: u64, now: Instant) -> Self {
        Self {
            ring: Ring::new(first_tsn),
            gap_acked: Ranges::new(),
            oldest_first: first_tsn,
            repeated: VecDeque::new(),
            lost: BinaryHeap::new(),
            sums: Sums {
                bytes: 0,
                lost: 0,
                bursts: Bursts::new(now),
                next_order: 0,
                black_hole: BlackHole::NONE,
            },
        }
    }

    /// The highest TSN that everything up to is acknowledged.
    pub(crate) const fn cumulative(&self) -> u64 {
        self.ring.start().saturating_sub(1)
    }

    pub(crate) fn next_tsn(&self) -> u64 {
        self.ring.end()
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.sums.bytes
    }

    pub(crate) const fn delivered(&self) -> u64 {
        self.sums.bursts.delivered()
    }

    /// The number the next transmission will get.
    pub(crate) const fn next_order(&self) -> u64 {
        self.sums.next_order
    }

    /// Whether nothing at all waits for an acknowledgement.
    pub(crate) fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    pub(crate) const fn has_lost(&self) -> bool {
        self.sums.lost > 0
    }

    pub(crate) fn get(&self, tsn: u64) -> Option<&Fragment> {
        self.ring.get(tsn)
    }

    pub(crate) fn back(&self) -> Option<&Fragment> {
        self.ring.back()
    }

    /// The application has nothing more to send: rate samples of what is in flight say little.
    pub(crate) fn mark_app_limited(&mut self) {
        self.sums.bursts.mark_app_limited(self.sums.bytes);
    }

    /// Puts a new fragment in flight.
    pub(crate) fn push(&mut self, now: Instant, mut fragment: Fragment) {
        self.sums.transmit(now, &mut fragment);
        self.ring.push(fragment);
    }

    /// Gives a TSN to the end of a message that will not be sent, so that there is something to skip even when the
    /// peer has acknowledged all that was sent of it.
    pub(crate) fn push_abandoned(&mut self, message: u32) {
        let mut fragment = Fragment::new(message, 0, 0, (0, 0));
        (fragment.state, fragment.ending) = (FragmentState::Abandoned, true);
        self.ring.push(fragment);
    }

    /// The lowest fragment that waits to be sent again.
    pub(crate) fn next_lost(&mut self) -> Option<(u64, &Fragment)> {
        while let Some(&Reverse(tsn)) = self.lost.peek() {
            if self.ring.get(tsn).is_some_and(|fragment| fragment.state == FragmentState::Lost) {
                return self.ring.get(tsn).map(|fragment| (tsn, fragment));
            }
            self.lost.pop();
        }
        None
    }

    /// The fragment that [`next_lost`](Self::next_lost) gave was sent again.
    pub(crate) fn retransmitted(&mut self, now: Instant, tsn: u64) {
        self.lost.pop();
        self.sums.lost = self.sums.lost.saturating_sub(1);
        let Some(fragment) = self.ring.get_mut(tsn) else { return };
        (fragment.probe, fragment.beyond_base) = (false, false);
        self.sums.transmit(now, fragment);
        self.repeated.push_back((tsn, fragment.order));
    }

    /// The last transmission of this fragment was a tail loss probe.
    pub(super) fn mark_probe(&mut self, tsn: u64) {
        if let Some(fragment) = self.ring.get_mut(tsn) {
            fragment.probe = true;
        }
    }

    /// What becomes of packets larger than the base.
    pub(super) const fn black_hole(&mut self) -> &mut BlackHole {
        &mut self.sums.black_hole
    }

    /// The last transmission of this fragment did not arrive.
    pub(super) fn note_loss(&mut self, tsn: u64) {
        let Some(fragment) = self.ring.get(tsn).filter(|fragment| fragment.beyond_base) else { return };
        self.sums.black_hole.lost(self.sums.order_of(fragment), self.sums.next_order);
    }

    /// Marks a fragment in flight as lost, to be sent again, or as given up.
    pub(crate) fn mark(&mut self, tsn: u64, state: FragmentState) {
        let Some(fragment) = self.ring.get_mut(tsn) else { return };
        if fragment.state == FragmentState::InFlight {
            self.sums.bytes = self.sums.bytes.saturating_sub(usize::from(fragment.wire));
        }
        let (was_lost, is_lost) = (fragment.state == FragmentState::Lost, state == FragmentState::Lost);
        fragment.state = state;
        if !is_lost {
            self.sums.bursts.leave(fragment);
        }
        if is_lost && !was_lost {
            self.lost.push(Reverse(tsn));
            self.sums.lost = self.sums.lost.saturating_add(1);
        } else if was_lost && !is_lost {
            self.sums.lost = self.sums.lost.saturating_sub(1);
        }
    }

    /// Acknowledges everything up to `tsn`, which is at most the newest sent, and calls `gone` with each message whose
    /// last fragment leaves.
    pub(crate) fn ack_cumulative(&mut self, tsn: u64, acked: &mut Acked, mut gone: impl FnMut(u32)) {
        while self.ring.start() <= tsn {
            let Some(mut fragment) = self.ring.pop() else { break };
            self.sums.acknowledge(&mut fragment, acked);
            if fragment.ending {
                gone(fragment.message);
            }
        }
        self.gap_acked.remove_to(tsn);
    }

    /// Acknowledges a run of TSNs beyond the cumulative one. Costs what is new in it.
    pub(crate) fn ack_run(&mut self, start: u64, end: u64, acked: &mut Acked) {
        let Self { ring, gap_acked, sums, .. } = self;
        gap_acked.insert_run(start, end, |from, to| {
            for tsn in from..=to {
                if let Some(fragment) = ring.get_mut(tsn) {
                    sums.acknowledge(fragment, acked);
                    fragment.state = FragmentState::Acked;
                }
            }
        });
    }

    /// Finishes an acknowledgement: the rate sample, if the newest fragment gives one.
    pub(crate) fn rate_sample(&mut self, now: Instant, acked: &Acked) -> Option<RateSample> {
        self.sums.bursts.sample(now, &acked.newest?.burst)
    }

    /// The oldest transmission that is neither acknowledged nor overtaken, and its TSN.
    pub(crate) fn oldest_transmission(&mut self) -> Option<(u64, Transmission)> {
        let (first, repeated) = (self.oldest_first(), self.oldest_repeated());
        match (first, repeated) {
            (Some(first), Some(repeated)) => {
                Some(if first.1.order < repeated.1.order { first } else { repeated })
            }
            (first, repeated) => first.or(repeated),
        }
    }

    /// First transmissions leave in the order of their TSNs. Each TSN is passed once.
    fn oldest_first(&mut self) -> Option<(u64, Transmission)> {
        self.oldest_first = self.oldest_first.max(self.ring.start());
        loop {
            let fragment = self.ring.get(self.oldest_first)?;
            if fragment.state == FragmentState::InFlight && fragment.transmissions == 1 {
                return Some((self.oldest_first, self.sums.transmission(fragment)));
            }
            self.oldest_first = self.oldest_first.saturating_add(1);
        }
    }

    fn oldest_repeated(&mut self) -> Option<(u64, Transmission)> {
        while let Some(&(tsn, order)) = self.repeated.front() {
            let current = self.ring.get(tsn).filter(|fragment| {
                fragment.order == order
                    && fragment.state == FragmentState::InFlight
                    && fragment.transmissions > 1
            });
            if let Some(fragment) = current {
                return Some((tsn, self.sums.transmission(fragment)));
            }
            self.repeated.pop_front();
        }
        None
    }

    /// Takes back every gap acknowledgement: the peer dropped what it had reported.
    pub(crate) fn forget_gap_acks(&mut self) {
        for (start, end) in self.gap_acked.iter() {
            for tsn in start..=end {
                if let Some(fragment) = self.ring.get_mut(tsn) {
                    fragment.state = FragmentState::Lost;
                    self.lost.push(Reverse(tsn));
                    self.sums.lost = self.sums.lost.saturating_add(1);
                }
            }
        }
        self.gap_acked.clear();
    }

    /// The highest TSN that a gap ack block reported.
    pub(crate) fn highest_gap_acked(&self) -> Option<u64> {
        self.gap_acked.last().map(|(_, end)| end)
    }

    /// Whether the fragment after the cumulative TSN is gap-acknowledged, which an honest peer never leaves so.
    pub(crate) fn head_is_gap_acked(&self) -> bool {
        self.ring.front().is_some_and(|fragment| fragment.state == FragmentState::Acked)
    }
}

impl Sums {
    fn order_of(&self, fragment: &Fragment) -> u64 {
        extend(self.next_order, fragment.order)
    }

    fn transmission(&self, fragment: &Fragment) -> Transmission {
        let sent_at = self.bursts.of(fragment).map_or(Instant::ZERO, |burst| burst.sent_at);
        Transmission { order: self.order_of(fragment), sent_at }
    }

    /// A fragment leaves.
    fn transmit(&mut self, now: Instant, fragment: &mut Fragment) {
        self.bursts.join(now, self.bytes == 0, fragment);
        fragment.state = FragmentState::InFlight;
        fragment.transmissions = fragment.transmissions.saturating_add(1);
        fragment.order = low32(self.next_order);
        self.next_order = self.next_order.saturating_add(1);
        self.bytes = self.bytes.saturating_add(usize::from(fragment.wire));
    }

    /// Accounts for a fragment's first acknowledgement.
    fn acknowledge(&mut self, fragment: &mut Fragment, acked: &mut Acked) {
        let wire = usize::from(fragment.wire);
        match fragment.state {
            FragmentState::InFlight => self.bytes = self.bytes.saturating_sub(wire),
            FragmentState::Lost => {
                self.lost = self.lost.saturating_sub(1);
                acked.found = acked.found.saturating_add(1);
            }
            FragmentState::Acked | FragmentState::Abandoned => return,
        }
        self.bursts.deliver(wide(wire));
        acked.bytes = acked.bytes.saturating_add(wire);
        acked.probe |= fragment.probe;
        if fragment.beyond_base {
            self.black_hole.arrived();
        }
        let order = self.order_of(fragment);
        if acked.newest.is_none_or(|newest| newest.order < order)
            && let Some(burst) = self.bursts.of(fragment)
        {
            acked.newest = Some(NewestAcked { order, transmissions: fragment.transmissions, burst: *burst });
        }
        self.bursts.leave(fragment);
    }
}
