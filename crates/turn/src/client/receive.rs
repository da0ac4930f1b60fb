//! What arrives: data from peers, and messages of the server.

use super::{State, TurnClient, Up, relayable};
use crate::channel_data;
use crate::event::{Discard, Event};
use crate::peers::Permission;
use core::net::SocketAddr;
use core::ops::Range;
use sendrecv_core::{Instant, Path};
use sendrecv_stun::attribute::{AttributeType, Icmp, XorPeerAddress};
use sendrecv_stun::{Class, Message, Method};

/// More ICMP hints than this are not kept for a user who does not poll events.
const MAX_WAITING_HINTS: usize = 64;

/// A STUN message, sorted.
enum Incoming {
    /// Data from a peer, which lies there in the datagram.
    Data(SocketAddr, Range<usize>),
    Consumed,
}

impl TurnClient {
    /// Takes in a datagram, or a frame of the stream, that came over `path`. Data from a peer is handed on where it
    /// lies.
    pub fn handle_datagram<'b>(
        &mut self,
        now: Instant,
        path: Path,
        datagram: &'b mut [u8],
    ) -> Result<Up<'b>, Discard> {
        let now = self.clock.advance(now);
        let up = self.receive(now, path, datagram);
        match &up {
            Ok(Up::Data { data, .. }) => self.count_received(data.len()),
            Ok(Up::Consumed) => (),
            Err(reason) => {
                self.stats.discards.count(*reason);
            }
        }
        up
    }

    fn receive<'b>(&mut self, now: Instant, path: Path, datagram: &'b mut [u8]) -> Result<Up<'b>, Discard> {
        if matches!(self.state, State::Closed) {
            return Err(Discard::Closed);
        }
        if path != self.server {
            return Err(Discard::WrongPath);
        }
        if channel_data::is_channel_data(datagram) {
            return self.receive_channel_data(datagram);
        }
        let message = Message::parse(datagram).map_err(|_| Discard::Malformed)?;
        match self.receive_message(now, &message)? {
            Incoming::Consumed => Ok(Up::Consumed),
            Incoming::Data(peer, range) => {
                Ok(Up::Data { peer, data: datagram.get_mut(range).ok_or(Discard::Malformed)? })
            }
        }
    }

    fn receive_channel_data<'b>(&self, datagram: &'b mut [u8]) -> Result<Up<'b>, Discard> {
        let (channel, data) = channel_data::open(datagram).ok_or(Discard::Malformed)?;
        let peer = self.peers.owner(channel).ok_or(Discard::UnknownChannel)?;
        self.check_permitted(peer)?;
        Ok(Up::Data { peer, data })
    }

    fn receive_message(&mut self, now: Instant, message: &Message<'_>) -> Result<Incoming, Discard> {
        if message.has(AttributeType::FINGERPRINT) && message.verify_fingerprint().is_err() {
            return Err(Discard::Fingerprint);
        }
        match (message.class(), message.method()) {
            (Class::Success | Class::Error, _) => {
                self.on_response(now, message)?;
                Ok(Incoming::Consumed)
            }
            _ if message.unknown_required(AttributeType::is_known).next().is_some() => {
                Err(Discard::Unexpected)
            }
            (Class::Indication, Method::DATA) => self.receive_data_indication(message),
            (Class::Indication | Class::Request, _) => Err(Discard::Unexpected),
        }
    }

    /// RFC 8656, sections 11.4 and 11.6. Nothing authenticates indications, so they may only come from permitted
    /// peers, and never change the state.
    fn receive_data_indication(&mut self, message: &Message<'_>) -> Result<Incoming, Discard> {
        let XorPeerAddress(peer) = message.attribute().ok_or(Discard::Unexpected)?;
        let ip = relayable(peer.ip()).ok_or(Discard::NotPermitted)?;
        let peer = SocketAddr::new(ip, peer.port());
        self.check_permitted(peer)?;
        if let Some(range) = message.position(AttributeType::DATA) {
            return Ok(Incoming::Data(peer, range));
        }
        let icmp: Icmp = message.attribute().ok_or(Discard::Unexpected)?;
        if self.events.len() < MAX_WAITING_HINTS {
            self.events.push_back(Event::Icmp { peer, icmp });
        }
        Ok(Incoming::Consumed)
    }

    /// The server may know of a permission before we know that it does.
    fn check_permitted(&self, peer: SocketAddr) -> Result<(), Discard> {
        match self.peers.permission(peer.ip()) {
            Some(Permission::Requested | Permission::Ready) => Ok(()),
            Some(Permission::Wanted) | None => Err(Discard::NotPermitted),
        }
    }

    fn count_received(&mut self, len: usize) {
        self.stats.packets_received = self.stats.packets_received.saturating_add(1);
        self.stats.bytes_received =
            self.stats.bytes_received.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
    }
}
