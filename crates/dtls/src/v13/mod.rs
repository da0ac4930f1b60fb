//! The DTLS 1.3 handshake (RFC 9147, RFC 8446) after version negotiation.

pub(crate) mod client;
pub(crate) mod schedule;
pub(crate) mod server;
pub(crate) mod update;

use crate::handshake::reassembly::Message;
use crate::handshake::transcript::Transcript13;
use crate::peer::{IdentifiedPeer, VerifiedPeer, unless_fuzzing};
use crate::record::HANDSHAKE_EPOCH;
use crate::record::v13::{Opener13, Sealer13};
use crate::session::Session;
use crate::state::Agreed;
use crate::wire::certificate_verify::{self, DigitallySigned};
use crate::wire::fragment::HandshakeType;
use crate::wire::{self};
use crate::{CipherSuite, Failure, Role, SrtpProfile, Version};
use alloc::vec::Vec;
use schedule::HandshakeSecrets;
use sendrecv_crypto::{NamedGroup, SignatureScheme};

/// What both sides carry through the protected part of the handshake.
pub(crate) struct Base {
    pub(crate) suite: CipherSuite,
    pub(crate) group: NamedGroup,
    pub(crate) srtp_profile: Option<SrtpProfile>,
    pub(crate) transcript: Transcript13,
    pub(crate) secrets: HandshakeSecrets,
}

impl Base {
    fn agreed(&self) -> Agreed {
        let (suite, group, srtp_profile) = (self.suite, self.group, self.srtp_profile);
        Agreed { version: Version::Dtls13, suite, group, srtp_profile }
    }

    /// Installs the handshake keys: from here on only protected messages are believed.
    pub(crate) fn install_handshake_keys(&self, session: &mut Session) -> Result<(), Failure> {
        let provider = session.config.provider;
        let (ours, theirs) = (self.secrets.traffic(session.role), self.secrets.traffic(session.role.peer()));
        let sealer = Sealer13::new(provider, self.suite, ours, HANDSHAKE_EPOCH)?;
        let opener = Opener13::new(provider, self.suite, theirs, HANDSHAKE_EPOCH)?;
        session.records.install_handshake(sealer, opener);
        session.inbox.forget_plaintext();
        Ok(())
    }

    /// Sends a message in the handshake epoch and takes it into the transcript.
    fn send(&mut self, session: &mut Session, kind: HandshakeType, body: Vec<u8>) {
        self.transcript.add(kind, &body);
        session.send(HANDSHAKE_EPOCH, kind, body);
    }

    /// Certificate, CertificateVerify and Finished, the end of either side's flight.
    fn send_authentication(&mut self, session: &mut Session, scheme: SignatureScheme) -> Result<(), Failure> {
        let certificate = wire::certificate::encode(Version::Dtls13, session.config.certificate.der());
        self.send(session, HandshakeType::CERTIFICATE, certificate);
        let content = signed_content(session.role, &self.transcript);
        let signature = session.config.certificate.key().sign(scheme, &content, &mut session.secret_rng)?;
        let verify = certificate_verify::encode(scheme, &signature);
        self.send(session, HandshakeType::CERTIFICATE_VERIFY, verify);
        let finished = self.secrets.finished(session.role, &self.transcript.digest())?;
        self.send(session, HandshakeType::FINISHED, finished.as_bytes().to_vec());
        Ok(())
    }

    /// Takes in the peer's Certificate.
    fn identify(&mut self, session: &Session, message: &Message) -> Result<IdentifiedPeer, Failure> {
        let certificate = wire::certificate::parse(Version::Dtls13, &message.body)
            .map_err(|error| Failure::Decode(message.kind, error))?
            .ok_or(Failure::NoCertificate)?;
        let peer = IdentifiedPeer::identify(session.config.provider, certificate, session.fingerprints())?;
        self.transcript.add_message(message);
        Ok(peer)
    }

    /// Takes in the peer's CertificateVerify.
    fn verify(
        &mut self,
        session: &Session,
        peer: IdentifiedPeer,
        message: &Message,
    ) -> Result<VerifiedPeer, Failure> {
        let signed =
            DigitallySigned::parse(&message.body).map_err(|error| Failure::Decode(message.kind, error))?;
        let content = signed_content(session.role.peer(), &self.transcript);
        let peer = peer.verify(session.config.provider, Version::Dtls13, message.kind, &content, &signed)?;
        self.transcript.add_message(message);
        Ok(peer)
    }

    /// Takes in the peer's Finished.
    fn check_finished(&mut self, session: &Session, message: &Message) -> Result<(), Failure> {
        let expected = self.secrets.finished(session.role.peer(), &self.transcript.digest())?;
        if expected != sendrecv_crypto::Digest::new(&message.body) || message.body.len() > 64 {
            unless_fuzzing(Failure::BadFinished)?;
        }
        self.transcript.add_message(message);
        Ok(())
    }
}

/// What a CertificateVerify signs (RFC 8446, section 4.4.3).
fn signed_content(signer: Role, transcript: &Transcript13) -> Vec<u8> {
    let context: &[u8] = match signer {
        Role::Client => b"TLS 1.3, client CertificateVerify",
        Role::Server => b"TLS 1.3, server CertificateVerify",
    };
    [&[b' '; 64], context, &[0], transcript.digest().as_bytes()].concat()
}
