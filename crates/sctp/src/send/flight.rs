//! Fragments that were sent and not yet cumulatively acknowledged, indexed by TSN.

use crate::num::wide;
use crate::ranges::Ranges;
use alloc::collections::VecDeque;
use core::time::Duration;
use sendrecv_core::{Instant, Ring};

/// Where a fragment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FragmentState {
    /// Sent, and neither acknowledged nor lost.
    InFlight,
    /// Acknowledged by a gap ack block.
    Acked,
    /// Waits to be sent again.
    Lost,
    /// Its message was given up.
    Abandoned,
}

/// One DATA chunk's place in its message, and its history.
#[derive(Clone, Debug)]
pub(crate) struct Fragment {
    pub(crate) message: u32,
    pub(crate) offset: u32,
    pub(crate) index: u32,
    pub(crate) len: u16,
    /// Bytes on the wire, with header and padding.
    pub(crate) wire: u16,
    pub(crate) beginning: bool,
    pub(crate) ending: bool,
    pub(crate) state: FragmentState,
    /// It was last sent as a tail loss probe.
    pub(crate) probe: bool,
    pub(crate) transmissions: u16,
    pub(crate) sent_at: Instant,
    /// The number of the transmission, over all fragments.
    pub(crate) order: u64,
    /// What had been delivered, and when, as this left: for rate samples.
    delivered: u64,
    delivered_at: Instant,
    first_sent_at: Instant,
    app_limited: bool,
}

/// A delivery-rate sample's raw numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RateSample {
    pub(crate) bytes: u64,
    pub(crate) interval: Duration,
    pub(crate) app_limited: bool,
}

/// What an acknowledgement did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Acked {
    /// Bytes acknowledged for the first time.
    pub(crate) bytes: usize,
    /// The newest transmission acknowledged: order, time of sending, transmissions.
    pub(crate) newest: Option<(u64, Instant, u16)>,
    /// Fragments that had been found lost, were not sent again yet, and arrived nevertheless.
    pub(crate) found: u32,
    /// A tail loss probe's retransmission was acknowledged.
    pub(crate) probe: bool,
    /// For the rate sample: delivered, at, first sent, sent, app-limited of the newest transmission.
    rate: Option<(u64, Instant, Instant, Instant, bool)>,
}

/// The ring of fragments with its sums.
#[derive(Clone, Debug)]
pub(crate) struct Flight {
    ring: Ring<Fragment>,
    gap_acked: Ranges,
    /// Transmissions in order; entries that were overtaken by an acknowledgement or a later transmission are stale.
    transmissions: VecDeque<(u64, u64)>,
    /// Fragments to send again, in the order they were found lost; entries that arrived after all are stale.
    lost: VecDeque<u64>,
    /// How many entries of `lost` are not stale.
    lost_count: usize,
    bytes: usize,
    next_order: u64,
    delivered: u64,
    delivered_at: Instant,
    first_sent_at: Instant,
    /// Until this much is delivered, samples are limited by the application.
    app_limited_until: u64,
}

impl Flight {
    pub(crate) const fn new(first_tsn: u64, now: Instant) -> Self {
        Self {
            ring: Ring::new(first_tsn),
            gap_acked: Ranges::new(),
            transmissions: VecDeque::new(),
            lost: VecDeque::new(),
            lost_count: 0,
            bytes: 0,
            next_order: 0,
            delivered: 0,
            delivered_at: now,
            first_sent_at: now,
            app_limited_until: 0,
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
        self.bytes
    }

    pub(crate) const fn delivered(&self) -> u64 {
        self.delivered
    }

    /// The number the next transmission will get.
    pub(crate) const fn next_order(&self) -> u64 {
        self.next_order
    }

    /// Whether nothing at all waits for an acknowledgement.
    pub(crate) fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    pub(crate) const fn has_lost(&self) -> bool {
        self.lost_count > 0
    }

    pub(crate) fn get(&self, tsn: u64) -> Option<&Fragment> {
        self.ring.get(tsn)
    }

    pub(crate) fn back(&self) -> Option<&Fragment> {
        self.ring.back()
    }

    /// The application has nothing more to send: rate samples of what is in flight say little.
    pub(crate) fn mark_app_limited(&mut self) {
        self.app_limited_until = self.delivered.saturating_add(wide(self.bytes)).max(1);
    }

    /// Puts a new fragment in flight and returns its TSN.
    pub(crate) fn push(&mut self, now: Instant, mut fragment: Fragment) -> u64 {
        let tsn = self.ring.end();
        self.note_transmission(now, tsn, &mut fragment);
        self.ring.push(fragment);
        tsn
    }

    /// Gives a TSN to the end of a message that will not be sent, so that there is something to skip even when the
    /// peer has acknowledged all that was sent of it.
    pub(crate) fn push_abandoned(&mut self, message: u32) {
        let mut fragment = Fragment::new(message, 0, 0, (0, 0));
        fragment.state = FragmentState::Abandoned;
        self.ring.push(fragment);
    }

    fn note_transmission(&mut self, now: Instant, tsn: u64, fragment: &mut Fragment) {
        if self.bytes == 0 {
            (self.first_sent_at, self.delivered_at) = (now, now);
        }
        fragment.state = FragmentState::InFlight;
        fragment.transmissions = fragment.transmissions.saturating_add(1);
        fragment.sent_at = now;
        fragment.order = self.next_order;
        fragment.delivered = self.delivered;
        fragment.delivered_at = self.delivered_at;
        fragment.first_sent_at = self.first_sent_at;
        fragment.app_limited = self.app_limited_until > self.delivered;
        self.transmissions.push_back((tsn, self.next_order));
        self.next_order = self.next_order.saturating_add(1);
        self.bytes = self.bytes.saturating_add(usize::from(fragment.wire));
    }

    /// The oldest fragment that waits to be sent again.
    pub(crate) fn next_lost(&mut self) -> Option<(u64, &Fragment)> {
        while let Some(&tsn) = self.lost.front() {
            if self.ring.get(tsn).is_some_and(|fragment| fragment.state == FragmentState::Lost) {
                return self.ring.get(tsn).map(|fragment| (tsn, fragment));
            }
            self.lost.pop_front();
        }
        None
    }

    /// The fragment that [`next_lost`](Self::next_lost) gave was sent again.
    pub(crate) fn retransmitted(&mut self, now: Instant, tsn: u64, probe: bool) {
        self.lost.pop_front();
        self.lost_count = self.lost_count.saturating_sub(1);
        let Some(mut fragment) = self.ring.get(tsn).cloned() else { return };
        fragment.probe = probe;
        self.note_transmission(now, tsn, &mut fragment);
        if let Some(slot) = self.ring.get_mut(tsn) {
            *slot = fragment;
        }
    }

    /// Marks a fragment in flight as lost, to be sent again, or as given up.
    pub(crate) fn mark(&mut self, tsn: u64, state: FragmentState) {
        let Some(fragment) = self.ring.get_mut(tsn) else { return };
        if fragment.state == FragmentState::InFlight {
            self.bytes = self.bytes.saturating_sub(usize::from(fragment.wire));
        }
        let (was_lost, is_lost) = (fragment.state == FragmentState::Lost, state == FragmentState::Lost);
        fragment.state = state;
        if is_lost && !was_lost {
            self.lost.push_back(tsn);
            self.lost_count = self.lost_count.saturating_add(1);
        } else if was_lost && !is_lost {
            self.lost_count = self.lost_count.saturating_sub(1);
        }
    }

    /// Acknowledges everything up to `tsn`, which is at most the newest sent, and calls `gone` with the message of
    /// each fragment that leaves.
    pub(crate) fn ack_cumulative(&mut self, tsn: u64, acked: &mut Acked, mut gone: impl FnMut(u32)) {
        while self.ring.start() <= tsn {
            let Some(fragment) = self.ring.pop() else { break };
            let sums = (&mut self.bytes, &mut self.delivered, &mut self.lost_count);
            account(&fragment, sums, acked);
            gone(fragment.message);
        }
        self.gap_acked.remove_to(tsn);
    }

    /// Acknowledges a run of TSNs beyond the cumulative one. Costs what is new in it.
    pub(crate) fn ack_run(&mut self, start: u64, end: u64, acked: &mut Acked) {
        let Self { ring, gap_acked, bytes, delivered, lost_count, .. } = self;
        gap_acked.insert_run(start, end, |from, to| {
            for tsn in from..=to {
                if let Some(fragment) = ring.get_mut(tsn) {
                    account(fragment, (&mut *bytes, &mut *delivered, &mut *lost_count), acked);
                    fragment.state = FragmentState::Acked;
                }
            }
        });
    }

    /// Finishes an acknowledgement: the rate sample, if the newest fragment gives one.
    pub(crate) fn rate_sample(&mut self, now: Instant, acked: &Acked) -> Option<RateSample> {
        let (delivered, delivered_at, first_sent_at, sent_at, app_limited) = acked.rate?;
        self.delivered_at = now;
        self.first_sent_at = sent_at;
        let interval = sent_at.saturating_since(first_sent_at).max(now.saturating_since(delivered_at));
        if interval.is_zero() {
            return None;
        }
        Some(RateSample { bytes: self.delivered.saturating_sub(delivered), interval, app_limited })
    }

    /// What had been delivered when the newest acknowledged fragment left: a round trip ends when that is past its
    /// start.
    pub(crate) fn delivered_when_sent(acked: &Acked) -> Option<u64> {
        acked.rate.map(|(delivered, ..)| delivered)
    }

    /// The oldest transmission that is neither acknowledged nor overtaken: its TSN and fragment.
    pub(crate) fn oldest_transmission(&mut self) -> Option<(u64, &Fragment)> {
        while let Some(&(tsn, order)) = self.transmissions.front() {
            let current = self
                .ring
                .get(tsn)
                .is_some_and(|fragment| fragment.order == order && fragment.state == FragmentState::InFlight);
            if current {
                return self.ring.get(tsn).map(|fragment| (tsn, fragment));
            }
            self.transmissions.pop_front();
        }
        None
    }

    /// Takes back every gap acknowledgement: the peer dropped what it had reported.
    pub(crate) fn forget_gap_acks(&mut self) {
        for (start, end) in self.gap_acked.iter() {
            for tsn in start..=end {
                if let Some(fragment) = self.ring.get_mut(tsn) {
                    fragment.state = FragmentState::Lost;
                    self.lost.push_back(tsn);
                    self.lost_count = self.lost_count.saturating_add(1);
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

/// Accounts for a fragment's first acknowledgement in the sums of bytes in flight, bytes delivered and lost fragments.
fn account(
    fragment: &Fragment,
    (bytes, delivered, lost_count): (&mut usize, &mut u64, &mut usize),
    acked: &mut Acked,
) {
    let wire = usize::from(fragment.wire);
    match fragment.state {
        FragmentState::InFlight => *bytes = bytes.saturating_sub(wire),
        FragmentState::Lost => {
            *lost_count = lost_count.saturating_sub(1);
            acked.found = acked.found.saturating_add(1);
        }
        FragmentState::Acked | FragmentState::Abandoned => return,
    }
    *delivered = delivered.saturating_add(wide(wire));
    acked.bytes = acked.bytes.saturating_add(wire);
    acked.probe |= fragment.probe;
    if acked.newest.is_none_or(|(order, ..)| order < fragment.order) {
        acked.newest = Some((fragment.order, fragment.sent_at, fragment.transmissions));
        acked.rate = Some((
            fragment.delivered,
            fragment.delivered_at,
            fragment.first_sent_at,
            fragment.sent_at,
            fragment.app_limited,
        ));
    }
}

impl Fragment {
    /// A fragment that was never sent.
    pub(crate) const fn new(message: u32, offset: u32, index: u32, (len, wire): (u16, u16)) -> Self {
        Self {
            message,
            offset,
            index,
            len,
            wire,
            beginning: false,
            ending: false,
            state: FragmentState::InFlight,
            probe: false,
            transmissions: 0,
            sent_at: Instant::ZERO,
            order: 0,
            delivered: 0,
            delivered_at: Instant::ZERO,
            first_sent_at: Instant::ZERO,
            app_limited: false,
        }
    }
}
