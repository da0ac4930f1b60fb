//! `RTCRtpEncodingParameters`, and what `addTransceiver` checks of them (W3C webrtc-pc, section 5.1).

use crate::jsep::TrackKind;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use sendrecv_media::CodecParameters;

/// Most encodings of one video track; audio has one.
pub(crate) const MAX_ENCODINGS: usize = 8;
/// The longest `rid`, bytes, as in browsers: it fits a header extension of one-byte form (RFC 8285).
const MAX_RID_LEN: usize = 16;

/// `RTCRtpEncodingParameters`. Of these `active` is obeyed here; the others are for who encodes.
#[derive(Clone, Debug, PartialEq)]
pub struct RtpEncodingParameters {
    /// `rid`: the RTP stream id of one of several encodings, 1 to 16 letters, digits, `-` and `_`; cannot be changed
    /// later. Where several have none, they are numbered.
    pub rid: Option<String>,
    /// `active`: whether anything is sent.
    pub active: bool,
    /// `codec`: the one to encode with; `None` leaves it to the negotiation. See
    /// [`send_codec`](crate::PeerConnection::send_codec).
    pub codec: Option<CodecParameters>,
    /// `maxBitrate`: bits per second; `None`: no bound.
    pub max_bitrate: Option<u32>,
    /// `maxFramerate`: frames per second, 0 or more; video only.
    pub max_framerate: Option<f64>,
    /// `scaleResolutionDownBy`: 1 or more; video only, where it is 1 unless said otherwise, or 4, 2, 1 for three encodings.
    pub scale_resolution_down_by: Option<f64>,
}

impl Default for RtpEncodingParameters {
    fn default() -> Self {
        Self {
            rid: None,
            active: true,
            codec: None,
            max_bitrate: None,
            max_framerate: None,
            scale_resolution_down_by: None,
        }
    }
}

impl RtpEncodingParameters {
    /// An encoding that is one of several.
    pub fn with_rid(rid: &str) -> Self {
        Self { rid: Some(rid.into()), ..Self::default() }
    }
}

/// Why `addTransceiver` refuses encodings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodingError {
    /// A `rid` is none, there twice, or only some encodings have one (`TypeError`).
    Rid,
    /// The codec is no capability (`OperationError`).
    UnknownCodec,
    /// A frame rate that is not above 0, or a scale below 1 (`RangeError`).
    OutOfRange,
}

impl EncodingError {
    /// The name of the exception that a browser throws.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rid => "TypeError",
            Self::UnknownCodec => "OperationError",
            Self::OutOfRange => "RangeError",
        }
    }
}

impl fmt::Display for EncodingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rid => "a rid has 1 to 16 letters, digits, '-' and '_', and each encoding one of its own or none has one",
            Self::UnknownCodec => "the codec is not supported",
            Self::OutOfRange => "a frame rate is not above 0, or a scale below 1",
        })
    }
}

/// The `sendEncodings` of a new transceiver, in the order of the standard's steps; `knows` says whether a codec is a
/// capability.
pub(crate) fn checked(
    kind: TrackKind,
    mut encodings: Vec<RtpEncodingParameters>,
    knows: impl Fn(&CodecParameters) -> bool,
) -> Result<Vec<RtpEncodingParameters>, EncodingError> {
    check_rids(&encodings)?;
    if !encodings.iter().filter_map(|own| own.codec.as_ref()).all(knows) {
        return Err(EncodingError::UnknownCodec);
    }
    if kind == TrackKind::Audio {
        for own in &mut encodings {
            (own.max_framerate, own.scale_resolution_down_by) = (None, None);
        }
    }
    let scale_fits =
        |own: &RtpEncodingParameters| own.scale_resolution_down_by.is_none_or(|scale| scale >= 1.0);
    let rate_fits = |own: &RtpEncodingParameters| own.max_framerate.is_none_or(|rate| rate > 0.0);
    if !encodings.iter().all(|own| scale_fits(own) && rate_fits(own)) {
        return Err(EncodingError::OutOfRange);
    }
    if encodings.is_empty() {
        encodings = vec![RtpEncodingParameters::default()];
    }
    let scaled = encodings.iter().any(|own| own.scale_resolution_down_by.is_some());
    encodings.truncate(if kind == TrackKind::Audio { 1 } else { MAX_ENCODINGS });
    if kind == TrackKind::Video {
        scale(&mut encodings, scaled);
    }
    name(&mut encodings);
    Ok(encodings)
}

/// Encodings that the other side asks for by their ids, each half as large as the next.
pub(crate) fn proposed(rids: Vec<String>) -> Vec<RtpEncodingParameters> {
    let mut encodings: Vec<RtpEncodingParameters> = rids
        .into_iter()
        .map(|rid| RtpEncodingParameters { rid: Some(rid), ..RtpEncodingParameters::default() })
        .collect();
    scale(&mut encodings, false);
    encodings
}

fn check_rids(encodings: &[RtpEncodingParameters]) -> Result<(), EncodingError> {
    let is_rid = |rid: &str| {
        (1..=MAX_RID_LEN).contains(&rid.len())
            && rid.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let mut rids: Vec<&str> = encodings.iter().filter_map(|own| own.rid.as_deref()).collect();
    let all_or_none = rids.is_empty() || rids.len() == encodings.len();
    let valid = rids.iter().all(|rid| is_rid(rid));
    let count = rids.len();
    rids.sort_unstable();
    rids.dedup();
    if all_or_none && valid && rids.len() == count { Ok(()) } else { Err(EncodingError::Rid) }
}

/// Fills in scales: 1 where others are given, else each encoding is half as large as the next.
fn scale(encodings: &mut [RtpEncodingParameters], given: bool) {
    let mut default = 1.0;
    for own in encodings.iter_mut().rev() {
        own.scale_resolution_down_by.get_or_insert(default);
        default = if given { 1.0 } else { default * 2.0 };
    }
}

/// A lone encoding has no id; several need one each.
fn name(encodings: &mut [RtpEncodingParameters]) {
    if let [lone] = encodings {
        lone.rid = None;
        return;
    }
    for (number, own) in encodings.iter_mut().enumerate() {
        own.rid.get_or_insert_with(|| format!("{number}"));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn three() -> Vec<RtpEncodingParameters> {
        ["q", "h", "f"].map(RtpEncodingParameters::with_rid).into()
    }

    fn video(encodings: Vec<RtpEncodingParameters>) -> Result<Vec<RtpEncodingParameters>, EncodingError> {
        checked(TrackKind::Video, encodings, |codec| codec.name == "VP8")
    }

    fn scales(encodings: &[RtpEncodingParameters]) -> Vec<f64> {
        encodings.iter().filter_map(|own| own.scale_resolution_down_by).collect()
    }

    #[test]
    fn stream_ids_are_well_formed_and_all_there_or_none() {
        for wrong in ["", "a b", "é", "12345678901234567"] {
            assert_eq!(
                video(vec![RtpEncodingParameters::with_rid(wrong)]),
                Err(EncodingError::Rid),
                "{wrong:?}"
            );
        }
        let mut some = three();
        some.last_mut().unwrap().rid = None;
        assert_eq!(video(some), Err(EncodingError::Rid));
        let mut twice = three();
        twice.last_mut().unwrap().rid = Some("q".into());
        assert_eq!(video(twice), Err(EncodingError::Rid));
        let numbered = video(vec![RtpEncodingParameters::default(); 2]).unwrap();
        assert_eq!(numbered.iter().filter_map(|own| own.rid.as_deref()).collect::<Vec<_>>(), ["0", "1"]);
        let lone = video(vec![RtpEncodingParameters::with_rid("x-_9")]).unwrap();
        assert_eq!(lone.first().unwrap().rid, None);
    }

    #[test]
    fn scales_are_filled_in_and_numbers_out_of_range_refused() {
        assert_eq!(scales(&video(three()).unwrap()), [4.0, 2.0, 1.0]);
        assert_eq!(scales(&video(Vec::new()).unwrap()), [1.0]);
        let with = |rate, scale| {
            let mut encodings = three();
            let first = encodings.first_mut().unwrap();
            (first.max_framerate, first.scale_resolution_down_by) = (rate, scale);
            encodings
        };
        assert_eq!(scales(&video(with(Some(15.0), Some(3.0))).unwrap()), [3.0, 1.0, 1.0]);
        for (rate, scale) in
            [(Some(0.0), None), (None, Some(0.99)), (Some(f64::NAN), None), (None, Some(f64::NAN))]
        {
            assert_eq!(video(with(rate, scale)), Err(EncodingError::OutOfRange));
            let audio = checked(TrackKind::Audio, with(rate, scale), |_| true).unwrap();
            assert_eq!((audio.len(), scales(&audio)), (1, vec![]));
        }
    }

    #[test]
    fn codecs_are_capabilities_and_too_many_encodings_are_cut_off() {
        let with = |name| {
            let codec = Some(CodecParameters::new(0, name, 90_000));
            vec![RtpEncodingParameters { codec, ..RtpEncodingParameters::default() }]
        };
        assert!(video(with("VP8")).is_ok());
        assert_eq!(video(with("ilbc")), Err(EncodingError::UnknownCodec));
        let many = (0..99).map(|number| RtpEncodingParameters::with_rid(&format!("{number}"))).collect();
        assert_eq!(video(many).unwrap().len(), MAX_ENCODINGS);
    }
}
