//! What both sides hash: every handshake message, in order.

use super::reassembly::Message;
use crate::Version;
use crate::wire::fragment::{Fragment, HandshakeType, tls_header};
use alloc::boxed::Box;
use alloc::vec::Vec;
use sendrecv_crypto::{CryptoError, CryptoProvider, Digest, Hash, HashAlgorithm};

/// A message's bytes as a version's transcript sees them: with the whole DTLS header of an unfragmented message in 1.2
/// (RFC 6347, section 4.2.6), with TLS's four bytes in 1.3 (RFC 9147, section 5.2).
fn header(version: Version, kind: HandshakeType, seq: u16, body: &[u8]) -> Vec<u8> {
    match version {
        Version::Dtls12 => {
            let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
            Fragment { kind, length, message_seq: seq, offset: 0, data: body }.header().to_vec()
        }
        Version::Dtls13 => tls_header(kind, body.len()).to_vec(),
    }
}

/// DTLS 1.2's transcript: kept whole, because CertificateVerify signs all of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transcript12(Vec<u8>);

impl Transcript12 {
    pub(crate) fn add(&mut self, kind: HandshakeType, seq: u16, body: &[u8]) {
        self.0.extend(header(Version::Dtls12, kind, seq, body));
        self.0.extend_from_slice(body);
    }

    pub(crate) fn add_message(&mut self, message: &Message) {
        self.add(message.kind, message.seq, &message.body);
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn digest(
        &self,
        provider: &dyn CryptoProvider,
        hash: HashAlgorithm,
    ) -> Result<Digest, CryptoError> {
        let mut state = provider.hash(hash)?;
        state.update(&self.0);
        Ok(state.digest())
    }
}

/// DTLS 1.3's transcript: a running hash.
pub(crate) struct Transcript13(Box<dyn Hash>);

impl Transcript13 {
    pub(crate) fn new(provider: &dyn CryptoProvider, hash: HashAlgorithm) -> Result<Self, CryptoError> {
        provider.hash(hash).map(Self)
    }

    /// After a HelloRetryRequest the first ClientHello counts as its hash (RFC 8446, section 4.4.1).
    pub(crate) fn after_retry(
        provider: &dyn CryptoProvider,
        hash: HashAlgorithm,
        first_hello: &Digest,
        retry: &[u8],
    ) -> Result<Self, CryptoError> {
        let mut transcript = Self::new(provider, hash)?;
        transcript.add(HandshakeType::MESSAGE_HASH, first_hello.as_bytes());
        transcript.add(HandshakeType::SERVER_HELLO, retry);
        Ok(transcript)
    }

    pub(crate) fn add(&mut self, kind: HandshakeType, body: &[u8]) {
        self.0.update(&tls_header(kind, body.len()));
        self.0.update(body);
    }

    pub(crate) fn add_message(&mut self, message: &Message) {
        self.add(message.kind, &message.body);
    }

    pub(crate) fn digest(&self) -> Digest {
        self.0.digest()
    }
}

/// The hash of a first ClientHello as DTLS 1.3 counts it.
pub(crate) fn hello_hash(
    provider: &dyn CryptoProvider,
    hash: HashAlgorithm,
    body: &[u8],
) -> Result<Digest, CryptoError> {
    let mut transcript = Transcript13::new(provider, hash)?;
    transcript.add(HandshakeType::CLIENT_HELLO, body);
    Ok(transcript.digest())
}
