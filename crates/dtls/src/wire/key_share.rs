//! The key_share extension (RFC 8446, section 4.2.8).
//!
//! ```text
//! entry:               group (16), length (16), key_exchange
//! ClientHello:         length (16), entries
//! ServerHello:         one entry
//! HelloRetryRequest:   group (16)
//! ```

use super::extension::{KEY_SHARE, put};
use super::{DecodeError, Encoder, finish};
use sendrecv_core::Reader;

/// More shares than this are refused: no group may be offered twice, and nobody has so many groups.
const MAX_SHARES: usize = 16;

/// One share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyShareEntry<'a> {
    /// The group's code point.
    pub group: u16,
    /// The public share.
    pub key: &'a [u8],
}

impl<'a> KeyShareEntry<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let (group, key) = (reader.u16()?, reader.vec16()?);
        if key.is_empty() { Err(DecodeError::BadLength) } else { Ok(Self { group, key }) }
    }

    /// A ServerHello's extension.
    pub fn parse(content: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(content);
        let entry = Self::read(&mut reader)?;
        finish(&reader)?;
        Ok(entry)
    }

    pub(crate) fn write(&self, out: &mut Encoder) {
        out.u16(self.group);
        out.vec16(|out| out.bytes(self.key));
    }
}

/// A ClientHello's shares, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyShares<'a>(&'a [u8]);

impl<'a> KeyShares<'a> {
    /// A ClientHello's extension. No group comes twice.
    pub fn parse(content: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(content);
        let list = reader.vec16()?;
        finish(&reader)?;
        let mut rest = Reader::new(list);
        let mut count = 0_usize;
        while !rest.is_empty() {
            let entry = KeyShareEntry::read(&mut rest)?;
            if count >= MAX_SHARES || Self(list).iter().take(count).any(|other| other.group == entry.group) {
                return Err(DecodeError::BadValue);
            }
            count = count.saturating_add(1);
        }
        Ok(Self(list))
    }

    /// The shares, most preferred first.
    pub fn iter(&self) -> impl Iterator<Item = KeyShareEntry<'a>> + use<'a> {
        let mut rest = Reader::new(self.0);
        core::iter::from_fn(move || KeyShareEntry::read(&mut rest).ok())
    }

    /// The share for `group`.
    pub fn get(&self, group: u16) -> Option<&'a [u8]> {
        self.iter().find(|entry| entry.group == group).map(|entry| entry.key)
    }
}

/// The group a HelloRetryRequest asks a share for.
pub fn selected_group(content: &[u8]) -> Result<u16, DecodeError> {
    super::extension::selected_version(content)
}

/// Writes a ClientHello's extension.
pub(crate) fn put_shares<'a>(out: &mut Encoder, shares: impl Iterator<Item = KeyShareEntry<'a>>) {
    put(out, KEY_SHARE, |out| out.vec16(|out| shares.for_each(|share| share.write(out))));
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn shares_round_trip_in_order() {
        let shares = [KeyShareEntry { group: 0x11ec, key: b"pq" }, KeyShareEntry { group: 0x1d, key: b"x" }];
        let mut out = Encoder::new();
        put_shares(&mut out, shares.into_iter());
        let bytes = out.finish();
        let parsed = KeyShares::parse(&bytes[4..]).unwrap();
        assert_eq!(parsed.iter().collect::<Vec<_>>(), shares);
        assert_eq!((parsed.get(0x1d), parsed.get(0x17)), (Some(&b"x"[..]), None));
    }

    #[test]
    fn a_group_may_not_come_twice() {
        let bytes = [0, 10, 0, 29, 0, 1, 7, 0, 29, 0, 1, 8];
        assert_eq!(KeyShares::parse(&bytes), Err(DecodeError::BadValue));
    }

    proptest! {
        #[test]
        fn junk_never_panics(bytes: Vec<u8>) {
            let _ = KeyShares::parse(&bytes).map(|shares| shares.iter().count());
            let _ = (KeyShareEntry::parse(&bytes), selected_group(&bytes));
        }
    }
}
