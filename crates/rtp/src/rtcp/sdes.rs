//! Source descriptions (RFC 3550, section 6.5).
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |V=2|P|   SC    |    PT=202     |            length             |
//! +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
//! |                           SSRC/CSRC                           |
//! |   CNAME=1     |     length    | text ...  | more items | 0 ...|
//! +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
//! ```

use super::{RtcpError, packet_type, write_header};
use sendrecv_core::{NoSpace, Reader, Writer};

const CNAME: u8 = 1;

/// Received source descriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sdes<'a> {
    count: u8,
    body: &'a [u8],
}

/// The items about one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SdesChunk<'a> {
    /// The source.
    pub ssrc: u32,
    items: &'a [u8],
}

/// One item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SdesItem<'a> {
    /// What it is: 1 CNAME, 2 NAME … 8 PRIV, 12 RtpStreamId, 15 MID.
    pub kind: u8,
    /// UTF-8 text by the specification; not checked.
    pub text: &'a [u8],
}

impl<'a> Sdes<'a> {
    pub(super) fn read(count: u8, body: &'a [u8]) -> Result<Self, RtcpError> {
        let sdes = Self { count, body };
        let found = sdes.chunks().count();
        if found == usize::from(count) { Ok(sdes) } else { Err(RtcpError::Truncated) }
    }

    /// The chunks, one per source, at most 31.
    pub fn chunks(&self) -> impl Iterator<Item = SdesChunk<'a>> + use<'a> {
        let mut reader = Reader::new(self.body);
        (0..self.count).map_while(move |_| read_chunk(&mut reader))
    }
}

fn read_chunk<'a>(reader: &mut Reader<'a>) -> Option<SdesChunk<'a>> {
    let ssrc = reader.u32().ok()?;
    let start = *reader;
    while reader.u8().ok()? != 0 {
        reader.vec8().ok()?;
    }
    let len = start.remaining() - reader.remaining();
    // The chunk ends on the next word boundary, and starts on one.
    reader.take(len.next_multiple_of(4) - len).ok()?;
    let items = start.peek().get(..len - 1)?;
    Some(SdesChunk { ssrc, items })
}

impl<'a> SdesChunk<'a> {
    /// The items.
    pub fn items(&self) -> impl Iterator<Item = SdesItem<'a>> + use<'a> {
        let mut reader = Reader::new(self.items);
        core::iter::from_fn(move || Some(SdesItem { kind: reader.u8().ok()?, text: reader.vec8().ok()? }))
    }

    /// The canonical name.
    pub fn cname(&self) -> Option<&'a [u8]> {
        self.items().find(|item| item.kind == CNAME).map(|item| item.text)
    }
}

/// Writes a description of one source by its canonical name, which is cut at 255 bytes.
pub fn write_cname<W: Writer + ?Sized>(out: &mut W, ssrc: u32, cname: &str) -> Result<(), NoSpace> {
    let text = cname.as_bytes();
    let text = text.get(..255).unwrap_or(text);
    let items_len = 2 + text.len();
    // At least one zero ends the list; more fill the word.
    let padded = (items_len + 1).next_multiple_of(4);
    write_header(out, 1, packet_type::SDES, 4 + padded)?;
    out.put_u32(ssrc)?;
    out.put(&[CNAME, u8::try_from(text.len()).unwrap_or(u8::MAX)])?;
    out.put(text)?;
    out.put_zeros(padded - items_len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtcp::{Compound, RtcpPacket};
    use alloc::string::String;
    use alloc::vec::Vec;

    #[test]
    fn a_cname_of_any_length_survives_the_wire() {
        for len in 0..=300 {
            let cname: String = "abcdefghij".chars().cycle().take(len).collect();
            let mut out = Vec::new();
            write_cname(&mut out, 7, &cname).unwrap();
            let Some(Ok(RtcpPacket::Sdes(sdes))) = Compound::parse(&out).unwrap().next() else {
                panic!("{len}")
            };
            let chunk = sdes.chunks().next().unwrap();
            assert_eq!((chunk.ssrc, chunk.cname()), (7, Some(&cname.as_bytes()[..len.min(255)])));
        }
    }

    #[test]
    fn several_chunks_are_separated_by_word_boundaries() {
        let body = [0, 0, 0, 1, 1, 1, b'a', 0, 0, 0, 0, 2, 1, 2, b'b', b'c', 2, 0, 0, 0];
        let chunks: Vec<_> = Sdes::read(2, &body).unwrap().chunks().collect();
        assert_eq!(chunks.iter().map(|chunk| chunk.cname().unwrap()).collect::<Vec<_>>(), [&b"a"[..], b"bc"]);
        assert_eq!(chunks[1].items().count(), 2);
    }

    #[test]
    fn a_list_without_its_end_is_refused() {
        assert!(Sdes::read(1, &[0, 0, 0, 1, 1, 2, b'a', b'b']).is_err());
        assert!(Sdes::read(2, &[0, 0, 0, 1, 0, 0, 0, 0]).is_err());
        assert!(Sdes::read(1, &[0, 0, 0, 1, 1, 200, 0, 0]).is_err());
    }
}
