//! Which keys are in use, in both directions.

use super::v12::{Opener12, Sealer12};
use super::v13::{Opener13, Sealer13};
use super::{OpenError, Opened, TYPE_LEN};
use crate::wire::ack::RecordNumber;
use crate::wire::record::{BEFORE_ID, ContentType, HEADER_LEN, MAX_PLAINTEXT, RecordHeader};
use crate::wire::unified::{UnifiedHeader, is_unified};
use crate::{ConnectionId, Discard, SealError};
use alloc::vec::Vec;
use sendrecv_core::{PacketBuf, Reader, Writer};
use sendrecv_crypto::TAG_LEN;

/// Records that may fail authentication under one key (RFC 9147, section 4.5.3).
const FORGERY_LIMIT: u64 = 1 << 36;

/// Epoch of DTLS 1.3's handshake keys.
pub(crate) const HANDSHAKE_EPOCH: u64 = 2;

/// The longest header of a record we send: DTLS 1.2's with an explicit nonce and the longest connection ID.
const MAX_HEADER: usize = crate::HEADROOM + 255;

/// The header of an incoming record.
#[derive(Clone, Debug)]
pub(crate) enum Incoming {
    /// Plaintext, or protected by DTLS 1.2; with the length of its connection ID.
    Classic(RecordHeader, usize),
    /// Protected by DTLS 1.3.
    Unified(UnifiedHeader),
}

impl Incoming {
    /// Reads the header of the record at the start of `bytes`; `id_len` is the length of the connection IDs that we want
    /// to receive, zero if none. Without any, a record that has one cannot even be measured.
    pub(crate) fn parse(bytes: &[u8], id_len: usize) -> Result<Self, Discard> {
        let first = *bytes.first().ok_or(Discard::Truncated)?;
        if is_unified(first) {
            if UnifiedHeader::has_connection_id(first) && id_len == 0 {
                return Err(Discard::UnknownConnectionId);
            }
            let header = UnifiedHeader::parse(bytes, id_len).map_err(|_| Discard::Truncated)?;
            return header.map(Self::Unified).ok_or(Discard::UnknownContentType);
        }
        let is_named = first == ContentType::Tls12Cid.code();
        if is_named && id_len == 0 {
            return Err(Discard::UnknownConnectionId);
        }
        let mut reader = Reader::new(bytes);
        let header = RecordHeader::parse(&mut reader, id_len).map_err(|_| Discard::Truncated)?;
        let header = header.ok_or(Discard::UnknownContentType)?;
        reader.take(usize::from(header.length)).map_err(|_| Discard::Truncated)?;
        if !matches!(header.version, 0xfeff | 0xfefd) {
            return Err(Discard::BadVersion);
        }
        Ok(Self::Classic(header, if is_named { id_len } else { 0 }))
    }

    /// Length of the record with its header: at least one byte.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Classic(header, id_len) => {
                HEADER_LEN.saturating_add(*id_len).saturating_add(usize::from(header.length))
            }
            Self::Unified(header) => header.ciphertext.end,
        }
    }

    /// The connection ID in the record; empty when there is none.
    fn connection_id<'r>(&self, record: &'r [u8]) -> &'r [u8] {
        let range = match self {
            Self::Classic(_, id_len) => BEFORE_ID..BEFORE_ID.saturating_add(*id_len),
            Self::Unified(header) => header.connection_id.clone(),
        };
        record.get(range).unwrap_or_default()
    }

    /// Whether it is plaintext, which never has a connection ID.
    const fn is_plaintext(&self) -> bool {
        matches!(self, Self::Classic(header, _) if header.epoch == 0)
    }
}

/// Whatever protects records we send.
pub(crate) enum Sealer {
    V12(Sealer12),
    V13(Sealer13),
}

impl Sealer {
    pub(crate) const fn header_len(&self) -> usize {
        match self {
            Self::V12(sealer) => sealer.header_len(),
            Self::V13(sealer) => sealer.header_len(),
        }
    }

    pub(crate) const fn tail_len(&self) -> usize {
        match self {
            Self::V12(sealer) => sealer.tail_len(),
            Self::V13(_) => TYPE_LEN + TAG_LEN,
        }
    }

    fn set_connection_id(&mut self, id: &ConnectionId) {
        match self {
            Self::V12(sealer) => sealer.set_connection_id(id),
            Self::V13(sealer) => sealer.set_connection_id(id),
        }
    }

    fn seal(&mut self, record: &mut [u8], content_type: ContentType) -> Result<RecordNumber, SealError> {
        match self {
            Self::V12(sealer) => sealer.seal(record, content_type),
            Self::V13(sealer) => sealer.seal(record, content_type),
        }
    }

    /// Protects the packet's whole content as one record, in place.
    pub(crate) fn seal_packet(&mut self, packet: &mut PacketBuf<'_>) -> Result<(), SealError> {
        if packet.len() > MAX_PLAINTEXT {
            return Err(SealError::TooLong);
        }
        let header = [0; MAX_HEADER].get(..self.header_len()).unwrap_or_default();
        let content_len = packet.len();
        packet.release_tailroom();
        if packet.space() < self.tail_len() {
            return Err(SealError::NoSpace);
        }
        packet.prepend(header)?;
        packet.reserve(self.tail_len())?;
        debug_assert_eq!(packet.len(), content_len + self.header_len() + self.tail_len());
        self.seal(packet.bytes_mut(), ContentType::ApplicationData).map(drop)
    }
}

enum Opener {
    V12(Opener12),
    V13 { current: Opener13, previous: Option<Opener13> },
}

/// The keys of one connection.
#[derive(Default)]
pub(crate) struct RecordLayer {
    plain_next: u64,
    plain_old_version: bool,
    write_handshake: Option<Sealer13>,
    write: Option<Sealer>,
    read_handshake: Option<Opener13>,
    read: Option<Opener>,
    /// What the peer may call us, all of one length; without any its records have none.
    ids_in: Vec<ConnectionId>,
    /// What we call the peer; empty: nothing.
    id_out: ConnectionId,
}

impl RecordLayer {
    /// Whether the next plaintext records carry DTLS 1.0's version, as a first ClientHello does (RFC 9147, section 5.3).
    pub(crate) fn set_plain_old_version(&mut self, old: bool) {
        self.plain_old_version = old;
    }

    /// The connection IDs the peer may call us from now on, beside those before.
    pub(crate) fn receive_connection_ids(&mut self, ids: &[ConnectionId]) {
        self.ids_in.extend(ids.iter().filter(|id| !id.is_empty()).cloned());
    }

    /// The connection ID to call the peer from now on.
    pub(crate) fn send_connection_id(&mut self, id: ConnectionId) {
        self.write.iter_mut().for_each(|sealer| sealer.set_connection_id(&id));
        self.write_handshake.iter_mut().for_each(|sealer| sealer.set_connection_id(&id));
        self.id_out = id;
    }

    /// What the peer may call us.
    pub(crate) fn received_connection_ids(&self) -> &[ConnectionId] {
        &self.ids_in
    }

    /// What we call the peer.
    pub(crate) const fn sent_connection_id(&self) -> &ConnectionId {
        &self.id_out
    }

    /// Length of the connection ID in every protected record of the peer.
    pub(crate) fn received_id_len(&self) -> usize {
        self.ids_in.first().map_or(0, ConnectionId::len)
    }

    pub(crate) fn install_v12_write(&mut self, mut sealer: Sealer12) {
        sealer.set_connection_id(&self.id_out);
        self.write = Some(Sealer::V12(sealer));
    }

    pub(crate) fn install_v12_read(&mut self, opener: Opener12) {
        self.read = Some(Opener::V12(opener));
    }

    pub(crate) fn install_handshake(&mut self, mut sealer: Sealer13, opener: Opener13) {
        sealer.set_connection_id(&self.id_out);
        self.write_handshake = Some(sealer);
        self.read_handshake = Some(opener);
    }

    /// Installs a DTLS 1.3 application key for writing, the first or the next.
    pub(crate) fn install_write(&mut self, mut sealer: Sealer13) {
        sealer.set_connection_id(&self.id_out);
        self.write = Some(Sealer::V13(sealer));
    }

    /// Installs a DTLS 1.3 application key for reading; the one before stays for records that are late.
    pub(crate) fn install_read(&mut self, opener: Opener13) {
        let previous = match self.read.take() {
            Some(Opener::V13 { current, .. }) => Some(current),
            _ => None,
        };
        self.read = Some(Opener::V13 { current: opener, previous });
    }

    /// Nothing will be sent with the handshake's key any more.
    pub(crate) fn drop_handshake_write_key(&mut self) {
        self.write_handshake = None;
    }

    /// The keys of the handshake are not needed any more.
    pub(crate) fn drop_handshake_keys(&mut self) {
        self.write_handshake = None;
        self.read_handshake = None;
    }

    /// Nothing is late any more: only the keys in use remain.
    pub(crate) fn drop_old_keys(&mut self) {
        self.drop_handshake_keys();
        if let Some(Opener::V13 { previous, .. }) = &mut self.read {
            *previous = None;
        }
    }

    /// Whether plaintext is not believed any more, because the peer can protect what it says.
    pub(crate) const fn is_protected(&self) -> bool {
        self.read_handshake.is_some() || self.read.is_some()
    }

    pub(crate) const fn sealer(&mut self) -> Option<&mut Sealer> {
        self.write.as_mut()
    }

    /// Whether our DTLS 1.3 key has protected so many records, of whatever kind, that it is to be changed.
    pub(crate) fn is_key_due(&self, after: u64) -> bool {
        matches!(&self.write, Some(Sealer::V13(sealer)) if sealer.is_due(after))
    }

    /// The highest epoch we can write in; during a DTLS 1.3 handshake only what the peer can read already.
    pub(crate) fn write_epoch(&self, connected: bool) -> u64 {
        match (&self.write, &self.write_handshake) {
            (Some(Sealer::V13(sealer)), _) if connected => sealer.epoch(),
            (_, Some(handshake)) => handshake.epoch(),
            (Some(Sealer::V13(sealer)), None) => sealer.epoch(),
            (Some(Sealer::V12(_)), None) => u64::from(connected),
            (None, None) => 0,
        }
    }

    /// Bytes a record of application data puts in front of its content.
    pub(crate) fn application_header_len(&self) -> usize {
        self.write.as_ref().map_or(crate::HEADROOM, Sealer::header_len)
    }

    /// Bytes a record of application data adds to its content.
    pub(crate) fn application_overhead(&self) -> usize {
        self.write.as_ref().map_or(0, |sealer| sealer.header_len().saturating_add(sealer.tail_len()))
    }

    /// Bytes a record of this epoch adds to its content.
    pub(crate) fn overhead(&self, epoch: u64) -> usize {
        match epoch {
            0 => HEADER_LEN,
            HANDSHAKE_EPOCH => {
                (crate::wire::unified::HEADER_LEN + TYPE_LEN + TAG_LEN).saturating_add(self.id_out.len())
            }
            _ => self.application_overhead(),
        }
    }

    /// Appends a record to a datagram. Without room, or without keys for the epoch, nothing is written.
    pub(crate) fn append(
        &mut self,
        out: &mut PacketBuf<'_>,
        epoch: u64,
        content_type: ContentType,
        parts: &[&[u8]],
    ) -> Result<RecordNumber, SealError> {
        let content_len = parts.iter().fold(0, |sum: usize, part| sum.saturating_add(part.len()));
        let start = out.len();
        if out.space() < self.overhead(epoch).saturating_add(content_len) {
            return Err(SealError::NoSpace);
        }
        let number = match epoch {
            0 => self.append_plain(out, content_type, content_len, parts),
            HANDSHAKE_EPOCH => {
                let sealer = self.write_handshake.as_mut().ok_or(SealError::NotConnected)?;
                reserve(out, sealer.header_len(), parts, TYPE_LEN + TAG_LEN)?;
                sealer.seal(out.bytes_mut().get_mut(start..).unwrap_or_default(), content_type)
            }
            _ => {
                let sealer = self.write.as_mut().ok_or(SealError::NotConnected)?;
                reserve(out, sealer.header_len(), parts, sealer.tail_len())?;
                sealer.seal(out.bytes_mut().get_mut(start..).unwrap_or_default(), content_type)
            }
        };
        if number.is_err() {
            out.truncate(start);
        }
        number
    }

    fn append_plain(
        &mut self,
        out: &mut PacketBuf<'_>,
        content_type: ContentType,
        content_len: usize,
        parts: &[&[u8]],
    ) -> Result<RecordNumber, SealError> {
        let sequence = self.plain_next;
        let version = if self.plain_old_version { 0xfeff } else { 0xfefd };
        let length = u16::try_from(content_len).map_err(|_| SealError::TooLong)?;
        let header = RecordHeader { content_type, version, epoch: 0, sequence, length };
        out.put(&header.encode())?;
        parts.iter().try_for_each(|part| out.put(part))?;
        self.plain_next = sequence.saturating_add(1);
        Ok(RecordNumber { epoch: 0, sequence })
    }

    /// Opens the record that fills `record`, in place.
    pub(crate) fn open(&mut self, incoming: &Incoming, record: &mut [u8]) -> Result<Opened, OpenError> {
        let id = incoming.connection_id(record);
        let is_ours = self.ids_in.is_empty() || self.ids_in.iter().any(|ours| ours.as_bytes() == id);
        if !is_ours && !incoming.is_plaintext() {
            return Err(OpenError::Discard(Discard::UnknownConnectionId));
        }
        match incoming {
            Incoming::Classic(header, 0) if header.epoch == 0 => self.open_plain(header),
            Incoming::Classic(header, id_len) => match &mut self.read {
                Some(Opener::V12(opener)) => opener.open(header, *id_len, record),
                None if self.read_handshake.is_none() && header.epoch == 1 => Err(OpenError::NoKeysYet),
                _ => Err(OpenError::Discard(Discard::UnknownEpoch)),
            },
            Incoming::Unified(header) => self.open_unified(header, record),
        }
    }

    fn open_plain(&self, header: &RecordHeader) -> Result<Opened, OpenError> {
        if header.content_type == ContentType::ApplicationData {
            return Err(OpenError::Discard(Discard::EarlyApplicationData));
        }
        if usize::from(header.length) > MAX_PLAINTEXT {
            return Err(OpenError::Discard(Discard::BadContent));
        }
        let number = RecordNumber { epoch: 0, sequence: header.sequence };
        let content = HEADER_LEN..HEADER_LEN.saturating_add(usize::from(header.length));
        Ok(Opened { content_type: header.content_type, content, number })
    }

    fn open_unified(&mut self, header: &UnifiedHeader, record: &mut [u8]) -> Result<Opened, OpenError> {
        let wanted = |opener: &Opener13| opener.epoch() & 3 == u64::from(header.epoch_bits);
        if let Some(Opener::V13 { current, previous }) = &mut self.read {
            if wanted(current) {
                return current.open(header, record);
            }
            if let Some(previous) = previous.as_mut().filter(|opener| wanted(opener)) {
                return previous.open(header, record);
            }
        }
        if let Some(handshake) = self.read_handshake.as_mut().filter(|opener| wanted(opener)) {
            return handshake.open(header, record);
        }
        match &self.read {
            Some(_) => Err(OpenError::Discard(Discard::UnknownEpoch)),
            // The handshake's, or the first application data's.
            None if matches!(header.epoch_bits, 2 | 3) => Err(OpenError::NoKeysYet),
            None => Err(OpenError::Discard(Discard::UnknownEpoch)),
        }
    }

    /// Whether so many records failed under one key that the connection must end.
    pub(crate) fn forgery_limit_reached(&self) -> bool {
        let read = match &self.read {
            Some(Opener::V12(opener)) => opener.forgeries,
            Some(Opener::V13 { current, .. }) => current.forgeries,
            None => 0,
        };
        read >= FORGERY_LIMIT
            || self.read_handshake.as_ref().is_some_and(|opener| opener.forgeries >= FORGERY_LIMIT)
    }
}

fn reserve(
    out: &mut PacketBuf<'_>,
    header_len: usize,
    parts: &[&[u8]],
    tail_len: usize,
) -> Result<(), SealError> {
    out.reserve(header_len)?;
    parts.iter().try_for_each(|part| out.put(part))?;
    out.reserve(tail_len)?;
    Ok(())
}
