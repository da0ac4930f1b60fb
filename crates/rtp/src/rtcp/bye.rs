//! Leaving (RFC 3550, section 6.6).
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |V=2|P|   SC    |    PT=203     |            length             |
//! |                      SSRC/CSRC (SC of them)                   |
//! |     length    |         reason for leaving (optional) ...     |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use super::{RtcpError, packet_type, write_header};
use sendrecv_core::{NoSpace, Reader, Writer};

/// Sources that leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bye<'a> {
    ssrcs: &'a [u8],
    /// Why, as text for people; not checked to be UTF-8.
    pub reason: Option<&'a [u8]>,
}

impl<'a> Bye<'a> {
    pub(super) fn read(count: u8, body: &'a [u8]) -> Result<Self, RtcpError> {
        let mut reader = Reader::new(body);
        let ssrcs = reader.take(usize::from(count) * 4)?;
        let reason = if reader.is_empty() { None } else { Some(reader.vec8()?) };
        Ok(Self { ssrcs, reason })
    }

    /// The sources, at most 31.
    pub fn ssrcs(&self) -> impl ExactSizeIterator<Item = u32> + 'a {
        let (chunks, _) = self.ssrcs.as_chunks::<4>();
        chunks.iter().map(|bytes| u32::from_be_bytes(*bytes))
    }
}

/// Says that the first 31 of `ssrcs` leave, without a reason.
pub fn write_bye<W: Writer + ?Sized>(out: &mut W, ssrcs: &[u32]) -> Result<(), NoSpace> {
    let ssrcs = ssrcs.get(..31).unwrap_or(ssrcs);
    write_header(out, u8::try_from(ssrcs.len()).unwrap_or(0), packet_type::BYE, ssrcs.len() * 4)?;
    ssrcs.iter().try_for_each(|ssrc| out.put_u32(*ssrc))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtcp::{Compound, RtcpPacket};
    use alloc::vec::Vec;

    #[test]
    fn a_bye_survives_the_wire() {
        let mut out = Vec::new();
        write_bye(&mut out, &[1, 2]).unwrap();
        let Some(Ok(RtcpPacket::Bye(bye))) = Compound::parse(&out).unwrap().next() else { panic!() };
        assert_eq!((bye.ssrcs().collect::<Vec<_>>(), bye.reason), (Vec::from([1, 2]), None));
    }

    #[test]
    fn a_reason_must_fit() {
        let bye = Bye::read(1, &[0, 0, 0, 1, 3, b'b', b'y', b'e']).unwrap();
        assert_eq!(bye.reason, Some(&b"bye"[..]));
        assert_eq!(Bye::read(1, &[0, 0, 0, 1, 4, b'b', b'y', b'e']), Err(RtcpError::Truncated));
    }
}
