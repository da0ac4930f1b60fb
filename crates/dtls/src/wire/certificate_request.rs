//! CertificateRequest (RFC 5246, section 7.4.4; RFC 8446, section 4.3.2).
//!
//! ```text
//! 1.2: | certificate types with length (8) | signature schemes with length (16) | authorities with length (16) |
//! 1.3: | request context with length (8)   | extensions, signature_algorithms among them                       |
//! ```

use super::extension::{self, Extensions, SIGNATURE_ALGORITHMS};
use super::{DecodeError, Encoder, codes, finish};
use crate::Version;
use alloc::vec::Vec;
use sendrecv_core::Reader;
use sendrecv_crypto::SignatureScheme;

/// rsa_sign of ClientCertificateType.
const RSA_SIGN: u8 = 1;
/// ecdsa_sign of ClientCertificateType (RFC 8422, section 5.5).
const ECDSA_SIGN: u8 = 64;

/// Reads the body and returns the code points of the signature schemes the server takes.
pub fn parse(version: Version, body: &[u8]) -> Result<impl Iterator<Item = u16> + Clone + '_, DecodeError> {
    let mut reader = Reader::new(body);
    let first = reader.vec8()?;
    let schemes = match version {
        Version::Dtls12 => {
            let schemes = super::code_list(&mut reader)?;
            reader.vec16()?;
            schemes
        }
        Version::Dtls13 => {
            if !first.is_empty() {
                return Err(DecodeError::BadValue);
            }
            let extensions = Extensions::parse(&mut reader)?;
            let content = extensions.get(SIGNATURE_ALGORITHMS).ok_or(DecodeError::BadValue)?;
            super::code_list(&mut Reader::new(content))?
        }
    };
    finish(&reader)?;
    Ok(codes(schemes))
}

/// Writes the body. There is no certificate_authorities extension: an empty one is refused by BoringSSL.
pub(crate) fn encode(version: Version, schemes: &[SignatureScheme]) -> Vec<u8> {
    let codes = schemes.iter().map(|scheme| scheme.code());
    let mut out = Encoder::new();
    match version {
        Version::Dtls12 => {
            out.vec8(|out| out.bytes(&[ECDSA_SIGN, RSA_SIGN]));
            out.vec16(|out| codes.for_each(|code| out.u16(code)));
            out.vec16(|_| ());
        }
        Version::Dtls13 => {
            out.vec8(|_| ());
            out.vec16(|out| extension::put_code_points(out, SIGNATURE_ALGORITHMS, codes));
        }
    }
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn schemes_round_trip_in_both_versions() {
        let schemes = [SignatureScheme::EcdsaSecp256r1Sha256, SignatureScheme::RsaPssRsaeSha256];
        for version in [Version::Dtls12, Version::Dtls13] {
            let body = encode(version, &schemes);
            assert_eq!(parse(version, &body).unwrap().collect::<Vec<_>>(), [0x0403, 0x0804]);
        }
    }

    proptest! {
        #[test]
        fn junk_never_panics(bytes: Vec<u8>) {
            let _ = (parse(Version::Dtls12, &bytes).is_ok(), parse(Version::Dtls13, &bytes).is_ok());
        }
    }
}
