//! Feedback to be sent.

use super::{Chunk, Symbol, TICKS_PER_REFERENCE};
use crate::rtcp::{FeedbackSsrcs, packet_type, write_header};
use alloc::vec::Vec;
use sendrecv_core::{NoSpace, Writer};

/// Any this many packets fit a datagram: 2 bytes of chunk per 7, 2 of delta each.
const SAFE_STATUSES: usize = 400;
/// Beyond that, received packets may cost up to this many bytes, 4 of chunks (their own and that of the run of lost ones
/// behind) beside their delta. Runs of lost packets are nearly free, so that a long gap fits one feedback.
const MAX_BYTES: usize = 1100;
/// Most packets in any case: the length of one run.
const MAX_STATUSES: usize = 0x1fff;

/// Collects what became of consecutive packets and writes one feedback. Kept and cleared, it allocates nothing once it
/// has grown.
#[derive(Clone, Debug, Default)]
pub struct TwccBuilder {
    base_sequence: u16,
    reference_time: i64,
    last: i64,
    received: usize,
    symbols: Vec<Symbol>,
    deltas: Vec<u8>,
}

impl TwccBuilder {
    /// A builder that must be [`start`](Self::start)ed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins anew. `base_sequence` is the number of the first packet to be pushed, `ticks` of 250 µs the arrival of the
    /// first one that is received, from which the reference time is taken.
    pub fn start(&mut self, base_sequence: u16, ticks: i64) {
        self.symbols.clear();
        self.deltas.clear();
        self.received = 0;
        self.base_sequence = base_sequence;
        self.reference_time = ticks.div_euclid(TICKS_PER_REFERENCE);
        self.last = self.reference_time.saturating_mul(TICKS_PER_REFERENCE);
    }

    /// Adds the next packet: its arrival in ticks, or `None` when it did not arrive. `false` when it does not fit any
    /// more, because of the count or because it arrived too far from the one before; a new feedback must begin with it.
    pub fn push(&mut self, arrival: Option<i64>) -> bool {
        if self.is_full() {
            return false;
        }
        let Some(ticks) = arrival else {
            self.symbols.push(Symbol::NotReceived);
            return true;
        };
        let delta = ticks.saturating_sub(self.last);
        if let Ok(small) = u8::try_from(delta) {
            self.symbols.push(Symbol::Small);
            self.deltas.push(small);
        } else if let Ok(large) = i16::try_from(delta) {
            self.symbols.push(Symbol::Large);
            self.deltas.extend(large.to_be_bytes());
        } else {
            return false;
        }
        self.last = ticks;
        self.received += 1;
        true
    }

    fn is_full(&self) -> bool {
        let bytes = self.deltas.len() + self.received * 4;
        self.symbols.len() >= MAX_STATUSES || self.symbols.len() >= SAFE_STATUSES && bytes > MAX_BYTES
    }

    /// How many packets there are.
    pub fn len(&self) -> usize {
        self.symbols.len()
    }

    /// Whether there are no packets.
    pub fn is_empty(&self) -> bool {
        self.symbols.is_empty()
    }

    /// Writes the feedback, with padding to whole words.
    pub fn write<W: Writer + ?Sized>(
        &self,
        out: &mut W,
        ssrcs: FeedbackSsrcs,
        feedback_count: u8,
    ) -> Result<(), NoSpace> {
        let chunk_len = Chunks(&self.symbols).count() * 2;
        let content = 16 + chunk_len + self.deltas.len();
        let padding = content.next_multiple_of(4) - content;
        write_header(out, 15, packet_type::TRANSPORT_FEEDBACK, content + padding)?;
        out.put_u32(ssrcs.sender)?;
        out.put_u32(ssrcs.media)?;
        out.put_u16(self.base_sequence)?;
        out.put_u16(u16::try_from(self.symbols.len()).map_err(|_| NoSpace)?)?;
        let [.., a, b, c] = self.reference_time.to_be_bytes();
        out.put(&[a, b, c, feedback_count])?;
        Chunks(&self.symbols).try_for_each(|chunk| out.put_u16(chunk.bits()))?;
        out.put(&self.deltas)?;
        // The draft's zero padding is not announced by the P bit, whose padding RFC 3550 wants in whole words.
        out.put_zeros(padding)
    }
}

/// Splits symbols into chunks, greedily.
struct Chunks<'a>(&'a [Symbol]);

impl Iterator for Chunks<'_> {
    type Item = Chunk;

    fn next(&mut self) -> Option<Chunk> {
        let symbol = *self.0.first()?;
        let run = self.0.iter().take(0x1fff).take_while(|other| **other == symbol).count();
        let one_bit = self.0.iter().take(14).all(|symbol| symbol.delta_len() < 2);
        let vector_len = if one_bit { 14 } else { 7 };
        let (chunk, used) = if run >= vector_len || run == self.0.len() {
            (Chunk::Run { symbol, length: u16::try_from(run).unwrap_or(0) }, run)
        } else if one_bit {
            (Chunk::OneBit(pack(self.0, 14, 1)), 14)
        } else {
            (Chunk::TwoBit(pack(self.0, 7, 2)), 7)
        };
        self.0 = self.0.get(used..).unwrap_or_default();
        Some(chunk)
    }
}

fn pack(symbols: &[Symbol], count: usize, bits: u16) -> u16 {
    let padded = symbols.iter().copied().chain(core::iter::repeat(Symbol::NotReceived));
    padded.take(count).fold(0, |list, symbol| list << bits | symbol.bits())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtcp::{Compound, RtcpPacket};
    use proptest::prelude::*;

    fn sent(builder: &TwccBuilder) -> Vec<(u16, Option<i64>)> {
        let mut out = Vec::new();
        builder.write(&mut out, FeedbackSsrcs { sender: 1, media: 2 }, 3).unwrap();
        let Some(Ok(RtcpPacket::Twcc(twcc))) = Compound::parse(&out).unwrap().next() else { panic!() };
        assert_eq!((twcc.ssrcs.media, twcc.feedback_count), (2, 3));
        twcc.packets().collect()
    }

    #[test]
    fn a_gap_in_time_beyond_two_bytes_needs_a_new_feedback() {
        let mut builder = TwccBuilder::new();
        builder.start(1, 0);
        assert!(builder.push(Some(0)));
        assert!(!builder.push(Some(32768)));
        assert!(builder.push(Some(32767)));
        assert!(!builder.push(Some(-2)));
        assert_eq!(sent(&builder), [(1, Some(0)), (2, Some(32767))]);
    }

    #[test]
    fn a_feedback_is_bounded_and_fits_a_datagram() {
        let mut builder = TwccBuilder::new();
        builder.start(0, 0);
        let taken = (0i64..).take_while(|i| builder.push(Some(i % 2 * 1000))).count();
        assert_eq!(taken, SAFE_STATUSES);
        let mut out = Vec::new();
        builder.write(&mut out, FeedbackSsrcs::default(), 0).unwrap();
        assert!(out.len() < 1150, "{}", out.len());
    }

    #[test]
    fn sparse_arrivals_fit_a_datagram_too_and_a_long_gap_fits_one_feedback() {
        let mut builder = TwccBuilder::new();
        builder.start(0, 0);
        while (0..6).all(|_| builder.push(None)) && builder.push(Some(builder.last + 1000)) {}
        assert!(builder.len() > SAFE_STATUSES);
        let mut out = Vec::new();
        builder.write(&mut out, FeedbackSsrcs::default(), 0).unwrap();
        assert!(out.len() < 1200, "{}", out.len());
        builder.start(0, 0);
        assert!((0..8000).all(|_| builder.push(None)));
    }

    proptest! {
        #[test]
        fn arrivals_survive_the_wire(base: u16, first in -1_000_000i64..1_000_000_000,
                                     steps in prop::collection::vec(prop_oneof![Just(None), (-300i64..300).prop_map(Some),
                                                                                (0i64..30_000).prop_map(Some)], 0..300)) {
            let mut builder = TwccBuilder::new();
            builder.start(base, first);
            prop_assert!(builder.push(Some(first)));
            let mut expected = Vec::from([(base, Some(first))]);
            let mut at = first;
            for step in steps {
                let arrival = step.map(|step| at + step);
                at = arrival.unwrap_or(at);
                prop_assert!(builder.push(arrival));
                expected.push((base.wrapping_add(u16::try_from(expected.len()).unwrap()), arrival));
            }
            // The reference time has 24 bits on the wire.
            let wrap = |ticks: i64| (ticks + (1 << 31)).rem_euclid(1 << 32) - (1 << 31);
            let read: Vec<_> = sent(&builder).into_iter().map(|(seq, at)| (seq, at.map(wrap))).collect();
            let expected: Vec<_> = expected.into_iter().map(|(seq, at)| (seq, at.map(wrap))).collect();
            prop_assert_eq!(read, expected);
        }
    }
}
