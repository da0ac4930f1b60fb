//! The values inside header extension elements.

use sendrecv_core::Instant;

/// When a packet was sent, in seconds as 6.18 fixed point, wrapping every 64 s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AbsSendTime(
    /// The low 24 bits count 2⁻¹⁸ seconds.
    pub u32,
);

impl AbsSendTime {
    /// The value for a packet sent at `now`. Only differences mean anything, so the host's epoch will do.
    pub fn at(now: Instant) -> Self {
        let units = (u128::from(now.as_nanos()) << 18) / 1_000_000_000;
        Self(u32::try_from(units & 0x00ff_ffff).unwrap_or(0))
    }

    /// Reads the element's three bytes.
    pub fn parse(data: &[u8]) -> Option<Self> {
        let [a, b, c] = *data.first_chunk()?;
        Some(Self(u32::from_be_bytes([0, a, b, c])))
    }

    /// The element's three bytes.
    pub const fn to_bytes(self) -> [u8; 3] {
        let [_, a, b, c] = self.0.to_be_bytes();
        [a, b, c]
    }
}

/// The packet's number among all packets of the transport (draft-holmer-rmcat-transport-wide-cc-extensions-01,
/// section 2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransportSequenceNumber(
    /// Wraps at 2¹⁶.
    pub u16,
);

impl TransportSequenceNumber {
    /// Reads the element's two bytes.
    pub fn parse(data: &[u8]) -> Option<Self> {
        data.first_chunk().map(|bytes| Self(u16::from_be_bytes(*bytes)))
    }

    /// The element's two bytes.
    pub const fn to_bytes(self) -> [u8; 2] {
        self.0.to_be_bytes()
    }
}

/// How loud a packet's audio is (RFC 6464, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioLevel {
    /// Below full scale in dB: 0 is the loudest, 127 is silence.
    pub level: u8,
    /// Whether the sender thinks that there is speech.
    pub voice: bool,
}

impl AudioLevel {
    /// Reads the element's first byte.
    pub fn parse(data: &[u8]) -> Option<Self> {
        data.first().map(|byte| Self { level: byte & 0x7f, voice: byte & 0x80 != 0 })
    }

    /// The element's byte.
    pub const fn to_bytes(self) -> [u8; 1] {
        [self.level & 0x7f | if self.voice { 0x80 } else { 0 }]
    }
}

/// How loud each contributing source is, in the order of the CSRC list (RFC 6465, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CsrcAudioLevels<'a>(&'a [u8]);

impl<'a> CsrcAudioLevels<'a> {
    /// Takes the element's bytes, one per contributing source.
    pub const fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    /// The levels in −dBov, 0 to 127.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = u8> + 'a {
        self.0.iter().map(|byte| byte & 0x7f)
    }
}

/// How much later than its timestamp says the packet was sent, in timestamp units (RFC 5450, section 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransmissionOffset(
    /// Signed 24 bits.
    pub i32,
);

impl TransmissionOffset {
    /// Reads the element's three bytes.
    pub fn parse(data: &[u8]) -> Option<Self> {
        let [a, b, c] = *data.first_chunk()?;
        Some(Self(i32::from_be_bytes([a, b, c, 0]) >> 8))
    }

    /// The element's three bytes: the low 24 bits.
    pub const fn to_bytes(self) -> [u8; 3] {
        let [_, a, b, c] = self.0.to_be_bytes();
        [a, b, c]
    }
}

/// By how much the video is to be turned clockwise to be upright.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rotation {
    /// It is upright.
    #[default]
    None,
    /// By 90 degrees.
    Degrees90,
    /// By 180 degrees.
    Degrees180,
    /// By 270 degrees.
    Degrees270,
}

/// Coordination of video orientation, CVO (3GPP TS 26.114, section 7.4.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VideoOrientation {
    /// The rotation.
    pub rotation: Rotation,
    /// Whether it is mirrored horizontally.
    pub flip: bool,
    /// Whether it comes from the back camera.
    pub back_camera: bool,
}

impl VideoOrientation {
    /// Reads the element's first byte.
    pub fn parse(data: &[u8]) -> Option<Self> {
        let byte = *data.first()?;
        let rotation = match byte & 3 {
            0 => Rotation::None,
            1 => Rotation::Degrees90,
            2 => Rotation::Degrees180,
            _ => Rotation::Degrees270,
        };
        Some(Self { rotation, flip: byte & 4 != 0, back_camera: byte & 8 != 0 })
    }

    /// The element's byte.
    pub const fn to_bytes(self) -> [u8; 1] {
        let rotation = match self.rotation {
            Rotation::None => 0,
            Rotation::Degrees90 => 1,
            Rotation::Degrees180 => 2,
            Rotation::Degrees270 => 3,
        };
        [rotation | if self.flip { 4 } else { 0 } | if self.back_camera { 8 } else { 0 }]
    }
}

/// Bounds for the receiver's playout delay, each 12 bits in units of 10 ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlayoutDelay {
    /// The least delay, 0 to 4095.
    pub min_10ms: u16,
    /// The greatest delay, 0 to 4095.
    pub max_10ms: u16,
}

impl PlayoutDelay {
    /// Reads the element's three bytes.
    pub fn parse(data: &[u8]) -> Option<Self> {
        let [a, b, c] = *data.first_chunk()?;
        Some(Self { min_10ms: u16::from_be_bytes([a, b]) >> 4, max_10ms: u16::from_be_bytes([b & 0x0f, c]) })
    }

    /// The element's three bytes.
    pub const fn to_bytes(self) -> [u8; 3] {
        let [a, b] = (self.min_10ms << 4).to_be_bytes();
        let [c, d] = (self.max_10ms & 0x0fff).to_be_bytes();
        [a, b | c, d]
    }
}

/// The text of a MID, RtpStreamId or RepairedRtpStreamId element (RFC 8852, RFC 9143). `None` for bytes that are not
/// printable ASCII, for which no SDP token can exist.
pub fn sdes_text(data: &[u8]) -> Option<&str> {
    core::str::from_utf8(data)
        .ok()
        .filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;
    use proptest::prelude::*;

    #[test]
    fn abs_send_time_is_6_18_fixed_point_and_wraps() {
        let at = |millis| AbsSendTime::at(Instant::ZERO + Duration::from_millis(millis)).0;
        assert_eq!((at(1_000), at(500), at(64_000), at(65_000)), (1 << 18, 1 << 17, 0, 1 << 18));
        assert_eq!(AbsSendTime::at(Instant::MAX).0 >> 24, 0);
    }

    #[test]
    fn offsets_are_signed() {
        assert_eq!(TransmissionOffset::parse(&[0xff, 0xff, 0xfe]), Some(TransmissionOffset(-2)));
        assert_eq!(TransmissionOffset(-2).to_bytes(), [0xff, 0xff, 0xfe]);
    }

    #[test]
    fn short_elements_have_no_value() {
        assert!(AbsSendTime::parse(&[1, 2]).is_none());
        assert!(TransportSequenceNumber::parse(&[1]).is_none());
        assert!(AudioLevel::parse(&[]).is_none());
        assert!(PlayoutDelay::parse(&[0, 0]).is_none());
        assert!(VideoOrientation::parse(&[]).is_none());
    }

    #[test]
    fn ids_are_printable_tokens() {
        assert_eq!(sdes_text(b"audio0"), Some("audio0"));
        for bad in [&b""[..], b"a b", b"\xff", b"a\0"] {
            assert_eq!(sdes_text(bad), None);
        }
    }

    proptest! {
        #[test]
        fn values_survive_the_wire(time in 0u32..1 << 24, seq: u16, level in 0u8..128, voice: bool, byte in 0u8..16,
                                   min in 0u16..4096, max in 0u16..4096, offset in -(1i32 << 23)..1 << 23) {
            prop_assert_eq!(AbsSendTime::parse(&AbsSendTime(time).to_bytes()), Some(AbsSendTime(time)));
            let seq = TransportSequenceNumber(seq);
            prop_assert_eq!(TransportSequenceNumber::parse(&seq.to_bytes()), Some(seq));
            let audio = AudioLevel { level, voice };
            prop_assert_eq!(AudioLevel::parse(&audio.to_bytes()), Some(audio));
            prop_assert_eq!(VideoOrientation::parse(&[byte]).unwrap().to_bytes(), [byte]);
            let delay = PlayoutDelay { min_10ms: min, max_10ms: max };
            prop_assert_eq!(PlayoutDelay::parse(&delay.to_bytes()), Some(delay));
            let offset = TransmissionOffset(offset);
            prop_assert_eq!(TransmissionOffset::parse(&offset.to_bytes()), Some(offset));
        }
    }
}
