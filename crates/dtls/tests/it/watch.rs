//! A crypto provider that notes what is asked of it: which nonces seal under which keys, and the costly operations.
//!
//! Per thread, that is per test.

use sendrecv_core::Rng;
use sendrecv_crypto::{
    Aead, AeadAlgorithm, BlockCipher, CryptoError, CryptoProvider, Hash, HashAlgorithm, Hmac, KeyExchange,
    NamedGroup, Secret, SignatureScheme, SigningKey, StreamCipher, TAG_LEN, default_provider,
};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

thread_local! {
    static NONCES: RefCell<BTreeMap<Vec<u8>, BTreeSet<[u8; 12]>>> = const { RefCell::new(BTreeMap::new()) };
    static COSTLY: Cell<u64> = const { Cell::new(0) };
}

#[derive(Debug)]
struct Watching;

pub fn provider() -> &'static dyn CryptoProvider {
    &Watching
}

/// Forgets what was noted.
pub fn reset() {
    NONCES.take();
    COSTLY.take();
}

/// How many records each key has sealed. That no nonce came twice is asserted when it comes.
pub fn sealed_per_key() -> Vec<u64> {
    NONCES.with_borrow(|keys| keys.values().map(|nonces| nonces.len() as u64).collect())
}

/// Key generations, agreements and verifications so far.
pub fn costly() -> u64 {
    COSTLY.get()
}

fn count<T>(result: T) -> T {
    COSTLY.set(COSTLY.get() + 1);
    result
}

struct WatchedAead {
    key: Vec<u8>,
    inner: Box<dyn Aead>,
}

impl Aead for WatchedAead {
    fn seal_into(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        data: &mut [u8],
        tag: &mut [u8; TAG_LEN],
    ) -> Result<(), CryptoError> {
        let is_new = NONCES.with_borrow_mut(|keys| keys.entry(self.key.clone()).or_default().insert(*nonce));
        assert!(is_new, "a nonce was used twice: {nonce:?}");
        self.inner.seal_into(nonce, aad, data, tag)
    }

    fn open(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        data: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), CryptoError> {
        self.inner.open(nonce, aad, data, tag)
    }
}

struct WatchedExchange(Box<dyn KeyExchange>);

impl KeyExchange for WatchedExchange {
    fn group(&self) -> NamedGroup {
        self.0.group()
    }

    fn public_share(&self) -> &[u8] {
        self.0.public_share()
    }

    fn complete(self: Box<Self>, peer_share: &[u8]) -> Result<Secret, CryptoError> {
        count(self.0.complete(peer_share))
    }
}

impl CryptoProvider for Watching {
    fn name(&self) -> &'static str {
        "watching"
    }

    fn aead(&self, algorithm: AeadAlgorithm, key: &[u8]) -> Result<Box<dyn Aead>, CryptoError> {
        Ok(Box::new(WatchedAead { key: key.to_vec(), inner: default_provider().aead(algorithm, key)? }))
    }

    fn aes(&self, key: &[u8]) -> Result<Box<dyn BlockCipher>, CryptoError> {
        default_provider().aes(key)
    }

    fn aes_ctr(&self, key: &[u8]) -> Result<Box<dyn StreamCipher>, CryptoError> {
        default_provider().aes_ctr(key)
    }

    fn chacha20_mask(&self, key: &[u8; 32], sample: &[u8; 16]) -> Result<[u8; 16], CryptoError> {
        default_provider().chacha20_mask(key, sample)
    }

    fn hash(&self, algorithm: HashAlgorithm) -> Result<Box<dyn Hash>, CryptoError> {
        default_provider().hash(algorithm)
    }

    fn hmac(&self, algorithm: HashAlgorithm, key: &[u8]) -> Result<Box<dyn Hmac>, CryptoError> {
        default_provider().hmac(algorithm, key)
    }

    fn groups(&self) -> &'static [NamedGroup] {
        default_provider().groups()
    }

    fn key_exchange_from(
        &self,
        group: NamedGroup,
        private: &[u8],
    ) -> Result<Box<dyn KeyExchange>, CryptoError> {
        count(Ok(Box::new(WatchedExchange(default_provider().key_exchange_from(group, private)?))))
    }

    fn key_exchange_answer(
        &self,
        group: NamedGroup,
        share: &[u8],
        rng: &mut Rng,
    ) -> Result<(Vec<u8>, Secret), CryptoError> {
        count(default_provider().key_exchange_answer(group, share, rng))
    }

    fn generate_p256(&self, rng: &mut Rng) -> Result<Box<dyn SigningKey>, CryptoError> {
        count(default_provider().generate_p256(rng))
    }

    fn import_pkcs8(&self, der: &[u8]) -> Result<Box<dyn SigningKey>, CryptoError> {
        default_provider().import_pkcs8(der)
    }

    fn verify(
        &self,
        scheme: SignatureScheme,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        count(default_provider().verify(scheme, public_key, message, signature))
    }
}
