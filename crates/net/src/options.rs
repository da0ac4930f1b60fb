//! What a host needs to know to host peers.

use crate::bind::BindOptions;
use crate::clock::HostClock;
use crate::handle::Closed;
use crate::tls::TlsRoots;
use sendrecv::UsageError;
use sendrecv_core::Seed;
use std::io;
use std::time::Duration;

/// How to host peers. The default is on every ordinary interface of this machine, also those that come later, with a seed
/// from the system.
#[derive(Clone, Debug)]
pub struct HostOptions {
    /// Which addresses and ports to use.
    pub bind: BindOptions,
    /// How often to look for addresses that came or went, to use or forget them in the middle of a session: their
    /// candidates are signalled, and ICE moves to a better pair or away from one that is gone. `None`: never; the addresses
    /// of the beginning stay.
    pub watch: Option<Duration>,
    /// Whether peers see names in place of this machine's addresses, as a browser's do until it may use the camera: random
    /// ones under `.local`, which are answered for by multicast DNS (draft-ietf-mmusic-mdns-ice-candidates). Peers on the
    /// same network still find them.
    pub hide_addresses: bool,
    /// Where the randomness of peers comes from; `None` asks the operating system. A fixed seed makes every secret
    /// guessable: for tests only.
    pub seed: Option<Seed>,
    /// The clock to share with other hosts; `None` starts one.
    pub clock: Option<HostClock>,
    /// Who vouches for TURN servers over TLS.
    pub tls_roots: TlsRoots,
    /// Whether to keep a record of everything that enters a connection, to be fetched with
    /// [`take_recording`](sendrecv::PeerConnection::take_recording) and replayed. It grows with every packet.
    pub record: bool,
}

impl Default for HostOptions {
    fn default() -> Self {
        Self {
            bind: BindOptions::default(),
            watch: Some(Duration::from_secs(2)),
            hide_addresses: false,
            seed: None,
            clock: None,
            tls_roots: TlsRoots::default(),
            record: false,
        }
    }
}

/// Why a peer could not be hosted.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// No socket could be had, or the system gave no entropy.
    #[error("the network is not available: {0}")]
    Io(#[from] io::Error),
    /// The configuration is not valid.
    #[error("the configuration is not valid: {0}")]
    Configuration(UsageError),
    /// The host has ended.
    #[error("the host has ended: {0}")]
    Closed(#[from] Closed),
}
