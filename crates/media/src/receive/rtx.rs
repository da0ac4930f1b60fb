//! Undoing retransmission framing in place (RFC 4588, section 4).
//!
//! ```text
//! | RTP header, RTX payload type, RTX SSRC | OSN (16) | original payload |
//!          | RTP header, original fields            | original payload |
//! ```

use sendrecv_rtp::RtpPacket;

/// Turns a retransmission into the original packet: the header moves up over the original sequence number and gets it
/// back, with the stream's payload type and SSRC. `None` when the payload has no room for the number.
pub(crate) fn unwrap(
    datagram: &mut [u8],
    header_len: usize,
    payload_type: u8,
    ssrc: u32,
) -> Option<&mut [u8]> {
    let original = *datagram.get(header_len..)?.first_chunk::<2>()?;
    datagram.copy_within(..header_len, 2);
    let packet = datagram.get_mut(2..)?;
    let head = packet.first_chunk_mut::<12>()?;
    let [_, marker_and_type, seq_high, seq_low, _, _, _, _, ssrc_bytes @ ..] = head;
    *marker_and_type = *marker_and_type & 0x80 | payload_type & 0x7f;
    [*seq_high, *seq_low] = original;
    *ssrc_bytes = ssrc.to_be_bytes();
    Some(packet)
}

/// Whether a retransmission holds no packet: probes for bandwidth are padding, or nothing at all.
pub(crate) fn is_probe(packet: &RtpPacket<'_>) -> bool {
    packet.payload().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendrecv_core::Writer;
    use sendrecv_rtp::RtpHeader;
    use sendrecv_rtp::extension::ExtensionBlock;

    #[test]
    fn the_original_packet_comes_back_with_its_extensions() {
        let header = RtpHeader {
            marker: true,
            payload_type: 97,
            sequence_number: 5,
            timestamp: 1234,
            ssrc: 0xeeee_eeee,
        };
        let mut extensions = ExtensionBlock::new();
        extensions.push(3, b"0").unwrap();
        let mut bytes = alloc::vec::Vec::new();
        header.write([77].into_iter(), &extensions, &mut bytes).unwrap();
        bytes.put_u16(0xabcd).unwrap();
        bytes.put(b"payload").unwrap();
        let header_len = RtpPacket::parse(&bytes).unwrap().header_len();
        let packet = RtpPacket::parse(unwrap(&mut bytes, header_len, 96, 42).unwrap()).unwrap();
        let original = RtpHeader { payload_type: 96, sequence_number: 0xabcd, ssrc: 42, ..header };
        assert_eq!((packet.header(), packet.payload()), (original, &b"payload"[..]));
        assert_eq!(packet.extensions().get(3), Some(&b"0"[..]));
        assert!(packet.csrcs().eq([77]));
    }

    #[test]
    fn a_payload_of_one_byte_has_no_original() {
        let mut bytes = [0; 13];
        assert!(unwrap(&mut bytes, 12, 96, 1).is_none());
    }
}
