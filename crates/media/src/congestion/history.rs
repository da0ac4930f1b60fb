//! What was sent and not reported on yet.

use alloc::vec::Vec;
use core::time::Duration;
use sendrecv_core::{Instant, Ring};

/// Most packets that are remembered.
const MAX_ENTRIES: usize = 8192;
/// How long a packet may go without a report.
const MAX_AGE: Duration = Duration::from_secs(3);
/// Buckets of the index by stream, a power of two.
const BUCKETS: usize = 1024;
/// Packets in one bucket; the oldest gives way.
const WAYS: usize = 4;

/// A packet that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentPacket {
    /// Its transport-wide sequence number, where it has one; consecutive from packet to packet.
    pub transport_sequence: Option<u16>,
    /// Its stream.
    pub ssrc: u32,
    /// Its sequence number in the stream.
    pub sequence_number: u16,
    /// Bytes, with RTP header.
    pub len: usize,
    /// Whether it repairs another that the peer missed, and so takes from what is left for media.
    pub is_repair: bool,
}

/// What is known of a packet's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Unknown,
    Missing,
    Received,
}

/// A remembered packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    transport: Option<u16>,
    ssrc: u32,
    sequence_number: u16,
    pub(super) fate: Fate,
    pub(super) bytes: u64,
    pub(super) sent: Instant,
    /// The probe that it belongs to.
    pub(super) cluster: Option<u64>,
}

/// Packets in the order in which they were sent, found by either of the two names that feedback has for them.
#[derive(Debug)]
pub(super) struct History {
    entries: Ring<Entry>,
    /// Numbers of packets that have no transport-wide one, by a hash of stream and sequence number; made when first needed.
    index: Vec<[u64; WAYS]>,
    /// Whether packets have transport-wide numbers; then those that have none are not reported on.
    numbered: bool,
}

impl History {
    pub(super) const fn new() -> Self {
        // From 1 on, so that 0 is nobody's number.
        Self { entries: Ring::new(1), index: Vec::new(), numbered: false }
    }

    pub(super) fn push(&mut self, now: Instant, packet: &SentPacket, cluster: Option<u64>) {
        self.forget(now);
        if self.numbered && packet.transport_sequence.is_none() {
            return;
        }
        if !self.numbered && packet.transport_sequence.is_some() {
            self.numbered = true;
            self.entries.reset(self.entries.end());
        }
        let number = self.entries.push(Entry {
            transport: packet.transport_sequence,
            ssrc: packet.ssrc,
            sequence_number: packet.sequence_number,
            fate: Fate::Unknown,
            bytes: u64::try_from(packet.len).unwrap_or(u64::MAX).min(1 << 16),
            sent: now,
            cluster,
        });
        if packet.transport_sequence.is_none() {
            self.enter(number, packet.ssrc, packet.sequence_number);
        }
    }

    /// Drops what needs no report any more from the old end.
    fn forget(&mut self, now: Instant) {
        while let Some(oldest) = self.entries.front()
            && (oldest.fate == Fate::Received
                || now.saturating_since(oldest.sent) > MAX_AGE
                || self.entries.len() >= MAX_ENTRIES)
        {
            self.entries.pop();
        }
    }

    fn enter(&mut self, number: u64, ssrc: u32, sequence_number: u16) {
        if self.index.is_empty() {
            self.index.resize(BUCKETS, [0; WAYS]);
        }
        if let Some(bucket) = self.index.get_mut(bucket(ssrc, sequence_number))
            && let Some(oldest) = bucket.iter_mut().min()
        {
            *oldest = number;
        }
    }

    /// The number of the packet with this transport-wide sequence number.
    pub(super) fn by_transport(&self, wire: u16) -> Option<u64> {
        let newest = self.entries.back()?.transport?;
        let back = u64::from(newest.wrapping_sub(wire));
        let number = self.entries.end().checked_sub(1)?.checked_sub(back)?;
        self.entries.get(number).filter(|entry| entry.transport == Some(wire)).map(|_| number)
    }

    /// The number of the packet with this sequence number in its stream.
    pub(super) fn by_stream(&self, ssrc: u32, sequence_number: u16) -> Option<u64> {
        let numbers = self.index.get(bucket(ssrc, sequence_number))?;
        numbers.iter().copied().find(|number| {
            self.entries.get(*number).is_some_and(|entry| {
                entry.transport.is_none() && entry.ssrc == ssrc && entry.sequence_number == sequence_number
            })
        })
    }

    /// Notes what became of a packet, and returns it as it was before that.
    pub(super) fn resolve(&mut self, number: u64, fate: Fate) -> Option<Entry> {
        let entry = self.entries.get_mut(number)?;
        let before = *entry;
        if before.fate != Fate::Received {
            entry.fate = fate;
        }
        Some(before)
    }

    /// Bytes of the packets from `first` on to before `end`, as far as they were sent within `span` before that one.
    pub(super) fn bytes_between(&self, first: u64, end: u64, span: Duration) -> u64 {
        let Some(last) = self.entries.get(end) else { return 0 };
        let between = (first.max(self.entries.start())..end).filter_map(|number| self.entries.get(number));
        between.filter(|entry| entry.sent + span >= last.sent).map(|entry| entry.bytes).sum()
    }
}

fn bucket(ssrc: u32, sequence_number: u16) -> usize {
    let mixed = ssrc.wrapping_mul(0x9e37_79b1).wrapping_add(u32::from(sequence_number));
    usize::try_from(mixed).unwrap_or(0) % BUCKETS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(transport_sequence: Option<u16>, ssrc: u32, sequence_number: u16) -> SentPacket {
        SentPacket { transport_sequence, ssrc, sequence_number, len: 100, is_repair: false }
    }

    #[test]
    fn packets_are_found_by_transport_number_over_the_wrap_until_they_are_received() {
        let (mut history, now) = (History::new(), Instant::ZERO);
        (0xfff0..=0xffff).chain(0..16).for_each(|wire| history.push(now, &packet(Some(wire), 1, 0), None));
        assert_eq!(history.by_transport(0xfff0), Some(1));
        assert_eq!(history.by_transport(15), Some(32));
        assert_eq!((history.by_transport(16), history.by_transport(0xffef)), (None, None));
        assert_eq!(history.resolve(1, Fate::Received).map(|entry| entry.fate), Some(Fate::Unknown));
        history.push(now, &packet(Some(16), 1, 0), None);
        assert_eq!(history.by_transport(0xfff0), None);
    }

    #[test]
    fn packets_without_one_are_found_by_stream() {
        let (mut history, now) = (History::new(), Instant::ZERO);
        for number in 0..500 {
            (1..=3).for_each(|ssrc| history.push(now, &packet(None, ssrc, number), None));
        }
        for number in 0..500 {
            for ssrc in 1..=3 {
                assert!(history.by_stream(ssrc, number).is_some(), "{ssrc} {number}");
            }
        }
        assert_eq!(history.by_stream(4, 1), None);
    }

    #[test]
    fn what_is_never_reported_is_forgotten_and_memory_is_bounded() {
        let mut history = History::new();
        (0..20_000).for_each(|wire| history.push(Instant::ZERO, &packet(Some(wire), 1, 0), None));
        assert_eq!(history.entries.len(), MAX_ENTRIES);
        history.push(Instant::from_millis(3001), &packet(Some(20_000), 1, 0), None);
        assert_eq!(history.entries.len(), 1);
    }
}
