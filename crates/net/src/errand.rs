//! What takes time is done on threads of its own, whatever the host: looking up names, serving streams.

use crate::resolve::resolve;
use crate::stream::{self, StreamSender};
use crate::tls::TlsRoots;
use sendrecv_core::Path;
use sendrecv_ice::{NameId, OpenStream, StreamId};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::thread;

/// The way back from an errand to the driver's task or thread. May be called after the peer is gone.
pub type Post = Arc<dyn Fn(Answer) + Send + Sync>;

/// The result of an errand, to be given to [`Driver::take`](crate::Driver::take).
#[derive(Debug)]
pub struct Answer(pub(crate) Outcome);

#[derive(Debug)]
pub(crate) enum Outcome {
    Resolved(NameId, Vec<IpAddr>),
    StreamOpened(StreamId, Path, StreamSender),
    StreamFailed(StreamId),
    StreamData(Path, Vec<u8>),
    StreamClosed(Path),
}

/// Sends out errands.
#[derive(Clone)]
pub(crate) struct Errands {
    post: Post,
    tls_roots: TlsRoots,
}

impl Errands {
    /// Errands whose answers go to `post`.
    pub(crate) const fn new(post: Post, tls_roots: TlsRoots) -> Self {
        Self { post, tls_roots }
    }

    /// Who vouches for servers.
    pub(crate) const fn tls_roots(&self) -> &TlsRoots {
        &self.tls_roots
    }

    /// Looks a name up. Without an answer, the name leads nowhere.
    pub(crate) fn resolve(&self, id: NameId, name: String) {
        self.send(move |errands| {
            let addresses = resolve(&name).unwrap_or_else(|error| {
                tracing::debug!(%name, %error, "name not resolved");
                Vec::new()
            });
            errands.answer(Outcome::Resolved(id, addresses));
        });
    }

    /// Opens a stream and serves it until it ends.
    pub(crate) fn open(&self, request: OpenStream) {
        self.send(move |errands| stream::serve(&request, &errands));
    }

    pub(crate) fn answer(&self, outcome: Outcome) {
        (self.post)(Answer(outcome));
    }

    fn send(&self, errand: impl FnOnce(Self) + Send + 'static) {
        let errands = self.clone();
        let thread = thread::Builder::new().name("sendrecv errand".to_owned());
        if let Err(error) = thread.spawn(move || errand(errands)) {
            // The machines have timeouts of their own for what is never answered.
            tracing::warn!(%error, "no thread for an errand");
        }
    }
}

impl fmt::Debug for Errands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Errands")
    }
}
