//! Certificate (RFC 5246, section 7.4.2; RFC 8446, section 4.4.2).
//!
//! ```text
//! 1.2:                                      | length (24) | certificates: length (24), DER             |
//! 1.3: request context with length (8)      | length (24) | certificates: length (24), DER, extensions |
//! ```

use super::extension::Extensions;
use super::{DecodeError, Encoder, finish};
use crate::Version;
use alloc::vec::Vec;
use sendrecv_core::Reader;

/// Reads the body of the message and returns the end entity's certificate, or `None` when the list is empty. The rest of
/// the chain is only checked for its form: fingerprints are over the first.
pub fn parse(version: Version, body: &[u8]) -> Result<Option<&[u8]>, DecodeError> {
    let mut reader = Reader::new(body);
    if version == Version::Dtls13 && !reader.vec8()?.is_empty() {
        return Err(DecodeError::BadValue);
    }
    let mut list = Reader::new(reader.vec24()?);
    finish(&reader)?;
    let mut first = None;
    while !list.is_empty() {
        let certificate = list.vec24()?;
        if certificate.is_empty() {
            return Err(DecodeError::BadLength);
        }
        if version == Version::Dtls13 {
            Extensions::parse(&mut Reader::new(list.peek()))?;
            list.vec16()?;
        }
        first = first.or(Some(certificate));
    }
    Ok(first)
}

/// Writes the body with this one certificate.
pub(crate) fn encode(version: Version, certificate: &[u8]) -> Vec<u8> {
    let mut out = Encoder::new();
    if version == Version::Dtls13 {
        out.vec8(|_| ());
    }
    out.vec24(|out| {
        out.vec24(|out| out.bytes(certificate));
        if version == Version::Dtls13 {
            out.vec16(|_| ());
        }
    });
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_certificate_is_found_in_both_versions() {
        for version in [Version::Dtls12, Version::Dtls13] {
            assert_eq!(parse(version, &encode(version, b"der")), Ok(Some(&b"der"[..])));
        }
        assert_eq!(parse(Version::Dtls12, &[0, 0, 0]), Ok(None));
        assert_eq!(parse(Version::Dtls13, &[0, 0, 0, 0]), Ok(None));
    }

    proptest! {
        #[test]
        fn junk_never_panics(bytes: Vec<u8>) {
            let _ = (parse(Version::Dtls12, &bytes), parse(Version::Dtls13, &bytes));
        }
    }
}
