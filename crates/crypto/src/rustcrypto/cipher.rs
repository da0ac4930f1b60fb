//! AES alone, in counter mode, and ChaCha20's keystream.

use crate::{BlockCipher, CryptoError, StreamCipher};
use aes::cipher::consts::U16;
use aes::cipher::{
    BlockCipherEncrypt, BlockSizeUser, InnerIvInit, KeyInit, KeyIvInit, StreamCipher as _, StreamCipherCore,
    StreamCipherCoreWrapper,
};
use aes::{Aes128, Aes192, Aes256};
use alloc::boxed::Box;
use chacha20::variants::Ietf;
use chacha20::{ChaChaCore, R20};
use ctr::{CtrCore, flavors::Ctr128BE};

/// Dispatches on the key length to one of the three key schedules.
macro_rules! keyed_by_length {
    ($key:expr) => {
        match $key.len() {
            16 => Box::new(schedule::<Aes128>($key)?),
            24 => Box::new(schedule::<Aes192>($key)?),
            32 => Box::new(schedule::<Aes256>($key)?),
            _ => return Err(CryptoError::InvalidKey),
        }
    };
}

pub(super) fn block(key: &[u8]) -> Result<Box<dyn BlockCipher>, CryptoError> {
    Ok(keyed_by_length!(key))
}

pub(super) fn stream(key: &[u8]) -> Result<Box<dyn StreamCipher>, CryptoError> {
    Ok(keyed_by_length!(key))
}

struct Schedule<C>(C);

fn schedule<C: KeyInit>(key: &[u8]) -> Result<Schedule<C>, CryptoError> {
    C::new_from_slice(key).map(Schedule).map_err(|_| CryptoError::InvalidKey)
}

impl<C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + Send + Sync> BlockCipher for Schedule<C> {
    fn encrypt(&self, block: &mut [u8; 16]) {
        self.0.encrypt_block(block.into());
    }
}

impl<C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + Send + Sync> StreamCipher for Schedule<C> {
    fn apply(&self, iv: &[u8; 16], data: &mut [u8]) {
        let core = CtrCore::<&C, Ctr128BE>::inner_iv_init(&self.0, iv.into());
        StreamCipherCoreWrapper::from_core(core).apply_keystream(data);
    }
}

/// The sample is a 32-bit little-endian block counter followed by the nonce. The core is asked for the block itself:
/// the cipher around it refuses the last counter, which a sample may well hold.
pub(super) fn chacha20_mask(key: &[u8; 32], sample: &[u8; 16]) -> [u8; 16] {
    let [a, b, c, d, nonce @ ..] = *sample;
    let mut core = ChaChaCore::<R20, Ietf>::new(key.into(), &nonce.into());
    core.set_block_pos(u32::from_le_bytes([a, b, c, d]));
    let mut block = [0; 64];
    core.write_keystream_block((&mut block).into());
    core::array::from_fn(|index| block.get(index).copied().unwrap_or(0))
}
