//! What can go wrong in a cryptographic operation.

use core::fmt;

/// Why a cryptographic operation failed. Deliberately coarse: more would be an oracle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CryptoError {
    /// The provider does not offer this algorithm.
    Unsupported,
    /// A key, share or encoding has the wrong length or is not valid.
    InvalidKey,
    /// An authentication tag or signature does not verify.
    Unauthenticated,
}

impl fmt::Display for CryptoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsupported => "algorithm not offered by this crypto provider",
            Self::InvalidKey => "invalid key or key share",
            Self::Unauthenticated => "authentication failed",
        })
    }
}

impl core::error::Error for CryptoError {}
