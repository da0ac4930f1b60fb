//! Control chunks that wait to be sent.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// The most answers that wait at once; the peer gets no more until they have left.
const MAX_WAITING: usize = 16;

/// A control chunk, already encoded.
#[derive(Clone, Debug)]
pub(super) struct ControlChunk {
    pub(super) bytes: Vec<u8>,
    /// The verification tag, when it is not the peer's present one.
    pub(super) tag: Option<u32>,
    /// Nothing else may be in its packet (INIT, INIT ACK, ABORT, SHUTDOWN COMPLETE).
    pub(super) alone: bool,
    /// The packet needs a real checksum even when zero is accepted (INIT, COOKIE ECHO, answers to strangers).
    pub(super) checksum: bool,
}

/// A bounded queue of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Control {
    waiting: VecDeque<ControlChunk>,
}

impl Control {
    /// Adds a chunk; when too many wait it is dropped, for its cause can ask again.
    pub(super) fn push(&mut self, chunk: ControlChunk) {
        if self.waiting.len() < MAX_WAITING {
            self.waiting.push_back(chunk);
        }
    }

    /// Adds a chunk for the established peer, which may share its packet.
    pub(super) fn push_shared(&mut self, bytes: Vec<u8>) {
        self.push(ControlChunk { bytes, tag: None, alone: false, checksum: false });
    }

    pub(super) fn front(&self) -> Option<&ControlChunk> {
        self.waiting.front()
    }

    pub(super) fn pop(&mut self) -> Option<ControlChunk> {
        self.waiting.pop_front()
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }
}
