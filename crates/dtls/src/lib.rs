//! Sans-IO DTLS 1.2 and 1.3 for WebRTC (RFC 6347, RFC 9147, RFC 5764).
//!
//! [`Dtls`] is one connection: a machine that is fed datagrams and time and polled for datagrams, events and its next
//! deadline. It never opens a socket, reads a clock or draws entropy; equal seeds and inputs give equal bytes.
//!
//! - **Both versions, both roles.** A client offers both at once and follows the server; a server takes the newest both
//!   have. DTLS 1.3 with X25519MLKEM768, X25519, P-256 and P-384, HelloRetryRequest and cookies, record number encryption,
//!   acknowledgements, key updates; DTLS 1.2 with ECDHE, ECDSA and RSA certificates, the extended master secret and
//!   HelloVerifyRequest. Connection IDs in both, as an option ([`Config::connection_id`]).
//! - **Both sides are verified, or there is no connection.** The peer's certificate must have a fingerprint from the
//!   signalling ([`Dtls::set_remote_fingerprints`], at any time: the handshake waits), and a signature over this handshake
//!   must verify under its key. The connected state cannot be built without the proof of both.
//! - **Records are sealed and opened in place**, without allocation: [`Dtls::seal`] takes a packet with [`HEADROOM`] and
//!   [`TAILROOM`], [`Dtls::handle_datagram`] gives slices of the datagram it was given.
//! - **Everything is bounded** before the peer is known: messages ahead, bytes, pieces, early records.
//!
//! Feed it only what came over a path that ICE has validated. What has no effect is a [`Discard`] and counted; what the
//! peer must not do is a [`Failure`], which closes the connection with an alert.
//!
//! Application data that overtakes the end of the handshake waits in [`Dtls::poll_early_data`].
//!
//! The loop: after any call that takes `now`, drain [`poll_event`](sendrecv_core::Machine::poll_event), then
//! [`poll_transmit`](sendrecv_core::Machine::poll_transmit), then read
//! [`poll_timeout`](sendrecv_core::Machine::poll_timeout).
//!
//! ```
//! use sendrecv_core::{Instant, Machine, PacketBuf, Seed, Writer};
//! use sendrecv_crypto::{HashAlgorithm, default_provider};
//! use sendrecv_dtls::{Certificate, Config, Dtls, Event, HEADROOM, Role, TAILROOM};
//! use std::sync::Arc;
//!
//! let now = Instant::from_millis(1);
//! let end = |role, seed| {
//!     let seed = Seed::from_u64(seed); // in earnest: from the operating system
//!     let certificate = Certificate::generate(default_provider(), &seed, 1_795_305_600, 31).unwrap();
//!     let fingerprint = certificate.fingerprint(default_provider(), HashAlgorithm::Sha256).unwrap();
//!     let config = Config::new(default_provider(), Arc::new(certificate));
//!     (Dtls::new(config, role, &seed.derive("dtls"), now), fingerprint)
//! };
//! let (mut client, of_client) = end(Role::Client, 1);
//! let (mut server, of_server) = end(Role::Server, 2);
//! client.set_remote_fingerprints(now, vec![of_server]); // from the peer's a=fingerprint
//! server.set_remote_fingerprints(now, vec![of_client]);
//!
//! // What one end sends, the other gets; a real host has sockets and timeouts in between.
//! fn carry(now: Instant, from: &mut Dtls, to: &mut Dtls) {
//!     let mut slab = [0; 1500];
//!     loop {
//!         let mut out = PacketBuf::new(&mut slab, 0, 0);
//!         let Some(_) = from.poll_transmit(now, &mut out) else { break };
//!         to.handle_datagram(now, out.finish()).unwrap();
//!     }
//! }
//! for _ in 0..2 {
//!     carry(now, &mut client, &mut server);
//!     carry(now, &mut server, &mut client);
//! }
//! assert!(matches!(client.poll_event(), Some(Event::Connected(_))));
//! assert!(matches!(server.poll_event(), Some(Event::Connected(_))));
//!
//! let mut slab = [0; 100];
//! let mut packet = PacketBuf::new(&mut slab, HEADROOM, TAILROOM);
//! packet.put(b"hello").unwrap();
//! client.seal(now, &mut packet).unwrap();
//! let mut records = server.handle_datagram(now, packet.finish()).unwrap();
//! assert_eq!(records.next().unwrap(), b"hello");
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod alert;
mod certificate;
mod config;
mod connection;
mod connection_id;
mod delivery;
mod error;
mod event;
mod exporter;
mod fingerprint;
mod handshake;
mod hello;
mod peer;
mod record;
mod session;
mod srtp;
mod state;
mod stats;
mod suite;
mod v12;
mod v13;
mod version;
pub mod wire;

pub use alert::{Alert, AlertDescription};
pub use certificate::{Certificate, CertificateError, DEFAULT_VALIDITY_DAYS};
pub use config::{Config, ConfigError, MIN_MTU};
pub use connection::Dtls;
pub use connection_id::{ConnectionId, ConnectionIdError};
pub use delivery::Records;
pub use error::{CloseReason, Discard, ExportError, Failure, SealError};
pub use event::{ConnectedInfo, ConnectionState, Event};
pub use fingerprint::{Fingerprint, ParseFingerprintError};
pub use srtp::{SrtpKeyMaterial, SrtpMasterKey, SrtpProfile};
pub use stats::Stats;
pub use suite::{CipherSuite, KeyKind};
pub use version::{Role, Version};
pub use wire::connection_id::ConnectionIdUsage;

/// Bytes to leave in front of application data for [`Dtls::seal`]: a DTLS 1.2 header with its explicit nonce. The peer's
/// connection ID, if it wants one, comes on top ([`Dtls::header_len`]).
pub const HEADROOM: usize = wire::record::HEADER_LEN + 8;

/// Bytes to leave behind application data for [`Dtls::seal`]: the inner content type and the tag.
pub const TAILROOM: usize = 1 + sendrecv_crypto::TAG_LEN;
