//! SRTP and SRTCP (RFC 3711, RFC 7714): RTP and RTCP packets encrypted, authenticated and protected against replay.
//!
//! A [`Session`] holds both directions of one DTLS-SRTP association. Its halves can be had alone: a [`Sender`] turns
//! plain packets into protected ones inside their [`PacketBuf`](sendrecv_core::PacketBuf), a [`Receiver`] turns
//! received datagrams back in place. Nothing is allocated per packet; the state of an SSRC comes to be with the first
//! packet that is sent or was *authenticated*, so a flood of forged SSRCs leaves nothing behind.
//!
//! The keys come from the DTLS handshake ([`MasterKey`]), the algorithms from its `use_srtp` extension
//! ([`SrtpProfile`]). There is no master key identifier (MKI), as RFC 8827 has no use for it, and no re-keying: a
//! session ends where RFC 3711's packet limits do.
//!
//! ```
//! use sendrecv_core::{PacketBuf, Writer};
//! use sendrecv_crypto::default_provider;
//! use sendrecv_srtp::{MasterKey, Options, Session, SrtpProfile, TAILROOM};
//!
//! # fn main() -> Result<(), Box<dyn core::error::Error>> {
//! let profile = SrtpProfile::AeadAes128Gcm;
//! let (alice_key, bob_key) = (MasterKey::new(&[1; 16], &[2; 12]), MasterKey::new(&[3; 16], &[4; 12]));
//! let provider = default_provider();
//! let mut alice = Session::new(provider, profile, &alice_key, &bob_key, &Options::default())?;
//! let mut bob = Session::new(provider, profile, &bob_key, &alice_key, &Options::default())?;
//!
//! let mut slab = [0; 1500];
//! let mut packet = PacketBuf::new(&mut slab, 0, TAILROOM);
//! let plain = [&[0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7][..], b"payload"].concat();
//! packet.put(&plain)?;
//! alice.protect(&mut packet)?;
//! assert_eq!(packet.len(), plain.len() + profile.rtp_overhead());
//!
//! let datagram = packet.finish();
//! assert_eq!(bob.unprotect(datagram)?, plain);
//! # Ok(())
//! # }
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod cipher;
mod error;
mod extension;
mod header;
mod keys;
mod options;
mod profile;
mod receiver;
mod sender;
mod session;
mod sources;
mod window;

pub use error::{Discard, ProtectError};
pub use keys::MasterKey;
pub use options::{ExtensionIds, Options};
pub use profile::{SrtpProfile, TAILROOM};
pub use receiver::{Receiver, ReceiverStats};
pub use sender::{Sender, SenderStats};
pub use session::Session;
