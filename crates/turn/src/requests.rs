//! Requests that await their response.

use crate::channel_data::Channel;
use alloc::collections::{BTreeMap, VecDeque};
use core::net::{IpAddr, SocketAddr};
use sendrecv_core::{Instant, Rng, Timers};
use sendrecv_stun::{ClientTransaction, Step, TransactionConfig, TransactionFailure, TransactionId};

/// What is asked of the server: all that is needed to write the request, again if need be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Allocate.
    Allocate,
    /// Refresh the allocation.
    Refresh,
    /// Refresh with a lifetime of zero: delete the allocation.
    Release,
    /// CreatePermission.
    Permit(IpAddr),
    /// ChannelBind.
    Bind(SocketAddr, Channel),
}

/// One request and its transaction.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) request: Request,
    pub(crate) transaction: ClientTransaction,
    /// The [`LongTermAuth::generation`](sendrecv_stun::LongTermAuth::generation) it was last written with.
    pub(crate) generation: u32,
    /// How often it was begun again after a challenge.
    pub(crate) challenges: u32,
}

/// All requests under way.
#[derive(Debug)]
pub(crate) struct Requests {
    pending: BTreeMap<TransactionId, Pending>,
    deadlines: Timers<TransactionId>,
    /// To be sent now. May name requests that were answered meanwhile.
    ready: VecDeque<TransactionId>,
    config: TransactionConfig,
    reliable: bool,
}

impl Requests {
    pub(crate) fn new(config: TransactionConfig, reliable: bool) -> Self {
        Self {
            pending: BTreeMap::new(),
            deadlines: Timers::default(),
            ready: VecDeque::new(),
            config,
            reliable,
        }
    }

    /// Begins a transaction; its request is sent at the next poll.
    pub(crate) fn begin(&mut self, now: Instant, request: Request, challenges: u32, rng: &mut Rng) {
        let id = TransactionId::random(rng);
        let transaction = ClientTransaction::new(id, self.reliable, self.config, now);
        self.pending.insert(id, Pending { request, transaction, generation: 0, challenges });
        self.ready.push_back(id);
    }

    /// The first request that is to be sent.
    pub(crate) fn next_ready(&mut self) -> Option<&Pending> {
        while let Some(id) = self.ready.front() {
            if self.pending.contains_key(id) {
                break;
            }
            self.ready.pop_front();
        }
        self.pending.get(self.ready.front()?)
    }

    /// The first request to be sent was written.
    pub(crate) fn sent(&mut self, now: Instant, generation: u32) {
        let Some(id) = self.ready.pop_front() else { return };
        if let Some(pending) = self.pending.get_mut(&id) {
            pending.transaction.sent(now);
            pending.generation = generation;
            self.deadlines.set(id, Some(pending.transaction.deadline()));
        }
    }

    /// The request that a response answers.
    pub(crate) fn get(&self, id: TransactionId) -> Option<&Pending> {
        self.pending.get(&id)
    }

    /// Ends a transaction.
    pub(crate) fn take(&mut self, id: TransactionId) -> Option<Pending> {
        self.deadlines.set(id, None);
        self.pending.remove(&id)
    }

    /// A response came whose integrity did not verify. Over a stream that ends the transaction, and the request is
    /// returned; of datagrams another may still come that does verify.
    pub(crate) fn note_violation(&mut self, id: TransactionId) -> Option<Request> {
        if self.reliable {
            return self.take(id).map(|pending| pending.request);
        }
        if let Some(pending) = self.pending.get_mut(&id) {
            pending.transaction.note_violation();
        }
        None
    }

    /// Lines up what is to be sent again at `now`, and takes out the next request that failed.
    pub(crate) fn pop_failed(&mut self, now: Instant) -> Option<(Request, TransactionFailure)> {
        while let Some(id) = self.deadlines.pop_due(now) {
            match self.pending.get(&id).map(|pending| pending.transaction.step(now)) {
                Some(Step::Send) => self.ready.push_back(id),
                Some(Step::Failed(failure)) => {
                    if let Some(pending) = self.pending.remove(&id) {
                        return Some((pending.request, failure));
                    }
                }
                Some(Step::Wait) | None => (),
            }
        }
        None
    }

    /// Whether any request under way carries credentials.
    pub(crate) fn any_authenticated(&self) -> bool {
        self.pending.values().any(|pending| pending.generation > 0)
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    pub(crate) fn clear(&mut self) {
        self.pending.clear();
        self.deadlines.clear();
        self.ready.clear();
    }
}
