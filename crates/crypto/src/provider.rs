//! What a cryptographic provider offers.

use crate::{AeadAlgorithm, CryptoError, Digest, HashAlgorithm, NamedGroup, Secret, SignatureScheme};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use sendrecv_core::Rng;
use zeroize::Zeroizing;

/// Length in bytes of every AEAD tag here.
pub const TAG_LEN: usize = 16;

/// The shortest HMAC tag that [`Hmac::verify`] accepts: that of SRTP's AES128_CM_SHA1_32 profile.
pub(crate) const MIN_HMAC_LEN: usize = 4;

/// How often [`draw`] tries.
const MAX_DRAWS: usize = 16;

/// A source of cryptographic operations. Implementations are zero-sized or static, so `&'static dyn CryptoProvider`
/// is the currency of configuration.
pub trait CryptoProvider: fmt::Debug + Send + Sync + 'static {
    /// A short name for statistics and benches, e.g. `"rustcrypto"`.
    fn name(&self) -> &'static str;

    /// Whether all randomness is drawn from the [`Rng`] that is handed in, so that equal seeds give equal keys, shares and
    /// signatures. Recording a session and playing it again needs that.
    fn is_deterministic(&self) -> bool {
        true
    }

    /// Key schedule of an authenticated cipher. `key` has [`AeadAlgorithm::key_len`] bytes.
    fn aead(&self, algorithm: AeadAlgorithm, key: &[u8]) -> Result<Box<dyn Aead>, CryptoError>;

    /// The AES block cipher with a key of 16, 24 or 32 bytes: SRTP key derivation, DTLS 1.3 record numbers.
    fn aes(&self, key: &[u8]) -> Result<Box<dyn BlockCipher>, CryptoError>;

    /// AES in counter mode with a key of 16, 24 or 32 bytes: SRTP's AES-CM.
    fn aes_ctr(&self, key: &[u8]) -> Result<Box<dyn StreamCipher>, CryptoError>;

    /// The ChaCha20 keystream block for DTLS 1.3 record numbers (RFC 9147, section 4.2.3): the first 16 bytes of the
    /// block at the counter and nonce that `sample` holds.
    fn chacha20_mask(&self, key: &[u8; 32], sample: &[u8; 16]) -> Result<[u8; 16], CryptoError>;

    /// A running hash.
    fn hash(&self, algorithm: HashAlgorithm) -> Result<Box<dyn Hash>, CryptoError>;

    /// HMAC (RFC 2104) with its key state prepared. A key of any length.
    fn hmac(&self, algorithm: HashAlgorithm, key: &[u8]) -> Result<Box<dyn Hmac>, CryptoError>;

    /// The groups this provider can do, most preferred first.
    fn groups(&self) -> &'static [NamedGroup];

    /// The private share of `group` that is made of the `private` bytes, of [`NamedGroup::private_len`]:
    /// [`CryptoError::InvalidKey`] when they are out of the group's range.
    fn key_exchange_from(
        &self,
        group: NamedGroup,
        private: &[u8],
    ) -> Result<Box<dyn KeyExchange>, CryptoError>;

    /// A fresh private share of `group`, as the side that speaks first.
    fn key_exchange(&self, group: NamedGroup, rng: &mut Rng) -> Result<Box<dyn KeyExchange>, CryptoError> {
        draw(group.private_len(), rng, |private| self.key_exchange_from(group, private))
    }

    /// The answering side in one step: our share for a peer's `share`, and the shared secret. For Diffie-Hellman groups
    /// this is a key generation and an agreement, for ML-KEM hybrids an encapsulation.
    fn key_exchange_answer(
        &self,
        group: NamedGroup,
        share: &[u8],
        rng: &mut Rng,
    ) -> Result<(Vec<u8>, Secret), CryptoError>;

    /// A fresh ECDSA P-256 key.
    fn generate_p256(&self, rng: &mut Rng) -> Result<Box<dyn SigningKey>, CryptoError>;

    /// A private key from PKCS#8 DER: ECDSA P-256 or P-384, or RSA where the provider can.
    fn import_pkcs8(&self, der: &[u8]) -> Result<Box<dyn SigningKey>, CryptoError>;

    /// Checks `signature` over `message`. `public_key` is the key as in a certificate's SubjectPublicKeyInfo bit string:
    /// an uncompressed point for ECDSA, an RSAPublicKey DER for RSA. With ECDSA the scheme says the hash and the key the
    /// curve, as in DTLS 1.2; who wants them bound together, as 1.3 has it, checks that before.
    fn verify(
        &self,
        scheme: SignatureScheme,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError>;
}

/// Draws private bytes until `accept` takes them. So every provider makes the same key of the same seed.
///
/// The groups' ranges refuse less than one draw in 2³²; giving up after a few only bounds a provider that refuses all.
pub(crate) fn draw<T>(
    len: usize,
    rng: &mut Rng,
    mut accept: impl FnMut(&[u8]) -> Result<T, CryptoError>,
) -> Result<T, CryptoError> {
    let mut private = Zeroizing::new(vec![0; len]);
    for _ in 0..MAX_DRAWS {
        rng.fill(&mut private);
        match accept(&private) {
            Err(CryptoError::InvalidKey) => {}
            accepted => return accepted,
        }
    }
    Err(CryptoError::InvalidKey)
}

/// Bytes of an uncompressed point on P-384.
#[cfg(feature = "rustcrypto")]
pub(crate) const P384_POINT_LEN: usize = 97;

/// A point in the only form that TLS knows: uncompressed (RFC 8446, section 4.2.8.2; RFC 8422, section 5.4.1).
pub(crate) fn is_uncompressed(point: &[u8]) -> bool {
    point.first() == Some(&4)
}

/// An authenticated cipher with its key. Nonces are the caller's business and must never repeat.
pub trait Aead: Send + Sync {
    /// Encrypts `data` in place and writes the tag to where it belongs. Fails only for more data than one nonce may
    /// cover.
    fn seal_into(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        data: &mut [u8],
        tag: &mut [u8; TAG_LEN],
    ) -> Result<(), CryptoError>;

    /// Encrypts `data` in place and returns the tag, see [`seal_into`](Self::seal_into).
    fn seal(&self, nonce: &[u8; 12], aad: &[u8], data: &mut [u8]) -> Result<[u8; TAG_LEN], CryptoError> {
        let mut tag = [0; TAG_LEN];
        self.seal_into(nonce, aad, data, &mut tag).map(|()| tag)
    }

    /// Checks `tag`, then decrypts `data` in place; on failure the content of `data` is unspecified.
    fn open(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        data: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), CryptoError>;
}

/// A 128-bit block cipher with its key.
pub trait BlockCipher: Send + Sync {
    /// Encrypts one block in place.
    fn encrypt(&self, block: &mut [u8; 16]);
}

/// A keystream cipher with its key.
pub trait StreamCipher: Send + Sync {
    /// XORs the keystream that starts at the 128-bit big-endian counter block `iv` into `data`.
    fn apply(&self, iv: &[u8; 16], data: &mut [u8]);
}

/// A running hash.
pub trait Hash: Send + Sync {
    /// Takes in more bytes.
    fn update(&mut self, bytes: &[u8]);

    /// The hash of everything so far; more may follow.
    fn digest(&self) -> Digest;

    /// A copy that goes its own way.
    fn fork(&self) -> Box<dyn Hash>;
}

/// HMAC with a prepared key.
pub trait Hmac: Send + Sync {
    /// The tag over the concatenation of `parts`. Allocates nothing.
    fn mac(&self, parts: &[&[u8]]) -> Digest;

    /// Compares `tag`, which may be cut short to at least 4 bytes, with that of `parts` in constant time.
    fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> Result<(), CryptoError> {
        let authentic = tag.len() >= MIN_HMAC_LEN && self.mac(parts).starts_with(tag);
        if authentic { Ok(()) } else { Err(CryptoError::Unauthenticated) }
    }
}

/// One side's private share of a key exchange.
pub trait KeyExchange: Send + Sync {
    /// The group.
    fn group(&self) -> NamedGroup;

    /// The public share, as it goes into a key_share or ServerKeyExchange.
    fn public_share(&self) -> &[u8];

    /// The shared secret with a peer's answering share. Refuses invalid points and all-zero results.
    fn complete(self: Box<Self>, peer_share: &[u8]) -> Result<Secret, CryptoError>;
}

/// A private signing key. May stand for a key in hardware; then [`to_pkcs8`](Self::to_pkcs8) gives `None`.
pub trait SigningKey: fmt::Debug + Send + Sync {
    /// The schemes it can sign with, most preferred first.
    fn schemes(&self) -> &'static [SignatureScheme];

    /// The public key as DER SubjectPublicKeyInfo.
    fn public_key_info(&self) -> &[u8];

    /// Signs `message` (which is hashed by the scheme). ECDSA is deterministic (RFC 6979) or draws from `rng`; only keys of a
    /// provider that is not [deterministic](CryptoProvider::is_deterministic), and keys in hardware, draw elsewhere.
    fn sign(&self, scheme: SignatureScheme, message: &[u8], rng: &mut Rng) -> Result<Vec<u8>, CryptoError>;

    /// The private key as PKCS#8 DER, where it can leave.
    fn to_pkcs8(&self) -> Option<Secret>;
}
