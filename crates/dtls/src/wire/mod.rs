//! Wire formats. Every file shows its format and names its RFC section; parsers borrow and never allocate, except for
//! lists that are used up at once.

pub mod ack;
pub mod certificate;
pub mod certificate_request;
pub mod certificate_verify;
pub mod client_hello;
pub mod connection_id;
mod encode;
mod error;
pub mod extension;
pub mod fragment;
pub mod hello_verify_request;
pub mod key_exchange;
pub mod key_share;
pub mod record;
pub mod server_hello;
pub mod unified;

pub(crate) use encode::Encoder;
pub use error::DecodeError;

use sendrecv_core::Reader;

/// The list of 16-bit code points that fills `bytes`, e.g. cipher suites or groups.
pub(crate) fn codes(bytes: &[u8]) -> impl Iterator<Item = u16> + Clone + '_ {
    bytes.chunks_exact(2).map(|pair| pair.iter().fold(0, |code: u16, byte| code << 8 | u16::from(*byte)))
}

/// Reads a two-byte length and as many bytes of 16-bit code points: not empty, and an even number of bytes.
pub(crate) fn code_list<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let bytes = reader.vec16()?;
    if bytes.is_empty() || bytes.len() % 2 != 0 {
        return Err(DecodeError::BadLength);
    }
    Ok(bytes)
}

/// Errors when bytes are left over.
pub(crate) fn finish(reader: &Reader<'_>) -> Result<(), DecodeError> {
    if reader.is_empty() { Ok(()) } else { Err(DecodeError::TrailingBytes) }
}
