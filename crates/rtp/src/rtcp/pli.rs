//! Picture loss indication (RFC 4585, section 6.3.1): two SSRCs, nothing else.

use super::{FeedbackSsrcs, packet_type, write_feedback};
use sendrecv_core::{NoSpace, Writer};

/// A picture was lost; a keyframe would help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pli {
    /// Who asks, and of which stream.
    pub ssrcs: FeedbackSsrcs,
}

impl Pli {
    /// Writes the packet.
    pub fn write<W: Writer + ?Sized>(&self, out: &mut W) -> Result<(), NoSpace> {
        write_feedback(out, 1, packet_type::PAYLOAD_FEEDBACK, self.ssrcs, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtcp::{Compound, RtcpPacket};
    use alloc::vec::Vec;

    #[test]
    fn a_picture_loss_indication_survives_the_wire() {
        let pli = Pli { ssrcs: FeedbackSsrcs { sender: 1, media: 2 } };
        let mut out = Vec::new();
        pli.write(&mut out).unwrap();
        assert_eq!(out, [0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]);
        let Some(Ok(RtcpPacket::Pli(read))) = Compound::parse(&out).unwrap().next() else { panic!() };
        assert_eq!(read, pli);
    }
}
