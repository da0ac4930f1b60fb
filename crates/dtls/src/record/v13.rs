//! DTLS 1.3 record protection (RFC 9147, sections 4 and 4.2; RFC 8446, section 5.2).
//!
//! ```text
//! unified header | ciphertext of: content, content type (8), zeros | tag (16)
//!   with its sequence number encrypted by a mask made from the first 16 bytes of the ciphertext
//! ```

use super::nonce::Iv;
use super::replay::ReplayWindow;
use super::{OpenError, Opened, strip_padding};
use crate::wire::ack::RecordNumber;
use crate::wire::record::ContentType;
use crate::wire::unified::{self, HEADER_LEN, UnifiedHeader};
use crate::{CipherSuite, ConnectionId, Discard, SealError};
use alloc::boxed::Box;
use core::ops::Range;
use sendrecv_crypto::{Aead, AeadAlgorithm, BlockCipher, CryptoError, CryptoProvider, Secret, TAG_LEN, hkdf};
use zeroize::Zeroizing;

/// Prefix of every label of DTLS 1.3's key schedule (RFC 9147, section 5.9).
pub(crate) const LABEL_PREFIX: &[u8] = b"dtls13";

/// What encrypts record numbers (RFC 9147, section 4.2.3).
enum NumberCipher {
    Aes(Box<dyn BlockCipher>),
    ChaCha20(&'static dyn CryptoProvider, Zeroizing<[u8; 32]>),
}

impl NumberCipher {
    fn mask(&self, sample: &[u8; 16]) -> Result<[u8; 16], CryptoError> {
        match self {
            Self::Aes(cipher) => {
                let mut block = *sample;
                cipher.encrypt(&mut block);
                Ok(block)
            }
            Self::ChaCha20(provider, key) => provider.chacha20_mask(key, sample),
        }
    }
}

/// How many records a key may protect (RFC 8446, section 5.5): 2^24.5 with AES-GCM; ChaCha20-Poly1305 has no such limit.
const fn record_limit(algorithm: AeadAlgorithm) -> u64 {
    match algorithm {
        AeadAlgorithm::Aes128Gcm | AeadAlgorithm::Aes256Gcm => 23_726_566,
        AeadAlgorithm::ChaCha20Poly1305 => u64::MAX,
    }
}

/// Keys protect at least so many records: if the acknowledgement of a key update were enough to make the next one due,
/// updates would provoke each other for ever.
const MIN_UPDATE_AFTER: u64 = 4;

/// One direction's cipher in one epoch.
struct Cipher13 {
    aead: Box<dyn Aead>,
    iv: Iv,
    numbers: NumberCipher,
}

impl Cipher13 {
    fn new(
        provider: &'static dyn CryptoProvider,
        suite: CipherSuite,
        secret: &Secret,
    ) -> Result<Self, CryptoError> {
        let secret = hkdf::Expander::new(provider, suite.hash(), secret.expose())?;
        let expand = |label: &[u8], out: &mut [u8]| secret.expand_label(LABEL_PREFIX, label, &[], out);
        let algorithm = suite.aead();
        let mut key = Zeroizing::new([0; 32]);
        let key_bytes = key.get_mut(..algorithm.key_len()).ok_or(CryptoError::InvalidKey)?;
        expand(b"key", key_bytes)?;
        let aead = provider.aead(algorithm, key_bytes)?;
        let mut iv = [0; 12];
        expand(b"iv", &mut iv)?;
        expand(b"sn", key_bytes)?;
        let numbers = match algorithm {
            AeadAlgorithm::Aes128Gcm | AeadAlgorithm::Aes256Gcm => {
                NumberCipher::Aes(provider.aes(key_bytes)?)
            }
            AeadAlgorithm::ChaCha20Poly1305 => NumberCipher::ChaCha20(provider, key),
        };
        Ok(Self { aead, iv: Iv::new(iv), numbers })
    }

    /// Encrypts or decrypts the sequence number in a header.
    fn mask_number(&self, number: &mut [u8], ciphertext: &[u8]) -> Result<(), CryptoError> {
        let sample = ciphertext.first_chunk().ok_or(CryptoError::Unauthenticated)?;
        for (byte, mask) in number.iter_mut().zip(self.numbers.mask(sample)?) {
            *byte ^= mask;
        }
        Ok(())
    }
}

/// Protects our records in one epoch.
pub(crate) struct Sealer13 {
    cipher: Cipher13,
    epoch: u64,
    next: u64,
    limit: u64,
    /// What the peer wants to find in records; empty: nothing.
    id: ConnectionId,
}

impl Sealer13 {
    pub(crate) fn new(
        provider: &'static dyn CryptoProvider,
        suite: CipherSuite,
        secret: &Secret,
        epoch: u64,
    ) -> Result<Self, CryptoError> {
        let cipher = Cipher13::new(provider, suite, secret)?;
        Ok(Self { cipher, epoch, next: 0, limit: record_limit(suite.aead()), id: ConnectionId::default() })
    }

    /// From now on records carry this connection ID.
    pub(crate) fn set_connection_id(&mut self, id: &ConnectionId) {
        self.id = id.clone();
    }

    pub(crate) const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether the key has protected so many records that it is to be changed; half of what it may at the latest, so that
    /// the peer has time to acknowledge.
    pub(crate) fn is_due(&self, after: u64) -> bool {
        self.next >= after.min(self.limit / 2).max(MIN_UPDATE_AFTER)
    }

    pub(crate) const fn header_len(&self) -> usize {
        HEADER_LEN.saturating_add(self.id.len())
    }

    /// Protects a record that lies in `record` with room for the header before and for type and tag behind its content.
    pub(crate) fn seal(
        &mut self,
        record: &mut [u8],
        content_type: ContentType,
    ) -> Result<RecordNumber, SealError> {
        let sequence = self.next;
        if sequence >= self.limit {
            return Err(SealError::KeyExhausted);
        }
        let (header, body) = record.split_at_mut_checked(self.header_len()).ok_or(SealError::NoSpace)?;
        let length = u16::try_from(body.len()).map_err(|_| SealError::TooLong)?;
        self.write_header(header, sequence, length).ok_or(SealError::NoSpace)?;
        let (inner, tag) = body.split_last_chunk_mut::<TAG_LEN>().ok_or(SealError::NoSpace)?;
        *inner.last_mut().ok_or(SealError::NoSpace)? = content_type.code();
        let sealed = self.cipher.aead.seal_into(&self.cipher.iv.nonce(sequence), header, inner, tag);
        sealed.map_err(|_| SealError::KeyExhausted)?;
        let [.., s0, s1, _, _] = header else {
            return Err(SealError::NoSpace);
        };
        let mut number = [*s0, *s1];
        self.cipher.mask_number(&mut number, body).map_err(|_| SealError::KeyExhausted)?;
        [*s0, *s1] = number;
        self.next = sequence.saturating_add(1);
        Ok(RecordNumber { epoch: self.epoch, sequence })
    }

    fn write_header(&self, header: &mut [u8], sequence: u64, length: u16) -> Option<()> {
        let [.., s0, s1] = sequence.to_be_bytes();
        let [l0, l1] = length.to_be_bytes();
        let (first, rest) = header.split_first_mut()?;
        let (id, rest) = rest.split_at_mut_checked(self.id.len())?;
        *first = unified::first_byte(self.epoch, !self.id.is_empty());
        id.copy_from_slice(self.id.as_bytes());
        *rest.first_chunk_mut()? = [s0, s1, l0, l1];
        Some(())
    }
}

/// Opens the peer's records of one epoch.
pub(crate) struct Opener13 {
    cipher: Cipher13,
    epoch: u64,
    window: ReplayWindow,
    pub(super) forgeries: u64,
}

impl Opener13 {
    pub(crate) fn new(
        provider: &'static dyn CryptoProvider,
        suite: CipherSuite,
        secret: &Secret,
        epoch: u64,
    ) -> Result<Self, CryptoError> {
        let cipher = Cipher13::new(provider, suite, secret)?;
        Ok(Self { cipher, epoch, window: ReplayWindow::default(), forgeries: 0 })
    }

    pub(crate) const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Opens the record that fills `record` in place.
    pub(crate) fn open(&mut self, header: &UnifiedHeader, record: &mut [u8]) -> Result<Opened, OpenError> {
        let result = self.decrypt(header, record);
        if result == Err(Discard::Unauthenticated) {
            self.forgeries = self.forgeries.saturating_add(1);
        }
        result.map_err(OpenError::Discard)
    }

    fn decrypt(&mut self, header: &UnifiedHeader, record: &mut [u8]) -> Result<Opened, Discard> {
        let (head, body) =
            record.split_at_mut_checked(header.ciphertext.start).ok_or(Discard::Unauthenticated)?;
        let number = head.get_mut(header.sequence.clone()).ok_or(Discard::Unauthenticated)?;
        self.cipher.mask_number(number, body).map_err(|_| Discard::Unauthenticated)?;
        let (low, bits) = match *number {
            [low] => (u64::from(low), 8),
            [high, low] => (u64::from(u16::from_be_bytes([high, low])), 16),
            _ => return Err(Discard::Unauthenticated),
        };
        let sequence = unified::reconstruct(self.window.expected(), low, bits);
        let (inner, tag) = body.split_last_chunk_mut::<TAG_LEN>().ok_or(Discard::Unauthenticated)?;
        super::authentic(self.cipher.aead.open(&self.cipher.iv.nonce(sequence), head, inner, tag))?;
        // After authentication, so that the discard tells nobody the number (RFC 9147, section 4.5.1).
        if !self.window.is_new(sequence) {
            return Err(Discard::Replayed);
        }
        let (content_type, len) = strip_padding(inner)?;
        self.window.mark(sequence);
        let start = header.ciphertext.start;
        let content: Range<usize> = start..start.saturating_add(len);
        Ok(Opened { content_type, content, number: RecordNumber { epoch: self.epoch, sequence } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use alloc::vec::Vec;
    use proptest::prelude::*;
    use sendrecv_crypto::default_provider;

    const SUITES: [CipherSuite; 3] =
        [CipherSuite::Aes128GcmSha256, CipherSuite::Aes256GcmSha384, CipherSuite::ChaCha20Poly1305Sha256];

    fn pair(suite: CipherSuite, epoch: u64) -> (Sealer13, Opener13) {
        let secret = Secret::new(alloc::vec![3; suite.hash().output_len()]);
        let sealer = Sealer13::new(default_provider(), suite, &secret, epoch).unwrap();
        (sealer, Opener13::new(default_provider(), suite, &secret, epoch).unwrap())
    }

    fn seal(sealer: &mut Sealer13, content: &[u8]) -> Vec<u8> {
        let mut record = alloc::vec![0; sealer.header_len()];
        record.extend_from_slice(content);
        record.extend_from_slice(&[0; super::super::TYPE_LEN + TAG_LEN]);
        sealer.seal(&mut record, ContentType::ApplicationData).unwrap();
        record
    }

    fn open(opener: &mut Opener13, record: &mut [u8]) -> Result<Opened, OpenError> {
        let header = UnifiedHeader::parse(record, 0).unwrap().unwrap();
        opener.open(&header, record)
    }

    #[test]
    fn a_record_opens_once_with_every_suite() {
        for suite in SUITES {
            let (mut sealer, mut opener) = pair(suite, 3);
            let mut record = seal(&mut sealer, b"hello");
            assert_eq!(record[0], 0x2f);
            let mut copy = record.clone();
            let opened = open(&mut opener, &mut record).unwrap();
            assert_eq!(&record[opened.content], b"hello");
            assert_eq!(open(&mut opener, &mut copy), Err(OpenError::Discard(Discard::Replayed)));
        }
    }

    #[test]
    fn a_record_with_a_connection_id_opens_and_authenticates_the_id() {
        for suite in SUITES {
            for id_len in [1, 8, 255] {
                let (mut sealer, mut opener) = pair(suite, 3);
                sealer.set_connection_id(&ConnectionId::new(&alloc::vec![0xc1; id_len]).unwrap());
                let mut record = seal(&mut sealer, b"hello");
                assert_eq!((record[0], record[1], record[id_len]), (0x3f, 0xc1, 0xc1));
                let header = UnifiedHeader::parse(&record, id_len).unwrap().unwrap();
                assert_eq!(header.connection_id, 1..1 + id_len);
                let mut forged = record.clone();
                forged[id_len] ^= 1;
                let result = opener.open(&header, &mut forged);
                assert_eq!(result, Err(OpenError::Discard(Discard::Unauthenticated)));
                let opened = opener.open(&header, &mut record).unwrap();
                assert_eq!(&record[opened.content], b"hello");
            }
        }
    }

    #[test]
    fn records_arrive_in_any_order_across_many_numbers() {
        let (mut sealer, mut opener) = pair(CipherSuite::Aes128GcmSha256, 3);
        let mut records: Vec<_> = (0..70_000).map(|_| seal(&mut sealer, b"x")).collect();
        for pair in records.chunks_mut(2) {
            pair.swap(0, 1);
            assert!(pair.iter_mut().all(|record| open(&mut opener, record).is_ok()));
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        for suite in SUITES {
            let (mut sealer, mut opener) = pair(suite, 3);
            let record = seal(&mut sealer, b"hello");
            for bit in (8..24).chain(40..record.len() * 8) {
                let mut damaged = record.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(
                    open(&mut opener, &mut damaged),
                    Err(OpenError::Discard(Discard::Unauthenticated))
                );
            }
            assert!(opener.forgeries > 100);
        }
    }

    #[test]
    fn numbers_on_the_wire_look_random() {
        let (mut sealer, _) = pair(CipherSuite::Aes128GcmSha256, 3);
        let numbers: BTreeSet<Vec<u8>> = (0..100).map(|_| seal(&mut sealer, b"")[1..3].to_vec()).collect();
        assert!(numbers.len() > 90 && !numbers.contains(&[0, 1][..]));
    }

    #[test]
    fn a_key_protects_no_more_records_than_it_may() {
        let (mut sealer, _) = pair(CipherSuite::Aes128GcmSha256, 3);
        sealer.next = 23_726_565;
        seal(&mut sealer, b"the last");
        let mut record = [0; 22];
        assert_eq!(sealer.seal(&mut record, ContentType::ApplicationData), Err(SealError::KeyExhausted));
        sealer.next = 23_726_566 / 2;
        assert!(sealer.is_due(u64::MAX), "whatever was configured");
        let (mut sealer, _) = pair(CipherSuite::ChaCha20Poly1305Sha256, 3);
        sealer.next = 1 << 40;
        seal(&mut sealer, b"not the last");
    }

    #[test]
    fn short_records_and_empty_plaintexts_are_discarded() {
        let (_, mut opener) = pair(CipherSuite::Aes128GcmSha256, 3);
        let mut short = [0x2f, 0, 0, 0, 15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(open(&mut opener, &mut short), Err(OpenError::Discard(Discard::Unauthenticated)));
        assert_eq!(strip_padding(&[0, 0]), Err(Discard::BadContent));
        assert_eq!(strip_padding(&[7, 23, 0, 0]), Ok((ContentType::ApplicationData, 1)));
    }

    proptest! {
        #[test]
        fn junk_never_opens_or_panics(mut bytes in prop::collection::vec(any::<u8>(), 1..80)) {
            bytes[0] = bytes[0] & 0x0f | 0x20;
            let (_, mut opener) = pair(CipherSuite::ChaCha20Poly1305Sha256, 3);
            if let Ok(Some(header)) = UnifiedHeader::parse(&bytes, 0) {
                let end = header.ciphertext.end;
                prop_assert!(opener.open(&header, &mut bytes[..end]).is_err());
            }
        }
    }
}
