//! Waiting for the end of a peer or a thread.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Tells any number of waiting threads of an end.
#[derive(Clone, Debug, Default)]
pub(crate) struct End(Arc<(Mutex<bool>, Condvar)>);

impl End {
    /// Blocks until it has come.
    pub(crate) fn wait(&self) {
        let (ended, changed) = &*self.0;
        let ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
        drop(changed.wait_while(ended, |ended| !*ended));
    }
}

/// Held by what is to end: it tells even when the application panics.
#[derive(Debug)]
pub(crate) struct EndOnDrop(pub(crate) End);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        let (ended, changed) = &*self.0.0;
        *ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
    }
}
