//! quinn-proto, as a yardstick of what another modern transport does on the same path.

use super::network::End;
use super::{MESSAGE, SystemTime};
use bytes::BytesMut;
use quinn_proto::congestion::{BbrConfig, ControllerFactory, CubicConfig};
use quinn_proto::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn_proto::{
    ClientConfig, Connection, ConnectionHandle, DatagramEvent, Dir, Endpoint, EndpointConfig, Event,
    ServerConfig, StreamEvent, StreamId, TransportConfig, VarInt,
};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use sendrecv_core::Instant;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

const REMOTE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 4433);
/// UDP and IPv4.
const OVERHEAD: usize = 8 + 20;
/// Flow control, and a limit for what is not yet acknowledged, beyond twice the longest path's product.
const WINDOW: u32 = 96 << 20;
/// Bytes per stream. A single one for everything would not do: Quinn closes connections with many gaps in one stream,
/// which the loss at the end of slow start leaves.
const STREAM: usize = 16 * MESSAGE;

/// The congestion control of a connection.
#[derive(Clone, Copy)]
pub enum QuicControl {
    /// Quinn's default.
    Cubic,
    /// Quinn's "experimental" one.
    Bbr,
}

/// An endpoint with its one connection.
pub struct Quic {
    endpoint: Endpoint,
    connection: Option<(ConnectionHandle, Connection)>,
    time: SystemTime,
    /// The stream being written, and how many bytes may follow on it.
    stream: Option<(StreamId, usize)>,
    readable: Vec<StreamId>,
    connected: bool,
    responses: Vec<Vec<u8>>,
}

impl Quic {
    /// Two that connect to each other.
    pub fn pair(control: QuicControl, now: Instant) -> [Box<dyn End>; 2] {
        let identity = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let certificate = identity.cert.der().clone();
        let key = PrivatePkcs8KeyDer::from(identity.signing_key.serialize_der());
        let time = SystemTime::starting(now);
        let mut client = Endpoint::new(Arc::new(EndpointConfig::default()), None, true, None);
        let connection = client
            .connect(time.of(now), client_config(control, certificate.clone()), REMOTE, "localhost")
            .expect("a connection");
        let server_config = server_config(control, certificate, key);
        let server =
            Endpoint::new(Arc::new(EndpointConfig::default()), Some(Arc::new(server_config)), true, None);
        [
            Box::new(Self::new(client, Some(connection), time)),
            Box::new(Self::new(server, None, SystemTime::starting(now))),
        ]
    }

    fn new(endpoint: Endpoint, connection: Option<(ConnectionHandle, Connection)>, time: SystemTime) -> Self {
        Self {
            endpoint,
            connection,
            time,
            stream: None,
            readable: Vec::new(),
            connected: false,
            responses: Vec::new(),
        }
    }

    fn drain_events(&mut self) {
        let Some((handle, connection)) = &mut self.connection else { return };
        while let Some(event) = connection.poll() {
            match event {
                Event::Connected => self.connected = true,
                Event::Stream(StreamEvent::Readable { id }) => self.readable.push(id),
                _ => {}
            }
        }
        while let Some(event) = connection.poll_endpoint_events() {
            if let Some(event) = self.endpoint.handle_event(*handle, event) {
                connection.handle_event(event);
            }
        }
    }
}

fn transport(control: QuicControl) -> Arc<TransportConfig> {
    let factory: Arc<dyn ControllerFactory + Send + Sync> = match control {
        QuicControl::Cubic => Arc::new(CubicConfig::default()),
        QuicControl::Bbr => Arc::new(BbrConfig::default()),
    };
    let mut transport = TransportConfig::default();
    transport
        .stream_receive_window(VarInt::from_u32(WINDOW))
        .receive_window(VarInt::from_u32(WINDOW))
        .send_window(u64::from(WINDOW))
        .max_concurrent_uni_streams(VarInt::from_u32(10_000))
        .mtu_discovery_config(None)
        .congestion_controller_factory(factory);
    Arc::new(transport)
}

fn client_config(control: QuicControl, certificate: CertificateDer<'static>) -> ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).expect("a QUIC suite")));
    config.transport_config(transport(control));
    config
}

fn server_config(
    control: QuicControl,
    certificate: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.into())
        .expect("a certificate that fits its key");
    let mut config =
        ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls).expect("a QUIC suite")));
    config.transport_config(transport(control));
    config
}

impl End for Quic {
    fn overhead(&self) -> usize {
        OVERHEAD
    }

    fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) {
        let (at, mut response) = (self.time.of(now), Vec::new());
        match self.endpoint.handle(at, REMOTE, None, None, BytesMut::from(datagram), &mut response) {
            Some(DatagramEvent::NewConnection(incoming)) => {
                self.connection = self.endpoint.accept(incoming, at, &mut response, None).ok();
            }
            Some(DatagramEvent::ConnectionEvent(_, event)) => {
                if let Some((_, connection)) = &mut self.connection {
                    connection.handle_event(event);
                }
            }
            Some(DatagramEvent::Response(_)) => self.responses.push(response),
            None => {}
        }
        self.drain_events();
    }

    fn handle_timeout(&mut self, now: Instant) {
        let at = self.time.of(now);
        if let Some((_, connection)) = &mut self.connection {
            connection.handle_timeout(at);
        }
        self.drain_events();
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        let (_, connection) = self.connection.as_mut()?;
        connection.poll_timeout().map(|at| self.time.back(at))
    }

    fn poll_transmit(&mut self, now: Instant, datagram: &mut Vec<u8>) -> bool {
        if let Some(response) = self.responses.pop() {
            datagram.extend_from_slice(&response);
            return true;
        }
        let at = self.time.of(now);
        let Some((_, connection)) = &mut self.connection else { return false };
        let sent = connection.poll_transmit(at, 1, datagram).is_some();
        self.drain_events();
        sent
    }

    fn is_ready(&self) -> bool {
        self.connected
    }

    fn fill(&mut self, _: Instant) {
        let Some((_, connection)) = &mut self.connection else { return };
        loop {
            let next = || connection.streams().open(Dir::Uni).map(|id| (id, STREAM));
            let Some((id, left)) = self.stream.or_else(next) else { return };
            let Ok(written) = connection.send_stream(id).write(&[7; MESSAGE]) else {
                self.stream = Some((id, left));
                return;
            };
            self.stream = left.checked_sub(written).filter(|left| *left > 0).map(|left| (id, left));
            if self.stream.is_none() {
                let _ = connection.send_stream(id).finish();
            }
        }
    }

    fn take(&mut self, _: Instant) -> u64 {
        let Some((_, connection)) = &mut self.connection else { return 0 };
        while let Some(id) = connection.streams().accept(Dir::Uni) {
            self.readable.push(id);
        }
        let mut taken = 0;
        for id in self.readable.drain(..) {
            let mut stream = connection.recv_stream(id);
            let Ok(mut chunks) = stream.read(true) else { continue };
            while let Ok(Some(chunk)) = chunks.next(usize::MAX) {
                taken += chunk.bytes.len() as u64;
            }
            let _ = chunks.finalize();
        }
        taken
    }
}
