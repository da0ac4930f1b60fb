//! Which stream sends next (RFC 8260, section 3).

use crate::Scheduling;
use alloc::collections::{BTreeMap, VecDeque};
use core::cmp::Reverse;

/// The priority of a stream that was given none ("normal" of RFC 8831, section 6.4).
pub(crate) const NORMAL_PRIORITY: u16 = 256;

/// Streams with something to send, by their slab keys. Every operation is O(1), or O(log p) in the number of distinct
/// priorities for [`Scheduling::Priority`].
#[derive(Clone, Debug)]
pub(crate) struct Scheduler {
    kind: Scheduling,
    ready: VecDeque<u32>,
    by_priority: BTreeMap<Reverse<u16>, VecDeque<u32>>,
    /// The stream whose message has begun and, without interleaving, must be finished first.
    current: Option<u32>,
}

impl Scheduler {
    pub(crate) fn new(kind: Scheduling) -> Self {
        Self { kind, ready: VecDeque::new(), by_priority: BTreeMap::new(), current: None }
    }

    pub(crate) const fn kind(&self) -> Scheduling {
        self.kind
    }

    /// Adds a stream that was not ready.
    pub(crate) fn push(&mut self, stream: u32, priority: u16) {
        match self.kind {
            Scheduling::Priority => self.by_priority.entry(Reverse(priority)).or_default().push_back(stream),
            Scheduling::RoundRobin | Scheduling::WeightedFair => self.ready.push_back(stream),
        }
    }

    /// The stream whose turn it is.
    pub(crate) fn front(&self) -> Option<u32> {
        if self.current.is_some() {
            return self.current;
        }
        match self.kind {
            Scheduling::Priority => {
                self.by_priority.first_key_value().and_then(|(_, queue)| queue.front().copied())
            }
            Scheduling::RoundRobin | Scheduling::WeightedFair => self.ready.front().copied(),
        }
    }

    /// Takes the stream whose turn it is out of the queue.
    pub(crate) fn pop(&mut self) {
        if self.current.take().is_some() {
            return;
        }
        match self.kind {
            Scheduling::Priority => {
                if let Some(mut entry) = self.by_priority.first_entry() {
                    entry.get_mut().pop_front();
                    if entry.get().is_empty() {
                        entry.remove();
                    }
                }
            }
            Scheduling::RoundRobin | Scheduling::WeightedFair => {
                self.ready.pop_front();
            }
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
    use alloc::vec::Vec;

    fn turns(scheduler: &mut Scheduler, priorities: &[u16], count: usize) -> Vec<u32> {
        let mut turns = Vec::new();
        for _ in 0..count {
            let stream = scheduler.front().unwrap();
            scheduler.pop();
            turns.push(stream);
            scheduler.push(stream, priorities[stream as usize]);
        }
        turns
    }

    #[test]
    fn round_robin_takes_turns() {
        let mut scheduler = Scheduler::new(Scheduling::RoundRobin);
        (0..3).for_each(|stream| scheduler.push(stream, 256));
        assert_eq!(turns(&mut scheduler, &[256; 3], 5), [0, 1, 2, 0, 1]);
    }

    #[test]
    fn the_highest_priority_goes_first_and_equals_take_turns() {
        let mut scheduler = Scheduler::new(Scheduling::Priority);
        let priorities = [128, 512, 512];
        (0..3).for_each(|stream| scheduler.push(stream, priorities[stream as usize]));
        assert_eq!(turns(&mut scheduler, &priorities, 4), [1, 2, 1, 2]);
    }

    #[test]
    fn a_held_stream_stays_in_front() {
        let mut scheduler = Scheduler::new(Scheduling::Priority);
        scheduler.push(0, 128);
        scheduler.hold();
        scheduler.push(1, 512);
        assert_eq!(scheduler.front(), Some(0));
        scheduler.pop();
        assert_eq!(scheduler.front(), Some(1));
    }
}
