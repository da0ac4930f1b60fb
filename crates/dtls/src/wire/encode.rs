//! Writing handshake messages.

use alloc::vec::Vec;

/// A growing message. Vectors are written by closures, their lengths filled in afterwards.
#[derive(Clone, Debug, Default)]
pub(crate) struct Encoder(Vec<u8>);

impl Encoder {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_be_bytes());
    }

    /// A vector with a one-byte length.
    pub(crate) fn vec8(&mut self, content: impl FnOnce(&mut Self)) {
        self.prefixed::<1>(content);
    }

    /// A vector with a two-byte length.
    pub(crate) fn vec16(&mut self, content: impl FnOnce(&mut Self)) {
        self.prefixed::<2>(content);
    }

    /// A vector with a three-byte length.
    pub(crate) fn vec24(&mut self, content: impl FnOnce(&mut Self)) {
        self.prefixed::<3>(content);
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }

    fn prefixed<const N: usize>(&mut self, content: impl FnOnce(&mut Self)) {
        let start = self.0.len();
        self.bytes(&[0; N]);
        content(self);
        let len = self.0.len().saturating_sub(start).saturating_sub(N);
        debug_assert!(
            len.checked_shr(8 * N.try_into().unwrap_or(8)).unwrap_or(0) == 0,
            "a vector is too long"
        );
        let len = u64::try_from(len).unwrap_or(u64::MAX).to_be_bytes();
        if let (Some(to), Some(from)) =
            (self.0.get_mut(start..start.saturating_add(N)), len.last_chunk::<N>())
        {
            to.copy_from_slice(from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_filled_in() {
        let mut message = Encoder::new();
        message.vec16(|outer| {
            outer.u8(7);
            outer.vec8(|inner| inner.bytes(b"ab"));
            outer.vec24(|_| ());
        });
        assert_eq!(message.finish(), [0, 7, 7, 2, b'a', b'b', 0, 0, 0]);
    }
}
