//! Packets of the layer above that ride on checks (draft-hancke-webrtc-sped): what the agent's owner does with them.

use super::IceAgent;
use crate::event::Event;
use crate::piggyback::{OVERHEAD, Riders};
use crate::wire::CHECK_LEN;
use alloc::vec::Vec;
use sendrecv_stun::Message;

impl IceAgent {
    /// The longest packet that may ride on checks now, in bytes. `None` when none may: not both sides have offered the
    /// option `sped`, or there is a pair that packets can take by themselves ([`can_send_data`](Self::can_send_data)),
    /// or [`end_riding`](Self::end_riding) was called.
    pub fn packet_room(&self) -> Option<usize> {
        let budget = self.config.piggyback.filter(|_| self.carries() && !self.can_send_data())?;
        let username = self.current.remote.as_ref().map_or(0, |remote| remote.username.len());
        Some(budget.saturating_sub(CHECK_LEN + OVERHEAD + crate::DATA_HEADROOM).saturating_sub(username))
    }

    /// Lets packets ride on the checks and answers to come, in turns, until the peer acknowledges them. They take the
    /// place of those that waited. At most 16, of at most [`packet_room`](Self::packet_room) bytes each: longer ones
    /// stay behind.
    pub fn board(&mut self, packets: Vec<Vec<u8>>) {
        self.piggyback.board(packets);
    }

    /// Takes the next packet off that was not acknowledged, to send it by itself.
    pub fn disembark(&mut self) -> Option<Vec<u8>> {
        self.piggyback.disembark()
    }

    /// Acknowledges a packet to the peer, however it arrived, by the checks and answers to come.
    pub fn confirm_packet(&mut self, packet: &[u8]) {
        if self.carries() {
            self.piggyback.confirm(packet);
        }
    }

    /// The layer above needs no checks any more: they carry nothing from now on.
    pub fn end_riding(&mut self) {
        self.piggyback.end();
    }

    /// Whether checks and answers carry acknowledgements at least. Before the peer's parameters are known, a message with
    /// such attributes shows that it knows about them.
    fn carries(&self) -> bool {
        let remote = self.current.remote.as_ref();
        let agreed = remote.map_or(self.piggyback.peer_knows(), |it| it.options.sped);
        agreed && self.current.local_options.sped && !self.piggyback.is_ended()
    }

    /// What the next check or answer carries.
    pub(super) fn riders(&self) -> Riders<'_> {
        if self.carries() {
            self.piggyback.riders(self.packet_room().unwrap_or(0))
        } else {
            Riders::default()
        }
    }

    /// Takes in what rode on an authenticated message.
    pub(super) fn receive_riders(&mut self, message: &Message<'_>) {
        if self.current.local_options.sped
            && let Some(packet) = self.piggyback.receive(message)
        {
            self.events.push_back(Event::Packet(packet.to_vec()));
        }
    }
}
