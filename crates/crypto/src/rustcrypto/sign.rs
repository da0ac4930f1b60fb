//! Private signing keys: ECDSA on the NIST curves, and RSA.

use crate::provider::draw;
use crate::{CryptoError, Secret, SignatureScheme, SigningKey};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use p256::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey};
use rsa::signature::{RandomizedSigner, SignatureEncoding, Signer};
use rsa::{RsaPrivateKey, pkcs1v15, pss};
use sendrecv_core::Rng;
use sha2::Sha256;

pub(super) fn generate_p256(rng: &mut Rng) -> Result<Box<dyn SigningKey>, CryptoError> {
    let key = draw(32, rng, |private| {
        p256::ecdsa::SigningKey::from_slice(private).map_err(|_| CryptoError::InvalidKey)
    })?;
    Ok(Box::new(Private::new(Key::P256(Box::new(key)))?))
}

pub(super) fn import_pkcs8(der: &[u8]) -> Result<Box<dyn SigningKey>, CryptoError> {
    let p256 = || p256::ecdsa::SigningKey::from_pkcs8_der(der).map(|key| Key::P256(Box::new(key)));
    let p384 = || p384::ecdsa::SigningKey::from_pkcs8_der(der).map(|key| Key::P384(Box::new(key)));
    let rsa = || RsaPrivateKey::from_pkcs8_der(der).map(|key| Key::Rsa(Box::new(key)));
    let key = p256().or_else(|_| p384()).or_else(|_| rsa()).map_err(|_| CryptoError::InvalidKey)?;
    Ok(Box::new(Private::new(key)?))
}

enum Key {
    P256(Box<p256::ecdsa::SigningKey>),
    P384(Box<p384::ecdsa::SigningKey>),
    Rsa(Box<RsaPrivateKey>),
}

/// A private key beside the DER of its public half.
struct Private {
    key: Key,
    public_key_info: Vec<u8>,
}

impl Private {
    fn new(key: Key) -> Result<Self, CryptoError> {
        let public_key_info = match &key {
            Key::P256(key) => key.verifying_key().to_public_key_der(),
            Key::P384(key) => key.verifying_key().to_public_key_der(),
            Key::Rsa(key) => key.to_public_key().to_public_key_der(),
        };
        let public_key_info = public_key_info.map_err(|_| CryptoError::InvalidKey)?.into_vec();
        Ok(Self { key, public_key_info })
    }
}

impl fmt::Debug for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("schemes", &self.schemes()).finish_non_exhaustive()
    }
}

impl SigningKey for Private {
    fn schemes(&self) -> &'static [SignatureScheme] {
        match self.key {
            Key::P256(_) => &[SignatureScheme::EcdsaSecp256r1Sha256],
            Key::P384(_) => &[SignatureScheme::EcdsaSecp384r1Sha384],
            Key::Rsa(_) => &[SignatureScheme::RsaPssRsaeSha256, SignatureScheme::RsaPkcs1Sha256],
        }
    }

    fn public_key_info(&self) -> &[u8] {
        &self.public_key_info
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8], rng: &mut Rng) -> Result<Vec<u8>, CryptoError> {
        match (&self.key, scheme) {
            (Key::P256(key), SignatureScheme::EcdsaSecp256r1Sha256) => {
                signed(key.try_sign(message).map(|signature: p256::ecdsa::DerSignature| signature.to_vec()))
            }
            (Key::P384(key), SignatureScheme::EcdsaSecp384r1Sha384) => {
                signed(key.try_sign(message).map(|signature: p384::ecdsa::DerSignature| signature.to_vec()))
            }
            (Key::Rsa(key), SignatureScheme::RsaPssRsaeSha256) => {
                let key = pss::SigningKey::<Sha256>::new(RsaPrivateKey::clone(key));
                signed(key.try_sign_with_rng(rng, message).map(|signature| signature.to_vec()))
            }
            (Key::Rsa(key), SignatureScheme::RsaPkcs1Sha256) => {
                let key = pkcs1v15::SigningKey::<Sha256>::new(RsaPrivateKey::clone(key));
                signed(key.try_sign_with_rng(rng, message).map(|signature| signature.to_vec()))
            }
            _ => Err(CryptoError::Unsupported),
        }
    }

    fn to_pkcs8(&self) -> Option<Secret> {
        let der = match &self.key {
            Key::P256(key) => key.to_pkcs8_der(),
            Key::P384(key) => key.to_pkcs8_der(),
            Key::Rsa(key) => key.to_pkcs8_der(),
        };
        der.ok().map(|der| Secret::from(der.as_bytes()))
    }
}

fn signed<E>(signature: Result<Vec<u8>, E>) -> Result<Vec<u8>, CryptoError> {
    signature.map_err(|_| CryptoError::InvalidKey)
}
