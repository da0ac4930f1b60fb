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
pub use aws_lc::aws_lc_rs;
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
