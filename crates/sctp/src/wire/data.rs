//! DATA (RFC 9260, section 3.3.1) and I-DATA (RFC 8260, section 2.1).
//!
//! ```text
//! +---------------+-------+-+-+-+-+-------------------------------+
//! |   Type = 0    |  Res  |I|U|B|E|            Length             |
//! |                              TSN                              |
//! |      Stream Identifier        |    Stream Sequence Number     |
//! |                  Payload Protocol Identifier                  |
//! |                          User Data ...                        |
//! +---------------------------------------------------------------+
//! |   Type = 64   |  Res  |I|U|B|E|            Length             |
//! |                              TSN                              |
//! |      Stream Identifier        |           Reserved            |
//! |                      Message Identifier                       |
//! |  Payload Protocol Identifier / Fragment Sequence Number       |
//! |                          User Data ...                        |
//! +---------------------------------------------------------------+
//! ```

use super::Malformed;
use super::chunk::{Chunk, kind, put_padding};
use crate::num::{clamp16, low16, padded};
use sendrecv_core::{NoSpace, Writer};

const IMMEDIATE: u8 = 0x08;
const UNORDERED: u8 = 0x04;
const BEGINNING: u8 = 0x02;
const ENDING: u8 = 0x01;

/// Everything about a DATA or I-DATA chunk but its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataHeader {
    /// Whether this is an I-DATA chunk.
    pub interleaved: bool,
    /// The I bit: the receiver should acknowledge at once (RFC 7053).
    pub immediate: bool,
    /// The U bit: the message is delivered whenever it is complete.
    pub unordered: bool,
    /// The B bit: the first fragment of a message.
    pub beginning: bool,
    /// The E bit: the last fragment of a message.
    pub ending: bool,
    /// Transmission sequence number.
    pub tsn: u32,
    /// Stream identifier.
    pub stream: u16,
    /// DATA: the stream sequence number (16 bits). I-DATA: the message identifier.
    pub message_id: u32,
    /// Payload protocol identifier; 0 in an I-DATA chunk that is not the first.
    pub ppid: u32,
    /// Fragment sequence number; 0 in DATA and in the first fragment of an I-DATA message.
    pub fragment: u32,
}

impl DataHeader {
    /// Bytes in front of a payload, with the chunk header.
    pub const fn len(interleaved: bool) -> usize {
        if interleaved { 20 } else { 16 }
    }

    const fn flags(&self) -> u8 {
        let immediate = if self.immediate { IMMEDIATE } else { 0 };
        let unordered = if self.unordered { UNORDERED } else { 0 };
        let beginning = if self.beginning { BEGINNING } else { 0 };
        let ending = if self.ending { ENDING } else { 0 };
        immediate | unordered | beginning | ending
    }

    /// Appends a chunk of this header and `payload`, with padding; all of it or, without space, nothing useful.
    pub fn write(&self, payload: &[u8], out: &mut impl Writer) -> Result<(), NoSpace> {
        let length = clamp16(payload.len().saturating_add(Self::len(self.interleaved)));
        let ([l0, l1], [t0, t1, t2, t3]) = (length.to_be_bytes(), self.tsn.to_be_bytes());
        let ([s0, s1], [m0, m1, m2, m3]) = (self.stream.to_be_bytes(), self.message_id.to_be_bytes());
        let flags = self.flags();
        if self.interleaved {
            let [p0, p1, p2, p3] = if self.beginning { self.ppid } else { self.fragment }.to_be_bytes();
            out.put(&[
                kind::I_DATA,
                flags,
                l0,
                l1,
                t0,
                t1,
                t2,
                t3,
                s0,
                s1,
                0,
                0,
                m0,
                m1,
                m2,
                m3,
                p0,
                p1,
                p2,
                p3,
            ])?;
        } else {
            let [p0, p1, p2, p3] = self.ppid.to_be_bytes();
            out.put(&[kind::DATA, flags, l0, l1, t0, t1, t2, t3, s0, s1, m2, m3, p0, p1, p2, p3])?;
        }
        out.put(payload)?;
        put_padding(out, payload.len())
    }

    /// Bytes a chunk with a payload of `len` takes, with padding.
    pub const fn wire_len(interleaved: bool, len: usize) -> usize {
        padded(len).saturating_add(Self::len(interleaved))
    }
}

/// A DATA or I-DATA chunk, its payload borrowed from the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataChunk<'a> {
    /// The fields.
    pub header: DataHeader,
    /// User data; empty is a protocol error (RFC 9260, section 3.3.10.9).
    pub payload: &'a [u8],
}

impl<'a> DataChunk<'a> {
    /// Reads a chunk of type DATA or I-DATA.
    pub fn parse(chunk: &Chunk<'a>) -> Result<Self, Malformed> {
        match chunk.kind {
            kind::DATA => Self::parse_data(chunk),
            kind::I_DATA => Self::parse_interleaved(chunk),
            _ => Err(Malformed),
        }
    }

    fn parse_data(chunk: &Chunk<'a>) -> Result<Self, Malformed> {
        let (&[t0, t1, t2, t3, s0, s1, n0, n1, p0, p1, p2, p3], payload) =
            chunk.value.split_first_chunk::<12>().ok_or(Malformed)?;
        let header = DataHeader {
            message_id: u32::from(u16::from_be_bytes([n0, n1])),
            ppid: u32::from_be_bytes([p0, p1, p2, p3]),
            fragment: 0,
            ..common(chunk.flags, [t0, t1, t2, t3], [s0, s1])
        };
        Ok(Self { header, payload })
    }

    fn parse_interleaved(chunk: &Chunk<'a>) -> Result<Self, Malformed> {
        let (&[t0, t1, t2, t3, s0, s1, _, _, m0, m1, m2, m3, p0, p1, p2, p3], payload) =
            chunk.value.split_first_chunk::<16>().ok_or(Malformed)?;
        let shared = u32::from_be_bytes([p0, p1, p2, p3]);
        let header = common(chunk.flags, [t0, t1, t2, t3], [s0, s1]);
        let (ppid, fragment) = if header.beginning { (shared, 0) } else { (0, shared) };
        let header = DataHeader {
            interleaved: true,
            message_id: u32::from_be_bytes([m0, m1, m2, m3]),
            ppid,
            fragment,
            ..header
        };
        Ok(Self { header, payload })
    }
}

const fn common(flags: u8, tsn: [u8; 4], stream: [u8; 2]) -> DataHeader {
    DataHeader {
        interleaved: false,
        immediate: flags & IMMEDIATE != 0,
        unordered: flags & UNORDERED != 0,
        beginning: flags & BEGINNING != 0,
        ending: flags & ENDING != 0,
        tsn: u32::from_be_bytes(tsn),
        stream: u16::from_be_bytes(stream),
        message_id: 0,
        ppid: 0,
        fragment: 0,
    }
}

impl DataHeader {
    /// The 16-bit stream sequence number of a DATA chunk.
    pub const fn ssn(&self) -> u16 {
        low16(self.message_id)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Chunks;
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn a_data_chunk_has_its_documented_bytes() {
        let header = DataHeader {
            interleaved: false,
            immediate: true,
            unordered: false,
            beginning: true,
            ending: true,
            tsn: 0x0102_0304,
            stream: 5,
            message_id: 6,
            ppid: 51,
            fragment: 0,
        };
        let mut bytes = Vec::new();
        header.write(b"hello", &mut bytes).unwrap();
        assert_eq!(hex::encode(&bytes), "000b001501020304000500060000003368656c6c6f000000");
        assert_eq!(bytes.len(), DataHeader::wire_len(false, 5));
        let chunk = Chunks::new(&bytes).next().unwrap().unwrap();
        assert_eq!(DataChunk::parse(&chunk), Ok(DataChunk { header, payload: b"hello" }));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            interleaved: bool, bits in 0u8..16, tsn: u32, stream: u16, message_id: u32, ppid: u32, fragment: u32,
            payload in prop::collection::vec(any::<u8>(), 1..40),
        ) {
            let beginning = bits & 2 != 0;
            let header = DataHeader {
                interleaved, immediate: bits & 8 != 0, unordered: bits & 4 != 0, beginning, ending: bits & 1 != 0,
                tsn, stream,
                message_id: if interleaved { message_id } else { message_id & 0xffff },
                ppid: if interleaved && !beginning { 0 } else { ppid },
                fragment: if interleaved && !beginning { fragment } else { 0 },
            };
            let mut bytes = Vec::new();
            header.write(&payload, &mut bytes).unwrap();
            let chunk = Chunks::new(&bytes).next().unwrap().unwrap();
            prop_assert_eq!(DataChunk::parse(&chunk), Ok(DataChunk { header, payload: &payload }));
        }
    }
}
