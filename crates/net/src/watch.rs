//! Noticing addresses that come and go.
//!
//! The system's list of addresses is read every so often, by one thread for all hosts of the process; it takes the system
//! some 50 microseconds. Every platform has the list, whereas telling of changes is different on each.

use crate::interfaces::{LocalAddress, all_addresses};
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Told of the new list, when it has changed.
pub(crate) type Listener = Box<dyn Fn(&[LocalAddress]) + Send>;

struct Watcher {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    listeners: Vec<(u64, Duration, Listener)>,
    next: u64,
    running: bool,
}

static WATCHER: Watcher = Watcher {
    state: Mutex::new(State { listeners: Vec::new(), next: 0, running: false }),
    changed: Condvar::new(),
};

/// Somebody wants to know; until it is dropped.
pub(crate) struct Watch(u64);

impl Watch {
    /// Looks at least every `period`, beginning with what is there now.
    pub(crate) fn start(period: Duration, listener: Listener) -> Self {
        let mut state = WATCHER.lock();
        let id = state.next;
        state.next = state.next.wrapping_add(1);
        state.listeners.push((id, period.max(Duration::from_millis(10)), listener));
        WATCHER.changed.notify_all();
        if !state.running {
            let thread = thread::Builder::new().name("sendrecv watch".to_owned());
            match thread.spawn(|| WATCHER.run()) {
                Ok(_) => state.running = true,
                Err(error) => tracing::warn!(%error, "no thread to watch the network's interfaces"),
            }
        }
        Self(id)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut state = WATCHER.lock();
        let gone = state.listeners.iter().position(|(id, ..)| *id == self.0);
        // What the listener holds may end a peer, which may hold a watch.
        let listener = gone.map(|index| state.listeners.swap_remove(index));
        drop(state);
        WATCHER.changed.notify_all();
        drop(listener);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

impl Watcher {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs for as long as anybody wants to know.
    fn run(&self) {
        let mut known = all_addresses().unwrap_or_default();
        let mut state = self.lock();
        while let Some(period) = state.listeners.iter().map(|(_, period, _)| *period).min() {
            state = self.changed.wait_timeout(state, period).unwrap_or_else(PoisonError::into_inner).0;
            match all_addresses() {
                Ok(now) if now != known => {
                    tracing::debug!(addresses = now.len(), "the addresses of this machine have changed");
                    state.listeners.iter().for_each(|(.., listener)| listener(&now));
                    known = now;
                }
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, "the interfaces could not be listed"),
            }
        }
        state.running = false;
    }
}
