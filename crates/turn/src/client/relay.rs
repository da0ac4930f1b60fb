//! What goes out to peers: ChannelData where a channel is bound, Send indications before.
//!
//! ```text
//! ChannelData:      | channel, length | data |
//! Send indication:  | STUN header | XOR-PEER-ADDRESS | DATA: type, length | data | padding |
//! ```
//! Either way the data stays where it is, and the header goes in front of it.

use super::TurnClient;
use crate::channel_data::{self, put_padding};
use crate::event::UsageError;
use core::net::SocketAddr;
use sendrecv_core::{Instant, NoSpace, PacketBuf, Protocol, Transmit, Writer};
use sendrecv_stun::attribute::{AttributeType, XorPeerAddress};
use sendrecv_stun::{Class, HEADER_LEN, MessageBuilder, Method, TransactionId};

/// The most that [`TurnClient::wrap`] puts in front of data: a Send indication to an IPv6 peer.
pub const HEADROOM: usize = HEADER_LEN + 24 + 4;

/// The most that [`TurnClient::wrap`] puts behind data: padding.
pub const TAILROOM: usize = 3;

impl TurnClient {
    /// Turns the content of `packet`, which is data for `peer`, into what is to be sent to the server, in place.
    /// [`HEADROOM`] and [`TAILROOM`] are what it may need. On error the packet is as it was.
    pub fn wrap(
        &mut self,
        now: Instant,
        peer: SocketAddr,
        packet: &mut PacketBuf<'_>,
    ) -> Result<Transmit, UsageError> {
        let now = self.clock.advance(now);
        let peer = self.permitted_peer(peer)?;
        let len = packet.len();
        if let Some(channel) = self.peers.bound_channel(&peer) {
            let pad = self.server.protocol != Protocol::Udp;
            channel_data::wrap(channel, packet, pad).map_err(|NoSpace| UsageError::NoSpace)?;
        } else {
            self.wrap_in_indication(peer, packet).map_err(|NoSpace| UsageError::NoSpace)?;
            if self.config.bind_channels {
                self.open_channel(now, peer);
            }
        }
        self.count_sent(len);
        Ok(Transmit::to(self.server))
    }

    /// How many bytes [`wrap`](Self::wrap) would add to data for `peer` at present, padding aside.
    pub fn overhead(&self, peer: SocketAddr) -> usize {
        match self.peers.bound_channel(&peer) {
            Some(_) => channel_data::HEADER_LEN,
            None if peer.is_ipv4() => HEADROOM - 12,
            None => HEADROOM,
        }
    }

    fn wrap_in_indication(&mut self, peer: SocketAddr, packet: &mut PacketBuf<'_>) -> Result<(), NoSpace> {
        let len = packet.len();
        let id = TransactionId::random(&mut self.rng);
        let mut slab = [0; HEADROOM];
        let mut header = PacketBuf::new(&mut slab, 0, 0);
        MessageBuilder::new(&mut header, Class::Indication, Method::SEND, id)?
            .attribute(&XorPeerAddress(peer))?;
        header.put_u16(AttributeType::DATA.0)?;
        header.put_u16(u16::try_from(len).map_err(|_| NoSpace)?)?;
        set_body_len(&mut header, len.next_multiple_of(4))?;
        put_padding(packet)?;
        packet.prepend(header.bytes()).inspect_err(|_| packet.truncate(len))?;
        self.stats.indications_sent = self.stats.indications_sent.saturating_add(1);
        Ok(())
    }

    fn count_sent(&mut self, len: usize) {
        self.stats.packets_sent = self.stats.packets_sent.saturating_add(1);
        self.stats.bytes_sent = self.stats.bytes_sent.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
    }
}

/// Writes the length of a message's body: what is in `header` already, and `data_len` bytes to come.
fn set_body_len(header: &mut PacketBuf<'_>, data_len: usize) -> Result<(), NoSpace> {
    let len = u16::try_from(header.len() + data_len - HEADER_LEN).map_err(|_| NoSpace)?;
    let place = header.bytes_mut().get_mut(2..4).ok_or(NoSpace)?;
    place.copy_from_slice(&len.to_be_bytes());
    Ok(())
}
