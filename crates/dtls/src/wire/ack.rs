//! ACK (RFC 9147, section 7).
//!
//! ```text
//! | length (16) | record numbers: epoch (64), sequence number (64) |
//! ```

use super::{DecodeError, Encoder, finish};
use alloc::vec::Vec;
use sendrecv_core::Reader;

/// The name of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordNumber {
    /// The epoch.
    pub epoch: u64,
    /// The sequence number.
    pub sequence: u64,
}

/// Length of one record number in bytes.
const NUMBER_LEN: usize = 16;

/// Reads an ACK's content.
pub fn parse(content: &[u8]) -> Result<impl Iterator<Item = RecordNumber> + '_, DecodeError> {
    let mut reader = Reader::new(content);
    let list = reader.vec16()?;
    finish(&reader)?;
    if list.len() % NUMBER_LEN != 0 {
        return Err(DecodeError::BadLength);
    }
    let mut list = Reader::new(list);
    Ok(core::iter::from_fn(move || {
        Some(RecordNumber { epoch: list.u64().ok()?, sequence: list.u64().ok()? })
    }))
}

/// Writes an ACK's content.
pub(crate) fn encode(numbers: &[RecordNumber]) -> Vec<u8> {
    let mut out = Encoder::new();
    out.vec16(|out| {
        for number in numbers {
            out.u64(number.epoch);
            out.u64(number.sequence);
        }
    });
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_round_trip(numbers in prop::collection::vec((0u64..9, any::<u64>()), 0..20)) {
            let numbers: Vec<_> = numbers.into_iter().map(|(epoch, sequence)| RecordNumber { epoch, sequence }).collect();
            let content = encode(&numbers);
            prop_assert_eq!(parse(&content).unwrap().collect::<Vec<_>>(), numbers);
        }

        #[test]
        fn junk_never_panics(bytes: Vec<u8>) {
            let _ = parse(&bytes).map(Iterator::count);
        }
    }
}
