//! Finding losses: RACK, tail loss probes and the retransmission timer (after RFC 8985, and RFC 9260, section 6.3).
//!
//! A fragment is lost when something sent later was acknowledged and the reordering window has passed since. The window
//! starts at a quarter of the lowest round-trip time, widens when fragments thought lost arrive after all, at most once
//! a round trip, and is narrow again after a while without such mistakes.
//!
//! SACKs have room for a few runs only (dcSCTP tells of 20), so after a queue overflowed most losses show nowhere. What
//! lies beyond a truncated SACK is left alone while the rest will be told within two round trips; beyond that, what
//! should have been acknowledged is sent again on suspicion: some of it twice, instead of a few fragments a round trip.

use super::flight::Flight;
use super::fragment::FragmentState;
use super::rtt::RttEstimator;
use crate::ranges::Ranges;
use core::time::Duration;
use sendrecv_core::{Instant, earliest};

/// The shortest wait for a tail loss probe.
const MIN_PROBE_TIMEOUT: Duration = Duration::from_millis(10);
/// Acknowledgements that must be missing before a path without known reordering counts a fragment as lost at once.
const MISSING_REPORTS: u32 = 3;
/// The longest round-trip time that is to be expected bounds the window before that.
const MAX_WINDOW_STEPS: u32 = 255;
/// Recoveries without a mistake after which the window is narrow again.
const CALM_RECOVERIES: u32 = 16;
/// Peers that bound their SACKs tell of this many runs at least.
const TRUNCATED_BLOCKS: usize = 20;
/// When more than this many times what a truncated SACK told of lies beyond it, waiting takes too long.
const TOO_FAR: u64 = 2;

/// Loss detection's state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recovery {
    /// The newest transmission known to have arrived: its order, when it left, and its round-trip time.
    newest: Option<(u64, Instant, Duration)>,
    reordering_seen: bool,
    /// The reordering window in quarters of the lowest round-trip time.
    window_steps: u32,
    /// Transmissions before this left before the window last widened.
    widened_at: u64,
    /// Recoveries that ended since.
    calm_recoveries: u32,
    /// SACKs since something was first missing.
    missing_reports: u32,
    reorder_at: Option<Instant>,
    probe_at: Option<Instant>,
    timeout_at: Option<Instant>,
    /// A probe was sent; no other until something is acknowledged.
    probing: bool,
    /// The retransmission timeout has run out, and nothing was acknowledged since.
    backed_off: bool,
    /// The last SACK may have left runs out.
    truncated: bool,
    /// Losses of transmissions before this belong to the present recovery.
    recovery_end: Option<u64>,
    /// The present recovery began with a timeout, and the window with it: it grows again at once.
    after_timeout: bool,
    /// What the present or last recovery found lost, and how much of that is not yet proven wrong.
    marked: Ranges,
    unproven: usize,
    /// Some of it was only suspected, which says nothing about reordering when it proves wrong.
    suspecting: bool,
    /// A recovery began, which nobody was told yet.
    begun: bool,
}

/// A timer that has run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expired {
    /// Fragments may be lost by now.
    Reorder,
    /// Send a tail loss probe.
    Probe,
    /// The retransmission timeout.
    Timeout,
}

impl Recovery {
    /// The next deadline.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        earliest(self.reorder_at, earliest(self.probe_at, self.timeout_at))
    }

    /// Takes a timer that has run out.
    pub(crate) fn expired(&mut self, now: Instant) -> Option<Expired> {
        let due = |at: &Option<Instant>| at.is_some_and(|at| at <= now);
        if due(&self.reorder_at) {
            self.reorder_at = None;
            return Some(Expired::Reorder);
        }
        if due(&self.timeout_at) {
            (self.timeout_at, self.probe_at) = (None, None);
            return Some(Expired::Timeout);
        }
        if due(&self.probe_at) {
            self.probe_at = None;
            self.probing = true;
            return Some(Expired::Probe);
        }
        None
    }

    /// Whether the window must not grow yet.
    pub(crate) const fn holds_growth(&self) -> bool {
        self.in_recovery() && !self.after_timeout
    }

    /// Whether a timeout was not followed by an acknowledgement yet.
    pub(crate) const fn has_backed_off(&self) -> bool {
        self.backed_off
    }

    /// Whether losses are still being repaired.
    pub(crate) const fn in_recovery(&self) -> bool {
        self.recovery_end.is_some()
    }

    /// Takes note of the newest transmission that was acknowledged.
    pub(crate) fn on_acked(
        &mut self,
        now: Instant,
        (order, sent_at, transmissions): (u64, Instant, u16),
        min: Duration,
    ) {
        (self.probing, self.backed_off) = (false, false);
        let rtt = now.saturating_since(sent_at);
        if transmissions > 1 && rtt < min {
            return;
        }
        if self.newest.is_none_or(|(newest, ..)| newest < order) {
            self.newest = Some((order, sent_at, rtt));
        }
    }

    /// Ends the recovery once everything from before it is acknowledged.
    pub(crate) fn check_end(&mut self, flight: &mut Flight) {
        let Some(end) = self.recovery_end else { return };
        let oldest = flight.oldest_transmission().map_or(u64::MAX, |(_, fragment)| fragment.order);
        if oldest >= end && !flight.has_lost() {
            self.recovery_end = None;
            self.missing_reports = 0;
            self.calm_recoveries = self.calm_recoveries.saturating_add(1);
            if self.calm_recoveries >= CALM_RECOVERIES {
                self.window_steps = 0;
            }
        }
    }

    /// Marks what is lost by now, calls `lost` for each, and sets the reordering timer for what may be soon.
    pub(crate) fn detect(
        &mut self,
        now: Instant,
        flight: &mut Flight,
        estimates: &RttEstimator,
        mut lost: impl FnMut(&mut Flight, u64),
    ) {
        self.reorder_at = None;
        let Some((newest, _, rtt)) = self.newest else { return };
        let wait = rtt.saturating_add(self.reordering_window(estimates));
        let told = flight.highest_gap_acked().filter(|_| self.truncated);
        let waits = told.is_none_or(|told| {
            let beyond = flight.next_tsn().saturating_sub(told);
            beyond <= told.saturating_sub(flight.cumulative()).saturating_mul(TOO_FAR)
        });
        while let Some((tsn, fragment)) = flight.oldest_transmission() {
            // What lies beyond the runs of a truncated SACK may well have arrived.
            let untold = told.is_some_and(|told| tsn > told);
            if fragment.order >= newest || untold && waits {
                break;
            }
            let due = fragment.sent_at + wait;
            if due > now {
                self.reorder_at = Some(due);
                break;
            }
            let order = fragment.order;
            lost(flight, tsn);
            self.mark(tsn, order, flight.next_order());
            self.suspecting |= untold;
        }
    }

    /// A SACK came with this many gap blocks.
    pub(crate) const fn on_gaps(&mut self, count: usize) {
        if count > 0 {
            self.missing_reports = self.missing_reports.saturating_add(1);
        }
        self.truncated = count >= TRUNCATED_BLOCKS;
    }

    fn reordering_window(&self, rtt: &RttEstimator) -> Duration {
        let min = rtt.min();
        if min == Duration::MAX {
            return Duration::ZERO;
        }
        if !self.reordering_seen && (self.in_recovery() || self.missing_reports >= MISSING_REPORTS) {
            return Duration::ZERO;
        }
        (min.saturating_mul(self.window_steps.saturating_add(1)) / 4).min(rtt.longest())
    }

    /// A transmission of this fragment with this order counts as lost.
    pub(crate) fn mark(&mut self, tsn: u64, order: u64, next_order: u64) {
        if self.recovery_end.is_none_or(|end| order >= end) {
            self.begin(next_order);
            self.after_timeout = false;
            self.begun = true;
        }
        if self.marked.insert(tsn) {
            self.unproven = self.unproven.saturating_add(1);
        }
    }

    fn begin(&mut self, next_order: u64) {
        self.recovery_end = Some(next_order);
        self.marked.clear();
        (self.unproven, self.suspecting) = (0, false);
    }

    /// Whether a recovery began since this was last asked.
    pub(crate) const fn has_begun(&mut self) -> bool {
        core::mem::replace(&mut self.begun, false)
    }

    /// Whether the present or last recovery took this fragment for lost. When the peer got it twice, it was not; or the
    /// path duplicates, which cannot be told apart.
    pub(crate) fn has_marked(&self, tsn: u64) -> bool {
        self.unproven > 0 && self.marked.contains(tsn)
    }

    /// Fragments thought lost arrived by themselves. True when this proves the whole recovery wrong.
    pub(crate) fn on_false_losses(&mut self, count: usize, next_order: u64) -> bool {
        if count == 0 || self.unproven == 0 || self.suspecting {
            return false;
        }
        self.unproven = self.unproven.saturating_sub(count);
        self.widen(next_order);
        if self.unproven > 0 {
            return false;
        }
        self.recovery_end = None;
        true
    }

    /// Fragments overtake each other: waits longer for them, by a step or half as many as there are, once a round trip.
    fn widen(&mut self, next_order: u64) {
        self.reordering_seen = true;
        self.calm_recoveries = 0;
        if self.newest.is_some_and(|(newest, ..)| newest >= self.widened_at) {
            let half_more = self.window_steps.saturating_add(self.window_steps / 2);
            self.window_steps = half_more.saturating_add(1).min(MAX_WINDOW_STEPS);
            self.widened_at = next_order;
        }
    }

    /// The retransmission timeout happened; everything in flight is to be marked.
    pub(crate) fn on_timeout(&mut self, flight: &Flight) {
        self.begin(flight.next_order());
        self.after_timeout = true;
        (self.probing, self.backed_off) = (false, true);
        self.reorder_at = None;
    }

    /// Starts the timers over after something was acknowledged; `waiting`: something other than fragments waits for an
    /// acknowledgement.
    pub(crate) fn rearm(&mut self, now: Instant, flight: &Flight, rtt: &RttEstimator, waiting: bool) {
        (self.timeout_at, self.probe_at) = (None, None);
        if flight.bytes() == 0 && !waiting {
            self.reorder_at = None;
            return;
        }
        self.arm(now, flight, rtt);
    }

    /// Starts the timers that are not running, after something was sent.
    pub(crate) fn arm(&mut self, now: Instant, flight: &Flight, rtt: &RttEstimator) {
        let timeout_at = *self.timeout_at.get_or_insert(now + rtt.rto());
        // With a timeout behind us, what was lost must not leave before something is acknowledged.
        if self.probing || self.probe_at.is_some() || flight.has_lost() && !self.backed_off {
            return;
        }
        let probe_at = rtt.smoothed().map(|smoothed| now + smoothed.saturating_mul(2).max(MIN_PROBE_TIMEOUT));
        self.probe_at = probe_at.filter(|at| *at < timeout_at);
    }

    /// Stops every timer.
    pub(crate) fn stop(&mut self) {
        (self.timeout_at, self.probe_at, self.reorder_at) = (None, None, None);
    }
}

/// The state a lost fragment goes to.
pub(crate) const fn lost_state(abandoned: bool) -> FragmentState {
    if abandoned { FragmentState::Abandoned } else { FragmentState::Lost }
}
