//! Finding losses: RACK, tail loss probes and the retransmission timer (after RFC 8985, and RFC 9260, section 6.3).
//!
//! A fragment is lost when something sent later was acknowledged and the reordering window has passed since. The window
//! starts at a quarter of the lowest round-trip time and widens when fragments thought lost arrive after all.

use super::flight::Flight;
use super::fragment::FragmentState;
use super::rtt::RttEstimator;
use core::time::Duration;
use sendrecv_core::{Instant, earliest};

/// The shortest wait for a tail loss probe.
const MIN_PROBE_TIMEOUT: Duration = Duration::from_millis(10);
/// Acknowledgements that must be missing before a path without known reordering counts a fragment as lost at once.
const MISSING_REPORTS: u32 = 3;
const MAX_WINDOW_STEPS: u32 = 16;
/// Peers that bound their SACKs tell of this many runs at least.
const TRUNCATED_BLOCKS: usize = 20;

/// Loss detection's state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recovery {
    /// The newest transmission known to have arrived: its order, when it left, and its round-trip time.
    newest: Option<(u64, Instant, Duration)>,
    reordering_seen: bool,
    /// The reordering window in quarters of the lowest round-trip time.
    window_steps: u32,
    /// SACKs since something was first missing.
    missing_reports: u32,
    reorder_at: Option<Instant>,
    probe_at: Option<Instant>,
    timeout_at: Option<Instant>,
    /// A probe was sent; no other until something is acknowledged.
    probing: bool,
    /// The last SACK may have left runs out.
    truncated: bool,
    /// Losses of transmissions before this belong to the present recovery.
    recovery_end: Option<u64>,
    /// The present recovery began with a timeout, and the window with it: it grows again at once.
    after_timeout: bool,
    /// Lost marks of this recovery not yet proven wrong; `None` when it cannot be undone.
    undo: Option<u32>,
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
        self.probing = false;
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
            self.undo = None;
        }
    }

    /// Marks what is lost by now, calls `lost` for each, and sets the reordering timer for what may be soon.
    pub(crate) fn detect(
        &mut self,
        now: Instant,
        flight: &mut Flight,
        min: Duration,
        mut lost: impl FnMut(&mut Flight, u64),
    ) {
        self.reorder_at = None;
        let Some((newest, _, rtt)) = self.newest else { return };
        let wait = rtt.saturating_add(self.reordering_window(min));
        let highest = flight.highest_gap_acked();
        while let Some((tsn, fragment)) = flight.oldest_transmission() {
            // What lies beyond the runs of a truncated SACK may well have arrived.
            if fragment.order >= newest || self.truncated && highest.is_none_or(|highest| tsn > highest) {
                break;
            }
            let due = fragment.sent_at + wait;
            if due > now {
                self.reorder_at = Some(due);
                break;
            }
            lost(flight, tsn);
        }
    }

    /// A SACK came with this many gap blocks.
    pub(crate) const fn on_gaps(&mut self, count: usize) {
        if count > 0 {
            self.missing_reports = self.missing_reports.saturating_add(1);
        }
        self.truncated = count >= TRUNCATED_BLOCKS;
    }

    fn reordering_window(&self, min: Duration) -> Duration {
        if min == Duration::MAX {
            return Duration::ZERO;
        }
        if !self.reordering_seen && (self.in_recovery() || self.missing_reports >= MISSING_REPORTS) {
            return Duration::ZERO;
        }
        min.saturating_mul(self.window_steps.saturating_add(1)) / 4
    }

    /// A transmission with this order was found lost. True when this begins a new recovery.
    pub(crate) fn on_lost(&mut self, order: u64, flight: &Flight) -> bool {
        let begins = self.recovery_end.is_none_or(|end| order >= end);
        if begins {
            self.recovery_end = Some(flight.next_order());
            self.after_timeout = false;
            self.undo = Some(0);
        }
        if let Some(undo) = &mut self.undo {
            *undo = undo.saturating_add(1);
        }
        begins
    }

    /// Fragments thought lost arrived by themselves. True when this proves the whole recovery wrong.
    pub(crate) fn on_false_losses(&mut self, count: u32) -> bool {
        if count == 0 {
            return false;
        }
        self.reordering_seen = true;
        self.window_steps = self.window_steps.saturating_add(1).min(MAX_WINDOW_STEPS);
        let Some(undo) = &mut self.undo else { return false };
        *undo = undo.saturating_sub(count);
        if *undo > 0 {
            return false;
        }
        self.undo = None;
        self.recovery_end = None;
        true
    }

    /// The retransmission timeout happened: everything in flight is lost.
    pub(crate) fn on_timeout(&mut self, flight: &Flight) {
        self.recovery_end = Some(flight.next_order());
        self.after_timeout = true;
        self.undo = Some(0);
        self.probing = false;
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
        if self.probing || self.probe_at.is_some() || flight.has_lost() {
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
