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
mod provider;
mod secret;

pub use algorithm::{AeadAlgorithm, HashAlgorithm, NamedGroup, SignatureScheme};
pub use error::CryptoError;
pub use provider::{Aead, BlockCipher, CryptoProvider, Hash, Hmac, KeyExchange, SigningKey, StreamCipher, TAG_LEN};
pub use secret::{Digest, Secret};
