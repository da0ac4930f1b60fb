//! Application data on its way up, in the datagram it came in.
//!
//! Records are opened in place, so behind every plaintext lie the 16 bytes that were its tag. Each payload's tag space
//! says where the next payload is: the iterator needs nothing but the datagram, however many records it holds.

use core::fmt;
use core::ops::Range;

/// Bytes of a link: how many to skip, and how long the payload is.
const LINK_LEN: usize = 8;

/// Where the next payload is, counted from the end of the link before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Link {
    skip: u32,
    len: u32,
}

impl Link {
    fn between(from: usize, to: &Range<usize>) -> Self {
        let number = |value: usize| u32::try_from(value).unwrap_or(0);
        Self { skip: number(to.start.saturating_sub(from)), len: number(to.len()) }
    }

    fn encode(self) -> [u8; LINK_LEN] {
        let ([a, b, c, d], [e, f, g, h]) = (self.skip.to_be_bytes(), self.len.to_be_bytes());
        [a, b, c, d, e, f, g, h]
    }

    const fn decode([a, b, c, d, e, f, g, h]: [u8; LINK_LEN]) -> Self {
        Self { skip: u32::from_be_bytes([a, b, c, d]), len: u32::from_be_bytes([e, f, g, h]) }
    }
}

/// Collects the payloads of one datagram.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    first: Link,
    /// Where the link of the last payload goes.
    tail: Option<usize>,
}

impl Delivery {
    /// Appends a payload that has at least [`LINK_LEN`] free bytes behind it. Empty ones are not worth delivering.
    pub(crate) fn push(&mut self, datagram: &mut [u8], payload: &Range<usize>) {
        if payload.is_empty() {
            return;
        }
        match self.tail {
            None => self.first = Link::between(0, payload),
            Some(tail) => write(datagram, tail, Link::between(tail.saturating_add(LINK_LEN), payload)),
        }
        self.tail = Some(payload.end);
    }

    pub(crate) fn finish(self, datagram: &mut [u8]) -> Records<'_> {
        if let Some(tail) = self.tail {
            write(datagram, tail, Link::default());
        }
        Records { rest: datagram, next: self.first }
    }
}

fn write(datagram: &mut [u8], at: usize, link: Link) {
    if let Some(space) = datagram.get_mut(at..at.saturating_add(LINK_LEN)) {
        space.copy_from_slice(&link.encode());
    }
}

/// The application data of one datagram, record by record, decrypted where it lay.
pub struct Records<'b> {
    rest: &'b mut [u8],
    next: Link,
}

impl<'b> Iterator for Records<'b> {
    type Item = &'b mut [u8];

    fn next(&mut self) -> Option<Self::Item> {
        let link = core::mem::take(&mut self.next);
        if link.len == 0 {
            return None;
        }
        let rest = core::mem::take(&mut self.rest);
        let (_, rest) = rest.split_at_mut_checked(usize::try_from(link.skip).ok()?)?;
        let (payload, rest) = rest.split_at_mut_checked(usize::try_from(link.len).ok()?)?;
        let (space, rest) = rest.split_first_chunk_mut::<LINK_LEN>()?;
        self.next = Link::decode(*space);
        self.rest = rest;
        Some(payload)
    }
}

impl fmt::Debug for Records<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Records(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_payload_comes_out_once_and_in_order(shape in prop::collection::vec((2usize..40, 0usize..50, 16usize..30), 0..20)) {
            let (mut datagram, mut ranges) = (Vec::new(), Vec::new());
            for (i, (header, len, tag)) in shape.into_iter().enumerate() {
                datagram.resize(datagram.len() + header, 0xff);
                ranges.push(datagram.len()..datagram.len() + len);
                datagram.resize(datagram.len() + len, u8::try_from(i).unwrap());
                datagram.resize(datagram.len() + tag, 0xff);
            }
            let expected: Vec<Vec<u8>> = ranges.iter().filter(|range| !range.is_empty()).map(|range| datagram[range.clone()].to_vec()).collect();
            let mut delivery = Delivery::default();
            ranges.iter().for_each(|range| delivery.push(&mut datagram, range));
            let got: Vec<Vec<u8>> = delivery.finish(&mut datagram).map(|payload| payload.to_vec()).collect();
            prop_assert_eq!(got, expected);
        }
    }
}
