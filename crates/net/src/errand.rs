//! What takes time is done on short-lived threads, whatever the host: looking up names, connecting.

use crate::bind::share_port;
use crate::interfaces::LocalAddress;
use crate::peer_id::PeerId;
use crate::resolve::resolve;
use crate::tls::TlsRoots;
use sendrecv::{NameId, OpenStream};
use sendrecv_core::Protocol;
use sendrecv_ice::Framing;
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// How long a server or peer may take to accept a stream.
const PATIENCE: Duration = Duration::from_secs(10);
/// Errands of one host at a time. Only a peer with a hundred candidates wants more; it is told that they lead nowhere.
const MAX_ERRANDS: usize = 64;
/// Active candidates are signalled with the discard port (RFC 6544, section 4.5); it means any.
const DISCARD_PORT: u16 = 9;

/// The way back to the host. May be called after it is gone.
pub(crate) type Post = Arc<dyn Fn(Answer) + Send + Sync>;

/// What the host hears from outside of its loop.
#[derive(Debug)]
pub struct Answer(pub(crate) Outcome);

#[derive(Debug)]
pub(crate) enum Outcome {
    Resolved(PeerId, NameId, Vec<IpAddr>),
    Connected(PeerId, OpenStream, io::Result<TcpStream>),
    /// The machine has these addresses now.
    Addresses(Vec<LocalAddress>),
}

/// Sends out errands.
#[derive(Clone)]
pub(crate) struct Errands {
    post: Post,
    pub(crate) tls_roots: TlsRoots,
    running: Arc<AtomicUsize>,
}

impl Errands {
    /// Errands whose answers go to `post`.
    pub(crate) fn new(post: Post, tls_roots: TlsRoots) -> Self {
        Self { post, tls_roots, running: Arc::default() }
    }

    /// Looks a name up. Without an answer, the name leads nowhere.
    pub(crate) fn resolve(&self, peer: PeerId, id: NameId, name: String) {
        let nowhere = Outcome::Resolved(peer, id, Vec::new());
        self.send(nowhere, move |_| {
            let addresses = resolve(&name).unwrap_or_else(|error| {
                tracing::debug!(%name, %error, "name not resolved");
                Vec::new()
            });
            Outcome::Resolved(peer, id, addresses)
        });
    }

    /// Connects to where a stream is to lead.
    pub(crate) fn connect(&self, peer: PeerId, request: OpenStream) {
        let refused = io::Error::new(io::ErrorKind::QuotaExceeded, "too many connections are being made");
        self.send(Outcome::Connected(peer, request.clone(), Err(refused)), move |errands| {
            if request.protocol == Protocol::Tls {
                errands.tls_roots.prepare();
            }
            let outcome = connect(&request);
            Outcome::Connected(peer, request, outcome)
        });
    }

    /// Tells the host that the machine has other addresses now.
    pub(crate) fn addresses_changed(&self, all: &[LocalAddress]) {
        (self.post)(Answer(Outcome::Addresses(all.to_vec())));
    }

    /// Posts what `errand` comes back with; `otherwise` when there is nobody to send.
    fn send(&self, otherwise: Outcome, errand: impl FnOnce(&Self) -> Outcome + Send + 'static) {
        if self.running.fetch_add(1, Ordering::Relaxed) < MAX_ERRANDS {
            let errands = self.clone();
            let thread = thread::Builder::new().name("sendrecv errand".to_owned());
            let started = thread.spawn(move || {
                let outcome = errand(&errands);
                errands.running.fetch_sub(1, Ordering::Relaxed);
                (errands.post)(Answer(outcome));
            });
            match started {
                Ok(_) => return,
                Err(error) => tracing::warn!(%error, "no thread for an errand"),
            }
        }
        self.running.fetch_sub(1, Ordering::Relaxed);
        (self.post)(Answer(otherwise));
    }
}

fn connect(request: &OpenStream) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(request.remote), Type::STREAM, None)?;
    if request.local.is_ipv4() == request.remote.is_ipv4() {
        // Which port the stream is from matters only to peers that open it from both ends, where they listen, too.
        let any = request.framing == Framing::Turn || request.local.port() == DISCARD_PORT;
        let port = if any { 0 } else { request.local.port() };
        if !any {
            share_port(&socket)?;
        }
        socket.bind(&SocketAddr::new(request.local.ip(), port).into())?;
    }
    socket.connect_timeout(&request.remote.into(), PATIENCE)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}
