//! The round-trip time as it is now, whatever single acknowledgements were late.

use core::time::Duration;

const SAMPLES: usize = 8;

/// The newest eight samples.
#[derive(Clone, Debug)]
pub(super) struct Recent {
    /// In no order: the next takes the place of the oldest.
    samples: [Duration; SAMPLES],
    next: usize,
}

impl Recent {
    /// Before eight samples the lowest is zero, from which nobody concludes anything.
    pub(super) const fn new() -> Self {
        Self { samples: [Duration::ZERO; SAMPLES], next: 0 }
    }

    pub(super) fn add(&mut self, rtt: Duration) {
        if let Some(oldest) = self.samples.get_mut(self.next) {
            *oldest = rtt;
        }
        self.next = self.next.saturating_add(1) % SAMPLES;
    }

    /// The lowest of them.
    pub(super) fn lowest(&self) -> Duration {
        self.samples.iter().min().copied().unwrap_or_default()
    }
}
