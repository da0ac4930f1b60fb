//! Memory that all peers of a thread share: nothing in it outlives one step of a host's loop.

use crate::offload::Slab;
use std::cell::Cell;

/// One write as large as a batch for segmentation offload can be.
const BATCH_BYTES: usize = 65_536;

/// What arrives is received into the slab; what is to be sent is written into the batch. 1 MiB and 64 KiB, of which
/// pages that were never touched cost nothing.
pub(crate) struct Scratch {
    pub(crate) slab: Slab,
    pub(crate) batch: Vec<u8>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self { slab: Slab::default(), batch: vec![0; BATCH_BYTES] }
    }
}

thread_local! {
    static SPARE: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// Lends this thread's memory to `work`; a host inside a host on the same thread gets some of its own.
pub(crate) fn with<R>(work: impl FnOnce(&mut Scratch) -> R) -> R {
    let mut scratch = SPARE.take().unwrap_or_default();
    let result = work(&mut scratch);
    SPARE.set(Some(scratch));
    result
}
