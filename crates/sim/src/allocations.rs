//! Counting allocations, for tests that promise none.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static HELD: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, counting per thread. A test binary installs it with
/// `#[global_allocator] static ALLOCATOR: Counting = Counting;`.
#[derive(Debug)]
pub struct Counting;

/// What this thread has done on the heap since this was made; without [`Counting`] installed, nothing.
#[derive(Clone, Copy, Debug)]
pub struct Allocations {
    count: u64,
    held: usize,
}

impl Allocations {
    /// Starts to count.
    pub fn start() -> Self {
        Self { count: COUNT.get(), held: HELD.get() }
    }

    /// Allocations and reallocations since.
    pub fn count(self) -> u64 {
        COUNT.get() - self.count
    }

    /// Bytes allocated since and not freed; negative when more was freed.
    pub fn held_bytes(self) -> isize {
        HELD.get().wrapping_sub(self.held).cast_signed()
    }
}

fn count(new: usize, old: usize) {
    COUNT.set(COUNT.get() + 1);
    HELD.set(HELD.get().wrapping_add(new).wrapping_sub(old));
}

#[allow(unsafe_code, reason = "an allocator cannot be written without")]
// SAFETY: every call goes to the system's allocator as it is; counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: as promised by our caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.set(HELD.get().wrapping_sub(layout.size()));
        // SAFETY: as promised by our caller.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        // SAFETY: as promised by our caller.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
