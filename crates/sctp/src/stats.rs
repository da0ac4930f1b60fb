//! Counters and gauges of an association.

use crate::DISCARD_REASONS;
use core::time::Duration;
use sendrecv_core::Discards;

/// What an association counted and measured so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Packets written.
    pub packets_sent: u64,
    /// Packets that had an effect.
    pub packets_received: u64,
    /// Bytes of all packets written, without lower layers.
    pub bytes_sent: u64,
    /// Bytes of all packets that had an effect.
    pub bytes_received: u64,
    /// Messages whose last fragment was sent.
    pub messages_sent: u64,
    /// Messages delivered.
    pub messages_received: u64,
    /// Messages given up (partial reliability).
    pub messages_abandoned: u64,
    /// DATA chunks sent for the first time.
    pub data_chunks_sent: u64,
    /// DATA chunks sent again.
    pub retransmissions: u64,
    /// Retransmission timeouts.
    pub timeouts: u64,
    /// Tail loss probes.
    pub tail_loss_probes: u64,
    /// Reductions of the congestion window that were taken back because nothing had been lost.
    pub spurious_recoveries: u64,
    /// DATA chunks that arrived more than once.
    pub duplicates_received: u64,
    /// SACKs sent.
    pub sacks_sent: u64,
    /// SACKs received.
    pub sacks_received: u64,
    /// Packets that had no effect, by reason.
    pub discards: Discards<DISCARD_REASONS>,
    /// Smoothed round-trip time; `None` before the first measurement.
    pub smoothed_rtt: Option<Duration>,
    /// The lowest round-trip time seen.
    pub min_rtt: Option<Duration>,
    /// The present retransmission timeout.
    pub rto: Duration,
    /// The congestion window in bytes.
    pub congestion_window: usize,
    /// Bytes in flight, with chunk headers.
    pub bytes_in_flight: usize,
    /// The peer's receive window in bytes, as it last said.
    pub peer_window: usize,
    /// Our receive window in bytes, as we would say now.
    pub receive_window: usize,
    /// Bytes that wait for their first transmission, over all streams.
    pub buffered_amount: usize,
    /// The longest packet in bytes that is sent.
    pub max_packet_size: usize,
    /// How often the caller's time ran backwards.
    pub backwards_time: u64,
}
