//! The states of a connection. Each owns what it needs; taking a message consumes it and gives the next.

use crate::connection_id;
use crate::exporter::Exporter;
use crate::handshake::reassembly::Message;
use crate::hello::client::AwaitServerHello;
use crate::hello::server;
use crate::peer::VerifiedPeer;
use crate::record::HANDSHAKE_EPOCH;
use crate::session::Session;
use crate::v12::client::Client12;
use crate::v12::server::Server12;
use crate::v13::client::Client13;
use crate::v13::server::Server13;
use crate::v13::update::KeyUpdates;
use crate::wire::fragment::HandshakeType;
use crate::{CipherSuite, CloseReason, ConnectedInfo, Failure, Role, SrtpProfile, Version};
use sendrecv_crypto::NamedGroup;

/// Where a connection is.
pub(crate) enum State {
    AwaitServerHello(AwaitServerHello),
    AwaitClientHello,
    Client12(Client12),
    Server12(Server12),
    Client13(Client13),
    Server13(Server13),
    Connected(Connected),
    Closed(CloseReason),
}

/// The handshake is complete. Only a [`VerifiedPeer`] leads here.
pub(crate) struct Connected {
    peer: VerifiedPeer,
    agreed: Agreed,
    pub(crate) exporter: Exporter,
    /// DTLS 1.3 only.
    pub(crate) updates: Option<KeyUpdates>,
}

/// What the hellos have settled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Agreed {
    pub(crate) version: Version,
    pub(crate) suite: CipherSuite,
    pub(crate) group: NamedGroup,
    pub(crate) srtp_profile: Option<SrtpProfile>,
}

impl Connected {
    pub(crate) const fn new(
        peer: VerifiedPeer,
        agreed: Agreed,
        exporter: Exporter,
        updates: Option<KeyUpdates>,
    ) -> Self {
        Self { peer, agreed, exporter, updates }
    }

    /// What to tell the owner.
    pub(crate) fn info(&self) -> ConnectedInfo {
        ConnectedInfo {
            version: self.agreed.version,
            cipher_suite: self.agreed.suite,
            group: self.agreed.group,
            srtp_profile: self.agreed.srtp_profile,
            peer_certificate: self.peer.certificate().to_vec(),
        }
    }

    pub(crate) const fn srtp_profile(&self) -> Option<SrtpProfile> {
        self.agreed.srtp_profile
    }

    /// Takes a message after the handshake: tickets are of no use here, key updates are followed.
    fn on_message(&mut self, session: &mut Session, message: &Message) -> Result<(), Failure> {
        match (&mut self.updates, message.kind) {
            (Some(_), HandshakeType::NEW_SESSION_TICKET) if session.role == Role::Client => Ok(()),
            (Some(_), HandshakeType::NEW_CONNECTION_ID | HandshakeType::REQUEST_CONNECTION_ID) => {
                connection_id::on_message(session, message.kind, &message.body)
            }
            (Some(updates), HandshakeType::KEY_UPDATE) => updates.on_key_update(session, &message.body),
            (_, kind) => Err(Failure::UnexpectedMessage(kind)),
        }
    }
}

impl State {
    /// Takes the next message of the handshake.
    pub(crate) fn on_message(self, session: &mut Session, message: &Message) -> Result<Self, Failure> {
        if !self.believes(message.epoch) {
            return Err(Failure::UnexpectedMessage(message.kind));
        }
        match self {
            Self::AwaitServerHello(state) => state.on_message(session, message),
            Self::AwaitClientHello => server::on_message(session, message),
            Self::Client12(state) => state.on_message(session, message),
            Self::Server12(state) => state.on_message(session, message),
            Self::Client13(state) => state.on_message(session, message),
            Self::Server13(state) => state.on_message(session, message),
            Self::Connected(mut connected) => {
                connected.on_message(session, message)?;
                Ok(Self::Connected(connected))
            }
            Self::Closed(reason) => Ok(Self::Closed(reason)),
        }
    }

    /// Whether messages of this epoch may come now. DTLS 1.2's Finished looks for itself.
    const fn believes(&self, epoch: u64) -> bool {
        match self {
            Self::AwaitServerHello(_) | Self::AwaitClientHello => epoch == 0,
            Self::Client12(_) | Self::Server12(_) => epoch <= 1,
            Self::Client13(_) | Self::Server13(_) => epoch == HANDSHAKE_EPOCH,
            Self::Connected(_) => epoch > HANDSHAKE_EPOCH,
            Self::Closed(_) => false,
        }
    }

    pub(crate) const fn connected(&self) -> Option<&Connected> {
        match self {
            Self::Connected(connected) => Some(connected),
            _ => None,
        }
    }
}
