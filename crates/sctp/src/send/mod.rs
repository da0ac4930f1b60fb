//! The sending side: queued messages, what is in flight, and when the next byte may leave.

mod flight;
mod forward;
mod pacer;
mod queue;
mod recovery;
mod rtt;
mod scheduler;

use crate::congestion::{Ack, CongestionControl, DeliveryRate, Parameters};
use crate::num::{clamp16, extend, low32, size};
use crate::wire::{DataHeader, HEADER_LEN, Sack};
use crate::{Config, Discard};
use alloc::boxed::Box;
use flight::{Acked, Flight, Fragment, FragmentState};
use forward::Forward;
use pacer::Pacer;
pub(crate) use queue::SendQueue;
use queue::{NewFragment, OutMessage};
use recovery::{Expired, Recovery, lost_state};
pub(crate) use rtt::RttEstimator;
use sendrecv_core::{Instant, PacketBuf, earliest};

/// The least payload cut off a long message to fill a packet up.
const MIN_FRAGMENT: usize = 200;

/// The sending side of an association.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) queue: SendQueue,
    pub(crate) rtt: RttEstimator,
    flight: Flight,
    recovery: Recovery,
    forward: Forward,
    congestion: Box<dyn CongestionControl>,
    pacer: Pacer,
    /// The peer's window as its last SACK said.
    peer_window: usize,
    packet_size: usize,
    pub(crate) interleaving: bool,
    pub(crate) partial_reliability: bool,
    /// The last attempt to send ended because the congestion window was full.
    window_limited: bool,
    /// When pacing lets the next packet go.
    release_at: Option<Instant>,
    /// A tail loss probe, or a probe of a closed window, may leave in spite of every window.
    probe_due: bool,
    /// What must have been delivered for the next round trip to start.
    round_end: u64,
    /// Consecutive timeouts without an acknowledgement.
    pub(crate) errors: u32,
    pub(crate) data_chunks_sent: u64,
    pub(crate) retransmissions: u64,
    pub(crate) timeouts: u64,
    pub(crate) probes: u64,
    pub(crate) spurious_recoveries: u64,
}

impl Sender {
    pub(crate) fn new(config: &Config, initial_tsn: u32, now: Instant) -> Self {
        let packet_size = config.max_packet_size;
        let initial_window = config.initial_window_packets.max(2).saturating_mul(packet_size);
        // TSNs are 64 bits inside; starting one cycle up leaves a place for numbers before the first.
        let first_tsn = (1u64 << 32).saturating_add(u64::from(initial_tsn));
        Self {
            queue: SendQueue::new(config.scheduling, config.send_buffer),
            rtt: RttEstimator::new(config.rto_initial, config.rto_min, config.rto_max),
            flight: Flight::new(first_tsn, now),
            recovery: Recovery::default(),
            forward: Forward::new(first_tsn.saturating_sub(1)),
            congestion: config.congestion.start(&Parameters { packet_size, initial_window }),
            pacer: Pacer::new(now),
            peer_window: 0,
            packet_size,
            interleaving: false,
            partial_reliability: false,
            window_limited: false,
            release_at: None,
            probe_due: false,
            round_end: 0,
            errors: 0,
            data_chunks_sent: 0,
            retransmissions: 0,
            timeouts: 0,
            probes: 0,
            spurious_recoveries: 0,
        }
    }

    /// The association is established: what was negotiated.
    pub(crate) fn establish(&mut self, peer_window: u32, interleaving: bool, partial_reliability: bool) {
        self.peer_window = size(peer_window);
        self.interleaving = interleaving;
        self.partial_reliability = partial_reliability;
    }

    /// The handshake is over: what left with its last packet is timed from here.
    pub(crate) fn start(&mut self, now: Instant) {
        self.recovery.rearm(now, &self.flight, &self.rtt, false);
    }

    pub(crate) fn set_packet_size(&mut self, bytes: usize) {
        self.packet_size = bytes;
        self.congestion.set_packet_size(bytes);
    }

    /// The last TSN that was given to a fragment.
    pub(crate) fn last_tsn(&self) -> u32 {
        low32(self.flight.next_tsn().saturating_sub(1))
    }

    /// Extends a TSN of ours near the present ones.
    pub(crate) const fn extend(&self, tsn: u32) -> u64 {
        extend(self.flight.cumulative(), tsn)
    }

    /// Whether everything handed over has been acknowledged.
    pub(crate) fn is_finished(&self) -> bool {
        self.flight.is_empty() && !self.queue.has_data()
    }

    pub(crate) const fn bytes_in_flight(&self) -> usize {
        self.flight.bytes()
    }

    pub(crate) fn congestion_window(&self) -> usize {
        self.congestion.window()
    }

    pub(crate) const fn peer_window(&self) -> usize {
        self.peer_window
    }

    /// The next deadline of loss detection or pacing.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        earliest(self.recovery.deadline(), self.release_at)
    }

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
        self.errors = 0;
        self.react(now, &acked, sack);
        self.advance_forward_point(now);
        if advanced || acked.bytes > 0 {
            self.recovery.rearm(now, &self.flight, &self.rtt, self.forward.is_pending());
        }
        self.forward.on_sack(now, self.rtt.smoothed().unwrap_or_default());
        Ok(())
    }

    /// Takes the cumulative TSN of a SHUTDOWN.
    pub(crate) fn on_cumulative(&mut self, now: Instant, tsn: u32) -> Result<(), Discard> {
        let cumulative = self.extend(tsn);
        if cumulative < self.flight.cumulative() || cumulative >= self.flight.next_tsn() {
            return Err(Discard::BadAcknowledgement);
        }
        let mut acked = Acked::default();
        let Self { flight, queue, .. } = self;
        flight.ack_cumulative(cumulative, &mut acked, |message| queue.release(message));
        self.advance_forward_point(now);
        self.recovery.rearm(now, &self.flight, &self.rtt, self.forward.is_pending());
        Ok(())
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
        if let Some(newest @ (_, sent_at, transmissions)) = acked.newest {
            if transmissions == 1 {
                let sample = now.saturating_since(sent_at);
                self.rtt.sample(sample);
                rtt = Some(sample);
            } else {
                self.rtt.restore();
            }
            self.recovery.on_acked(now, newest, self.rtt.min());
        }
        self.recovery.on_gaps(sack.gap_count());
        let duplicates = u32::try_from(sack.duplicates().count()).unwrap_or(u32::MAX);
        self.undo_if_wrong(acked.found.saturating_add(duplicates));
        if acked.probe && duplicates == 0 {
            // The probe repaired a loss that nothing else had shown.
            self.congestion.on_congestion(now, self.flight.bytes());
        }
        let lost = self.detect_losses(now);
        self.recovery.check_end(&mut self.flight);
        if acked.bytes > 0 {
            self.report_ack(now, acked, rtt, lost);
        }
    }

    fn report_ack(&mut self, now: Instant, acked: &Acked, rtt: Option<core::time::Duration>, lost: usize) {
        let delivery = self.flight.rate_sample(now, acked).map(|sample| DeliveryRate {
            bytes: sample.bytes,
            interval: sample.interval,
            app_limited: sample.app_limited,
        });
        let round_started =
            Flight::delivered_when_sent(acked).is_some_and(|delivered| delivered >= self.round_end);
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

    fn undo_if_wrong(&mut self, false_losses: u32) {
        if self.recovery.on_false_losses(false_losses) {
            self.congestion.on_spurious();
            self.spurious_recoveries = self.spurious_recoveries.saturating_add(1);
        }
    }

    /// Marks what is lost by now; returns how many bytes.
    fn detect_losses(&mut self, now: Instant) -> usize {
        let before = self.flight.bytes();
        let Self { recovery, flight, queue, partial_reliability, rtt, .. } = self;
        let mut newest_lost = None;
        recovery.detect(now, flight, rtt.min(), |flight, tsn| {
            let Some(fragment) = flight.get(tsn) else { return };
            let (order, key) = (fragment.order, fragment.message);
            let give_up = *partial_reliability && given_up(now, fragment, queue.message(key));
            if give_up {
                queue.abandon(key);
            }
            flight.mark(tsn, lost_state(give_up));
            newest_lost = Some(order);
        });
        self.note_losses(now, newest_lost);
        before.saturating_sub(self.flight.bytes())
    }

    fn note_losses(&mut self, now: Instant, newest_lost: Option<u64>) {
        let Some(order) = newest_lost else { return };
        if self.recovery.on_lost(order, &self.flight) {
            self.congestion.on_congestion(now, self.flight.bytes());
        }
    }

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
        while let Some((tsn, fragment)) = self.flight.oldest_transmission() {
            let key = fragment.message;
            let give_up = self.partial_reliability && given_up(now, fragment, self.queue.message(key));
            if give_up {
                self.queue.abandon(key);
            }
            self.flight.mark(tsn, lost_state(give_up));
            self.recovery.on_lost(next_order.saturating_sub(1), &self.flight);
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

    fn advance_forward_point(&mut self, now: Instant) {
        if !self.partial_reliability {
            return;
        }
        self.end_cut_short();
        let Self { forward, flight, queue, interleaving, .. } = self;
        forward.advance(flight, queue, *interleaving);
        if self.forward.is_pending() {
            self.recovery.arm(now, &self.flight, &self.rtt);
        }
    }

    /// Ends messages that were given up half sent, before another takes the TSN behind their last fragment.
    fn end_cut_short(&mut self) {
        while let Some(message) = self.queue.pop_cut_short() {
            self.flight.push_abandoned(message);
        }
    }

    /// Writes a FORWARD-TSN, if one is due.
    pub(crate) fn write_forward(&mut self, now: Instant, out: &mut PacketBuf<'_>) {
        if self.forward.is_due() && self.forward.write(now, self.interleaving, out) {
            self.recovery.arm(now, &self.flight, &self.rtt);
        }
    }

    /// Whether a window keeps the next packet back; sets the pacing deadline if that is why.
    fn is_blocked(&mut self, now: Instant) -> bool {
        self.release_at = None;
        if core::mem::take(&mut self.probe_due) {
            return false;
        }
        if self.flight.bytes() >= self.congestion.window() {
            self.window_limited = true;
            return true;
        }
        let rate = self.congestion.pacing_rate(self.rtt.smoothed().unwrap_or_default());
        if !self.pacer.may_send(now, rate, self.packet_size) {
            self.release_at = self.pacer.release_at(rate, self.packet_size);
            self.window_limited = true;
            return true;
        }
        false
    }

    /// Whether something is to be sent, and the congestion window lets it.
    pub(crate) fn wants_to_send(&self) -> bool {
        (self.flight.has_lost() || self.queue.has_data()) && self.flight.bytes() < self.congestion.window()
    }

    /// The packet length that the next retransmission needs when the path's packets became smaller since: a fragment
    /// with a TSN cannot be cut again.
    pub(crate) fn oversized_len(&mut self) -> usize {
        if !self.flight.has_lost() {
            return 0;
        }
        self.flight
            .next_lost()
            .map_or(0, |(_, fragment)| usize::from(fragment.wire).saturating_add(HEADER_LEN))
    }

    /// Fills the packet with chunks that may leave now; returns how many.
    pub(crate) fn write_data(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> usize {
        let probing = self.probe_due;
        if !self.flight.has_lost() && !self.queue.has_data() && !probing {
            self.release_at = None;
            self.window_limited = false;
            return 0;
        }
        if self.is_blocked(now) {
            return 0;
        }
        let start = out.len();
        let mut chunks = self.write_lost(now, out, probing);
        chunks = chunks.saturating_add(self.write_new(now, out, chunks == 0));
        if chunks == 0 && probing {
            chunks = self.write_tail(now, out);
        }
        if chunks > 0 {
            self.pacer.sent(out.len().saturating_sub(start));
            self.recovery.arm(now, &self.flight, &self.rtt);
        } else if !self.queue.has_data() {
            self.window_limited = false;
        }
        chunks
    }

    fn write_lost(&mut self, now: Instant, out: &mut PacketBuf<'_>, probe: bool) -> usize {
        let mut chunks = 0usize;
        while let Some((tsn, fragment)) = self.flight.next_lost() {
            let key = fragment.message;
            let Some(message) = self.queue.message(key) else { break };
            if self.partial_reliability && (message.abandoned || now >= message.expires) {
                self.queue.abandon(key);
                self.flight.mark(tsn, FragmentState::Abandoned);
                continue;
            }
            if write_fragment(low32(tsn), fragment, message, (self.interleaving, probe), out).is_err() {
                break;
            }
            self.flight.retransmitted(now, tsn, probe && chunks == 0);
            self.retransmissions = self.retransmissions.saturating_add(1);
            chunks = chunks.saturating_add(1);
        }
        if !self.flight.has_lost() {
            self.advance_forward_point(now);
        }
        chunks
    }

    fn write_new(&mut self, now: Instant, out: &mut PacketBuf<'_>, first: bool) -> usize {
        let header = DataHeader::len(self.interleaving);
        let full = self.packet_size.saturating_sub(HEADER_LEN).saturating_sub(header) & !3;
        // Without the peer's support nothing expires: what was begun could never be skipped.
        let expiry = if self.partial_reliability { now } else { Instant::ZERO };
        let mut chunks = 0usize;
        loop {
            let space = out.space().saturating_sub(header) & !3;
            if space == 0 || self.peer_window_closed(space) {
                return chunks;
            }
            let least = if first && chunks == 0 { 1 } else { MIN_FRAGMENT };
            let Some(cut) = self.queue.next_fragment(expiry, (space, least, full), self.interleaving) else {
                break;
            };
            self.send_new(now, cut, out);
            chunks = chunks.saturating_add(1);
        }
        self.advance_forward_point(now);
        if !self.queue.has_data() {
            self.flight.mark_app_limited();
            self.window_limited = self.flight.bytes() >= self.congestion.window();
        }
        chunks
    }

    /// Whether the peer's window has no room. With nothing in flight one packet may leave all the same: it probes
    /// whether the window opened (RFC 9260, section 6.1, rule A).
    fn peer_window_closed(&self, wanted: usize) -> bool {
        let in_flight = self.flight.bytes();
        in_flight > 0 && self.peer_window.saturating_sub(in_flight) < wanted.min(self.packet_size / 2)
    }

    fn send_new(&mut self, now: Instant, cut: NewFragment, out: &mut PacketBuf<'_>) {
        let wire = clamp16(DataHeader::wire_len(self.interleaving, cut.len));
        let mut fragment = Fragment::new(cut.message, cut.offset, cut.index, (clamp16(cut.len), wire));
        (fragment.beginning, fragment.ending) = (cut.beginning, cut.ending);
        self.end_cut_short();
        let tsn = low32(self.flight.next_tsn());
        if let Some(message) = self.queue.message(cut.message) {
            // The last packet a full window lets out asks for an answer at once (RFC 7053).
            let last = self.flight.bytes().saturating_add(usize::from(wire)) >= self.congestion.window();
            let written = write_fragment(tsn, &fragment, message, (self.interleaving, last), out);
            debug_assert!(written.is_ok(), "a fragment was cut to the space there is");
        }
        self.flight.push(now, fragment);
        self.data_chunks_sent = self.data_chunks_sent.saturating_add(1);
    }

    /// A tail loss probe without new data repeats the newest fragment.
    fn write_tail(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> usize {
        let tail = self.flight.next_tsn().saturating_sub(1);
        if self.flight.back().is_some_and(|fragment| fragment.state == FragmentState::InFlight) {
            self.flight.mark(tail, FragmentState::Lost);
            return self.write_lost(now, out, true);
        }
        0
    }

    /// The peer restarted: nothing that was sent counts, streams begin anew.
    pub(crate) fn restart(&mut self, config: &Config, initial_tsn: u32, now: Instant) {
        *self = Self::new(config, initial_tsn, now);
    }

    /// The association is over.
    pub(crate) fn close(&mut self) {
        self.queue.clear();
        self.recovery.stop();
        self.release_at = None;
        self.probe_due = false;
    }
}

/// Whether a fragment that would have to be sent again belongs to a message that is no longer worth it.
fn given_up(now: Instant, fragment: &Fragment, message: Option<&OutMessage>) -> bool {
    message.is_none_or(|message| {
        message.abandoned
            || now >= message.expires
            || message.max_retransmits.is_some_and(|limit| fragment.transmissions > limit)
    })
}

fn write_fragment(
    tsn: u32,
    fragment: &Fragment,
    message: &OutMessage,
    (interleaved, immediate): (bool, bool),
    out: &mut PacketBuf<'_>,
) -> Result<(), sendrecv_core::NoSpace> {
    if out.space() < usize::from(fragment.wire) {
        return Err(sendrecv_core::NoSpace);
    }
    let header = DataHeader {
        interleaved,
        immediate,
        unordered: message.unordered,
        beginning: fragment.beginning,
        ending: fragment.ending,
        tsn,
        stream: message.stream,
        message_id: message.id,
        ppid: message.ppid,
        fragment: fragment.index,
    };
    let start = size(fragment.offset);
    let payload =
        message.data.get(start..start.saturating_add(usize::from(fragment.len))).unwrap_or_default();
    header.write(payload, out)
}
