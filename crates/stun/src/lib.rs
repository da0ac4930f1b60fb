//! STUN and TURN messages: codec, integrity and client transactions (RFC 8489).
//!
//! - [`Message`] reads a message over borrowed bytes, without allocating; [`MessageBuilder`] writes one straight into
//!   a packet buffer. [`attribute`] has a type for every attribute of STUN, ICE and TURN, and keeps unknown ones.
//! - [`IntegrityKey`] signs and verifies; its HMAC state is prepared once. Keys come from short-term credentials (ICE)
//!   or long-term ones (TURN); [`LongTermAuth`] answers a server's challenges.
//! - [`ClientTransaction`] is the retransmission schedule of one request, over UDP and over TCP.
//! - [`BindingServer`] answers "what is my address"; [`BehaviourDiscovery`] tells what NAT is in the way (RFC 5780).
//!
//! A connectivity check, written and read back:
//!
//! ```
//! use sendrecv_core::Seed;
//! use sendrecv_stun::attribute::{Priority, Username};
//! use sendrecv_stun::{Class, IntegrityKey, Message, MessageBuilder, Method, TransactionId};
//!
//! let key = IntegrityKey::short_term(sendrecv_crypto::rustcrypto(), "VOkJxbRl1RmTxUk/WvJxBt")?;
//! let id = TransactionId::random(&mut Seed::from_u64(1).rng());
//!
//! let mut packet = Vec::new();
//! MessageBuilder::new(&mut packet, Class::Request, Method::BINDING, id)?
//!     .attribute(&Username("evtj:h6vY"))?
//!     .attribute(&Priority(1_845_494_271))?
//!     .integrity(&key)?
//!     .fingerprint()?;
//!
//! let message = Message::parse(&packet)?;
//! message.verify_fingerprint()?;
//! message.verify_integrity(&key)?;
//! assert_eq!(message.attribute::<Username>(), Some(Username("evtj:h6vY")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `examples/my_address.rs` is a client and a server over sockets.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod attribute;
mod auth;
mod builder;
mod credentials;
mod discovery;
mod header;
mod integrity;
mod message;
mod server;
mod transaction;

pub use auth::{ChallengeError, LongTermAuth, SecurityFeatures};
pub use builder::{MessageBuffer, MessageBuilder};
pub use credentials::{Credentials, long_term_key, opaque_string, short_term_key, user_hash};
pub use discovery::{BehaviourDiscovery, NatBehaviour, NatReport};
pub use header::{Class, HEADER_LEN, MAGIC_COOKIE, Method, TransactionId, is_stun};
pub use integrity::{Integrity, IntegrityKey, VerifyError};
pub use message::{Attributes, Message, ParseError};
pub use server::{BindingServer, ServerDiscard};
pub use transaction::{ClientTransaction, Step, TransactionConfig, TransactionFailure};
