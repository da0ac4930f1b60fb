//! H.264 (RFC 6184), packetization mode 1 and, by keeping to single NAL units, mode 0.
//!
//! ```text
//! single NAL unit     STAP-A (type 24)                 FU-A (type 28)
//! +-+-+-+-+-+-+-+-+   +---------+--------+-------+     +-+-+-+-+-+-+-+-+  +-+-+-+-+-+-+-+-+
//! |F|NRI|  type   |   | header  | size16 | NALU  |...  |F|NRI|   28    |  |S|E|R|  type   | fragment
//! +-+-+-+-+-+-+-+-+   +---------+--------+-------+     +-+-+-+-+-+-+-+-+  +-+-+-+-+-+-+-+-+
//! ```

use alloc::vec::Vec;
use sendrecv_core::Reader;

/// The type of a NAL unit that holds a slice of an IDR picture.
const IDR_SLICE: u8 = 5;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;
const TYPE: u8 = 0x1f;
const FRAGMENT_START: u8 = 0x80;
const FRAGMENT_END: u8 = 0x40;
const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// Whether this payload holds the beginning of a slice of an IDR picture, alone, aggregated or fragmented.
pub fn starts_keyframe(payload: &[u8]) -> bool {
    let Some((header, rest)) = payload.split_first() else { return false };
    match header & TYPE {
        IDR_SLICE => true,
        STAP_A => aggregated(rest).any(|unit| unit.first().is_some_and(|header| header & TYPE == IDR_SLICE)),
        FU_A => rest.first().is_some_and(|header| header & FRAGMENT_START != 0 && header & TYPE == IDR_SLICE),
        _ => false,
    }
}

/// The NAL units behind a STAP-A header, up to the first that does not fit.
fn aggregated(units: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut reader = Reader::new(units);
    core::iter::from_fn(move || reader.vec16().ok())
}

/// One RTP payload: a few bytes of its own, then a piece of the access unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct H264Payload<'f> {
    head: [u8; 2],
    head_len: usize,
    /// A NAL unit, or a fragment of one.
    pub data: &'f [u8],
    /// Whether it is the access unit's last, so that the packet gets the marker bit.
    pub last: bool,
}

impl H264Payload<'_> {
    /// To be written before the data: nothing, or the two bytes of FU-A.
    pub fn head(&self) -> &[u8] {
        self.head.get(..self.head_len).unwrap_or_default()
    }
}

/// Cuts an access unit in Annex B form (NAL units behind start codes) into RTP payloads: each NAL unit that fits is one,
/// longer ones are fragmented (RFC 6184, sections 5.6 and 5.8).
///
/// ```
/// use sendrecv_rtp::payload::h264::H264Packets;
/// let mut unit = vec![0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x65];
/// unit.extend([7; 2000]);
/// let payloads: Vec<_> = H264Packets::new(&unit, 1200).collect();
/// assert_eq!(payloads.len(), 3, "the parameter set, and two fragments of the slice");
/// assert_eq!(payloads[1].head(), [0x7c, 0x85]);
/// assert!(payloads[2].last);
/// ```
#[derive(Clone, Debug)]
pub struct H264Packets<'f> {
    units: NalUnits<'f>,
    next_unit: Option<&'f [u8]>,
    /// The header of the NAL unit that is being fragmented, what is left of it, and whether nothing was sent yet.
    fragmented: Option<(u8, &'f [u8], bool)>,
    max_payload_len: usize,
}

impl<'f> H264Packets<'f> {
    /// Payloads of at most `max_payload_len` bytes (at least 3 are used).
    pub fn new(access_unit: &'f [u8], max_payload_len: usize) -> Self {
        let mut units = NalUnits::new(access_unit);
        let next_unit = units.next();
        Self { units, next_unit, fragmented: None, max_payload_len: max_payload_len.max(3) }
    }

    fn fragment(&mut self, header: u8, rest: &'f [u8], first: bool) -> H264Payload<'f> {
        let most = self.max_payload_len - 2;
        // Nearly equal pieces, so that the last is not a tiny one.
        let len = rest.len().div_ceil(rest.len().div_ceil(most).max(1));
        let (data, rest) = rest.split_at_checked(len).unwrap_or((rest, &[]));
        let start = if first { FRAGMENT_START } else { 0 };
        let end = if rest.is_empty() { FRAGMENT_END } else { 0 };
        self.fragmented = (!rest.is_empty()).then_some((header, rest, false));
        let head = [header & !TYPE | FU_A, start | end | header & TYPE];
        H264Payload { head, head_len: 2, data, last: rest.is_empty() && self.next_unit.is_none() }
    }
}

impl<'f> Iterator for H264Packets<'f> {
    type Item = H264Payload<'f>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some((header, rest, first)) = self.fragmented {
            return Some(self.fragment(header, rest, first));
        }
        let unit = self.next_unit.take()?;
        self.next_unit = self.units.next();
        if unit.len() <= self.max_payload_len {
            return Some(H264Payload {
                head: [0; 2],
                head_len: 0,
                data: unit,
                last: self.next_unit.is_none(),
            });
        }
        let (header, rest) = unit.split_first()?;
        Some(self.fragment(*header, rest, true))
    }
}

/// The NAL units of an Annex B byte stream (ITU-T H.264, annex B), without start codes and trailing zeros; empty ones are
/// left out.
#[derive(Clone, Debug)]
pub struct NalUnits<'f> {
    rest: &'f [u8],
}

impl<'f> NalUnits<'f> {
    /// The NAL units of `stream`; bytes before the first start code are skipped.
    pub fn new(stream: &'f [u8]) -> Self {
        let start = start_code(stream).map_or(stream.len(), |at| at + 3);
        Self { rest: stream.get(start..).unwrap_or_default() }
    }
}

impl<'f> Iterator for NalUnits<'f> {
    type Item = &'f [u8];

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let end = start_code(self.rest).unwrap_or(self.rest.len());
            let unit = self.rest.get(..end).unwrap_or_default();
            self.rest = self.rest.get(end + 3..).unwrap_or_default();
            let len = unit.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            if let Some(unit) = unit.get(..len).filter(|unit| !unit.is_empty()) {
                return Some(unit);
            }
        }
        None
    }
}

/// Where the first three-byte start code lies.
fn start_code(bytes: &[u8]) -> Option<usize> {
    bytes.windows(3).position(|window| *window == [0, 0, 1])
}

/// Why a payload cannot be added to an access unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum H264Error {
    /// It ends inside a header or an aggregated NAL unit.
    #[error("the payload ends inside a NAL unit")]
    Truncated,
    /// It goes on with a fragmented NAL unit whose beginning is not there.
    #[error("a fragment comes without the one before it")]
    LostFragment,
    /// Its type is reserved or belongs to the interleaved mode.
    #[error("the payload structure is not one of packetization mode 1")]
    Unsupported,
    /// The access unit would grow beyond its limit.
    #[error("the access unit is too long")]
    TooLong,
}

/// Puts the payloads of one access unit, given in order, together in Annex B form. Kept and taken from, it uses its buffer
/// again.
#[derive(Clone, Debug, Default)]
pub struct H264Assembler {
    unit: Vec<u8>,
    in_fragment: bool,
}

impl H264Assembler {
    /// Most bytes of an access unit.
    pub const MAX_LEN: usize = 8 << 20;

    /// An assembler without data.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next payload. On error the access unit is as it was.
    pub fn push(&mut self, payload: &[u8]) -> Result<(), H264Error> {
        let (header, rest) = payload.split_first().ok_or(H264Error::Truncated)?;
        // Aggregation replaces two bytes of length by four of start code.
        if self.unit.len().saturating_add(payload.len().saturating_mul(3)) > Self::MAX_LEN {
            return Err(H264Error::TooLong);
        }
        match header & TYPE {
            1..=23 => self.append(payload),
            STAP_A => self.push_aggregate(rest)?,
            FU_A => return self.push_fragment(*header, rest),
            _ => return Err(H264Error::Unsupported),
        }
        self.in_fragment = false;
        Ok(())
    }

    /// The access unit so far.
    pub fn bytes(&self) -> &[u8] {
        &self.unit
    }

    /// Begins the next access unit.
    pub fn clear(&mut self) {
        self.unit.clear();
        self.in_fragment = false;
    }

    fn append(&mut self, unit: &[u8]) {
        self.unit.extend(START_CODE);
        self.unit.extend(unit);
    }

    fn push_aggregate(&mut self, units: &[u8]) -> Result<(), H264Error> {
        let start = self.unit.len();
        let mut reader = Reader::new(units);
        while !reader.is_empty() {
            match reader.vec16() {
                Ok(unit) => self.append(unit),
                Err(_) => {
                    self.unit.truncate(start);
                    return Err(H264Error::Truncated);
                }
            }
        }
        Ok(())
    }

    fn push_fragment(&mut self, indicator: u8, rest: &[u8]) -> Result<(), H264Error> {
        let (header, data) = rest.split_first().ok_or(H264Error::Truncated)?;
        if header & FRAGMENT_START != 0 {
            self.append(&[indicator & !TYPE | header & TYPE]);
        } else if !self.in_fragment {
            return Err(H264Error::LostFragment);
        }
        self.unit.extend(data);
        self.in_fragment = header & FRAGMENT_END == 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_keyframe_holds_an_idr_slice() {
        assert!(starts_keyframe(&[0x65, 1]));
        assert!(starts_keyframe(&[0x78, 0, 2, 0x67, 1, 0, 1, 0x65]));
        assert!(starts_keyframe(&[0x7c, 0x85, 1]));
        for other in [&[0x61, 1][..], &[0x7c, 0x05, 1], &[0x78, 0, 1, 0x67], &[0x78, 0, 9, 0x65], &[]] {
            assert!(!starts_keyframe(other), "{other:?}");
        }
    }

    #[test]
    fn start_codes_of_three_and_four_bytes_separate_units() {
        let stream = [9, 0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 0, 0, 0, 0, 1, 0, 0, 1, 0x65, 7, 0];
        let units: Vec<_> = NalUnits::new(&stream).collect();
        assert_eq!(units, [&[0x67, 1][..], &[0x68], &[0x65, 7]]);
        assert_eq!(NalUnits::new(&[1, 2, 3]).count(), 0);
    }

    #[test]
    fn aggregates_are_taken_apart() {
        let mut assembler = H264Assembler::new();
        assembler.push(&[0x78, 0, 2, 0x67, 1, 0, 1, 0x68]).unwrap();
        assert_eq!(assembler.bytes(), [0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68]);
        assert_eq!(assembler.push(&[0x78, 0, 1, 0x67, 0, 9, 1]), Err(H264Error::Truncated));
        assert_eq!(assembler.bytes().len(), 11);
    }

    #[test]
    fn a_fragment_without_its_beginning_is_refused() {
        let mut assembler = H264Assembler::new();
        assert_eq!(assembler.push(&[0x7c, 0x05, 1]), Err(H264Error::LostFragment));
        assert_eq!(assembler.push(&[0x7c]), Err(H264Error::Truncated));
        assert_eq!(assembler.push(&[0x79, 1]), Err(H264Error::Unsupported));
        assert_eq!(assembler.push(&[]), Err(H264Error::Truncated));
    }

    proptest! {
        #[test]
        fn access_units_are_cut_and_come_together_again(
            units in prop::collection::vec((1u8..24, prop::collection::vec(1u8.., 1..3000)), 1..5), max in 3usize..1500,
        ) {
            let mut stream = Vec::new();
            for (kind, body) in &units {
                stream.extend([0, 0, 0, 1, 0x60 | kind]);
                stream.extend(body);
            }
            let payloads: Vec<_> = H264Packets::new(&stream, max).collect();
            let mut assembler = H264Assembler::new();
            for (index, payload) in payloads.iter().enumerate() {
                let bytes = [payload.head(), payload.data].concat();
                prop_assert!(bytes.len() <= max);
                prop_assert_eq!(payload.last, index + 1 == payloads.len());
                assembler.push(&bytes).unwrap();
            }
            prop_assert_eq!(assembler.bytes(), stream);
        }

        #[test]
        fn arbitrary_payloads_never_panic(payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..30), 0..10)) {
            let mut assembler = H264Assembler::new();
            for payload in &payloads {
                let before = assembler.bytes().len();
                if assembler.push(payload).is_err() {
                    prop_assert_eq!(assembler.bytes().len(), before);
                }
            }
        }
    }
}
