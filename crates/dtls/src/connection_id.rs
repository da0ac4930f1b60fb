//! Connection IDs: names of a connection in its records, so that it is found again when the peer's address changes
//! (RFC 9146; RFC 9147, section 9).

use crate::record::RecordLayer;
use crate::session::Session;
use crate::wire::Encoder;
use crate::wire::client_hello::ClientHello;
use crate::wire::connection_id::{ConnectionIdUsage, NewConnectionId, encode_new, parse_request};
use crate::wire::extension::{self, put};
use crate::wire::fragment::HandshakeType;
use crate::wire::server_hello::ServerHello;
use crate::{Failure, hello};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use thiserror::Error;

/// Spare IDs of the peer that are kept; more are discarded.
const MAX_SPARE: usize = 8;
/// IDs of ours that the peer may use at one time.
const MAX_LOCAL: usize = 16;

/// What a record carries to name its connection: up to 255 bytes, chosen by whoever receives it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(Vec<u8>);

impl ConnectionId {
    /// An ID of these bytes; `None` when they are more than 255. Empty means: none, please.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        u8::try_from(bytes.len()).is_ok().then(|| Self(bytes.to_vec()))
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Length in bytes.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it stands for none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Why connection IDs cannot be asked for or offered. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ConnectionIdError {
    /// There is no DTLS 1.3 connection, or it has no connection IDs in this direction.
    #[error("no DTLS 1.3 connection with connection IDs in this direction")]
    NotNegotiated,
    /// The message before this one is not acknowledged or not answered yet.
    #[error("the message before is not acknowledged or not answered yet")]
    Outstanding,
    /// All IDs of one connection have one length, or records could not be read.
    #[error("an ID of another length than those before")]
    OtherLength,
    /// More IDs than one connection may have (16).
    #[error("more IDs than one connection may have")]
    TooMany,
}

/// A message after the handshake that waits to be sent.
#[derive(Clone, Debug)]
enum Waiting {
    Request(u8),
    New(Vec<ConnectionId>, ConnectionIdUsage),
}

/// The IDs of a connection that has negotiated some, and the messages that change them.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectionIds {
    spare: VecDeque<ConnectionId>,
    waiting: Option<Waiting>,
    /// We have asked for IDs and were not answered.
    asking: bool,
    /// How many the peer has asked for, as long as it is not answered.
    asked: Option<u8>,
}

impl ConnectionIds {
    /// Asks the peer for `count` spare IDs.
    pub(crate) fn request(&mut self, records: &RecordLayer, count: u8) -> Result<(), ConnectionIdError> {
        if records.sent_connection_id().is_empty() {
            return Err(ConnectionIdError::NotNegotiated);
        }
        if self.asking || self.waiting.is_some() {
            return Err(ConnectionIdError::Outstanding);
        }
        self.asking = true;
        self.waiting = Some(Waiting::Request(count));
        Ok(())
    }

    /// Gives the peer IDs to use, and accepts them from now on.
    pub(crate) fn offer(
        &mut self,
        records: &mut RecordLayer,
        ids: &[ConnectionId],
        usage: ConnectionIdUsage,
    ) -> Result<(), ConnectionIdError> {
        let ours = records.received_connection_ids();
        let len = ours.first().map(ConnectionId::len).ok_or(ConnectionIdError::NotNegotiated)?;
        if self.waiting.is_some() {
            return Err(ConnectionIdError::Outstanding);
        }
        if ids.iter().any(|id| id.len() != len) || (ids.is_empty() && usage == ConnectionIdUsage::Immediate) {
            return Err(ConnectionIdError::OtherLength);
        }
        if ours.len().saturating_add(ids.len()) > MAX_LOCAL {
            return Err(ConnectionIdError::TooMany);
        }
        records.receive_connection_ids(ids);
        self.asked = None;
        self.waiting = Some(Waiting::New(ids.to_vec(), usage));
        Ok(())
    }

    /// Goes over to the next spare ID of the peer, if there is one.
    pub(crate) fn use_spare(&mut self, records: &mut RecordLayer) -> bool {
        let spare = self.spare.pop_front();
        let found = spare.is_some();
        spare.into_iter().for_each(|id| records.send_connection_id(id));
        found
    }

    /// How many IDs the peer has asked for and not been given.
    pub(crate) const fn asked(&self) -> Option<u8> {
        self.asked
    }

    /// The next message to send in this epoch, once nothing else waits for its acknowledgement.
    pub(crate) fn take_waiting(&mut self) -> Option<(HandshakeType, Vec<u8>)> {
        Some(match self.waiting.take()? {
            Waiting::Request(count) => (HandshakeType::REQUEST_CONNECTION_ID, alloc::vec![count]),
            Waiting::New(ids, usage) => (HandshakeType::NEW_CONNECTION_ID, encode_new(&ids, usage)),
        })
    }

    fn on_new(&mut self, records: &mut RecordLayer, message: &NewConnectionId<'_>) {
        self.asking = false;
        if message.usage == ConnectionIdUsage::Immediate {
            self.spare.clear();
        }
        let room = MAX_SPARE.saturating_sub(self.spare.len());
        self.spare.extend(message.iter().filter_map(ConnectionId::new).take(room));
        if message.usage == ConnectionIdUsage::Immediate {
            self.use_spare(records);
        }
    }
}

/// The server's side: what to answer to a client that knows connection IDs, if we do.
pub(crate) fn answer(
    session: &mut Session,
    hello: &ClientHello<'_>,
) -> Result<Option<ConnectionId>, Failure> {
    let (Some(ours), Some(theirs)) =
        (session.config.connection_id.clone(), hello.extensions.get(extension::CONNECTION_ID))
    else {
        return Ok(None);
    };
    agree(session, &ours, theirs, HandshakeType::CLIENT_HELLO)?;
    Ok(Some(ours))
}

/// The client's side: what the server has answered.
pub(crate) fn accept(session: &mut Session, hello: &ServerHello<'_>) -> Result<(), Failure> {
    let kind = HandshakeType::SERVER_HELLO;
    match (session.config.connection_id.clone(), hello.extensions.get(extension::CONNECTION_ID)) {
        (Some(ours), Some(theirs)) => agree(session, &ours, theirs, kind),
        (None, Some(_)) => Err(Failure::UnsolicitedExtension(kind, extension::CONNECTION_ID)),
        (_, None) => Ok(()),
    }
}

fn agree(
    session: &mut Session,
    ours: &ConnectionId,
    theirs: &[u8],
    kind: HandshakeType,
) -> Result<(), Failure> {
    let theirs = extension::opaque8(theirs).map_err(hello::decode_error(kind))?;
    session.records.receive_connection_ids(core::slice::from_ref(ours));
    session.records.send_connection_id(ConnectionId(theirs.to_vec()));
    session.connection_ids = Some(ConnectionIds::default());
    Ok(())
}

/// Writes the extension.
pub(crate) fn put_connection_id(out: &mut Encoder, id: &ConnectionId) {
    put(out, extension::CONNECTION_ID, |out| out.vec8(|out| out.bytes(id.as_bytes())));
}

/// Takes in a NewConnectionId or RequestConnectionId. Who has not negotiated IDs in a direction must not talk about them.
pub(crate) fn on_message(session: &mut Session, kind: HandshakeType, body: &[u8]) -> Result<(), Failure> {
    let (Some(ids), records) = (&mut session.connection_ids, &mut session.records) else {
        return Err(Failure::UnexpectedMessage(kind));
    };
    let decode_error = hello::decode_error(kind);
    if kind == HandshakeType::NEW_CONNECTION_ID {
        if records.sent_connection_id().is_empty() {
            return Err(Failure::UnexpectedMessage(kind));
        }
        ids.on_new(records, &NewConnectionId::parse(body).map_err(decode_error)?);
    } else {
        if records.received_connection_ids().is_empty() {
            return Err(Failure::UnexpectedMessage(kind));
        }
        let count = parse_request(body).map_err(decode_error)?;
        if ids.asked.replace(count).is_some() {
            return Err(Failure::TooManyConnectionIds);
        }
    }
    Ok(())
}
