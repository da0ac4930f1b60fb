//! A received RTP packet, viewed where it lies (RFC 3550, section 5.1).
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
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                      CSRCs (CC of them)                       |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |     extension profile, length in words, data (when X)         |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |     payload ...               padding (when P), its length    |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use crate::extension::Extensions;
use sendrecv_core::{Reader, Truncated};
use thiserror::Error;

/// The part of an RTP header that every packet has, without the version and the counts (RFC 3550, section 5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RtpHeader {
    /// The marker bit: end of a video frame, start of a talkspurt.
    pub marker: bool,
    /// The payload type, 0 to 127.
    pub payload_type: u8,
    /// Increases by one per packet, wrapping.
    pub sequence_number: u16,
    /// The sampling instant in units of the codec's clock, wrapping.
    pub timestamp: u32,
    /// The synchronization source.
    pub ssrc: u32,
}

/// Why bytes are not an RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ParseError {
    /// The packet ends inside its header, CSRC list or extension block.
    #[error("the packet ends inside its header")]
    Truncated,
    /// The version is not 2.
    #[error("the RTP version is not 2")]
    Version,
    /// The padding's length is zero or reaches into the header.
    #[error("the padding length is impossible")]
    Padding,
}

impl From<Truncated> for ParseError {
    fn from(Truncated: Truncated) -> Self {
        Self::Truncated
    }
}

/// A received RTP packet: its header decoded, everything else borrowed from the datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpPacket<'a> {
    header: RtpHeader,
    csrcs: &'a [u8],
    extensions: Extensions<'a>,
    payload: &'a [u8],
    padding_len: u8,
    header_len: usize,
}

impl<'a> RtpPacket<'a> {
    /// Reads a packet that fills all of `bytes`.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::new(bytes);
        let [flags, marker_and_type] = reader.array()?;
        if flags >> 6 != 2 {
            return Err(ParseError::Version);
        }
        let header = RtpHeader {
            marker: marker_and_type & 0x80 != 0,
            payload_type: marker_and_type & 0x7f,
            sequence_number: reader.u16()?,
            timestamp: reader.u32()?,
            ssrc: reader.u32()?,
        };
        let csrcs = reader.take(usize::from(flags & 0x0f) * 4)?;
        let extensions =
            if flags & 0x10 == 0 { Extensions::default() } else { Extensions::read(&mut reader)? };
        let header_len = bytes.len() - reader.remaining();
        let (payload, padding_len) = split_padding(reader.rest(), flags & 0x20 != 0)?;
        Ok(Self { header, csrcs, extensions, payload, padding_len, header_len })
    }

    /// The fixed header fields.
    pub const fn header(&self) -> RtpHeader {
        self.header
    }

    /// The marker bit.
    pub const fn marker(&self) -> bool {
        self.header.marker
    }

    /// The payload type, 0 to 127.
    pub const fn payload_type(&self) -> u8 {
        self.header.payload_type
    }

    /// The sequence number.
    pub const fn sequence_number(&self) -> u16 {
        self.header.sequence_number
    }

    /// The timestamp in units of the codec's clock.
    pub const fn timestamp(&self) -> u32 {
        self.header.timestamp
    }

    /// The synchronization source.
    pub const fn ssrc(&self) -> u32 {
        self.header.ssrc
    }

    /// The contributing sources, at most 15.
    #[inline]
    pub fn csrcs(&self) -> impl ExactSizeIterator<Item = u32> + 'a {
        let (chunks, _) = self.csrcs.as_chunks::<4>();
        chunks.iter().map(|bytes| u32::from_be_bytes(*bytes))
    }

    /// The header extension elements.
    pub const fn extensions(&self) -> Extensions<'a> {
        self.extensions
    }

    /// The payload, without padding. Empty in packets that are padding only.
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// How many bytes of padding follow the payload, the length byte included; 0 without padding.
    pub const fn padding_len(&self) -> u8 {
        self.padding_len
    }

    /// How many bytes stand before the payload: fixed header, CSRCs and extension block.
    pub const fn header_len(&self) -> usize {
        self.header_len
    }
}

#[inline]
fn split_padding(rest: &[u8], padded: bool) -> Result<(&[u8], u8), ParseError> {
    if !padded {
        return Ok((rest, 0));
    }
    let padding_len = rest.last().copied().filter(|len| *len != 0).ok_or(ParseError::Padding)?;
    let payload_len = rest.len().checked_sub(usize::from(padding_len)).ok_or(ParseError::Padding)?;
    let (payload, _) = rest.split_at_checked(payload_len).ok_or(ParseError::Padding)?;
    Ok((payload, padding_len))
}

/// Whether a datagram of the media path is RTCP rather than RTP, by its second byte (RFC 5761, section 4).
///
/// Payload types 64 to 95 with any marker bit are RTCP. Bytes too short for either count as RTP.
pub fn is_rtcp(bytes: &[u8]) -> bool {
    bytes.get(1).is_some_and(|second| (64..=95).contains(&(second & 0x7f)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;

    fn minimal(flags: u8) -> Vec<u8> {
        vec![flags, 0x80 | 96, 0x12, 0x34, 0, 0, 0, 7, 0xde, 0xad, 0xbe, 0xef]
    }

    #[test]
    fn every_fixed_field_is_read() {
        let mut bytes = minimal(0x81);
        bytes.extend([0, 0, 0, 9, 1, 2, 3]);
        let packet = RtpPacket::parse(&bytes).unwrap();
        let header = RtpHeader {
            marker: true,
            payload_type: 96,
            sequence_number: 0x1234,
            timestamp: 7,
            ssrc: 0xdead_beef,
        };
        assert_eq!(packet.header(), header);
        assert_eq!(packet.csrcs().collect::<Vec<_>>(), [9]);
        assert_eq!((packet.payload(), packet.header_len()), (&[1, 2, 3][..], 16));
    }

    #[test]
    fn a_header_cut_anywhere_is_truncated() {
        let mut bytes = minimal(0x92);
        bytes.extend([0, 0, 0, 1, 0, 0, 0, 2, 0xbe, 0xde, 0, 1, 0x10, 7, 0, 0]);
        for len in 0..bytes.len() {
            assert_eq!(RtpPacket::parse(&bytes[..len]), Err(ParseError::Truncated), "{len} bytes");
        }
        assert!(RtpPacket::parse(&bytes).is_ok());
    }

    #[test]
    fn an_extension_length_beyond_the_packet_is_truncated() {
        let mut bytes = minimal(0x90);
        bytes.extend([0xbe, 0xde, 0xff, 0xff, 0, 0, 0, 0]);
        assert_eq!(RtpPacket::parse(&bytes), Err(ParseError::Truncated));
    }

    #[test]
    fn padding_may_fill_the_payload_but_not_exceed_it() {
        let padded = |padding: &[u8]| [&minimal(0xa0)[..], padding].concat();
        let all = padded(&[0, 0, 3]);
        let packet = RtpPacket::parse(&all).unwrap();
        assert_eq!((packet.payload(), packet.padding_len()), (&[][..], 3));
        for bad in [&[0, 0, 4][..], &[1, 2, 0], &[], &[255]] {
            assert_eq!(RtpPacket::parse(&padded(bad)), Err(ParseError::Padding), "{bad:?}");
        }
    }

    #[test]
    fn other_versions_are_refused() {
        for flags in [0x00, 0x40, 0xc0] {
            assert_eq!(RtpPacket::parse(&minimal(flags)), Err(ParseError::Version));
        }
    }

    #[test]
    fn rtcp_is_told_from_rtp_by_its_second_byte() {
        assert!([200, 201, 206, 207, 192].iter().all(|second| is_rtcp(&[0x80, *second])));
        assert!([96, 96 | 0x80, 0, 127, 35].iter().all(|second| !is_rtcp(&[0x80, *second])));
        assert!(!is_rtcp(&[0x80]));
    }
}
