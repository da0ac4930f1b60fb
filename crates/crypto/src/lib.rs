//! Cryptographic providers for sendrecv.
//!
//! The protocol crates never name a cipher crate: they ask a [`CryptoProvider`] for what a negotiated algorithm needs
//! and keep the returned state, key schedule included, for as long as the key lives. A provider is chosen per
//! connection, by configuration: [`rustcrypto`] is pure Rust and runs anywhere, [`aws_lc_rs`](self#features) is faster.
//!
//! All randomness comes in from outside, as a [`Rng`](sendrecv_core::Rng) of the connection's seed: equal seeds give
//! equal keys, shares and signatures with every provider that [is deterministic](CryptoProvider::is_deterministic).
//!
//! ```
//! use sendrecv_core::Seed;
//! use sendrecv_crypto::{AeadAlgorithm, HashAlgorithm, NamedGroup, default_provider, hkdf};
//!
//! # fn main() -> Result<(), sendrecv_crypto::CryptoError> {
//! let provider = default_provider();
//! let mut rng = Seed::from_u64(1).derive("example").rng();
//!
//! // Agree on a secret …
//! let client = provider.key_exchange(NamedGroup::X25519, &mut rng)?;
//! let (share, secret) = provider.key_exchange_answer(NamedGroup::X25519, client.public_share(), &mut rng)?;
//! assert_eq!(client.complete(&share)?.expose(), secret.expose());
//!
//! // … derive a key from it, and seal in place.
//! let mut key = [0; 16];
//! hkdf::expand_label(provider, HashAlgorithm::Sha256, secret.expose(), b"dtls13", b"key", &[], &mut key)?;
//! let aead = provider.aead(AeadAlgorithm::Aes128Gcm, &key)?;
//! let mut data = *b"content";
//! let tag = aead.seal(&[0; 12], b"header", &mut data)?;
//! aead.open(&[0; 12], b"header", &mut data, &tag)?;
//! assert_eq!(&data, b"content");
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//! - `rustcrypto` (default): the provider on the RustCrypto crates.
//! - `std`: tables that make its NIST curves several times faster at signing and drawing shares.
//! - `aws-lc-rs`: the provider `aws_lc_rs()`; needs a C compiler, and implies the other two. Also `aws_lc_rs_own_entropy()`,
//!   the exception to the rule above: AWS-LC's own randomness for signatures and key exchanges, which is faster.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(any(test, feature = "aws-lc-rs"))]
extern crate std;

mod algorithm;
#[cfg(feature = "aws-lc-rs")]
mod aws_lc;
mod error;
pub mod hkdf;
#[cfg(feature = "rustcrypto")]
mod hybrid;
mod provider;
#[cfg(feature = "rustcrypto")]
mod rustcrypto;
mod secret;
pub mod tls12;

pub use algorithm::{AeadAlgorithm, HashAlgorithm, NamedGroup, SignatureScheme};
#[cfg(feature = "aws-lc-rs")]
pub use aws_lc::{aws_lc_rs, aws_lc_rs_own_entropy};
pub use error::CryptoError;
pub use provider::{
    Aead, BlockCipher, CryptoProvider, Hash, Hmac, KeyExchange, SigningKey, StreamCipher, TAG_LEN,
};
#[cfg(feature = "rustcrypto")]
pub use rustcrypto::rustcrypto;
pub use secret::{Digest, Secret};

/// The fastest provider that is compiled in.
#[cfg(feature = "rustcrypto")]
pub fn default_provider() -> &'static dyn CryptoProvider {
    #[cfg(feature = "aws-lc-rs")]
    return aws_lc_rs();
    #[cfg(not(feature = "aws-lc-rs"))]
    rustcrypto()
}
