//! One candidate pair (RFC 8445, section 6.1.2).

use crate::base::BaseId;
use crate::local::LocalId;
use crate::remote::RemoteId;
use crate::route::Route;
use crate::socket::StreamId;
use crate::stats::PairCounters;
use core::fmt;
use core::time::Duration;
use sendrecv_core::Instant;
use sendrecv_stun::TransactionId;

/// A pair's number, never used twice by one agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PairId(pub(crate) u32);

impl PairId {
    /// The number itself, for the ids of statistics.
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// State of a pair's check (RFC 8445, section 6.1.2.6; `RTCStatsIceCandidatePairState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PairState {
    /// Waits until a pair with the same foundations was checked.
    Frozen,
    /// To be checked when its turn comes.
    Waiting,
    /// A check is on its way.
    InProgress,
    /// The check failed.
    Failed,
    /// The check succeeded: the pair is valid.
    Succeeded,
}

impl PairState {
    /// The W3C name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Frozen => "frozen",
            Self::Waiting => "waiting",
            Self::InProgress => "in-progress",
            Self::Failed => "failed",
            Self::Succeeded => "succeeded",
        }
    }

    /// Whether the pair is being checked or next to be.
    pub(crate) const fn is_active(self) -> bool {
        matches!(self, Self::Waiting | Self::InProgress)
    }

    /// Whether nothing is known yet.
    pub(crate) const fn is_unresolved(self) -> bool {
        matches!(self, Self::Frozen | Self::Waiting | Self::InProgress)
    }
}

impl fmt::Display for PairState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The foundations of both candidates, as interned numbers.
pub(crate) type Foundations = (u32, u32);

/// One candidate pair: a base and a remote address. Local candidates with one base share their pairs, which is what
/// pruning comes to (section 6.1.2.4).
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) generation: u32,
    pub(crate) base: BaseId,
    /// The local candidate: the base's own until a response shows as what the peer sees it.
    pub(crate) local: LocalId,
    pub(crate) remote: RemoteId,
    /// `None` until the stream of an active TCP pair is open.
    pub(crate) route: Option<Route>,
    pub(crate) stream: Option<StreamId>,
    pub(crate) foundations: Foundations,
    pub(crate) priority: u64,
    pub(crate) state: PairState,
    /// The running check.
    pub(crate) check: Option<TransactionId>,
    pub(crate) triggered: bool,
    /// The next check nominates.
    pub(crate) nominating: bool,
    /// The rank the peer nominated it with, as long as our own check has not succeeded.
    pub(crate) nominated_by_peer: Option<u32>,
    /// The rank it was nominated with: 0, or the value of a NOMINATION attribute.
    pub(crate) nominated: Option<u32>,
    /// Whether the peer proved, by a request or a response, that it is at the other end.
    pub(crate) authenticated: bool,
    /// A check got no answer in all its time.
    pub(crate) unanswered: bool,
    /// Consent was lost: these credentials are not used on it again (RFC 7675, section 5.1).
    pub(crate) revoked: bool,
    /// What the round-trip time may be, as the last answered check shows.
    pub(crate) rtt_up_to: Duration,
    /// When something was last heard of the peer on it.
    pub(crate) heard: Instant,
    pub(crate) counters: PairCounters,
}

impl Pair {
    /// Takes in an answer, and its round-trip time if that is certain.
    pub(crate) fn measured(&mut self, rtt: Option<Duration>) {
        let counters = &mut self.counters;
        counters.responses_received = counters.responses_received.saturating_add(1);
        let Some(rtt) = rtt else { return };
        counters.current_round_trip_time = Some(rtt);
        counters.total_round_trip_time = counters.total_round_trip_time.saturating_add(rtt);
    }

    /// Counts a data packet that arrived.
    pub(crate) fn received(&mut self, now: Instant, bytes: usize) {
        let counters = &mut self.counters;
        counters.packets_received = counters.packets_received.saturating_add(1);
        counters.bytes_received = counters.bytes_received.saturating_add(wide(bytes));
        counters.last_packet_received = Some(now);
        self.heard = now;
    }

    /// Counts a data packet that was sent.
    pub(crate) fn sent(&mut self, now: Instant, bytes: usize) {
        let counters = &mut self.counters;
        counters.packets_sent = counters.packets_sent.saturating_add(1);
        counters.bytes_sent = counters.bytes_sent.saturating_add(wide(bytes));
        counters.last_packet_sent = Some(now);
    }

    /// Counts a data packet that could not be sent.
    pub(crate) fn dropped(&mut self, bytes: usize) {
        let counters = &mut self.counters;
        counters.packets_discarded_on_send = counters.packets_discarded_on_send.saturating_add(1);
        counters.bytes_discarded_on_send = counters.bytes_discarded_on_send.saturating_add(wide(bytes));
    }
}

fn wide(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
