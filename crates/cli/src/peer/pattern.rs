//! Messages whose content both ends can make, and sums that tell whether they arrived.

use sendrecv::Message;
use serde::Serialize;

/// How many messages went one way, and what was in them. The hash is a sum over messages, so that it does not depend
/// on their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Tally {
    pub(crate) messages: u32,
    pub(crate) bytes: u64,
    pub(crate) hash: u32,
}

impl Tally {
    pub(crate) fn add(&mut self, message: &Message) {
        let bytes = message.bytes();
        self.messages = self.messages.wrapping_add(1);
        self.bytes += bytes.len() as u64;
        self.hash = self.hash.wrapping_add(fnv(bytes));
    }
}

/// FNV-1a.
fn fnv(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// Message `index` of `size` bytes.
pub(crate) fn pattern(index: u32, size: usize) -> Vec<u8> {
    (0..size).map(|j| (index as usize * 31 + j * 7 + (j >> 8)) as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_publication_and_ignores_order() {
        assert_eq!([fnv(b""), fnv(b"a"), fnv(b"foobar")], [0x811c_9dc5, 0xe40c_292c, 0xbf9c_f968]);
        let messages = [Message::from("a"), Message::Binary(pattern(3, 1000).into())];
        let sum = |order: [usize; 2]| {
            let mut tally = Tally::default();
            order.iter().for_each(|i| tally.add(&messages[*i]));
            tally
        };
        assert_eq!(sum([0, 1]), sum([1, 0]));
    }
}
