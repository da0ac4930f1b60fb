//! Which stream sends next (RFC 8260, section 3).

use crate::Scheduling;
use crate::num::wide;
use alloc::collections::{BinaryHeap, VecDeque};
use core::cmp::Reverse;

/// The priority of a stream that was given none ("normal" of RFC 8831, section 6.4).
pub(crate) const NORMAL_PRIORITY: u16 = 256;

/// Units of virtual time that a byte costs a stream of priority 1.
const BYTE: u64 = 1 << 16;

/// A stream that waits for its turn: its rank, when it came, and its slab key.
type Entry = (u64, u64, u32);

/// Streams in the order of their ranks, equals in the order they came.
#[derive(Clone, Debug, Default)]
struct Ranked {
    /// Those that came when none here ranked behind them. Where streams are alike, that is all of them.
    in_order: VecDeque<Entry>,
    others: BinaryHeap<Reverse<Entry>>,
}

impl Ranked {
    fn push(&mut self, entry: Entry) {
        if self.in_order.back().is_none_or(|last| *last < entry) {
            self.in_order.push_back(entry);
        } else {
            self.others.push(Reverse(entry));
        }
    }

    /// Whether the first is one of the others.
    fn begins_with_other(&self) -> bool {
        let other = self.others.peek();
        other.is_some_and(|Reverse(other)| self.in_order.front().is_none_or(|first| other < first))
    }

    fn first(&self) -> Option<u32> {
        let other = self.others.peek().map(|Reverse(other)| other).filter(|_| self.begins_with_other());
        other.or(self.in_order.front()).map(|(.., stream)| *stream)
    }

    fn pop(&mut self) {
        if self.begins_with_other() {
            self.others.pop();
        } else {
            self.in_order.pop_front();
        }
    }
}

/// Streams with something to send, by their slab keys. Every operation is O(1) for [`Scheduling::RoundRobin`], and where
/// streams are alike; else O(log n) in the number of streams that have something to send.
///
/// Weighted fair is start-time fair queueing: a stream's next fragment starts when the last one ended in the stream's own
/// time, which passes the more slowly the higher its priority, and the fragment that starts first is sent first.
#[derive(Clone, Debug)]
pub(crate) struct Scheduler {
    kind: Scheduling,
    ready: VecDeque<u32>,
    ranked: Ranked,
    turns: u64,
    /// The virtual time: when the fragment that was sent last started.
    time: u64,
    /// The stream whose message has begun and, without interleaving, must be finished first.
    current: Option<u32>,
}

impl Scheduler {
    pub(crate) fn new(kind: Scheduling) -> Self {
        Self { kind, ready: VecDeque::new(), ranked: Ranked::default(), turns: 0, time: 0, current: None }
    }

    pub(crate) const fn kind(&self) -> Scheduling {
        self.kind
    }

    /// Adds a stream that was not ready, whose next fragment starts at `start`.
    pub(crate) fn push(&mut self, stream: u32, priority: u16, start: u64) {
        let rank = match self.kind {
            Scheduling::RoundRobin => {
                self.ready.push_back(stream);
                return;
            }
            Scheduling::Priority => u64::from(u16::MAX.saturating_sub(priority)),
            Scheduling::WeightedFair => start,
        };
        self.turns = self.turns.saturating_add(1);
        self.ranked.push((rank, self.turns, stream));
    }

    /// When a stream that was idle starts: now, or when what it sent before ends.
    pub(crate) fn start(&self, start: u64) -> u64 {
        start.max(self.time)
    }

    /// A fragment that started at `start` was sent; returns when the stream's next one starts.
    pub(crate) fn serve(&mut self, start: u64, len: usize, priority: u16) -> u64 {
        if self.kind != Scheduling::WeightedFair {
            return start;
        }
        self.time = self.time.max(start);
        start.saturating_add(wide(len).saturating_mul(BYTE) / u64::from(priority.max(1)))
    }

    /// The stream whose turn it is.
    pub(crate) fn front(&self) -> Option<u32> {
        self.current.or_else(|| match self.kind {
            Scheduling::RoundRobin => self.ready.front().copied(),
            Scheduling::Priority | Scheduling::WeightedFair => self.ranked.first(),
        })
    }

    /// Takes the stream whose turn it is out of the queue.
    pub(crate) fn pop(&mut self) {
        if self.current.take().is_some() {
            return;
        }
        match self.kind {
            Scheduling::RoundRobin => {
                self.ready.pop_front();
            }
            Scheduling::Priority | Scheduling::WeightedFair => self.ranked.pop(),
        }
    }

    /// Keeps the stream whose turn it is until its message is finished.
    pub(crate) fn hold(&mut self) {
        if self.current.is_none() {
            let stream = self.front();
            self.pop();
            self.current = stream;
        }
    }

    /// Lets the stream go if it is held; false when it is not.
    pub(crate) fn release(&mut self, stream: u32) -> bool {
        self.current.take_if(|current| *current == stream).is_some()
    }
}

#[cfg(test)]
#[allow(clippy::as_conversions)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ranks_come_out_sorted_whatever_order_they_came_in(ops in prop::collection::vec((0u64..20, 0u8..3), 0..200)) {
            let (mut ranked, mut model) = (Ranked::default(), BTreeSet::<Entry>::new());
            for (turn, (rank, kind)) in (0u32..).zip(ops) {
                if kind == 0 {
                    ranked.pop();
                    model.pop_first();
                } else {
                    // Most come behind all that are there, as in practice.
                    let last = model.last().map_or(0, |(last, ..)| *last);
                    let entry = (if kind == 1 { rank } else { rank + last }, u64::from(turn), turn);
                    ranked.push(entry);
                    model.insert(entry);
                }
                prop_assert_eq!(ranked.first(), model.first().map(|(.., stream)| *stream));
            }
        }
    }

    fn turns(scheduler: &mut Scheduler, priorities: &[u16], count: usize) -> Vec<u32> {
        let mut turns = Vec::new();
        for _ in 0..count {
            let stream = scheduler.front().unwrap();
            scheduler.pop();
            turns.push(stream);
            scheduler.push(stream, priorities[stream as usize], 0);
        }
        turns
    }

    #[test]
    fn round_robin_takes_turns() {
        let mut scheduler = Scheduler::new(Scheduling::RoundRobin);
        (0..3).for_each(|stream| scheduler.push(stream, 256, 0));
        assert_eq!(turns(&mut scheduler, &[256; 3], 5), [0, 1, 2, 0, 1]);
    }

    #[test]
    fn the_highest_priority_goes_first_and_equals_take_turns() {
        let mut scheduler = Scheduler::new(Scheduling::Priority);
        let priorities = [128, 512, 512];
        (0..3).for_each(|stream| scheduler.push(stream, priorities[stream as usize], 0));
        assert_eq!(turns(&mut scheduler, &priorities, 4), [1, 2, 1, 2]);
    }

    #[test]
    fn weighted_streams_share_bytes_by_priority_and_idle_time_is_not_saved_up() {
        let mut scheduler = Scheduler::new(Scheduling::WeightedFair);
        let (priorities, lens) = ([128, 256, 512], [1200, 90, 600]);
        let (mut starts, mut sent) = ([0; 3], [0; 3]);
        scheduler.push(0, 128, 0);
        scheduler.push(1, 256, 0);
        for turn in 0..10_000 {
            if turn == 3000 {
                starts[2] = scheduler.start(0);
                scheduler.push(2, 512, starts[2]);
                sent = [0; 3];
            }
            let stream = scheduler.front().unwrap();
            scheduler.pop();
            let place = stream as usize;
            sent[place] += lens[place];
            starts[place] = scheduler.serve(starts[place], lens[place], priorities[place]);
            scheduler.push(stream, priorities[place], starts[place]);
        }
        let shares = sent.map(|bytes| bytes as f64 / sent.iter().sum::<usize>() as f64);
        for (share, priority) in shares.into_iter().zip(priorities) {
            assert!((share - f64::from(priority) / 896.0).abs() < 0.01, "{shares:?}");
        }
    }

    #[test]
    fn a_held_stream_stays_in_front() {
        let mut scheduler = Scheduler::new(Scheduling::Priority);
        scheduler.push(0, 128, 0);
        scheduler.hold();
        scheduler.push(1, 512, 0);
        assert_eq!(scheduler.front(), Some(0));
        scheduler.pop();
        assert_eq!(scheduler.front(), Some(1));
    }
}
