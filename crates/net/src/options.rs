//! What a host needs to know to make a peer.

use crate::application::Application;
use crate::bind::{BindOptions, Bound, bind};
use crate::clock::{HostClock, seed_from_os};
use crate::driver::Driver;
use crate::errand::{Errands, Post};
use crate::tls::TlsRoots;
use sendrecv::{Configuration, PeerConnection, UsageError};
use sendrecv_core::Seed;
use std::io;

/// How to host a peer. The default is on every ordinary interface of this machine, with a seed from the system.
#[derive(Clone, Debug, Default)]
pub struct HostOptions {
    /// Which addresses and ports to use.
    pub bind: BindOptions,
    /// Where the peer's randomness comes from; `None` asks the operating system. A fixed seed makes every secret
    /// guessable: for tests only.
    pub seed: Option<Seed>,
    /// The clock to share with other peers; `None` starts one.
    pub clock: Option<HostClock>,
    /// Who vouches for TURN servers over TLS.
    pub tls_roots: TlsRoots,
    /// Whether to keep a record of everything that enters the connection, to be fetched with
    /// [`take_recording`](PeerConnection::take_recording) and replayed. It grows with every packet.
    pub record: bool,
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
}

impl HostOptions {
    /// Binds the sockets.
    pub fn bind(&self) -> Result<Vec<Bound>, HostError> {
        Ok(bind(&self.bind)?)
    }

    /// Makes the connection and its driver. `post` is how errands find back to it.
    pub fn make_driver<A: Application>(
        self,
        mut configuration: Configuration,
        application: A,
        post: Post,
        sockets: &[Bound],
    ) -> Result<Driver<A>, HostError> {
        let clock = self.clock.unwrap_or_else(HostClock::start);
        let seed = self.seed.map_or_else(seed_from_os, Ok)?;
        configuration.settings.unix_ms_at_epoch = clock.unix_ms_at_epoch();
        let new = if self.record { PeerConnection::new_recorded } else { PeerConnection::new };
        let pc = new(configuration, seed, clock.now()).map_err(HostError::Configuration)?;
        Ok(Driver::new(pc, application, clock, Errands::new(post, self.tls_roots), sockets))
    }
}
