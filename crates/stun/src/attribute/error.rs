//! Errors (RFC 8489, sections 14.8 and 14.9; RFC 8656, section 18.12).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! | family (ADDRESS-ERROR-CODE)   |         |class|  number 0..99 |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  reason phrase, UTF-8 …
//! +-+-+-+-+-+-+-+-+-+-+-+-
//! ```

use super::{AddressFamily, Attribute, AttributeType};
use crate::TransactionId;
use sendrecv_core::{NoSpace, Reader, Writer};

/// ERROR-CODE: why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCode<'a> {
    /// 300 to 699.
    pub code: u16,
    /// For people.
    pub reason: &'a str,
}

impl ErrorCode<'_> {
    /// Try the ALTERNATE-SERVER.
    pub const TRY_ALTERNATE: u16 = 300;
    /// The request is malformed.
    pub const BAD_REQUEST: u16 = 400;
    /// No or wrong credentials.
    pub const UNAUTHENTICATED: u16 = 401;
    /// The server will not (TURN).
    pub const FORBIDDEN: u16 = 403;
    /// A comprehension-required attribute is not understood.
    pub const UNKNOWN_ATTRIBUTE: u16 = 420;
    /// There is, or is not, an allocation on this 5-tuple (TURN).
    pub const ALLOCATION_MISMATCH: u16 = 437;
    /// The NONCE is no longer valid.
    pub const STALE_NONCE: u16 = 438;
    /// The relay cannot do this address family (TURN).
    pub const ADDRESS_FAMILY_NOT_SUPPORTED: u16 = 440;
    /// The allocation belongs to other credentials (TURN).
    pub const WRONG_CREDENTIALS: u16 = 441;
    /// The relay cannot do this transport (TURN).
    pub const UNSUPPORTED_TRANSPORT: u16 = 442;
    /// The peer's address family is not that of the allocation (TURN).
    pub const PEER_ADDRESS_FAMILY_MISMATCH: u16 = 443;
    /// The user has too many allocations (TURN).
    pub const ALLOCATION_QUOTA_REACHED: u16 = 486;
    /// Both agents claim the same role (ICE).
    pub const ROLE_CONFLICT: u16 = 487;
    /// The server failed; try again.
    pub const SERVER_ERROR: u16 = 500;
    /// The relay has no address left (TURN).
    pub const INSUFFICIENT_CAPACITY: u16 = 508;
}

impl<'a> Attribute<'a> for ErrorCode<'a> {
    const TYPE: AttributeType = AttributeType::ERROR_CODE;

    fn decode(value: &'a [u8], _: TransactionId) -> Option<Self> {
        let (_, code, reason) = decode(value)?;
        Some(Self { code, reason })
    }

    fn encode<W: Writer>(&self, _: TransactionId, out: &mut W) -> Result<(), NoSpace> {
        encode(0, self.code, self.reason, out)
    }
}

/// ADDRESS-ERROR-CODE: why the second address family was not allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressErrorCode<'a> {
    /// The family that failed.
    pub family: AddressFamily,
    /// 300 to 699.
    pub code: u16,
    /// For people.
    pub reason: &'a str,
}

impl<'a> Attribute<'a> for AddressErrorCode<'a> {
    const TYPE: AttributeType = AttributeType::ADDRESS_ERROR_CODE;

    fn decode(value: &'a [u8], _: TransactionId) -> Option<Self> {
        let (family, code, reason) = decode(value)?;
        Some(Self { family: AddressFamily::from_code(family)?, code, reason })
    }

    fn encode<W: Writer>(&self, _: TransactionId, out: &mut W) -> Result<(), NoSpace> {
        encode(self.family.code(), self.code, self.reason, out)
    }
}

fn decode(value: &[u8]) -> Option<(u8, u16, &str)> {
    let mut reader = Reader::new(value);
    let [family, _, class, number] = reader.array().ok()?;
    let class = class & 7;
    if !(3..=6).contains(&class) || number > 99 {
        return None;
    }
    let code = u16::from(class) * 100 + u16::from(number);
    Some((family, code, core::str::from_utf8(reader.rest()).ok()?))
}

fn encode<W: Writer>(family: u8, code: u16, reason: &str, out: &mut W) -> Result<(), NoSpace> {
    let class = u8::try_from(code / 100).unwrap_or(u8::MAX) & 7;
    let number = u8::try_from(code % 100).unwrap_or_default();
    out.put(&[family, 0, class, number])?;
    out.put(reason.as_bytes())
}

/// UNKNOWN-ATTRIBUTES: what a 420 response complains about, as 16-bit numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownAttributes<'a>(&'a [u8]);

impl<'a> UnknownAttributes<'a> {
    /// The list from numbers in wire form.
    pub const fn from_wire(numbers: &'a [u8]) -> Self {
        Self(numbers)
    }

    /// The attributes not understood.
    pub fn iter(&self) -> impl Iterator<Item = AttributeType> + use<'a> {
        self.0.as_chunks::<2>().0.iter().map(|number| AttributeType(u16::from_be_bytes(*number)))
    }
}

impl<'a> Attribute<'a> for UnknownAttributes<'a> {
    const TYPE: AttributeType = AttributeType::UNKNOWN_ATTRIBUTES;

    fn decode(value: &'a [u8], _: TransactionId) -> Option<Self> {
        value.len().is_multiple_of(2).then_some(Self(value))
    }

    fn encode<W: Writer>(&self, _: TransactionId, out: &mut W) -> Result<(), NoSpace> {
        out.put(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: TransactionId = TransactionId([0; 12]);

    #[test]
    fn codes_outside_300_to_699_are_malformed() {
        assert_eq!(ErrorCode::decode(&[0, 0, 2, 0], ID), None);
        assert_eq!(ErrorCode::decode(&[0, 0, 7, 0], ID), None);
        assert_eq!(ErrorCode::decode(&[0, 0, 4, 100], ID), None);
        assert_eq!(ErrorCode::decode(&[0, 0, 4], ID), None);
        assert_eq!(ErrorCode::decode(&[0, 0, 4, 38, b'x'], ID), Some(ErrorCode { code: 438, reason: "x" }));
    }
}
