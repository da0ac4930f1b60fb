//! Finding the public key in a certificate (RFC 5280, section 4.1).
//!
//! ```text
//! Certificate    SEQUENCE { tbsCertificate, signatureAlgorithm, signature }
//! tbsCertificate SEQUENCE { [0] version, serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, … }
//! subjectPublicKeyInfo SEQUENCE { SEQUENCE { algorithm OID, parameters }, BIT STRING }
//! ```
//!
//! Nothing else in it matters: trust comes from the fingerprint in the signalling (RFC 8827, section 6.5).

use super::der::{self, BIT_STRING, INTEGER, OBJECT_IDENTIFIER, SEQUENCE, VERSION};
use crate::KeyKind;
use sendrecv_core::Reader;

/// 1.2.840.10045.2.1, id-ecPublicKey.
pub(super) const OID_EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// 1.2.840.10045.3.1.7, secp256r1.
const OID_SECP256R1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// 1.3.132.0.34, secp384r1.
const OID_SECP384R1: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
/// 1.2.840.113549.1.1.1, rsaEncryption.
const OID_RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// A certificate's public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PublicKey<'a> {
    pub(crate) kind: KeyKind,
    /// The contents of the bit string: a point or an RSAPublicKey.
    pub(crate) bytes: &'a [u8],
}

/// The public key in a certificate's DER; `None` when the DER is broken or the key's kind is unknown.
pub(crate) fn public_key(certificate: &[u8]) -> Option<PublicKey<'_>> {
    let mut outer = Reader::new(certificate);
    let mut certificate = Reader::new(der::expect(&mut outer, SEQUENCE)?);
    let mut fields = Reader::new(der::expect(&mut certificate, SEQUENCE)?);
    if !outer.is_empty() {
        return None;
    }
    if fields.peek().first() == Some(&VERSION) {
        der::next(&mut fields)?;
    }
    der::expect(&mut fields, INTEGER)?;
    // signature, issuer, validity, subject
    for _ in 0..4 {
        der::expect(&mut fields, SEQUENCE)?;
    }
    let info = der::expect(&mut fields, SEQUENCE)?;
    key_of_info(info)
}

/// The public key in a whole SubjectPublicKeyInfo.
pub(crate) fn key_of_public_key_info(info: &[u8]) -> Option<PublicKey<'_>> {
    key_of_info(der::expect(&mut Reader::new(info), SEQUENCE)?)
}

fn key_of_info(info: &[u8]) -> Option<PublicKey<'_>> {
    let mut info = Reader::new(info);
    let mut algorithm = Reader::new(der::expect(&mut info, SEQUENCE)?);
    let bytes = der::whole_bytes(der::expect(&mut info, BIT_STRING)?)?;
    let oid = der::expect(&mut algorithm, OBJECT_IDENTIFIER)?;
    let kind = if oid == OID_RSA_ENCRYPTION {
        KeyKind::Rsa
    } else if oid == OID_EC_PUBLIC_KEY {
        curve(der::expect(&mut algorithm, OBJECT_IDENTIFIER)?)?
    } else {
        return None;
    };
    Some(PublicKey { kind, bytes })
}

fn curve(oid: &[u8]) -> Option<KeyKind> {
    if oid == OID_SECP256R1 {
        Some(KeyKind::EcdsaP256)
    } else if oid == OID_SECP384R1 {
        Some(KeyKind::EcdsaP384)
    } else {
        None
    }
}
