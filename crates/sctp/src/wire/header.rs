//! The common header (RFC 9260, section 3.1).
//!
//! ```text
//! +-------------------------------+-------------------------------+
//! |      Source Port Number       |    Destination Port Number    |
//! +-------------------------------+-------------------------------+
//! |                       Verification Tag                        |
//! +---------------------------------------------------------------+
//! |              Checksum (CRC32c, little-endian)                 |
//! +---------------------------------------------------------------+
//! ```

use super::Malformed;
use core::ops::Range;
use sendrecv_core::{NoSpace, Reader, Writer};

/// Bytes of the common header.
pub const HEADER_LEN: usize = 12;

/// Where the checksum lies in a packet.
pub const CHECKSUM_RANGE: Range<usize> = 8..12;

/// The common header in front of every packet's chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommonHeader {
    /// The sender's port.
    pub source_port: u16,
    /// The receiver's port.
    pub destination_port: u16,
    /// The tag the receiver chose, or 0 in a packet with an INIT.
    pub verification_tag: u32,
    /// The checksum's four bytes as they lie on the wire.
    pub checksum: [u8; 4],
}

impl CommonHeader {
    /// Reads the header and returns it with the bytes of the chunks.
    pub fn parse(packet: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let mut reader = Reader::new(packet);
        let header = Self {
            source_port: reader.u16()?,
            destination_port: reader.u16()?,
            verification_tag: reader.u32()?,
            checksum: reader.array()?,
        };
        Ok((header, reader.rest()))
    }

    /// Appends the header.
    pub fn write(&self, out: &mut impl Writer) -> Result<(), NoSpace> {
        let [a, b] = self.source_port.to_be_bytes();
        let [c, d] = self.destination_port.to_be_bytes();
        let [e, f, g, h] = self.verification_tag.to_be_bytes();
        let [i, j, k, l] = self.checksum;
        out.put(&[a, b, c, d, e, f, g, h, i, j, k, l])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn header_survives_the_wire() {
        let bytes = hex::decode("13881389010203040a0b0c0dff").unwrap();
        let (header, rest) = CommonHeader::parse(&bytes).unwrap();
        assert_eq!((header.source_port, header.destination_port), (5000, 5001));
        assert_eq!((header.verification_tag, rest), (0x0102_0304, &[0xff][..]));
        let mut out = Vec::new();
        header.write(&mut out).unwrap();
        assert_eq!(out, bytes[..12]);
        assert_eq!(CommonHeader::parse(&bytes[..11]), Err(Malformed));
    }
}
