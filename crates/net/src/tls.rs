//! TLS on streams to TURN servers (RFC 8656, section 2.1): certificate roots, the handshake, records.

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::fmt;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Reads a handshake may take: a server that trickles its certificate byte by byte is given up.
const HANDSHAKE_READS: usize = 256;

/// Who vouches for TURN servers over TLS: the certificate authorities of this system, and those added.
///
/// The system's are looked up when the first stream is opened. Clones made after that share what was found, so peers
/// of one process had better get clones of one value.
#[derive(Clone)]
pub struct TlsRoots {
    added: RootCertStore,
    config: Arc<OnceLock<Result<Arc<ClientConfig>, rustls::Error>>>,
}

/// Why a certificate cannot be a root.
#[derive(Debug, thiserror::Error)]
pub enum TlsRootError {
    /// The text is not PEM (RFC 7468).
    #[error("not PEM: {0}")]
    Pem(pem::Error),
    /// The text has no certificate in it.
    #[error("there is no certificate in it")]
    Empty,
    /// Something named a certificate is none.
    #[error("not a certificate: {0}")]
    Certificate(rustls::Error),
}

impl Default for TlsRoots {
    fn default() -> Self {
        Self { added: RootCertStore::empty(), config: Arc::default() }
    }
}

impl TlsRoots {
    /// The system's roots and every certificate in `text`, which is PEM, e.g. the certificate of a private authority.
    ///
    /// # Errors
    /// When there is no certificate in it, or one that is not valid.
    pub fn with_pem(mut self, text: &[u8]) -> Result<Self, TlsRootError> {
        let mut is_empty = true;
        for certificate in CertificateDer::pem_slice_iter(text) {
            self = self.with_der(&certificate.map_err(TlsRootError::Pem)?)?;
            is_empty = false;
        }
        if is_empty { Err(TlsRootError::Empty) } else { Ok(self) }
    }

    /// The system's roots and this X.509 certificate.
    ///
    /// # Errors
    /// When it is not a certificate.
    pub fn with_der(mut self, certificate: &[u8]) -> Result<Self, TlsRootError> {
        self.added.add(CertificateDer::from(certificate)).map_err(TlsRootError::Certificate)?;
        self.config = Arc::default();
        Ok(self)
    }

    fn config(&self) -> Result<Arc<ClientConfig>, rustls::Error> {
        self.config.get_or_init(|| make_config(self.added.clone()).map(Arc::new)).clone()
    }
}

impl fmt::Debug for TlsRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsRoots").field("added", &self.added.len()).finish_non_exhaustive()
    }
}

fn make_config(mut roots: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        tracing::debug!(%error, "some of the system's certificates could not be read");
    }
    // Systems carry certificates that are no roots; the others count all the same.
    roots.add_parsable_certificates(system.certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// The keys of one stream. Bytes are read and written elsewhere, in both directions at once.
#[derive(Debug)]
pub(crate) struct Session(Mutex<ClientConnection>);

impl Session {
    /// Performs the handshake on a fresh stream, whose timeouts are to be set, with a server that has to prove its `name`.
    pub(crate) fn connect(roots: &TlsRoots, name: &str, mut stream: &TcpStream) -> io::Result<Self> {
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
        let name = ServerName::try_from(name.to_owned()).map_err(invalid)?;
        let config = roots.config().map_err(io::Error::other)?;
        let mut connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
        // What is sealed is written at once and by packets, so nothing piles up.
        connection.set_buffer_limit(None);
        for _ in 0..HANDSHAKE_READS {
            while connection.wants_write() {
                connection.write_tls(&mut stream)?;
            }
            if !connection.is_handshaking() {
                return Ok(Self(Mutex::new(connection)));
            }
            if connection.read_tls(&mut stream)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Err(error) = connection.process_new_packets() {
                // The alert is a courtesy.
                let _ = connection.write_tls(&mut stream);
                return Err(io::Error::other(error));
            }
        }
        Err(io::ErrorKind::TimedOut.into())
    }

    /// The records that carry `packet`, and whatever else there is to be said to the server.
    pub(crate) fn seal(&self, packet: &[u8]) -> io::Result<Vec<u8>> {
        let mut connection = self.lock();
        connection.writer().write_all(packet)?;
        drain(&mut connection)
    }

    /// The records that end the session.
    pub(crate) fn farewell(&self) -> io::Result<Vec<u8>> {
        let mut connection = self.lock();
        connection.send_close_notify();
        drain(&mut connection)
    }

    /// Takes in `records`, in any pieces, and appends what was in them to `content`; `false` when it was the last.
    pub(crate) fn open(&self, mut records: &[u8], content: &mut Vec<u8>) -> io::Result<bool> {
        let mut connection = self.lock();
        loop {
            let state = connection.process_new_packets().map_err(io::Error::other)?;
            let waiting = u64::try_from(state.plaintext_bytes_to_read()).unwrap_or(u64::MAX);
            connection.reader().take(waiting).read_to_end(content)?;
            if state.peer_has_closed() {
                return Ok(false);
            }
            if records.is_empty() {
                return Ok(true);
            }
            connection.read_tls(&mut records)?;
        }
    }

    /// A thread that panicked holding the lock ends its half of the stream; the other half may finish.
    fn lock(&self) -> MutexGuard<'_, ClientConnection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn drain(connection: &mut ClientConnection) -> io::Result<Vec<u8>> {
    let mut records = Vec::new();
    while connection.wants_write() {
        connection.write_tls(&mut records)?;
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_certificates_become_roots() {
        let roots = TlsRoots::default();
        assert!(matches!(roots.clone().with_pem(b"no PEM at all"), Err(TlsRootError::Empty)));
        assert!(matches!(
            roots.clone().with_pem(b"-----BEGIN CERTIFICATE-----\n"),
            Err(TlsRootError::Pem(_))
        ));
        let wrong = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(roots.with_pem(wrong), Err(TlsRootError::Certificate(_))));
    }
}
