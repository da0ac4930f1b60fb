//! Sans-IO DTLS 1.2 and 1.3 for WebRTC.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod alert;
mod certificate;
mod config;
mod connection;
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
pub use delivery::Records;
pub use error::{CloseReason, Discard, ExportError, Failure, SealError};
pub use event::{ConnectedInfo, ConnectionState, Event};
pub use fingerprint::{Fingerprint, ParseFingerprintError};
pub use srtp::{SrtpKeyMaterial, SrtpMasterKey, SrtpProfile};
pub use stats::Stats;
pub use suite::{CipherSuite, KeyKind};
pub use version::{Role, Version};

/// Bytes to leave in front of application data for [`Dtls::seal`]: a DTLS 1.2 header with its explicit nonce.
pub const HEADROOM: usize = wire::record::HEADER_LEN + 8;

/// Bytes to leave behind application data for [`Dtls::seal`]: DTLS 1.3's content type and the tag.
pub const TAILROOM: usize = 1 + sendrecv_crypto::TAG_LEN;
