//! Congestion control feedback (RFC 8888, section 3.1).
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |V=2|P| FMT=11  |   PT = 205    |          length               |
//! |                 SSRC of RTCP packet sender                    |
//! |                   SSRC of nth RTP Stream                      |
//! |          begin_seq            |          num_reports          |
//! |R|ECN|  Arrival time offset    | ...                           |
//! |                        Report Timestamp                       |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use super::{RtcpError, packet_type, write_header};
use crate::ntp::CompactNtp;
use sendrecv_core::{Ecn, NoSpace, Reader, Writer};

/// Most packets that one stream's report may cover (RFC 8888, section 3.1).
const MAX_REPORTS: u16 = 16384;

/// Arrival times and ECN marks of packets, per stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ccfb<'a> {
    /// Who reports.
    pub sender: u32,
    /// When, on the reporter's clock.
    pub timestamp: CompactNtp,
    reports: &'a [u8],
}

/// About one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CcfbReport<'a> {
    /// The stream.
    pub ssrc: u32,
    /// The sequence number of the first packet reported on.
    pub begin_sequence: u16,
    statuses: &'a [u8],
}

/// How one packet fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CcfbStatus {
    /// It did not arrive, or not yet.
    Missing,
    /// It arrived.
    Received {
        /// The mark it arrived with.
        ecn: Ecn,
        /// How long before the report, in 1/1024 s; 0x1ffe is that or longer, 0x1fff is unknown.
        offset: u16,
    },
}

impl<'a> Ccfb<'a> {
    pub(super) fn read(body: &'a [u8]) -> Result<Self, RtcpError> {
        let mut reader = Reader::new(body);
        let sender = reader.u32()?;
        let reports = reader.take(reader.remaining().checked_sub(4).ok_or(RtcpError::Truncated)?)?;
        let timestamp = CompactNtp(reader.u32()?);
        let mut reader = Reader::new(reports);
        while !reader.is_empty() {
            read_report(&mut reader)?;
        }
        Ok(Self { sender, timestamp, reports })
    }

    /// The reports, one per stream.
    pub fn reports(&self) -> impl Iterator<Item = CcfbReport<'a>> + use<'a> {
        let mut reader = Reader::new(self.reports);
        core::iter::from_fn(move || read_report(&mut reader).ok())
    }
}

fn read_report<'a>(reader: &mut Reader<'a>) -> Result<CcfbReport<'a>, RtcpError> {
    let ssrc = reader.u32()?;
    let (begin_sequence, count) = (reader.u16()?, reader.u16()?);
    if count > MAX_REPORTS {
        return Err(RtcpError::Malformed);
    }
    let statuses = reader.take(usize::from(count) * 2)?;
    reader.take(usize::from(count % 2) * 2)?;
    Ok(CcfbReport { ssrc, begin_sequence, statuses })
}

impl<'a> CcfbReport<'a> {
    /// Sequence numbers and what became of the packets.
    pub fn packets(&self) -> impl Iterator<Item = (u16, CcfbStatus)> + use<'a> {
        let (chunks, _) = self.statuses.as_chunks::<2>();
        let begin = self.begin_sequence;
        (0u16..).zip(chunks).map(move |(i, bytes)| (begin.wrapping_add(i), CcfbStatus::from_bits(*bytes)))
    }
}

impl CcfbStatus {
    fn from_bits(bytes: [u8; 2]) -> Self {
        let bits = u16::from_be_bytes(bytes);
        if bits & 0x8000 == 0 {
            return Self::Missing;
        }
        let ecn = match bits >> 13 & 3 {
            0 => Ecn::NotEct,
            1 => Ecn::Ect1,
            2 => Ecn::Ect0,
            _ => Ecn::Ce,
        };
        Self::Received { ecn, offset: bits & 0x1fff }
    }

    const fn bits(self) -> u16 {
        match self {
            Self::Missing => 0,
            Self::Received { ecn, offset } => {
                let ecn = match ecn {
                    Ecn::NotEct => 0,
                    Ecn::Ect1 => 1,
                    Ecn::Ect0 => 2,
                    Ecn::Ce => 3,
                };
                0x8000 | ecn << 13 | offset & 0x1fff
            }
        }
    }
}

/// Writes feedback on streams, each given as its SSRC, first sequence number and statuses (at most 16384).
pub fn write_ccfb<W: Writer + ?Sized>(
    out: &mut W,
    sender: u32,
    reports: &[(u32, u16, &[CcfbStatus])],
    timestamp: CompactNtp,
) -> Result<(), NoSpace> {
    let body: usize = reports.iter().map(|(_, _, statuses)| 8 + statuses.len().next_multiple_of(2) * 2).sum();
    write_header(out, 11, packet_type::TRANSPORT_FEEDBACK, 8 + body)?;
    out.put_u32(sender)?;
    for (ssrc, begin_sequence, statuses) in reports {
        out.put_u32(*ssrc)?;
        out.put_u16(*begin_sequence)?;
        let count =
            u16::try_from(statuses.len()).ok().filter(|count| *count <= MAX_REPORTS).ok_or(NoSpace)?;
        out.put_u16(count)?;
        statuses.iter().try_for_each(|status| out.put_u16(status.bits()))?;
        out.put_zeros(statuses.len() % 2 * 2)?;
    }
    out.put_u32(timestamp.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtcp::{Compound, RtcpPacket};
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn status() -> impl Strategy<Value = CcfbStatus> {
        let ecn = prop::sample::select([Ecn::NotEct, Ecn::Ect0, Ecn::Ect1, Ecn::Ce].to_vec());
        prop_oneof![
            Just(CcfbStatus::Missing),
            (ecn, 0u16..0x2000).prop_map(|(ecn, offset)| CcfbStatus::Received { ecn, offset })
        ]
    }

    proptest! {
        #[test]
        fn feedback_survives_the_wire(begin: u16, a in prop::collection::vec(status(), 0..40),
                                      b in prop::collection::vec(status(), 0..40)) {
            let mut out = Vec::new();
            write_ccfb(&mut out, 1, &[(2, begin, &a), (3, 7, &b)], CompactNtp(9)).unwrap();
            let Some(Ok(RtcpPacket::Ccfb(ccfb))) = Compound::parse(&out).unwrap().next() else { panic!() };
            let read: Vec<_> = ccfb.reports().collect();
            prop_assert_eq!((ccfb.sender, ccfb.timestamp, read.len()), (1, CompactNtp(9), 2));
            for (report, statuses) in read.iter().zip([a, b]) {
                prop_assert_eq!(report.packets().map(|(_, status)| status).collect::<Vec<_>>(), statuses);
            }
        }
    }

    #[test]
    fn a_count_beyond_the_packet_is_refused() {
        let body = [0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 9, 0x80, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(Ccfb::read(&body), Err(RtcpError::Truncated));
    }
}
