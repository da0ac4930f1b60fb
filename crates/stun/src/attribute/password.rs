//! PASSWORD-ALGORITHM, PASSWORD-ALGORITHMS and USERHASH (RFC 8489, sections 14.4, 14.11 and 14.12).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  algorithm (1 MD5, 2 SHA-256) |  length of parameters, 0      |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  parameters, padded to a multiple of four bytes …
//! +-+-+-+-+-+-+-+-+-+-+-+-
//! ```
//! PASSWORD-ALGORITHMS repeats this, most preferred first.

use super::{Attribute, AttributeType};
use crate::TransactionId;
use sendrecv_core::{NoSpace, Reader, Writer};

/// PASSWORD-ALGORITHM: how the long-term key is made from the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PasswordAlgorithm {
    /// MD5, the only one before RFC 8489.
    Md5,
    /// SHA-256.
    Sha256,
}

impl PasswordAlgorithm {
    const fn code(self) -> u16 {
        match self {
            Self::Md5 => 1,
            Self::Sha256 => 2,
        }
    }

    /// The known algorithm with these wire fields; neither takes parameters.
    const fn from_wire(code: u16, parameters: &[u8]) -> Option<Self> {
        match (code, parameters) {
            (1, []) => Some(Self::Md5),
            (2, []) => Some(Self::Sha256),
            _ => None,
        }
    }
}

impl<'a> Attribute<'a> for PasswordAlgorithm {
    const TYPE: AttributeType = AttributeType::PASSWORD_ALGORITHM;

    fn decode(value: &'a [u8], _: TransactionId) -> Option<Self> {
        let mut reader = Reader::new(value);
        let (code, parameters) = next_algorithm(&mut reader)?;
        if reader.is_empty() { Self::from_wire(code, parameters) } else { None }
    }

    fn encode<W: Writer>(&self, _: TransactionId, out: &mut W) -> Result<(), NoSpace> {
        out.put_u16(self.code())?;
        out.put_u16(0)
    }
}

/// PASSWORD-ALGORITHMS: what the server offers, most preferred first. Kept in wire form, because a client must send it
/// back unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordAlgorithms<'a>(&'a [u8]);

impl<'a> PasswordAlgorithms<'a> {
    /// MD5 and SHA-256, the latter preferred.
    pub const SHA256_MD5: PasswordAlgorithms<'static> = PasswordAlgorithms(&[0, 2, 0, 0, 0, 1, 0, 0]);

    /// The offered algorithms that this crate knows, in order.
    pub fn iter(&self) -> impl Iterator<Item = PasswordAlgorithm> + use<'a> {
        let mut reader = Reader::new(self.0);
        core::iter::from_fn(move || next_algorithm(&mut reader))
            .filter_map(|(code, parameters)| PasswordAlgorithm::from_wire(code, parameters))
    }

    /// The list as it lies on the wire.
    pub const fn as_wire(&self) -> &'a [u8] {
        self.0
    }
}

impl<'a> Attribute<'a> for PasswordAlgorithms<'a> {
    const TYPE: AttributeType = AttributeType::PASSWORD_ALGORITHMS;

    fn decode(value: &'a [u8], _: TransactionId) -> Option<Self> {
        let mut reader = Reader::new(value);
        while !reader.is_empty() {
            next_algorithm(&mut reader)?;
        }
        Some(Self(value))
    }

    fn encode<W: Writer>(&self, _: TransactionId, out: &mut W) -> Result<(), NoSpace> {
        out.put(self.0)
    }
}

fn next_algorithm<'a>(reader: &mut Reader<'a>) -> Option<(u16, &'a [u8])> {
    let code = reader.u16().ok()?;
    let len = usize::from(reader.u16().ok()?);
    let parameters = reader.take(len.next_multiple_of(4)).ok()?;
    Some((code, parameters.get(..len)?))
}

/// USERHASH: SHA-256 over user name and realm, instead of a USERNAME in clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserHash(pub [u8; 32]);

impl<'a> Attribute<'a> for UserHash {
    const TYPE: AttributeType = AttributeType::USERHASH;

    fn decode(value: &'a [u8], _: TransactionId) -> Option<Self> {
        value.try_into().ok().map(Self)
    }

    fn encode<W: Writer>(&self, _: TransactionId, out: &mut W) -> Result<(), NoSpace> {
        out.put(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const ID: TransactionId = TransactionId([0; 12]);

    #[test]
    fn unknown_algorithms_are_skipped_and_order_kept() {
        let wire = [0, 9, 0, 1, 0xff, 0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0];
        let offered = PasswordAlgorithms::decode(&wire, ID).unwrap();
        assert_eq!(offered.iter().collect::<Vec<_>>(), [PasswordAlgorithm::Sha256, PasswordAlgorithm::Md5]);
    }

    #[test]
    fn a_list_that_is_cut_off_is_malformed() {
        assert_eq!(PasswordAlgorithms::decode(&[0, 2, 0, 4], ID), None);
        assert_eq!(PasswordAlgorithm::decode(&[0, 2, 0, 0, 0, 1, 0, 0], ID), None);
    }
}
