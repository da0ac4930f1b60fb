//! What happens when time passes, and what is to be sent.

use super::write::{method, write_request};
use super::{State, TurnClient};
use crate::event::{Event, Failure};
use crate::peers::Due;
use crate::requests::Request;
use core::net::IpAddr;
use sendrecv_core::{Instant, Machine, PacketBuf, Transmit, earliest};
use sendrecv_stun::{Class, MessageBuilder, TransactionFailure};

impl TurnClient {
    /// A request went unanswered.
    pub(super) fn on_timeout(&mut self, now: Instant, request: Request, failure: TransactionFailure) {
        match request {
            Request::Allocate if matches!(self.state, State::Releasing(_)) => self.close(Event::Released),
            Request::Allocate | Request::Refresh => self.fail(Failure::Unreachable(failure)),
            Request::Release => self.released(),
            Request::Permit(peer) => {
                if !self.peers.keep_permission(now, peer) {
                    self.permission_refused(peer, None);
                }
                self.refresh_now(now); // is the server still there?
            }
            Request::Bind(peer, _) => {
                if !self.peers.keep_channel(now, peer) {
                    self.peers.refused(now, peer);
                }
                self.refresh_now(now);
            }
        }
    }

    pub(super) fn released(&mut self) {
        match core::mem::replace(&mut self.state, State::Closed) {
            State::Releasing(Some(failure)) => self.fail(failure),
            _ => self.close(Event::Released),
        }
    }

    pub(super) fn permission_refused(&mut self, peer: IpAddr, code: Option<u16>) {
        if self.peers.revoke(peer) {
            self.events.push_back(Event::PermissionRefused { peer, code });
        }
    }

    /// Asks for the permissions and channels that are due.
    pub(super) fn ask_for_peers(&mut self, now: Instant) {
        while let Some(due) = self.peers.pop_due(now) {
            let request = match due {
                Due::Permission(peer) => Request::Permit(peer),
                Due::Channel(peer, channel) => Request::Bind(peer, channel),
            };
            self.begin(now, request);
        }
    }

    fn allocation_timeout(&mut self, now: Instant) {
        let State::Allocated(allocation) = &self.state else { return };
        if now >= allocation.expires_at {
            self.fail(Failure::Unreachable(TransactionFailure::TimedOut));
        } else if now >= allocation.deadline() {
            self.refresh_now(now);
        }
    }
}

impl Machine for TurnClient {
    type Event = Event;

    fn handle_timeout(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        while let Some((request, failure)) = self.requests.pop_failed(now) {
            self.on_timeout(now, request, failure);
        }
        self.allocation_timeout(now);
        self.ask_for_peers(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let allocation = match &self.state {
            State::Allocated(allocation) => Some(allocation.deadline()),
            _ => None,
        };
        earliest(earliest(self.requests.deadline(), self.peers.deadline()), allocation)
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> Option<Transmit> {
        let now = self.clock.advance(now);
        let before = out.len();
        let pending = self.requests.next_ready()?;
        let (request, id) = (pending.request, pending.transaction.id());
        let mut message = MessageBuilder::new(out, Class::Request, method(request), id).ok()?;
        if write_request(&self.config, &self.auth, request, &mut message).is_err() {
            out.truncate(before);
            return None;
        }
        self.requests.sent(now, self.auth.generation());
        self.stats.requests_sent = self.stats.requests_sent.saturating_add(1);
        Some(Transmit::to(self.server))
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }
}
