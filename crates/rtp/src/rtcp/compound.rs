//! The packets of one RTCP datagram.

use super::{
    App, Bye, Ccfb, FeedbackSsrcs, Fir, Nack, Pli, ReceiverReport, Remb, Sdes, SenderReport, Tmmb, Twcc, Xr,
    packet_type,
};
use sendrecv_core::{Reader, Truncated};
use thiserror::Error;

/// Why bytes are not RTCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RtcpError {
    /// A packet's length reaches beyond the datagram, or its contents beyond the packet.
    #[error("a packet is shorter than it claims")]
    Truncated,
    /// The version is not 2.
    #[error("the RTCP version is not 2")]
    Version,
    /// The padding's length is zero or larger than the packet.
    #[error("the padding length is impossible")]
    Padding,
    /// A field has a value that its format does not allow.
    #[error("a field has an impossible value")]
    Malformed,
}

impl From<Truncated> for RtcpError {
    fn from(Truncated: Truncated) -> Self {
        Self::Truncated
    }
}

/// One packet of a compound, typed.
#[derive(Clone, Debug)]
pub enum RtcpPacket<'a> {
    /// What a sender has sent, and what it received (RFC 3550, section 6.4.1).
    SenderReport(SenderReport<'a>),
    /// What a receiver received (RFC 3550, section 6.4.2).
    ReceiverReport(ReceiverReport<'a>),
    /// Source descriptions (RFC 3550, section 6.5).
    Sdes(Sdes<'a>),
    /// Sources leave (RFC 3550, section 6.6).
    Bye(Bye<'a>),
    /// Application-defined (RFC 3550, section 6.7).
    App(App<'a>),
    /// Packets are missing (RFC 4585, section 6.2.1).
    Nack(Nack<'a>),
    /// Arrival times of all packets of the transport.
    Twcc(Twcc<'a>),
    /// Arrival times and ECN marks per stream (RFC 8888).
    Ccfb(Ccfb<'a>),
    /// A bitrate is not to be exceeded, asked (RFC 5104, section 4.2.1).
    Tmmbr(Tmmb<'a>),
    /// A bitrate is not to be exceeded, confirmed (RFC 5104, section 4.2.2).
    Tmmbn(Tmmb<'a>),
    /// A picture was lost, a keyframe would help (RFC 4585, section 6.3.1).
    Pli(Pli),
    /// A keyframe is needed (RFC 5104, section 4.3.1).
    Fir(Fir<'a>),
    /// The receiver's estimate of the bitrate available.
    Remb(Remb<'a>),
    /// Extended reports (RFC 3611).
    Xr(Xr<'a>),
    /// Anything else.
    Unknown(Unknown<'a>),
}

/// A packet of a type or format this crate does not interpret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown<'a> {
    /// The packet type.
    pub packet_type: u8,
    /// The five bits beside the version: a count or the feedback format.
    pub count: u8,
    /// What follows the first word, without padding.
    pub body: &'a [u8],
}

/// All packets of one datagram: an iterator over [`RtcpPacket`]s. A packet whose contents do not fit its frame comes as
/// an error; the packets behind it still follow.
#[derive(Clone, Debug)]
pub struct Compound<'a> {
    reader: Reader<'a>,
}

impl<'a> Compound<'a> {
    /// Checks version, length and padding of every packet in `bytes`. Neither a report at the start nor a CNAME is
    /// demanded, because reduced-size RTCP has neither (RFC 5506).
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RtcpError> {
        let mut reader = Reader::new(bytes);
        if reader.is_empty() {
            return Err(RtcpError::Truncated);
        }
        while !reader.is_empty() {
            frame(&mut reader)?;
        }
        Ok(Self { reader: Reader::new(bytes) })
    }
}

impl<'a> Iterator for Compound<'a> {
    type Item = Result<RtcpPacket<'a>, RtcpError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.reader.is_empty() {
            return None;
        }
        let unknown = frame(&mut self.reader).ok()?;
        Some(interpret(unknown))
    }
}

/// Takes one packet and removes its padding.
fn frame<'a>(reader: &mut Reader<'a>) -> Result<Unknown<'a>, RtcpError> {
    let [flags, packet_type] = reader.array()?;
    let words = reader.u16()?;
    if flags >> 6 != 2 {
        return Err(RtcpError::Version);
    }
    let body = reader.take(usize::from(words) * 4)?;
    let body = if flags & 0x20 == 0 { body } else { without_padding(body)? };
    Ok(Unknown { packet_type, count: flags & 0x1f, body })
}

/// RFC 3550 pads by whole words; libwebrtc also by the one to three bytes that fill up transport-wide feedback.
fn without_padding(body: &[u8]) -> Result<&[u8], RtcpError> {
    let len = body.last().copied().filter(|len| *len != 0).ok_or(RtcpError::Padding)?;
    let kept = body.len().checked_sub(usize::from(len)).ok_or(RtcpError::Padding)?;
    body.get(..kept).ok_or(RtcpError::Padding)
}

fn interpret(packet: Unknown<'_>) -> Result<RtcpPacket<'_>, RtcpError> {
    let Unknown { packet_type, count, body } = packet;
    Ok(match packet_type {
        packet_type::SENDER_REPORT => RtcpPacket::SenderReport(SenderReport::read(count, body)?),
        packet_type::RECEIVER_REPORT => RtcpPacket::ReceiverReport(ReceiverReport::read(count, body)?),
        packet_type::SDES => RtcpPacket::Sdes(Sdes::read(count, body)?),
        packet_type::BYE => RtcpPacket::Bye(Bye::read(count, body)?),
        packet_type::APP => RtcpPacket::App(App::read(count, body)?),
        packet_type::TRANSPORT_FEEDBACK => interpret_transport_feedback(packet)?,
        packet_type::PAYLOAD_FEEDBACK => interpret_payload_feedback(packet)?,
        packet_type::EXTENDED_REPORT => RtcpPacket::Xr(Xr::read(body)?),
        _ => RtcpPacket::Unknown(packet),
    })
}

fn interpret_transport_feedback(packet: Unknown<'_>) -> Result<RtcpPacket<'_>, RtcpError> {
    let mut reader = Reader::new(packet.body);
    Ok(match packet.count {
        1 => RtcpPacket::Nack(Nack::read(read_ssrcs(&mut reader)?, reader.rest())?),
        3 => RtcpPacket::Tmmbr(Tmmb::read(read_ssrcs(&mut reader)?, reader.rest())?),
        4 => RtcpPacket::Tmmbn(Tmmb::read(read_ssrcs(&mut reader)?, reader.rest())?),
        11 => RtcpPacket::Ccfb(Ccfb::read(packet.body)?),
        15 => RtcpPacket::Twcc(Twcc::read(read_ssrcs(&mut reader)?, reader.rest())?),
        _ => RtcpPacket::Unknown(packet),
    })
}

fn interpret_payload_feedback(packet: Unknown<'_>) -> Result<RtcpPacket<'_>, RtcpError> {
    let mut reader = Reader::new(packet.body);
    Ok(match packet.count {
        1 => RtcpPacket::Pli(Pli { ssrcs: read_ssrcs(&mut reader)? }),
        4 => RtcpPacket::Fir(Fir::read(read_ssrcs(&mut reader)?, reader.rest())?),
        15 => match Remb::read(read_ssrcs(&mut reader)?, reader.rest())? {
            Some(remb) => RtcpPacket::Remb(remb),
            None => RtcpPacket::Unknown(packet),
        },
        _ => RtcpPacket::Unknown(packet),
    })
}

fn read_ssrcs(reader: &mut Reader<'_>) -> Result<FeedbackSsrcs, RtcpError> {
    Ok(FeedbackSsrcs { sender: reader.u32()?, media: reader.u32()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    const EMPTY_REPORT: [u8; 8] = [0x80, 201, 0, 1, 0, 0, 0, 9];

    #[test]
    fn one_bad_length_refuses_the_whole_datagram() {
        let bytes = [&EMPTY_REPORT[..], &[0x80, 202, 0, 9, 1, 2, 3, 4]].concat();
        assert_eq!(Compound::parse(&bytes).unwrap_err(), RtcpError::Truncated);
        assert_eq!(Compound::parse(&[]).unwrap_err(), RtcpError::Truncated);
    }

    #[test]
    fn contents_that_do_not_fit_spare_the_packets_behind() {
        let bytes = [&[0x81, 201, 0, 1, 0, 0, 0, 9][..], &EMPTY_REPORT].concat();
        let packets: Vec<_> = Compound::parse(&bytes).unwrap().collect();
        assert!(matches!(packets[..], [Err(RtcpError::Truncated), Ok(RtcpPacket::ReceiverReport(_))]));
    }

    #[test]
    fn padding_is_removed_and_checked() {
        let padded = [0xa0, 204, 0, 3, 0, 0, 0, 1, b'n', b'a', b'm', b'e', 0, 0, 0, 4];
        let Some(Ok(RtcpPacket::App(app))) = Compound::parse(&padded).unwrap().next() else { panic!() };
        assert!(app.data.is_empty());
        for bad in [0, 13, 255] {
            let mut bytes = padded;
            bytes[15] = bad;
            assert_eq!(Compound::parse(&bytes).unwrap_err(), RtcpError::Padding);
        }
    }

    #[test]
    fn feedback_may_be_filled_up_by_less_than_a_word() {
        // As Firefox sent it: seven arrivals, and three bytes of padding.
        let bytes = hex::decode("afcd00071f6ceb3fd48e06d078cc0007001063002007f0000000061d24000003").unwrap();
        let Some(Ok(RtcpPacket::Twcc(feedback))) = Compound::parse(&bytes).unwrap().next() else { panic!() };
        let numbers: Vec<_> = feedback.packets().map(|(number, _)| number).collect();
        assert_eq!(numbers, (0x78cc..=0x78d2).collect::<Vec<u16>>());
        assert!(feedback.packets().all(|(_, arrival)| arrival.is_some()));
    }

    #[test]
    fn unknown_types_and_formats_are_kept() {
        let bytes = [0x9e, 206, 0, 1, 0, 0, 0, 1, 0x80, 210, 0, 0];
        let packets: Vec<_> = Compound::parse(&bytes).unwrap().filter_map(Result::ok).collect();
        let [RtcpPacket::Unknown(feedback), RtcpPacket::Unknown(other)] = &packets[..] else { panic!() };
        assert_eq!((feedback.packet_type, feedback.count, feedback.body.len()), (206, 30, 4));
        assert_eq!((other.packet_type, other.body), (210, &[][..]));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(
            kind in 198u8..210,
            count in 0u8..32,
            body in prop::collection::vec(any::<u8>(), 0..30),
            padding in 0u8..9,
        ) {
            let words = u16::try_from(body.len()).unwrap();
            let padded = if padding == 0 { 0 } else { 0x20 };
            let mut bytes = [&[0x80 | padded | count, kind][..], &words.to_be_bytes()].concat();
            bytes.extend(body.iter().flat_map(|byte| [*byte, byte.wrapping_mul(31), 0, padding]));
            for packet in Compound::parse(&bytes).into_iter().flatten().flatten() {
                crate::rtcp::tests::walk(&packet);
            }
        }
    }
}
