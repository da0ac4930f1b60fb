//! Starting a peer, and the handle to it.

use crate::sockets::Sockets;
use crate::task::{Command, Task};
use sendrecv::{Configuration, PeerConnection};
use sendrecv_core::Instant;
use sendrecv_net::{Application, HostError, HostOptions};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// The peer is closed: nothing runs any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the peer is closed")
    }
}

impl std::error::Error for Closed {}

/// Binds the sockets and spawns the task that drives the peer. Must be called within a tokio runtime.
///
/// # Errors
/// When no socket can be bound or the configuration is not valid.
pub fn spawn<A: Application>(
    configuration: Configuration,
    options: HostOptions,
    application: A,
) -> Result<Handle<A>, HostError> {
    let (commands, inbox) = mpsc::unbounded_channel();
    // Weak, so that errands do not keep the peer alive.
    let outbox = commands.downgrade();
    let post = Arc::new(move |answer| {
        // The peer may be closed by now.
        let _ = outbox.upgrade().map(|outbox| outbox.send(Command::Take(answer)));
    });
    let bound = options.bind()?;
    let driver = options.make_driver(configuration, application, post, &bound)?;
    let addresses = bound.iter().map(|bound| bound.address).collect();
    tokio::spawn(Task::new(driver, Sockets::new(bound)?, inbox).run());
    Ok(Handle { commands, addresses })
}

/// A running peer. Clones are handles to the same one; when the last is dropped, the peer closes.
pub struct Handle<A> {
    commands: mpsc::UnboundedSender<Command<A>>,
    addresses: Arc<[SocketAddr]>,
}

impl<A: Application> Handle<A> {
    /// Runs `job` beside the connection, between packets, and returns its result. What the connection then has to
    /// say or to send goes out at once.
    ///
    /// # Errors
    /// [`Closed`] when the peer was closed before the job ran.
    pub async fn with<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut PeerConnection, &mut A, Instant) -> R + Send + 'static,
    ) -> Result<R, Closed> {
        let (answer, result) = oneshot::channel();
        let job = Box::new(move |pc: &mut PeerConnection, application: &mut A, now: Instant| {
            // The caller may have gone; the job is done all the same.
            let _ = answer.send(job(pc, application, now));
        });
        self.commands.send(Command::Run(job)).map_err(|_| Closed)?;
        result.await.map_err(|_| Closed)
    }

    /// Closes the peer: the other side is told, and when this returns, sockets and task are gone. Closing twice is
    /// harmless.
    pub async fn close(&self) {
        // When it cannot be sent, the task is gone already.
        let _ = self.commands.send(Command::Close);
        self.closed().await;
    }

    /// Waits until somebody closes the peer.
    pub async fn closed(&self) {
        self.commands.closed().await;
    }

    /// The addresses of the peer's sockets.
    pub fn local_addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

impl<A> Clone for Handle<A> {
    fn clone(&self) -> Self {
        Self { commands: self.commands.clone(), addresses: Arc::clone(&self.addresses) }
    }
}

impl<A> fmt::Debug for Handle<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}
