//! The retransmission schedule of a request (RFC 8489, section 6.2).

use crate::TransactionId;
use core::fmt;
use core::time::Duration;
use sendrecv_core::Instant;

/// The timers of client transactions. The defaults are those of RFC 8489.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionConfig {
    /// RTO: the wait before the first retransmission; it doubles with each. 500 ms.
    pub rto: Duration,
    /// How often the wait doubles at most; the RFC knows no limit. See [`spread`](Self::spread).
    pub max_doublings: u32,
    /// Rc: how often a request is sent in all. 7.
    pub max_requests: u32,
    /// Rm: how many RTOs to wait after the last request. 16.
    pub last_wait: u32,
    /// Ti: how long to wait over TCP and TLS, which do their own retransmissions. 39.5 s.
    pub reliable_timeout: Duration,
}

impl Default for TransactionConfig {
    fn default() -> Self {
        Self {
            rto: Duration::from_millis(500),
            max_doublings: u32::MAX,
            max_requests: 7,
            last_wait: 16,
            reliable_timeout: Duration::from_millis(39_500),
        }
    }
}

impl TransactionConfig {
    /// More requests than this [`spread`](Self::spread) does not send.
    const MAX_SPREAD_REQUESTS: u32 = 64;

    /// As many requests as fit into `total`, with a wait of `rto` that doubles `max_doublings` times at most.
    ///
    /// The RFC's schedule spends most of its time waiting for its last requests; where something is known to be at the
    /// other end and many packets are lost, an answer comes sooner and more surely if the requests are spread over it.
    #[must_use]
    pub fn spread(rto: Duration, max_doublings: u32, total: Duration) -> Self {
        let max_doublings = max_doublings.min(16);
        let mut config = Self {
            rto,
            max_doublings,
            max_requests: u32::MAX,
            last_wait: 1 << max_doublings,
            reliable_timeout: total,
        };
        let (mut requests, mut end) = (0, Duration::ZERO);
        while requests < Self::MAX_SPREAD_REQUESTS {
            end = end.saturating_add(config.wait_after(requests + 1, false));
            if end > total {
                break;
            }
            requests += 1;
        }
        config.max_requests = requests.max(1);
        config
    }

    /// How long a transaction over UDP takes that is never answered.
    pub fn total(&self) -> Duration {
        let waits = (1..=self.max_requests.min(1000)).map(|sent| self.wait_after(sent, false));
        waits.fold(Duration::ZERO, Duration::saturating_add)
    }

    /// How long to wait after the request was sent for the `sent`th time.
    fn wait_after(&self, sent: u32, reliable: bool) -> Duration {
        if reliable {
            self.reliable_timeout
        } else if sent >= self.max_requests {
            self.rto.saturating_mul(self.last_wait)
        } else {
            let doublings = sent.saturating_sub(1).min(self.max_doublings);
            self.rto.saturating_mul(1u32.checked_shl(doublings).unwrap_or(u32::MAX))
        }
    }
}

/// Why a transaction ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionFailure {
    /// Nothing came.
    TimedOut,
    /// Only answers came whose integrity did not verify (RFC 8489, sections 9.1.4 and 9.2.5).
    IntegrityViolated,
}

impl fmt::Display for TransactionFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TimedOut => "no response",
            Self::IntegrityViolated => "only responses that failed their integrity check",
        })
    }
}

impl core::error::Error for TransactionFailure {}

/// What a transaction wants at a given time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing before [`ClientTransaction::deadline`].
    Wait,
    /// The request is to be sent, again or for the first time; then call [`ClientTransaction::sent`].
    Send,
    /// It is over.
    Failed(TransactionFailure),
}

/// One request that awaits its response.
///
/// It knows when, not what: whoever owns it keeps what is needed to write the request again.
///
/// ```
/// use core::time::Duration;
/// use sendrecv_core::{Instant, Seed};
/// use sendrecv_stun::{ClientTransaction, Step, TransactionConfig, TransactionId};
///
/// let id = TransactionId::random(&mut Seed::from_u64(1).rng());
/// let mut transaction = ClientTransaction::new(id, false, TransactionConfig::default(), Instant::ZERO);
/// assert_eq!(transaction.step(Instant::ZERO), Step::Send);
/// transaction.sent(Instant::ZERO);
/// assert_eq!(transaction.deadline(), Instant::from_millis(500));
/// assert_eq!(transaction.rtt(Instant::from_millis(80)), Some(Duration::from_millis(80)));
/// ```
#[derive(Clone)]
pub struct ClientTransaction {
    id: TransactionId,
    config: TransactionConfig,
    reliable: bool,
    sent: u32,
    last_sent: Instant,
    deadline: Instant,
    violated: bool,
}

impl ClientTransaction {
    /// A transaction whose request is due at `now`. `reliable`: over TCP or TLS.
    pub const fn new(id: TransactionId, reliable: bool, config: TransactionConfig, now: Instant) -> Self {
        Self { id, config, reliable, sent: 0, last_sent: now, deadline: now, violated: false }
    }

    /// The transaction's id.
    pub const fn id(&self) -> TransactionId {
        self.id
    }

    /// When it wants something next.
    pub const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// How often the request was sent.
    pub const fn requests_sent(&self) -> u32 {
        self.sent
    }

    /// What it wants at `now`.
    pub fn step(&self, now: Instant) -> Step {
        if self.violated && self.reliable {
            return Step::Failed(TransactionFailure::IntegrityViolated);
        }
        if now < self.deadline {
            return Step::Wait;
        }
        match (self.sent, self.violated) {
            (sent, _) if sent < self.max_requests() => Step::Send,
            (_, true) => Step::Failed(TransactionFailure::IntegrityViolated),
            (_, false) => Step::Failed(TransactionFailure::TimedOut),
        }
    }

    /// The request was sent at `now`.
    pub fn sent(&mut self, now: Instant) {
        self.last_sent = now;
        self.sent = self.sent.saturating_add(1);
        self.deadline = now + self.wait_after(self.sent);
    }

    /// A response came whose integrity is missing or wrong. Over UDP it counts as not received; over TCP it ends the
    /// transaction at the next [`step`](Self::step).
    pub const fn note_violation(&mut self) {
        self.violated = true;
        if self.reliable {
            self.deadline = Instant::ZERO;
        }
    }

    /// The round-trip time, if the response came at `now`; `None` when the request was sent more than once, because
    /// then nobody knows which one was answered.
    pub fn rtt(&self, now: Instant) -> Option<Duration> {
        (self.sent == 1).then(|| now.saturating_since(self.last_sent))
    }

    /// What the round-trip time may be, if the response came at `now` and no path is slower than `slowest`: the longest
    /// time since one of the requests was sent that is not beyond it.
    pub fn rtt_up_to(&self, now: Instant, slowest: Duration) -> Option<Duration> {
        let mut since = now.saturating_since(self.last_sent);
        let mut longest = None;
        for sent in (0..self.sent).rev() {
            if since > slowest {
                break;
            }
            longest = Some(since);
            since = since.saturating_add(self.wait_after(sent));
        }
        longest
    }

    fn wait_after(&self, sent: u32) -> Duration {
        self.config.wait_after(sent, self.reliable)
    }

    const fn max_requests(&self) -> u32 {
        if self.reliable { 1 } else { self.config.max_requests }
    }
}

impl fmt::Debug for ClientTransaction {
    /// What distinguishes it; refused responses count as statistics and do not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTransaction")
            .field("id", &self.id)
            .field("sent", &self.sent)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn transaction(reliable: bool) -> ClientTransaction {
        ClientTransaction::new(TransactionId([0; 12]), reliable, TransactionConfig::default(), Instant::ZERO)
    }

    /// Runs it without an answer: the times of its requests in ms, when it ends, and how.
    fn run(mut transaction: ClientTransaction) -> (Vec<u64>, u64, TransactionFailure) {
        let mut times = Vec::new();
        loop {
            let now = transaction.deadline();
            match transaction.step(now) {
                Step::Send => {
                    times.push(now.as_millis());
                    transaction.sent(now);
                }
                Step::Failed(failure) => return (times, now.as_millis(), failure),
                Step::Wait => panic!("a deadline without anything to do"),
            }
        }
    }

    #[test]
    fn over_udp_the_schedule_is_that_of_rfc_8489() {
        let times = [0, 500, 1500, 3500, 7500, 15_500, 31_500].to_vec();
        assert_eq!(run(transaction(false)), (times, 39_500, TransactionFailure::TimedOut));
    }

    #[test]
    fn a_spread_schedule_fills_its_time_with_requests() {
        let config = TransactionConfig::spread(Duration::from_millis(500), 1, Duration::from_millis(5500));
        assert_eq!(config.total(), Duration::from_millis(5500));
        let spread = ClientTransaction::new(TransactionId([0; 12]), false, config, Instant::ZERO);
        let times = [0, 500, 1500, 2500, 3500, 4500].to_vec();
        assert_eq!(run(spread), (times, 5500, TransactionFailure::TimedOut));
        let hasty = TransactionConfig::spread(Duration::ZERO, 1, Duration::from_secs(1));
        assert_eq!(hasty.max_requests, 64);
        assert_eq!(TransactionConfig::spread(Duration::MAX, 99, Duration::ZERO).max_requests, 1);
        assert_eq!(TransactionConfig::default().total(), Duration::from_millis(39_500));
    }

    #[test]
    fn over_tcp_there_is_one_request() {
        assert_eq!(run(transaction(true)), ([0].to_vec(), 39_500, TransactionFailure::TimedOut));
    }

    #[test]
    fn a_violation_ends_a_reliable_transaction_at_once_and_a_datagram_one_late() {
        let mut reliable = transaction(true);
        reliable.sent(Instant::ZERO);
        reliable.note_violation();
        assert_eq!(reliable.step(Instant::ZERO), Step::Failed(TransactionFailure::IntegrityViolated));

        let mut datagram = transaction(false);
        datagram.note_violation();
        assert_eq!(run(datagram).2, TransactionFailure::IntegrityViolated);
    }

    #[test]
    fn a_repeated_request_gives_no_rtt() {
        let mut transaction = transaction(false);
        transaction.sent(Instant::ZERO);
        transaction.sent(Instant::from_millis(500));
        assert_eq!(transaction.rtt(Instant::from_millis(600)), None);
    }

    #[test]
    fn what_the_rtt_may_be_is_the_longest_that_is_plausible() {
        let mut transaction = transaction(false);
        let second = Duration::from_secs(1);
        assert_eq!(transaction.rtt_up_to(Instant::from_millis(10), second), None, "nothing was sent");
        for sent in [0, 500, 1500, 3500] {
            transaction.sent(Instant::from_millis(sent));
            let answered = Instant::from_millis(sent + 40);
            let longest = if sent == 500 { 540 } else { 40 };
            assert_eq!(transaction.rtt_up_to(answered, second), Some(Duration::from_millis(longest)));
        }
        assert_eq!(
            transaction.rtt_up_to(Instant::from_millis(3700), 4 * second),
            Some(Duration::from_millis(3700))
        );
        assert_eq!(transaction.rtt_up_to(Instant::from_millis(5000), second), None);
    }

    #[test]
    fn absurd_settings_do_not_overflow() {
        let config =
            TransactionConfig { rto: Duration::MAX, max_requests: 100, ..TransactionConfig::default() };
        assert_eq!(config.wait_after(90, false), Duration::MAX);
    }
}
