//! What the peer's acknowledgements do (RFC 9260, section 6.2.1).

use super::Sender;
use super::flight::{Acked, NewestAcked};
use crate::Discard;
use crate::congestion::{Ack, DeliveryRate};
use crate::num::size;
use crate::wire::Sack;
use core::time::Duration;
use sendrecv_core::Instant;

impl Sender {
    /// Takes a SACK.
    pub(crate) fn on_sack(&mut self, now: Instant, sack: &Sack<'_>) -> Result<(), Discard> {
        let cumulative = self.extend(sack.cumulative_tsn);
        let newest = self.flight.next_tsn().saturating_sub(1);
        if cumulative < self.flight.cumulative() || cumulative > newest {
            return Err(Discard::BadAcknowledgement);
        }
        let advanced = cumulative > self.flight.cumulative();
        if advanced {
            self.rtt.restore();
        }
        let acked = self.apply(cumulative, newest, sack);
        self.peer_window = size(sack.a_rwnd);
        self.queue.note_peer_window(self.peer_window);
        self.errors = 0;
        self.react(now, &acked, sack);
        self.advance_forward_point(now);
        if advanced || acked.bytes > 0 {
            self.restart_timers(now);
        }
        self.forward.on_sack(now, self.rtt.smoothed().unwrap_or_default());
        Ok(())
    }

    /// Takes the cumulative TSN of a SHUTDOWN. One that a later SACK overtook is no news, but no mistake either.
    pub(crate) fn on_cumulative(&mut self, now: Instant, tsn: u32) -> Result<(), Discard> {
        let cumulative = self.extend(tsn);
        if cumulative >= self.flight.next_tsn() {
            return Err(Discard::BadAcknowledgement);
        }
        if cumulative <= self.flight.cumulative() {
            return Ok(());
        }
        self.errors = 0;
        let mut acked = Acked::default();
        let Self { flight, queue, .. } = self;
        flight.ack_cumulative(cumulative, &mut acked, |message| queue.release(message));
        self.advance_forward_point(now);
        self.restart_timers(now);
        Ok(())
    }

    /// Whatever is not cumulatively acknowledged is waited for, also what a dishonest peer has reported beyond a gap that
    /// is none.
    fn restart_timers(&mut self, now: Instant) {
        let waiting = self.forward.is_pending() || self.flight.head_is_gap_acked();
        self.recovery.rearm(now, &self.flight, &self.rtt, waiting);
    }

    fn apply(&mut self, cumulative: u64, newest: u64, sack: &Sack<'_>) -> Acked {
        let mut acked = Acked::default();
        let Self { flight, queue, .. } = self;
        flight.ack_cumulative(cumulative, &mut acked, |message| queue.release(message));
        for gap in sack.gaps() {
            let start = cumulative.saturating_add(u64::from(gap.start));
            let end = cumulative.saturating_add(u64::from(gap.end));
            if gap.start > 1 && start <= end && end <= newest {
                flight.ack_run(start, end, &mut acked);
            }
        }
        acked
    }

    /// Estimates, detects losses, and tells the congestion control.
    fn react(&mut self, now: Instant, acked: &Acked, sack: &Sack<'_>) {
        let mut rtt = None;
        if let Some(NewestAcked { order, transmissions, burst }) = acked.newest {
            if transmissions == 1 {
                let sample = now.saturating_since(burst.sent_at);
                self.rtt.sample(sample);
                rtt = Some(sample);
            } else {
                self.rtt.restore();
            }
            self.recovery.on_acked(now, (order, burst.sent_at, transmissions), self.rtt.min());
        }
        self.recovery.on_gaps(sack.gap_count());
        let repeated = sack.duplicates().filter(|tsn| self.recovery.has_marked(self.extend(*tsn))).count();
        self.undo_if_wrong(size(acked.found).saturating_add(repeated));
        if acked.probe && sack.duplicates().next().is_none() {
            // The probe repaired a loss that nothing else had shown, unless the peer reports it twice later.
            self.recovery.mark(self.flight.cumulative(), u64::MAX, self.flight.next_order());
        }
        let lost = self.detect_losses(now);
        self.recovery.check_end(&mut self.flight);
        if acked.bytes > 0 {
            self.report_ack(now, acked, rtt, lost);
        }
    }

    fn report_ack(&mut self, now: Instant, acked: &Acked, rtt: Option<Duration>, lost: usize) {
        let delivery = self.flight.rate_sample(now, acked).map(|sample| DeliveryRate {
            bytes: sample.bytes,
            interval: sample.interval,
            app_limited: sample.app_limited,
        });
        let round_started = acked.newest.is_some_and(|newest| newest.burst.delivered() >= self.round_end);
        if round_started {
            self.round_end = self.flight.delivered();
        }
        self.congestion.on_ack(&Ack {
            now,
            acked: acked.bytes,
            lost,
            in_flight: self.flight.bytes(),
            rtt,
            smoothed_rtt: self.rtt.smoothed().unwrap_or_default(),
            min_rtt: self.rtt.min(),
            round_started,
            window_limited: self.window_limited,
            in_recovery: self.recovery.holds_growth(),
            delivery,
        });
    }

    fn undo_if_wrong(&mut self, false_losses: usize) {
        if self.recovery.on_false_losses(false_losses, self.flight.next_order()) {
            self.congestion.on_spurious();
            self.spurious_recoveries = self.spurious_recoveries.saturating_add(1);
        }
    }
}
