//! Signing with AWS-LC, which draws what a signature needs itself.

use crate::{CryptoError, Secret, SignatureScheme, SigningKey};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaEncoding,
};
use core::fmt;

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Rsa(Box<rsa::KeyPair>),
}

/// A key that AWS-LC signs with; its other properties are those of the key it was made from.
struct Signing {
    key: Box<dyn SigningKey>,
    pair: Pair,
}

/// Lets AWS-LC sign with this key.
pub(super) fn signing(key: Box<dyn SigningKey>) -> Result<Box<dyn SigningKey>, CryptoError> {
    let pkcs8 = key.to_pkcs8().ok_or(CryptoError::InvalidKey)?;
    let ecdsa = |algorithm| EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.expose()).map(Pair::Ecdsa);
    let pair = match key.schemes().first() {
        Some(SignatureScheme::EcdsaSecp256r1Sha256) => ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING),
        Some(SignatureScheme::EcdsaSecp384r1Sha384) => ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING),
        _ => rsa::KeyPair::from_pkcs8(pkcs8.expose()).map(|pair| Pair::Rsa(Box::new(pair))),
    };
    Ok(Box::new(Signing { pair: pair.map_err(|_| CryptoError::InvalidKey)?, key }))
}

impl fmt::Debug for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)
    }
}

impl SigningKey for Signing {
    fn schemes(&self) -> &'static [SignatureScheme] {
        self.key.schemes()
    }

    fn public_key_info(&self) -> &[u8] {
        self.key.public_key_info()
    }

    fn sign(
        &self,
        scheme: SignatureScheme,
        message: &[u8],
        _: &mut sendrecv_core::Rng,
    ) -> Result<Vec<u8>, CryptoError> {
        if !self.schemes().contains(&scheme) {
            return Err(CryptoError::Unsupported);
        }
        match &self.pair {
            Pair::Ecdsa(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message);
                Ok(signature.map_err(|_| CryptoError::InvalidKey)?.as_ref().to_vec())
            }
            Pair::Rsa(pair) => {
                let encoding: &'static dyn RsaEncoding = if scheme == SignatureScheme::RsaPkcs1Sha256 {
                    &RSA_PKCS1_SHA256
                } else {
                    &RSA_PSS_SHA256
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &SystemRandom::new(), message, &mut signature)
                    .map_err(|_| CryptoError::InvalidKey)?;
                Ok(signature)
            }
        }
    }

    fn to_pkcs8(&self) -> Option<Secret> {
        self.key.to_pkcs8()
    }
}
