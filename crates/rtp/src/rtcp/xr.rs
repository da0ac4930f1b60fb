//! Extended reports (RFC 3611); of the blocks, receiver reference time and DLRR (sections 4.4 and 4.5) are typed.
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |V=2|P|reserved |   PT=XR=207   |             length            |
//! |                              SSRC                             |
//! |     BT        | type-specific |         block length          |
//! |             type-specific block contents                      |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use super::{RtcpError, packet_type, write_header};
use crate::ntp::{CompactNtp, NtpTime};
use sendrecv_core::{NoSpace, Reader, Writer};

const RRTR: u8 = 4;
const DLRR: u8 = 5;

/// An extended report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Xr<'a> {
    /// Who reports.
    pub ssrc: u32,
    blocks: &'a [u8],
}

/// One block of an extended report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XrBlock<'a> {
    /// A receiver's clock, to be answered with a [`DlrrBlock`].
    ReceiverReferenceTime(NtpTime),
    /// One of the answers in a DLRR block.
    Dlrr(DlrrBlock),
    /// Another block type.
    Unknown {
        /// The block type.
        block_type: u8,
        /// The type-specific byte.
        specific: u8,
        /// The contents.
        data: &'a [u8],
    },
}

/// The answer to a receiver reference time, from which the receiver computes its round-trip time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DlrrBlock {
    /// The receiver that is answered.
    pub ssrc: u32,
    /// The middle bits of its reference time.
    pub last_receiver_report: CompactNtp,
    /// The time from receiving that to sending this.
    pub delay_since_last: CompactNtp,
}

impl<'a> Xr<'a> {
    pub(super) fn read(body: &'a [u8]) -> Result<Self, RtcpError> {
        let mut reader = Reader::new(body);
        let ssrc = reader.u32()?;
        let blocks = reader.peek();
        while !reader.is_empty() {
            read_block(&mut reader)?;
        }
        Ok(Self { ssrc, blocks })
    }

    /// The blocks; a DLRR block comes as one item per receiver in it.
    pub fn blocks(&self) -> impl Iterator<Item = XrBlock<'a>> + use<'a> {
        let mut reader = Reader::new(self.blocks);
        let mut dlrr = Reader::new(&[]);
        core::iter::from_fn(move || {
            loop {
                if let Some(block) = read_dlrr(&mut dlrr) {
                    return Some(XrBlock::Dlrr(block));
                }
                let (block_type, specific, data) = read_block(&mut reader).ok()?;
                match (block_type, data.first_chunk::<8>()) {
                    (DLRR, _) => dlrr = Reader::new(data),
                    (RRTR, Some(time)) => {
                        return Some(XrBlock::ReceiverReferenceTime(NtpTime(u64::from_be_bytes(*time))));
                    }
                    _ => return Some(XrBlock::Unknown { block_type, specific, data }),
                }
            }
        })
    }
}

fn read_block<'a>(reader: &mut Reader<'a>) -> Result<(u8, u8, &'a [u8]), RtcpError> {
    let [block_type, specific] = reader.array()?;
    let words = reader.u16()?;
    Ok((block_type, specific, reader.take(usize::from(words) * 4)?))
}

fn read_dlrr(reader: &mut Reader<'_>) -> Option<DlrrBlock> {
    Some(DlrrBlock {
        ssrc: reader.u32().ok()?,
        last_receiver_report: CompactNtp(reader.u32().ok()?),
        delay_since_last: CompactNtp(reader.u32().ok()?),
    })
}

/// Writes an extended report with a receiver reference time block.
pub fn write_rrtr<W: Writer + ?Sized>(out: &mut W, ssrc: u32, time: NtpTime) -> Result<(), NoSpace> {
    write_header(out, 0, packet_type::EXTENDED_REPORT, 16)?;
    out.put_u32(ssrc)?;
    out.put(&[RRTR, 0, 0, 2])?;
    out.put_u64(time.0)
}

/// Writes an extended report with a DLRR block that answers all `receivers`.
pub fn write_dlrr<W: Writer + ?Sized>(
    out: &mut W,
    ssrc: u32,
    receivers: &[DlrrBlock],
) -> Result<(), NoSpace> {
    write_header(out, 0, packet_type::EXTENDED_REPORT, 8 + receivers.len() * 12)?;
    out.put_u32(ssrc)?;
    out.put(&[DLRR, 0])?;
    out.put_u16(u16::try_from(receivers.len() * 3).map_err(|_| NoSpace)?)?;
    receivers.iter().try_for_each(|receiver| {
        out.put_u32(receiver.ssrc)?;
        out.put_u32(receiver.last_receiver_report.0)?;
        out.put_u32(receiver.delay_since_last.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtcp::{Compound, RtcpPacket};
    use alloc::vec::Vec;

    #[test]
    fn reference_time_and_its_answer_survive_the_wire() {
        let answers = [1, 2].map(|ssrc| DlrrBlock {
            ssrc,
            last_receiver_report: CompactNtp(5),
            delay_since_last: CompactNtp(6),
        });
        let mut out = Vec::new();
        write_rrtr(&mut out, 9, NtpTime(77)).unwrap();
        write_dlrr(&mut out, 9, &answers).unwrap();
        let blocks: Vec<_> = Compound::parse(&out)
            .unwrap()
            .flat_map(|packet| match packet {
                Ok(RtcpPacket::Xr(xr)) => xr.blocks().collect::<Vec<_>>(),
                other => panic!("{other:?}"),
            })
            .collect();
        let [a, b] = answers;
        assert_eq!(blocks, [XrBlock::ReceiverReferenceTime(NtpTime(77)), XrBlock::Dlrr(a), XrBlock::Dlrr(b)]);
    }

    #[test]
    fn a_block_longer_than_the_report_is_refused() {
        assert_eq!(Xr::read(&[0, 0, 0, 1, 4, 0, 0, 2, 0, 0, 0, 0]), Err(RtcpError::Truncated));
    }

    #[test]
    fn unknown_and_short_blocks_are_kept() {
        let body = [0, 0, 0, 1, 4, 0, 0, 1, 1, 2, 3, 4, 42, 7, 0, 0];
        let blocks: Vec<_> = Xr::read(&body).unwrap().blocks().collect();
        assert_eq!(
            blocks,
            [
                XrBlock::Unknown { block_type: 4, specific: 0, data: &[1, 2, 3, 4] },
                XrBlock::Unknown { block_type: 42, specific: 7, data: &[] },
            ]
        );
    }
}
