//! Packets that were written: kept until they are sent, and then for retransmission.

use alloc::vec::Vec;
use sendrecv_core::Instant;
use sendrecv_core::{NoSpace, Reader, Writer};
use sendrecv_rtp::RtpHeader;
use sendrecv_rtp::extension::ExtensionBlock;

/// One packet, in a buffer that is used again for the packet that replaces it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slot {
    /// The extended sequence number; 0 when vacant.
    sequence: u64,
    pub(crate) header: RtpHeader,
    csrc_count: usize,
    extensions_len: usize,
    /// CSRCs, then extension elements as id, length, data, then the payload.
    data: Vec<u8>,
    /// When it was last sent.
    pub(crate) sent: Option<Instant>,
    /// When it was last sent again.
    pub(crate) resent: Option<Instant>,
}

/// A packet to be stored.
pub(crate) struct NewPacket<'a, C, E> {
    pub(crate) header: RtpHeader,
    pub(crate) csrcs: C,
    pub(crate) extensions: E,
    pub(crate) payload: &'a [&'a [u8]],
}

impl Slot {
    fn store<'a, C, E>(&mut self, sequence: u64, packet: NewPacket<'a, C, E>)
    where
        C: Iterator<Item = u32>,
        E: Iterator<Item = (u8, &'a [u8])>,
    {
        self.sequence = sequence;
        self.header = packet.header;
        (self.sent, self.resent) = (None, None);
        self.data.clear();
        packet.csrcs.take(15).for_each(|csrc| self.data.extend(csrc.to_be_bytes()));
        self.csrc_count = self.data.len() / 4;
        for (id, bytes) in packet.extensions {
            if let Ok(len) = u8::try_from(bytes.len()) {
                self.data.extend([id, len]);
                self.data.extend(bytes);
            }
        }
        self.extensions_len = self.data.len() - self.csrc_count * 4;
        packet.payload.iter().for_each(|part| self.data.extend(*part));
    }

    fn csrcs(&self) -> impl ExactSizeIterator<Item = u32> + '_ {
        let (chunks, _) = self.data.get(..self.csrc_count * 4).unwrap_or_default().as_chunks::<4>();
        chunks.iter().map(|bytes| u32::from_be_bytes(*bytes))
    }

    fn extensions(&self) -> impl Iterator<Item = (u8, &[u8])> {
        let start = self.csrc_count * 4;
        let bytes = self.data.get(start..start + self.extensions_len).unwrap_or_default();
        let mut reader = Reader::new(bytes);
        core::iter::from_fn(move || Some((reader.u8().ok()?, reader.vec8().ok()?)))
    }

    /// The payload.
    pub(crate) fn payload(&self) -> &[u8] {
        self.data.get(self.csrc_count * 4 + self.extensions_len..).unwrap_or_default()
    }

    /// Writes the packet with another header and the stamps of this transmission; with `original`, the original sequence
    /// number goes in front of the payload (RFC 4588, section 4).
    pub(crate) fn write<W: Writer + ?Sized>(
        &self,
        header: &RtpHeader,
        mut stamps: ExtensionBlock,
        original: Option<u16>,
        out: &mut W,
    ) -> Result<(), NoSpace> {
        for (id, data) in self.extensions() {
            // An element too many for the block is left out rather than the packet lost.
            stamps.push(id, data).unwrap_or_default();
        }
        header.write(self.csrcs(), &stamps, out)?;
        original.map_or(Ok(()), |sequence| out.put_u16(sequence))?;
        out.put(self.payload())
    }
}

/// Packets by sequence number, in a ring of a power of two of slots.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    slots: Vec<Slot>,
    capacity: usize,
}

impl Cache {
    /// An empty cache; slots are made with the first packet.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { slots: Vec::new(), capacity: capacity.clamp(16, 1 << 15).next_power_of_two() }
    }

    /// How many packets fit.
    pub(crate) const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Stores a packet in place of the one `capacity` numbers before. `false` when its number, or a later one of the same
    /// slot, is there already.
    pub(crate) fn store<'a, C, E>(&mut self, sequence: u64, packet: NewPacket<'a, C, E>) -> bool
    where
        C: Iterator<Item = u32>,
        E: Iterator<Item = (u8, &'a [u8])>,
    {
        if self.slots.is_empty() {
            self.slots.resize(self.capacity, Slot::default());
        }
        let position = self.position(sequence);
        match self.slots.get_mut(position) {
            Some(slot) if slot.sequence < sequence => slot.store(sequence, packet),
            _ => return false,
        }
        true
    }

    /// The packet with this number.
    pub(crate) fn get_mut(&mut self, sequence: u64) -> Option<&mut Slot> {
        let position = self.position(sequence);
        self.slots.get_mut(position).filter(|slot| slot.sequence == sequence)
    }

    fn position(&self, sequence: u64) -> usize {
        let mask = u64::try_from(self.capacity - 1).unwrap_or(0);
        usize::try_from(sequence & mask).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet<'a>(
        payload: &'a [&'a [u8]],
    ) -> NewPacket<'a, impl Iterator<Item = u32>, impl Iterator<Item = (u8, &'a [u8])>> {
        let extensions = [(7, &b"ab"[..])].into_iter();
        NewPacket { header: RtpHeader::default(), csrcs: [1, 2].into_iter(), extensions, payload }
    }

    #[test]
    fn a_packet_is_there_until_its_slot_is_needed() {
        let mut cache = Cache::new(16);
        assert!(cache.store(100, packet(&[b"x", b"yz"])));
        let slot = cache.get_mut(100).unwrap();
        assert_eq!(slot.payload(), b"xyz");
        assert!(slot.csrcs().eq([1, 2]));
        assert!(slot.extensions().eq([(7, &b"ab"[..])]));
        assert!(!cache.store(100, packet(&[b"again"])));
        assert!(cache.store(116, packet(&[])));
        assert!(cache.get_mut(100).is_none());
        assert!(!cache.store(100, packet(&[b"older"])));
    }

    #[test]
    fn the_capacity_is_a_bounded_power_of_two() {
        assert_eq!([0, 17, 1 << 20].map(|wanted| Cache::new(wanted).capacity()), [16, 32, 1 << 15]);
    }
}
