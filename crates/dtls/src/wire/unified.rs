//! The unified header of protected DTLS 1.3 records (RFC 9147, section 4).
//!
//! ```text
//!  0 1 2 3 4 5 6 7
//! +-+-+-+-+-+-+-+-+
//! |0|0|1|C|S|L|E E|   C: connection ID present   S: sequence number has 16 bits, else 8
//! +-+-+-+-+-+-+-+-+   L: length present          E: low two bits of the epoch
//! | connection ID |   of the length the receiver chose
//! +-+-+-+-+-+-+-+-+
//! |  8 or 16 bit  |   of the sequence number, encrypted
//! |sequence number|
//! +-+-+-+-+-+-+-+-+
//! | 16 bit length |   without it the record fills the datagram
//! +-+-+-+-+-+-+-+-+
//! ```

use core::ops::Range;
use sendrecv_core::{Reader, Truncated};

const FIXED_MASK: u8 = 0b1110_0000;
const FIXED_BITS: u8 = 0b0010_0000;
const CID_BIT: u8 = 0b0001_0000;
const SEQUENCE_BIT: u8 = 0b0000_1000;
const LENGTH_BIT: u8 = 0b0000_0100;
const EPOCH_MASK: u8 = 0b0000_0011;

/// Length in bytes of the header this crate writes: flags, 16-bit sequence number, length; without a connection ID.
pub const HEADER_LEN: usize = 5;

/// Whether a record that starts with this byte is a protected DTLS 1.3 record.
pub const fn is_unified(first: u8) -> bool {
    first & FIXED_MASK == FIXED_BITS
}

/// Where the parts of a protected record lie in the datagram's rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnifiedHeader {
    /// The low two bits of the epoch.
    pub epoch_bits: u8,
    /// The connection ID, empty when absent.
    pub connection_id: Range<usize>,
    /// The encrypted sequence number: one or two bytes.
    pub sequence: Range<usize>,
    /// The ciphertext with its tag. Everything before it is the header.
    pub ciphertext: Range<usize>,
}

impl UnifiedHeader {
    /// Reads the header of the record at the start of `bytes`. `cid_len` is the length of the connection IDs that we
    /// chose to receive. `None` when the first byte is not that of a unified header.
    pub fn parse(bytes: &[u8], cid_len: usize) -> Result<Option<Self>, Truncated> {
        let mut reader = Reader::new(bytes);
        let first = reader.u8()?;
        if !is_unified(first) {
            return Ok(None);
        }
        let at = |reader: &Reader<'_>| bytes.len().saturating_sub(reader.remaining());
        let cid_start = at(&reader);
        reader.take(if first & CID_BIT == 0 { 0 } else { cid_len })?;
        let sequence_start = at(&reader);
        reader.take(if first & SEQUENCE_BIT == 0 { 1 } else { 2 })?;
        let sequence_end = at(&reader);
        let len = if first & LENGTH_BIT == 0 { reader.remaining() } else { usize::from(reader.u16()?) };
        let start = at(&reader);
        reader.take(len)?;
        Ok(Some(Self {
            epoch_bits: first & EPOCH_MASK,
            connection_id: cid_start..sequence_start,
            sequence: sequence_start..sequence_end,
            ciphertext: start..at(&reader),
        }))
    }

    /// Whether the record carries a connection ID field at all.
    pub const fn has_connection_id(first: u8) -> bool {
        first & CID_BIT != 0
    }
}

/// The first byte of a record we send: 16-bit sequence number and length present.
pub const fn first_byte(epoch: u64, connection_id: bool) -> u8 {
    let [.., low] = epoch.to_be_bytes();
    FIXED_BITS | SEQUENCE_BIT | LENGTH_BIT | (low & EPOCH_MASK) | if connection_id { CID_BIT } else { 0 }
}

/// The number nearest to `expected` whose low `bits` bits are `low` (RFC 9147, section 4.2.2).
pub fn reconstruct(expected: u64, low: u64, bits: u32) -> u64 {
    let cycle = 1u64.checked_shl(bits).unwrap_or(0);
    let half = cycle / 2;
    let candidate = (expected & !cycle.wrapping_sub(1)) | low;
    if candidate.saturating_add(half) < expected {
        candidate.saturating_add(cycle)
    } else if candidate > expected.saturating_add(half) && candidate >= cycle {
        candidate.saturating_sub(cycle)
    } else {
        candidate
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn all_header_shapes_are_read() {
        let full = UnifiedHeader::parse(&[0x3f, 9, 9, 1, 2, 0, 1, 0xaa, 0xbb], 2).unwrap().unwrap();
        assert_eq!((full.connection_id, full.sequence, full.ciphertext), (1..3, 3..5, 7..8));
        let minimal = UnifiedHeader::parse(&[0x22, 1, 0xaa, 0xbb], 2).unwrap().unwrap();
        assert_eq!((minimal.epoch_bits, minimal.sequence, minimal.ciphertext), (2, 1..2, 2..4));
        assert_eq!(UnifiedHeader::parse(&[0x2c, 0, 0, 0, 9, 1], 0), Err(Truncated));
        assert_eq!(UnifiedHeader::parse(&[0x16, 0], 0), Ok(None));
    }

    #[test]
    fn numbers_are_completed_to_the_nearest() {
        assert_eq!(reconstruct(0, 5, 8), 5);
        assert_eq!(reconstruct(0x1ff, 0x01, 8), 0x201);
        assert_eq!(reconstruct(0x201, 0xff, 8), 0x1ff);
        assert_eq!(reconstruct(3, 0xff, 8), 0xff);
    }

    proptest! {
        #[test]
        fn nearby_numbers_are_recovered_exactly(expected in 0u64..1 << 47, step in -30_000i64..30_000) {
            let number = expected.saturating_add_signed(step);
            prop_assert_eq!(reconstruct(expected, number & 0xffff, 16), number);
        }

        #[test]
        fn junk_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..40), cid_len in 0usize..30) {
            let _ = UnifiedHeader::parse(&bytes, cid_len);
        }
    }
}
