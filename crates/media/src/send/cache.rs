//! Packets that were written: kept until they are sent, and then for retransmission.

use super::stamp::Stamped;
use alloc::vec::Vec;
use bytes::Bytes;
use core::ops::Range;
use core::time::Duration;
use sendrecv_core::{Instant, NoSpace, Reader, Writer};
use sendrecv_rtp::RtpHeader;
use sendrecv_rtp::extension::ExtensionBlock;

/// How long a packet that was sent is kept at least, as far as there is room: longer than anybody would wait for it.
const RETENTION: Duration = Duration::from_secs(1);
/// Slots to begin with.
const FIRST_SLOTS: usize = 16;

/// The bytes that a packet carries.
#[derive(Clone, Copy, Debug)]
pub enum Payload<'a> {
    /// Pieces that are written one after the other; they are copied to be kept for retransmission.
    Pieces(&'a [&'a [u8]]),
    /// Bytes that may be shared with others, and are not copied to be kept.
    Shared(&'a Bytes),
}

impl Payload<'_> {
    /// The number of bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Pieces(pieces) => pieces.iter().map(|piece| piece.len()).sum(),
            Self::Shared(bytes) => bytes.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A payload that is kept.
#[derive(Clone, Debug)]
enum Kept {
    /// In a buffer that is used again for the packet that replaces it.
    Own(Vec<u8>),
    /// In bytes that others may have, too.
    Shared(Bytes),
}

impl Kept {
    fn store(&mut self, payload: NewPayload<'_>) {
        match (payload, &mut *self) {
            (NewPayload::Shared(bytes, range), _) => {
                let part = bytes.get(range).map(|part| bytes.slice_ref(part));
                *self = Self::Shared(part.unwrap_or_default());
            }
            (NewPayload::Pieces(pieces), Self::Own(buffer)) => {
                buffer.clear();
                pieces.iter().for_each(|piece| buffer.extend_from_slice(piece));
            }
            (NewPayload::Pieces(pieces), Self::Shared(_)) => *self = Self::Own(pieces.concat()),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Own(buffer) => buffer,
            Self::Shared(bytes) => bytes,
        }
    }
}

/// A payload to be stored.
#[derive(Clone, Debug)]
pub(crate) enum NewPayload<'a> {
    Pieces(&'a [&'a [u8]]),
    /// Some of the bytes.
    Shared(&'a Bytes, Range<usize>),
}

impl<'a> From<Payload<'a>> for NewPayload<'a> {
    fn from(payload: Payload<'a>) -> Self {
        match payload {
            Payload::Pieces(pieces) => Self::Pieces(pieces),
            Payload::Shared(bytes) => Self::Shared(bytes, 0..bytes.len()),
        }
    }
}

/// One packet. There are up to a thousand and more for each stream that is sent, so that with many streams every one is
/// fetched from memory: it is kept small.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    /// The extended sequence number; 0 when vacant.
    sequence: u64,
    pub(crate) header: RtpHeader,
    csrcs: u8,
    /// CSRCs, then extension elements as id, length, data.
    head: Vec<u8>,
    payload: Kept,
    /// What it was first stamped with.
    pub(crate) stamped: Option<Stamped>,
    sent: Instant,
    resent: Instant,
}

/// Stands for the time of what has not happened: [`Instant::MAX`] means never.
const NEVER: Instant = Instant::MAX;

/// A packet to be stored.
pub(crate) struct NewPacket<'a, C, E> {
    pub(crate) header: RtpHeader,
    pub(crate) csrcs: C,
    pub(crate) extensions: E,
    pub(crate) payload: NewPayload<'a>,
}

impl Slot {
    const VACANT: Self = Self {
        sequence: 0,
        header: RtpHeader { marker: false, payload_type: 0, sequence_number: 0, timestamp: 0, ssrc: 0 },
        csrcs: 0,
        head: Vec::new(),
        payload: Kept::Own(Vec::new()),
        stamped: None,
        sent: NEVER,
        resent: NEVER,
    };

    fn store<'a, C, E>(&mut self, sequence: u64, packet: NewPacket<'a, C, E>)
    where
        C: Iterator<Item = u32>,
        E: Iterator<Item = (u8, &'a [u8])>,
    {
        self.sequence = sequence;
        self.header = packet.header;
        (self.stamped, self.sent, self.resent) = (None, NEVER, NEVER);
        self.head.clear();
        self.csrcs = 0;
        for csrc in packet.csrcs.take(15) {
            self.head.extend(csrc.to_be_bytes());
            self.csrcs += 1;
        }
        for (id, bytes) in packet.extensions {
            if let Ok(len) = u8::try_from(bytes.len()) {
                self.head.extend([id, len]);
                self.head.extend(bytes);
            }
        }
        self.payload.store(packet.payload);
    }

    /// Whether the packet waits to be sent, or was sent a moment ago.
    fn is_wanted(&self, now: Instant) -> bool {
        self.sequence != 0 && self.sent().is_none_or(|sent| now.saturating_since(sent) < RETENTION)
    }

    /// When it was last sent.
    pub(crate) fn sent(&self) -> Option<Instant> {
        Some(self.sent).filter(|at| *at != NEVER)
    }

    /// When it was last sent again, or is about to be.
    pub(crate) fn resent(&self) -> Option<Instant> {
        Some(self.resent).filter(|at| *at != NEVER)
    }

    pub(crate) const fn note_sent(&mut self, at: Instant) {
        self.sent = at;
    }

    pub(crate) const fn note_resent(&mut self, at: Instant) {
        self.resent = at;
    }

    fn csrcs_len(&self) -> usize {
        4 * usize::from(self.csrcs)
    }

    fn csrcs(&self) -> impl ExactSizeIterator<Item = u32> + '_ {
        let (chunks, _) = self.head.get(..self.csrcs_len()).unwrap_or_default().as_chunks::<4>();
        chunks.iter().map(|bytes| u32::from_be_bytes(*bytes))
    }

    fn extensions(&self) -> impl Iterator<Item = (u8, &[u8])> {
        let mut reader = Reader::new(self.head.get(self.csrcs_len()..).unwrap_or_default());
        core::iter::from_fn(move || Some((reader.u8().ok()?, reader.vec8().ok()?)))
    }

    /// The payload.
    pub(crate) fn payload(&self) -> &[u8] {
        self.payload.bytes()
    }

    /// Writes the packet with another header and the stamps of this transmission; with `original`, the original sequence
    /// number goes in front of the payload (RFC 4588, section 4).
    pub(crate) fn write<W: Writer + ?Sized>(
        &self,
        header: &RtpHeader,
        stamps: &mut ExtensionBlock,
        original: Option<u16>,
        out: &mut W,
    ) -> Result<(), NoSpace> {
        for (id, data) in self.extensions() {
            // An element too many for the block is left out rather than the packet lost.
            stamps.push(id, data).unwrap_or_default();
        }
        header.write(self.csrcs(), stamps, out)?;
        original.map_or(Ok(()), |sequence| out.put_u16(sequence))?;
        out.put(self.payload())
    }
}

/// Packets by sequence number, in a ring of a power of two of slots that grows while packets sent a moment ago would have
/// to make room.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    slots: Vec<Slot>,
    capacity: usize,
}

impl Cache {
    /// An empty cache; slots are made as they are needed.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { slots: Vec::new(), capacity: capacity.clamp(FIRST_SLOTS, 1 << 15).next_power_of_two() }
    }

    /// How many packets fit at most.
    pub(crate) const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Stores a packet, if need be in place of one that many numbers before. `false` when its number, or a later one of
    /// the same slot, is there already.
    pub(crate) fn store<'a, C, E>(&mut self, now: Instant, sequence: u64, packet: NewPacket<'a, C, E>) -> bool
    where
        C: Iterator<Item = u32>,
        E: Iterator<Item = (u8, &'a [u8])>,
    {
        let mut position = self.position(sequence);
        while self.slots.len() < self.capacity
            && self.slots.get(position).is_none_or(|slot| slot.sequence != sequence && slot.is_wanted(now))
        {
            self.grow();
            position = self.position(sequence);
        }
        match self.slots.get_mut(position) {
            Some(slot) if slot.sequence < sequence => slot.store(sequence, packet),
            _ => return false,
        }
        true
    }

    fn grow(&mut self) {
        let len = (self.slots.len() * 2).max(FIRST_SLOTS);
        let old = core::mem::replace(&mut self.slots, alloc::vec![Slot::VACANT; len]);
        for slot in old {
            let position = self.position(slot.sequence);
            if slot.sequence != 0
                && let Some(place) = self.slots.get_mut(position)
            {
                *place = slot;
            }
        }
    }

    /// The packet with this number.
    pub(crate) fn get_mut(&mut self, sequence: u64) -> Option<&mut Slot> {
        let position = self.position(sequence);
        self.slots.get_mut(position).filter(|slot| slot.sequence == sequence)
    }

    fn position(&self, sequence: u64) -> usize {
        let mask = u64::try_from(self.slots.len().saturating_sub(1)).unwrap_or(0);
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
        let payload = NewPayload::Pieces(payload);
        NewPacket { header: RtpHeader::default(), csrcs: [1, 2].into_iter(), extensions, payload }
    }

    fn store_and_send(cache: &mut Cache, now: Instant, sequence: u64) {
        assert!(cache.store(now, sequence, packet(&[b"x"])));
        cache.get_mut(sequence).unwrap().note_sent(now);
    }

    #[test]
    fn a_packet_is_there_until_its_slot_is_needed() {
        let (mut cache, now) = (Cache::new(16), Instant::ZERO);
        assert!(cache.store(now, 100, packet(&[b"x", b"yz"])));
        let slot = cache.get_mut(100).unwrap();
        assert_eq!(slot.payload(), b"xyz");
        assert!(slot.csrcs().eq([1, 2]));
        assert!(slot.extensions().eq([(7, &b"ab"[..])]));
        assert!(!cache.store(now, 100, packet(&[b"again"])));
        assert!(cache.store(now, 116, packet(&[])));
        assert!(cache.get_mut(100).is_none());
        assert!(!cache.store(now, 100, packet(&[b"older"])));
    }

    #[test]
    fn a_slot_is_small() {
        assert!(size_of::<Slot>() <= 112, "{} bytes", size_of::<Slot>());
    }

    #[test]
    fn shared_bytes_are_kept_as_they_are_and_give_way_to_pieces() {
        let (mut cache, bytes) = (Cache::new(16), Bytes::from(alloc::vec![1, 2, 3]));
        let shared = NewPacket { payload: Payload::Shared(&bytes).into(), ..packet(&[]) };
        assert!(cache.store(Instant::ZERO, 100, shared));
        assert_eq!(cache.get_mut(100).unwrap().payload().as_ptr(), bytes.as_ptr());
        assert!(cache.store(Instant::ZERO, 116, packet(&[b"p", b"q"])));
        assert_eq!(cache.get_mut(116).unwrap().payload(), b"pq");
        assert!(bytes.is_unique());
    }

    #[test]
    fn it_holds_a_second_of_packets_as_far_as_there_is_room() {
        let mut cache = Cache::new(256);
        for number in 0..100 {
            store_and_send(&mut cache, Instant::from_millis(100 * number), 1000 + number);
        }
        assert_eq!(cache.slots.len(), 16, "ten packets per second");
        for number in 0..2000 {
            store_and_send(&mut cache, Instant::from_millis(20_000 + 10 * number), 1100 + number);
        }
        assert_eq!(cache.slots.len(), 128, "a hundred per second");
        assert!((0..100).all(|back| cache.get_mut(3099 - back).is_some()));
        for number in 0..2000 {
            store_and_send(&mut cache, Instant::from_millis(50_000 + number), 3100 + number);
        }
        assert_eq!(cache.slots.len(), 256, "no more than its capacity");
    }

    #[test]
    fn the_capacity_is_a_bounded_power_of_two() {
        assert_eq!([0, 17, 1 << 20].map(|wanted| Cache::new(wanted).capacity()), [16, 32, 1 << 15]);
    }
}
