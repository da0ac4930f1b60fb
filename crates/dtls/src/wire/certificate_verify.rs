//! CertificateVerify (RFC 5246, section 7.4.8; RFC 8446, section 4.4.3).
//!
//! ```text
//! | signature scheme (16) | signature with length (16) |
//! ```

use super::{DecodeError, Encoder, finish};
use alloc::vec::Vec;
use sendrecv_core::Reader;
use sendrecv_crypto::SignatureScheme;

/// A signature and what made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigitallySigned<'a> {
    /// The scheme's code point.
    pub scheme: u16,
    /// The signature.
    pub signature: &'a [u8],
}

impl<'a> DigitallySigned<'a> {
    /// Reads the body of the message.
    pub fn parse(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let signed = Self::read(&mut reader)?;
        finish(&reader)?;
        Ok(signed)
    }

    /// Reads the structure where it is part of a message.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self { scheme: reader.u16()?, signature: reader.vec16()? })
    }
}

/// Writes the structure, which is also a CertificateVerify's body.
pub(crate) fn encode(scheme: SignatureScheme, signature: &[u8]) -> Vec<u8> {
    let mut out = Encoder::new();
    out.u16(scheme.code());
    out.vec16(|out| out.bytes(signature));
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_round_trips() {
        let body = encode(SignatureScheme::EcdsaSecp256r1Sha256, b"sig");
        let signed = DigitallySigned::parse(&body).unwrap();
        assert_eq!((signed.scheme, signed.signature), (0x0403, &b"sig"[..]));
        assert_eq!(DigitallySigned::parse(&body[..6]), Err(DecodeError::Truncated));
    }
}
