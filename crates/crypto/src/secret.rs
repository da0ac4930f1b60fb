//! Values that wipe themselves, and hash outputs.

use alloc::vec::Vec;
use constant_time_eq::constant_time_eq;
use core::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Secret bytes: wiped when dropped, never printed.
#[derive(Clone, Default, Zeroize, ZeroizeOnDrop)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes over `bytes`.
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The secret itself.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&[u8]> for Secret {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

/// The output of a hash or HMAC: up to 64 bytes, on the stack.
#[derive(Clone, Copy)]
pub struct Digest {
    bytes: [u8; 64],
    len: usize,
}

impl Digest {
    /// A digest of these bytes; more than 64 are cut off.
    pub fn new(bytes: &[u8]) -> Self {
        let mut digest = Self { bytes: [0; 64], len: bytes.len().min(64) };
        for (to, from) in digest.bytes.iter_mut().zip(bytes) {
            *to = *from;
        }
        digest
    }

    /// The digest's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Whether `tag` is how the digest begins, in constant time for tags of one length.
    pub fn starts_with(&self, tag: &[u8]) -> bool {
        starts_with(self.as_bytes(), tag)
    }

    /// Fills `out` with the digest's first bytes; what is longer than the digest stays as it was.
    pub fn copy_to(&self, out: &mut [u8]) {
        for (to, from) in out.iter_mut().zip(self.as_bytes()) {
            *to = *from;
        }
    }
}

/// Whether `tag` is how `ours` begins, in constant time for tags of one length.
pub(crate) fn starts_with(ours: &[u8], tag: &[u8]) -> bool {
    ours.get(..tag.len()).is_some_and(|ours| constant_time_eq(ours, tag))
}

impl Zeroize for Digest {
    fn zeroize(&mut self) {
        self.bytes.zeroize();
        self.len = 0;
    }
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl PartialEq for Digest {
    /// In constant time for digests of one length.
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.starts_with(other.as_bytes())
    }
}

impl Eq for Digest {}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_starts_with_its_own_bytes_and_no_others() {
        let digest = Digest::new(&[7; 20]);
        for len in 0..=20 {
            let mut tag = [7; 20];
            let tag = &mut tag[..len];
            assert!(digest.starts_with(tag));
            for at in 0..len {
                tag[at] ^= 0x40;
                assert!(!digest.starts_with(tag), "byte {at} of {len}");
                tag[at] ^= 0x40;
            }
        }
        assert!(!digest.starts_with(&[7; 21]));
        assert_ne!(digest, Digest::new(&[7; 19]));
        assert_eq!(digest, Digest::new(&[7; 20]));
    }
}
