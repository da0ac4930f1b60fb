//! The default provider, on the RustCrypto crates: pure Rust, `no_std`, on every platform.

mod aead;
mod cipher;
mod hash;
mod kex;
mod sign;
mod verify;

use crate::{
    Aead, AeadAlgorithm, BlockCipher, CryptoError, CryptoProvider, Hash, HashAlgorithm, Hmac, KeyExchange,
    NamedGroup, Secret, SignatureScheme, SigningKey, StreamCipher, hybrid,
};
use alloc::boxed::Box;
use alloc::vec::Vec;
use sendrecv_core::Rng;

/// The provider on the RustCrypto crates.
pub fn rustcrypto() -> &'static dyn CryptoProvider {
    &RustCrypto
}

#[derive(Debug)]
pub(crate) struct RustCrypto;

impl CryptoProvider for RustCrypto {
    fn name(&self) -> &'static str {
        "rustcrypto"
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
        Ok(cipher::chacha20_mask(key, sample))
    }

    fn hash(&self, algorithm: HashAlgorithm) -> Result<Box<dyn Hash>, CryptoError> {
        Ok(hash::new(algorithm))
    }

    fn hmac(&self, algorithm: HashAlgorithm, key: &[u8]) -> Result<Box<dyn Hmac>, CryptoError> {
        hash::hmac(algorithm, key)
    }

    fn groups(&self) -> &'static [NamedGroup] {
        &[NamedGroup::X25519MlKem768, NamedGroup::X25519, NamedGroup::Secp256r1, NamedGroup::Secp384r1]
    }

    fn key_exchange_from(
        &self,
        group: NamedGroup,
        private: &[u8],
    ) -> Result<Box<dyn KeyExchange>, CryptoError> {
        Ok(match group {
            NamedGroup::Secp256r1 => Box::new(kex::Ecdh::<p256::NistP256>::new(group, private)?),
            NamedGroup::Secp384r1 => Box::new(kex::Ecdh::<p384::NistP384>::new(group, private)?),
            NamedGroup::X25519 => Box::new(kex::X25519::new(private)?),
            NamedGroup::X25519MlKem768 => Box::new(hybrid::Hybrid::new(self, private)?),
        })
    }

    fn key_exchange_answer(
        &self,
        group: NamedGroup,
        share: &[u8],
        rng: &mut Rng,
    ) -> Result<(Vec<u8>, Secret), CryptoError> {
        hybrid::answer(self, group, share, rng)
    }

    fn generate_p256(&self, rng: &mut Rng) -> Result<Box<dyn SigningKey>, CryptoError> {
        sign::generate_p256(rng)
    }

    fn import_pkcs8(&self, der: &[u8]) -> Result<Box<dyn SigningKey>, CryptoError> {
        sign::import_pkcs8(der)
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
