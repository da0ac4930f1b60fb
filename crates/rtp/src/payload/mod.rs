//! Payload formats: how encoded frames travel in RTP packets.

pub mod av1;
pub mod h264;
pub mod opus;
pub mod vp8;
pub mod vp9;

/// A payload format this crate knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PayloadFormat {
    /// Opus (RFC 7587).
    Opus,
    /// VP8 (RFC 7741).
    Vp8,
    /// VP9 (RFC 9628).
    Vp9,
    /// H.264 (RFC 6184).
    H264,
    /// AV1 (AOM's RTP payload format for AV1).
    Av1,
}

impl PayloadFormat {
    /// The format with this encoding name of `a=rtpmap`, which is case-insensitive.
    pub fn from_encoding_name(name: &str) -> Option<Self> {
        let known = [Self::Opus, Self::Vp8, Self::Vp9, Self::H264, Self::Av1];
        known.into_iter().find(|format| format.encoding_name().eq_ignore_ascii_case(name))
    }

    /// The encoding name of `a=rtpmap`.
    pub const fn encoding_name(self) -> &'static str {
        match self {
            Self::Opus => "opus",
            Self::Vp8 => "VP8",
            Self::Vp9 => "VP9",
            Self::H264 => "H264",
            Self::Av1 => "AV1",
        }
    }

    /// Whether this payload begins, or is part of the beginning of, a frame that decodes without others. Audio frames
    /// all do, and count as none.
    pub fn starts_keyframe(self, payload: &[u8]) -> bool {
        match self {
            Self::Opus => false,
            Self::Vp8 => vp8::starts_keyframe(payload),
            Self::Vp9 => vp9::starts_keyframe(payload),
            Self::H264 => h264::starts_keyframe(payload),
            Self::Av1 => av1::starts_keyframe(payload),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_names_ignore_case() {
        assert_eq!(PayloadFormat::from_encoding_name("OPUS"), Some(PayloadFormat::Opus));
        assert_eq!(PayloadFormat::from_encoding_name("vp8"), Some(PayloadFormat::Vp8));
        assert_eq!(PayloadFormat::from_encoding_name("rtx"), None);
    }
}
