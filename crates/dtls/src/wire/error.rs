//! Why a message cannot be decoded.

use sendrecv_core::Truncated;
use thiserror::Error;

/// Why a message cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The input ends inside a field.
    #[error("the input ends inside a field")]
    Truncated,
    /// Bytes are left over behind the last field.
    #[error("bytes are left over behind the last field")]
    TrailingBytes,
    /// A vector's length is not allowed there.
    #[error("a vector has a length that is not allowed")]
    BadLength,
    /// A field has a value that is not allowed there.
    #[error("a field has a value that is not allowed")]
    BadValue,
    /// An extension appears twice.
    #[error("an extension appears twice")]
    DuplicateExtension,
}

impl From<Truncated> for DecodeError {
    fn from(_: Truncated) -> Self {
        Self::Truncated
    }
}
