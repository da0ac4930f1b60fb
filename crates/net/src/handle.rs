//! What the handles of both hosts have in common: the way to the host's loop.

use crate::application::Application;
use crate::driver::{Driver, Job};
use crate::errand::Errands;
use crate::host::{Command, Host, Newcomer};
use crate::interfaces::local_addresses;
use crate::network::{Addresses, Network};
use crate::options::{HostError, HostOptions};
use crate::peer_id::PeerId;
use crate::reactor::Reactor;
use crate::router::Router;
use crate::{HostClock, seed_from_os};
use sendrecv::{Configuration, PeerConnection};
use std::any::Any;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The peer, or the server, is closed: nothing runs any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is closed")]
pub struct Closed;

/// The way to a host's loop, which a command wakes up.
pub struct Outbox<A>(Arc<dyn Fn(Command<A>) -> Result<(), Closed> + Send + Sync>);

impl<A> Outbox<A> {
    /// A way that `send` knows.
    pub fn new(send: impl Fn(Command<A>) -> Result<(), Closed> + Send + Sync + 'static) -> Self {
        Self(Arc::new(send))
    }

    /// Sends a command.
    ///
    /// # Errors
    /// [`Closed`] when the loop has ended.
    pub fn send(&self, command: Command<A>) -> Result<(), Closed> {
        (self.0)(command)
    }
}

impl<A> Clone for Outbox<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A> fmt::Debug for Outbox<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outbox")
    }
}

/// A peer, as its handles know it. When the last clone is dropped, the peer closes.
pub struct PeerRef<A>(Arc<Shared<A>>);

struct Shared<A> {
    id: PeerId,
    outbox: Outbox<A>,
    addresses: Addresses,
}

impl<A> PeerRef<A> {
    /// Sends a job to the peer.
    ///
    /// # Errors
    /// [`Closed`] when the host has ended. (When only the peer has, the job is dropped.)
    pub fn run(&self, job: Job<A>) -> Result<(), Closed> {
        self.0.outbox.send(Command::Run(self.0.id, job))
    }

    /// Tells the peer to close.
    pub fn close(&self) {
        // When it cannot be sent, it is closed already.
        let _ = self.0.outbox.send(Command::Close(self.0.id));
    }

    /// The addresses of the UDP sockets the peer uses, at this moment.
    pub fn local_addresses(&self) -> Vec<SocketAddr> {
        self.0.addresses.get()
    }
}

impl<A> Drop for Shared<A> {
    fn drop(&mut self) {
        // When it cannot be sent, it is closed already.
        let _ = self.outbox.send(Command::Close(self.id));
    }
}

impl<A> Clone for PeerRef<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A> fmt::Debug for PeerRef<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerRef").field("addresses", &self.local_addresses()).finish_non_exhaustive()
    }
}

/// Where peers are added. When it is dropped, the host ends with its last peer.
#[derive(Debug)]
pub struct ServerRef<A> {
    options: HostOptions,
    clock: HostClock,
    outbox: Outbox<A>,
    addresses: Addresses,
    next: AtomicU64,
}

impl<A: Application> ServerRef<A> {
    /// Opens the sockets that `options` ask for, on a runtime's reactor. If it is to have one peer only, `alone`, everything
    /// that arrives is for that; otherwise peers are told apart by [`Demux`](sendrecv::Demux).
    ///
    /// # Errors
    /// When no socket can be bound.
    pub fn open<R: Reactor>(
        options: HostOptions,
        reactor: R,
        outbox: Outbox<A>,
        alone: bool,
    ) -> Result<(Self, Host<A, R>), HostError> {
        let clock = options.clock.unwrap_or_else(HostClock::start);
        let addresses = Addresses::default();
        let network = Network::new(options.bind.clone(), options.hide_addresses, addresses.clone());
        let router = if alone { Router::Alone(None) } else { Router::Shared(Default::default()) };
        let home = outbox.clone();
        // The host may be gone by then.
        let post = Arc::new(move |answer| {
            let _ = home.send(Command::Take(answer));
        });
        let errands = Errands::new(post, options.tls_roots.clone());
        let mut host = Host::new(reactor, router, network, errands, clock);
        open_all(&options, &mut host)?;
        if let Some(period) = options.watch {
            host.watch(period);
        }
        let server = Self { options, clock, outbox, addresses, next: AtomicU64::new(0) };
        Ok((server, host))
    }

    /// Makes a connection and sends it to the host, which drops `guard` when the peer has ended.
    ///
    /// # Errors
    /// When the configuration is not valid, the system has no entropy, or the host has ended.
    pub fn add(
        &self,
        mut configuration: Configuration,
        application: A,
        guard: Box<dyn Any + Send>,
    ) -> Result<PeerRef<A>, HostError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let seed = match &self.options.seed {
            Some(seed) => seed.derive_indexed("peer", number),
            None => seed_from_os()?,
        };
        configuration.settings.unix_ms_at_epoch = self.clock.unix_ms_at_epoch();
        let new = if self.options.record { PeerConnection::new_recorded } else { PeerConnection::new };
        let pc = new(configuration, seed, self.clock.now()).map_err(HostError::Configuration)?;
        let driver = Driver::new(pc, application, self.clock);
        let (id, outbox, addresses) = (PeerId(number), self.outbox.clone(), self.addresses.clone());
        outbox.send(Command::Add(Box::new(Newcomer { id, driver, guard })))?;
        Ok(PeerRef(Arc::new(Shared { id, outbox, addresses })))
    }

    /// Closes all peers, and the host with them.
    pub fn close(&self) {
        // When it cannot be sent, it is closed already.
        let _ = self.outbox.send(Command::CloseAll);
    }

    /// The addresses of the UDP sockets, at this moment.
    pub fn local_addresses(&self) -> Vec<SocketAddr> {
        self.addresses.get()
    }
}

impl<A> Drop for ServerRef<A> {
    fn drop(&mut self) {
        // When it cannot be sent, it is closed already.
        let _ = self.outbox.send(Command::Retire);
    }
}

/// Opens a socket on every address that `options` select. Addresses that cannot be bound (gone, not ready yet) are left
/// out; when none can, the last error is returned.
fn open_all<A: Application, R: Reactor>(options: &HostOptions, host: &mut Host<A, R>) -> io::Result<()> {
    let mut outcome =
        Err(io::Error::new(io::ErrorKind::AddrNotAvailable, "this machine has no usable address"));
    for address in local_addresses(&options.bind)? {
        match host.open(&address) {
            Ok(()) => outcome = Ok(()),
            Err(error) => {
                tracing::debug!(address = %address.ip, %error, "address left out");
                outcome = outcome.or(Err(error));
            }
        }
    }
    outcome
}
