//! One datagram under construction.

use crate::{NoSpace, Writer};
use core::ops::Range;

/// One datagram under construction inside a slice that the caller owns.
///
/// ```text
/// |<- headroom ->|<------ content ------>|<- free ->|<- tailroom ->|
/// ```
///
/// An upper layer appends plaintext to the content; the layer below seals it where it lies, prepends its header into
/// the headroom and, after [`release_tailroom`](Self::release_tailroom), appends its tag. Payload is copied once.
#[derive(Debug)]
pub struct PacketBuf<'a> {
    buf: &'a mut [u8],
    content: Range<usize>,
    limit: usize,
}

impl<'a> PacketBuf<'a> {
    /// An empty packet in `buf` that keeps `headroom` bytes before and `tailroom` bytes behind its content for lower
    /// layers. When `buf` is too small for them, the packet simply has no space.
    #[inline]
    pub fn new(buf: &'a mut [u8], headroom: usize, tailroom: usize) -> Self {
        let limit = buf.len().saturating_sub(tailroom);
        let start = headroom.min(limit);
        Self { buf, content: start..start, limit }
    }

    /// Puts `bytes` in front of the content.
    #[inline]
    pub fn prepend(&mut self, bytes: &[u8]) -> Result<(), NoSpace> {
        let start = self.content.start.checked_sub(bytes.len()).ok_or(NoSpace)?;
        self.buf.get_mut(start..self.content.start).ok_or(NoSpace)?.copy_from_slice(bytes);
        self.content.start = start;
        Ok(())
    }

    /// Extends the content by `count` zero bytes and returns them to be filled in.
    #[inline]
    pub fn reserve(&mut self, count: usize) -> Result<&mut [u8], NoSpace> {
        let start = self.content.end;
        let end = start.checked_add(count).filter(|end| *end <= self.limit).ok_or(NoSpace)?;
        let room = self.buf.get_mut(start..end).ok_or(NoSpace)?;
        room.fill(0);
        self.content.end = end;
        Ok(room)
    }

    /// Lets content grow into the tailroom that the upper layers had to leave.
    #[inline]
    pub fn release_tailroom(&mut self) {
        self.limit = self.buf.len();
    }

    /// Keeps `tailroom` more bytes free behind the content.
    pub fn reserve_tailroom(&mut self, tailroom: usize) {
        self.limit = self.limit.saturating_sub(tailroom).max(self.content.end);
    }

    /// Bounds the content to at most `max` bytes in all, e.g. to a path's packet budget.
    #[inline]
    pub fn limit_len(&mut self, max: usize) {
        self.limit = self.limit.min(self.content.start.saturating_add(max)).max(self.content.end);
    }

    /// Shortens the content to `len` bytes; longer than it is changes nothing.
    #[inline]
    pub fn truncate(&mut self, len: usize) {
        self.content.end = self.content.end.min(self.content.start.saturating_add(len));
    }

    /// Empties the content; head- and tailroom stay as they are.
    pub fn clear(&mut self) {
        self.content.end = self.content.start;
    }

    /// The content so far.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.buf.get(self.content.clone()).unwrap_or_default()
    }

    /// The content so far, to be sealed or patched in place.
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.buf.get_mut(self.content.clone()).unwrap_or_default()
    }

    /// Content length in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.content.len()
    }

    /// Whether there is no content yet.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.content.is_empty()
    }

    /// How many bytes can still be appended.
    #[inline]
    pub fn space(&self) -> usize {
        self.limit.saturating_sub(self.content.end)
    }

    /// Where the content lies inside the caller's slice.
    #[inline]
    pub fn range(&self) -> Range<usize> {
        self.content.clone()
    }

    /// Ends the construction and returns the datagram.
    #[inline]
    pub fn finish(self) -> &'a mut [u8] {
        self.buf.get_mut(self.content).unwrap_or_default()
    }
}

impl Writer for PacketBuf<'_> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) -> Result<(), NoSpace> {
        let start = self.content.end;
        let end = start.checked_add(bytes.len()).filter(|end| *end <= self.limit).ok_or(NoSpace)?;
        self.buf.get_mut(start..end).ok_or(NoSpace)?.copy_from_slice(bytes);
        self.content.end = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_share_one_slice() {
        let mut slab = [0; 8];
        let mut packet = PacketBuf::new(&mut slab, 2, 3);
        packet.put(b"abc").unwrap();
        assert_eq!(packet.put_u8(0), Err(NoSpace));
        packet.prepend(b"h").unwrap();
        packet.release_tailroom();
        packet.put(b"tag").unwrap();
        assert_eq!(packet.prepend(b"xx"), Err(NoSpace));
        assert_eq!(packet.finish(), b"habctag");
    }

    #[test]
    fn a_limit_never_cuts_into_content() {
        let mut slab = [0; 16];
        let mut packet = PacketBuf::new(&mut slab, 0, 0);
        packet.put(b"12345").unwrap();
        packet.limit_len(3);
        assert_eq!((packet.len(), packet.space()), (5, 0));
        packet.truncate(2);
        assert_eq!(packet.bytes(), b"12");
    }

    #[test]
    fn a_slice_too_small_for_its_rooms_has_no_space() {
        let mut slab = [0; 4];
        let mut packet = PacketBuf::new(&mut slab, 13, 16);
        assert_eq!((packet.space(), packet.put_u8(1)), (0, Err(NoSpace)));
    }
}
