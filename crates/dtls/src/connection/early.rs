//! What comes before its time: its bounds, and application data that overtakes the end of the handshake.

use crate::Discard;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Records kept until their keys are there: number and bytes.
pub(super) const MAX_DEFERRED: usize = 32;
pub(super) const MAX_DEFERRED_BYTES: usize = 16 << 10;

/// Application data that came before the handshake was complete: authentic, but not delivered before that.
#[derive(Debug, Default)]
pub(super) struct EarlyData {
    records: VecDeque<Vec<u8>>,
    bytes: usize,
}

impl EarlyData {
    /// Keeps one more, if there is room.
    pub(super) fn keep(&mut self, data: &[u8]) -> Result<(), Discard> {
        let bytes = self.bytes.saturating_add(data.len());
        if self.records.len() >= MAX_DEFERRED || bytes > MAX_DEFERRED_BYTES {
            return Err(Discard::EarlyApplicationData);
        }
        self.bytes = bytes;
        self.records.push_back(data.to_vec());
        Ok(())
    }

    /// The oldest.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        let data = self.records.pop_front()?;
        self.bytes = self.bytes.saturating_sub(data.len());
        Some(data)
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }
}
