//! The client's side of DTLS 1.3.
//!
//! ```text
//! AwaitServerHello → EncryptedExtensions → CertificateRequest → Certificate → CertificateVerify → Finished → Connected
//! ```

use super::Base;
use super::schedule::Schedule;
use super::update::KeyUpdates;
use crate::exporter::Exporter;
use crate::handshake::reassembly::Message;
use crate::handshake::transcript::Transcript13;
use crate::hello::client::AwaitServerHello;
use crate::hello::{chosen_srtp_profile, decode_error};
use crate::peer::{IdentifiedPeer, VerifiedPeer, choose_scheme};
use crate::session::Session;
use crate::state::{Connected, State};
use crate::wire::extension::{self, Extensions};
use crate::wire::fragment::HandshakeType;
use crate::wire::key_share::KeyShareEntry;
use crate::wire::server_hello::ServerHello;
use crate::wire::{certificate_request, finish};
use crate::{CipherSuite, Failure, Version, connection_id};
use sendrecv_core::Reader;
use sendrecv_crypto::{NamedGroup, Secret, SignatureScheme};

/// Where a client is behind ServerHello.
pub(crate) enum Client13 {
    EncryptedExtensions(Base),
    CertificateRequest(Base),
    Certificate(Base, SignatureScheme),
    CertificateVerify(Base, SignatureScheme, IdentifiedPeer),
    Finished(Base, SignatureScheme, VerifiedPeer),
}

/// Takes the ServerHello that chose DTLS 1.3 (RFC 8446, section 4.1.3).
pub(crate) fn on_server_hello(
    waiting: AwaitServerHello,
    session: &mut Session,
    message: &Message,
    hello: &ServerHello<'_>,
    suite: CipherSuite,
) -> Result<State, Failure> {
    let kind = message.kind;
    let known = [extension::SUPPORTED_VERSIONS, extension::KEY_SHARE, extension::CONNECTION_ID];
    if let Some(unsolicited) = hello.extensions.first_not_in(&known) {
        return Err(Failure::UnsolicitedExtension(kind, unsolicited));
    }
    let same_suite = waiting.retry.as_ref().is_none_or(|retry| retry.suite == suite);
    if !same_suite || !hello.session_id.is_empty() {
        return Err(Failure::IllegalParameter(kind));
    }
    let share = hello.extensions.get(extension::KEY_SHARE);
    let share = share.ok_or(Failure::MissingExtension(kind, extension::KEY_SHARE))?;
    let share = KeyShareEntry::parse(share).map_err(decode_error(kind))?;
    let provider = session.config.provider;
    let AwaitServerHello { shares, hello: (_, client_hello), retry, .. } = waiting;
    let (group, shared) = agree(shares, &share, kind)?;
    let mut transcript = match retry {
        Some(retry) => retry.transcript,
        None => Transcript13::new(provider, suite.hash())?,
    };
    transcript.add(HandshakeType::CLIENT_HELLO, &client_hello);
    transcript.add_message(message);
    let secrets = Schedule::new(provider, suite).handshake(&shared, &transcript.digest())?;
    let base = Base { suite, group, srtp_profile: None, transcript, secrets };
    session.version = Some(Version::Dtls13);
    connection_id::accept(session, hello)?;
    base.install_handshake_keys(session)?;
    Ok(State::Client13(Client13::EncryptedExtensions(base)))
}

/// The shared secret with the server's share of a group we sent one of.
fn agree(
    shares: alloc::vec::Vec<alloc::boxed::Box<dyn sendrecv_crypto::KeyExchange>>,
    theirs: &KeyShareEntry<'_>,
    kind: HandshakeType,
) -> Result<(NamedGroup, Secret), Failure> {
    let ours = shares.into_iter().find(|share| share.group().code() == theirs.group);
    let ours = ours.ok_or(Failure::IllegalParameter(kind))?;
    let group = ours.group();
    let shared = ours.complete(theirs.key).map_err(|_| Failure::BadKeyShare)?;
    Ok((group, shared))
}

impl Client13 {
    pub(crate) fn on_message(self, session: &mut Session, message: &Message) -> Result<State, Failure> {
        let next = match (self, message.kind) {
            (Self::EncryptedExtensions(base), HandshakeType::ENCRYPTED_EXTENSIONS) => {
                on_encrypted_extensions(base, session, message)?
            }
            (Self::CertificateRequest(base), HandshakeType::CERTIFICATE_REQUEST) => {
                on_certificate_request(base, session, message)?
            }
            (Self::CertificateRequest(_), HandshakeType::CERTIFICATE) => {
                return Err(Failure::CertificateNotRequested);
            }
            (Self::Certificate(mut base, scheme), HandshakeType::CERTIFICATE) => {
                let peer = base.identify(session, message)?;
                Self::CertificateVerify(base, scheme, peer)
            }
            (Self::CertificateVerify(mut base, scheme, peer), HandshakeType::CERTIFICATE_VERIFY) => {
                let peer = base.verify(session, peer, message)?;
                Self::Finished(base, scheme, peer)
            }
            (Self::Finished(base, scheme, peer), HandshakeType::FINISHED) => {
                return on_finished(base, scheme, peer, session, message);
            }
            (_, kind) => return Err(Failure::UnexpectedMessage(kind)),
        };
        Ok(State::Client13(next))
    }
}

fn on_encrypted_extensions(
    mut base: Base,
    session: &Session,
    message: &Message,
) -> Result<Client13, Failure> {
    let mut reader = Reader::new(&message.body);
    let extensions = Extensions::parse(&mut reader).map_err(decode_error(message.kind))?;
    finish(&reader).map_err(decode_error(message.kind))?;
    // A server may tell its groups unasked (RFC 8446, section 4.2.7).
    let mut known = alloc::vec![extension::SUPPORTED_GROUPS];
    if !session.config.srtp_profiles.is_empty() {
        known.push(extension::USE_SRTP);
    }
    if let Some(kind) = extensions.first_not_in(&known) {
        return Err(Failure::UnsolicitedExtension(message.kind, kind));
    }
    base.srtp_profile = chosen_srtp_profile(&extensions, &session.config.srtp_profiles, message.kind)?;
    base.transcript.add_message(message);
    Ok(Client13::CertificateRequest(base))
}

fn on_certificate_request(mut base: Base, session: &Session, message: &Message) -> Result<Client13, Failure> {
    let schemes =
        certificate_request::parse(Version::Dtls13, &message.body).map_err(decode_error(message.kind))?;
    let scheme = choose_scheme(session.config.certificate.key().schemes(), schemes, Version::Dtls13)?;
    base.transcript.add_message(message);
    Ok(Client13::Certificate(base, scheme))
}

/// The server is verified: our last flight goes out, and data may follow it at once.
fn on_finished(
    mut base: Base,
    scheme: SignatureScheme,
    peer: VerifiedPeer,
    session: &mut Session,
    message: &Message,
) -> Result<State, Failure> {
    base.check_finished(session, message)?;
    let application = base.secrets.application(&base.transcript.digest())?;
    session.begin_flight(true);
    base.send_authentication(session, scheme)?;
    let (ours, theirs, exporter) = application.into_ours_theirs_exporter(session.role);
    let updates = KeyUpdates::start(session, base.suite, ours, theirs)?;
    let exporter = Exporter::V13 { hash: base.suite.hash(), secret: exporter };
    let agreed = base.agreed();
    Ok(State::Connected(Connected::new(peer, agreed, exporter, Some(updates))))
}
