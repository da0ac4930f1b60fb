//! The record layer: keys by epoch, sealing and opening in place.

mod layer;
mod replay;
pub(crate) mod v12;
pub(crate) mod v13;

pub(crate) use layer::{HANDSHAKE_EPOCH, Incoming, RecordLayer, Sealer};

use crate::Discard;
use crate::wire::ack::RecordNumber;
use crate::wire::record::ContentType;
use core::ops::Range;
use sendrecv_crypto::CryptoError;

/// A record that was opened: what is inside, and where in the record it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) content_type: ContentType,
    pub(crate) content: Range<usize>,
    pub(crate) number: RecordNumber,
}

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
