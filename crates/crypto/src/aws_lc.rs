//! The provider on AWS-LC: faster, but it needs `std` and a C compiler.
//!
//! AWS-LC draws its own randomness where an operation needs some. Where the seed must decide every byte, whatever is
//! drawn is drawn outside and handed in, and where AWS-LC cannot take it (ECDSA and RSA-PSS signing, ML-KEM), the
//! RustCrypto provider does the work, in four to seven times the time. Who can do without the seed's word has
//! [`aws_lc_rs_own_entropy`]. What AWS-LC lacks (MD5, the whole ChaCha20 mask) is RustCrypto's in either case.

mod aead;
mod cipher;
mod hash;
mod hybrid;
mod kex;
mod sign;
mod verify;

use crate::provider::draw;
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
    &AwsLc { entropy: Entropy::Seed }
}

/// The provider on AWS-LC with randomness of AWS-LC's own for signatures and key exchanges.
///
/// It is several times as fast at handshakes as [`aws_lc_rs`], and as safe. But equal seeds give other signatures, shares
/// and session keys in every run: what was recorded cannot be played again, and recording refuses it. Keys for
/// certificates still come from the seed; their signatures, and with them the fingerprints, do not.
pub fn aws_lc_rs_own_entropy() -> &'static dyn CryptoProvider {
    &AwsLc { entropy: Entropy::Own }
}

#[derive(Debug)]
struct AwsLc {
    entropy: Entropy,
}

/// Where the randomness of signatures and key exchanges comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entropy {
    Seed,
    Own,
}

impl AwsLc {
    /// Lets whoever has the word about randomness sign with this key.
    fn signing(&self, key: Box<dyn SigningKey>) -> Result<Box<dyn SigningKey>, CryptoError> {
        match self.entropy {
            Entropy::Seed => Ok(key),
            Entropy::Own => sign::signing(key),
        }
    }
}

impl CryptoProvider for AwsLc {
    fn name(&self) -> &'static str {
        match self.entropy {
            Entropy::Seed => "aws-lc-rs",
            Entropy::Own => "aws-lc-rs-own-entropy",
        }
    }

    fn is_deterministic(&self) -> bool {
        self.entropy == Entropy::Seed
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

    fn key_exchange(&self, group: NamedGroup, rng: &mut Rng) -> Result<Box<dyn KeyExchange>, CryptoError> {
        match (self.entropy, group) {
            (Entropy::Seed, _) => {
                draw(group.private_len(), rng, |private| self.key_exchange_from(group, private))
            }
            (Entropy::Own, NamedGroup::X25519MlKem768) => hybrid::generate(self, rng),
            (Entropy::Own, _) => Ok(Box::new(kex::Agreement::generate(group)?)),
        }
    }

    fn key_exchange_answer(
        &self,
        group: NamedGroup,
        share: &[u8],
        rng: &mut Rng,
    ) -> Result<(Vec<u8>, Secret), CryptoError> {
        match (self.entropy, group) {
            (Entropy::Own, NamedGroup::X25519MlKem768) => hybrid::encapsulate(self, share, rng),
            _ => crate::hybrid::answer(self, group, share, rng),
        }
    }

    fn generate_p256(&self, rng: &mut Rng) -> Result<Box<dyn SigningKey>, CryptoError> {
        self.signing(RustCrypto.generate_p256(rng)?)
    }

    fn import_pkcs8(&self, der: &[u8]) -> Result<Box<dyn SigningKey>, CryptoError> {
        self.signing(RustCrypto.import_pkcs8(der)?)
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
