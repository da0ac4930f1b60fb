//! The sending side: queued messages, what is in flight, and when the next byte may leave.

mod acknowledge;
mod black_hole;
mod burst;
mod flight;
mod forward;
mod fragment;
mod lose;
mod outgoing;
mod pacer;
mod queue;
mod recovery;
mod rtt;
mod scheduler;
mod transmit;

use crate::Config;
use crate::congestion::{CongestionControl, Parameters};
use crate::num::{extend, low32, size};
use alloc::boxed::Box;
use flight::Flight;
use forward::Forward;
use pacer::Pacer;
pub(crate) use queue::SendQueue;
use recovery::Recovery;
pub(crate) use rtt::RttEstimator;
use sendrecv_core::{Instant, earliest};

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
    /// The packet size that passes whatever happens: fragments are no longer, so that each can be sent again on its own.
    base_size: usize,
    pub(crate) interleaving: bool,
    pub(crate) partial_reliability: bool,
    /// The last attempt to send ended because the congestion window was full.
    window_limited: bool,
    /// When pacing lets the next packet go.
    release_at: Option<Instant>,
    /// When the last packet with data left.
    sent_at: Instant,
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
        // TSNs are 64 bits inside; starting one cycle up leaves a place for numbers before the first.
        let first_tsn = (1u64 << 32).saturating_add(u64::from(initial_tsn));
        Self {
            queue: SendQueue::new(config.scheduling, config.send_buffer),
            rtt: RttEstimator::new(config.rto_initial, config.rto_min, config.rto_max),
            flight: Flight::new(first_tsn, now),
            recovery: Recovery::default(),
            forward: Forward::new(first_tsn.saturating_sub(1)),
            congestion: start_congestion(config),
            pacer: Pacer::new(now),
            peer_window: 0,
            packet_size,
            base_size: packet_size,
            interleaving: false,
            partial_reliability: false,
            window_limited: false,
            release_at: None,
            sent_at: now,
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
        self.queue.note_peer_window(self.peer_window);
        self.interleaving = interleaving;
        self.partial_reliability = partial_reliability;
    }

    /// The handshake is over: what left with its last packet is timed from here.
    pub(crate) fn start(&mut self, now: Instant) {
        self.recovery.rearm(now, &self.flight, &self.rtt, false);
    }

    /// Whether packets larger than the base seem not to arrive any more.
    pub(crate) const fn loses_large_packets(&mut self) -> bool {
        self.flight.black_hole().is_likely()
    }

    /// What was lost says nothing of congestion: its control starts over, as on a path that nothing is known of.
    pub(crate) fn restart_congestion(&mut self, config: &Config) {
        self.congestion = start_congestion(config);
    }

    /// Sets the size of packets, and that which fragments have to fit in.
    pub(crate) fn set_packet_size(&mut self, bytes: usize, base: usize) {
        (self.packet_size, self.base_size) = (bytes, base);
        self.flight.black_hole().arrived();
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

    /// When the last packet with data left.
    pub(crate) const fn sent_at(&self) -> Instant {
        self.sent_at
    }

    /// The next deadline of loss detection or pacing.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        earliest(self.recovery.deadline(), self.release_at)
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

fn start_congestion(config: &Config) -> Box<dyn CongestionControl> {
    let packet_size = config.max_packet_size;
    let initial_window = config.initial_window_packets.max(2).saturating_mul(packet_size);
    config.congestion.start(&Parameters { packet_size, initial_window })
}
