//! The few fields of RTP and RTCP headers that SRTP needs.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |V=2|P|X|  CC   |M|     PT      |       sequence number         |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                           timestamp                           |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                             SSRC                              |
//! +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
//! |                    CSRCs (CC times 4 bytes)                   |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |   defined by profile (if X)   |  length in 32-bit words       |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                       header extension                        |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                            payload                            |
//! ```
//! RFC 3550, sections 5.1 and 5.3.1. What lies in the payload, padding included, is encrypted and so not looked at.

use core::ops::Range;
use sendrecv_core::{Reader, Truncated};

/// The part of an RTP packet that is not encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RtpHeader {
    pub(crate) sequence: u16,
    pub(crate) ssrc: u32,
    /// The "defined by profile" field and where the header extension proper lies, if there is one.
    pub(crate) extension: Option<(u16, Range<usize>)>,
    /// Where the payload starts.
    pub(crate) len: usize,
}

impl RtpHeader {
    /// The header of `packet`; an error also when the version is not 2.
    pub(crate) fn parse(packet: &[u8]) -> Result<Self, Truncated> {
        let mut reader = Reader::new(packet);
        let [first, _, high, low] = reader.array()?;
        let [_, _, _, _, a, b, c, d] = reader.array()?;
        if first >> 6 != 2 {
            return Err(Truncated);
        }
        reader.take(usize::from(first & 0x0f).saturating_mul(4))?;
        let extension = if first & 0x10 == 0 { None } else { Some(extension(packet.len(), &mut reader)?) };
        Ok(Self {
            sequence: u16::from_be_bytes([high, low]),
            ssrc: u32::from_be_bytes([a, b, c, d]),
            extension,
            len: packet.len().saturating_sub(reader.remaining()),
        })
    }
}

fn extension(packet_len: usize, reader: &mut Reader<'_>) -> Result<(u16, Range<usize>), Truncated> {
    let profile = reader.u16()?;
    let len = usize::from(reader.u16()?).saturating_mul(4);
    let start = packet_len.saturating_sub(reader.remaining());
    reader.take(len)?;
    Ok((profile, start..start.saturating_add(len)))
}

/// The first header of a compound RTCP packet, 8 bytes, stays in the clear (RFC 3711, section 3.4).
pub(crate) const RTCP_HEADER_LEN: usize = 8;

/// The sender's SSRC in a compound RTCP packet, whose version must be 2.
pub(crate) fn rtcp_ssrc(packet: &[u8]) -> Result<u32, Truncated> {
    let [first, _, _, _, ssrc @ ..] = Reader::new(packet).array::<RTCP_HEADER_LEN>()?;
    if first >> 6 == 2 { Ok(u32::from_be_bytes(ssrc)) } else { Err(Truncated) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// A header with two CSRCs and an extension of one word, before two bytes of payload.
    fn packet() -> Vec<u8> {
        let mut packet = vec![0x92, 0x60, 0x12, 0x34, 0, 0, 0, 0, 0xca, 0xfe, 0xba, 0xbe];
        packet.extend([0; 8]);
        packet.extend([0xbe, 0xde, 0, 1, 0x10, 0xaa, 0, 0]);
        packet.extend([1, 2]);
        packet
    }

    #[test]
    fn the_header_ends_behind_sources_and_extension() {
        let header = RtpHeader::parse(&packet()).unwrap();
        assert_eq!((header.sequence, header.ssrc, header.len), (0x1234, 0xcafe_babe, 28));
        assert_eq!(header.extension, Some((0xbede, 24..28)));
    }

    #[test]
    fn headers_that_claim_more_than_there_is_are_refused() {
        let packet = packet();
        for len in 0..28 {
            assert!(RtpHeader::parse(&packet[..len]).is_err(), "{len}");
        }
        assert!(RtpHeader::parse(&packet[..28]).is_ok());
        let mut lying = packet.clone();
        lying[23] = 2;
        assert!(RtpHeader::parse(&lying).is_err());
    }

    #[test]
    fn only_version_2_is_known() {
        let mut packet = packet();
        packet[0] ^= 0x40;
        assert!(RtpHeader::parse(&packet).is_err() && rtcp_ssrc(&packet).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused_within_bounds(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(header) = RtpHeader::parse(&bytes) {
                prop_assert!(header.len <= bytes.len());
                prop_assert!(header.extension.is_none_or(|(_, range)| bytes.get(range).is_some()));
            }
            let _ = rtcp_ssrc(&bytes);
        }
    }
}
