//! AV1 (AOM's "RTP Payload Format For AV1", version 1.0).
//!
//! ```text
//!  0 1 2 3 4 5 6 7
//! +-+-+-+-+-+-+-+-+
//! |Z|Y| W |N|-|-|-|  aggregation header, then OBU elements
//! +-+-+-+-+-+-+-+-+
//! ```

/// Whether this payload is the first packet of a coded video sequence, which begins with a keyframe (section 4.4).
pub fn starts_keyframe(payload: &[u8]) -> bool {
    payload.first().is_some_and(|header| header & 0x08 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_n_bit_begins_a_coded_video_sequence() {
        assert!(starts_keyframe(&[0x18, 0]));
        assert!(!starts_keyframe(&[0x10, 0]));
        assert!(!starts_keyframe(&[]));
    }
}
