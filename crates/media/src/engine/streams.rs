//! The received streams, at positions that stay.

use crate::receive::ReceiveStream;
use alloc::vec::Vec;

/// A slab of streams with a limit.
#[derive(Debug)]
pub(super) struct Streams {
    slots: Vec<Option<ReceiveStream>>,
    vacant: Vec<usize>,
    limit: usize,
}

impl Streams {
    pub(super) const fn new(limit: usize) -> Self {
        Self { slots: Vec::new(), vacant: Vec::new(), limit }
    }

    pub(super) fn is_full(&self) -> bool {
        self.slots.len() - self.vacant.len() >= self.limit
    }

    /// Adds a stream and returns its position; `None` at the limit.
    pub(super) fn insert(&mut self, stream: ReceiveStream) -> Option<usize> {
        if self.is_full() {
            return None;
        }
        let position = self.vacant.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        *self.slots.get_mut(position)? = Some(stream);
        Some(position)
    }

    pub(super) fn remove(&mut self, position: usize) -> Option<ReceiveStream> {
        let stream = self.slots.get_mut(position)?.take()?;
        self.vacant.push(position);
        Some(stream)
    }

    pub(super) fn get(&self, position: usize) -> Option<&ReceiveStream> {
        self.slots.get(position)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, position: usize) -> Option<&mut ReceiveStream> {
        self.slots.get_mut(position)?.as_mut()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &ReceiveStream> {
        self.slots.iter().flatten()
    }

    /// All streams with their positions.
    pub(super) fn enumerate(&self) -> impl Iterator<Item = (usize, &ReceiveStream)> {
        self.slots.iter().enumerate().filter_map(|(position, stream)| Some((position, stream.as_ref()?)))
    }
}
