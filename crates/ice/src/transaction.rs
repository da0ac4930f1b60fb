//! Requests that wait for their answers.

use crate::agent::TaskId;
use crate::pair::PairId;
use crate::wire::Check;
use sendrecv_stun::ClientTransaction;

/// A request that waits for its answer.
#[derive(Debug)]
pub(crate) struct Transaction {
    pub(crate) schedule: ClientTransaction,
    pub(crate) request: Request,
    /// Not sent again, but its answer still counts: a triggered check took its place (RFC 8445, section 7.3.1.4).
    pub(crate) cancelled: bool,
    /// It is in the queue to be sent.
    pub(crate) queued: bool,
}

/// What was asked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Request {
    /// A connectivity check.
    Check(PairId, Check),
    /// A consent check on the pair in use (RFC 7675).
    Consent(PairId, Check),
    /// A STUN server's view of us.
    Server(TaskId),
}
