//! The DTLS 1.2 handshake (RFC 6347, RFC 5246, RFC 8422) after version negotiation.

pub(crate) mod client;
pub(crate) mod keys;
#[cfg(test)]
mod recorded;
pub(crate) mod server;

use crate::exporter::Exporter;
use crate::handshake::reassembly::Message;
use crate::handshake::transcript::Transcript12;
use crate::peer::{IdentifiedPeer, VerifiedPeer, unless_fuzzing};
use crate::record::v12::{Opener12, Sealer12};
use crate::session::Session;
use crate::state::{Agreed, Connected, State};
use crate::wire::certificate_verify::{self, DigitallySigned};
use crate::wire::fragment::HandshakeType;
use crate::{CipherSuite, Failure, Role, SrtpProfile, Version, wire};
use alloc::vec::Vec;
use constant_time_eq::constant_time_eq;
use keys::MasterSecret;
use sendrecv_crypto::{NamedGroup, Secret, SignatureScheme};

/// The epoch behind ChangeCipherSpec.
const PROTECTED_EPOCH: u64 = 1;

/// What both sides carry through the handshake.
pub(crate) struct Base {
    pub(crate) suite: CipherSuite,
    pub(crate) group: NamedGroup,
    pub(crate) srtp_profile: Option<SrtpProfile>,
    pub(crate) extended_master_secret: bool,
    pub(crate) client_random: [u8; 32],
    pub(crate) server_random: [u8; 32],
    pub(crate) transcript: Transcript12,
}

impl Base {
    /// Sends a plaintext message and takes it into the transcript.
    fn send(&mut self, session: &mut Session, kind: HandshakeType, body: Vec<u8>) {
        self.transcript.add(kind, session.next_seq(), &body);
        session.send(0, kind, body);
    }

    fn send_certificate(&mut self, session: &mut Session) {
        let body = wire::certificate::encode(Version::Dtls12, session.config.certificate.der());
        self.send(session, HandshakeType::CERTIFICATE, body);
    }

    /// Takes in the peer's Certificate.
    fn identify(&mut self, session: &Session, message: &Message) -> Result<IdentifiedPeer, Failure> {
        let certificate = wire::certificate::parse(Version::Dtls12, &message.body)
            .map_err(|error| Failure::Decode(message.kind, error))?
            .ok_or(Failure::NoCertificate)?;
        let peer = IdentifiedPeer::identify(session.config.provider, certificate, session.fingerprints())?;
        self.transcript.add_message(message);
        Ok(peer)
    }

    /// The signature over a message: scheme and signature as they go on the wire.
    fn sign(session: &mut Session, scheme: SignatureScheme, content: &[u8]) -> Result<Vec<u8>, Failure> {
        let signature = session.config.certificate.key().sign(scheme, content, &mut session.secret_rng)?;
        Ok(certificate_verify::encode(scheme, &signature))
    }

    /// The master secret, once ClientKeyExchange is in the transcript.
    fn master(&self, session: &Session, premaster: &Secret) -> Result<MasterSecret, Failure> {
        let (provider, hash) = (session.config.provider, self.suite.hash());
        Ok(if self.extended_master_secret {
            let session_hash = self.transcript.digest(provider, hash)?;
            MasterSecret::extended(provider, hash, premaster, &session_hash)?
        } else {
            MasterSecret::classic(provider, hash, premaster, &self.client_random, &self.server_random)?
        })
    }

    /// The ciphers for what we send and what the peer sends.
    fn ciphers(&self, session: &Session, master: &MasterSecret) -> Result<(Sealer12, Opener12), Failure> {
        let provider = session.config.provider;
        let keys = master.key_block(provider, self.suite, &self.client_random, &self.server_random)?;
        let (ours, theirs) = keys.ours_and_theirs(session.role);
        let aead = self.suite.aead();
        let sealer = Sealer12::new(provider, aead, ours.key, ours.iv)?;
        Ok((sealer, Opener12::new(provider, aead, theirs.key, theirs.iv)?))
    }

    /// ChangeCipherSpec and Finished.
    fn send_finished(&mut self, session: &mut Session, master: &MasterSecret) -> Result<(), Failure> {
        let provider = session.config.provider;
        let digest = self.transcript.digest(provider, self.suite.hash())?;
        let body = master.finished(provider, session.role, &digest)?.to_vec();
        session.flight.push_change_cipher_spec();
        self.transcript.add(HandshakeType::FINISHED, session.next_seq(), &body);
        session.send(PROTECTED_EPOCH, HandshakeType::FINISHED, body);
        Ok(())
    }

    /// Takes in the peer's Finished, which must be protected.
    fn check_finished(
        &mut self,
        session: &Session,
        master: &MasterSecret,
        message: &Message,
    ) -> Result<(), Failure> {
        if message.epoch != PROTECTED_EPOCH {
            return Err(Failure::UnexpectedMessage(message.kind));
        }
        let provider = session.config.provider;
        let digest = self.transcript.digest(provider, self.suite.hash())?;
        let expected = master.finished(provider, session.role.peer(), &digest)?;
        if !constant_time_eq(&expected[..], &message.body[..]) {
            unless_fuzzing(Failure::BadFinished)?;
        }
        self.transcript.add_message(message);
        Ok(())
    }

    fn connected(self, peer: VerifiedPeer, master: MasterSecret) -> State {
        let (suite, group, srtp_profile) = (self.suite, self.group, self.srtp_profile);
        let agreed = Agreed { version: Version::Dtls12, suite, group, srtp_profile };
        let exporter = Exporter::V12 {
            hash: self.suite.hash(),
            master: master.into_secret(),
            client_random: self.client_random,
            server_random: self.server_random,
        };
        State::Connected(Connected::new(peer, agreed, exporter, None))
    }
}

/// Reads a CertificateVerify.
fn parse_verify(message: &Message) -> Result<DigitallySigned<'_>, Failure> {
    DigitallySigned::parse(&message.body).map_err(|error| Failure::Decode(message.kind, error))
}

/// Whose label a Finished has.
const fn finished_label(side: Role) -> &'static [u8] {
    match side {
        Role::Client => b"client finished",
        Role::Server => b"server finished",
    }
}
