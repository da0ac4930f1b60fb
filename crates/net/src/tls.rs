//! TLS on streams to TURN servers (RFC 8656, section 2.1): certificate roots, the handshake, records.

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::fmt;
use std::io::{self, Read, Write};
use std::sync::{Arc, OnceLock};

/// What is spoken inside (RFC 7443, section 3), for servers that speak several protocols on one port.
const PROTOCOL: &[u8] = b"stun.turn";

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

    /// Looks the system's roots up, which takes milliseconds, so that the first session need not.
    pub(crate) fn prepare(&self) {
        if let Err(error) = self.config() {
            tracing::warn!(%error, "no TLS");
        }
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
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    Ok(config)
}

/// The keys of one stream, and what the session has to say that is not written yet.
pub(crate) struct Session(ClientConnection);

impl Session {
    /// Begins a session with a server that has to prove its `name`.
    pub(crate) fn new(roots: &TlsRoots, name: &str) -> io::Result<Self> {
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
        let name = ServerName::try_from(name.to_owned()).map_err(invalid)?;
        let config = roots.config().map_err(io::Error::other)?;
        let mut connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
        // What is sealed is taken out at once, so nothing piles up.
        connection.set_buffer_limit(None);
        Ok(Self(connection))
    }

    /// Whether the server has not proved its name yet.
    pub(crate) fn is_handshaking(&self) -> bool {
        self.0.is_handshaking()
    }

    /// Seals `content` into records, to be fetched by [`drain`](Self::drain).
    pub(crate) fn seal(&mut self, content: &[u8]) -> io::Result<()> {
        self.0.writer().write_all(content)
    }

    /// Ends the session.
    pub(crate) fn end(&mut self) {
        self.0.send_close_notify();
    }

    /// Appends the records that are to be written to `out`.
    pub(crate) fn drain(&mut self, out: &mut Vec<u8>) {
        while self.0.wants_write() {
            // Memory takes everything.
            if self.0.write_tls(out).is_err() {
                return;
            }
        }
    }

    /// Takes in `records`, in any pieces, and appends what was in them to `content`; `false` when it was the last.
    pub(crate) fn open(&mut self, mut records: &[u8], content: &mut Vec<u8>) -> io::Result<bool> {
        let connection = &mut self.0;
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turn_over_tls_is_offered_by_its_name() {
        let mut hello = Vec::new();
        Session::new(&TlsRoots::default(), "turn.example.org").unwrap().drain(&mut hello);
        assert!(hello.windows(10).any(|bytes| bytes == b"\x09stun.turn"));
    }

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
