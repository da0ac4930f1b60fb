//! Packets that ride on checks and their answers, and which of them arrived (draft-hancke-webrtc-sped).
//!
//! ```text
//! META-DTLS-IN-STUN                  0xC070   one packet; never empty
//! META-DTLS-IN-STUN-ACKNOWLEDGEMENT  0xC071   CRC-32 of packets that arrived, 4 bytes each, the newest last; may be
//!                                             empty, which says that the sender knows about this
//! ```
//!
//! What the packets are is not known here. They ride only on what is sent anyhow, in turns, until they are acknowledged.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use sendrecv_core::{NoSpace, PacketBuf};
use sendrecv_stun::attribute::{DtlsInStun, DtlsInStunAck};
use sendrecv_stun::{Message, MessageBuilder};

/// The ICE option that offers it.
pub(crate) const OPTION: &str = "sped";
/// The most bytes that [`Riders`] add to a message, beside those of the packet: two attribute headers, the
/// acknowledgements, padding.
pub(crate) const OVERHEAD: usize = 4 + 4 + MAX_ARRIVALS * 4 + 3;
/// Packets that may wait at once.
const MAX_WAITING: usize = 16;
/// Arrivals that are told at once; older ones were told before.
const MAX_ARRIVALS: usize = 4;
/// The longest packet taken from the peer, in bytes.
const MAX_LEN: usize = 1500;
/// Bytes that may ride without any acknowledgement (ten packets of a first window, RFC 6928).
const BUDGET: usize = 14_600;

/// What rides, and what has arrived.
#[derive(Debug, Default)]
pub(crate) struct Piggyback {
    waiting: VecDeque<Vec<u8>>,
    arrived: VecDeque<u32>,
    /// Bytes that rode since the last acknowledgement.
    underway: usize,
    /// The peer has sent one of the attributes.
    peer_knows: bool,
    /// Nobody needs it any more.
    ended: bool,
}

/// What one message carries.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Riders<'p> {
    /// `None`: nothing at all.
    acks: Option<Acks>,
    packet: Option<&'p [u8]>,
}

/// Acknowledgements as they lie on the wire.
#[derive(Clone, Copy, Debug, Default)]
struct Acks {
    bytes: [u8; MAX_ARRIVALS * 4],
    len: usize,
}

impl Piggyback {
    /// These packets take the place of those that waited.
    pub(crate) fn board(&mut self, packets: Vec<Vec<u8>>) {
        self.waiting = packets.into_iter().filter(|packet| !packet.is_empty()).take(MAX_WAITING).collect();
    }

    /// The next packet that waits, which needs no check any more.
    pub(crate) fn disembark(&mut self) -> Option<Vec<u8>> {
        self.waiting.pop_front()
    }

    /// Remembers that a packet arrived, to tell the peer.
    pub(crate) fn confirm(&mut self, packet: &[u8]) {
        let number = DtlsInStunAck::number_of(packet);
        self.arrived.retain(|known| *known != number);
        if self.arrived.len() >= MAX_ARRIVALS {
            self.arrived.pop_front();
        }
        self.arrived.push_back(number);
    }

    /// Messages carry nothing from now on.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    pub(crate) const fn is_ended(&self) -> bool {
        self.ended
    }

    pub(crate) const fn peer_knows(&self) -> bool {
        self.peer_knows
    }

    /// Takes in what rode on an authenticated message; returns the packet, if there is one.
    pub(crate) fn receive<'m>(&mut self, message: &Message<'m>) -> Option<&'m [u8]> {
        let acks = message.attribute();
        let packet = message.attribute();
        self.peer_knows |= acks.is_some() || packet.is_some();
        if let Some(DtlsInStunAck(numbers)) = acks {
            numbers.chunks_exact(4).take(MAX_WAITING).for_each(|number| self.acknowledged(number));
        }
        let DtlsInStun(packet) = packet?;
        Some(packet).filter(|packet| !packet.is_empty() && packet.len() <= MAX_LEN)
    }

    fn acknowledged(&mut self, number: &[u8]) {
        let before = self.waiting.len();
        self.waiting.retain(|packet| DtlsInStunAck::number_of(packet).to_be_bytes() != *number);
        if self.waiting.len() < before {
            self.underway = 0;
        }
    }

    /// What the next message carries: all acknowledgements, and the packet whose turn it is, if it is of `room` bytes at
    /// most.
    pub(crate) fn riders(&self, room: usize) -> Riders<'_> {
        let fits =
            |packet: &&Vec<u8>| packet.len() <= room && self.underway.saturating_add(packet.len()) <= BUDGET;
        let packet = self.waiting.front().filter(fits).map(Vec::as_slice);
        Riders { acks: Some(Acks::of(&self.arrived)), packet }
    }

    /// A message left with [`riders`](Self::riders), and this many bytes of packet among them: it is the next one's turn.
    pub(crate) fn left_with(&mut self, bytes: usize) {
        if bytes > 0 && !self.waiting.is_empty() {
            self.waiting.rotate_left(1);
            self.underway = self.underway.saturating_add(bytes);
        }
    }
}

impl Acks {
    fn of(numbers: &VecDeque<u32>) -> Self {
        let mut acks = Self::default();
        for (place, number) in acks.bytes.chunks_exact_mut(4).zip(numbers) {
            place.copy_from_slice(&number.to_be_bytes());
            acks.len += 4;
        }
        acks
    }
}

impl Riders<'_> {
    /// Bytes of the packet.
    pub(crate) fn packet_len(&self) -> usize {
        self.packet.map_or(0, <[u8]>::len)
    }

    /// Writes the attributes, which belong before the integrity attribute.
    pub(crate) fn write(self, builder: &mut MessageBuilder<'_, PacketBuf<'_>>) -> Result<(), NoSpace> {
        if let Some(acks) = self.acks {
            builder.attribute(&DtlsInStunAck(acks.bytes.get(..acks.len).unwrap_or_default()))?;
        }
        if let Some(packet) = self.packet {
            builder.attribute(&DtlsInStun(packet))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
