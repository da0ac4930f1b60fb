//! How much the peer may send before the application has taken something.

/// The window a connection starts with.
const INITIAL: usize = 1 << 20;

/// What a finished message is charged beside its bytes, so that many small ones cannot take much memory.
const MESSAGE_OVERHEAD: usize = 64;

/// The receive window: its limit grows while the application keeps up, so that a memory-hungry window is only given to
/// one that empties it. What waits for the rest of its message, or for something lost before it, is not the
/// application's fault, and makes it grow too.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    limit: usize,
    max: usize,
    /// Bytes of finished messages that the application has not taken.
    undelivered: usize,
    /// Bytes taken since the limit last grew.
    taken: usize,
    /// What the last SACK said.
    announced: usize,
}

impl Window {
    pub(crate) fn new(max: usize) -> Self {
        let limit = INITIAL.min(max);
        Self { limit, max, undelivered: 0, taken: 0, announced: limit }
    }

    pub(crate) const fn limit(&self) -> usize {
        self.limit
    }

    /// A message was finished.
    pub(crate) fn deliver(&mut self, len: usize) {
        self.undelivered = self.undelivered.saturating_add(len).saturating_add(MESSAGE_OVERHEAD);
    }

    /// The application took a message. Taking half a window doubles it: in slow start that is always ahead of what the
    /// peer may have in flight.
    pub(crate) fn take(&mut self, len: usize) {
        self.undelivered = self.undelivered.saturating_sub(len).saturating_sub(MESSAGE_OVERHEAD);
        self.taken = self.taken.saturating_add(len);
        if self.taken >= self.limit / 2 && self.limit < self.max {
            self.limit = self.limit.saturating_mul(2).min(self.max);
            self.taken = 0;
        }
    }

    /// By how much a message of which `growing` bytes are here is beyond half the buffer, once that is as large as it gets.
    pub(crate) const fn excess(&self, growing: usize) -> usize {
        if self.limit < self.max { 0 } else { growing.saturating_sub(self.max / 2) }
    }

    /// What the peer may send, with `held` bytes in reassembly.
    pub(crate) fn available(&self, held: usize) -> usize {
        self.limit.saturating_sub(held).saturating_sub(self.undelivered)
    }

    /// Whether `len` more bytes may be kept. Below the limit anything may; what fills a gap, up to twice that.
    pub(crate) fn has_room(&self, held: usize, len: usize, fills_gap: bool) -> bool {
        let limit =
            if fills_gap { self.max.saturating_mul(2) } else { self.max.saturating_add(self.max / 4) };
        held.saturating_add(self.undelivered).saturating_add(len) <= limit
    }

    /// What a SACK says now, with `held` bytes in reassembly.
    pub(crate) fn announce(&mut self, held: usize) -> usize {
        while held > self.limit / 2 && self.limit < self.max {
            self.limit = self.limit.saturating_mul(2).min(self.max);
        }
        self.announced = self.available(held);
        self.announced
    }

    /// Whether the window opened so far since the peer last heard that it should hear again.
    pub(crate) fn worth_announcing(&self, held: usize) -> bool {
        self.announced < self.limit / 4 && self.available(held) >= self.limit / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_grows_to_its_limit_only_as_data_is_taken() {
        let mut window = Window::new(16 << 20);
        window.deliver(1 << 20);
        assert_eq!((window.limit(), window.available(0)), (1 << 20, 0));
        for _ in 0..64 {
            window.deliver(1 << 20);
            window.take(1 << 20);
        }
        assert_eq!(window.limit(), 16 << 20);
    }

    #[test]
    fn a_message_longer_than_the_window_opens_it() {
        let mut window = Window::new(16 << 20);
        assert_eq!(window.announce(600_000), (2 << 20) - 600_000);
        assert_eq!(window.announce(6 << 20), 10 << 20);
        assert_eq!(window.announce(16 << 20), 0);
    }

    #[test]
    fn a_reopened_window_is_announced_once() {
        let mut window = Window::new(1 << 20);
        window.deliver(1 << 20);
        assert_eq!(window.announce(0), 0);
        window.take(1 << 20);
        assert!(window.worth_announcing(0));
        window.announce(0);
        assert!(!window.worth_announcing(0));
    }
}
