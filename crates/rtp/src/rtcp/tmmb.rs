//! Temporary maximum media stream bitrate, request and notification (RFC 5104, section 4.2).
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                              SSRC                             |
//! | MxTBR Exp |  MxTBR Mantissa                 |Measured Overhead|
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use super::{FeedbackSsrcs, RtcpError, packet_type, write_feedback};
use sendrecv_core::{NoSpace, Reader, Writer};

const MANTISSA_BITS: u32 = 17;

/// A TMMBR or TMMBN packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tmmb<'a> {
    /// Who asks or confirms; the media SSRC is unused.
    pub ssrcs: FeedbackSsrcs,
    entries: &'a [u8],
}

/// The limit for one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TmmbEntry {
    /// The stream (in a request) or who set the limit (in a notification).
    pub ssrc: u32,
    /// Bits per second, saturated at `u64::MAX`.
    pub bitrate_bps: u64,
    /// Overhead per packet that was measured, 0 to 511 bytes.
    pub overhead_bytes: u16,
}

impl<'a> Tmmb<'a> {
    pub(super) fn read(ssrcs: FeedbackSsrcs, fci: &'a [u8]) -> Result<Self, RtcpError> {
        if !fci.len().is_multiple_of(8) {
            return Err(RtcpError::Malformed);
        }
        Ok(Self { ssrcs, entries: fci })
    }

    /// The limits; none in a notification that there is no limit.
    pub fn entries(&self) -> impl Iterator<Item = TmmbEntry> + use<'a> {
        let mut reader = Reader::new(self.entries);
        core::iter::from_fn(move || {
            let (ssrc, packed) = (reader.u32().ok()?, reader.u32().ok()?);
            let mantissa = u64::from(packed >> 9 & 0x1_ffff);
            let exponent = packed >> 26;
            let fits = exponent <= mantissa.leading_zeros();
            let bitrate_bps = if fits { mantissa << exponent.min(63) } else { u64::MAX };
            Some(TmmbEntry { ssrc, bitrate_bps, overhead_bytes: u16::try_from(packed & 0x1ff).ok()? })
        })
    }
}

/// Writes a request, or with `notification` a notification; bitrates are rounded down to 17 significant bits.
pub fn write_tmmb<W: Writer + ?Sized>(
    out: &mut W,
    sender: u32,
    entries: &[TmmbEntry],
    notification: bool,
) -> Result<(), NoSpace> {
    let format = if notification { 4 } else { 3 };
    let ssrcs = FeedbackSsrcs { sender, media: 0 };
    write_feedback(out, format, packet_type::TRANSPORT_FEEDBACK, ssrcs, entries.len() * 8)?;
    entries.iter().try_for_each(|entry| {
        let significant = u64::BITS - entry.bitrate_bps.leading_zeros();
        let exponent = significant.saturating_sub(MANTISSA_BITS);
        let mantissa = u32::try_from(entry.bitrate_bps >> exponent).unwrap_or(0x1_ffff);
        out.put_u32(entry.ssrc)?;
        out.put_u32(exponent << 26 | mantissa << 9 | u32::from(entry.overhead_bytes & 0x1ff))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtcp::{Compound, RtcpPacket};
    use alloc::vec::Vec;

    #[test]
    fn limits_survive_the_wire() {
        let entries = [
            TmmbEntry { ssrc: 1, bitrate_bps: 1_000_000, overhead_bytes: 40 },
            TmmbEntry { ssrc: 2, bitrate_bps: 0, overhead_bytes: 511 },
        ];
        let mut out = Vec::new();
        write_tmmb(&mut out, 9, &entries, false).unwrap();
        write_tmmb(&mut out, 9, &[], true).unwrap();
        let packets: Vec<_> = Compound::parse(&out).unwrap().flatten().collect();
        let [RtcpPacket::Tmmbr(request), RtcpPacket::Tmmbn(notification)] = &packets[..] else { panic!() };
        assert_eq!(request.entries().collect::<Vec<_>>(), entries);
        assert_eq!(notification.entries().count(), 0);
    }
}
