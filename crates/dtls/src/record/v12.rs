//! DTLS 1.2 record protection (RFC 6347, section 4.1.2.1; RFC 5288; RFC 7905).
//!
//! ```text
//! AES-GCM:  header (13) | explicit nonce (8): epoch and sequence number | ciphertext | tag (16)
//! ChaCha20: header (13) | ciphertext | tag (16)
//! ```
//!
//! Nonces are the record's epoch and sequence number, so they never repeat: for GCM behind a fixed 4-byte salt, for
//! ChaCha20 XORed into a 12-byte IV.

use super::replay::ReplayWindow;
use super::{OpenError, Opened};
use crate::wire::ack::RecordNumber;
use crate::wire::record::{ContentType, HEADER_LEN, MAX_PLAINTEXT, RecordHeader};
use crate::{Discard, SealError};
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
    iv: [u8; 12],
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
        Ok(Self { aead: provider.aead(algorithm, key)?, iv: padded, explicit })
    }

    /// The fixed part of the nonce XORed with eight bytes; GCM's are zero there.
    fn nonce(&self, low: &[u8; 8]) -> [u8; 12] {
        let mut nonce = self.iv;
        let [_, _, _, _, tail @ ..] = &mut nonce;
        for (byte, other) in tail.iter_mut().zip(low) {
            *byte ^= other;
        }
        nonce
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

fn epoch_and_sequence(epoch: u16, sequence: u64) -> [u8; 8] {
    (u64::from(epoch) << 48 | sequence).to_be_bytes()
}

fn additional_data(
    epoch: u16,
    sequence: u64,
    content_type: ContentType,
    version: u16,
    len: usize,
) -> [u8; 13] {
    let [a, b, c, d, e, f, g, h] = epoch_and_sequence(epoch, sequence);
    let [v0, v1] = version.to_be_bytes();
    let [l0, l1] = u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes();
    [a, b, c, d, e, f, g, h, content_type.code(), v0, v1, l0, l1]
}

/// Protects our records.
pub(crate) struct Sealer12 {
    cipher: Cipher12,
    next: u64,
}

impl Sealer12 {
    pub(crate) fn new(
        provider: &dyn CryptoProvider,
        algorithm: AeadAlgorithm,
        key: &[u8],
        iv: &[u8],
    ) -> Result<Self, CryptoError> {
        Ok(Self { cipher: Cipher12::new(provider, algorithm, key, iv)?, next: 0 })
    }

    pub(crate) const fn header_len(&self) -> usize {
        HEADER_LEN + self.cipher.explicit_len()
    }

    /// Protects a record that lies in `record` with room for header and tag around its content.
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
        let (content, tag) = body.split_last_chunk_mut::<TAG_LEN>().ok_or(SealError::NoSpace)?;
        let length = self.cipher.explicit_len().saturating_add(content.len()).saturating_add(TAG_LEN);
        let length = u16::try_from(length).map_err(|_| SealError::TooLong)?;
        let fields = RecordHeader { content_type, version: 0xfefd, epoch: EPOCH, sequence, length };
        let low = epoch_and_sequence(EPOCH, sequence);
        let aad = additional_data(EPOCH, sequence, content_type, fields.version, content.len());
        *tag = self
            .cipher
            .aead
            .seal(&self.cipher.nonce(&low), &aad, content)
            .map_err(|_| SealError::KeyExhausted)?;
        let explicit = low.get(..self.cipher.explicit_len()).unwrap_or_default();
        for (to, from) in header.iter_mut().zip(fields.encode().iter().chain(explicit)) {
            *to = *from;
        }
        self.next = sequence.saturating_add(1);
        Ok(RecordNumber { epoch: u64::from(EPOCH), sequence })
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

    /// Opens the record that fills `record` in place.
    pub(crate) fn open(&mut self, header: &RecordHeader, record: &mut [u8]) -> Result<Opened, OpenError> {
        if header.epoch != EPOCH {
            return Err(OpenError::Discard(Discard::UnknownEpoch));
        }
        if !self.window.is_new(header.sequence) {
            return Err(OpenError::Discard(Discard::Replayed));
        }
        let content = self.decrypt(header, record).map_err(|discard| {
            self.forgeries = self.forgeries.saturating_add(u64::from(discard == Discard::Unauthenticated));
            OpenError::Discard(discard)
        })?;
        self.window.mark(header.sequence);
        let number = RecordNumber { epoch: u64::from(EPOCH), sequence: header.sequence };
        Ok(Opened { content_type: header.content_type, content, number })
    }

    fn decrypt(&self, header: &RecordHeader, record: &mut [u8]) -> Result<Range<usize>, Discard> {
        let explicit_len = self.cipher.explicit_len();
        let (_, body) = record.split_at_mut_checked(HEADER_LEN).ok_or(Discard::Unauthenticated)?;
        let (explicit, sealed) = body.split_at_mut_checked(explicit_len).ok_or(Discard::Unauthenticated)?;
        let (content, tag) = sealed.split_last_chunk_mut::<TAG_LEN>().ok_or(Discard::Unauthenticated)?;
        if content.len() > MAX_PLAINTEXT {
            return Err(Discard::BadContent);
        }
        let counter = epoch_and_sequence(header.epoch, header.sequence);
        let low = explicit.first_chunk::<EXPLICIT_NONCE_LEN>().copied().unwrap_or(counter);
        let aad = additional_data(
            header.epoch,
            header.sequence,
            header.content_type,
            header.version,
            content.len(),
        );
        super::authentic(self.cipher.aead.open(&self.cipher.nonce(&low), &aad, content, tag))?;
        let start = HEADER_LEN.saturating_add(explicit_len);
        Ok(start..start.saturating_add(content.len()))
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
        record.extend_from_slice(&[0; TAG_LEN]);
        sealer.seal(&mut record, ContentType::ApplicationData).unwrap();
        record
    }

    fn open(opener: &mut Opener12, record: &mut [u8]) -> Result<Opened, OpenError> {
        let header = RecordHeader::parse(&mut Reader::new(record)).unwrap().unwrap();
        opener.open(&header, record)
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
                if RecordHeader::parse(&mut Reader::new(&damaged)).unwrap().is_some()
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
