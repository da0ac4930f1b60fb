//! Packets in a TCP stream (RFC 4571, as ICE-TCP uses it: RFC 6544, section 3).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +---------------------------------------------------------------+
//! |             LENGTH            |  STUN, DTLS or SRTP packet ... |
//! +---------------------------------------------------------------+
//! ```
//!
//! What TURN servers send in a stream frames itself: [`StreamFraming`] takes that apart.

use alloc::vec::Vec;
use sendrecv_core::{NoSpace, PacketBuf};

pub use sendrecv_turn::{FramingError, StreamFraming};

/// Bytes in front of each packet.
pub const HEADER_LEN: usize = 2;

/// Puts the length in front of a packet that is to go into a stream.
///
/// # Errors
/// When the packet has no headroom of [`HEADER_LEN`] bytes, or is longer than 65535 bytes.
pub fn frame(packet: &mut PacketBuf<'_>) -> Result<(), NoSpace> {
    let length = u16::try_from(packet.len()).map_err(|_| NoSpace)?;
    packet.prepend(&length.to_be_bytes())
}

/// Takes a stream apart into packets.
///
/// Bytes go in with [`push`](Self::push) in whatever portions they come; packets come out of [`next`](Self::next). At
/// most one packet of 65535 bytes is buffered, for as long as the caller takes packets out after each push.
#[derive(Debug, Default)]
pub struct Rfc4571Reader {
    buffer: Vec<u8>,
    consumed: usize,
}

impl Rfc4571Reader {
    /// A reader at the start of a stream.
    pub const fn new() -> Self {
        Self { buffer: Vec::new(), consumed: 0 }
    }

    /// Takes in the stream's next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.consumed.min(self.buffer.len()));
        self.consumed = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole packet, to be decrypted in place; `None` until more bytes come. Empty packets are skipped.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<&mut [u8]> {
        loop {
            let start = self.consumed.checked_add(HEADER_LEN)?;
            let header = self.buffer.get(self.consumed..start)?;
            let length = header.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte));
            let end = start.checked_add(length).filter(|end| *end <= self.buffer.len())?;
            self.consumed = end;
            if length > 0 {
                return self.buffer.get_mut(start..end);
            }
        }
    }

    /// Bytes waiting for the rest of their packet.
    pub fn buffered(&self) -> usize {
        self.buffer.len().saturating_sub(self.consumed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sendrecv_core::Writer;

    #[test]
    fn a_packet_without_headroom_is_not_framed() {
        let mut slab = [0; 8];
        let mut packet = PacketBuf::new(&mut slab, 1, 0);
        packet.put(b"abc").unwrap();
        assert_eq!(frame(&mut packet), Err(NoSpace));
    }

    proptest! {
        #[test]
        fn packets_come_out_however_the_stream_is_cut(
            packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 1..10),
            cuts in prop::collection::vec(1usize..200, 1..50),
        ) {
            let mut stream = Vec::new();
            for packet in &packets {
                let mut slab = [0; 512];
                let mut buf = PacketBuf::new(&mut slab, HEADER_LEN, 0);
                buf.put(packet).unwrap();
                frame(&mut buf).unwrap();
                stream.extend_from_slice(buf.bytes());
            }
            stream.extend_from_slice(&[0, 0, 0]);
            let mut reader = Rfc4571Reader::new();
            let (mut out, mut rest) = (Vec::new(), stream.as_slice());
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                reader.push(now);
                rest = later;
                while let Some(packet) = reader.next() {
                    out.push(packet.to_vec());
                }
            }
            prop_assert_eq!(out, packets);
            prop_assert_eq!(reader.buffered(), 1);
        }
    }
}
