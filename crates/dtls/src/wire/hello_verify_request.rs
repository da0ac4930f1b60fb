//! HelloVerifyRequest (RFC 6347, section 4.2.1).
//!
//! ```text
//! | server_version (16), 0xfeff or 0xfefd | cookie with length (8) |
//! ```

use super::{DecodeError, Encoder, finish};
use alloc::vec::Vec;
use sendrecv_core::Reader;

/// The cookie a client is to send back. The version is not a choice and is ignored.
pub fn parse(body: &[u8]) -> Result<&[u8], DecodeError> {
    let mut reader = Reader::new(body);
    reader.u16()?;
    let cookie = reader.vec8()?;
    finish(&reader)?;
    Ok(cookie)
}

/// Writes the body. Its version is DTLS 1.0's, as the RFC wants it whatever is going to be negotiated.
pub(crate) fn encode(cookie: &[u8]) -> Vec<u8> {
    let mut out = Encoder::new();
    out.u16(0xfeff);
    out.vec8(|out| out.bytes(cookie));
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_comes_back() {
        let body = encode(b"baked");
        assert_eq!(parse(&body), Ok(&b"baked"[..]));
        assert_eq!(parse(&body[..7]), Err(DecodeError::Truncated));
    }
}
