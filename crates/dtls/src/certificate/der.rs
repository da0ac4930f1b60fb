//! Just enough DER (X.690) for certificates: tag, length, value.

use alloc::vec::Vec;
use sendrecv_core::Reader;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const UTF8_STRING: u8 = 0x0c;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
/// The explicit tag `[0]` of a certificate's version.
pub(super) const VERSION: u8 = 0xa0;

/// Reads the next value, which must have this tag.
pub(super) fn expect<'a>(reader: &mut Reader<'a>, tag: u8) -> Option<&'a [u8]> {
    let (found, value) = next(reader)?;
    (found == tag).then_some(value)
}

/// Reads the next tag and value. Lengths of up to three bytes; indefinite ones are not DER.
pub(super) fn next<'a>(reader: &mut Reader<'a>) -> Option<(u8, &'a [u8])> {
    let tag = reader.u8().ok()?;
    let len = match reader.u8().ok()? {
        short @ 0..=0x7f => usize::from(short),
        0x81 => usize::from(reader.u8().ok()?),
        0x82 => usize::from(reader.u16().ok()?),
        0x83 => usize::try_from(reader.u24().ok()?).ok()?,
        _ => return None,
    };
    Some((tag, reader.take(len).ok()?))
}

/// The encoding of one value.
pub(super) fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = alloc::vec![tag];
    let len = u32::try_from(content.len()).unwrap_or(u32::MAX);
    let [_, a, b, c] = len.to_be_bytes();
    match len {
        0..=0x7f => out.push(c),
        0x80..=0xff => out.extend([0x81, c]),
        0x100..=0xffff => out.extend([0x82, b, c]),
        _ => out.extend([0x83, a, b, c]),
    }
    out.extend_from_slice(content);
    out
}

/// A SEQUENCE of encoded values.
pub(super) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    value(SEQUENCE, &parts.concat())
}

/// A BIT STRING of whole bytes.
pub(super) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    value(BIT_STRING, &[&[0], bytes].concat())
}

/// The bytes of a BIT STRING that has no unused bits.
pub(super) fn whole_bytes(content: &[u8]) -> Option<&[u8]> {
    content.split_first().and_then(|(unused, bytes)| (*unused == 0).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn values_of_all_lengths_round_trip(tag: u8, len in 0usize..70_000) {
            let encoded = value(tag, &alloc::vec![7; len]);
            let mut reader = Reader::new(&encoded);
            prop_assert_eq!(next(&mut reader).map(|(tag, value)| (tag, value.len())), Some((tag, len)));
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn junk_never_panics(bytes: Vec<u8>) {
            let _ = next(&mut Reader::new(&bytes));
        }
    }
}
