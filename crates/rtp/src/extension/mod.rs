//! RTP header extensions (RFC 8285).
//!
//! ```text
//! one-byte form, profile 0xBEDE          two-byte form, profile 0x100X
//! +-+-+-+-+-+-+-+-+                      +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  ID   |  L-1  |  L bytes ...         |      ID       |       L       |  L bytes ...
//! +-+-+-+-+-+-+-+-+                      +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

mod block;
mod map;
mod values;

pub use block::{ExtensionBlock, ExtensionError};
pub use map::{ExtensionKind, ExtensionMap, ExtensionTranslation};
pub use values::{
    AbsSendTime, AudioLevel, CsrcAudioLevels, PlayoutDelay, Rotation, TransmissionOffset,
    TransportSequenceNumber, VideoOrientation, sdes_text,
};

use sendrecv_core::{Reader, Truncated};

/// The profile number of the one-byte form.
pub(crate) const ONE_BYTE_PROFILE: u16 = 0xbede;
/// The profile number of the two-byte form, without its four application bits.
pub(crate) const TWO_BYTE_PROFILE: u16 = 0x1000;

/// The extension block of a received packet: an iterator over `(id, data)`.
///
/// Iteration ends at the first element that does not fit its block, at the one-byte form's reserved id 15, and at an
/// element with id 0 that claims data (RFC 8285, section 4.2). Blocks of other profiles have no elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extensions<'a> {
    profile: u16,
    data: &'a [u8],
}

impl<'a> Extensions<'a> {
    /// Reads the block at the reader: profile, length in words, data.
    #[inline]
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Truncated> {
        let (profile, words) = (reader.u16()?, reader.u16()?);
        Ok(Self { profile, data: reader.take(usize::from(words) * 4)? })
    }

    /// The 16 bits "defined by profile"; 0 when the packet has no extension block.
    pub const fn profile(&self) -> u16 {
        self.profile
    }

    /// The data of the first element with this id. Cheap: blocks are a few dozen bytes.
    #[inline]
    pub fn get(&self, id: u8) -> Option<&'a [u8]> {
        let mut elements = *self;
        elements.find(|(element, _)| *element == id).map(|(_, data)| data)
    }

    #[inline]
    fn next_one_byte(&mut self) -> Option<(u8, &'a [u8])> {
        let mut reader = Reader::new(self.data);
        loop {
            let byte = reader.u8().ok()?;
            let (id, len) = (byte >> 4, usize::from(byte & 0x0f) + 1);
            match id {
                0 if byte == 0 => {}
                0 | 15 => return None,
                _ => {
                    let data = reader.take(len).ok()?;
                    self.data = reader.rest();
                    return Some((id, data));
                }
            }
        }
    }

    #[inline]
    fn next_two_byte(&mut self) -> Option<(u8, &'a [u8])> {
        let mut reader = Reader::new(self.data);
        loop {
            let id = reader.u8().ok()?;
            if id != 0 {
                let data = reader.vec8().ok()?;
                self.data = reader.rest();
                return Some((id, data));
            }
        }
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (u8, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let element = match self.profile {
            ONE_BYTE_PROFILE => self.next_one_byte(),
            profile if profile & 0xfff0 == TWO_BYTE_PROFILE => self.next_two_byte(),
            _ => None,
        };
        if element.is_none() {
            self.data = &[];
        }
        element
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn elements(profile: u16, data: &[u8]) -> Vec<(u8, &[u8])> {
        Extensions { profile, data }.collect()
    }

    #[test]
    fn one_byte_elements_may_have_padding_between_them() {
        let data = [0x10, 0xaa, 0, 0, 0x32, 1, 2, 3, 0];
        assert_eq!(elements(ONE_BYTE_PROFILE, &data), [(1, &[0xaa][..]), (3, &[1, 2, 3])]);
    }

    #[test]
    fn two_byte_elements_may_be_empty() {
        let data = [1, 0, 0, 200, 2, 9, 8, 0];
        assert_eq!(elements(TWO_BYTE_PROFILE | 5, &data), [(1, &[][..]), (200, &[9, 8])]);
    }

    #[test]
    fn an_element_longer_than_its_block_ends_the_block() {
        assert_eq!(elements(ONE_BYTE_PROFILE, &[0x10, 1, 0x2f, 1, 2]), [(1, &[1][..])]);
        assert_eq!(elements(TWO_BYTE_PROFILE, &[1, 1, 7, 2, 200]), [(1, &[7][..])]);
    }

    #[test]
    fn the_reserved_ids_end_a_one_byte_block() {
        assert!(elements(ONE_BYTE_PROFILE, &[0xf0, 1, 0x10, 2]).is_empty());
        assert!(elements(ONE_BYTE_PROFILE, &[0x01, 1, 2, 0x10, 2]).is_empty());
    }

    #[test]
    fn other_profiles_have_no_elements() {
        assert!(elements(0xabcd, &[0x10, 1, 0, 0]).is_empty());
    }
}
