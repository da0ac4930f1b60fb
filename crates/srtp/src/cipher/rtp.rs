//! Sealing and opening RTP packets.
//!
//! ```text
//! | header, CSRCs, extension | payload                  | tag              |
//! |<----- authenticated ---->|<- encrypted, authentic ->|<- 4, 10 or 16 -->|
//! ```
//! RFC 3711, section 3.1; RFC 7714, section 8.2.

use super::{Algorithm, Cipher, authenticated, counter_block, nonce};
use crate::{Discard, ProtectError};
use sendrecv_core::{PacketBuf, Writer};
use sendrecv_crypto::TAG_LEN;

impl Cipher {
    /// Encrypts the payload behind `header_len` bytes and appends the tag, for which there must be space.
    pub(crate) fn seal_rtp(
        &self,
        (ssrc, index): (u32, u64),
        header_len: usize,
        packet: &mut PacketBuf<'_>,
    ) -> Result<(), ProtectError> {
        match &self.algorithm {
            Algorithm::CounterMode { stream, hmac, tag_len } => {
                let payload = packet.bytes_mut().get_mut(header_len..).ok_or(ProtectError::Malformed)?;
                stream.apply(&counter_block(self.salt, ssrc, index), payload);
                let tag = hmac.mac(&[packet.bytes(), &rollover_counter(index)]);
                packet
                    .put(tag.as_bytes().get(..*tag_len).unwrap_or_default())
                    .map_err(|_| ProtectError::NoSpace)
            }
            Algorithm::Aead(aead) => {
                packet.reserve(TAG_LEN).map_err(|_| ProtectError::NoSpace)?;
                let (body, tag) = packet.bytes_mut().split_last_chunk_mut().ok_or(ProtectError::Malformed)?;
                let (header, payload) =
                    body.split_at_mut_checked(header_len).ok_or(ProtectError::Malformed)?;
                let sealed = aead.seal_into(&nonce(self.salt, ssrc, index), header, payload, tag);
                sealed.map_err(|_| ProtectError::Cipher)
            }
        }
    }

    /// Checks the tag, decrypts, and returns the packet without its tag.
    pub(crate) fn open_rtp<'b>(
        &self,
        (ssrc, index): (u32, u64),
        header_len: usize,
        packet: &'b mut [u8],
    ) -> Result<&'b mut [u8], Discard> {
        let tag_len = self.rtp_tag_len();
        let body_len = packet.len().checked_sub(tag_len).filter(|len| *len >= header_len);
        let body_len = body_len.ok_or(Discard::Malformed)?;
        let (body, tag) = packet.split_at_mut_checked(body_len).ok_or(Discard::Malformed)?;
        match &self.algorithm {
            Algorithm::CounterMode { stream, hmac, .. } => {
                authenticated(hmac.verify(&[body, &rollover_counter(index)], tag))?;
                let payload = body.get_mut(header_len..).unwrap_or_default();
                stream.apply(&counter_block(self.salt, ssrc, index), payload);
            }
            Algorithm::Aead(aead) => {
                let (header, payload) = body.split_at_mut_checked(header_len).ok_or(Discard::Malformed)?;
                let tag = tag.first_chunk().ok_or(Discard::Malformed)?;
                authenticated(aead.open(&nonce(self.salt, ssrc, index), header, payload, tag))?;
            }
        }
        Ok(body)
    }

    const fn rtp_tag_len(&self) -> usize {
        match &self.algorithm {
            Algorithm::CounterMode { tag_len, .. } => *tag_len,
            Algorithm::Aead(_) => TAG_LEN,
        }
    }
}

/// The index without the sequence number: it is authenticated, but not sent.
const fn rollover_counter(index: u64) -> [u8; 4] {
    let [_, _, a, b, c, d, _, _] = index.to_be_bytes();
    [a, b, c, d]
}
