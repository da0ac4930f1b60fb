//! The provider on AWS-LC: faster, but it needs `std` and a C compiler.
//!
//! AWS-LC draws its own randomness where an operation needs some. Here the seed must decide every byte, so whatever is
//! drawn is drawn outside and handed in; where AWS-LC cannot take it (ECDSA and RSA-PSS signing, ML-KEM), and for what
//! it lacks (MD5, the whole ChaCha20 mask), the RustCrypto provider does the work. Who can do without the seed's word has
//! [`aws_lc_rs_own_entropy`].

mod aead;
mod cipher;
mod hash;
mod hybrid;
mod kex;
mod own_entropy;
mod sign;
mod verify;

pub use own_entropy::aws_lc_rs_own_entropy;

use crate::rustcrypto::RustCrypto;
use crate::{
    Aead, AeadAlgorithm, BlockCipher, CryptoError, CryptoProvider, Hash, HashAlgorithm, Hmac, KeyExchange,
    NamedGroup, Secret, SignatureScheme, SigningKey, StreamCipher,
};
use alloc::boxed::Box;
use alloc::vec::Vec;
use sendrecv_core::Rng;

/// The provider on AWS-LC.
pub fn aws_lc_rs() -> &'static dyn CryptoProvider {
    &AwsLc
}

#[derive(Debug)]
struct AwsLc;

impl CryptoProvider for AwsLc {
    fn name(&self) -> &'static str {
        "aws-lc-rs"
    }

    fn aead(&self, algorithm: AeadAlgorithm, key: &[u8]) -> Result<Box<dyn Aead>, CryptoError> {
        aead::new(algorithm, key)
    }

    fn aes(&self, key: &[u8]) -> Result<Box<dyn BlockCipher>, CryptoError> {
        cipher::block(key)
    }

    fn aes_ctr(&self, key: &[u8]) -> Result<Box<dyn StreamCipher>, CryptoError> {
        cipher::stream(key)
    }

    fn chacha20_mask(&self, key: &[u8; 32], sample: &[u8; 16]) -> Result<[u8; 16], CryptoError> {
        RustCrypto.chacha20_mask(key, sample)
    }

    fn hash(&self, algorithm: HashAlgorithm) -> Result<Box<dyn Hash>, CryptoError> {
        hash::new(algorithm)
    }

    fn hmac(&self, algorithm: HashAlgorithm, key: &[u8]) -> Result<Box<dyn Hmac>, CryptoError> {
        hash::hmac(algorithm, key)
    }

    fn groups(&self) -> &'static [NamedGroup] {
        RustCrypto.groups()
    }

    fn key_exchange_from(
        &self,
        group: NamedGroup,
        private: &[u8],
    ) -> Result<Box<dyn KeyExchange>, CryptoError> {
        Ok(match group {
            NamedGroup::X25519MlKem768 => Box::new(crate::hybrid::Hybrid::new(self, private)?),
            _ => Box::new(kex::Agreement::new(group, private)?),
        })
    }

    fn key_exchange_answer(
        &self,
        group: NamedGroup,
        share: &[u8],
        rng: &mut Rng,
    ) -> Result<(Vec<u8>, Secret), CryptoError> {
        crate::hybrid::answer(self, group, share, rng)
    }

    fn generate_p256(&self, rng: &mut Rng) -> Result<Box<dyn SigningKey>, CryptoError> {
        RustCrypto.generate_p256(rng)
    }

    fn import_pkcs8(&self, der: &[u8]) -> Result<Box<dyn SigningKey>, CryptoError> {
        RustCrypto.import_pkcs8(der)
    }

    fn verify(
        &self,
        scheme: SignatureScheme,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        verify::verify(scheme, public_key, message, signature)
    }
}
