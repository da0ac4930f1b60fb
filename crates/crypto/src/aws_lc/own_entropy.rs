//! The provider on AWS-LC that draws its own randomness: for speed, where no two runs need to be alike.
//!
//! AWS-LC takes no randomness from outside for signatures and for ML-KEM, so that the provider whose every byte comes from
//! the seed has RustCrypto do those, which takes four times as long. Here AWS-LC does them, and draws its key shares, too.

use super::{AwsLc, hybrid, kex, sign};
use crate::rustcrypto::RustCrypto;
use crate::{
    Aead, AeadAlgorithm, BlockCipher, CryptoError, CryptoProvider, Hash, HashAlgorithm, Hmac, KeyExchange,
    NamedGroup, Secret, SignatureScheme, SigningKey, StreamCipher,
};
use alloc::boxed::Box;
use alloc::vec::Vec;
use sendrecv_core::Rng;

/// The provider on AWS-LC with randomness of AWS-LC's own for signatures and key exchanges.
///
/// It is several times as fast at handshakes as [`aws_lc_rs`](super::aws_lc_rs), and as safe. But equal seeds give other
/// signatures, shares and session keys in every run: what was recorded cannot be played again, and recording refuses it.
/// Keys for certificates still come from the seed; their signatures, and with them the fingerprints, do not.
pub fn aws_lc_rs_own_entropy() -> &'static dyn CryptoProvider {
    &OwnEntropy
}

#[derive(Debug)]
struct OwnEntropy;

impl CryptoProvider for OwnEntropy {
    fn name(&self) -> &'static str {
        "aws-lc-rs-own-entropy"
    }

    fn is_deterministic(&self) -> bool {
        false
    }

    fn aead(&self, algorithm: AeadAlgorithm, key: &[u8]) -> Result<Box<dyn Aead>, CryptoError> {
        AwsLc.aead(algorithm, key)
    }

    fn aes(&self, key: &[u8]) -> Result<Box<dyn BlockCipher>, CryptoError> {
        AwsLc.aes(key)
    }

    fn aes_ctr(&self, key: &[u8]) -> Result<Box<dyn StreamCipher>, CryptoError> {
        AwsLc.aes_ctr(key)
    }

    fn chacha20_mask(&self, key: &[u8; 32], sample: &[u8; 16]) -> Result<[u8; 16], CryptoError> {
        AwsLc.chacha20_mask(key, sample)
    }

    fn hash(&self, algorithm: HashAlgorithm) -> Result<Box<dyn Hash>, CryptoError> {
        AwsLc.hash(algorithm)
    }

    fn hmac(&self, algorithm: HashAlgorithm, key: &[u8]) -> Result<Box<dyn Hmac>, CryptoError> {
        AwsLc.hmac(algorithm, key)
    }

    fn groups(&self) -> &'static [NamedGroup] {
        AwsLc.groups()
    }

    fn key_exchange_from(
        &self,
        group: NamedGroup,
        private: &[u8],
    ) -> Result<Box<dyn KeyExchange>, CryptoError> {
        AwsLc.key_exchange_from(group, private)
    }

    fn key_exchange(&self, group: NamedGroup, _: &mut Rng) -> Result<Box<dyn KeyExchange>, CryptoError> {
        Ok(match group {
            NamedGroup::X25519MlKem768 => Box::new(hybrid::Hybrid::generate()?),
            _ => Box::new(kex::Agreement::generate(group)?),
        })
    }

    fn key_exchange_answer(
        &self,
        group: NamedGroup,
        share: &[u8],
        _: &mut Rng,
    ) -> Result<(Vec<u8>, Secret), CryptoError> {
        match group {
            NamedGroup::X25519MlKem768 => hybrid::encapsulate(share),
            _ => kex::answer(group, share),
        }
    }

    fn generate_p256(&self, rng: &mut Rng) -> Result<Box<dyn SigningKey>, CryptoError> {
        sign::signing(RustCrypto.generate_p256(rng)?)
    }

    fn import_pkcs8(&self, der: &[u8]) -> Result<Box<dyn SigningKey>, CryptoError> {
        sign::signing(RustCrypto.import_pkcs8(der)?)
    }

    fn verify(
        &self,
        scheme: SignatureScheme,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        AwsLc.verify(scheme, public_key, message, signature)
    }
}
