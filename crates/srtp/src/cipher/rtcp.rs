//! Sealing and opening compound RTCP packets.
//!
//! ```text
//! AES-CM:  | header (8) | encrypted           | E and index (4) | tag (10)        |
//!          |<--------------- authenticated ----------------->|
//! AES-GCM: | header (8) | encrypted           | tag (16)        | E and index (4) |
//!          associated data: header, E and index; without encryption: all of it
//! ```
//! RFC 3711, section 3.4; RFC 7714, sections 9.2 and 9.3.

use super::{Algorithm, Cipher, authenticated, counter_block, nonce};
use crate::header::RTCP_HEADER_LEN;
use crate::profile::INDEX_LEN;
use crate::{Discard, ProtectError};
use sendrecv_core::{NoSpace, PacketBuf, Writer};
use sendrecv_crypto::{Aead, CryptoError, TAG_LEN};

/// The E bit and the SRTCP index, as they are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trailer {
    pub(crate) encrypted: bool,
    pub(crate) index: u32,
}

impl Trailer {
    const E: u32 = 1 << 31;

    const fn to_bytes(self) -> [u8; INDEX_LEN] {
        let e = if self.encrypted { Self::E } else { 0 };
        (e | self.index).to_be_bytes()
    }

    const fn from_bytes(bytes: [u8; INDEX_LEN]) -> Self {
        let word = u32::from_be_bytes(bytes);
        Self { encrypted: word & Self::E != 0, index: word & !Self::E }
    }
}

impl Cipher {
    /// Encrypts what follows the header and appends index and tag, for which there must be space.
    pub(crate) fn seal_rtcp(
        &self,
        ssrc: u32,
        trailer: Trailer,
        packet: &mut PacketBuf<'_>,
    ) -> Result<(), ProtectError> {
        let index = u64::from(trailer.index);
        match &self.algorithm {
            Algorithm::CounterMode { stream, hmac, tag_len } => {
                if trailer.encrypted {
                    let body = packet.bytes_mut().get_mut(RTCP_HEADER_LEN..).unwrap_or_default();
                    stream.apply(&counter_block(self.salt, ssrc, index), body);
                }
                packet.put(&trailer.to_bytes()).map_err(no_space)?;
                let tag = hmac.mac(&[packet.bytes()]);
                packet.put(tag.as_bytes().get(..*tag_len).unwrap_or_default()).map_err(no_space)
            }
            Algorithm::Aead(aead) => {
                let nonce = nonce(self.salt, ssrc, index);
                let tag = seal_aead(aead.as_ref(), &nonce, trailer, packet)?;
                packet.put(&tag).and_then(|()| packet.put(&trailer.to_bytes())).map_err(no_space)
            }
        }
    }

    /// The index that `packet` claims to have, and whether it is encrypted.
    pub(crate) fn trailer(&self, packet: &[u8]) -> Result<Trailer, Discard> {
        let end = match &self.algorithm {
            Algorithm::CounterMode { tag_len, .. } => packet.len().checked_sub(*tag_len),
            Algorithm::Aead(_) => Some(packet.len()),
        };
        let trailer = end.and_then(|end| packet.get(..end)?.last_chunk());
        trailer.copied().map(Trailer::from_bytes).ok_or(Discard::Malformed)
    }

    /// Checks the tag, decrypts if `trailer` says so, and returns the compound packet alone.
    pub(crate) fn open_rtcp<'b>(
        &self,
        ssrc: u32,
        trailer: Trailer,
        packet: &'b mut [u8],
    ) -> Result<&'b mut [u8], Discard> {
        let tag_len = match &self.algorithm {
            Algorithm::CounterMode { tag_len, .. } => *tag_len,
            Algorithm::Aead(_) => TAG_LEN,
        };
        let body_len = packet.len().checked_sub(INDEX_LEN.saturating_add(tag_len));
        let body_len = body_len.filter(|len| *len >= RTCP_HEADER_LEN).ok_or(Discard::Malformed)?;
        let index = u64::from(trailer.index);
        match &self.algorithm {
            Algorithm::CounterMode { stream, hmac, .. } => {
                let covered = body_len.saturating_add(INDEX_LEN);
                let (covered, tag) = packet.split_at_mut_checked(covered).ok_or(Discard::Malformed)?;
                authenticated(hmac.verify(&[covered], tag))?;
                if trailer.encrypted {
                    let body = covered.get_mut(RTCP_HEADER_LEN..body_len).unwrap_or_default();
                    stream.apply(&counter_block(self.salt, ssrc, index), body);
                }
            }
            Algorithm::Aead(aead) => {
                authenticated(open_aead(
                    aead.as_ref(),
                    &nonce(self.salt, ssrc, index),
                    trailer,
                    body_len,
                    packet,
                ))?;
            }
        }
        packet.get_mut(..body_len).ok_or(Discard::Malformed)
    }
}

fn no_space(_: NoSpace) -> ProtectError {
    ProtectError::NoSpace
}

/// Encrypts the packet's body, or none of it, and gives the tag.
fn seal_aead(
    aead: &dyn Aead,
    nonce: &[u8; 12],
    trailer: Trailer,
    packet: &mut PacketBuf<'_>,
) -> Result<[u8; TAG_LEN], ProtectError> {
    if trailer.encrypted {
        let (header, body) = packet.bytes_mut().split_first_chunk_mut().ok_or(ProtectError::Malformed)?;
        return aead.seal(nonce, &associated(header, trailer), body).map_err(|_| ProtectError::Cipher);
    }
    // The index stands behind the packet only for as long as it takes to authenticate both.
    let len = packet.len();
    packet.put(&trailer.to_bytes()).map_err(no_space)?;
    let tag = aead.seal(nonce, packet.bytes(), &mut []);
    packet.truncate(len);
    tag.map_err(|_| ProtectError::Cipher)
}

fn open_aead(
    aead: &dyn Aead,
    nonce: &[u8; 12],
    trailer: Trailer,
    body_len: usize,
    packet: &mut [u8],
) -> Result<(), CryptoError> {
    let short = CryptoError::Unauthenticated;
    let (body, rest) = packet.split_at_mut_checked(body_len).ok_or(short)?;
    let tag = *rest.first_chunk().ok_or(short)?;
    if trailer.encrypted {
        let (header, body) = body.split_first_chunk_mut().ok_or(short)?;
        return aead.open(nonce, &associated(header, trailer), body, &tag);
    }
    // The index takes the tag's place, so that all that is authenticated lies in a row.
    *rest.first_chunk_mut().ok_or(short)? = trailer.to_bytes();
    let covered = packet.get(..body_len.saturating_add(INDEX_LEN)).ok_or(short)?;
    aead.open(nonce, covered, &mut [], &tag)
}

/// The associated data of an encrypted packet.
const fn associated(header: &[u8; RTCP_HEADER_LEN], trailer: Trailer) -> [u8; RTCP_HEADER_LEN + INDEX_LEN] {
    let [a, b, c, d, e, f, g, h] = *header;
    let [i, j, k, l] = trailer.to_bytes();
    [a, b, c, d, e, f, g, h, i, j, k, l]
}
