//! Starting a peer, and the handle to it.

use crate::sockets::Sockets;
use crate::worker::{Command, Outbox, Worker};
use sendrecv::{Configuration, PeerConnection};
use sendrecv_core::Instant;
use sendrecv_net::{Application, HostError, HostOptions};
use std::fmt;
use std::net::SocketAddr;
use std::sync::mpsc::{channel, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

/// The peer is closed: nothing runs any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the peer is closed")
    }
}

impl std::error::Error for Closed {}

/// Binds the sockets and starts the thread that drives the peer.
///
/// # Errors
/// When no socket can be bound, the configuration is not valid, or the system has no thread left.
pub fn spawn<A: Application>(
    configuration: Configuration,
    options: HostOptions,
    application: A,
) -> Result<Handle<A>, HostError> {
    let (sender, inbox) = channel();
    let (poll, waker) = Sockets::poll()?;
    let outbox = Outbox::new(sender, waker);
    let bound = options.bind()?;
    let driver = options.make_driver(configuration, application, outbox.to_post(), &bound)?;
    let addresses = bound.iter().map(|bound| bound.address).collect();
    let worker = Worker::new(driver, Sockets::new(poll, bound)?, inbox);
    let end = Arc::new(End::default());
    let on_end = EndOnDrop(Arc::clone(&end));
    thread::Builder::new().name("sendrecv peer".to_owned()).spawn(move || {
        let _on_end = on_end;
        worker.run();
    })?;
    Ok(Handle { shared: Arc::new(Shared { outbox, addresses, end }) })
}

/// A running peer. Clones are handles to the same one; when the last is dropped, the peer closes.
pub struct Handle<A: Application> {
    shared: Arc<Shared<A>>,
}

struct Shared<A: Application> {
    outbox: Outbox<A>,
    addresses: Vec<SocketAddr>,
    end: Arc<End>,
}

impl<A: Application> Handle<A> {
    /// Runs `job` beside the connection, between packets, and returns its result. What the connection then has to
    /// say or to send goes out at once. Must not be called from within the application: it waits for the thread that
    /// the application runs on.
    ///
    /// # Errors
    /// [`Closed`] when the peer was closed before the job ran.
    pub fn with<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut PeerConnection, &mut A, Instant) -> R + Send + 'static,
    ) -> Result<R, Closed> {
        let (answer, result) = sync_channel(1);
        let job = Box::new(move |pc: &mut PeerConnection, application: &mut A, now: Instant| {
            // The caller waits below, so the answer is always taken.
            let _ = answer.send(job(pc, application, now));
        });
        self.shared.outbox.send(Command::Run(job)).map_err(|_| Closed)?;
        result.recv().map_err(|_| Closed)
    }

    /// Closes the peer: the other side is told, and when this returns, sockets and thread are gone. Closing twice is
    /// harmless. Like [`with`](Self::with), not for use within the application.
    pub fn close(&self) {
        // When it cannot be sent, the thread is gone already.
        let _ = self.shared.outbox.send(Command::Close);
        self.closed();
    }

    /// Waits until somebody closes the peer.
    pub fn closed(&self) {
        self.shared.end.wait();
    }

    /// The addresses of the peer's sockets.
    pub fn local_addresses(&self) -> &[SocketAddr] {
        &self.shared.addresses
    }
}

impl<A: Application> Drop for Shared<A> {
    fn drop(&mut self) {
        // When it cannot be sent, the thread is gone already.
        let _ = self.outbox.send(Command::Close);
    }
}

impl<A: Application> Clone for Handle<A> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<A: Application> fmt::Debug for Handle<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("addresses", &self.shared.addresses).finish_non_exhaustive()
    }
}

/// Tells any number of waiting threads that the peer's thread has ended.
#[derive(Debug, Default)]
struct End {
    ended: Mutex<bool>,
    changed: Condvar,
}

impl End {
    fn wait(&self) {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_while(ended, |ended| !*ended));
    }
}

/// Held by the peer's thread: it tells of the end even when the application panics.
struct EndOnDrop(Arc<End>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        *self.0.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.changed.notify_all();
    }
}
