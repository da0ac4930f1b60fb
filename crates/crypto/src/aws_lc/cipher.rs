//! AES alone and in counter mode.

use crate::{BlockCipher, CryptoError, StreamCipher};
use alloc::boxed::Box;
use aws_lc_rs::cipher::{AES_128, AES_192, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};

pub(super) fn block(key: &[u8]) -> Result<Box<dyn BlockCipher>, CryptoError> {
    let key = EncryptingKey::ecb(unbound(key)?).map_err(|_| CryptoError::InvalidKey)?;
    Ok(Box::new(Block(key)))
}

pub(super) fn stream(key: &[u8]) -> Result<Box<dyn StreamCipher>, CryptoError> {
    let key = EncryptingKey::ctr(unbound(key)?).map_err(|_| CryptoError::InvalidKey)?;
    Ok(Box::new(Stream(key)))
}

fn unbound(key: &[u8]) -> Result<UnboundCipherKey, CryptoError> {
    let algorithm = match key.len() {
        16 => &AES_128,
        24 => &AES_192,
        32 => &AES_256,
        _ => return Err(CryptoError::InvalidKey),
    };
    UnboundCipherKey::new(algorithm, key).map_err(|_| CryptoError::InvalidKey)
}

struct Block(EncryptingKey);

impl BlockCipher for Block {
    fn encrypt(&self, block: &mut [u8; 16]) {
        let encrypted = self.0.less_safe_encrypt(block, EncryptionContext::None);
        debug_assert!(encrypted.is_ok(), "one whole block in a mode without context");
    }
}

struct Stream(EncryptingKey);

impl StreamCipher for Stream {
    fn apply(&self, iv: &[u8; 16], data: &mut [u8]) {
        let encrypted = self.0.less_safe_encrypt(data, EncryptionContext::Iv128(iv.into()));
        debug_assert!(encrypted.is_ok(), "counter mode takes any data");
    }
}
