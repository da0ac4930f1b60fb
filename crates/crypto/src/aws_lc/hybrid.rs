//! X25519MLKEM768 with randomness of AWS-LC's own; the shares' and the secret's layout is in [`crate::hybrid`].

use super::kex::{self, Agreement};
use crate::hybrid::{CIPHERTEXT_LEN, ENCAPSULATION_KEY_LEN, joined};
use crate::{CryptoError, KeyExchange, NamedGroup, Secret};
use alloc::boxed::Box;
use alloc::vec::Vec;
use aws_lc_rs::kem::{Ciphertext, DecapsulationKey, EncapsulationKey, ML_KEM_768};

/// The client's private share.
pub(super) struct Hybrid {
    decapsulation_key: DecapsulationKey,
    x25519: Box<Agreement>,
    share: Vec<u8>,
}

impl Hybrid {
    pub(super) fn generate() -> Result<Self, CryptoError> {
        let decapsulation_key =
            DecapsulationKey::generate(&ML_KEM_768).map_err(|_| CryptoError::InvalidKey)?;
        let public = decapsulation_key.encapsulation_key().and_then(|key| key.key_bytes());
        let public = public.map_err(|_| CryptoError::InvalidKey)?;
        let x25519 = Box::new(Agreement::generate(NamedGroup::X25519)?);
        let share = [public.as_ref(), x25519.public_share()].concat();
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
        let decapsulated = self.decapsulation_key.decapsulate(Ciphertext::from(ciphertext));
        Ok(joined(decapsulated.map_err(|_| CryptoError::InvalidKey)?.as_ref(), &agreed))
    }
}

/// The server's side: our share, and the secret. AWS-LC does the modulus check of FIPS 203, section 7.2.
pub(super) fn encapsulate(share: &[u8]) -> Result<(Vec<u8>, Secret), CryptoError> {
    let (key, point) = share.split_at_checked(ENCAPSULATION_KEY_LEN).ok_or(CryptoError::InvalidKey)?;
    let key = EncapsulationKey::new(&ML_KEM_768, key).map_err(|_| CryptoError::InvalidKey)?;
    let (point, agreed) = kex::answer(NamedGroup::X25519, point)?;
    let (ciphertext, encapsulated) = key.encapsulate().map_err(|_| CryptoError::InvalidKey)?;
    Ok(([ciphertext.as_ref(), &point].concat(), joined(encapsulated.as_ref(), &agreed)))
}
