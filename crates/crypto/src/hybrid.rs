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
pub(crate) const CIPHERTEXT_LEN: usize = 1088;

/// The client's private share: ML-KEM of RustCrypto, X25519 of the provider.
pub(crate) struct Hybrid {
    decapsulation_key: DecapsulationKey,
    x25519: Box<dyn KeyExchange>,
    share: Vec<u8>,
}

impl Hybrid {
    pub(crate) fn new(provider: &dyn CryptoProvider, private: &[u8]) -> Result<Self, CryptoError> {
        let (seed, x25519) = private.split_first_chunk::<64>().ok_or(CryptoError::InvalidKey)?;
        let decapsulation_key = DecapsulationKey::from_seed((*seed).into());
        let x25519 = provider.key_exchange_from(NamedGroup::X25519, x25519)?;
        let mut share = decapsulation_key.encapsulation_key().to_bytes().to_vec();
        share.extend_from_slice(x25519.public_share());
        Ok(Self { decapsulation_key, x25519, share })
    }
}

impl KeyExchange for Hybrid {
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
        let decapsulated =
            self.decapsulation_key.decapsulate_slice(ciphertext).map_err(|_| CryptoError::InvalidKey)?;
        Ok(joined(&decapsulated, &agreed))
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
