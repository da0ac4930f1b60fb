//! Generic NACK (RFC 4585, section 6.2.1).
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |            PID                |             BLP               |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use super::{FeedbackSsrcs, RtcpError, packet_type, write_feedback};
use alloc::vec::Vec;
use sendrecv_core::{NoSpace, Serial16, Writer};

/// Packets of one stream that are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nack<'a> {
    /// Who misses them, and of which stream.
    pub ssrcs: FeedbackSsrcs,
    pairs: &'a [u8],
}

/// One missing packet and which of the 16 behind it are missing too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NackPair {
    /// The packet's sequence number.
    pub packet_id: u16,
    /// Bit i, from the lowest: packet `packet_id + 1 + i` is missing.
    pub following: u16,
}

impl NackPair {
    /// The missing sequence numbers, 1 to 17 of them.
    pub fn sequence_numbers(self) -> impl Iterator<Item = u16> {
        let first = self.packet_id;
        let rest = (0..16u16).filter(move |bit| self.following >> bit & 1 != 0);
        core::iter::once(first).chain(rest.map(move |bit| first.wrapping_add(1).wrapping_add(bit)))
    }
}

impl<'a> Nack<'a> {
    pub(super) fn read(ssrcs: FeedbackSsrcs, fci: &'a [u8]) -> Result<Self, RtcpError> {
        if fci.is_empty() {
            return Err(RtcpError::Malformed);
        }
        Ok(Self { ssrcs, pairs: fci })
    }

    /// The pairs as they are on the wire.
    pub fn pairs(&self) -> impl Iterator<Item = NackPair> + use<'a> {
        let (chunks, _) = self.pairs.as_chunks::<4>();
        chunks.iter().map(|[a, b, c, d]| NackPair {
            packet_id: u16::from_be_bytes([*a, *b]),
            following: u16::from_be_bytes([*c, *d]),
        })
    }

    /// All missing sequence numbers.
    pub fn sequence_numbers(&self) -> impl Iterator<Item = u16> + use<'a> {
        self.pairs().flat_map(NackPair::sequence_numbers)
    }
}

/// Packs ascending sequence numbers into as few pairs as possible, appended to `pairs`.
pub fn pack_nacks(missing: impl IntoIterator<Item = u16>, pairs: &mut Vec<NackPair>) {
    let mut open: Option<NackPair> = None;
    for number in missing {
        if let Some(pair) = &mut open {
            let ahead = Serial16(number).distance(Serial16(pair.packet_id));
            if (1..=16).contains(&ahead) {
                pair.following |= 1 << (ahead - 1);
                continue;
            }
            pairs.push(*pair);
        }
        open = Some(NackPair { packet_id: number, following: 0 });
    }
    pairs.extend(open);
}

/// Says that the packets of `pairs` are missing.
pub fn write_nack<W: Writer + ?Sized>(
    out: &mut W,
    ssrcs: FeedbackSsrcs,
    pairs: &[NackPair],
) -> Result<(), NoSpace> {
    write_feedback(out, 1, packet_type::TRANSPORT_FEEDBACK, ssrcs, pairs.len() * 4)?;
    pairs.iter().try_for_each(|pair| {
        out.put_u16(pair.packet_id)?;
        out.put_u16(pair.following)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtcp::{Compound, RtcpPacket};
    use proptest::prelude::*;

    #[test]
    fn sixteen_followers_fit_one_pair_across_the_wrap() {
        let missing: Vec<u16> = (0..17).map(|i| 0xfff8u16.wrapping_add(i)).collect();
        let mut pairs = Vec::new();
        pack_nacks(missing.iter().copied(), &mut pairs);
        assert_eq!(pairs, [NackPair { packet_id: 0xfff8, following: 0xffff }]);
        assert_eq!(pairs[0].sequence_numbers().collect::<Vec<_>>(), missing);
    }

    proptest! {
        #[test]
        fn missing_numbers_survive_the_wire(first: u16, steps in prop::collection::vec(1u16..40, 1..60)) {
            let missing: Vec<u16> = steps.iter().scan(first, |at, step| {
                *at = at.wrapping_add(*step);
                Some(*at)
            }).collect();
            let mut pairs = Vec::new();
            pack_nacks(missing.iter().copied(), &mut pairs);
            let ssrcs = FeedbackSsrcs { sender: 1, media: 2 };
            let mut out = Vec::new();
            write_nack(&mut out, ssrcs, &pairs).unwrap();
            let Some(Ok(RtcpPacket::Nack(nack))) = Compound::parse(&out).unwrap().next() else { panic!() };
            prop_assert_eq!(nack.ssrcs, ssrcs);
            prop_assert_eq!(nack.sequence_numbers().collect::<Vec<_>>(), missing);
        }
    }
}
