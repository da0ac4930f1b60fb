//! Starting peers, and the handles to them.

use crate::reactor::TokioReactor;
use crate::task::Task;
use sendrecv::{Configuration, PeerConnection};
use sendrecv_core::Instant;
use sendrecv_net::{Application, Closed, HostError, HostOptions, Outbox, PeerRef, ServerRef};
use std::fmt;
use std::net::SocketAddr;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// Binds the sockets and spawns the task that drives the peer. Must be called within a tokio runtime.
///
/// # Errors
/// When no socket can be bound or the configuration is not valid.
pub fn spawn<A: Application>(
    configuration: Configuration,
    options: HostOptions,
    application: A,
) -> Result<Handle<A>, HostError> {
    let (server, _) = open(options, true)?;
    Handle::add(&server, configuration, application)
}

fn open<A: Application>(
    options: HostOptions,
    alone: bool,
) -> Result<(ServerRef<A>, JoinHandle<()>), HostError> {
    let (commands, inbox) = mpsc::unbounded_channel();
    let outbox = Outbox::new(move |command| commands.send(command).map_err(|_| Closed));
    let (server, host) = ServerRef::open(options, TokioReactor, outbox, alone)?;
    Ok((server, tokio::spawn(Task::new(host, inbox).run())))
}

/// One set of sockets for any number of peers, all driven by one task: what a server wants. The other sides' datagrams
/// are told apart by [`Demux`](sendrecv::Demux), which asks that each has an address of its own. Of peers with a TURN server
/// over UDP, all but one get a socket besides, since an allocation takes one to itself.
///
/// When it is dropped, the task ends with the last peer.
#[derive(Debug)]
pub struct Server<A> {
    server: ServerRef<A>,
    task: JoinHandle<()>,
}

impl<A: Application> Server<A> {
    /// Binds the sockets and spawns the task. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When no socket can be bound.
    pub fn bind(options: HostOptions) -> Result<Self, HostError> {
        let (server, task) = open(options, false)?;
        Ok(Self { server, task })
    }

    /// Adds a peer.
    ///
    /// # Errors
    /// When the configuration is not valid.
    pub fn spawn(&self, configuration: Configuration, application: A) -> Result<Handle<A>, HostError> {
        Handle::add(&self.server, configuration, application)
    }

    /// The addresses of the UDP sockets, as they are now.
    pub fn local_addresses(&self) -> Vec<SocketAddr> {
        self.server.local_addresses()
    }

    /// Closes all peers; when this returns, sockets and task are gone.
    pub async fn close(self) {
        self.server.close();
        // A panic in an application ends the task as well.
        let _ = self.task.await;
    }
}

/// A running peer. Clones are handles to the same one; when the last is dropped, the peer closes.
pub struct Handle<A> {
    peer: PeerRef<A>,
    end: watch::Receiver<()>,
}

impl<A: Application> Handle<A> {
    fn add(server: &ServerRef<A>, configuration: Configuration, application: A) -> Result<Self, HostError> {
        let (guard, end) = watch::channel(());
        Ok(Self { peer: server.add(configuration, application, Box::new(guard))?, end })
    }

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
        self.peer.run(Box::new(move |pc: &mut PeerConnection, application: &mut A, now: Instant| {
            // The caller may have gone; the job is done all the same.
            let _ = answer.send(job(pc, application, now));
        }))?;
        result.await.map_err(|_| Closed)
    }

    /// Closes the peer: the other side is told, and when this returns, the peer is gone, and so are sockets and task that
    /// it had to itself. Closing twice is harmless.
    pub async fn close(&self) {
        self.peer.close();
        self.closed().await;
    }

    /// Waits until somebody closes the peer.
    pub async fn closed(&self) {
        // Nothing is ever sent; the sender is dropped.
        while self.end.clone().changed().await.is_ok() {}
    }

    /// The addresses of the UDP sockets that the peer uses, as they are now.
    pub fn local_addresses(&self) -> Vec<SocketAddr> {
        self.peer.local_addresses()
    }
}

impl<A> Clone for Handle<A> {
    fn clone(&self) -> Self {
        Self { peer: self.peer.clone(), end: self.end.clone() }
    }
}

impl<A> fmt::Debug for Handle<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.peer.fmt(f)
    }
}
