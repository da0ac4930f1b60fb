//! Errors that the network reports instead of an answer (RFC 8445, section 7.2.5.2.2; RFC 8489, section 6.2.1; RFC
//! 8656, section 11.5).
//!
//! Anybody can forge an ICMP message, and NATs send them for packets that they would let in a moment later. So a report
//! never harms what has worked, is believed only when a second request led to it too, and a pair that it failed comes
//! back to life with the peer's next check.

use super::IceAgent;
use crate::candidate::CandidateKind;
use crate::error::UsageError;
use crate::event::Unreachable;
use crate::pair::{PairId, PairState};
use crate::route::{RelayId, Route};
use core::net::SocketAddr;
use sendrecv_core::{Instant, Path};
use sendrecv_stun::TransactionId;
use sendrecv_stun::attribute::Icmp;

/// How many requests have to be refused.
const BELIEVED_AFTER: u32 = 2;

impl IceAgent {
    /// Takes in that a datagram sent over `path` could not be delivered: the socket said so, or an ICMP message did.
    ///
    /// # Errors
    /// [`Unknown`](UsageError::Unknown) when nothing is asked over this path, [`Closed`](UsageError::Closed).
    pub fn handle_unreachable(
        &mut self,
        now: Instant,
        path: Path,
        reason: Unreachable,
    ) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        let relay = self.relay_of_path(&path);
        let task = self.task_over(&path);
        let pair = self.list.by_route(&Route::Direct(path));
        if relay.is_none() && task.is_none() && pair.is_none() {
            return Err(UsageError::Unknown);
        }
        if let Some(id) = relay {
            self.relay_server_unreachable(now, id, reason);
        }
        if let Some((task, transaction)) = task
            && reason != Unreachable::Soft
            && self.is_believed(transaction)
        {
            self.end_transaction(transaction);
            self.server_task_unanswered(task, "the server could not be reached");
        }
        if let Some(id) = pair {
            self.pair_unreachable(now, id, reason);
        }
        self.run(now);
        Ok(())
    }

    /// A relay got an ICMP message from the way to a peer.
    pub(super) fn relay_reports_icmp(&mut self, now: Instant, relay: RelayId, peer: SocketAddr, icmp: Icmp) {
        let reason = match (peer.is_ipv4(), icmp.kind, icmp.code) {
            (true, 3, 2 | 3) | (false, 1, 4) => Unreachable::Refused,
            (true, 3, 0 | 1 | 5..) | (false, 1, _) => Unreachable::Soft,
            _ => return,
        };
        if let Some(id) = self.list.by_route(&Route::Relayed { relay, peer }) {
            self.pair_unreachable(now, id, reason);
        }
    }

    fn pair_unreachable(&mut self, now: Instant, id: PairId, reason: Unreachable) {
        let Some(pair) = self.list.get(id) else { return };
        let Some(check) = pair.check.filter(|_| pair.state == PairState::InProgress) else { return };
        // The NAT in front of a reflexive address may refuse what it will let in after the peer's own check.
        let behind_nat =
            self.remotes.get(pair.remote).is_none_or(|remote| remote.candidate.kind != CandidateKind::Host);
        let hard = match reason {
            Unreachable::NoRoute => true,
            Unreachable::Refused => !behind_nat,
            Unreachable::Soft => false,
        };
        if hard && !pair.authenticated && self.is_believed(check) {
            self.check_failed(now, id, Some(check));
        } else {
            self.list.thaw_next(id);
        }
    }

    fn is_believed(&self, transaction: TransactionId) -> bool {
        let sent = self.transactions.get(&transaction).map(|known| known.schedule.requests_sent());
        sent.is_some_and(|sent| sent >= BELIEVED_AFTER)
    }
}
