//! Packet indices: estimating them from sequence numbers, and remembering which were seen.
//!
//! ```text
//!  index:   | word h-3 | word h-2 | word h-1 |  word h  |
//!      old  | 11111011 | 11111111 | 10110111 | 01000000 |  not seen yet
//!                                              ^ highest
//! ```
//!
//! The bits lie in a ring of 64-bit words, so that moving forward clears words instead of shifting them all.

/// Indices of RTP packets have 48 bits: the rollover counter and the sequence number.
pub(crate) const RTP_INDEX_LIMIT: u64 = 1 << 48;
/// Indices of RTCP packets have 31 bits.
pub(crate) const RTCP_INDEX_LIMIT: u64 = 1 << 31;

/// RTP is reordered and retransmitted over long paths: at least 961 packets are remembered.
pub(crate) type RtpWindow = ReplayWindow<16>;
/// RTCP: at least 193 packets. RFC 3711 asks for 64.
pub(crate) type RtcpWindow = ReplayWindow<4>;

/// Why an index is not acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stale {
    /// It was accepted before.
    Seen,
    /// It lies behind the window, or before the first index there is.
    Old,
}

/// Which of the latest packet indices of one SSRC were accepted (RFC 3711, section 3.3.2). `WORDS` is a power of two.
#[derive(Clone, Debug)]
pub(crate) struct ReplayWindow<const WORDS: usize> {
    highest: u64,
    words: [u64; WORDS],
}

impl<const WORDS: usize> ReplayWindow<WORDS> {
    /// A window that has accepted `index` and nothing else.
    pub(crate) fn starting_at(index: u64) -> Self {
        let mut window = Self { highest: index, words: [0; WORDS] };
        window.mark(index);
        window
    }

    /// The highest index accepted.
    pub(crate) const fn highest(&self) -> u64 {
        self.highest
    }

    /// Whether `index` may still be accepted.
    pub(crate) fn check(&self, index: u64) -> Result<(), Stale> {
        if index > self.highest {
            return Ok(());
        }
        if words_between(index, self.highest) >= WORDS {
            return Err(Stale::Old);
        }
        let seen = self.words.get(slot::<WORDS>(index)).is_some_and(|word| word & bit(index) != 0);
        if seen { Err(Stale::Seen) } else { Ok(()) }
    }

    /// Remembers an index that [`check`](Self::check) took.
    pub(crate) fn accept(&mut self, index: u64) {
        if index > self.highest {
            let steps = words_between(self.highest, index).min(WORDS);
            let first = slot::<WORDS>(self.highest).wrapping_add(1);
            for step in 0..steps {
                if let Some(word) = self.words.get_mut(first.wrapping_add(step) % WORDS) {
                    *word = 0;
                }
            }
            self.highest = index;
        }
        self.mark(index);
    }

    fn mark(&mut self, index: u64) {
        if let Some(word) = self.words.get_mut(slot::<WORDS>(index)) {
            *word |= bit(index);
        }
    }
}

fn words_between(earlier: u64, later: u64) -> usize {
    usize::try_from((later >> 6).saturating_sub(earlier >> 6)).unwrap_or(usize::MAX)
}

/// Where in the ring the word of `index` lies.
fn slot<const WORDS: usize>(index: u64) -> usize {
    let [.., high, low] = (index >> 6).to_be_bytes();
    usize::from(u16::from_be_bytes([high, low])) % WORDS
}

const fn bit(index: u64) -> u64 {
    1 << (index & 63)
}

/// The index that `sequence` most likely stands for when `highest` is the highest one so far (RFC 3711, section 3.3.1
/// and appendix A); `None` when that would be before the first or after the last index there is.
pub(crate) fn estimate(highest: u64, sequence: u16) -> Option<u64> {
    const CYCLE: u64 = 1 << 16;
    const HALF: u64 = CYCLE / 2;
    let sequence = u64::from(sequence);
    let latest = highest % CYCLE;
    let same_cycle = highest.saturating_sub(latest).saturating_add(sequence);
    let index = if latest < HALF && sequence.saturating_sub(latest) > HALF {
        same_cycle.checked_sub(CYCLE)
    } else if latest >= HALF && latest.saturating_sub(HALF) > sequence {
        same_cycle.checked_add(CYCLE)
    } else {
        Some(same_cycle)
    };
    index.filter(|index| *index < RTP_INDEX_LIMIT)
}

#[cfg(test)]
#[allow(clippy::as_conversions)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use proptest::prelude::*;

    #[test]
    fn estimation_is_that_of_appendix_a() {
        assert_eq!(estimate(5, 6), Some(6));
        assert_eq!(estimate(65_535, 0), Some(65_536));
        assert_eq!(estimate(65_536, 65_535), Some(65_535));
        assert_eq!(estimate(0, 0x8000), Some(0x8000), "exactly half ahead is ahead");
        assert_eq!(estimate(0x18000, 0), Some(0x10000), "exactly half behind is behind");
    }

    #[test]
    fn nothing_comes_before_the_first_or_after_the_last_index() {
        assert_eq!(estimate(5, 65_535), None);
        assert_eq!(estimate(RTP_INDEX_LIMIT - 1, 65_534), Some(RTP_INDEX_LIMIT - 2));
        assert_eq!(estimate(RTP_INDEX_LIMIT - 1, 0), None);
    }

    proptest! {
        /// Against the definition: everything ever accepted, and the words it lies in.
        #[test]
        fn a_window_agrees_with_a_set(start in 0u64..1 << 20, steps in prop::collection::vec(-600i64..400, 1..400)) {
            let mut window = ReplayWindow::<4>::starting_at(start);
            let mut accepted = BTreeSet::from([start]);
            for step in steps {
                let highest = *accepted.last().unwrap();
                let index = highest.saturating_add_signed(step);
                let expected = if index <= highest && highest / 64 - index / 64 >= 4 {
                    Err(Stale::Old)
                } else if accepted.contains(&index) {
                    Err(Stale::Seen)
                } else {
                    Ok(())
                };
                prop_assert_eq!(window.check(index), expected);
                if expected.is_ok() {
                    window.accept(index);
                    accepted.insert(index);
                }
                prop_assert_eq!(window.highest(), *accepted.last().unwrap());
            }
        }

        #[test]
        fn a_walk_of_small_steps_is_estimated_exactly(start in 0u64..1 << 15, steps in prop::collection::vec(0u64..30_000, 1..200)) {
            let mut highest = start;
            for step in steps {
                let truth = highest + step;
                prop_assert_eq!(estimate(highest, truth as u16), Some(truth));
                prop_assert_eq!(estimate(truth, highest as u16), Some(highest));
                highest = truth;
            }
        }
    }
}
