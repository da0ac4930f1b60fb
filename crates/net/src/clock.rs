//! The only place where clocks are read and entropy is drawn.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "the host owns time and entropy")]

use rand::TryRng;
use rand::rngs::SysRng;
use sendrecv_core::{Instant, Seed};
use std::io;
use std::time::{self, SystemTime, UNIX_EPOCH};

/// The system's monotonic clock as machines see it. Copies share their epoch, so one clock serves all peers.
#[derive(Clone, Copy, Debug)]
pub struct HostClock {
    epoch: time::Instant,
    unix_ms_at_epoch: u64,
}

impl HostClock {
    /// A clock whose epoch is now.
    pub fn start() -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            epoch: time::Instant::now(),
            unix_ms_at_epoch: u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// The machines' time now.
    pub fn now(&self) -> Instant {
        Instant::ZERO + self.epoch.elapsed()
    }

    /// The system's name for a machine's deadline; `None` when it is too far away to matter.
    pub fn to_system(&self, at: Instant) -> Option<time::Instant> {
        self.epoch.checked_add(at - Instant::ZERO)
    }

    /// Wall-clock time at the epoch, in milliseconds since 1970: what configurations want to know.
    pub const fn unix_ms_at_epoch(&self) -> u64 {
        self.unix_ms_at_epoch
    }
}

/// A fresh seed for one peer, from the operating system. Fails only where the system has no entropy.
pub fn seed_from_os() -> io::Result<Seed> {
    let mut bytes = [0; 32];
    SysRng.try_fill_bytes(&mut bytes).map_err(io::Error::other)?;
    Ok(Seed::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_starts_at_its_epoch_and_converts_back() {
        let clock = HostClock::start();
        let now = clock.now();
        assert!(now < Instant::from_millis(1_000));
        assert!(clock.to_system(now).unwrap() <= time::Instant::now());
        assert!(clock.unix_ms_at_epoch() > 1_500_000_000_000);
    }

    #[test]
    fn seeds_differ() {
        assert_ne!(seed_from_os().unwrap(), seed_from_os().unwrap());
    }
}
