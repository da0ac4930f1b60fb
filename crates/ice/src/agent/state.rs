//! The connection's state as W3C webrtc-pc defines it for `RTCIceTransportState`, and closing.

use super::IceAgent;
use crate::event::{ConnectionState, Event, GatheringState};
use crate::route::Route;
use alloc::vec::Vec;
use sendrecv_core::{Instant, Path};

impl IceAgent {
    /// Closes the agent for good: allocations are released, everything else is forgotten.
    pub fn close(&mut self, now: Instant) {
        let Ok(now) = self.enter(now) else { return };
        self.closed = true;
        self.timers.clear();
        for path in self.open_streams() {
            self.events.push_back(Event::CloseStream(path));
        }
        self.transactions.clear();
        self.requests.clear();
        self.responses.clear();
        self.early.clear();
        self.names.clear();
        self.streams.clear();
        self.selected = None;
        self.retired = None;
        self.keepalive_due = false;
        self.list.clear_except(None);
        self.release_relays(now);
        self.set_state(ConnectionState::Closed);
    }

    /// The streams between peers; those to TURN servers close when their allocations are released.
    fn open_streams(&self) -> Vec<Path> {
        let stream = |route: Option<Route>| match route {
            Some(Route::Direct(path)) if path.protocol != sendrecv_core::Protocol::Udp => Some(path),
            _ => None,
        };
        self.list.iter().filter_map(|(_, pair)| stream(pair.route)).collect()
    }

    /// A restart forgets that contact was lost.
    pub(super) fn restart_state(&mut self) {
        self.was_selected = self.selected.is_some();
        self.had_contact = self.was_selected;
    }

    pub(super) fn update_state(&mut self) {
        let state = self.present_state();
        self.was_selected |= self.selected.is_some();
        self.had_contact |= self.data_pair().is_some();
        let new = !matches!(self.state, ConnectionState::Connected | ConnectionState::Completed);
        if state == ConnectionState::Completed && new {
            // Nobody who waits for `Connected` is to miss it.
            self.set_state(ConnectionState::Connected);
        }
        self.set_state(state);
    }

    fn present_state(&self) -> ConnectionState {
        if self.closed {
            return ConnectionState::Closed;
        }
        if self.selected.is_some() {
            return self.state_in_use();
        }
        if self.can_send_data() {
            return if self.consent.lost {
                ConnectionState::Disconnected
            } else {
                ConnectionState::Connected
            };
        }
        if self.current.remote.is_none() && self.remotes.is_empty() && !self.had_contact {
            return ConnectionState::New;
        }
        let nothing_left = !self.list.is_busy() && self.list.best_valid().is_none() && !self.relays_pending();
        if self.patience_over && nothing_left {
            return ConnectionState::Failed;
        }
        if self.had_contact { ConnectionState::Disconnected } else { ConnectionState::Checking }
    }

    fn state_in_use(&self) -> ConnectionState {
        let ended = self.remote_ended && self.gatherer.state == GatheringState::Complete;
        match () {
            () if self.consent.lost => ConnectionState::Disconnected,
            () if ended && self.previous.is_none() && !self.list.is_busy() => ConnectionState::Completed,
            () => ConnectionState::Connected,
        }
    }

    fn set_state(&mut self, state: ConnectionState) {
        if self.state != state {
            tracing::debug!(from = %self.state, to = %state, "connection state");
            self.state = state;
            self.events.push_back(Event::ConnectionState(state));
        }
    }
}
