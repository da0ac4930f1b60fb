//! Chunks and their framing (RFC 9260, section 3.2).
//!
//! ```text
//! +---------------+---------------+-------------------------------+
//! |     Type      |     Flags     |  Length (with these 4 bytes)  |
//! +---------------+---------------+-------------------------------+
//! |               Value, padded with zeros to 4 bytes             |
//! +---------------------------------------------------------------+
//! ```

use super::Malformed;
use crate::num::{clamp16, padded};
use sendrecv_core::{NoSpace, Writer};

/// Chunk types.
pub mod kind {
    /// Payload data.
    pub const DATA: u8 = 0;
    /// Initiation.
    pub const INIT: u8 = 1;
    /// Initiation acknowledgement.
    pub const INIT_ACK: u8 = 2;
    /// Selective acknowledgement.
    pub const SACK: u8 = 3;
    /// Heartbeat request.
    pub const HEARTBEAT: u8 = 4;
    /// Heartbeat acknowledgement.
    pub const HEARTBEAT_ACK: u8 = 5;
    /// Abort.
    pub const ABORT: u8 = 6;
    /// Shutdown.
    pub const SHUTDOWN: u8 = 7;
    /// Shutdown acknowledgement.
    pub const SHUTDOWN_ACK: u8 = 8;
    /// Operation error.
    pub const ERROR: u8 = 9;
    /// State cookie.
    pub const COOKIE_ECHO: u8 = 10;
    /// Cookie acknowledgement.
    pub const COOKIE_ACK: u8 = 11;
    /// Shutdown complete.
    pub const SHUTDOWN_COMPLETE: u8 = 14;
    /// Payload data that may interleave (RFC 8260).
    pub const I_DATA: u8 = 64;
    /// Re-configuration (RFC 6525).
    pub const RE_CONFIG: u8 = 130;
    /// Padding (RFC 4820).
    pub const PAD: u8 = 132;
    /// Forward cumulative TSN (RFC 3758).
    pub const FORWARD_TSN: u8 = 192;
    /// Forward cumulative TSN for I-DATA (RFC 8260).
    pub const I_FORWARD_TSN: u8 = 194;
}

/// One chunk: its type, its flags and its value without padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// The type, e.g. [`kind::DATA`].
    pub kind: u8,
    /// The flags, whose meaning depends on the type.
    pub flags: u8,
    /// What follows the chunk header.
    pub value: &'a [u8],
}

impl Chunk<'_> {
    /// Appends the chunk with its padding.
    pub fn write(&self, out: &mut impl Writer) -> Result<(), NoSpace> {
        put_header(out, self.kind, self.flags, self.value.len())?;
        out.put(self.value)?;
        put_padding(out, self.value.len())
    }
}

/// Appends a chunk header for a value of `value_len` bytes.
pub(super) fn put_header(
    out: &mut impl Writer,
    kind: u8,
    flags: u8,
    value_len: usize,
) -> Result<(), NoSpace> {
    let [high, low] = clamp16(value_len.saturating_add(4)).to_be_bytes();
    out.put(&[kind, flags, high, low])
}

/// Appends the zeros that follow something of `len` bytes.
pub(super) fn put_padding(out: &mut impl Writer, len: usize) -> Result<(), NoSpace> {
    let missing = padded(len).saturating_sub(len);
    out.put([0; 3].get(..missing).unwrap_or_default())
}

/// The chunks of a packet, in order. An item is an error, and the last one, where the framing breaks. Padding behind
/// the last chunk may be missing.
#[derive(Clone, Copy, Debug)]
pub struct Chunks<'a> {
    rest: &'a [u8],
}

impl<'a> Chunks<'a> {
    /// Iterates over the bytes behind the common header.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether the framing of every chunk is sound and there is at least one chunk.
    pub fn are_well_formed(self) -> bool {
        !self.rest.is_empty() && self.into_iter().all(|chunk| chunk.is_ok())
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Result<Chunk<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let bytes = core::mem::take(&mut self.rest);
        let Some((&[kind, flags, high, low], body)) = bytes.split_first_chunk::<4>() else {
            return Some(Err(Malformed));
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let Some(value_len) = length.checked_sub(4) else { return Some(Err(Malformed)) };
        let Some(value) = body.get(..value_len) else { return Some(Err(Malformed)) };
        self.rest = body.get(padded(value_len)..).unwrap_or_default();
        Some(Ok(Chunk { kind, flags, value }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn lying_lengths_are_malformed() {
        for bytes in ["00", "0000", "000000", "00000003", "0000000500", "0a00000400", "0a00ffff00000000"] {
            let bytes = hex::decode(bytes).unwrap();
            let sound = Chunks::new(&bytes).are_well_formed();
            assert_eq!(sound, bytes.len() == 5 && bytes[3] == 5, "{bytes:x?}");
        }
        assert!(!Chunks::new(&[]).are_well_formed());
    }

    #[test]
    fn padding_of_the_last_chunk_may_be_missing() {
        let chunks: Vec<_> = Chunks::new(&[9, 1, 0, 5, 7, 0, 0, 0, 10, 0, 0, 6, 1, 2]).collect();
        assert_eq!(
            chunks,
            [Ok(Chunk { kind: 9, flags: 1, value: &[7] }), Ok(Chunk { kind: 10, flags: 0, value: &[1, 2] })]
        );
    }

    proptest! {
        #[test]
        fn iteration_ends_and_never_panics(bytes: Vec<u8>) {
            prop_assert!(Chunks::new(&bytes).count() <= bytes.len() / 4 + 1);
        }

        #[test]
        fn written_chunks_read_back(values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 1..5)) {
            let mut bytes = Vec::new();
            for value in &values {
                Chunk { kind: 9, flags: 3, value }.write(&mut bytes).unwrap();
            }
            let read: Vec<_> = Chunks::new(&bytes).map(|chunk| chunk.unwrap().value.to_vec()).collect();
            prop_assert_eq!(read, values);
        }
    }
}
