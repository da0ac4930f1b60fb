//! HMAC-SHA1 (RFC 2104, with the padding of RFC 3174, section 4), straight on SHA-1's compression function.
//!
//! ```text
//! HMAC(K, m) = SHA1(K ^ opad || SHA1(K ^ ipad || m))
//! ```
//!
//! STUN and SRTP's AES-CM profiles authenticate every packet with it, and packets are short: a connectivity check takes
//! three compressions. The states behind the two key blocks are kept as they are, and whole blocks are compressed where
//! they lie, so that little is left to do beside those.

use crate::{Digest, Hmac};
use sha1::block_api::compress;
use zeroize::{Zeroize, Zeroizing};

/// SHA-1's block in bytes.
const BLOCK: usize = 64;
/// Where the length starts in the last block.
const LENGTH_AT: usize = BLOCK - 8;
/// SHA-1's state before the first block (RFC 3174, section 6.1).
const START: State = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];

type State = [u32; 5];

/// The hash states behind the inner and the outer key block; each MAC starts from a copy of them.
pub(super) struct HmacSha1 {
    inner: State,
    outer: State,
}

impl HmacSha1 {
    /// A key of any length; one longer than a block is hashed first.
    pub(super) fn new(key: &[u8]) -> Self {
        let mut block = Zeroizing::new([0; BLOCK]);
        let hashed: Zeroizing<[u8; 20]>;
        let key = if key.len() > BLOCK {
            hashed = Zeroizing::new(Running::new(START, 0).digest(&[key]));
            hashed.as_slice()
        } else {
            key
        };
        for (to, from) in block.iter_mut().zip(key) {
            *to = *from;
        }
        Self { inner: behind_key(&block, 0x36), outer: behind_key(&block, 0x5c) }
    }
}

impl Drop for HmacSha1 {
    fn drop(&mut self) {
        self.inner.zeroize();
        self.outer.zeroize();
    }
}

impl Hmac for HmacSha1 {
    fn mac(&self, parts: &[&[u8]]) -> Digest {
        let inner = Running::new(self.inner, BLOCK).digest(parts);
        Digest::new(&Running::new(self.outer, BLOCK).digest(&[&inner]))
    }
}

/// The state behind the key block XORed with `pad`.
fn behind_key(key: &[u8; BLOCK], pad: u8) -> State {
    let mut state = START;
    let block = Zeroizing::new(key.map(|byte| byte ^ pad));
    compress(&mut state, core::slice::from_ref(&block));
    state
}

/// A hash under way: the state behind all whole blocks, and what came after them.
struct Running {
    state: State,
    block: [u8; BLOCK],
    filled: usize,
    /// All bytes so far, those before the first state included.
    len: usize,
}

impl Running {
    const fn new(state: State, len: usize) -> Self {
        Self { state, block: [0; BLOCK], filled: 0, len }
    }

    fn digest(mut self, parts: &[&[u8]]) -> [u8; 20] {
        for part in parts {
            self.update(part);
        }
        self.finish()
    }

    fn update(&mut self, bytes: &[u8]) {
        self.len = self.len.wrapping_add(bytes.len());
        let rest = if self.filled == 0 { bytes } else { self.fill(bytes) };
        let (blocks, rest) = rest.as_chunks();
        compress(&mut self.state, blocks);
        self.fill(rest);
    }

    /// Puts as much as fits into the block, compresses it when it is full, and returns what is left.
    fn fill<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let room = self.block.get_mut(self.filled..).unwrap_or_default();
        let (now, later) = bytes.split_at(bytes.len().min(room.len()));
        if let Some(place) = room.get_mut(..now.len()) {
            place.copy_from_slice(now);
        }
        self.filled += now.len();
        if self.filled == BLOCK {
            compress(&mut self.state, core::slice::from_ref(&self.block));
            self.filled = 0;
        }
        later
    }

    /// Pads with a one bit, zeros, and the length in bits.
    fn finish(mut self) -> [u8; 20] {
        let bits = u64::try_from(self.len).unwrap_or(u64::MAX).wrapping_mul(8);
        self.fill(&[0x80]);
        if self.filled > LENGTH_AT {
            self.block.get_mut(self.filled..).unwrap_or_default().fill(0);
            compress(&mut self.state, core::slice::from_ref(&self.block));
            self.filled = 0;
        }
        self.block.get_mut(self.filled..LENGTH_AT).unwrap_or_default().fill(0);
        if let Some(length) = self.block.last_chunk_mut() {
            *length = bits.to_be_bytes();
        }
        compress(&mut self.state, core::slice::from_ref(&self.block));
        let mut digest = [0; 20];
        let (words, _) = digest.as_chunks_mut();
        for (to, from) in words.iter_mut().zip(self.state) {
            *to = from.to_be_bytes();
        }
        digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hmac::{KeyInit, Mac};
    use proptest::prelude::*;

    fn reference(key: &[u8], message: &[u8]) -> Digest {
        let mut mac = <hmac::Hmac<sha1::Sha1> as KeyInit>::new_from_slice(key).unwrap();
        mac.update(message);
        Digest::new(&mac.finalize().into_bytes())
    }

    #[test]
    fn every_length_around_block_borders_agrees_with_the_hmac_crate() {
        let message: alloc::vec::Vec<u8> = (0..=255).collect();
        for key_len in [0, 1, 20, 63, 64, 65, 100, 129] {
            let key = &message[..key_len];
            let ours = HmacSha1::new(key);
            for len in 0..=256 {
                let message = &message[..len];
                assert!(ours.mac(&[message]) == reference(key, message), "key {key_len}, message {len}");
            }
        }
    }

    proptest! {
        #[test]
        fn parts_count_as_their_concatenation(
            key in prop::collection::vec(any::<u8>(), 0..80),
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..150), 0..6),
        ) {
            let slices: alloc::vec::Vec<&[u8]> = parts.iter().map(alloc::vec::Vec::as_slice).collect();
            prop_assert!(HmacSha1::new(&key).mac(&slices) == reference(&key, &parts.concat()));
        }
    }
}
