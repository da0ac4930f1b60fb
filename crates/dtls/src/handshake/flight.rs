//! Our current flight: kept until it is answered, cut into records when it is sent, sent again when it is lost
//! (RFC 6347, section 4.2.4; RFC 9147, sections 5.7, 5.8 and 7.2).

use super::ranges::Ranges;
use crate::record::{HANDSHAKE_EPOCH, RecordLayer};
use crate::wire::ack::RecordNumber;
use crate::wire::fragment::{Fragment, HEADER_LEN, HandshakeType};
use crate::wire::record::ContentType;
use alloc::vec::Vec;
use sendrecv_core::PacketBuf;

/// Records remembered for acknowledgements; the oldest go first.
const MAX_SENT: usize = 256;
/// A fragment shorter than this is not worth a record of its own at the end of a datagram.
const MIN_PIECE: usize = 16;

/// One thing to send.
#[derive(Clone, Debug)]
enum Item {
    Message { kind: HandshakeType, seq: u16, body: Vec<u8> },
    ChangeCipherSpec,
}

#[derive(Clone, Debug)]
struct Entry {
    epoch: u64,
    item: Item,
    acked: Ranges,
}

impl Entry {
    /// Length of the body; a message without one, like a ChangeCipherSpec, counts as one byte that is sent or not.
    fn extent(&self) -> u32 {
        match &self.item {
            Item::Message { body, .. } => u32::try_from(body.len()).unwrap_or(u32::MAX).max(1),
            Item::ChangeCipherSpec => 1,
        }
    }
}

/// Which part of which entry a record carried.
#[derive(Clone, Copy, Debug)]
struct Sent {
    number: RecordNumber,
    entry: usize,
    start: u32,
    end: u32,
}

/// Where sending has come to.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    entry: usize,
    offset: u32,
}

/// A flight of messages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flight {
    entries: Vec<Entry>,
    sent: Vec<Sent>,
    cursor: Option<Cursor>,
}

impl Flight {
    /// Appends a handshake message and schedules it.
    pub(crate) fn push(&mut self, epoch: u64, kind: HandshakeType, seq: u16, body: Vec<u8>) {
        self.push_item(epoch, Item::Message { kind, seq, body });
    }

    /// Appends a ChangeCipherSpec (DTLS 1.2) and schedules it.
    pub(crate) fn push_change_cipher_spec(&mut self) {
        self.push_item(0, Item::ChangeCipherSpec);
    }

    fn push_item(&mut self, epoch: u64, item: Item) {
        let at = self.entries.len();
        self.entries.push(Entry { epoch, item, acked: Ranges::default() });
        self.cursor.get_or_insert(Cursor { entry: at, offset: 0 });
    }

    /// Whether there is nothing to answer for.
    pub(crate) const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether it is a flight of the handshake, not a message after it.
    pub(crate) fn is_of_handshake(&self) -> bool {
        self.entries.first().is_some_and(|entry| entry.epoch <= HANDSHAKE_EPOCH)
    }

    /// The bodies of its messages, to damage them.
    #[cfg(test)]
    pub(crate) fn bodies_mut(&mut self) -> impl Iterator<Item = &mut Vec<u8>> {
        self.entries.iter_mut().filter_map(|entry| match &mut entry.item {
            Item::Message { body, .. } => Some(body),
            Item::ChangeCipherSpec => None,
        })
    }

    /// Whether something waits to be sent.
    pub(crate) const fn is_sending(&self) -> bool {
        self.cursor.is_some()
    }

    /// Sends everything again that was not acknowledged.
    pub(crate) fn restart(&mut self) {
        if !self.entries.is_empty() {
            self.cursor = Some(Cursor::default());
        }
    }

    /// Forgets the flight: it was answered.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Notes an acknowledgement; `true` when it brought something new of this flight.
    pub(crate) fn acknowledge(&mut self, number: RecordNumber) -> bool {
        let mut news = false;
        for sent in self.sent.iter().filter(|sent| sent.number == number) {
            if let Some(entry) = self.entries.get_mut(sent.entry)
                && !entry.acked.contains(sent.start, sent.end)
            {
                entry.acked.insert(sent.start, sent.end, usize::MAX);
                news = true;
            }
        }
        news
    }

    /// Whether all of it was acknowledged.
    pub(crate) fn is_acknowledged(&self) -> bool {
        !self.entries.is_empty() && self.entries.iter().all(|entry| entry.acked.covers(entry.extent()))
    }

    /// Fills `out` up to `max_len` bytes with as many records as fit and says whether it wrote any.
    pub(crate) fn write(
        &mut self,
        records: &mut RecordLayer,
        out: &mut PacketBuf<'_>,
        max_len: usize,
    ) -> bool {
        let mut wrote = false;
        while let Some((cursor, end)) = self.next_gap() {
            match self.write_piece(records, out, max_len, cursor, end) {
                Some(sent) => {
                    wrote = true;
                    self.cursor = Some(Cursor { entry: cursor.entry, offset: sent.end });
                    self.remember(sent);
                }
                None => return wrote,
            }
        }
        wrote
    }

    /// The next range that has to be sent, from the cursor on.
    fn next_gap(&mut self) -> Option<(Cursor, u32)> {
        let mut cursor = self.cursor?;
        while let Some(entry) = self.entries.get(cursor.entry) {
            if let Some((start, end)) = entry.acked.gap(cursor.offset, entry.extent()) {
                return Some((Cursor { offset: start, ..cursor }, end));
            }
            cursor = Cursor { entry: cursor.entry.saturating_add(1), offset: 0 };
        }
        self.cursor = None;
        None
    }

    fn write_piece(
        &self,
        records: &mut RecordLayer,
        out: &mut PacketBuf<'_>,
        max_len: usize,
        at: Cursor,
        end: u32,
    ) -> Option<Sent> {
        let entry = self.entries.get(at.entry)?;
        let space = out.space().min(max_len.saturating_sub(out.len()));
        let room = space.checked_sub(records.overhead(entry.epoch))?;
        let (kind, seq, body) = match &entry.item {
            Item::Message { kind, seq, body } => (*kind, *seq, body),
            Item::ChangeCipherSpec => {
                room.checked_sub(1)?;
                let number = records.append(out, entry.epoch, ContentType::ChangeCipherSpec, &[&[1]]).ok()?;
                return Some(Sent { number, entry: at.entry, start: 0, end: 1 });
            }
        };
        let room = room.checked_sub(HEADER_LEN)?;
        let start = usize::try_from(at.offset).ok()?;
        let wanted = body.get(start..usize::try_from(end).ok()?.min(body.len()))?;
        if wanted.len() > room && room < MIN_PIECE {
            return None;
        }
        let data = wanted.get(..room).unwrap_or(wanted);
        let length = u32::try_from(body.len()).ok()?;
        let fragment = Fragment { kind, length, message_seq: seq, offset: at.offset, data };
        let parts: [&[u8]; 2] = [&fragment.header(), data];
        let number = records.append(out, entry.epoch, ContentType::Handshake, &parts).ok()?;
        let end = at.offset.saturating_add(u32::try_from(data.len().max(1)).ok()?);
        Some(Sent { number, entry: at.entry, start: at.offset, end })
    }

    fn remember(&mut self, sent: Sent) {
        if self.sent.len() >= MAX_SENT {
            self.sent.remove(0);
        }
        self.sent.push(sent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Incoming;
    use sendrecv_core::Reader;

    fn datagrams(flight: &mut Flight, records: &mut RecordLayer, mtu: usize) -> Vec<Vec<u8>> {
        let mut datagrams = Vec::new();
        loop {
            let mut slab = [0; 2000];
            let mut out = PacketBuf::new(&mut slab, 0, 0);
            if !flight.write(records, &mut out, mtu) {
                return datagrams;
            }
            datagrams.push(out.bytes().to_vec());
        }
    }

    fn pieces(datagram: &[u8]) -> Vec<(u16, u32, usize)> {
        let (mut pieces, mut at) = (Vec::new(), 0);
        while at < datagram.len() {
            let incoming = Incoming::parse(&datagram[at..], 0).unwrap();
            let mut reader = Reader::new(&datagram[at + 13..at + incoming.len()]);
            let fragment = Fragment::parse(&mut reader).unwrap();
            pieces.push((fragment.message_seq, fragment.offset, fragment.data.len()));
            at += incoming.len();
        }
        pieces
    }

    #[test]
    fn a_flight_fits_any_mtu() {
        for mtu in [64, 128, 300, 1200] {
            let (mut flight, mut records) = (Flight::default(), RecordLayer::default());
            flight.push(0, HandshakeType::CERTIFICATE, 0, alloc::vec![1; 700]);
            flight.push(0, HandshakeType::SERVER_HELLO_DONE, 1, Vec::new());
            let datagrams = datagrams(&mut flight, &mut records, mtu);
            assert!(datagrams.iter().all(|datagram| datagram.len() <= mtu));
            let pieces: Vec<_> = datagrams.iter().flat_map(|datagram| pieces(datagram)).collect();
            assert_eq!(pieces.iter().filter(|piece| piece.0 == 0).map(|piece| piece.2).sum::<usize>(), 700);
            assert_eq!(pieces.last(), Some(&(1, 0, 0)));
        }
    }

    #[test]
    fn acknowledged_pieces_are_not_sent_again() {
        let (mut flight, mut records) = (Flight::default(), RecordLayer::default());
        flight.push(0, HandshakeType::CERTIFICATE, 0, alloc::vec![1; 700]);
        let first = datagrams(&mut flight, &mut records, 300);
        assert_eq!(first.len(), 3);
        assert!(flight.acknowledge(RecordNumber { epoch: 0, sequence: 1 }));
        assert!(!flight.acknowledge(RecordNumber { epoch: 0, sequence: 9 }));
        flight.restart();
        let again: Vec<_> =
            datagrams(&mut flight, &mut records, 1200).iter().flat_map(|datagram| pieces(datagram)).collect();
        assert_eq!(again, [(0, 0, 275), (0, 550, 150)]);
        assert!(flight.acknowledge(RecordNumber { epoch: 0, sequence: 3 }));
        assert!(flight.acknowledge(RecordNumber { epoch: 0, sequence: 4 }));
        assert!(flight.is_acknowledged());
    }
}
