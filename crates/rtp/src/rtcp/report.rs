//! Sender and receiver reports (RFC 3550, section 6.4).
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |V=2|P|   RC    |  PT=200/201   |            length             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                        SSRC of sender                         |
//! +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
//! |              NTP timestamp (64 bits)          (SR only)       |
//! |                         RTP timestamp                         |
//! |                     sender's packet count                     |
//! |                      sender's octet count                     |
//! +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
//! |                   SSRC of the stream reported on              |
//! | fraction lost |       cumulative number of packets lost       |
//! |           extended highest sequence number received           |
//! |                      interarrival jitter                      |
//! |                         last SR (LSR)                         |
//! |                   delay since last SR (DLSR)                  |
//! +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
//! ```

use super::{RtcpError, packet_type, write_header};
use crate::ntp::{CompactNtp, NtpTime};
use sendrecv_core::{NoSpace, Reader, Writer};

/// Most blocks one report can carry.
pub const MAX_BLOCKS: usize = 31;
const BLOCK_LEN: usize = 24;

/// What a receiver says about one stream it receives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportBlock {
    /// The stream.
    pub ssrc: u32,
    /// Packets lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Packets lost since the beginning; negative with duplicates. 24 bits signed, clamped when written.
    pub cumulative_lost: i32,
    /// The highest sequence number received, with the count of wraps above it.
    pub extended_highest_sequence: u32,
    /// Interarrival jitter in timestamp units.
    pub jitter: u32,
    /// The middle bits of the last sender report's NTP time; 0 when none was received.
    pub last_sender_report: CompactNtp,
    /// The time from receiving that report to sending this one.
    pub delay_since_last: CompactNtp,
}

impl ReportBlock {
    fn read(bytes: &[u8; BLOCK_LEN]) -> Result<Self, RtcpError> {
        let mut reader = Reader::new(bytes);
        let ssrc = reader.u32()?;
        let fraction_lost = reader.u8()?;
        let [a, b, c] = reader.array()?;
        Ok(Self {
            ssrc,
            fraction_lost,
            cumulative_lost: i32::from_be_bytes([a, b, c, 0]) >> 8,
            extended_highest_sequence: reader.u32()?,
            jitter: reader.u32()?,
            last_sender_report: CompactNtp(reader.u32()?),
            delay_since_last: CompactNtp(reader.u32()?),
        })
    }

    fn write<W: Writer + ?Sized>(&self, out: &mut W) -> Result<(), NoSpace> {
        out.put_u32(self.ssrc)?;
        out.put_u8(self.fraction_lost)?;
        out.put_u24(self.cumulative_lost.clamp(-0x80_0000, 0x7f_ffff).cast_unsigned())?;
        out.put_u32(self.extended_highest_sequence)?;
        out.put_u32(self.jitter)?;
        out.put_u32(self.last_sender_report.0)?;
        out.put_u32(self.delay_since_last.0)
    }
}

/// What a sender says about its own stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SenderInfo {
    /// Wall-clock time of the report.
    pub ntp_time: NtpTime,
    /// The same moment in the stream's timestamps.
    pub rtp_timestamp: u32,
    /// Packets sent, wrapping.
    pub packet_count: u32,
    /// Payload bytes sent, wrapping.
    pub octet_count: u32,
}

/// A received sender report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderReport<'a> {
    /// The sender.
    pub ssrc: u32,
    /// About its own stream.
    pub info: SenderInfo,
    blocks: &'a [u8],
}

impl<'a> SenderReport<'a> {
    pub(super) fn read(count: u8, body: &'a [u8]) -> Result<Self, RtcpError> {
        let mut reader = Reader::new(body);
        let ssrc = reader.u32()?;
        let info = SenderInfo {
            ntp_time: NtpTime(reader.u64()?),
            rtp_timestamp: reader.u32()?,
            packet_count: reader.u32()?,
            octet_count: reader.u32()?,
        };
        Ok(Self { ssrc, info, blocks: reader.take(usize::from(count) * BLOCK_LEN)? })
    }

    /// About the streams it receives, at most 31.
    pub fn blocks(&self) -> impl Iterator<Item = ReportBlock> + 'a {
        read_blocks(self.blocks)
    }
}

/// A received receiver report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiverReport<'a> {
    /// Who reports.
    pub ssrc: u32,
    blocks: &'a [u8],
}

impl<'a> ReceiverReport<'a> {
    pub(super) fn read(count: u8, body: &'a [u8]) -> Result<Self, RtcpError> {
        let mut reader = Reader::new(body);
        Ok(Self { ssrc: reader.u32()?, blocks: reader.take(usize::from(count) * BLOCK_LEN)? })
    }

    /// About the streams it receives, at most 31.
    pub fn blocks(&self) -> impl Iterator<Item = ReportBlock> + 'a {
        read_blocks(self.blocks)
    }
}

fn read_blocks(bytes: &[u8]) -> impl Iterator<Item = ReportBlock> + '_ {
    let (blocks, _) = bytes.as_chunks::<BLOCK_LEN>();
    blocks.iter().filter_map(|block| ReportBlock::read(block).ok())
}

/// Writes a sender report with the first [`MAX_BLOCKS`] of `blocks`.
pub fn write_sender_report<W: Writer + ?Sized>(
    out: &mut W,
    ssrc: u32,
    info: &SenderInfo,
    blocks: &[ReportBlock],
) -> Result<(), NoSpace> {
    let (count, blocks) = clamp(blocks);
    write_header(out, count, packet_type::SENDER_REPORT, 24 + blocks.len() * BLOCK_LEN)?;
    out.put_u32(ssrc)?;
    out.put_u64(info.ntp_time.0)?;
    out.put_u32(info.rtp_timestamp)?;
    out.put_u32(info.packet_count)?;
    out.put_u32(info.octet_count)?;
    blocks.iter().try_for_each(|block| block.write(out))
}

/// Writes a receiver report with the first [`MAX_BLOCKS`] of `blocks`.
pub fn write_receiver_report<W: Writer + ?Sized>(
    out: &mut W,
    ssrc: u32,
    blocks: &[ReportBlock],
) -> Result<(), NoSpace> {
    let (count, blocks) = clamp(blocks);
    write_header(out, count, packet_type::RECEIVER_REPORT, 4 + blocks.len() * BLOCK_LEN)?;
    out.put_u32(ssrc)?;
    blocks.iter().try_for_each(|block| block.write(out))
}

fn clamp(blocks: &[ReportBlock]) -> (u8, &[ReportBlock]) {
    let blocks = blocks.get(..MAX_BLOCKS).unwrap_or(blocks);
    (u8::try_from(blocks.len()).unwrap_or(0), blocks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtcp::{Compound, RtcpPacket};
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn block() -> impl Strategy<Value = ReportBlock> {
        (any::<u32>(), any::<u8>(), -0x80_0000i32..0x80_0000, any::<[u32; 4]>()).prop_map(
            |(ssrc, fraction_lost, cumulative_lost, [highest, jitter, lsr, dlsr])| ReportBlock {
                ssrc,
                fraction_lost,
                cumulative_lost,
                extended_highest_sequence: highest,
                jitter,
                last_sender_report: CompactNtp(lsr),
                delay_since_last: CompactNtp(dlsr),
            },
        )
    }

    proptest! {
        #[test]
        fn reports_survive_the_wire(ssrc: u32, ntp: u64, rest: [u32; 3], blocks in prop::collection::vec(block(), 0..=31)) {
            let [rtp_timestamp, packet_count, octet_count] = rest;
            let info = SenderInfo { ntp_time: NtpTime(ntp), rtp_timestamp, packet_count, octet_count };
            let mut out = Vec::new();
            write_sender_report(&mut out, ssrc, &info, &blocks).unwrap();
            write_receiver_report(&mut out, ssrc, &blocks).unwrap();
            let packets: Vec<_> = Compound::parse(&out).unwrap().map(Result::unwrap).collect();
            let [RtcpPacket::SenderReport(sr), RtcpPacket::ReceiverReport(rr)] = &packets[..] else { panic!() };
            prop_assert_eq!((sr.ssrc, sr.info, rr.ssrc), (ssrc, info, ssrc));
            prop_assert_eq!(sr.blocks().collect::<Vec<_>>(), blocks.clone());
            prop_assert_eq!(rr.blocks().collect::<Vec<_>>(), blocks);
        }
    }

    #[test]
    fn more_than_31_blocks_are_cut() {
        let mut out = Vec::new();
        write_receiver_report(&mut out, 1, &[ReportBlock::default(); 40]).unwrap();
        assert_eq!(out.len(), 8 + 31 * 24);
        assert!(Compound::parse(&out).unwrap().all(|packet| packet.is_ok()));
    }

    #[test]
    fn a_loss_beyond_24_bits_is_clamped() {
        let mut out = Vec::new();
        let block = ReportBlock { cumulative_lost: i32::MAX, ..ReportBlock::default() };
        write_receiver_report(&mut out, 1, &[block]).unwrap();
        let Some(Ok(RtcpPacket::ReceiverReport(report))) = Compound::parse(&out).unwrap().next() else {
            panic!()
        };
        assert_eq!(report.blocks().next().unwrap().cumulative_lost, 0x7f_ffff);
    }
}
