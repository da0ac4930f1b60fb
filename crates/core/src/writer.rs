//! Big-endian writing into whatever grows.

use alloc::vec::Vec;
use core::fmt;

/// The destination has no room for what was to be written; nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSpace;

impl fmt::Display for NoSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no space left in the packet buffer")
    }
}

impl core::error::Error for NoSpace {}

/// Something that wire fields can be appended to: a [`PacketBuf`](crate::PacketBuf) or a `Vec<u8>`.
pub trait Writer {
    /// Appends all of `bytes`, or nothing.
    fn put(&mut self, bytes: &[u8]) -> Result<(), NoSpace>;

    /// Appends one byte.
    fn put_u8(&mut self, value: u8) -> Result<(), NoSpace> {
        self.put(&[value])
    }

    /// Appends 16 bits, big-endian.
    fn put_u16(&mut self, value: u16) -> Result<(), NoSpace> {
        self.put(&value.to_be_bytes())
    }

    /// Appends the low 24 bits of `value`, big-endian.
    fn put_u24(&mut self, value: u32) -> Result<(), NoSpace> {
        let [_, a, b, c] = value.to_be_bytes();
        self.put(&[a, b, c])
    }

    /// Appends 32 bits, big-endian.
    fn put_u32(&mut self, value: u32) -> Result<(), NoSpace> {
        self.put(&value.to_be_bytes())
    }

    /// Appends the low 48 bits of `value`, big-endian.
    fn put_u48(&mut self, value: u64) -> Result<(), NoSpace> {
        let [_, _, rest @ ..] = value.to_be_bytes();
        self.put(&rest)
    }

    /// Appends 64 bits, big-endian.
    fn put_u64(&mut self, value: u64) -> Result<(), NoSpace> {
        self.put(&value.to_be_bytes())
    }

    /// Appends `count` zero bytes.
    fn put_zeros(&mut self, count: usize) -> Result<(), NoSpace> {
        (0..count).try_for_each(|_| self.put_u8(0))
    }
}

impl Writer for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), NoSpace> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}
