//! Deterministic randomness.

use core::convert::Infallible;
use core::fmt;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng, TryCryptoRng, TryRng};
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

/// 32 secret bytes from which a machine derives every random value it will ever use.
///
/// The host draws one per peer from the operating system; tests and replays choose their own. The same seed and the
/// same inputs give the same bytes on the wire.
#[derive(Clone, PartialEq, Eq)]
pub struct Seed([u8; 32]);

impl Seed {
    /// A seed from 32 bytes of entropy.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A seed for tests and simulations, from a small number. Not for production: it is guessable.
    pub fn from_u64(number: u64) -> Self {
        let mut bytes = [0; 32];
        for (byte, value) in bytes.iter_mut().zip(number.to_be_bytes()) {
            *byte = value;
        }
        Self(bytes)
    }

    /// An independent seed for the part named `label`, e.g. `"ice"`. Different labels give unrelated seeds.
    pub fn derive(&self, label: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"sendrecv seed");
        hash.update(self.0);
        hash.update(label.as_bytes());
        Self(hash.finalize().into())
    }

    /// An independent seed for the `index`th part named `label`.
    pub fn derive_indexed(&self, label: &str, index: u64) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"sendrecv seed indexed");
        hash.update(self.0);
        hash.update(index.to_be_bytes());
        hash.update(label.as_bytes());
        Self(hash.finalize().into())
    }

    /// A generator that starts from this seed.
    pub fn rng(&self) -> Rng {
        Rng(ChaCha20Rng::from_seed(self.0))
    }

    /// The seed itself, for a recording that is to be replayed. Whoever has it has every secret of the session.
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Drop for Seed {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// A cryptographically secure, portable generator (ChaCha20). Draw wire-visible and secret values from generators of
/// separately derived seeds.
#[derive(Clone)]
pub struct Rng(ChaCha20Rng);

impl Rng {
    /// Fills `bytes` with random bytes.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// 32 random bits.
    pub fn u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// 64 random bits.
    pub fn u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number in `0..bound`, without modulo bias; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        let usable = u64::MAX - u64::MAX % bound;
        loop {
            let number = self.u64();
            if number < usable {
                return number % bound;
            }
        }
    }

    /// True with probability `numerator / denominator`.
    pub fn chance(&mut self, numerator: u64, denominator: u64) -> bool {
        self.below(denominator.max(1)) < numerator
    }
}

impl fmt::Debug for Rng {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rng(..)")
    }
}

impl TryRng for Rng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Rng {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn equal_seeds_give_equal_streams_and_labels_separate_them() {
        let seed = Seed::from_u64(7);
        assert_eq!(seed.rng().bytes::<16>(), seed.clone().rng().bytes::<16>());
        assert_ne!(seed.derive("ice").rng().u64(), seed.derive("dtls").rng().u64());
        assert_ne!(seed.derive_indexed("x", 1).rng().u64(), seed.derive_indexed("x", 2).rng().u64());
    }

    #[test]
    fn the_stream_is_the_same_on_every_platform() {
        assert_eq!(Seed::from_u64(1).derive("core").rng().u64(), STREAM);
    }
    const STREAM: u64 = 4_296_114_466_812_805_485;

    #[test]
    fn secrets_do_not_print() {
        assert_eq!(format!("{:?} {:?}", Seed::from_u64(9), Seed::from_u64(9).rng()), "Seed(..) Rng(..)");
    }

    #[test]
    fn below_stays_below() {
        let mut rng = Seed::from_u64(3).rng();
        assert!((0..1000).all(|_| rng.below(7) < 7));
        assert_eq!(rng.below(0), 0);
    }
}
