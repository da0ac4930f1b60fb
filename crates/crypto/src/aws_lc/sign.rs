//! Private signing keys: deterministic ECDSA on P-256, and the rest by RustCrypto.
//!
//! AWS-LC draws a signature's nonce itself. Here it must come of the key and the message (RFC 6979), so that equal seeds
//! give equal bytes: AWS-LC multiplies the base point with a nonce made outside, and the few operations with scalars
//! that are left are RustCrypto's, in constant time like AWS-LC's.

use crate::rustcrypto::RustCrypto;
use crate::{CryptoError, CryptoProvider, Secret, SignatureScheme, SigningKey};
use alloc::boxed::Box;
use alloc::vec::Vec;
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use core::fmt;
use p256::ecdsa::Signature;
use p256::elliptic_curve::ops::Reduce;
use p256::elliptic_curve::{Curve, PrimeField};
use p256::pkcs8::DecodePrivateKey;
use p256::{FieldBytes, NistP256, Scalar};
use rfc6979::KGenerator;
use sendrecv_core::Rng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// A nonce is useless less than once in 2²⁵⁰ times: trying twice is once more than needed.
const MAX_NONCES: usize = 2;

pub(super) fn generate_p256(rng: &mut Rng) -> Result<Box<dyn SigningKey>, CryptoError> {
    faster(RustCrypto.generate_p256(rng)?)
}

pub(super) fn import_pkcs8(der: &[u8]) -> Result<Box<dyn SigningKey>, CryptoError> {
    faster(RustCrypto.import_pkcs8(der)?)
}

/// The same key, with P-256's signatures made here.
fn faster(key: Box<dyn SigningKey>) -> Result<Box<dyn SigningKey>, CryptoError> {
    if key.schemes() != [SignatureScheme::EcdsaSecp256r1Sha256] {
        return Ok(key);
    }
    let der = key.to_pkcs8().ok_or(CryptoError::InvalidKey)?;
    let secret = p256::SecretKey::from_pkcs8_der(der.expose()).map_err(|_| CryptoError::InvalidKey)?;
    Ok(Box::new(P256 { secret, key }))
}

struct P256 {
    secret: p256::SecretKey,
    key: Box<dyn SigningKey>,
}

impl P256 {
    fn sign_digest(&self, digest: &FieldBytes) -> Result<Signature, CryptoError> {
        let secret = Zeroizing::new(*self.secret.to_nonzero_scalar());
        let (order, bytes) = (NistP256::ORDER, Zeroizing::new(secret.to_repr()));
        let mut nonces = KGenerator::<Sha256, <NistP256 as Curve>::Uint>::new(&bytes, digest, &[], &order);
        let (mut nonce, mut blind) =
            (Zeroizing::new(FieldBytes::default()), Zeroizing::new(FieldBytes::default()));
        for _ in 0..MAX_NONCES {
            nonces.fill_next_k(&mut nonce);
            nonces.fill_next_k(&mut blind);
            if let Some(signature) = sign_with(&secret, &nonce, &blind, digest)? {
                return Ok(signature);
            }
        }
        Err(CryptoError::InvalidKey)
    }
}

/// A signature with this nonce (FIPS 186-5, section 6.4.1); `None` when the nonce is one of the few that are useless.
fn sign_with(
    secret: &Scalar,
    nonce: &FieldBytes,
    blind: &FieldBytes,
    digest: &FieldBytes,
) -> Result<Option<Signature>, CryptoError> {
    let point = PrivateKey::from_private_key(&ECDH_P256, nonce).map_err(|_| CryptoError::InvalidKey)?;
    let point = point.compute_public_key().map_err(|_| CryptoError::InvalidKey)?;
    let x = point.as_ref().get(1..33).and_then(|x| <&FieldBytes>::try_from(x).ok());
    let r = Scalar::reduce(x.ok_or(CryptoError::InvalidKey)?);
    let [nonce, blind] =
        [nonce, blind].map(|bytes| Zeroizing::new(<Scalar as Reduce<FieldBytes>>::reduce(bytes)));
    // The time an inversion takes tells of what is inverted: here it is a product with a secret that is used once.
    let inverse = Option::<Scalar>::from((*nonce * *blind).invert_vartime()).map(Zeroizing::new);
    let s = *inverse.ok_or(CryptoError::InvalidKey)? * *blind * (Scalar::reduce(digest) + r * secret);
    Ok(Signature::from_scalars(r, s).ok())
}

impl SigningKey for P256 {
    fn schemes(&self) -> &'static [SignatureScheme] {
        self.key.schemes()
    }

    fn public_key_info(&self) -> &[u8] {
        self.key.public_key_info()
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8], _: &mut Rng) -> Result<Vec<u8>, CryptoError> {
        if scheme != SignatureScheme::EcdsaSecp256r1Sha256 {
            return Err(CryptoError::Unsupported);
        }
        Ok(self.sign_digest(&Sha256::digest(message))?.to_der().as_bytes().to_vec())
    }

    fn to_pkcs8(&self) -> Option<Secret> {
        self.key.to_pkcs8()
    }
}

impl fmt::Debug for P256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)
    }
}
