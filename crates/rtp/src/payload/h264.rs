//! H.264 (RFC 6184).
//!
//! ```text
//! single NAL unit     STAP-A (type 24)                 FU-A (type 28)
//! +-+-+-+-+-+-+-+-+   +---------+--------+-------+     +-+-+-+-+-+-+-+-+  +-+-+-+-+-+-+-+-+
//! |F|NRI|  type   |   | header  | size16 | NALU  |...  |F|NRI|   28    |  |S|E|R|  type   | fragment
//! +-+-+-+-+-+-+-+-+   +---------+--------+-------+     +-+-+-+-+-+-+-+-+  +-+-+-+-+-+-+-+-+
//! ```

use sendrecv_core::Reader;

/// The type of a NAL unit that holds a slice of an IDR picture.
const IDR_SLICE: u8 = 5;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// Whether this payload holds the beginning of a slice of an IDR picture, alone, aggregated or fragmented.
pub fn starts_keyframe(payload: &[u8]) -> bool {
    let Some((header, rest)) = payload.split_first() else { return false };
    match header & 0x1f {
        IDR_SLICE => true,
        STAP_A => aggregated(rest).any(|unit| unit.first().is_some_and(|header| header & 0x1f == IDR_SLICE)),
        FU_A => rest.first().is_some_and(|header| header & 0x80 != 0 && header & 0x1f == IDR_SLICE),
        _ => false,
    }
}

/// The NAL units behind a STAP-A header, up to the first that does not fit.
fn aggregated(units: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut reader = Reader::new(units);
    core::iter::from_fn(move || reader.vec16().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyframe_holds_an_idr_slice() {
        assert!(starts_keyframe(&[0x65, 1]));
        assert!(starts_keyframe(&[0x78, 0, 2, 0x67, 1, 0, 1, 0x65]));
        assert!(starts_keyframe(&[0x7c, 0x85, 1]));
        for other in [&[0x61, 1][..], &[0x7c, 0x05, 1], &[0x78, 0, 1, 0x67], &[0x78, 0, 9, 0x65], &[]] {
            assert!(!starts_keyframe(other), "{other:?}");
        }
    }
}
