//! AES-GCM and ChaCha20-Poly1305.

use crate::{Aead, AeadAlgorithm, CryptoError, TAG_LEN};
use aes_gcm::aead::consts::{U12, U16};
use aes_gcm::aead::{AeadCore, AeadInOut, KeyInit};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use alloc::boxed::Box;
use chacha20poly1305::ChaCha20Poly1305;

pub(super) fn new(algorithm: AeadAlgorithm, key: &[u8]) -> Result<Box<dyn Aead>, CryptoError> {
    Ok(match algorithm {
        AeadAlgorithm::Aes128Gcm => Box::new(Keyed::<Aes128Gcm>::new(key)?),
        AeadAlgorithm::Aes256Gcm => Box::new(Keyed::<Aes256Gcm>::new(key)?),
        AeadAlgorithm::ChaCha20Poly1305 => Box::new(Keyed::<ChaCha20Poly1305>::new(key)?),
    })
}

struct Keyed<C>(C);

impl<C: KeyInit> Keyed<C> {
    fn new(key: &[u8]) -> Result<Self, CryptoError> {
        C::new_from_slice(key).map(Self).map_err(|_| CryptoError::InvalidKey)
    }
}

impl<C> Aead for Keyed<C>
where
    C: AeadInOut + AeadCore<NonceSize = U12, TagSize = U16> + Send + Sync,
{
    fn seal_into(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        data: &mut [u8],
        tag: &mut [u8; TAG_LEN],
    ) -> Result<(), CryptoError> {
        let sealed = self.0.encrypt_inout_detached(&(*nonce).into(), aad, data.into());
        *tag = sealed.map_err(|_| CryptoError::Unsupported)?.into();
        Ok(())
    }

    fn open(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        data: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), CryptoError> {
        self.0
            .decrypt_inout_detached(&(*nonce).into(), aad, data.into(), &(*tag).into())
            .map_err(|_| CryptoError::Unauthenticated)
    }
}
