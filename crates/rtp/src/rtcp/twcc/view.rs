//! Received feedback.

use super::{Chunk, Symbol, TICK_MICROS, TICKS_PER_REFERENCE};
use crate::rtcp::{FeedbackSsrcs, RtcpError};
use sendrecv_core::Reader;

/// Received transport-wide feedback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Twcc<'a> {
    /// Who reports; the media SSRC is any stream of the transport.
    pub ssrcs: FeedbackSsrcs,
    /// The transport sequence number of the first packet reported on.
    pub base_sequence: u16,
    /// How many packets it reports on.
    pub status_count: u16,
    /// Signed 24 bits in units of 64 ms on the reporter's clock; wraps.
    pub reference_time: i32,
    /// Counts feedback packets, wrapping.
    pub feedback_count: u8,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

impl<'a> Twcc<'a> {
    pub(in crate::rtcp) fn read(ssrcs: FeedbackSsrcs, fci: &'a [u8]) -> Result<Self, RtcpError> {
        let mut reader = Reader::new(fci);
        let (base_sequence, status_count) = (reader.u16()?, reader.u16()?);
        let [a, b, c, feedback_count] = reader.array()?;
        let start = reader.peek();
        let (mut left, mut delta_len) = (status_count, 0);
        while left > 0 {
            let chunk = Chunk::from_bits(reader.u16()?);
            let used = chunk.len().min(left);
            left -= used;
            delta_len += chunk.delta_len(used);
        }
        let chunks = start.get(..start.len() - reader.remaining()).unwrap_or_default();
        let deltas = reader.take(delta_len)?;
        let reference_time = i32::from_be_bytes([a, b, c, 0]) >> 8;
        Ok(Self { ssrcs, base_sequence, status_count, reference_time, feedback_count, chunks, deltas })
    }

    /// Every packet reported on, in order: its transport sequence number, and its arrival in ticks of 250 µs on the
    /// reporter's clock when it was received at a known time. At most 65535 items.
    pub fn packets(&self) -> impl Iterator<Item = (u16, Option<i64>)> + use<'a> {
        let mut symbols = Symbols { chunks: Reader::new(self.chunks), chunk: None };
        let mut deltas = Reader::new(self.deltas);
        let mut at = i64::from(self.reference_time) * TICKS_PER_REFERENCE;
        let base = self.base_sequence;
        (0..self.status_count).map_while(move |index| {
            let delta = match symbols.next()? {
                Symbol::NotReceived | Symbol::Untimed => None,
                Symbol::Small => Some(i64::from(deltas.u8().ok()?)),
                Symbol::Large => Some(i64::from(deltas.u16().ok()?.cast_signed())),
            };
            let arrival = delta.map(|delta| {
                at += delta;
                at
            });
            Some((base.wrapping_add(index), arrival))
        })
    }

    /// An arrival from [`packets`](Self::packets) in microseconds, relative to `origin`, another such arrival.
    pub fn micros_since(arrival: i64, origin: i64) -> i64 {
        let tick = i64::try_from(TICK_MICROS).unwrap_or(i64::MAX);
        arrival.saturating_sub(origin).saturating_mul(tick)
    }
}

/// Symbols of a list of chunks, one after the other.
struct Symbols<'a> {
    chunks: Reader<'a>,
    chunk: Option<(Chunk, u16)>,
}

impl Iterator for Symbols<'_> {
    type Item = Symbol;

    fn next(&mut self) -> Option<Symbol> {
        loop {
            match self.chunk {
                Some((chunk, index)) if index < chunk.len() => {
                    self.chunk = Some((chunk, index + 1));
                    return Some(chunk.symbol(index));
                }
                _ => self.chunk = Some((Chunk::from_bits(self.chunks.u16().ok()?), 0)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn read(fci: &[u8]) -> Result<Twcc<'_>, RtcpError> {
        Twcc::read(FeedbackSsrcs::default(), fci)
    }

    #[test]
    fn deltas_accumulate_from_the_reference_time() {
        // Two received (small, large negative), one missing, one small, starting before the wrap.
        let list = Chunk::TwoBit(0b01_10_00_01_00_00_00).bits().to_be_bytes();
        let fci = [&[0xff, 0xfe, 0, 4, 0, 0, 1, 9][..], &list, &[8, 0xff, 0xff, 4]].concat();
        let twcc = read(&fci).unwrap();
        let packets: Vec<_> = twcc.packets().collect();
        assert_eq!(packets, [(0xfffe, Some(264)), (0xffff, Some(263)), (0, None), (1, Some(267))]);
        assert_eq!(Twcc::micros_since(267, 263), 1000);
    }

    #[test]
    fn the_reference_time_is_signed() {
        let fci = [0, 0, 0, 1, 0xff, 0xff, 0xff, 0, 0x20, 1, 0, 0];
        assert_eq!(read(&fci).unwrap().packets().next(), Some((0, Some(-256))));
    }

    #[test]
    fn a_count_that_chunks_or_deltas_do_not_cover_is_refused() {
        assert_eq!(read(&[0, 0, 0xff, 0xff, 0, 0, 0, 0, 0x20, 9, 0, 0]), Err(RtcpError::Truncated));
        assert_eq!(read(&[0, 0, 0, 9, 0, 0, 0, 0, 0x20, 9, 0, 0]), Err(RtcpError::Truncated));
        assert_eq!(read(&[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]), Err(RtcpError::Truncated));
    }

    #[test]
    fn untimed_packets_have_no_delta() {
        let fci = [0, 0, 0, 24, 0, 0, 0, 0, 0x60, 24, 0, 0];
        assert!(read(&fci).unwrap().packets().all(|(_, arrival)| arrival.is_none()));
    }
}
