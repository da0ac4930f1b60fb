//! DTLS 1.2's ECDHE key exchange messages (RFC 8422, sections 5.4 and 5.7).
//!
//! ```text
//! ServerKeyExchange: | curve_type 3: named_curve | group (16) | point with length (8) | DigitallySigned |
//! ClientKeyExchange: | point with length (8) |
//! ```

use super::certificate_verify::DigitallySigned;
use super::{DecodeError, Encoder, finish};
use alloc::vec::Vec;
use sendrecv_core::Reader;

const NAMED_CURVE: u8 = 3;

/// A ServerKeyExchange, borrowed from its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerKeyExchange<'a> {
    /// The group's code point.
    pub group: u16,
    /// The server's public share.
    pub point: &'a [u8],
    /// The bytes the signature covers, behind the two randoms.
    pub parameters: &'a [u8],
    /// The signature.
    pub signed: DigitallySigned<'a>,
}

impl<'a> ServerKeyExchange<'a> {
    /// Reads the body of the message.
    pub fn parse(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        if reader.u8()? != NAMED_CURVE {
            return Err(DecodeError::BadValue);
        }
        let (group, point) = (reader.u16()?, reader.vec8()?);
        let parameters = body.get(..body.len().saturating_sub(reader.remaining())).unwrap_or_default();
        let signed = DigitallySigned::read(&mut reader)?;
        finish(&reader)?;
        Ok(Self { group, point, parameters, signed })
    }
}

/// The part of a ServerKeyExchange that is signed, behind the two randoms.
pub(crate) fn server_parameters(group: u16, point: &[u8]) -> Vec<u8> {
    let mut out = Encoder::new();
    out.u8(NAMED_CURVE);
    out.u16(group);
    out.vec8(|out| out.bytes(point));
    out.finish()
}

/// The client's public share in a ClientKeyExchange.
pub fn client_point(body: &[u8]) -> Result<&[u8], DecodeError> {
    super::extension::opaque8(body)
}

/// Writes a ClientKeyExchange's body.
pub(crate) fn encode_client(point: &[u8]) -> Vec<u8> {
    let mut out = Encoder::new();
    out.vec8(|out| out.bytes(point));
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::certificate_verify;
    use proptest::prelude::*;
    use sendrecv_crypto::SignatureScheme;

    #[test]
    fn both_messages_round_trip() {
        let parameters = server_parameters(0x1d, b"point");
        let signed = certificate_verify::encode(SignatureScheme::RsaPkcs1Sha256, b"sig");
        let body = [parameters.clone(), signed].concat();
        let parsed = ServerKeyExchange::parse(&body).unwrap();
        assert_eq!((parsed.group, parsed.point, parsed.parameters), (0x1d, &b"point"[..], &parameters[..]));
        assert_eq!(parsed.signed.signature, b"sig");
        assert_eq!(client_point(&encode_client(b"point")), Ok(&b"point"[..]));
    }

    proptest! {
        #[test]
        fn junk_never_panics(bytes: Vec<u8>) {
            let _ = (ServerKeyExchange::parse(&bytes), client_point(&bytes));
        }
    }
}
