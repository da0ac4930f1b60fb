//! What is lost, what is given up, and what timers do about it.

use super::Sender;
use super::flight::Flight;
use super::fragment::Fragment;
use super::outgoing::OutMessage;
use super::queue::SendQueue;
use super::recovery::{Expired, lost_state};
use sendrecv_core::Instant;

impl Sender {
    /// Does what is due. True when the retransmission timer ran out.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> bool {
        if self.release_at.is_some_and(|at| at <= now) {
            self.release_at = None;
        }
        let mut timed_out = false;
        while let Some(expired) = self.recovery.expired(now) {
            match expired {
                Expired::Reorder => {
                    self.detect_losses(now);
                    self.advance_forward_point(now);
                }
                Expired::Probe => {
                    self.probes = self.probes.saturating_add(1);
                    self.probe_due = self.flight.bytes() > 0;
                    if self.recovery.has_backed_off() {
                        self.repeat_all(now);
                    }
                    self.forward.retransmit();
                }
                Expired::Timeout => {
                    self.time_out(now);
                    timed_out = true;
                }
            }
        }
        timed_out
    }

    fn time_out(&mut self, now: Instant) {
        self.timeouts = self.timeouts.saturating_add(1);
        let anything_lost = self.flight.bytes() > 0;
        // A probe of a closed window that goes unanswered says nothing about congestion.
        let window_probe = self.peer_window == 0 && self.flight.bytes() > 0;
        if self.flight.head_is_gap_acked() {
            self.flight.forget_gap_acks();
        }
        self.recovery.on_timeout(&self.flight);
        let next_order = self.flight.next_order();
        while let Some((tsn, _)) = self.flight.oldest_transmission() {
            lose(now, tsn, self.partial_reliability, (&mut self.flight, &mut self.queue));
            self.recovery.mark(tsn, next_order.saturating_sub(1), next_order);
        }
        if anything_lost && !window_probe {
            self.congestion.on_timeout(now);
        }
        self.rtt.back_off();
        self.errors = self.errors.saturating_add(1);
        self.advance_forward_point(now);
        self.forward.retransmit();
        self.probe_due = anything_lost;
        self.recovery.rearm(
            now,
            &self.flight,
            &self.rtt,
            self.flight.has_lost() || self.forward.is_pending(),
        );
    }

    /// Everything in flight goes again, which says nothing of congestion.
    pub(crate) fn repeat_all(&mut self, now: Instant) {
        while let Some((tsn, _)) = self.flight.oldest_transmission() {
            lose(now, tsn, self.partial_reliability, (&mut self.flight, &mut self.queue));
        }
        self.advance_forward_point(now);
    }

    /// Passes what was given up, and what only waited for that.
    pub(super) fn advance_forward_point(&mut self, now: Instant) {
        self.end_cut_short();
        if !self.partial_reliability || !self.queue.has_abandoned() && !self.forward.is_pending() {
            return;
        }
        let Self { forward, flight, queue, interleaving, .. } = self;
        forward.advance(flight, queue, *interleaving);
        if self.forward.is_pending() {
            self.recovery.arm(now, &self.flight, &self.rtt);
        }
    }

    /// Ends messages that were given up half sent, before another takes the TSN behind their last fragment.
    pub(super) fn end_cut_short(&mut self) {
        while let Some(message) = self.queue.pop_cut_short() {
            self.flight.push_abandoned(message);
        }
    }

    /// Marks what is lost by now; returns how many bytes.
    pub(super) fn detect_losses(&mut self, now: Instant) -> usize {
        let before = self.flight.bytes();
        let Self { recovery, flight, queue, partial_reliability, rtt, .. } = self;
        recovery.detect(now, flight, rtt, |flight, tsn| {
            lose(now, tsn, *partial_reliability, (flight, queue));
        });
        if self.recovery.has_begun() {
            self.congestion.on_congestion(now, self.flight.bytes());
        }
        before.saturating_sub(self.flight.bytes())
    }
}

/// Marks a fragment to be sent again or, when its message is no longer worth it, gives that up.
fn lose(now: Instant, tsn: u64, partial_reliability: bool, (flight, queue): (&mut Flight, &mut SendQueue)) {
    flight.note_loss(tsn);
    let Some(fragment) = flight.get(tsn) else { return };
    let key = fragment.message;
    let give_up = partial_reliability && given_up(now, fragment, queue.message(key));
    if give_up {
        queue.abandon(key);
    }
    flight.mark(tsn, lost_state(give_up));
}

/// Whether a fragment that would have to be sent again belongs to a message that is no longer worth it.
fn given_up(now: Instant, fragment: &Fragment, message: Option<&OutMessage>) -> bool {
    message.is_none_or(|message| {
        message.abandoned
            || now >= message.expires
            || message.max_retransmits.is_some_and(|limit| fragment.transmissions > limit)
    })
}
