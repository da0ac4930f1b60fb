//! Plaintext and DTLS 1.2 records (RFC 6347, section 4.1; RFC 9147, section 4; RFC 9146, section 4).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +---------------+-------------------------------+---------------+
//! | content type  |            version            |     epoch     |
//! +---------------+-------------------------------+---------------+
//! |     epoch     |            sequence number (48)               |
//! +---------------+-------------------------------+---------------+
//! |            sequence number (48)               |    length     |
//! +---------------+-------------------------------+---------------+
//! |    length     |  fragment ...
//! +---------------+
//! ```
//!
//! A record of type tls12_cid has the connection ID between sequence number and length.

use sendrecv_core::{Reader, Truncated};

/// Length of the header in bytes, without a connection ID.
pub const HEADER_LEN: usize = 13;
/// Length of what comes before a connection ID in bytes.
pub(crate) const BEFORE_ID: usize = 11;

/// The largest plaintext of one record (2¹⁴).
pub const MAX_PLAINTEXT: usize = 1 << 14;

/// What a record carries (TLS ContentType registry).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContentType {
    /// change_cipher_spec, DTLS 1.2 only.
    ChangeCipherSpec,
    /// alert.
    Alert,
    /// handshake.
    Handshake,
    /// application_data.
    ApplicationData,
    /// tls12_cid: a protected DTLS 1.2 record with a connection ID (RFC 9146).
    Tls12Cid,
    /// ack, DTLS 1.3 only.
    Ack,
}

impl ContentType {
    /// The registry's code.
    pub const fn code(self) -> u8 {
        match self {
            Self::ChangeCipherSpec => 20,
            Self::Alert => 21,
            Self::Handshake => 22,
            Self::ApplicationData => 23,
            Self::Tls12Cid => 25,
            Self::Ack => 26,
        }
    }

    /// The content type with this code, if it is one of ours.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            20 => Some(Self::ChangeCipherSpec),
            21 => Some(Self::Alert),
            22 => Some(Self::Handshake),
            23 => Some(Self::ApplicationData),
            25 => Some(Self::Tls12Cid),
            26 => Some(Self::Ack),
            _ => None,
        }
    }
}

/// The 13 bytes in front of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// What is inside.
    pub content_type: ContentType,
    /// The version field: `0xfefd`, or `0xfeff` in a first ClientHello.
    pub version: u16,
    /// The epoch.
    pub epoch: u16,
    /// The sequence number, 48 bits.
    pub sequence: u64,
    /// Length of what follows.
    pub length: u16,
}

impl RecordHeader {
    /// Reads a header; `id_len` is the length of the connection IDs that we chose to receive, which only records of type
    /// tls12_cid have. `None` when the content type is unknown.
    pub fn parse(reader: &mut Reader<'_>, id_len: usize) -> Result<Option<Self>, Truncated> {
        let Some(content_type) = ContentType::from_code(reader.u8()?) else {
            return Ok(None);
        };
        let (version, epoch, sequence) = (reader.u16()?, reader.u16()?, reader.u48()?);
        reader.take(if content_type == ContentType::Tls12Cid { id_len } else { 0 })?;
        Ok(Some(Self { content_type, version, epoch, sequence, length: reader.u16()? }))
    }

    /// The header's bytes.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let [v0, v1] = self.version.to_be_bytes();
        let [e0, e1] = self.epoch.to_be_bytes();
        let [_, _, s0, s1, s2, s3, s4, s5] = self.sequence.to_be_bytes();
        let [l0, l1] = self.length.to_be_bytes();
        [self.content_type.code(), v0, v1, e0, e1, s0, s1, s2, s3, s4, s5, l0, l1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn headers_round_trip(code in 20u8..27, version: u16, epoch: u16, sequence in 0u64..1 << 48, length: u16) {
            if let Some(content_type) = ContentType::from_code(code) {
                let header = RecordHeader { content_type, version, epoch, sequence, length };
                let bytes = header.encode();
                prop_assert_eq!(RecordHeader::parse(&mut Reader::new(&bytes), 0), Ok(Some(header)));
            }
        }

        #[test]
        fn junk_never_panics(bytes: Vec<u8>) {
            let _ = (RecordHeader::parse(&mut Reader::new(&bytes), 0), RecordHeader::parse(&mut Reader::new(&bytes), 7));
        }
    }

    use alloc::vec::Vec;

    #[test]
    fn an_unknown_content_type_is_no_record() {
        let mut bytes = [0; HEADER_LEN];
        bytes[0] = 24;
        assert_eq!(RecordHeader::parse(&mut Reader::new(&bytes), 0), Ok(None));
    }
}
