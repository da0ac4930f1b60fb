//! The client's side of DTLS 1.2.
//!
//! ```text
//! AwaitServerHello → Certificate → ServerKeyExchange → CertificateRequest → ServerHelloDone → Finished → Connected
//! ```

use super::Base;
use super::keys::MasterSecret;
use crate::handshake::reassembly::Message;
use crate::handshake::transcript::Transcript12;
use crate::hello::client::AwaitServerHello;
use crate::hello::{chosen_srtp_profile, decode_error};
use crate::peer::{IdentifiedPeer, VerifiedPeer, choose_scheme};
use crate::session::Session;
use crate::state::State;
use crate::wire::extension::{self};
use crate::wire::fragment::HandshakeType;
use crate::wire::key_exchange::{self, ServerKeyExchange};
use crate::wire::server_hello::ServerHello;
use crate::wire::{DecodeError, certificate_request};
use crate::{CipherSuite, Failure, Version, connection_id};
use alloc::boxed::Box;
use alloc::vec::Vec;
use sendrecv_crypto::{KeyExchange, NamedGroup, Secret, SignatureScheme};

/// The server's verified share, not yet answered.
pub(crate) struct ServerShare {
    group: NamedGroup,
    point: Vec<u8>,
}

/// Where a client is behind ServerHello.
pub(crate) enum Client12 {
    Certificate(Base, Vec<Box<dyn KeyExchange>>),
    ServerKeyExchange(Base, Vec<Box<dyn KeyExchange>>, IdentifiedPeer),
    CertificateRequest(Base, Agreement),
    ServerHelloDone(Base, Agreement, SignatureScheme),
    Finished(Base, VerifiedPeer, MasterSecret),
}

/// The server is verified and its share is here.
pub(crate) struct Agreement {
    peer: VerifiedPeer,
    server: ServerShare,
    shares: Vec<Box<dyn KeyExchange>>,
}

/// Takes the ServerHello that chose DTLS 1.2.
pub(crate) fn on_server_hello(
    waiting: AwaitServerHello,
    session: &mut Session,
    message: &Message,
    hello: &ServerHello<'_>,
    suite: CipherSuite,
) -> Result<State, Failure> {
    let known = [
        extension::RENEGOTIATION_INFO,
        extension::EXTENDED_MASTER_SECRET,
        extension::EC_POINT_FORMATS,
        extension::USE_SRTP,
        extension::CONNECTION_ID,
    ];
    if let Some(kind) = hello.extensions.first_not_in(&known) {
        return Err(Failure::UnsolicitedExtension(message.kind, kind));
    }
    if hello.extensions.get(extension::RENEGOTIATION_INFO).is_some_and(|content| content != [0]) {
        return Err(Failure::IllegalParameter(message.kind));
    }
    let extended_master_secret = hello.extensions.has(extension::EXTENDED_MASTER_SECRET);
    if !extended_master_secret && session.config.require_extended_master_secret {
        return Err(Failure::NoExtendedMasterSecret);
    }
    let AwaitServerHello { random, shares, hello: (seq, body), .. } = waiting;
    let mut transcript = Transcript12::default();
    transcript.add(HandshakeType::CLIENT_HELLO, seq, &body);
    transcript.add_message(message);
    session.version = Some(Version::Dtls12);
    connection_id::accept(session, hello)?;
    let base = Base {
        suite,
        group: NamedGroup::X25519,
        srtp_profile: chosen_srtp_profile(&hello.extensions, &session.config.srtp_profiles, message.kind)?,
        extended_master_secret,
        client_random: random,
        server_random: *hello.random,
        transcript,
    };
    Ok(State::Client12(Client12::Certificate(base, shares)))
}

impl Client12 {
    pub(crate) fn on_message(self, session: &mut Session, message: &Message) -> Result<State, Failure> {
        let next = match (self, message.kind) {
            (Self::Certificate(base, shares), HandshakeType::CERTIFICATE) => {
                on_certificate(base, shares, session, message)?
            }
            (Self::ServerKeyExchange(base, shares, peer), HandshakeType::SERVER_KEY_EXCHANGE) => {
                on_server_key_exchange(base, shares, peer, session, message)?
            }
            (Self::CertificateRequest(base, agreement), HandshakeType::CERTIFICATE_REQUEST) => {
                on_certificate_request(base, agreement, session, message)?
            }
            (Self::CertificateRequest(..), HandshakeType::SERVER_HELLO_DONE) => {
                return Err(Failure::CertificateNotRequested);
            }
            (Self::ServerHelloDone(base, agreement, scheme), HandshakeType::SERVER_HELLO_DONE) => {
                on_server_hello_done(base, agreement, scheme, session, message)?
            }
            (Self::Finished(mut base, peer, master), HandshakeType::FINISHED) => {
                base.check_finished(session, &master, message)?;
                session.end_flight();
                return Ok(base.connected(peer, master));
            }
            (_, kind) => return Err(Failure::UnexpectedMessage(kind)),
        };
        Ok(State::Client12(next))
    }
}

fn on_certificate(
    mut base: Base,
    shares: Vec<Box<dyn KeyExchange>>,
    session: &Session,
    message: &Message,
) -> Result<Client12, Failure> {
    let peer = base.identify(session, message)?;
    if !base.suite.suits(peer.kind()) {
        return Err(Failure::UnsupportedCertificate);
    }
    Ok(Client12::ServerKeyExchange(base, shares, peer))
}

/// The server's share is signed together with both randoms (RFC 8422, section 5.4).
fn on_server_key_exchange(
    mut base: Base,
    shares: Vec<Box<dyn KeyExchange>>,
    peer: IdentifiedPeer,
    session: &Session,
    message: &Message,
) -> Result<Client12, Failure> {
    let exchange = ServerKeyExchange::parse(&message.body).map_err(decode_error(message.kind))?;
    let offered = |group: &NamedGroup| session.config.groups(Version::Dtls12).any(|other| other == *group);
    let group = NamedGroup::from_code(exchange.group).filter(offered);
    let group = group.ok_or(Failure::IllegalParameter(message.kind))?;
    let content = [&base.client_random[..], &base.server_random, exchange.parameters].concat();
    let provider = session.config.provider;
    let peer = peer.verify(provider, Version::Dtls12, message.kind, &content, &exchange.signed)?;
    base.transcript.add_message(message);
    base.group = group;
    let server = ServerShare { group, point: exchange.point.to_vec() };
    Ok(Client12::CertificateRequest(base, Agreement { peer, server, shares }))
}

fn on_certificate_request(
    mut base: Base,
    agreement: Agreement,
    session: &Session,
    message: &Message,
) -> Result<Client12, Failure> {
    let schemes =
        certificate_request::parse(Version::Dtls12, &message.body).map_err(decode_error(message.kind))?;
    let scheme = choose_scheme(session.config.certificate.key().schemes(), schemes, Version::Dtls12)?;
    base.transcript.add_message(message);
    Ok(Client12::ServerHelloDone(base, agreement, scheme))
}

/// Our whole second flight: Certificate to Finished.
fn on_server_hello_done(
    mut base: Base,
    agreement: Agreement,
    scheme: SignatureScheme,
    session: &mut Session,
    message: &Message,
) -> Result<Client12, Failure> {
    if !message.body.is_empty() {
        return Err(Failure::Decode(message.kind, DecodeError::TrailingBytes));
    }
    base.transcript.add_message(message);
    let (point, premaster) = agree(session, agreement.shares, &agreement.server)?;
    session.begin_flight(true);
    base.send_certificate(session);
    base.send(session, HandshakeType::CLIENT_KEY_EXCHANGE, key_exchange::encode_client(&point));
    let master = base.master(session, &premaster)?;
    let verify = Base::sign(session, scheme, base.transcript.bytes())?;
    base.send(session, HandshakeType::CERTIFICATE_VERIFY, verify);
    let (sealer, opener) = base.ciphers(session, &master)?;
    base.send_finished(session, &master)?;
    session.records.install_v12_write(sealer);
    session.records.install_v12_read(opener);
    Ok(Client12::Finished(base, agreement.peer, master))
}

/// Our share and the premaster secret; a share already made for DTLS 1.3 is good here too.
fn agree(
    session: &mut Session,
    shares: Vec<Box<dyn KeyExchange>>,
    server: &ServerShare,
) -> Result<(Vec<u8>, Secret), Failure> {
    let ready = shares.into_iter().find(|share| share.group() == server.group);
    let bad_share = |_| Failure::BadKeyShare;
    match ready {
        Some(share) => {
            let point = share.public_share().to_vec();
            Ok((point, share.complete(&server.point).map_err(bad_share)?))
        }
        None => {
            let provider = session.config.provider;
            let answer = provider.key_exchange_answer(server.group, &server.point, &mut session.secret_rng);
            answer.map_err(bad_share)
        }
    }
}
