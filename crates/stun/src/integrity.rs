//! Keys and checks that protect whole messages (RFC 8489, sections 14.5 to 14.7).

use alloc::boxed::Box;
use core::fmt;
use sendrecv_crypto::{CryptoError, CryptoProvider, Digest, HashAlgorithm, Hmac};

/// Which attribute protects a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Integrity {
    /// MESSAGE-INTEGRITY: HMAC-SHA1, 20 bytes. The one ICE uses.
    Sha1,
    /// MESSAGE-INTEGRITY-SHA256: HMAC-SHA256, 32 bytes, or truncated to no less than 16.
    Sha256,
}

impl Integrity {
    const fn hash(self) -> HashAlgorithm {
        match self {
            Self::Sha1 => HashAlgorithm::Sha1,
            Self::Sha256 => HashAlgorithm::Sha256,
        }
    }
}

/// An integrity check failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyError {
    /// The message does not carry the attribute.
    Missing,
    /// The attribute has another value: a wrong key, or a changed message.
    Mismatch,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "the message carries no such check",
            Self::Mismatch => "the check does not match the message",
        })
    }
}

impl core::error::Error for VerifyError {}

/// A key that signs and verifies messages, with its HMAC state prepared once.
///
/// What goes into it comes from [`short_term_key`](crate::short_term_key) or
/// [`long_term_key`](crate::long_term_key).
pub struct IntegrityKey {
    hmac: Box<dyn Hmac>,
    integrity: Integrity,
    min_len: usize,
}

impl IntegrityKey {
    /// Prepares `key`, of any length, for one of the two attributes.
    pub fn new(provider: &dyn CryptoProvider, key: &[u8], integrity: Integrity) -> Result<Self, CryptoError> {
        let hash = integrity.hash();
        Ok(Self { hmac: provider.hmac(hash, key)?, integrity, min_len: hash.output_len() })
    }

    /// Also accepts MESSAGE-INTEGRITY-SHA256 truncated to no less than `min_len` bytes, itself at least 16. Only for
    /// usages that say so (RFC 8489, section 14.6); the default is the full 32.
    #[must_use]
    pub fn accept_truncated(mut self, min_len: usize) -> Self {
        if self.integrity == Integrity::Sha256 {
            self.min_len = min_len.clamp(16, 32);
        }
        self
    }

    /// The key of a short-term credential for MESSAGE-INTEGRITY, as ICE uses it: the password itself (RFC 8489,
    /// section 9.1.1).
    pub fn short_term(provider: &dyn CryptoProvider, password: &str) -> Result<Self, CryptoError> {
        Self::new(provider, crate::short_term_key(password).expose(), Integrity::Sha1)
    }

    /// The attribute this key is for.
    pub const fn integrity(&self) -> Integrity {
        self.integrity
    }

    /// Whether `value` is what the attribute is to hold behind `parts`, in constant time.
    pub(crate) fn verify(&self, parts: &[&[u8]], value: &[u8]) -> bool {
        value.len() >= self.min_len && self.hmac.verify(parts, value).is_ok()
    }

    pub(crate) fn mac(&self, covered: &[u8]) -> Digest {
        self.hmac.mac(&[covered])
    }
}

impl fmt::Debug for IntegrityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IntegrityKey({:?})", self.integrity)
    }
}

/// The FINGERPRINT of a message whose bytes before that attribute are `message`, the header's length already counting
/// the attribute: CRC-32 XOR "STUN".
pub(crate) fn fingerprint(message: &[u8]) -> u32 {
    crc32fast::hash(message) ^ 0x5354_554e
}
