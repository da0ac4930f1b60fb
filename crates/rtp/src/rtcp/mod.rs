//! RTCP packets, compound and reduced-size (RFC 3550, section 6; RFC 4585; RFC 5506).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |V=2|P|count/FMT|  packet type  |      length in words - 1      |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                       body, usually an SSRC first ...         |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! [`Compound::parse`] checks the frame of every packet in a datagram; iterating it gives typed views. Each view has a
//! `write` or a writing function beside it, so that what is parsed can be written again.

mod app;
mod bye;
mod ccfb;
mod compound;
mod fir;
mod nack;
mod pli;
mod remb;
mod report;
mod sdes;
mod tmmb;
pub mod twcc;
mod xr;

pub use app::App;
pub use bye::{Bye, write_bye};
pub use ccfb::{Ccfb, CcfbReport, CcfbStatus, write_ccfb};
pub use compound::{Compound, RtcpError, RtcpPacket, Unknown};
pub use fir::{Fir, FirEntry, write_fir};
pub use nack::{Nack, NackPair, pack_nacks, write_nack};
pub use pli::Pli;
pub use remb::{Remb, write_remb};
pub use report::{
    MAX_BLOCKS, ReceiverReport, ReportBlock, SenderInfo, SenderReport, write_receiver_report,
    write_sender_report,
};
pub use sdes::{Sdes, SdesChunk, SdesItem, write_cname};
pub use tmmb::{Tmmb, TmmbEntry, write_tmmb};
pub use twcc::Twcc;
pub use xr::{DlrrBlock, Xr, XrBlock, write_dlrr, write_rrtr};

use sendrecv_core::{NoSpace, Writer};

/// Packet types (IANA "RTCP Control Packet Types").
pub(crate) mod packet_type {
    pub(crate) const SENDER_REPORT: u8 = 200;
    pub(crate) const RECEIVER_REPORT: u8 = 201;
    pub(crate) const SDES: u8 = 202;
    pub(crate) const BYE: u8 = 203;
    pub(crate) const APP: u8 = 204;
    pub(crate) const TRANSPORT_FEEDBACK: u8 = 205;
    pub(crate) const PAYLOAD_FEEDBACK: u8 = 206;
    pub(crate) const EXTENDED_REPORT: u8 = 207;
}

/// Writes the four bytes every packet starts with. `body_len` is the number of bytes behind them, a multiple of four.
pub(crate) fn write_header<W: Writer + ?Sized>(
    out: &mut W,
    count: u8,
    packet_type: u8,
    body_len: usize,
) -> Result<(), NoSpace> {
    debug_assert!(body_len.is_multiple_of(4), "RTCP bodies are whole words");
    let words = u16::try_from(body_len / 4).map_err(|_| NoSpace)?;
    out.put(&[0x80 | count & 0x1f, packet_type])?;
    out.put_u16(words)
}

/// Writes the header and the two SSRCs of a feedback packet (RFC 4585, section 6.1). `fci_len` is the number of bytes
/// behind them.
pub(crate) fn write_feedback<W: Writer + ?Sized>(
    out: &mut W,
    format: u8,
    packet_type: u8,
    ssrcs: FeedbackSsrcs,
    fci_len: usize,
) -> Result<(), NoSpace> {
    write_header(out, format, packet_type, 8 + fci_len)?;
    out.put_u32(ssrcs.sender)?;
    out.put_u32(ssrcs.media)
}

/// The two SSRCs every feedback packet starts with (RFC 4585, section 6.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedbackSsrcs {
    /// Who sends the feedback.
    pub sender: u32,
    /// Which stream it is about; 0 where the formats name streams inside.
    pub media: u32,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Reads everything lazy in a packet; the count keeps the optimiser honest.
    pub(crate) fn walk(packet: &RtcpPacket<'_>) -> usize {
        match packet {
            RtcpPacket::SenderReport(report) => report.blocks().count(),
            RtcpPacket::ReceiverReport(report) => report.blocks().count(),
            RtcpPacket::Sdes(sdes) => sdes.chunks().map(|chunk| chunk.items().count()).sum(),
            RtcpPacket::Bye(bye) => bye.ssrcs().count(),
            RtcpPacket::Nack(nack) => nack.sequence_numbers().count(),
            RtcpPacket::Twcc(twcc) => twcc.packets().count(),
            RtcpPacket::Ccfb(ccfb) => ccfb.reports().map(|report| report.packets().count()).sum(),
            RtcpPacket::Tmmbr(tmmb) | RtcpPacket::Tmmbn(tmmb) => tmmb.entries().count(),
            RtcpPacket::Fir(fir) => fir.entries().count(),
            RtcpPacket::Remb(remb) => remb.ssrcs().count(),
            RtcpPacket::Xr(xr) => xr.blocks().count(),
            RtcpPacket::App(_) | RtcpPacket::Pli(_) | RtcpPacket::Unknown(_) => 0,
        }
    }
}
