//! The server's choice: version, cookie, and on to that version's handshake.

use super::decode_error;
use crate::handshake::reassembly::Message;
use crate::session::Session;
use crate::state::State;
use crate::wire::client_hello::ClientHello;
use crate::wire::fragment::HandshakeType;
use crate::wire::{extension, hello_verify_request};
use crate::{CipherSuite, Failure, SrtpProfile, Version, v12, v13};

/// Takes a ClientHello while nothing is chosen. A server that has asked for a cookie or another share has forgotten
/// the first ClientHello and is here again.
pub(crate) fn on_message(session: &mut Session, message: &Message) -> Result<State, Failure> {
    if message.kind != HandshakeType::CLIENT_HELLO {
        return Err(Failure::UnexpectedMessage(message.kind));
    }
    let hello = ClientHello::parse(&message.body).map_err(decode_error(message.kind))?;
    match choose_version(session, &hello)? {
        Version::Dtls13 => {
            session.version = Some(Version::Dtls13);
            v13::server::on_client_hello(session, message, &hello)
        }
        Version::Dtls12 => on_client_hello_12(session, message, &hello),
    }
}

/// The newest version both sides have. Unknown values in supported_versions are the client's business.
fn choose_version(session: &Session, hello: &ClientHello<'_>) -> Result<Version, Failure> {
    let ours = |version: &Version| session.config.allows(*version);
    let chosen = match hello.extensions.get(extension::SUPPORTED_VERSIONS) {
        Some(content) => {
            let versions = extension::supported_versions(content);
            let versions = versions.map_err(decode_error(HandshakeType::CLIENT_HELLO))?;
            versions.filter_map(Version::from_code).filter(ours).max()
        }
        // Versions count downwards: anything at or below DTLS 1.2's code is a client that knows 1.2.
        None => (hello.legacy_version <= Version::Dtls12.code()).then_some(Version::Dtls12).filter(ours),
    };
    chosen.ok_or(Failure::NoCommonVersion)
}

fn on_client_hello_12(
    session: &mut Session,
    message: &Message,
    hello: &ClientHello<'_>,
) -> Result<State, Failure> {
    let provider = session.config.provider;
    if session.config.cookie && session.cookies.open(provider, hello.random, hello.cookie).is_none() {
        let cookie = session.cookies.bake(provider, hello.random, &[])?;
        session.begin_flight(false);
        session.send(0, HandshakeType::HELLO_VERIFY_REQUEST, hello_verify_request::encode(&cookie));
        return Ok(State::AwaitClientHello);
    }
    session.version = Some(Version::Dtls12);
    v12::server::on_client_hello(session, message, hello)
}

/// Our most preferred suite of this version that the client has and our certificate can do.
pub(crate) fn choose_suite(
    session: &Session,
    hello: &ClientHello<'_>,
    version: Version,
) -> Result<CipherSuite, Failure> {
    let key = session.config.certificate.key_kind();
    let theirs = |suite: &CipherSuite| hello.suites().any(|code| code == suite.code());
    let mut suites = session.config.suites(version).filter(|suite| suite.suits(key));
    suites.find(theirs).ok_or(Failure::NoCommonCipherSuite)
}

/// Our most preferred SRTP profile that the client has.
pub(crate) fn choose_srtp_profile(
    session: &Session,
    hello: &ClientHello<'_>,
) -> Result<Option<SrtpProfile>, Failure> {
    let Some(content) = hello.extensions.get(extension::USE_SRTP) else {
        return Ok(None);
    };
    let theirs = extension::UseSrtp::parse(content).map_err(decode_error(HandshakeType::CLIENT_HELLO))?;
    let ours = session.config.srtp_profiles.iter().copied();
    Ok(ours.into_iter().find(|profile| theirs.profiles().any(|other| other == *profile)))
}

/// The content of an extension that a ClientHello must have.
pub(crate) fn required<'a>(hello: &ClientHello<'a>, kind: u16) -> Result<&'a [u8], Failure> {
    hello.extensions.get(kind).ok_or(Failure::MissingExtension(HandshakeType::CLIENT_HELLO, kind))
}
