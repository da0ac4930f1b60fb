//! Writing RTP packets, new ones and received ones that are forwarded.

use crate::extension::{ExtensionBlock, ExtensionTranslation};
use crate::packet::{RtpHeader, RtpPacket};
use sendrecv_core::{NoSpace, Writer};

impl RtpHeader {
    /// Writes the header with its CSRC list (at most 15 are written) and extension block; the payload is put behind it.
    pub fn write<W: Writer + ?Sized>(
        &self,
        csrcs: impl ExactSizeIterator<Item = u32>,
        extensions: &ExtensionBlock,
        out: &mut W,
    ) -> Result<(), NoSpace> {
        let count = u8::try_from(csrcs.len().min(15)).unwrap_or(15);
        let extended = if extensions.is_empty() { 0 } else { 0x10 };
        let marker = if self.marker { 0x80 } else { 0 };
        let [seq_high, seq_low] = self.sequence_number.to_be_bytes();
        out.put(&[0x80 | extended | count, marker | self.payload_type & 0x7f, seq_high, seq_low])?;
        out.put_u32(self.timestamp)?;
        out.put_u32(self.ssrc)?;
        csrcs.take(15).try_for_each(|csrc| out.put_u32(csrc))?;
        extensions.write(out)
    }
}

/// Writes a received packet again with another header, as a forwarder does: CSRCs and payload are kept, padding is
/// dropped, extension elements get their new ids or are left out. Elements of the next hop (transport sequence number,
/// MID, send time) go into `own`, which is written first.
pub fn write_forwarded<W: Writer + ?Sized>(
    packet: &RtpPacket<'_>,
    header: &RtpHeader,
    mut own: ExtensionBlock,
    ids: &ExtensionTranslation,
    out: &mut W,
) -> Result<(), NoSpace> {
    for (id, data) in packet.extensions() {
        if let Some(id) = ids.translate(id) {
            own.push(id, data).map_err(|_| NoSpace)?;
        }
    }
    header.write(packet.csrcs(), &own, out)?;
    out.put(packet.payload())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extension::{ExtensionKind, ExtensionMap};
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn header() -> impl Strategy<Value = RtpHeader> {
        (any::<bool>(), 0u8..128, any::<u16>(), any::<u32>(), any::<u32>()).prop_map(
            |(marker, payload_type, sequence_number, timestamp, ssrc)| RtpHeader {
                marker,
                payload_type,
                sequence_number,
                timestamp,
                ssrc,
            },
        )
    }

    fn elements() -> impl Strategy<Value = Vec<(u8, Vec<u8>)>> {
        prop::collection::vec((1u8..=255, prop::collection::vec(any::<u8>(), 0..20)), 0..6)
            .prop_filter("id 15 means something else in the one-byte form", |all| {
                all.iter().all(|(id, _)| *id != 15)
            })
    }

    fn block(elements: &[(u8, Vec<u8>)]) -> ExtensionBlock {
        let mut block = ExtensionBlock::new();
        for (id, data) in elements {
            block.push(*id, data).unwrap();
        }
        block
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(header in header(), csrcs in prop::collection::vec(any::<u32>(), 0..=15),
                                        elements in elements(), payload in prop::collection::vec(any::<u8>(), 0..50)) {
            let mut out = Vec::new();
            header.write(csrcs.iter().copied(), &block(&elements), &mut out).unwrap();
            out.put(&payload).unwrap();
            let packet = RtpPacket::parse(&out).unwrap();
            prop_assert_eq!(packet.header(), header);
            prop_assert_eq!(packet.csrcs().collect::<Vec<_>>(), csrcs);
            prop_assert_eq!(packet.payload(), payload);
            let read: Vec<_> = packet.extensions().map(|(id, data)| (id, data.to_vec())).collect();
            prop_assert_eq!(read, elements);
        }

        #[test]
        fn arbitrary_bytes_parse_or_fail_but_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Some(first) = bytes.first_mut() {
                *first = *first & 0x3f | 0x80;
            }
            if let Ok(packet) = RtpPacket::parse(&bytes) {
                let elements: usize = packet.extensions().map(|(_, data)| data.len()).sum();
                let parts = packet.header_len() + packet.payload().len() + usize::from(packet.padding_len());
                prop_assert_eq!(parts, bytes.len());
                prop_assert!(elements <= bytes.len());
            }
        }
    }

    #[test]
    fn forwarding_maps_ids_and_drops_padding_and_unknown_extensions() {
        let received: ExtensionMap =
            [(1, ExtensionKind::AudioLevel), (2, ExtensionKind::Mid)].into_iter().collect();
        let sent: ExtensionMap =
            [(7, ExtensionKind::AudioLevel), (8, ExtensionKind::Mid)].into_iter().collect();
        let mut bytes = [0xb1, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0xbe, 0xde, 0, 2].to_vec();
        bytes.extend([0x10, 0x85, 0x20, b'a', 0x50, 1, 0, 0, 0xaa, 0xbb, 0, 2]);
        let packet = RtpPacket::parse(&bytes).unwrap();
        let header = RtpHeader { ssrc: 99, payload_type: 100, ..packet.header() };
        let mut own = ExtensionBlock::new();
        own.push(8, b"b").unwrap();
        let mut out = Vec::new();
        write_forwarded(&packet, &header, own, &ExtensionTranslation::new(&received, &sent), &mut out)
            .unwrap();
        let copy = RtpPacket::parse(&out).unwrap();
        assert_eq!((copy.header(), copy.payload(), copy.padding_len()), (header, &[0xaa, 0xbb][..], 0));
        assert_eq!(copy.csrcs().collect::<Vec<_>>(), [4]);
        assert_eq!(copy.extensions().collect::<Vec<_>>(), [(8, &b"b"[..]), (7, &[0x85])]);
    }
}
