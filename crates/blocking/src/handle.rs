//! Starting peers, and the handles to them.

use crate::end::{End, EndOnDrop};
use crate::worker::start;
use sendrecv::{Configuration, PeerConnection};
use sendrecv_core::Instant;
use sendrecv_net::{Application, Closed, HostError, HostOptions, PeerRef, ServerRef};
use std::fmt;
use std::net::SocketAddr;
use std::sync::mpsc::sync_channel;

/// Binds the sockets and starts the thread that drives the peer.
///
/// # Errors
/// When no socket can be bound, the configuration is not valid, or the system has no thread left.
pub fn spawn<A: Application>(
    configuration: Configuration,
    options: HostOptions,
    application: A,
) -> Result<Handle<A>, HostError> {
    let server = start(options, true, EndOnDrop(End::default()))?;
    Handle::add(&server, configuration, application)
}

/// One set of sockets for any number of peers, all driven by one thread: what a server wants. The other sides' datagrams
/// are told apart by [`Demux`](sendrecv::Demux), which asks that each has an address of its own. Of peers with a TURN server
/// over UDP, all but one get a socket besides, since an allocation takes one to itself.
///
/// When it is dropped, the thread ends with the last peer.
#[derive(Debug)]
pub struct Server<A> {
    server: ServerRef<A>,
    end: End,
}

impl<A: Application> Server<A> {
    /// Binds the sockets and starts the thread.
    ///
    /// # Errors
    /// When no socket can be bound, or the system has no thread left.
    pub fn bind(options: HostOptions) -> Result<Self, HostError> {
        let end = End::default();
        Ok(Self { server: start(options, false, EndOnDrop(end.clone()))?, end })
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

    /// Closes all peers; when this returns, sockets and thread are gone. Must not be called from within an application:
    /// it waits for the thread that the application runs on.
    pub fn close(self) {
        self.server.close();
        self.end.wait();
    }
}

/// A running peer. Clones are handles to the same one; when the last is dropped, the peer closes.
pub struct Handle<A> {
    peer: PeerRef<A>,
    end: End,
}

impl<A: Application> Handle<A> {
    fn add(server: &ServerRef<A>, configuration: Configuration, application: A) -> Result<Self, HostError> {
        let end = End::default();
        let guard = Box::new(EndOnDrop(end.clone()));
        Ok(Self { peer: server.add(configuration, application, guard)?, end })
    }

    /// Runs `job` beside the connection, between packets, and returns its result. What the connection then has to
    /// say or to send goes out at once. Must not be called from within an application: it waits for the thread that the
    /// application runs on.
    ///
    /// # Errors
    /// [`Closed`] when the peer was closed before the job ran.
    pub fn with<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut PeerConnection, &mut A, Instant) -> R + Send + 'static,
    ) -> Result<R, Closed> {
        let (answer, result) = sync_channel(1);
        self.peer.run(Box::new(move |pc: &mut PeerConnection, application: &mut A, now: Instant| {
            // The caller waits below, so the answer is always taken.
            let _ = answer.send(job(pc, application, now));
        }))?;
        result.recv().map_err(|_| Closed)
    }

    /// Closes the peer: the other side is told, and when this returns, the peer is gone, and so are sockets and thread
    /// that it had to itself. Closing twice is harmless. Like [`with`](Self::with), not for use within an application.
    pub fn close(&self) {
        self.peer.close();
        self.closed();
    }

    /// Waits until somebody closes the peer.
    pub fn closed(&self) {
        self.end.wait();
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
