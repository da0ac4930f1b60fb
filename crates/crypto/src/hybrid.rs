//! X25519MLKEM768 (draft-ietf-tls-ecdhe-mlkem): the ML-KEM part comes first, in the shares and in the secret.
//!
//! ```text
//! client share = encapsulation key (1184) || X25519 (32)
//! server share = ciphertext (1088)        || X25519 (32)
//! secret       = ML-KEM secret (32)       || X25519 secret (32)
//! ```

use crate::{CryptoError, CryptoProvider, KeyExchange, NamedGroup, Secret};
use alloc::boxed::Box;
use alloc::vec::Vec;
use ml_kem::ml_kem_768::{DecapsulationKey, EncapsulationKey};
use ml_kem::{Decapsulate, Encapsulate, KeyExport};
use sendrecv_core::Rng;

pub(crate) const ENCAPSULATION_KEY_LEN: usize = 1184;
const CIPHERTEXT_LEN: usize = 1088;

/// What opens the ML-KEM part of a server's share.
pub(crate) trait Decapsulation {
    /// The ML-KEM secret in `ciphertext`.
    fn open(&self, ciphertext: &[u8]) -> Result<Secret, CryptoError>;
}

impl Decapsulation for DecapsulationKey {
    fn open(&self, ciphertext: &[u8]) -> Result<Secret, CryptoError> {
        let secret = self.decapsulate_slice(ciphertext).map_err(|_| CryptoError::InvalidKey)?;
        Ok(Secret::from(secret.as_slice()))
    }
}

/// The client's private share, with the ML-KEM of some library.
pub(crate) struct Hybrid<K> {
    ml_kem: K,
    x25519: Box<dyn KeyExchange>,
    share: Vec<u8>,
}

impl Hybrid<DecapsulationKey> {
    /// With ML-KEM of RustCrypto, X25519 of the provider, both made of `private`.
    pub(crate) fn new(provider: &dyn CryptoProvider, private: &[u8]) -> Result<Self, CryptoError> {
        let (seed, x25519) = private.split_first_chunk::<64>().ok_or(CryptoError::InvalidKey)?;
        let ml_kem = DecapsulationKey::from_seed((*seed).into());
        let x25519 = provider.key_exchange_from(NamedGroup::X25519, x25519)?;
        let public = ml_kem.encapsulation_key().to_bytes();
        Ok(Self::with(ml_kem, &public, x25519))
    }
}

impl<K> Hybrid<K> {
    /// Of the two private keys, and the public one of the first.
    pub(crate) fn with(ml_kem: K, public: &[u8], x25519: Box<dyn KeyExchange>) -> Self {
        let share = [public, x25519.public_share()].concat();
        Self { ml_kem, x25519, share }
    }
}

impl<K: Decapsulation + Send + Sync> KeyExchange for Hybrid<K> {
    fn group(&self) -> NamedGroup {
        NamedGroup::X25519MlKem768
    }

    fn public_share(&self) -> &[u8] {
        &self.share
    }

    fn complete(self: Box<Self>, peer_share: &[u8]) -> Result<Secret, CryptoError> {
        let (ciphertext, point) =
            peer_share.split_at_checked(CIPHERTEXT_LEN).ok_or(CryptoError::InvalidKey)?;
        let agreed = self.x25519.complete(point)?;
        Ok(joined(self.ml_kem.open(ciphertext)?.expose(), &agreed))
    }
}

/// [`CryptoProvider::key_exchange_answer`]: an encapsulation for the hybrid, a plain agreement for the other groups.
pub(crate) fn answer(
    provider: &dyn CryptoProvider,
    group: NamedGroup,
    share: &[u8],
    rng: &mut Rng,
) -> Result<(Vec<u8>, Secret), CryptoError> {
    if group == NamedGroup::X25519MlKem768 {
        return encapsulate(provider, share, rng);
    }
    let ours = provider.key_exchange(group, rng)?;
    let public = ours.public_share().to_vec();
    Ok((public, ours.complete(share)?))
}

/// The server's side: encapsulates to the client's key, after the modulus check of FIPS 203, section 7.2.
fn encapsulate(
    provider: &dyn CryptoProvider,
    share: &[u8],
    rng: &mut Rng,
) -> Result<(Vec<u8>, Secret), CryptoError> {
    let (key, point) = share.split_at_checked(ENCAPSULATION_KEY_LEN).ok_or(CryptoError::InvalidKey)?;
    let key = key.try_into().map_err(|_| CryptoError::InvalidKey)?;
    let key = EncapsulationKey::new(key).map_err(|_| CryptoError::InvalidKey)?;
    let (point, agreed) = answer(provider, NamedGroup::X25519, point, rng)?;
    let (ciphertext, encapsulated) = key.encapsulate_with_rng(rng);
    Ok(([&*ciphertext, &point].concat(), joined(&encapsulated, &agreed)))
}

/// The hybrid's secret.
pub(crate) fn joined(ml_kem: &[u8], x25519: &Secret) -> Secret {
    Secret::new([ml_kem, x25519.expose()].concat())
}
