//! Big-endian reading that cannot run past its end.

use core::fmt;

/// The input ended before the field did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncated;

impl fmt::Display for Truncated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the input ends inside a field")
    }
}

impl core::error::Error for Truncated {}

/// A cursor over borrowed bytes. Every read either consumes the whole field or nothing.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`.
    #[inline]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Bytes not yet read.
    #[inline]
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Whether everything was read.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The bytes not yet read, without consuming them.
    #[inline]
    pub const fn peek(&self) -> &'a [u8] {
        self.rest
    }

    /// Consumes everything that is left.
    #[inline]
    pub fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.rest)
    }

    /// Consumes `count` bytes.
    #[inline]
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Truncated> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Consumes `N` bytes into an array.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Truncated> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// Consumes `count` bytes and returns a reader over just them.
    #[inline]
    pub fn sub(&mut self, count: usize) -> Result<Self, Truncated> {
        self.take(count).map(Self::new)
    }

    /// One byte.
    #[inline]
    pub fn u8(&mut self) -> Result<u8, Truncated> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// 16 bits, big-endian.
    #[inline]
    pub fn u16(&mut self) -> Result<u16, Truncated> {
        self.array().map(u16::from_be_bytes)
    }

    /// 24 bits, big-endian.
    #[inline]
    pub fn u24(&mut self) -> Result<u32, Truncated> {
        self.array().map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    /// 32 bits, big-endian.
    #[inline]
    pub fn u32(&mut self) -> Result<u32, Truncated> {
        self.array().map(u32::from_be_bytes)
    }

    /// 48 bits, big-endian.
    pub fn u48(&mut self) -> Result<u64, Truncated> {
        self.array().map(|[a, b, c, d, e, f]| u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
    }

    /// 64 bits, big-endian.
    #[inline]
    pub fn u64(&mut self) -> Result<u64, Truncated> {
        self.array().map(u64::from_be_bytes)
    }

    /// A vector with a one-byte length prefix (the `<0..255>` of RFC 8446, section 3.4).
    #[inline]
    pub fn vec8(&mut self) -> Result<&'a [u8], Truncated> {
        self.prefixed(|reader| reader.u8().map(usize::from))
    }

    /// A vector with a two-byte length prefix.
    #[inline]
    pub fn vec16(&mut self) -> Result<&'a [u8], Truncated> {
        self.prefixed(|reader| reader.u16().map(usize::from))
    }

    /// A vector with a three-byte length prefix.
    pub fn vec24(&mut self) -> Result<&'a [u8], Truncated> {
        self.prefixed(|reader| reader.u24().and_then(|len| usize::try_from(len).map_err(|_| Truncated)))
    }

    fn prefixed(
        &mut self,
        length: impl FnOnce(&mut Self) -> Result<usize, Truncated>,
    ) -> Result<&'a [u8], Truncated> {
        let mut ahead = *self;
        let len = length(&mut ahead)?;
        let bytes = ahead.take(len)?;
        *self = ahead;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Writer;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn a_failed_read_consumes_nothing() {
        let mut reader = Reader::new(&[0, 9, 1]);
        assert_eq!(reader.vec16(), Err(Truncated));
        assert_eq!(reader.u32(), Err(Truncated));
        assert_eq!(reader.rest(), &[0, 9, 1]);
        assert!(reader.is_empty());
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(a: u8, b: u16, c in 0u32..1 << 24, d: u32, e in 0u64..1 << 48, f: u64) {
            let mut out = Vec::new();
            out.put_u8(a).unwrap();
            out.put_u16(b).unwrap();
            out.put_u24(c).unwrap();
            out.put_u32(d).unwrap();
            out.put_u48(e).unwrap();
            out.put_u64(f).unwrap();
            let mut reader = Reader::new(&out);
            prop_assert_eq!((reader.u8(), reader.u16(), reader.u24()), (Ok(a), Ok(b), Ok(c)));
            prop_assert_eq!((reader.u32(), reader.u48(), reader.u64()), (Ok(d), Ok(e), Ok(f)));
            prop_assert!(reader.is_empty());
        }
    }
}
