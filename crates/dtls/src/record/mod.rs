//! The record layer: keys by epoch, sealing and opening in place.

mod layer;
mod nonce;
mod replay;
pub(crate) mod v12;
pub(crate) mod v13;

pub(crate) use layer::{HANDSHAKE_EPOCH, Incoming, RecordLayer};

use crate::Discard;
use crate::wire::ack::RecordNumber;
use crate::wire::record::{ContentType, MAX_PLAINTEXT};
use core::ops::Range;
use sendrecv_crypto::CryptoError;

/// A record that was opened: what is inside, and where in the record it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) content_type: ContentType,
    pub(crate) content: Range<usize>,
    pub(crate) number: RecordNumber,
}

/// The inner content type, one byte behind the content.
pub(crate) const TYPE_LEN: usize = 1;

/// Why a record was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenError {
    /// It had no effect.
    Discard(Discard),
    /// Its keys may yet come.
    NoKeysYet,
}

/// Under the fuzzer every record authenticates, so that it gets behind the tag.
fn authentic(result: Result<(), CryptoError>) -> Result<(), Discard> {
    if cfg!(fuzzing) { Ok(()) } else { result.map_err(|_| Discard::Unauthenticated) }
}

/// The content type is the last byte that is not zero; what is before it is the content.
fn strip_padding(inner: &[u8]) -> Result<(ContentType, usize), Discard> {
    let at = inner.iter().rposition(|byte| *byte != 0).ok_or(Discard::BadContent)?;
    let content_type = inner.get(at).copied().and_then(ContentType::from_code).ok_or(Discard::BadContent)?;
    if at > MAX_PLAINTEXT {
        return Err(Discard::BadContent);
    }
    Ok((content_type, at))
}
