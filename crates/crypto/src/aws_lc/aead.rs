//! AES-GCM and ChaCha20-Poly1305.

use crate::{Aead, AeadAlgorithm, CryptoError, TAG_LEN};
use alloc::boxed::Box;
use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

pub(super) fn new(algorithm: AeadAlgorithm, key: &[u8]) -> Result<Box<dyn Aead>, CryptoError> {
    let algorithm = match algorithm {
        AeadAlgorithm::Aes128Gcm => &AES_128_GCM,
        AeadAlgorithm::Aes256Gcm => &AES_256_GCM,
        AeadAlgorithm::ChaCha20Poly1305 => &CHACHA20_POLY1305,
    };
    let key = UnboundKey::new(algorithm, key).map_err(|_| CryptoError::InvalidKey)?;
    Ok(Box::new(Keyed(LessSafeKey::new(key))))
}

/// "Less safe" as nonces are the caller's business here too.
struct Keyed(LessSafeKey);

impl Aead for Keyed {
    fn seal_into(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        data: &mut [u8],
        tag: &mut [u8; TAG_LEN],
    ) -> Result<(), CryptoError> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let sealed = self.0.seal_in_place_scatter(nonce, Aad::from(aad), data, &[], tag);
        sealed.map_err(|_| CryptoError::Unsupported)
    }

    fn open(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        data: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), CryptoError> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.0.open_in_place_separate_tag(nonce, Aad::from(aad), tag, data);
        opened.map(|_| ()).map_err(|_| CryptoError::Unauthenticated)
    }
}
