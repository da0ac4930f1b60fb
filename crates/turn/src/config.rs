//! What a client is told at the start.

use alloc::string::String;
use core::time::Duration;
use sendrecv_core::Path;
use sendrecv_crypto::CryptoProvider;
use sendrecv_stun::attribute::AddressFamily;
use sendrecv_stun::{Credentials, TransactionConfig};

/// Which relayed addresses to ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Families {
    /// Whatever the server gives without being asked: an IPv4 address.
    #[default]
    Any,
    /// An address of this family (REQUESTED-ADDRESS-FAMILY).
    Only(AddressFamily),
    /// One of each, if the server can (ADDITIONAL-ADDRESS-FAMILY). A server that refuses that is asked again for
    /// whatever it gives.
    Both,
}

/// Configuration of a [`TurnClient`](crate::TurnClient). Every value is valid.
#[derive(Clone, Debug)]
pub struct TurnConfig {
    /// The way to the server: the host's socket, the server's address, and UDP, TCP or TLS. Streams are opened by the
    /// host before.
    pub server: Path,
    /// The account at the server.
    pub credentials: Credentials,
    /// Which relayed addresses to ask for.
    pub families: Families,
    /// The allocation's lifetime to ask for; the server decides. Whole seconds count; 600 s by default.
    pub lifetime: Duration,
    /// Whether the first data to a peer also binds a channel, which saves 32 bytes per IPv4 packet and 44 per IPv6 one.
    pub bind_channels: bool,
    /// Peers' IP addresses that may be permitted at one time; 1,024 by default.
    pub max_permissions: usize,
    /// Timers of transactions.
    pub transaction: TransactionConfig,
    /// SOFTWARE for Allocate and Refresh requests, if any.
    pub software: Option<String>,
    /// Where hashes and HMACs come from.
    pub provider: &'static dyn CryptoProvider,
}

impl TurnConfig {
    /// The defaults for one server and account.
    pub fn new(server: Path, credentials: Credentials, provider: &'static dyn CryptoProvider) -> Self {
        Self {
            server,
            credentials,
            families: Families::Any,
            lifetime: Duration::from_secs(600),
            bind_channels: true,
            max_permissions: 1024,
            transaction: TransactionConfig::default(),
            software: None,
            provider,
        }
    }
}
