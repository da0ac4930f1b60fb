//! X25519MLKEM768 with ML-KEM of AWS-LC, which draws its randomness itself.

use super::AwsLc;
use crate::hybrid::{Decapsulation, ENCAPSULATION_KEY_LEN, Hybrid, answer, joined};
use crate::{CryptoError, CryptoProvider, KeyExchange, NamedGroup, Secret};
use alloc::boxed::Box;
use alloc::vec::Vec;
use aws_lc_rs::kem::{Ciphertext, DecapsulationKey, EncapsulationKey, ML_KEM_768};
use sendrecv_core::Rng;

impl Decapsulation for DecapsulationKey {
    fn open(&self, ciphertext: &[u8]) -> Result<Secret, CryptoError> {
        let secret = self.decapsulate(Ciphertext::from(ciphertext)).map_err(|_| CryptoError::InvalidKey)?;
        Ok(Secret::from(secret.as_ref()))
    }
}

/// The client's private share.
pub(super) fn generate(provider: &AwsLc, rng: &mut Rng) -> Result<Box<dyn KeyExchange>, CryptoError> {
    let ml_kem = DecapsulationKey::generate(&ML_KEM_768).map_err(|_| CryptoError::InvalidKey)?;
    let public = ml_kem.encapsulation_key().and_then(|key| key.key_bytes());
    let public = public.map_err(|_| CryptoError::InvalidKey)?;
    let x25519 = provider.key_exchange(NamedGroup::X25519, rng)?;
    Ok(Box::new(Hybrid::with(ml_kem, public.as_ref(), x25519)))
}

/// The server's side: our share, and the secret. AWS-LC does the modulus check of FIPS 203, section 7.2.
pub(super) fn encapsulate(
    provider: &AwsLc,
    share: &[u8],
    rng: &mut Rng,
) -> Result<(Vec<u8>, Secret), CryptoError> {
    let (key, point) = share.split_at_checked(ENCAPSULATION_KEY_LEN).ok_or(CryptoError::InvalidKey)?;
    let key = EncapsulationKey::new(&ML_KEM_768, key).map_err(|_| CryptoError::InvalidKey)?;
    let (point, agreed) = answer(provider, NamedGroup::X25519, point, rng)?;
    let (ciphertext, encapsulated) = key.encapsulate().map_err(|_| CryptoError::InvalidKey)?;
    Ok(([ciphertext.as_ref(), &point].concat(), joined(encapsulated.as_ref(), &agreed)))
}
