//! Which of the last packets were received.

/// How many packets back are remembered.
pub(crate) const WINDOW: u64 = 2048;
const WORDS: usize = 32;
/// A step forward of this many packets or more is a new start, not loss (`MAX_DROPOUT` of RFC 3550, appendix A.1).
const MAX_DROPOUT: i64 = 3000;

/// What a packet's sequence number means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// The first one, or one behind a jump after which the stream is counted anew.
    Restart(u64),
    /// Later than all before; `missing` packets were skipped.
    Newer { sequence: u64, missing: u64 },
    /// Earlier than the latest, and new.
    Late(u64),
    /// Received before.
    Duplicate,
    /// Too far back to tell.
    TooOld,
}

/// A window of received sequence numbers behind the highest, extended to 64 bits.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    /// The highest number, and its wire number in the lowest 16 bits; `None` before the first packet.
    highest: Option<u64>,
    /// The number that, right after an implausible one, confirms a restart.
    suspect: Option<u16>,
    seen: [u64; WORDS],
}

impl Window {
    pub(crate) const fn new() -> Self {
        Self { highest: None, suspect: None, seen: [0; WORDS] }
    }

    /// The highest number so far.
    pub(crate) const fn highest(&self) -> Option<u64> {
        self.highest
    }

    /// The extended number of a packet near the highest.
    pub(crate) fn extend(&self, wire: u16) -> u64 {
        let highest = self.highest.unwrap_or_else(|| first(wire));
        let [.., a, b] = highest.to_be_bytes();
        let distance = wire.wrapping_sub(u16::from_be_bytes([a, b])).cast_signed();
        highest.saturating_add_signed(i64::from(distance))
    }

    /// Takes a packet of the stream.
    pub(crate) fn insert(&mut self, wire: u16) -> Arrival {
        let Some(highest) = self.highest else { return self.restart(first(wire)) };
        let sequence = self.extend(wire);
        let ahead = i64::try_from(sequence).unwrap_or(i64::MAX) - i64::try_from(highest).unwrap_or(i64::MAX);
        if ahead >= MAX_DROPOUT || sequence.saturating_add(WINDOW) <= highest {
            return self.implausible(wire, highest);
        }
        self.suspect = None;
        if ahead > 0 {
            self.advance(highest, sequence);
            return Arrival::Newer { sequence, missing: sequence - highest - 1 };
        }
        if self.mark(sequence) { Arrival::Late(sequence) } else { Arrival::Duplicate }
    }

    /// Whether the packet was received; only meaningful within [`WINDOW`] behind the highest.
    pub(crate) fn contains(&self, sequence: u64) -> bool {
        let (word, bit) = place(sequence);
        self.seen.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Two packets in a row from a place far away make a restart; one alone is ignored (RFC 3550, appendix A.1).
    fn implausible(&mut self, wire: u16, highest: u64) -> Arrival {
        if self.suspect == Some(wire) {
            let cycle = (highest | 0xffff) + 1;
            return self.restart(cycle | u64::from(wire));
        }
        self.suspect = Some(wire.wrapping_add(1));
        Arrival::TooOld
    }

    fn restart(&mut self, sequence: u64) -> Arrival {
        self.highest = Some(sequence);
        self.suspect = None;
        self.seen = [0; WORDS];
        self.mark(sequence);
        Arrival::Restart(sequence)
    }

    fn advance(&mut self, highest: u64, sequence: u64) {
        if sequence - highest >= WINDOW {
            self.seen = [0; WORDS];
        } else {
            (highest + 1..sequence).for_each(|skipped| self.clear(skipped));
        }
        self.highest = Some(sequence);
        self.clear(sequence);
        self.mark(sequence);
    }

    fn clear(&mut self, sequence: u64) {
        let (word, bit) = place(sequence);
        if let Some(word) = self.seen.get_mut(word) {
            *word &= !bit;
        }
    }

    /// Marks as received; `false` when it was already.
    fn mark(&mut self, sequence: u64) -> bool {
        let (word, bit) = place(sequence);
        let Some(word) = self.seen.get_mut(word) else { return false };
        let new = *word & bit == 0;
        *word |= bit;
        new
    }
}

/// The first packet's number, one cycle up so that earlier packets have numbers too.
fn first(wire: u16) -> u64 {
    0x1_0000 | u64::from(wire)
}

fn place(sequence: u64) -> (usize, u64) {
    let position = sequence % WINDOW;
    (usize::try_from(position / 64).unwrap_or(0), 1 << (position % 64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use proptest::prelude::*;

    #[test]
    fn sequence_numbers_wrap() {
        let mut window = Window::new();
        assert_eq!(window.insert(0xffff), Arrival::Restart(0x1_ffff));
        assert_eq!(window.insert(1), Arrival::Newer { sequence: 0x2_0001, missing: 1 });
        assert_eq!(window.insert(0), Arrival::Late(0x2_0000));
        assert_eq!(window.insert(0xffff), Arrival::Duplicate);
        assert_eq!(window.insert(0xfffe), Arrival::Late(0x1_fffe));
    }

    #[test]
    fn one_far_packet_is_ignored_two_restart_the_count() {
        let mut window = Window::new();
        window.insert(100);
        assert_eq!(window.insert(20_000), Arrival::TooOld);
        assert_eq!(window.insert(101), Arrival::Newer { sequence: 0x1_0065, missing: 0 });
        assert_eq!(window.insert(20_000), Arrival::TooOld);
        assert!(matches!(window.insert(20_001), Arrival::Restart(sequence) if sequence & 0xffff == 20_001));
        assert_eq!(window.insert(20_002), Arrival::Newer { sequence: 0x2_4e22, missing: 0 });
    }

    proptest! {
        #[test]
        fn nothing_is_delivered_twice_and_nothing_new_in_reach_is_refused(start: u16, steps in prop::collection::vec(-40i32..50, 1..400)) {
            let mut window = Window::new();
            let mut seen = BTreeSet::new();
            let mut at = i64::from(start) + 0x1_0000;
            for step in steps {
                at += i64::from(step);
                let expected = seen.insert(at);
                let wire = u16::try_from(at & 0xffff).unwrap();
                let new = matches!(window.insert(wire), Arrival::Restart(_) | Arrival::Newer { .. } | Arrival::Late(_));
                prop_assert_eq!(new, expected);
                at = i64::try_from(window.highest().unwrap()).unwrap();
            }
        }
    }
}
