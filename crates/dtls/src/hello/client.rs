//! The client's hello: sent for both versions at once, until the server has chosen.

use super::decode_error;
use crate::connection_id::put_connection_id;
use crate::handshake::reassembly::Message;
use crate::handshake::transcript::{Transcript13, hello_hash};
use crate::peer::VERIFIED_SCHEMES;
use crate::session::Session;
use crate::state::State;
use crate::wire::extension::{self, put, put_code_points, put_use_srtp};
use crate::wire::fragment::HandshakeType;
use crate::wire::key_share::{self, KeyShareEntry, put_shares};
use crate::wire::server_hello::ServerHello;
use crate::wire::{Encoder, client_hello, hello_verify_request};
use crate::{CipherSuite, Failure, Version, v12, v13};
use alloc::boxed::Box;
use alloc::vec::Vec;
use sendrecv_crypto::{KeyExchange, NamedGroup};

/// HelloVerifyRequests that are followed: a server that has changed its secret meanwhile, or takes the cookie for another
/// address's, asks again.
const MAX_VERIFY_REQUESTS: u8 = 4;

/// What a HelloRetryRequest has fixed.
pub(crate) struct Retry {
    pub(crate) suite: CipherSuite,
    /// The transcript up to the HelloRetryRequest.
    pub(crate) transcript: Transcript13,
    cookie: Vec<u8>,
}

/// Waiting for the server's choice.
pub(crate) struct AwaitServerHello {
    pub(crate) random: [u8; 32],
    /// Our shares, one per group offered at once.
    pub(crate) shares: Vec<Box<dyn KeyExchange>>,
    /// The latest ClientHello's number and body.
    pub(crate) hello: (u16, Vec<u8>),
    pub(crate) retry: Option<Retry>,
    cookie12: Vec<u8>,
    verify_requests: u8,
}

impl AwaitServerHello {
    /// Draws the random and the key shares and sends the first ClientHello.
    pub(crate) fn start(session: &mut Session) -> Result<Self, Failure> {
        let provider = session.config.provider;
        let random = session.public_rng.bytes();
        let shares = if session.config.allows(Version::Dtls13) { session.config.key_shares } else { 0 };
        let shares = session
            .config
            .groups(Version::Dtls13)
            .take(shares)
            .map(|group| provider.key_exchange(group, &mut session.secret_rng))
            .collect::<Result<_, _>>()?;
        let hello = (0, Vec::new());
        let mut this = Self { random, shares, hello, retry: None, cookie12: Vec::new(), verify_requests: 0 };
        session.records.set_plain_old_version(true);
        this.send_hello(session);
        Ok(this)
    }

    fn send_hello(&mut self, session: &mut Session) {
        let body = self.encode(session);
        session.begin_flight(true);
        self.hello = (session.next_seq(), body.clone());
        session.send(0, HandshakeType::CLIENT_HELLO, body);
    }

    fn encode(&self, session: &Session) -> Vec<u8> {
        let config = &session.config;
        let suites = config.cipher_suites.iter().filter(|suite| config.allows(suite.version()));
        client_hello::encode(&self.random, &self.cookie12, suites.map(|suite| suite.code()), |out| {
            if config.allows(Version::Dtls13) {
                self.put_versions(session, out);
            }
            if config.allows(Version::Dtls12) {
                put_12(out);
            }
            let newest = config.max_version;
            put_code_points(out, extension::SUPPORTED_GROUPS, config.groups(newest).map(NamedGroup::code));
            let schemes = VERIFIED_SCHEMES.iter().map(|scheme| scheme.code());
            put_code_points(out, extension::SIGNATURE_ALGORITHMS, schemes);
            if !config.srtp_profiles.is_empty() {
                put_use_srtp(out, &config.srtp_profiles);
            }
            if let Some(id) = &config.connection_id {
                put_connection_id(out, id);
            }
            if config.allows(Version::Dtls13) {
                put_shares(
                    out,
                    self.shares.iter().map(|share| KeyShareEntry {
                        group: share.group().code(),
                        key: share.public_share(),
                    }),
                );
            }
        })
    }

    /// Comes first, as the shares come last: a server that keeps no state before it has seen its cookie sees no more than the
    /// first fragment of the hello.
    fn put_versions(&self, session: &Session, out: &mut Encoder) {
        put(out, extension::SUPPORTED_VERSIONS, |out| {
            out.vec8(|out| {
                out.u16(Version::Dtls13.code());
                if session.config.allows(Version::Dtls12) {
                    out.u16(Version::Dtls12.code());
                }
            });
        });
        if let Some(retry) = self.retry.as_ref().filter(|retry| !retry.cookie.is_empty()) {
            put(out, extension::COOKIE, |out| out.vec16(|out| out.bytes(&retry.cookie)));
        }
    }

    /// Takes the server's first message.
    pub(crate) fn on_message(self, session: &mut Session, message: &Message) -> Result<State, Failure> {
        session.records.set_plain_old_version(false);
        match message.kind {
            HandshakeType::HELLO_VERIFY_REQUEST => self.on_hello_verify_request(session, message),
            HandshakeType::SERVER_HELLO => self.on_server_hello(session, message),
            kind => Err(Failure::UnexpectedMessage(kind)),
        }
    }

    fn on_hello_verify_request(mut self, session: &mut Session, message: &Message) -> Result<State, Failure> {
        let allowed = session.config.allows(Version::Dtls12)
            && self.retry.is_none()
            && self.verify_requests < MAX_VERIFY_REQUESTS;
        let cookie = hello_verify_request::parse(&message.body).map_err(decode_error(message.kind))?;
        if !allowed || cookie.is_empty() {
            return Err(Failure::UnexpectedMessage(message.kind));
        }
        self.verify_requests = self.verify_requests.saturating_add(1);
        self.cookie12 = cookie.to_vec();
        self.send_hello(session);
        Ok(State::AwaitServerHello(self))
    }

    fn on_server_hello(self, session: &mut Session, message: &Message) -> Result<State, Failure> {
        let hello = ServerHello::parse(&message.body).map_err(decode_error(message.kind))?;
        let version = chosen_version(&hello, message.kind)?;
        if !session.config.allows(version) {
            return Err(Failure::NoCommonVersion);
        }
        let suite = CipherSuite::from_code(hello.suite)
            .filter(|suite| suite.version() == version && session.config.cipher_suites.contains(suite))
            .ok_or(Failure::IllegalParameter(message.kind))?;
        match version {
            Version::Dtls13 if hello.is_retry() => self.on_retry(session, message, &hello, suite),
            Version::Dtls13 => v13::client::on_server_hello(self, session, message, &hello, suite),
            Version::Dtls12 if self.retry.is_some() => Err(Failure::IllegalParameter(message.kind)),
            Version::Dtls12 if hello.is_downgrade() && session.config.allows(Version::Dtls13) => {
                Err(Failure::Downgrade)
            }
            Version::Dtls12 => v12::client::on_server_hello(self, session, message, &hello, suite),
        }
    }

    /// HelloRetryRequest (RFC 8446, section 4.1.4): another share, a cookie, or both; the rest stays.
    fn on_retry(
        mut self,
        session: &mut Session,
        message: &Message,
        hello: &ServerHello<'_>,
        suite: CipherSuite,
    ) -> Result<State, Failure> {
        if self.retry.is_some() || !self.cookie12.is_empty() {
            return Err(Failure::UnexpectedMessage(message.kind));
        }
        let known = [extension::SUPPORTED_VERSIONS, extension::KEY_SHARE, extension::COOKIE];
        if let Some(kind) = hello.extensions.first_not_in(&known) {
            return Err(Failure::UnsolicitedExtension(message.kind, kind));
        }
        let cookie = hello.extensions.get(extension::COOKIE).map(extension::cookie).transpose();
        let cookie = cookie.map_err(decode_error(message.kind))?.unwrap_or_default().to_vec();
        let group = hello.extensions.get(extension::KEY_SHARE).map(key_share::selected_group).transpose();
        let group = group.map_err(decode_error(message.kind))?;
        if group.is_none() && cookie.is_empty() {
            return Err(Failure::IllegalParameter(message.kind));
        }
        if let Some(code) = group {
            self.shares = alloc::vec![self.new_share(session, code, message.kind)?];
        }
        let provider = session.config.provider;
        let first = hello_hash(provider, suite.hash(), &self.hello.1)?;
        let transcript = Transcript13::after_retry(provider, suite.hash(), &first, &message.body)?;
        self.retry = Some(Retry { suite, transcript, cookie });
        session.version = Some(Version::Dtls13);
        self.send_hello(session);
        Ok(State::AwaitServerHello(self))
    }

    /// A share of the group the server wants: one we offered, but sent no share of.
    fn new_share(
        &self,
        session: &mut Session,
        code: u16,
        kind: HandshakeType,
    ) -> Result<Box<dyn KeyExchange>, Failure> {
        let offered =
            |group: &NamedGroup| session.config.groups(Version::Dtls13).any(|other| other == *group);
        let group = NamedGroup::from_code(code)
            .filter(offered)
            .filter(|group| self.shares.iter().all(|share| share.group() != *group))
            .ok_or(Failure::IllegalParameter(kind))?;
        Ok(session.config.provider.key_exchange(group, &mut session.secret_rng)?)
    }
}

fn put_12(out: &mut Encoder) {
    put(out, extension::EXTENDED_MASTER_SECRET, |_| ());
    put(out, extension::RENEGOTIATION_INFO, |out| out.vec8(|_| ()));
    put(out, extension::EC_POINT_FORMATS, |out| out.vec8(|out| out.u8(0)));
}

/// The version a ServerHello has chosen (RFC 8446, section 4.2.1).
fn chosen_version(hello: &ServerHello<'_>, kind: HandshakeType) -> Result<Version, Failure> {
    match hello.extensions.get(extension::SUPPORTED_VERSIONS) {
        Some(content) => {
            let code = extension::selected_version(content).map_err(decode_error(kind))?;
            let chosen = Version::from_code(code).filter(|version| *version == Version::Dtls13);
            let well_formed = hello.legacy_version == Version::Dtls12.code();
            chosen.filter(|_| well_formed).ok_or(Failure::IllegalParameter(kind))
        }
        None if hello.legacy_version == Version::Dtls12.code() => Ok(Version::Dtls12),
        None => Err(Failure::NoCommonVersion),
    }
}
