//! The server's side of DTLS 1.2.
//!
//! ```text
//! AwaitClientHello ⇄ (HelloVerifyRequest) → Certificate → ClientKeyExchange → CertificateVerify → Finished → Connected
//! ```

use super::keys::MasterSecret;
use super::{Base, parse_verify};
use crate::connection_id::{self, put_connection_id};
use crate::handshake::reassembly::Message;
use crate::handshake::transcript::Transcript12;
use crate::hello::decode_error;
use crate::hello::server::{choose_srtp_profile, choose_suite};
use crate::peer::{IdentifiedPeer, VERIFIED_SCHEMES, VerifiedPeer, choose_scheme};
use crate::record::v12::Sealer12;
use crate::session::Session;
use crate::state::State;
use crate::wire::client_hello::ClientHello;
use crate::wire::extension::{self, put, put_use_srtp};
use crate::wire::fragment::HandshakeType;
use crate::wire::key_exchange::{client_point, server_parameters};
use crate::wire::server_hello::{self, DOWNGRADE_TO_12};
use crate::wire::{Encoder, certificate_request};
use crate::{ConnectionId, Failure, Version};
use alloc::boxed::Box;
use alloc::vec::Vec;
use sendrecv_crypto::{KeyExchange, NamedGroup, SignatureScheme};

/// TLS_EMPTY_RENEGOTIATION_INFO_SCSV (RFC 5746, section 3.3): stands for an empty renegotiation_info.
const RENEGOTIATION_SCSV: u16 = 0x00ff;

/// Where a server is behind its flight.
pub(crate) enum Server12 {
    Certificate(Base, Box<dyn KeyExchange>),
    ClientKeyExchange(Base, Box<dyn KeyExchange>, IdentifiedPeer),
    CertificateVerify(Base, Keys, IdentifiedPeer),
    Finished(Base, Keys, VerifiedPeer),
}

/// What ClientKeyExchange has given.
pub(crate) struct Keys {
    master: MasterSecret,
    sealer: Sealer12,
}

/// Takes a ClientHello that leads to DTLS 1.2 and answers with our whole flight.
pub(crate) fn on_client_hello(
    session: &mut Session,
    message: &Message,
    hello: &ClientHello<'_>,
) -> Result<State, Failure> {
    let suite = choose_suite(session, hello, Version::Dtls12)?;
    let extended_master_secret = hello.extensions.has(extension::EXTENDED_MASTER_SECRET);
    if !extended_master_secret && session.config.require_extended_master_secret {
        return Err(Failure::NoExtendedMasterSecret);
    }
    let group = choose_group(session, hello)?;
    let scheme = choose_signature(session, hello)?;
    let exchange = session.config.provider.key_exchange(group, &mut session.secret_rng)?;
    let mut transcript = Transcript12::default();
    transcript.add_message(message);
    let mut base = Base {
        suite,
        group,
        srtp_profile: choose_srtp_profile(session, hello)?,
        extended_master_secret,
        client_random: *hello.random,
        server_random: server_random(session),
        transcript,
    };
    let id = connection_id::answer(session, hello)?;
    session.begin_flight(true);
    let body = encode_hello(&base, hello, id.as_ref());
    base.send(session, HandshakeType::SERVER_HELLO, body);
    base.send_certificate(session);
    let parameters = server_parameters(group.code(), exchange.public_share());
    let content = [&base.client_random[..], &base.server_random, &parameters].concat();
    let signed = Base::sign(session, scheme, &content)?;
    base.send(session, HandshakeType::SERVER_KEY_EXCHANGE, [parameters, signed].concat());
    let request = certificate_request::encode(Version::Dtls12, &VERIFIED_SCHEMES);
    base.send(session, HandshakeType::CERTIFICATE_REQUEST, request);
    base.send(session, HandshakeType::SERVER_HELLO_DONE, Vec::new());
    Ok(State::Server12(Server12::Certificate(base, exchange)))
}

/// Our most preferred group that the client has; a client that names none can do P-256 (RFC 8422, section 4).
fn choose_group(session: &Session, hello: &ClientHello<'_>) -> Result<NamedGroup, Failure> {
    let mut ours = session.config.groups(Version::Dtls12);
    let Some(content) = hello.extensions.get(extension::SUPPORTED_GROUPS) else {
        return ours.find(|group| *group == NamedGroup::Secp256r1).ok_or(Failure::NoCommonGroup);
    };
    let theirs = extension::code_points(content).map_err(decode_error(HandshakeType::CLIENT_HELLO))?;
    ours.find(|group| theirs.clone().any(|code| code == group.code())).ok_or(Failure::NoCommonGroup)
}

fn choose_signature(session: &Session, hello: &ClientHello<'_>) -> Result<SignatureScheme, Failure> {
    let content =
        hello.extensions.get(extension::SIGNATURE_ALGORITHMS).ok_or(Failure::NoCommonSignatureScheme)?;
    let theirs = extension::code_points(content).map_err(decode_error(HandshakeType::CLIENT_HELLO))?;
    choose_scheme(session.config.certificate.key().schemes(), theirs, Version::Dtls12)
}

/// Says in its last bytes when we could have done better (RFC 8446, section 4.1.3).
fn server_random(session: &mut Session) -> [u8; 32] {
    let mut random: [u8; 32] = session.public_rng.bytes();
    if session.config.allows(Version::Dtls13)
        && let Some(tail) = random.last_chunk_mut()
    {
        *tail = DOWNGRADE_TO_12;
    }
    random
}

fn encode_hello(base: &Base, hello: &ClientHello<'_>, id: Option<&ConnectionId>) -> Vec<u8> {
    let renegotiation = hello.extensions.has(extension::RENEGOTIATION_INFO)
        || hello.suites().any(|code| code == RENEGOTIATION_SCSV);
    server_hello::encode(&base.server_random, base.suite.code(), |out: &mut Encoder| {
        if renegotiation {
            put(out, extension::RENEGOTIATION_INFO, |out| out.vec8(|_| ()));
        }
        if base.extended_master_secret {
            put(out, extension::EXTENDED_MASTER_SECRET, |_| ());
        }
        if hello.extensions.has(extension::EC_POINT_FORMATS) {
            put(out, extension::EC_POINT_FORMATS, |out| out.vec8(|out| out.u8(0)));
        }
        if let Some(profile) = base.srtp_profile {
            put_use_srtp(out, &[profile]);
        }
        if let Some(id) = id {
            put_connection_id(out, id);
        }
    })
}

impl Server12 {
    pub(crate) fn on_message(self, session: &mut Session, message: &Message) -> Result<State, Failure> {
        let next = match (self, message.kind) {
            (Self::Certificate(mut base, exchange), HandshakeType::CERTIFICATE) => {
                let peer = base.identify(session, message)?;
                Self::ClientKeyExchange(base, exchange, peer)
            }
            (Self::ClientKeyExchange(base, exchange, peer), HandshakeType::CLIENT_KEY_EXCHANGE) => {
                on_client_key_exchange(base, exchange, peer, session, message)?
            }
            (Self::CertificateVerify(base, keys, peer), HandshakeType::CERTIFICATE_VERIFY) => {
                on_certificate_verify(base, keys, peer, session, message)?
            }
            (Self::Finished(base, keys, peer), HandshakeType::FINISHED) => {
                return on_finished(base, keys, peer, session, message);
            }
            (_, kind) => return Err(Failure::UnexpectedMessage(kind)),
        };
        Ok(State::Server12(next))
    }
}

fn on_client_key_exchange(
    mut base: Base,
    exchange: Box<dyn KeyExchange>,
    peer: IdentifiedPeer,
    session: &mut Session,
    message: &Message,
) -> Result<Server12, Failure> {
    let point = client_point(&message.body).map_err(decode_error(message.kind))?;
    let premaster = exchange.complete(point).map_err(|_| Failure::BadKeyShare)?;
    base.transcript.add_message(message);
    let master = base.master(session, &premaster)?;
    let (sealer, opener) = base.ciphers(session, &master)?;
    session.records.install_v12_read(opener);
    Ok(Server12::CertificateVerify(base, Keys { master, sealer }, peer))
}

/// Signs everything before itself (RFC 5246, section 7.4.8).
fn on_certificate_verify(
    mut base: Base,
    keys: Keys,
    peer: IdentifiedPeer,
    session: &Session,
    message: &Message,
) -> Result<Server12, Failure> {
    let signed = parse_verify(message)?;
    let (provider, content) = (session.config.provider, base.transcript.bytes());
    let peer = peer.verify(provider, Version::Dtls12, message.kind, content, &signed)?;
    base.transcript.add_message(message);
    Ok(Server12::Finished(base, keys, peer))
}

fn on_finished(
    mut base: Base,
    keys: Keys,
    peer: VerifiedPeer,
    session: &mut Session,
    message: &Message,
) -> Result<State, Failure> {
    base.check_finished(session, &keys.master, message)?;
    // Nothing answers this flight: it is sent again whenever the client's comes again.
    session.begin_flight(false);
    session.records.install_v12_write(keys.sealer);
    base.send_finished(session, &keys.master)?;
    Ok(base.connected(peer, keys.master))
}
