//! ServerHello and HelloRetryRequest (RFC 5246, section 7.4.1.3; RFC 8446, section 4.1.3).
//!
//! ```text
//! | legacy_version 0xfefd (16) | random (32 bytes) | session_id with length (8) |
//! | cipher_suite (16) | compression_method: 0 | extensions                       |
//! ```

use super::client_hello::random;
use super::extension::Extensions;
use super::{DecodeError, Encoder, finish};
use alloc::vec::Vec;
use sendrecv_core::Reader;

/// The random that makes a ServerHello a HelloRetryRequest: SHA-256 of "HelloRetryRequest".
pub const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// The last eight bytes of the random of a server that could do 1.3 but answers 1.2.
pub const DOWNGRADE_TO_12: [u8; 8] = *b"DOWNGRD\x01";

/// The same for a server that could do 1.2 or 1.3 but answers something older.
pub const DOWNGRADE_BELOW_12: [u8; 8] = *b"DOWNGRD\x00";

/// A ServerHello, borrowed from its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerHello<'a> {
    /// `0xfefd`; DTLS 1.3 is chosen by supported_versions.
    pub legacy_version: u16,
    /// The server's random.
    pub random: &'a [u8; 32],
    /// DTLS 1.2: the session's name, ignored here. DTLS 1.3: empty.
    pub session_id: &'a [u8],
    /// The chosen suite's code point.
    pub suite: u16,
    /// Extensions.
    pub extensions: Extensions<'a>,
}

impl<'a> ServerHello<'a> {
    /// Reads the body of the message.
    pub fn parse(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let legacy_version = reader.u16()?;
        let random = random(&mut reader)?;
        let session_id = reader.vec8()?;
        let suite = reader.u16()?;
        let compression = reader.u8()?;
        let extensions = Extensions::parse(&mut reader)?;
        finish(&reader)?;
        if session_id.len() > 32 {
            return Err(DecodeError::BadLength);
        }
        if compression != 0 {
            return Err(DecodeError::BadValue);
        }
        Ok(Self { legacy_version, random, session_id, suite, extensions })
    }

    /// Whether this is a HelloRetryRequest.
    pub fn is_retry(&self) -> bool {
        *self.random == RETRY_RANDOM
    }

    /// Whether the random says that the server could have done better than 1.2.
    pub fn is_downgrade(&self) -> bool {
        self.random.ends_with(&DOWNGRADE_TO_12) || self.random.ends_with(&DOWNGRADE_BELOW_12)
    }
}

/// Writes a ServerHello's body, with an empty session_id.
pub(crate) fn encode(random: &[u8; 32], suite: u16, extensions: impl FnOnce(&mut Encoder)) -> Vec<u8> {
    let mut out = Encoder::new();
    out.u16(0xfefd);
    out.bytes(random);
    out.vec8(|_| ());
    out.u16(suite);
    out.u8(0);
    out.vec16(extensions);
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_hello_round_trips() {
        let body = encode(&[9; 32], 0x1303, |_| ());
        let hello = ServerHello::parse(&body).unwrap();
        assert_eq!((hello.random, hello.suite, hello.is_retry()), (&[9; 32], 0x1303, false));
        assert!(hello.session_id.is_empty(), "never the client's");
        assert!(ServerHello::parse(&encode(&RETRY_RANDOM, 0x1301, |_| ())).unwrap().is_retry());
    }

    #[test]
    fn downgrade_marks_are_seen() {
        let mut random = [1; 32];
        random[24..].copy_from_slice(&DOWNGRADE_TO_12);
        assert!(ServerHello::parse(&encode(&random, 0xc02b, |_| ())).unwrap().is_downgrade());
        assert!(!ServerHello::parse(&encode(&[1; 32], 0xc02b, |_| ())).unwrap().is_downgrade());
    }

    proptest! {
        #[test]
        fn junk_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            let _ = ServerHello::parse(&bytes);
        }
    }
}
