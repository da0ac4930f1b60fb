//! DTLS 1.2 record protection (RFC 6347, section 4.1.2.1; RFC 5288; RFC 7905).
//!
//! ```text
//! AES-GCM:  header (13) | explicit nonce (8): epoch and sequence number | ciphertext | tag (16)
//! ChaCha20: header (13) | ciphertext | tag (16)
//!
//! With a connection ID (RFC 9146) the header has it before the length, its type is tls12_cid, and the real type
//! lies inside: ciphertext of content, content type (8), zeros
//! ```
//!
//! Nonces are the record's epoch and sequence number, so they never repeat: for GCM behind a fixed 4-byte salt, for
//! ChaCha20 XORed into a 12-byte IV.

use super::nonce::Iv;
use super::replay::ReplayWindow;
use super::{OpenError, Opened, TYPE_LEN, strip_padding};
use crate::wire::ack::RecordNumber;
use crate::wire::record::{BEFORE_ID, ContentType, HEADER_LEN, MAX_PLAINTEXT, RecordHeader};
use crate::{ConnectionId, Discard, SealError};
use alloc::boxed::Box;
use core::ops::Range;
use sendrecv_crypto::{Aead, AeadAlgorithm, CryptoError, CryptoProvider, TAG_LEN};

const EXPLICIT_NONCE_LEN: usize = 8;
/// The epoch of every protected record: this crate never renegotiates.
const EPOCH: u16 = 1;
/// Sequence numbers have 48 bits.
const MAX_SEQUENCE: u64 = (1 << 48) - 1;

/// One direction's cipher.
struct Cipher12 {
    aead: Box<dyn Aead>,
    /// GCM: four bytes of salt, then zeros. ChaCha20: twelve bytes.
    iv: Iv,
    /// Whether the nonce's last eight bytes travel with the record.
    explicit: bool,
}

impl Cipher12 {
    fn new(
        provider: &dyn CryptoProvider,
        algorithm: AeadAlgorithm,
        key: &[u8],
        iv: &[u8],
    ) -> Result<Self, CryptoError> {
        let mut padded = [0; 12];
        padded.get_mut(..iv.len()).ok_or(CryptoError::InvalidKey)?.copy_from_slice(iv);
        let explicit = algorithm != AeadAlgorithm::ChaCha20Poly1305;
        Ok(Self { aead: provider.aead(algorithm, key)?, iv: Iv::new(padded), explicit })
    }

    const fn explicit_len(&self) -> usize {
        if self.explicit { EXPLICIT_NONCE_LEN } else { 0 }
    }
}

/// Length in bytes of the IV that a suite takes from the key block.
pub(crate) const fn iv_len(algorithm: AeadAlgorithm) -> usize {
    match algorithm {
        AeadAlgorithm::Aes128Gcm | AeadAlgorithm::Aes256Gcm => 4,
        AeadAlgorithm::ChaCha20Poly1305 => 12,
    }
}

/// Epoch and sequence number in one: what additional data starts with, and what makes nonces unique.
const fn epoch_and_sequence(epoch: u16, sequence: u64) -> u64 {
    let [high, low] = epoch.to_be_bytes();
    u64::from_be_bytes([high, low, 0, 0, 0, 0, 0, 0]) | sequence
}

fn additional_data(
    epoch: u16,
    sequence: u64,
    content_type: ContentType,
    version: u16,
    len: usize,
) -> [u8; 13] {
    let [a, b, c, d, e, f, g, h] = epoch_and_sequence(epoch, sequence).to_be_bytes();
    let [v0, v1] = version.to_be_bytes();
    let [l0, l1] = u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes();
    [a, b, c, d, e, f, g, h, content_type.code(), v0, v1, l0, l1]
}

/// The most that [`data_with_id`] makes.
const MAX_DATA_WITH_ID: usize = 8 + 2 + BEFORE_ID + 255 + 2;

/// The same for a record with a connection ID (RFC 9146, section 5.3): eight bytes of ones, the type, the ID's length, and
/// the header as it is on the wire, but with the length of the plaintext.
fn data_with_id<'a>(
    space: &'a mut [u8; MAX_DATA_WITH_ID],
    header: &[u8],
    len: usize,
) -> Result<&'a [u8], CryptoError> {
    let id_len = header.len().saturating_sub(BEFORE_ID);
    let id_len = u8::try_from(id_len).map_err(|_| CryptoError::Unsupported)?;
    let len = u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes();
    let mut front = [0xff; 10];
    let [.., content_type, length] = &mut front;
    (*content_type, *length) = (ContentType::Tls12Cid.code(), id_len);
    let bytes = front.iter().chain(header).chain(&len);
    space.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    let used = front.len().saturating_add(header.len()).saturating_add(len.len());
    space.get(..used).ok_or(CryptoError::Unsupported)
}

/// Protects our records.
pub(crate) struct Sealer12 {
    cipher: Cipher12,
    next: u64,
    /// What the peer wants to find in records; empty: nothing.
    id: ConnectionId,
}

impl Sealer12 {
    pub(crate) fn new(
        provider: &dyn CryptoProvider,
        algorithm: AeadAlgorithm,
        key: &[u8],
        iv: &[u8],
    ) -> Result<Self, CryptoError> {
        let cipher = Cipher12::new(provider, algorithm, key, iv)?;
        Ok(Self { cipher, next: 0, id: ConnectionId::default() })
    }

    /// From now on records carry this connection ID.
    pub(crate) fn set_connection_id(&mut self, id: &ConnectionId) {
        self.id = id.clone();
    }

    pub(crate) const fn header_len(&self) -> usize {
        HEADER_LEN.saturating_add(self.id.len()).saturating_add(self.cipher.explicit_len())
    }

    pub(crate) const fn tail_len(&self) -> usize {
        if self.id.is_empty() { TAG_LEN } else { TYPE_LEN + TAG_LEN }
    }

    /// Protects a record that lies in `record` with room for the header before and for tag (and type) behind its content.
    pub(crate) fn seal(
        &mut self,
        record: &mut [u8],
        content_type: ContentType,
    ) -> Result<RecordNumber, SealError> {
        let sequence = self.next;
        if sequence > MAX_SEQUENCE {
            return Err(SealError::KeyExhausted);
        }
        let (header, body) = record.split_at_mut_checked(self.header_len()).ok_or(SealError::NoSpace)?;
        let (inner, tag) = body.split_last_chunk_mut::<TAG_LEN>().ok_or(SealError::NoSpace)?;
        let outer = if self.id.is_empty() {
            content_type
        } else {
            *inner.last_mut().ok_or(SealError::NoSpace)? = content_type.code();
            ContentType::Tls12Cid
        };
        let length = self.cipher.explicit_len().saturating_add(inner.len()).saturating_add(TAG_LEN);
        let length = u16::try_from(length).map_err(|_| SealError::TooLong)?;
        let fields = RecordHeader { content_type: outer, version: 0xfefd, epoch: EPOCH, sequence, length };
        let low = epoch_and_sequence(EPOCH, sequence);
        self.write_header(header, &fields, low).ok_or(SealError::NoSpace)?;
        let nonce = self.cipher.iv.nonce(low);
        let sealed = if self.id.is_empty() {
            let aad = additional_data(EPOCH, sequence, outer, fields.version, inner.len());
            self.cipher.aead.seal_into(&nonce, &aad, inner, tag)
        } else {
            let named = header.get(..BEFORE_ID.saturating_add(self.id.len())).unwrap_or_default();
            data_with_id(&mut [0; MAX_DATA_WITH_ID], named, inner.len())
                .and_then(|aad| self.cipher.aead.seal_into(&nonce, aad, inner, tag))
        };
        sealed.map_err(|_| SealError::KeyExhausted)?;
        self.next = sequence.saturating_add(1);
        Ok(RecordNumber { epoch: u64::from(EPOCH), sequence })
    }

    /// The fields, the connection ID before the length, and the explicit nonce if the cipher has one.
    fn write_header(&self, header: &mut [u8], fields: &RecordHeader, low: u64) -> Option<()> {
        let [front @ .., l0, l1] = fields.encode();
        let (to_front, rest) = header.split_first_chunk_mut::<BEFORE_ID>()?;
        let (id, rest) = rest.split_at_mut_checked(self.id.len())?;
        let (length, explicit) = rest.split_first_chunk_mut()?;
        (*to_front, *length) = (front, [l0, l1]);
        id.copy_from_slice(self.id.as_bytes());
        if let Some(explicit) = explicit.first_chunk_mut() {
            *explicit = low.to_be_bytes();
        }
        Some(())
    }
}

/// Opens the peer's records.
pub(crate) struct Opener12 {
    cipher: Cipher12,
    window: ReplayWindow,
    pub(super) forgeries: u64,
}

impl Opener12 {
    pub(crate) fn new(
        provider: &dyn CryptoProvider,
        algorithm: AeadAlgorithm,
        key: &[u8],
        iv: &[u8],
    ) -> Result<Self, CryptoError> {
        let cipher = Cipher12::new(provider, algorithm, key, iv)?;
        Ok(Self { cipher, window: ReplayWindow::default(), forgeries: 0 })
    }

    /// Opens the record that fills `record` in place; its header has a connection ID of `id_len` bytes.
    pub(crate) fn open(
        &mut self,
        header: &RecordHeader,
        id_len: usize,
        record: &mut [u8],
    ) -> Result<Opened, OpenError> {
        if header.epoch != EPOCH {
            return Err(OpenError::Discard(Discard::UnknownEpoch));
        }
        if !self.window.is_new(header.sequence) {
            return Err(OpenError::Discard(Discard::Replayed));
        }
        let (content_type, content) = self.decrypt(header, id_len, record).map_err(|discard| {
            self.forgeries = self.forgeries.saturating_add(u64::from(discard == Discard::Unauthenticated));
            OpenError::Discard(discard)
        })?;
        self.window.mark(header.sequence);
        let number = RecordNumber { epoch: u64::from(EPOCH), sequence: header.sequence };
        Ok(Opened { content_type, content, number })
    }

    fn decrypt(
        &self,
        header: &RecordHeader,
        id_len: usize,
        record: &mut [u8],
    ) -> Result<(ContentType, Range<usize>), Discard> {
        let explicit_len = self.cipher.explicit_len();
        let header_len = HEADER_LEN.saturating_add(id_len);
        let (head, body) = record.split_at_mut_checked(header_len).ok_or(Discard::Unauthenticated)?;
        let (explicit, sealed) = body.split_at_mut_checked(explicit_len).ok_or(Discard::Unauthenticated)?;
        let (inner, tag) = sealed.split_last_chunk_mut::<TAG_LEN>().ok_or(Discard::Unauthenticated)?;
        if inner.len() > MAX_PLAINTEXT {
            return Err(Discard::BadContent);
        }
        let (epoch, sequence) = (header.epoch, header.sequence);
        let low = explicit.first_chunk::<EXPLICIT_NONCE_LEN>().copied().map(u64::from_be_bytes);
        let nonce = self.cipher.iv.nonce(low.unwrap_or(epoch_and_sequence(epoch, sequence)));
        let start = header_len.saturating_add(explicit_len);
        if header.content_type == ContentType::Tls12Cid {
            let named = head.get(..BEFORE_ID.saturating_add(id_len)).unwrap_or_default();
            super::authentic(
                data_with_id(&mut [0; MAX_DATA_WITH_ID], named, inner.len())
                    .and_then(|aad| self.cipher.aead.open(&nonce, aad, inner, tag)),
            )?;
            let (content_type, len) = strip_padding(inner)?;
            return Ok((content_type, start..start.saturating_add(len)));
        }
        let aad = additional_data(epoch, sequence, header.content_type, header.version, inner.len());
        super::authentic(self.cipher.aead.open(&nonce, &aad, inner, tag))?;
        Ok((header.content_type, start..start.saturating_add(inner.len())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use alloc::vec::Vec;
    use sendrecv_core::Reader;
    use sendrecv_crypto::default_provider;

    const ALGORITHMS: [AeadAlgorithm; 3] =
        [AeadAlgorithm::Aes128Gcm, AeadAlgorithm::Aes256Gcm, AeadAlgorithm::ChaCha20Poly1305];

    fn pair(algorithm: AeadAlgorithm) -> (Sealer12, Opener12) {
        let (key, iv) = (alloc::vec![7; algorithm.key_len()], alloc::vec![9; iv_len(algorithm)]);
        let provider = default_provider();
        let sealer = Sealer12::new(provider, algorithm, &key, &iv).unwrap();
        (sealer, Opener12::new(provider, algorithm, &key, &iv).unwrap())
    }

    fn seal(sealer: &mut Sealer12, content: &[u8]) -> Vec<u8> {
        let mut record = alloc::vec![0; sealer.header_len()];
        record.extend_from_slice(content);
        record.resize(record.len() + sealer.tail_len(), 0);
        sealer.seal(&mut record, ContentType::ApplicationData).unwrap();
        record
    }

    fn open(opener: &mut Opener12, record: &mut [u8]) -> Result<Opened, OpenError> {
        open_named(opener, 0, record)
    }

    fn open_named(opener: &mut Opener12, id_len: usize, record: &mut [u8]) -> Result<Opened, OpenError> {
        let header = RecordHeader::parse(&mut Reader::new(record), id_len).unwrap().unwrap();
        opener.open(&header, id_len, record)
    }

    #[test]
    fn a_record_with_a_connection_id_hides_its_type_and_authenticates_the_id() {
        for algorithm in ALGORITHMS {
            for id_len in [1, 8, 255] {
                let (mut sealer, mut opener) = pair(algorithm);
                sealer.set_connection_id(&ConnectionId::new(&alloc::vec![0xc1; id_len]).unwrap());
                let record = seal(&mut sealer, b"hello");
                assert_eq!((record[0], record[11], record[10 + id_len]), (25, 0xc1, 0xc1));
                for at in [11, 10 + id_len] {
                    let mut forged = record.clone();
                    forged[at] ^= 1;
                    let result = open_named(&mut opener, id_len, &mut forged);
                    assert_eq!(result, Err(OpenError::Discard(Discard::Unauthenticated)));
                }
                let mut record = record;
                let opened = open_named(&mut opener, id_len, &mut record).unwrap();
                assert_eq!(opened.content_type, ContentType::ApplicationData);
                assert_eq!(&record[opened.content], b"hello");
            }
        }
    }

    /// The fields of RFC 9146, section 5.3, one by one.
    #[test]
    fn what_is_authenticated_with_a_connection_id_is_in_the_order_of_rfc_9146() {
        let header = [25, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 5, 0xaa, 0xbb];
        let expected =
            [&[0xff; 8][..], &[25, 2, 25, 0xfe, 0xfd], &[0, 1], &[0, 0, 0, 0, 0, 5], &[0xaa, 0xbb], &[1, 2]];
        assert_eq!(data_with_id(&mut [0; MAX_DATA_WITH_ID], &header, 0x102), Ok(&expected.concat()[..]));
    }

    #[test]
    fn a_record_opens_once_with_every_cipher() {
        for algorithm in ALGORITHMS {
            let (mut sealer, mut opener) = pair(algorithm);
            let mut record = seal(&mut sealer, b"hello");
            let mut copy = record.clone();
            let opened = open(&mut opener, &mut record).unwrap();
            assert_eq!(&record[opened.content], b"hello");
            assert_eq!(open(&mut opener, &mut copy), Err(OpenError::Discard(Discard::Replayed)));
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        for algorithm in ALGORITHMS {
            let (mut sealer, mut opener) = pair(algorithm);
            let record = seal(&mut sealer, b"hello");
            for bit in (0..record.len() * 8).filter(|bit| !(3 * 8..5 * 8).contains(bit)) {
                let mut damaged = record.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                if RecordHeader::parse(&mut Reader::new(&damaged), 0).unwrap().is_some()
                    && !(88..104).contains(&bit)
                {
                    let result = open(&mut opener, &mut damaged);
                    assert_eq!(result, Err(OpenError::Discard(Discard::Unauthenticated)), "bit {bit}");
                }
            }
            assert!(opener.forgeries > 100);
        }
    }

    #[test]
    fn nonces_are_counters() {
        let (mut sealer, _) = pair(AeadAlgorithm::Aes128Gcm);
        let nonces: BTreeSet<Vec<u8>> = (0..1000).map(|_| seal(&mut sealer, b"")[13..21].to_vec()).collect();
        assert_eq!(nonces.len(), 1000);
        sealer.next = MAX_SEQUENCE + 1;
        let mut record = [0; 37];
        assert_eq!(sealer.seal(&mut record, ContentType::Handshake), Err(SealError::KeyExhausted));
    }
}
