//! Statistics, with the fields of W3C webrtc-stats.

use crate::candidate::Candidate;
use crate::discard::REASONS;
use crate::pair::{PairId, PairState};
use crate::route::Route;
use core::time::Duration;
use sendrecv_core::{Discards, Instant};

/// One candidate pair (`RTCIceCandidatePairStats`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CandidatePairStats {
    /// The pair's number, never used twice by one agent.
    pub id: PairId,
    /// The local candidate.
    pub local: Candidate,
    /// The remote candidate.
    pub remote: Candidate,
    /// The way datagrams go; `None` while its stream is not open.
    pub route: Option<Route>,
    /// The state of its check.
    pub state: PairState,
    /// Whether it was nominated.
    pub nominated: bool,
    /// Whether it carries the data.
    pub selected: bool,
    /// The pair's priority.
    pub priority: u64,
    /// What was counted.
    pub counters: PairCounters,
}

/// What is counted per pair. Packets and bytes are those of the application; bytes are without STUN, TURN and
/// lower headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PairCounters {
    /// `packetsSent`.
    pub packets_sent: u64,
    /// `packetsReceived`.
    pub packets_received: u64,
    /// `bytesSent`.
    pub bytes_sent: u64,
    /// `bytesReceived`.
    pub bytes_received: u64,
    /// `lastPacketSentTimestamp`.
    pub last_packet_sent: Option<Instant>,
    /// `lastPacketReceivedTimestamp`.
    pub last_packet_received: Option<Instant>,
    /// `totalRoundTripTime`: the sum over all answered checks.
    pub total_round_trip_time: Duration,
    /// `currentRoundTripTime`: of the last answered check.
    pub current_round_trip_time: Option<Duration>,
    /// `requestsReceived`.
    pub requests_received: u64,
    /// `requestsSent`, retransmissions included, consent checks not.
    pub requests_sent: u64,
    /// `responsesReceived`.
    pub responses_received: u64,
    /// `responsesSent`.
    pub responses_sent: u64,
    /// `consentRequestsSent`.
    pub consent_requests_sent: u64,
    /// `packetsDiscardedOnSend`.
    pub packets_discarded_on_send: u64,
    /// `bytesDiscardedOnSend`.
    pub bytes_discarded_on_send: u64,
}

/// An agent's own counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Datagrams without effect, by reason.
    pub discards: Discards<REASONS>,
    /// How often another pair was selected (`selectedCandidatePairChanges`).
    pub selected_pair_changes: u64,
    /// STUN messages and datagrams of the TURN client handed out.
    pub packets_sent: u64,
    /// How often the caller's time ran backwards.
    pub backwards_time: u64,
}
