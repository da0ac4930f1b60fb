//! How allocations end: refused, lost, given back, or renewed because the servers were replaced.

use crate::agent::streams::StreamPurpose;
use crate::agent::{IceAgent, TimerKey};
use crate::base::{Base, BaseId};
use crate::event::{ConnectionState, Event, GatheringState};
use crate::route::RelayId;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::time::Duration;
use sendrecv_core::Instant;

/// An allocation that lasted this long and then is lost is asked for again at once: the server may have been restarted,
/// or the stream to it cut.
const WORTH_ANOTHER: Duration = Duration::from_secs(5);

impl IceAgent {
    /// The servers were replaced.
    pub(in crate::agent) fn renew_relays(&mut self, now: Instant) {
        for id in self.relays.ids() {
            let Some(relay) = self.relays.by_id.get_mut(&id) else { continue };
            let server =
                self.gatherer.servers.iter().find(|server| server.config.url.to_string() == relay.url);
            let renewed = server.map(|server| (&server.config.username, &server.config.credential));
            if renewed == Some((&relay.username, &relay.credential)) {
                continue;
            }
            if let Some((username, credential)) = renewed {
                relay.username.clone_from(username);
                relay.credential.clone_from(credential);
            }
            self.renew_relay(now, id);
        }
    }

    /// An allocation in use goes on, with the new credentials if the server allows that; others are given back.
    fn renew_relay(&mut self, now: Instant, id: RelayId) {
        let used = self.selected.and_then(|pair| self.list.get(pair)).map(|pair| pair.base);
        let Some(relay) = self.relays.by_id.get_mut(&id) else { return };
        let in_use = used.is_some_and(|base| relay.is_base(base));
        let credentials = relay.credentials();
        match &mut relay.client {
            Some(client) if in_use => drop(client.set_credentials(now, credentials)),
            Some(client) => client.release(now),
            None => return self.relay_released(now, id),
        }
        self.pump_relay(now, id);
    }

    /// The server has forgotten the allocation: now the port may ask for another.
    pub(super) fn relay_released(&mut self, now: Instant, id: RelayId) {
        let Some(relay) = self.relays.by_id.get(&id) else { return };
        let (owner, url) = (relay.owner, relay.url.clone());
        self.streams.retain(|_, purpose| *purpose != StreamPurpose::Relay(id));
        self.drop_relay(now, id);
        self.ask_for_another(owner, &url);
    }

    /// Asks a server for an allocation in place of one that is gone, if it is still wanted.
    fn ask_for_another(&mut self, owner: BaseId, url: &str) {
        let index = self.gatherer.servers.iter().position(|server| server.config.url.to_string() == url);
        if let (Some(index), false, true) = (index, self.closed, self.gatherer.state != GatheringState::New) {
            self.ask_server_from(index, owner);
        }
    }

    /// There is no allocation, or no longer one.
    pub(super) fn relay_failed(&mut self, now: Instant, id: RelayId, code: u16, text: &str) {
        if code == 701 && self.try_next_address(now, id) {
            return;
        }
        let Some(relay) = self.relays.by_id.get(&id) else { return };
        let (owner, url) = (relay.owner, relay.url.clone());
        let lasted = relay.allocated_at.is_some_and(|since| now.saturating_since(since) >= WORTH_ANOTHER);
        let local = self.bases.get(&owner).map(Base::address);
        self.drop_relay(now, id);
        if self.state != ConnectionState::Closed {
            self.server_failed(url.clone(), local, code, text);
        }
        if lasted {
            self.ask_for_another(owner, &url);
        }
    }

    /// Forgets an allocation, with its candidate and pairs.
    fn drop_relay(&mut self, now: Instant, id: RelayId) {
        let Some(relay) = self.relays.by_id.remove(&id) else { return };
        self.relays.by_path.retain(|_, of| *of != id);
        self.relays.ready.retain(|of| *of != id);
        self.timers.set(TimerKey::Relay(id), None);
        self.timers.set(TimerKey::RelayAnswer(id), None);
        self.events.extend(relay.own_way().map(Event::CloseStream));
        for base in relay.bases {
            self.remove_base(now, base.id);
        }
    }

    /// The socket is gone, and its allocations with it.
    pub(in crate::agent) fn remove_relays_of(&mut self, now: Instant, owner: BaseId) {
        let of_owner = self.relays.by_id.iter().filter(|(_, relay)| relay.owner == owner);
        for id in of_owner.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.streams.retain(|_, purpose| *purpose != StreamPurpose::Relay(id));
            self.drop_relay(now, id);
        }
    }

    /// Gives all allocations back.
    pub(in crate::agent) fn release_relays(&mut self, now: Instant) {
        for id in self.relays.ids() {
            match self.relays.client(id) {
                Some(client) => {
                    client.release(now);
                    self.pump_relay(now, id);
                }
                None => self.drop_relay(now, id),
            }
        }
    }
}
