//! FORWARD-TSN (RFC 3758, section 3.2) and I-FORWARD-TSN (RFC 8260, section 2.3.1).
//!
//! ```text
//! +---------------+---------------+-------------------------------+
//! |  Type = 192   |   Flags = 0   |            Length             |
//! |                      New Cumulative TSN                       |
//! |          Stream-1             |       Stream Sequence-1 ...   |
//! +---------------------------------------------------------------+
//! |  Type = 194   |   Flags = 0   |            Length             |
//! |                      New Cumulative TSN                       |
//! |       Stream Identifier       |          Reserved           |U|
//! |                      Message Identifier ...                   |
//! +---------------------------------------------------------------+
//! ```

use super::Malformed;
use super::chunk::{Chunk, kind, put_header};
use crate::num::low16;
use sendrecv_core::{NoSpace, Reader, Writer};

/// A stream's newest message that will not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The stream.
    pub stream: u16,
    /// Whether the message was unordered (I-FORWARD-TSN only).
    pub unordered: bool,
    /// Stream sequence number, or message identifier in I-FORWARD-TSN.
    pub message_id: u32,
}

/// A FORWARD-TSN or I-FORWARD-TSN, its list borrowed from the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForwardTsn<'a> {
    /// Whether this is an I-FORWARD-TSN.
    pub interleaved: bool,
    /// Everything up to this TSN has arrived or will not come.
    pub cumulative_tsn: u32,
    skipped: &'a [u8],
}

impl<'a> ForwardTsn<'a> {
    /// Reads a chunk of either type.
    pub fn parse(chunk: &Chunk<'a>) -> Result<Self, Malformed> {
        let interleaved = match chunk.kind {
            kind::FORWARD_TSN => false,
            kind::I_FORWARD_TSN => true,
            _ => return Err(Malformed),
        };
        let mut reader = Reader::new(chunk.value);
        let cumulative_tsn = reader.u32()?;
        let skipped = reader.rest();
        if skipped.len() % Self::entry_len(interleaved) != 0 {
            return Err(Malformed);
        }
        Ok(Self { interleaved, cumulative_tsn, skipped })
    }

    /// The skipped messages, at most one per stream and kind if the peer keeps the rules.
    pub fn skipped(&self) -> impl Iterator<Item = Skipped> + use<'a> {
        let interleaved = self.interleaved;
        self.skipped.chunks_exact(Self::entry_len(interleaved)).filter_map(move |entry| {
            let mut reader = Reader::new(entry);
            let stream = reader.u16().ok()?;
            if !interleaved {
                return Some(Skipped { stream, unordered: false, message_id: u32::from(reader.u16().ok()?) });
            }
            Some(Skipped { stream, unordered: reader.u16().ok()? & 1 != 0, message_id: reader.u32().ok()? })
        })
    }

    /// Appends a chunk.
    pub fn write(
        interleaved: bool,
        cumulative_tsn: u32,
        skipped: impl ExactSizeIterator<Item = Skipped>,
        out: &mut impl Writer,
    ) -> Result<(), NoSpace> {
        let kind = if interleaved { kind::I_FORWARD_TSN } else { kind::FORWARD_TSN };
        let list_len = skipped.len().saturating_mul(Self::entry_len(interleaved));
        put_header(out, kind, 0, list_len.saturating_add(4))?;
        out.put_u32(cumulative_tsn)?;
        for entry in skipped {
            out.put_u16(entry.stream)?;
            if interleaved {
                out.put_u16(u16::from(entry.unordered))?;
                out.put_u32(entry.message_id)?;
            } else {
                out.put_u16(low16(entry.message_id))?;
            }
        }
        Ok(())
    }

    /// Bytes of a chunk with this many skipped messages.
    pub const fn wire_len(interleaved: bool, skipped: usize) -> usize {
        skipped.saturating_mul(Self::entry_len(interleaved)).saturating_add(8)
    }

    const fn entry_len(interleaved: bool) -> usize {
        if interleaved { 8 } else { 4 }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Chunks;
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn both_kinds_have_their_documented_bytes() {
        let skipped = [
            Skipped { stream: 1, unordered: false, message_id: 2 },
            Skipped { stream: 3, unordered: true, message_id: 0x0004_0005 },
        ];
        let mut bytes = Vec::new();
        ForwardTsn::write(true, 7, skipped.into_iter(), &mut bytes).unwrap();
        assert_eq!(hex::encode(&bytes), "c20000180000000700010000000000020003000100040005");
        let read = ForwardTsn::parse(&Chunks::new(&bytes).next().unwrap().unwrap()).unwrap();
        assert_eq!((read.cumulative_tsn, read.skipped().collect::<Vec<_>>()), (7, skipped.to_vec()));
        bytes.clear();
        ForwardTsn::write(false, 7, skipped.into_iter(), &mut bytes).unwrap();
        assert_eq!(hex::encode(&bytes), "c0000010000000070001000200030005");
        assert_eq!(bytes.len(), ForwardTsn::wire_len(false, 2));
    }

    #[test]
    fn a_broken_list_is_malformed() {
        let chunk = Chunk { kind: kind::I_FORWARD_TSN, flags: 0, value: &[0; 8] };
        assert_eq!(ForwardTsn::parse(&chunk), Err(Malformed));
    }
}
