//! Finding the public key in a certificate.
//!
//! Nothing else in it matters: trust comes from the fingerprint in the signalling (RFC 8827, section 6.5).

use super::x509::{Passed, Signed};
use crate::KeyKind;
use der::Decode;
use der::asn1::ObjectIdentifier;
use x509_cert::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

/// id-ecPublicKey.
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const SECP256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// A certificate's public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PublicKey<'a> {
    pub(crate) kind: KeyKind,
    /// The contents of the bit string: a point or an RSAPublicKey.
    pub(crate) bytes: &'a [u8],
}

/// The public key in a certificate's DER; `None` when the DER is broken or the key's kind is unknown.
pub(crate) fn public_key(certificate: &[u8]) -> Option<PublicKey<'_>> {
    let signed = Signed::from_der(certificate).ok()?;
    let passed: Passed<'_> = signed.to_be_signed.decode_as().ok()?;
    key_of(&passed.subject_public_key_info)
}

/// The public key in a whole SubjectPublicKeyInfo.
pub(crate) fn key_of_public_key_info(info: &[u8]) -> Option<PublicKey<'_>> {
    key_of(&SubjectPublicKeyInfoRef::from_der(info).ok()?)
}

fn key_of<'a>(info: &SubjectPublicKeyInfoRef<'a>) -> Option<PublicKey<'a>> {
    Some(PublicKey { kind: kind(&info.algorithm)?, bytes: info.subject_public_key.as_bytes()? })
}

fn kind(algorithm: &AlgorithmIdentifierRef<'_>) -> Option<KeyKind> {
    match algorithm.oid {
        RSA_ENCRYPTION => Some(KeyKind::Rsa),
        EC_PUBLIC_KEY => match algorithm.parameters_oid().ok()? {
            SECP256R1 => Some(KeyKind::EcdsaP256),
            SECP384R1 => Some(KeyKind::EcdsaP384),
            _ => None,
        },
        _ => None,
    }
}
