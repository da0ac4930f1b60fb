//! The server's side of DTLS 1.3.
//!
//! ```text
//! AwaitClientHello ⇄ (HelloRetryRequest) → Certificate → CertificateVerify → Finished → Connected
//! ```

use super::Base;
use super::schedule::Schedule;
use super::update::KeyUpdates;
use crate::connection_id::{self, put_connection_id};
use crate::exporter::Exporter;
use crate::handshake::reassembly::Message;
use crate::handshake::transcript::{Transcript13, hello_hash};
use crate::hello::decode_error;
use crate::hello::server::{choose_srtp_profile, choose_suite, required};
use crate::peer::{IdentifiedPeer, VERIFIED_SCHEMES, VerifiedPeer, choose_scheme};
use crate::session::Session;
use crate::state::{Connected, State};
use crate::wire::client_hello::ClientHello;
use crate::wire::extension::{self, put, put_use_srtp};
use crate::wire::fragment::HandshakeType;
use crate::wire::key_share::{KeyShareEntry, KeyShares};
use crate::wire::server_hello::{self, RETRY_RANDOM};
use crate::wire::{Encoder, certificate_request};
use crate::{CipherSuite, ConnectionId, Failure, SrtpProfile, Version};
use alloc::vec::Vec;
use sendrecv_core::Reader;
use sendrecv_crypto::{Digest, NamedGroup, SignatureScheme};

/// Where a server is behind its flight.
pub(crate) enum Server13 {
    Certificate(Base, Application),
    CertificateVerify(Base, Application, IdentifiedPeer),
    Finished(Base, Application, VerifiedPeer),
}

/// What is there for application data already.
pub(crate) struct Application {
    updates: KeyUpdates,
    exporter: Exporter,
}

/// What a cookie remembers of the ClientHello before it.
struct FirstHello {
    /// The group we asked a share of.
    group: Option<NamedGroup>,
    suite: CipherSuite,
    hash: Digest,
}

impl FirstHello {
    fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        out.u16(self.group.map_or(0, NamedGroup::code));
        out.u16(self.suite.code());
        out.bytes(self.hash.as_bytes());
        out.finish()
    }

    fn decode(payload: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(payload);
        let (group, suite) = (reader.u16().ok()?, CipherSuite::from_code(reader.u16().ok()?)?);
        Some(Self { group: NamedGroup::from_code(group), suite, hash: Digest::new(reader.rest()) })
    }
}

/// Takes a ClientHello of a client that can do DTLS 1.3.
pub(crate) fn on_client_hello(
    session: &mut Session,
    message: &Message,
    hello: &ClientHello<'_>,
) -> Result<State, Failure> {
    let kind = message.kind;
    let suite = choose_suite(session, hello, Version::Dtls13)?;
    let schemes = extension::code_points(required(hello, extension::SIGNATURE_ALGORITHMS)?);
    let schemes = schemes.map_err(decode_error(kind))?;
    let scheme = choose_scheme(session.config.certificate.key().schemes(), schemes, Version::Dtls13)?;
    let shares = KeyShares::parse(required(hello, extension::KEY_SHARE)?).map_err(decode_error(kind))?;
    let first = first_hello(session, hello)?;
    let share = choose_share(session, hello, &shares)?;
    match (&first, share) {
        (Some(first), Ok(share)) => {
            if first.suite != suite || first.group.is_some_and(|group| group.code() != share.group) {
                return Err(Failure::IllegalParameter(kind));
            }
        }
        (Some(_), Err(_)) => return Err(Failure::IllegalParameter(kind)),
        (None, Ok(_)) if !session.config.cookie => (),
        (None, share) => return retry(session, message, hello, suite, share.err()),
    }
    let share = share.map_err(|_| Failure::NoCommonGroup)?;
    let provider = session.config.provider;
    let mut transcript = match first {
        Some(first) => {
            let body = encode_retry(session, hello, &first)?;
            Transcript13::after_retry(provider, suite.hash(), &first.hash, &body)?
        }
        None => Transcript13::new(provider, suite.hash())?,
    };
    transcript.add_message(message);
    let srtp_profile = choose_srtp_profile(session, hello)?;
    let id = connection_id::answer(session, hello)?;
    let agreed = (srtp_profile, id);
    answer(session, transcript, suite, &share, agreed, scheme)
}

/// What our cookie says, if there is one.
fn first_hello(session: &Session, hello: &ClientHello<'_>) -> Result<Option<FirstHello>, Failure> {
    let Some(content) = hello.extensions.get(extension::COOKIE) else {
        return Ok(None);
    };
    let cookie = extension::cookie(content).map_err(decode_error(HandshakeType::CLIENT_HELLO))?;
    let payload = session.cookies.open(session.config.provider, hello.random, cookie);
    let first = payload.and_then(FirstHello::decode);
    first.map(Some).ok_or(Failure::IllegalParameter(HandshakeType::CLIENT_HELLO))
}

/// The client's share of our most preferred group that it sent one of; else the group to ask a share of.
fn choose_share<'a>(
    session: &Session,
    hello: &ClientHello<'_>,
    shares: &KeyShares<'a>,
) -> Result<Result<KeyShareEntry<'a>, NamedGroup>, Failure> {
    let mut ours = session.config.groups(Version::Dtls13);
    let sent = |group: NamedGroup| {
        let group = group.code();
        shares.get(group).map(|key| KeyShareEntry { group, key })
    };
    if let Some(share) = ours.clone().find_map(sent) {
        return Ok(Ok(share));
    }
    let groups = required(hello, extension::SUPPORTED_GROUPS)?;
    let groups = extension::code_points(groups).map_err(decode_error(HandshakeType::CLIENT_HELLO))?;
    let common = ours.find(|group| groups.clone().any(|code| code == group.code()));
    common.map(Err).ok_or(Failure::NoCommonGroup)
}

/// Asks for a share of `group` and sends a cookie, which holds all that has to be remembered.
fn retry(
    session: &mut Session,
    message: &Message,
    hello: &ClientHello<'_>,
    suite: CipherSuite,
    group: Option<NamedGroup>,
) -> Result<State, Failure> {
    let hash = hello_hash(session.config.provider, suite.hash(), &message.body)?;
    let body = encode_retry(session, hello, &FirstHello { group, suite, hash })?;
    session.begin_flight(false);
    session.send(0, HandshakeType::SERVER_HELLO, body);
    Ok(State::AwaitClientHello)
}

fn encode_retry(session: &Session, hello: &ClientHello<'_>, first: &FirstHello) -> Result<Vec<u8>, Failure> {
    let cookie = session.cookies.bake(session.config.provider, hello.random, &first.encode())?;
    Ok(server_hello::encode(&RETRY_RANDOM, first.suite.code(), |out| {
        put(out, extension::SUPPORTED_VERSIONS, |out| out.u16(Version::Dtls13.code()));
        if let Some(group) = first.group {
            put(out, extension::KEY_SHARE, |out| out.u16(group.code()));
        }
        put(out, extension::COOKIE, |out| out.vec16(|out| out.bytes(&cookie)));
    }))
}

/// Sends our whole flight: ServerHello to Finished.
fn answer(
    session: &mut Session,
    mut transcript: Transcript13,
    suite: CipherSuite,
    theirs: &KeyShareEntry<'_>,
    (srtp_profile, id): (Option<SrtpProfile>, Option<ConnectionId>),
    scheme: SignatureScheme,
) -> Result<State, Failure> {
    let provider = session.config.provider;
    let group = NamedGroup::from_code(theirs.group).ok_or(Failure::NoCommonGroup)?;
    let (ours, shared) = provider
        .key_exchange_answer(group, theirs.key, &mut session.secret_rng)
        .map_err(|_| Failure::BadKeyShare)?;
    let random = session.public_rng.bytes();
    let body = server_hello::encode(&random, suite.code(), |out| {
        put(out, extension::SUPPORTED_VERSIONS, |out| out.u16(Version::Dtls13.code()));
        let share = KeyShareEntry { group: theirs.group, key: &ours };
        put(out, extension::KEY_SHARE, |out| share.write(out));
        if let Some(id) = &id {
            put_connection_id(out, id);
        }
    });
    session.begin_flight(true);
    transcript.add(HandshakeType::SERVER_HELLO, &body);
    session.send(0, HandshakeType::SERVER_HELLO, body);
    let secrets = Schedule::new(provider, suite).handshake(&shared, &transcript.digest())?;
    let mut base = Base { suite, group, srtp_profile, transcript, secrets };
    base.install_handshake_keys(session)?;
    let extensions = encrypted_extensions(&base);
    base.send(session, HandshakeType::ENCRYPTED_EXTENSIONS, extensions);
    let request = certificate_request::encode(Version::Dtls13, &VERIFIED_SCHEMES);
    base.send(session, HandshakeType::CERTIFICATE_REQUEST, request);
    base.send_authentication(session, scheme)?;
    let secrets = base.secrets.application(&base.transcript.digest())?;
    let (ours, theirs, exporter) = secrets.into_ours_theirs_exporter(session.role);
    let updates = KeyUpdates::start_writing(session, suite, ours, theirs)?;
    let application =
        Application { updates, exporter: Exporter::V13 { hash: suite.hash(), secret: exporter } };
    Ok(State::Server13(Server13::Certificate(base, application)))
}

fn encrypted_extensions(base: &Base) -> Vec<u8> {
    let mut out = Encoder::new();
    out.vec16(|out| {
        if let Some(profile) = base.srtp_profile {
            put_use_srtp(out, &[profile]);
        }
    });
    out.finish()
}

impl Server13 {
    pub(crate) fn on_message(self, session: &mut Session, message: &Message) -> Result<State, Failure> {
        let next = match (self, message.kind) {
            (Self::Certificate(mut base, application), HandshakeType::CERTIFICATE) => {
                let peer = base.identify(session, message)?;
                Self::CertificateVerify(base, application, peer)
            }
            (Self::CertificateVerify(mut base, application, peer), HandshakeType::CERTIFICATE_VERIFY) => {
                let peer = base.verify(session, peer, message)?;
                Self::Finished(base, application, peer)
            }
            (Self::Finished(base, application, peer), HandshakeType::FINISHED) => {
                return on_finished(base, application, peer, session, message);
            }
            (_, kind) => return Err(Failure::UnexpectedMessage(kind)),
        };
        Ok(State::Server13(next))
    }
}

fn on_finished(
    mut base: Base,
    application: Application,
    peer: VerifiedPeer,
    session: &mut Session,
    message: &Message,
) -> Result<State, Failure> {
    base.check_finished(session, message)?;
    session.end_flight();
    let Application { updates, exporter } = application;
    updates.install_read(session)?;
    let agreed = base.agreed();
    Ok(State::Connected(Connected::new(peer, agreed, exporter, Some(updates))))
}
