//! Datagrams on their way.

/// Datagrams, one behind the other in memory that is kept: carrying them costs every stack one copy and no allocation.
#[derive(Default)]
pub struct Wire {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Wire {
    /// Adds a datagram.
    pub fn push(&mut self, datagram: &[u8]) {
        self.bytes.extend_from_slice(datagram);
        self.ends.push(self.bytes.len());
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Calls `take` with each datagram, in order, and forgets them.
    pub fn drain(&mut self, mut take: impl FnMut(&mut [u8])) {
        let mut start = 0;
        for end in self.ends.drain(..) {
            take(&mut self.bytes[start..end]);
            start = end;
        }
        self.bytes.clear();
    }
}
