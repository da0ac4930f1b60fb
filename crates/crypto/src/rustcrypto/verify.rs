//! Checking signatures of peers.

use crate::provider::{P384_POINT_LEN, is_uncompressed};
use crate::{CryptoError, SignatureScheme};
use rsa::pkcs1::DecodeRsaPublicKey;
use rsa::signature::Verifier;
use rsa::signature::hazmat::PrehashVerifier;
use rsa::traits::PublicKeyParts;
use rsa::{RsaPublicKey, pkcs1v15, pss};
use sha2::{Digest, Sha256, Sha384, Sha512};

/// Shorter RSA keys are refused.
const MIN_RSA_BITS: u32 = 2048;

pub(super) fn verify(
    scheme: SignatureScheme,
    public_key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), CryptoError> {
    let pkcs1 = || pkcs1v15::Signature::try_from(signature);
    let pss = || pss::Signature::try_from(signature);
    match scheme {
        SignatureScheme::EcdsaSecp256r1Sha256 => ecdsa(public_key, &Sha256::digest(message), signature),
        SignatureScheme::EcdsaSecp384r1Sha384 => ecdsa(public_key, &Sha384::digest(message), signature),
        SignatureScheme::RsaPkcs1Sha256 => {
            check(rsa_key(public_key).map(pkcs1v15::VerifyingKey::<Sha256>::new), pkcs1(), message)
        }
        SignatureScheme::RsaPkcs1Sha384 => {
            check(rsa_key(public_key).map(pkcs1v15::VerifyingKey::<Sha384>::new), pkcs1(), message)
        }
        SignatureScheme::RsaPkcs1Sha512 => {
            check(rsa_key(public_key).map(pkcs1v15::VerifyingKey::<Sha512>::new), pkcs1(), message)
        }
        SignatureScheme::RsaPssRsaeSha256 => {
            check(rsa_key(public_key).map(pss::VerifyingKey::<Sha256>::new), pss(), message)
        }
        SignatureScheme::RsaPssRsaeSha384 => {
            check(rsa_key(public_key).map(pss::VerifyingKey::<Sha384>::new), pss(), message)
        }
        SignatureScheme::RsaPssRsaeSha512 => {
            check(rsa_key(public_key).map(pss::VerifyingKey::<Sha512>::new), pss(), message)
        }
    }
}

/// The length of the point tells the curve.
fn ecdsa(point: &[u8], digest: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
    if uncompressed(point)?.len() == P384_POINT_LEN {
        let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(point);
        check_digest(key, p384::ecdsa::DerSignature::from_bytes(signature), digest)
    } else {
        let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point);
        check_digest(key, p256::ecdsa::DerSignature::from_bytes(signature), digest)
    }
}

fn check_digest<K: PrehashVerifier<S>, S, E, F>(
    key: Result<K, E>,
    signature: Result<S, F>,
    digest: &[u8],
) -> Result<(), CryptoError> {
    let key = key.map_err(|_| CryptoError::InvalidKey)?;
    let signature = signature.map_err(|_| CryptoError::Unauthenticated)?;
    key.verify_prehash(digest, &signature).map_err(|_| CryptoError::Unauthenticated)
}

fn check<K: Verifier<S>, S, E, F>(
    key: Result<K, E>,
    signature: Result<S, F>,
    message: &[u8],
) -> Result<(), CryptoError> {
    let key = key.map_err(|_| CryptoError::InvalidKey)?;
    let signature = signature.map_err(|_| CryptoError::Unauthenticated)?;
    key.verify(message, &signature).map_err(|_| CryptoError::Unauthenticated)
}

fn uncompressed(point: &[u8]) -> Result<&[u8], CryptoError> {
    if is_uncompressed(point) { Ok(point) } else { Err(CryptoError::InvalidKey) }
}

fn rsa_key(der: &[u8]) -> Result<RsaPublicKey, CryptoError> {
    let key = RsaPublicKey::from_pkcs1_der(der).map_err(|_| CryptoError::InvalidKey)?;
    if key.n().bits() < MIN_RSA_BITS { Err(CryptoError::InvalidKey) } else { Ok(key) }
}
