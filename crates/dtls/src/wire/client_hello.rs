//! ClientHello (RFC 6347, section 4.2.1; RFC 9147, section 5.3).
//!
//! ```text
//! | legacy_version 0xfefd (16) | random (32 bytes) | session_id with length (8) | cookie with length (8) |
//! | cipher_suites with length (16), 16 bits each | compression_methods with length (8): 0 | extensions     |
//! ```

use super::extension::Extensions;
use super::{DecodeError, Encoder, code_list, codes, finish};
use alloc::vec::Vec;
use sendrecv_core::Reader;

/// A ClientHello, borrowed from its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientHello<'a> {
    /// `0xfefd`; the real versions are in supported_versions.
    pub legacy_version: u16,
    /// The client's random.
    pub random: &'a [u8; 32],
    /// Empty from a DTLS 1.3 client that resumes nothing; up to 32 bytes.
    pub session_id: &'a [u8],
    /// DTLS 1.2's cookie.
    pub cookie: &'a [u8],
    suites: &'a [u8],
    /// Compression methods; null must be among them.
    pub compression: &'a [u8],
    /// Extensions.
    pub extensions: Extensions<'a>,
}

impl<'a> ClientHello<'a> {
    /// Reads the body of the message.
    pub fn parse(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let legacy_version = reader.u16()?;
        let random = random(&mut reader)?;
        let session_id = reader.vec8()?;
        let cookie = reader.vec8()?;
        let suites = code_list(&mut reader)?;
        let compression = reader.vec8()?;
        let extensions = Extensions::parse(&mut reader)?;
        finish(&reader)?;
        if session_id.len() > 32 {
            return Err(DecodeError::BadLength);
        }
        if !compression.contains(&0) {
            return Err(DecodeError::BadValue);
        }
        Ok(Self { legacy_version, random, session_id, cookie, suites, compression, extensions })
    }

    /// The code points of the cipher suites, most preferred first.
    pub fn suites(&self) -> impl Iterator<Item = u16> + Clone + use<'a> {
        codes(self.suites)
    }
}

/// Reads the 32 bytes of a random.
pub(super) fn random<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8; 32], DecodeError> {
    reader.take(32)?.first_chunk().ok_or(DecodeError::Truncated)
}

/// Writes a ClientHello's body. `cookie` is DTLS 1.2's; `extensions` writes the block's content.
pub(crate) fn encode(
    random: &[u8; 32],
    cookie: &[u8],
    suites: impl Iterator<Item = u16>,
    extensions: impl FnOnce(&mut Encoder),
) -> Vec<u8> {
    let mut out = Encoder::new();
    out.u16(0xfefd);
    out.bytes(random);
    out.vec8(|_| ());
    out.vec8(|out| out.bytes(cookie));
    out.vec16(|out| suites.for_each(|suite| out.u16(suite)));
    out.vec8(|out| out.u8(0));
    out.vec16(extensions);
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::extension;
    use proptest::prelude::*;

    #[test]
    fn a_hello_round_trips() {
        let body = encode(&[7; 32], b"cookie", [0x1301, 0xc02b].into_iter(), |out| {
            extension::put(out, extension::EXTENDED_MASTER_SECRET, |_| ());
        });
        let hello = ClientHello::parse(&body).unwrap();
        assert_eq!((hello.random, hello.cookie, hello.legacy_version), (&[7; 32], &b"cookie"[..], 0xfefd));
        assert_eq!(hello.suites().collect::<Vec<_>>(), [0x1301, 0xc02b]);
        assert!(hello.extensions.has(extension::EXTENDED_MASTER_SECRET));
    }

    #[test]
    fn every_truncation_is_refused() {
        let body = encode(&[7; 32], b"", [0x1301].into_iter(), |out| extension::put(out, 23, |_| ()));
        let without_extensions = body.len() - 6;
        for len in 0..body.len() {
            assert_eq!(ClientHello::parse(&body[..len]).is_ok(), len == without_extensions, "{len}");
        }
    }

    proptest! {
        #[test]
        fn junk_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = ClientHello::parse(&bytes);
        }
    }
}
