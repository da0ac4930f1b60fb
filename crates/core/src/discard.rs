//! Counting packets that had no effect.

use core::fmt;

/// Why a packet had no effect. Implemented by each layer's `Discard` enum, usually as `self as usize` would.
pub trait DiscardReason: Copy + fmt::Debug + 'static {
    /// Every reason, in the order of [`index`](Self::index).
    const ALL: &'static [Self];

    /// This reason's position in [`ALL`](Self::ALL).
    fn index(self) -> usize;
}

/// One counter per [`DiscardReason`]. `N` is the number of reasons.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Discards<const N: usize>([u64; N]);

impl<const N: usize> Default for Discards<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> Discards<N> {
    /// Counts one packet and hands the reason back, so that `return Err(self.discards.count(reason))` reads well.
    pub fn count<D: DiscardReason>(&mut self, reason: D) -> D {
        if let Some(counter) = self.0.get_mut(reason.index()) {
            *counter = counter.saturating_add(1);
        }
        reason
    }

    /// Packets discarded for `reason`.
    pub fn get<D: DiscardReason>(&self, reason: D) -> u64 {
        self.0.get(reason.index()).copied().unwrap_or(0)
    }

    /// Packets discarded for any reason.
    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |sum: u64, count| sum.saturating_add(*count))
    }
}

impl<const N: usize> fmt::Debug for Discards<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter()).finish()
    }
}
