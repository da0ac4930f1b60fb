//! Receiver estimated maximum bitrate (draft-alvestrand-rmcat-remb).
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  'R'             'E'             'M'             'B'          |
//! |  Num SSRC     | BR Exp    |  BR Mantissa                      |
//! |   SSRC (Num SSRC of them)                                     |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use super::{FeedbackSsrcs, RtcpError, packet_type, write_feedback};
use sendrecv_core::{NoSpace, Reader, Writer};

const MANTISSA_BITS: u32 = 18;

/// A receiver's estimate of the bitrate available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remb<'a> {
    /// Who estimates; the media SSRC is 0.
    pub ssrcs: FeedbackSsrcs,
    /// Bits per second, saturated at `u64::MAX`.
    pub bitrate_bps: u64,
    streams: &'a [u8],
}

impl<'a> Remb<'a> {
    /// `None` when the application layer feedback is something else.
    pub(super) fn read(ssrcs: FeedbackSsrcs, fci: &'a [u8]) -> Result<Option<Self>, RtcpError> {
        let mut reader = Reader::new(fci);
        if reader.take(4) != Ok(b"REMB") {
            return Ok(None);
        }
        let count = reader.u8()?;
        let packed = reader.u24()?;
        let mantissa = u64::from(packed & 0x3_ffff);
        let exponent = packed >> MANTISSA_BITS;
        let fits = exponent <= mantissa.leading_zeros();
        let bitrate_bps = if fits { mantissa << exponent.min(63) } else { u64::MAX };
        Ok(Some(Self { ssrcs, bitrate_bps, streams: reader.take(usize::from(count) * 4)? }))
    }

    /// The streams that share the bitrate.
    pub fn ssrcs(&self) -> impl ExactSizeIterator<Item = u32> + 'a {
        let (chunks, _) = self.streams.as_chunks::<4>();
        chunks.iter().map(|bytes| u32::from_be_bytes(*bytes))
    }
}

/// Writes an estimate for the first 255 of `streams`; the bitrate is rounded down to 18 significant bits.
pub fn write_remb<W: Writer + ?Sized>(
    out: &mut W,
    sender: u32,
    bitrate_bps: u64,
    streams: &[u32],
) -> Result<(), NoSpace> {
    let streams = streams.get(..255).unwrap_or(streams);
    let significant = u64::BITS - bitrate_bps.leading_zeros();
    let exponent = significant.saturating_sub(MANTISSA_BITS);
    let mantissa = u32::try_from(bitrate_bps >> exponent).unwrap_or(0x3_ffff);
    let ssrcs = FeedbackSsrcs { sender, media: 0 };
    write_feedback(out, 15, packet_type::PAYLOAD_FEEDBACK, ssrcs, 8 + streams.len() * 4)?;
    out.put(b"REMB")?;
    out.put_u8(u8::try_from(streams.len()).unwrap_or(u8::MAX))?;
    out.put_u24(exponent << MANTISSA_BITS | mantissa)?;
    streams.iter().try_for_each(|ssrc| out.put_u32(*ssrc))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtcp::{Compound, RtcpPacket};
    use alloc::vec::Vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn estimates_survive_to_18_bits(bitrate: u64, streams in prop::collection::vec(any::<u32>(), 0..20)) {
            let mut out = Vec::new();
            write_remb(&mut out, 1, bitrate, &streams).unwrap();
            let Some(Ok(RtcpPacket::Remb(remb))) = Compound::parse(&out).unwrap().next() else { panic!() };
            prop_assert_eq!(remb.ssrcs().collect::<Vec<_>>(), streams);
            prop_assert!(remb.bitrate_bps <= bitrate && bitrate - remb.bitrate_bps <= bitrate >> 17);
        }
    }

    #[test]
    fn an_absurd_exponent_saturates() {
        let fci = [b'R', b'E', b'M', b'B', 0, 0xff, 0xff, 0xff];
        assert_eq!(Remb::read(FeedbackSsrcs::default(), &fci).unwrap().unwrap().bitrate_bps, u64::MAX);
    }

    #[test]
    fn other_application_feedback_is_left_alone() {
        assert_eq!(Remb::read(FeedbackSsrcs::default(), b"XXXX"), Ok(None));
    }
}
