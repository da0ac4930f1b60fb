//! Full intra request (RFC 5104, section 4.3.1).
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                              SSRC                             |
//! | seq nr.       |    reserved                                   |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use super::{FeedbackSsrcs, RtcpError, packet_type, write_feedback};
use sendrecv_core::{NoSpace, Reader, Writer};

/// Keyframes are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fir<'a> {
    /// Who asks; the media SSRC is unused.
    pub ssrcs: FeedbackSsrcs,
    entries: &'a [u8],
}

/// Of which stream a keyframe is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirEntry {
    /// The stream.
    pub ssrc: u32,
    /// Grows with every new request; the same number is the same request again.
    pub sequence_number: u8,
}

impl<'a> Fir<'a> {
    pub(super) fn read(ssrcs: FeedbackSsrcs, fci: &'a [u8]) -> Result<Self, RtcpError> {
        if fci.is_empty() || !fci.len().is_multiple_of(8) {
            return Err(RtcpError::Malformed);
        }
        Ok(Self { ssrcs, entries: fci })
    }

    /// The streams.
    pub fn entries(&self) -> impl Iterator<Item = FirEntry> + use<'a> {
        let mut reader = Reader::new(self.entries);
        core::iter::from_fn(move || {
            let entry = FirEntry { ssrc: reader.u32().ok()?, sequence_number: reader.u8().ok()? };
            reader.take(3).ok()?;
            Some(entry)
        })
    }
}

/// Asks for keyframes of all `entries`.
pub fn write_fir<W: Writer + ?Sized>(out: &mut W, sender: u32, entries: &[FirEntry]) -> Result<(), NoSpace> {
    let ssrcs = FeedbackSsrcs { sender, media: 0 };
    write_feedback(out, 4, packet_type::PAYLOAD_FEEDBACK, ssrcs, entries.len() * 8)?;
    entries.iter().try_for_each(|entry| {
        out.put_u32(entry.ssrc)?;
        out.put(&[entry.sequence_number, 0, 0, 0])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtcp::{Compound, RtcpPacket};
    use alloc::vec::Vec;

    #[test]
    fn full_intra_requests_survive_the_wire() {
        let entries = [FirEntry { ssrc: 3, sequence_number: 200 }, FirEntry { ssrc: 4, sequence_number: 0 }];
        let mut out = Vec::new();
        write_fir(&mut out, 1, &entries).unwrap();
        let Some(Ok(RtcpPacket::Fir(read))) = Compound::parse(&out).unwrap().next() else { panic!() };
        assert_eq!(read.entries().collect::<Vec<_>>(), entries);
    }

    #[test]
    fn half_an_entry_is_malformed() {
        assert_eq!(Fir::read(FeedbackSsrcs::default(), &[0; 12]), Err(RtcpError::Malformed));
    }
}
