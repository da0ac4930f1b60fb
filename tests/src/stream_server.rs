//! The model TURN server behind real TCP and TLS streams of this machine.

use crate::internet::USER;
use crate::turn_server::TurnServer;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sendrecv_core::{Ecn, Path};
use sendrecv_net::HostClock;
use sendrecv_sim::Node;
use sendrecv_turn::StreamFraming;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

/// How long a stream's thread reads before it looks for something to write.
const TURN: Duration = Duration::from_millis(2);

/// A TURN server for streams on a loopback port. Its one user is [`USER`]. It stops when dropped.
pub struct StreamServer {
    address: SocketAddr,
    root: String,
    shared: Arc<Shared>,
}

struct Shared {
    server: Mutex<TurnServer>,
    clock: HostClock,
    writers: Mutex<BTreeMap<SocketAddr, Sender<Vec<u8>>>>,
    accepted: Mutex<usize>,
    hangs_up: AtomicBool,
    over: AtomicBool,
}

impl StreamServer {
    /// A server for plain TCP.
    pub fn tcp() -> Self {
        Self::start(None, String::new())
    }

    /// A server for TLS, with a certificate for `name` from an authority of its own.
    pub fn tls(name: &str) -> Self {
        let authority_key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::new([]).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = authority.self_signed(&authority_key).unwrap().pem();
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::new(authority, authority_key);
        let certificate =
            CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        // Whoever offers protocols has to offer this one.
        config.alpn_protocols = vec![b"stun.turn".to_vec()];
        Self::start(Some(Arc::new(config)), root)
    }

    fn start(tls: Option<Arc<ServerConfig>>, root: String) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = TurnServer::new(sendrecv_crypto::default_provider(), address, USER.0, USER.1);
        let shared = Arc::new(Shared {
            server: Mutex::new(server),
            clock: HostClock::start(),
            writers: Mutex::default(),
            accepted: Mutex::default(),
            hangs_up: AtomicBool::new(false),
            over: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        spawn(move || accept(&listener, tls.as_ref(), &serving));
        Self { address, root, shared }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate of its authority, as PEM.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// How many streams it has accepted so far, well or badly ended ones among them.
    pub fn accepted(&self) -> usize {
        *self.shared.accepted.lock().unwrap()
    }

    /// How many allocations are alive.
    pub fn allocations(&self) -> usize {
        self.shared.server().allocations()
    }

    /// How many datagrams it has relayed.
    pub fn relayed(&self) -> u64 {
        self.shared.server().relayed()
    }

    /// Closes all streams, now and from now on.
    pub fn hang_up(&self) {
        self.shared.hangs_up.store(true, Ordering::Relaxed);
    }
}

impl Drop for StreamServer {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        self.hang_up();
        // The listener waits for a stream, and then sees that it is over.
        let _ = TcpStream::connect(self.address);
    }
}

impl std::fmt::Debug for StreamServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamServer").field("address", &self.address).finish_non_exhaustive()
    }
}

fn spawn(work: impl FnOnce() + Send + 'static) {
    thread::Builder::new().spawn(work).unwrap();
}

fn accept(listener: &TcpListener, tls: Option<&Arc<ServerConfig>>, shared: &Arc<Shared>) {
    while let Ok((socket, client)) = listener.accept() {
        if shared.over.load(Ordering::Relaxed) {
            return;
        }
        *shared.accepted.lock().unwrap() += 1;
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(TURN)).unwrap();
        let (writer, outbox) = channel();
        shared.writers.lock().unwrap().insert(client, writer);
        let (shared, tls) = (Arc::clone(shared), tls.cloned());
        spawn(move || {
            let local = socket.local_addr().unwrap();
            // Streams may end in any way.
            let _ = match tls {
                None => shared.serve(socket, local, client, &outbox),
                Some(config) => {
                    let connection = ServerConnection::new(config).unwrap();
                    shared.serve(StreamOwned::new(connection, socket), local, client, &outbox)
                }
            };
            shared.writers.lock().unwrap().remove(&client);
        });
    }
}

impl Shared {
    fn server(&self) -> MutexGuard<'_, TurnServer> {
        self.server.lock().unwrap()
    }

    /// Serves one stream until either side ends it.
    fn serve<S: Read + Write>(
        &self,
        mut stream: S,
        local: SocketAddr,
        client: SocketAddr,
        outbox: &Receiver<Vec<u8>>,
    ) -> io::Result<()> {
        let (mut framing, mut buffer) = (StreamFraming::default(), vec![0; 65_536]);
        while !self.hangs_up.load(Ordering::Relaxed) {
            for mut frame in outbox.try_iter() {
                // ChannelData is padded on streams (RFC 8656, section 12.5).
                frame.resize(frame.len().next_multiple_of(4), 0);
                stream.write_all(&frame)?;
            }
            let len = match stream.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(len) => len,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
                Err(error) => return Err(error),
            };
            let mut bytes = &buffer[..len];
            while !bytes.is_empty() {
                bytes = &bytes[framing.push(bytes)..];
                while let Some(frame) = framing.next_frame().map_err(io::Error::other)? {
                    self.receive(Path::udp(local, client), frame);
                }
            }
        }
        Ok(())
    }

    fn receive(&self, path: Path, frame: &mut [u8]) {
        let (now, mut out) = (self.clock.now(), [0; 65_536]);
        let mut server = self.server();
        server.handle_datagram(now, path, Ecn::NotEct, frame);
        while let Some((transmit, range)) = server.poll_transmit(now, &mut out) {
            let to = transmit.path.map(|path| path.remote).unwrap();
            if let Some(writer) = self.writers.lock().unwrap().get(&to) {
                // A stream that ended loses what was meant for it.
                let _ = writer.send(out[range].to_vec());
            }
        }
    }
}
