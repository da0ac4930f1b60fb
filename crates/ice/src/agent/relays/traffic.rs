//! What passes through the TURN clients, both ways.

use crate::agent::{IceAgent, TimerKey, Up};
use crate::base::{BaseId, BaseKind};
use crate::discard::Discard;
use crate::error::NoRoute;
use crate::route::{RelayId, Route};
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use sendrecv_core::{Instant, Machine, PacketBuf, Path, Protocol, Transmit};
use sendrecv_stun::{Message, is_stun};
use sendrecv_turn::{Permit, TurnClient};

impl IceAgent {
    /// Whether a datagram is for a TURN client. A STUN server may be at the same address: what answers a question of
    /// ours is not the client's.
    pub(in crate::agent) fn belongs_to_relay(&self, path: &Path, data: &[u8]) -> bool {
        let ours = || is_stun(data) && Message::parse(data).is_ok_and(|message| self.is_ours(&message));
        self.relay_of_path(path).is_some() && !ours()
    }

    pub(in crate::agent) fn handle_relayed<'b>(
        &mut self,
        now: Instant,
        path: Path,
        data: &'b mut [u8],
    ) -> Result<Up<'b>, Discard> {
        let id = self.relay_of_path(&path).ok_or(Discard::UnknownSocket)?;
        let client = self.relays.client(id).ok_or(Discard::UnknownSocket)?;
        match client.handle_datagram(now, path, data) {
            Ok(sendrecv_turn::Up::Data { peer, data }) if !self.closed => {
                self.receive(now, Route::Relayed { relay: id, peer }, data)
            }
            Ok(sendrecv_turn::Up::Data { .. }) => Err(Discard::Closed),
            Ok(sendrecv_turn::Up::Consumed) => {
                self.pump_relay(now, id);
                if !self.closed {
                    self.react(now);
                }
                Ok(Up::Consumed)
            }
            Err(_) => Err(Discard::Relay),
        }
    }

    pub(in crate::agent) fn relay_timeout(&mut self, now: Instant, id: RelayId) {
        if let Some(client) = self.relays.client(id) {
            client.handle_timeout(now);
        }
        self.pump_relay(now, id);
    }

    /// After the agent was closed, only the release of allocations is left to do.
    pub(in crate::agent) fn run_relays(&mut self, now: Instant) {
        while let Some(key) = self.timers.pop_due(now) {
            if let TimerKey::Relay(id) = key {
                self.relay_timeout(now, id);
            }
        }
    }

    /// Takes out what a client has to say after it was touched.
    pub(super) fn pump_relay(&mut self, now: Instant, id: RelayId) {
        self.relay_touched(id);
        while let Some(event) = self.relays.client(id).and_then(TurnClient::poll_event) {
            self.relay_event(now, id, event);
        }
    }

    /// A client may have something to send, and another deadline.
    fn relay_touched(&mut self, id: RelayId) {
        let Some(relay) = self.relays.by_id.get_mut(&id) else { return };
        if !core::mem::replace(&mut relay.ready, true) {
            self.relays.ready.push_back(id);
        }
        let deadline = relay.client.as_ref().and_then(Machine::poll_timeout);
        if self.timers.get(TimerKey::Relay(id)) != deadline {
            self.timers.set(TimerKey::Relay(id), deadline);
        }
    }

    /// Whether checks may go through the relay to `peer` now. If not, a permission is on its way.
    pub(in crate::agent) fn is_permitted(&mut self, now: Instant, base: BaseId, peer: IpAddr) -> bool {
        let Some(BaseKind::Relay(relay)) = self.bases.get(&base).map(|base| &base.kind) else { return true };
        let id = relay.id;
        let permit = self.relays.client(id).map(|client| client.permit(now, peer));
        self.relay_touched(id);
        matches!(permit, Some(Ok(Permit::Ready)))
    }

    pub(super) fn relay_permitted(&mut self, now: Instant, id: RelayId, peer: IpAddr) {
        let Some(base) = self.relays.base_towards(id, SocketAddr::new(peer, 0)) else { return };
        let of_peer = |id| self.remotes.get(id).is_some_and(|remote| remote.address.ip() == peer);
        for remote in self.remotes.ids().into_iter().filter(|id| of_peer(*id)).collect::<Vec<_>>() {
            self.pair(now, base, remote);
        }
    }

    /// Has a relay make sure of what it needs for a peer that went silent.
    pub(in crate::agent) fn renew_way(&mut self, now: Instant, id: RelayId, peer: SocketAddr) {
        if let Some(client) = self.relays.client(id) {
            client.renew(now, peer);
            self.relay_touched(id);
        }
    }

    /// Puts the relay's header around a message of ours.
    pub(in crate::agent) fn wrap(
        &mut self,
        now: Instant,
        id: RelayId,
        peer: SocketAddr,
        out: &mut PacketBuf<'_>,
    ) -> Option<Transmit> {
        self.wrap_data(now, id, peer, out).ok()
    }

    /// Puts the relay's header around data.
    pub(in crate::agent) fn wrap_data(
        &mut self,
        now: Instant,
        id: RelayId,
        peer: SocketAddr,
        packet: &mut PacketBuf<'_>,
    ) -> Result<Transmit, NoRoute> {
        let client = self.relays.client(id).ok_or(NoRoute::Relay)?;
        let wrapped = client.wrap(now, peer, packet).map_err(|error| match error {
            sendrecv_turn::UsageError::NoSpace => NoRoute::NoSpace,
            _ => NoRoute::Relay,
        });
        self.relay_touched(id);
        wrapped
    }

    /// Bytes that a relay adds to data for `peer` at present.
    pub(in crate::agent) fn relay_overhead(&self, id: RelayId, peer: SocketAddr) -> usize {
        self.relays
            .by_id
            .get(&id)
            .and_then(|relay| relay.client.as_ref())
            .map_or(0, |client| client.overhead(peer))
    }

    /// The socket that a relay is reached from and the server's address, if it is spoken to in datagrams.
    pub(in crate::agent) fn datagrams_to_relay(&self, id: RelayId) -> Option<(BaseId, SocketAddr)> {
        let relay = self.relays.by_id.get(&id).filter(|relay| relay.protocol == Protocol::Udp)?;
        Some((relay.owner, relay.server))
    }

    /// Writes what the TURN clients have to say to their servers.
    pub(in crate::agent) fn transmit_relays(
        &mut self,
        now: Instant,
        out: &mut PacketBuf<'_>,
    ) -> Option<Transmit> {
        while let Some(id) = self.relays.ready.front().copied() {
            let transmit = self.relays.client(id).and_then(|client| client.poll_transmit(now, out));
            self.pump_relay(now, id);
            if transmit.is_some() {
                return transmit;
            }
            self.relays.ready.pop_front();
            if let Some(relay) = self.relays.by_id.get_mut(&id) {
                relay.ready = false;
            }
        }
        None
    }
}
