//! An allocator that counts while it is told to, for the benches that report heap use.
//!
//! Counting costs as much as allocating does, so it is off where speed is measured: it would be unfair to those who
//! allocate much.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

static COUNTING: AtomicBool = AtomicBool::new(false);
static COUNT: AtomicUsize = AtomicUsize::new(0);
static LIVE: AtomicUsize = AtomicUsize::new(0);

/// The system allocator, counted.
pub struct Counting;

// SAFETY: every call is passed on unchanged to the system allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if COUNTING.load(Relaxed) {
            LIVE.fetch_sub(layout.size(), Relaxed);
        }
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn count(new: usize, old: usize) {
    if COUNTING.load(Relaxed) {
        COUNT.fetch_add(1, Relaxed);
        LIVE.fetch_add(new.wrapping_sub(old), Relaxed);
    }
}

/// What happened on the heap.
#[derive(Clone, Copy, Debug)]
pub struct Heap {
    /// Allocations and reallocations.
    pub allocations: usize,
    /// Bytes that were allocated and not freed; negative when more was freed.
    pub kept_bytes: isize,
}

/// Runs `work` and says what it did on the heap.
pub fn counted<T>(work: impl FnOnce() -> T) -> (T, Heap) {
    let (allocations, live) = (COUNT.load(Relaxed), LIVE.load(Relaxed));
    COUNTING.store(true, Relaxed);
    let result = work();
    COUNTING.store(false, Relaxed);
    let kept_bytes = LIVE.load(Relaxed).wrapping_sub(live) as isize;
    (result, Heap { allocations: COUNT.load(Relaxed) - allocations, kept_bytes })
}
