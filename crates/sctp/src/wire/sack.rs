//! SACK (RFC 9260, section 3.3.4).
//!
//! ```text
//! +---------------+---------------+-------------------------------+
//! |   Type = 3    |   Flags = 0   |            Length             |
//! |                      Cumulative TSN Ack                       |
//! |          Advertised Receiver Window Credit (a_rwnd)           |
//! |    Number of Gap Ack Blocks   |   Number of Duplicate TSNs    |
//! |     Gap Ack Block #1 Start    |      Gap Ack Block #1 End     |
//! |                             ...                               |
//! |                       Duplicate TSN 1 ...                     |
//! +---------------------------------------------------------------+
//! ```

use super::chunk::{Chunk, put_header};
use super::{Malformed, kind};
use crate::num::clamp16;
use sendrecv_core::{NoSpace, Reader, Writer};

/// A run of received TSNs, as distances from the cumulative TSN, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GapBlock {
    /// The first TSN's distance.
    pub start: u16,
    /// The last TSN's distance.
    pub end: u16,
}

/// A SACK, its lists borrowed from the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sack<'a> {
    /// Everything up to this TSN has arrived.
    pub cumulative_tsn: u32,
    /// The receive window in bytes.
    pub a_rwnd: u32,
    gaps: &'a [u8],
    duplicates: &'a [u8],
}

impl<'a> Sack<'a> {
    /// Reads a chunk of type SACK.
    pub fn parse(chunk: &Chunk<'a>) -> Result<Self, Malformed> {
        let mut reader = Reader::new(chunk.value);
        let (cumulative_tsn, a_rwnd) = (reader.u32()?, reader.u32()?);
        let (gap_count, duplicate_count) = (usize::from(reader.u16()?), usize::from(reader.u16()?));
        let gaps = reader.take(gap_count.saturating_mul(4))?;
        let duplicates = reader.take(duplicate_count.saturating_mul(4))?;
        Ok(Self { cumulative_tsn, a_rwnd, gaps, duplicates })
    }

    /// The gap ack blocks as they were sent; order and sense are not checked.
    pub fn gaps(&self) -> impl Iterator<Item = GapBlock> + use<'a> {
        self.gaps.as_chunks::<4>().0.iter().map(|&[a, b, c, d]| GapBlock {
            start: u16::from_be_bytes([a, b]),
            end: u16::from_be_bytes([c, d]),
        })
    }

    /// TSNs that arrived more than once.
    pub fn duplicates(&self) -> impl Iterator<Item = u32> + use<'a> {
        self.duplicates.as_chunks::<4>().0.iter().map(|&bytes| u32::from_be_bytes(bytes))
    }

    /// How many gap ack blocks there are.
    pub const fn gap_count(&self) -> usize {
        self.gaps.len() / 4
    }

    /// Appends a SACK.
    pub fn write(
        cumulative_tsn: u32,
        a_rwnd: u32,
        gaps: impl ExactSizeIterator<Item = GapBlock>,
        duplicates: &[u32],
        out: &mut impl Writer,
    ) -> Result<(), NoSpace> {
        let value_len = gaps.len().saturating_add(duplicates.len()).saturating_mul(4).saturating_add(12);
        put_header(out, kind::SACK, 0, value_len)?;
        let ([c0, c1, c2, c3], [w0, w1, w2, w3]) = (cumulative_tsn.to_be_bytes(), a_rwnd.to_be_bytes());
        let ([g0, g1], [d0, d1]) =
            (clamp16(gaps.len()).to_be_bytes(), clamp16(duplicates.len()).to_be_bytes());
        out.put(&[c0, c1, c2, c3, w0, w1, w2, w3, g0, g1, d0, d1])?;
        for gap in gaps {
            let ([a, b], [c, d]) = (gap.start.to_be_bytes(), gap.end.to_be_bytes());
            out.put(&[a, b, c, d])?;
        }
        duplicates.iter().try_for_each(|tsn| out.put_u32(*tsn))
    }

    /// Bytes of a SACK with this many gap blocks and duplicates.
    pub const fn wire_len(gaps: usize, duplicates: usize) -> usize {
        gaps.saturating_add(duplicates).saturating_mul(4).saturating_add(16)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Chunks;
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn a_sack_has_its_documented_bytes() {
        let mut bytes = Vec::new();
        let gaps = [GapBlock { start: 2, end: 3 }, GapBlock { start: 5, end: 5 }];
        Sack::write(0x0a, 0x1000, gaps.into_iter(), &[9], &mut bytes).unwrap();
        assert_eq!(hex::encode(&bytes), "0300001c0000000a0000100000020001000200030005000500000009");
        assert_eq!(bytes.len(), Sack::wire_len(2, 1));
    }

    #[test]
    fn counts_beyond_the_chunk_are_malformed() {
        let bytes = hex::decode("030000100000000a0000100000020001").unwrap();
        assert_eq!(Sack::parse(&Chunks::new(&bytes).next().unwrap().unwrap()), Err(Malformed));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            cumulative: u32, a_rwnd: u32,
            gaps in prop::collection::vec((any::<u16>(), any::<u16>()), 0..20),
            duplicates in prop::collection::vec(any::<u32>(), 0..20),
        ) {
            let gaps: Vec<_> = gaps.into_iter().map(|(start, end)| GapBlock { start, end }).collect();
            let mut bytes = Vec::new();
            Sack::write(cumulative, a_rwnd, gaps.iter().copied(), &duplicates, &mut bytes).unwrap();
            let sack = Sack::parse(&Chunks::new(&bytes).next().unwrap().unwrap()).unwrap();
            prop_assert_eq!((sack.cumulative_tsn, sack.a_rwnd), (cumulative, a_rwnd));
            prop_assert_eq!(sack.gaps().collect::<Vec<_>>(), gaps);
            prop_assert_eq!(sack.duplicates().collect::<Vec<_>>(), duplicates);
        }
    }
}
