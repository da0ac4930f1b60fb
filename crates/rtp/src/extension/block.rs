//! An extension block under construction.

use super::{ONE_BYTE_PROFILE, TWO_BYTE_PROFILE};
use sendrecv_core::{NoSpace, Reader, Writer};
use thiserror::Error;

/// How many bytes of elements a block can hold, each with its two bytes of id and length.
const CAPACITY: usize = 252;

/// Why an element cannot be added to an [`ExtensionBlock`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ExtensionError {
    /// Id 0 is padding, not an extension.
    #[error("extension id 0 is reserved for padding")]
    ReservedId,
    /// The block's 252 bytes are used up.
    #[error("the extension block is full")]
    Full,
}

/// The header extension elements of a packet to be written; lives on the stack, holds 252 bytes.
///
/// The one-byte form is written when all ids are at most 14 and all elements 1 to 16 bytes long, else the two-byte form
/// (RFC 8285, section 4.1.2), which the peer must have agreed to by `extmap-allow-mixed` or by such an id.
#[derive(Clone, Copy, Debug)]
pub struct ExtensionBlock {
    elements: [u8; CAPACITY],
    len: usize,
    count: usize,
    two_byte: bool,
}

impl Default for ExtensionBlock {
    #[inline]
    fn default() -> Self {
        Self { elements: [0; CAPACITY], len: 0, count: 0, two_byte: false }
    }
}

impl ExtensionBlock {
    /// A block without elements.
    #[inline]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends an element. On error the block is as it was.
    #[inline]
    pub fn push(&mut self, id: u8, data: &[u8]) -> Result<(), ExtensionError> {
        if id == 0 {
            return Err(ExtensionError::ReservedId);
        }
        let data_len = u8::try_from(data.len()).map_err(|_| ExtensionError::Full)?;
        let end = self.len + 2 + data.len();
        let room = self.elements.get_mut(self.len..end).ok_or(ExtensionError::Full)?;
        if let Some((head, body)) = room.split_first_chunk_mut::<2>() {
            *head = [id, data_len];
            body.copy_from_slice(data);
        }
        self.len = end;
        self.count += 1;
        self.two_byte |= id > 14 || !(1..=16).contains(&data_len);
        Ok(())
    }

    /// Whether there are no elements; then nothing is written and the header's X bit stays clear.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The elements as `(id, data)`.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &[u8])> {
        let mut reader = Reader::new(self.elements.get(..self.len).unwrap_or_default());
        core::iter::from_fn(move || Some((reader.u8().ok()?, reader.vec8().ok()?)))
    }

    /// The bytes the block takes in the packet, with its profile, length and padding; 0 when empty.
    pub const fn wire_len(&self) -> usize {
        if self.count == 0 { 0 } else { 4 + self.data_len().next_multiple_of(4) }
    }

    /// Writes profile, length, elements and padding; nothing when empty.
    pub(crate) fn write<W: Writer + ?Sized>(&self, out: &mut W) -> Result<(), NoSpace> {
        if self.is_empty() {
            return Ok(());
        }
        let data_len = self.data_len();
        out.put_u16(if self.two_byte { TWO_BYTE_PROFILE } else { ONE_BYTE_PROFILE })?;
        out.put_u16(u16::try_from(data_len.div_ceil(4)).map_err(|_| NoSpace)?)?;
        if self.two_byte {
            out.put(self.elements.get(..self.len).unwrap_or_default())?;
        } else {
            for (id, data) in self.iter() {
                let len = u8::try_from(data.len()).map_err(|_| NoSpace)?;
                out.put_u8(id << 4 | len.wrapping_sub(1) & 0x0f)?;
                out.put(data)?;
            }
        }
        out.put_zeros(data_len.next_multiple_of(4) - data_len)
    }

    const fn data_len(&self) -> usize {
        if self.two_byte { self.len } else { self.len - self.count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn written(block: &ExtensionBlock) -> Vec<u8> {
        let mut out = Vec::new();
        block.write(&mut out).unwrap();
        assert_eq!(out.len(), block.wire_len());
        out
    }

    #[test]
    fn small_elements_take_the_one_byte_form() {
        let mut block = ExtensionBlock::new();
        block.push(3, &[0xab, 0xcd]).unwrap();
        block.push(14, &[1]).unwrap();
        assert_eq!(written(&block), [0xbe, 0xde, 0, 2, 0x31, 0xab, 0xcd, 0xe0, 1, 0, 0, 0]);
    }

    #[test]
    fn a_large_id_or_an_odd_length_takes_the_two_byte_form() {
        let mut block = ExtensionBlock::new();
        block.push(3, &[7]).unwrap();
        block.push(15, &[]).unwrap();
        assert_eq!(written(&block), [0x10, 0, 0, 2, 3, 1, 7, 15, 0, 0, 0, 0]);
    }

    #[test]
    fn an_empty_block_writes_nothing() {
        assert!(written(&ExtensionBlock::new()).is_empty());
    }

    #[test]
    fn a_full_block_refuses_and_keeps_what_it_has() {
        let mut block = ExtensionBlock::new();
        block.push(1, &[0; 200]).unwrap();
        assert_eq!(block.push(2, &[0; 49]), Err(ExtensionError::Full));
        assert_eq!(block.push(2, &[0; 300]), Err(ExtensionError::Full));
        assert_eq!(block.push(0, &[1]), Err(ExtensionError::ReservedId));
        block.push(2, &[9; 48]).unwrap();
        assert_eq!(block.iter().map(|(id, data)| (id, data.len())).collect::<Vec<_>>(), [(1, 200), (2, 48)]);
    }
}
