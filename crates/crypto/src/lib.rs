//! Cryptographic providers for sendrecv.
//!
//! The protocol crates never name a cipher crate: they ask a [`CryptoProvider`] for what a negotiated algorithm needs
//! and keep the returned state, key schedule included, for as long as the key lives. A provider is chosen per
//! connection, by configuration.
//!
//! All randomness comes in from outside, as a [`Rng`](sendrecv_core::Rng) of the connection's seed.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(any(test, feature = "aws-lc-rs"))]
extern crate std;

mod algorithm;
mod error;
pub mod hkdf;
mod provider;
#[cfg(feature = "rustcrypto")]
mod rustcrypto;
mod secret;
pub mod tls12;

pub use algorithm::{AeadAlgorithm, HashAlgorithm, NamedGroup, SignatureScheme};
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
    rustcrypto()
}
