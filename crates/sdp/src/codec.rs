//! `a=rtpmap` and `a=fmtp` (RFC 8866, sections 6.6 and 6.15), and the codecs they make up together with `a=rtcp-fb`.

use crate::feedback::RtcpFeedback;
use crate::scan::{decimal, number, single, split_at_byte, word};
use crate::{MediaSection, Parameters};
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// `a=rtpmap:<payload type> <encoding>/<clock rate>[/<channels>]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtpMap {
    /// The RTP payload type, 0 to 127.
    pub payload_type: u8,
    /// The encoding's name, as written; compare it without case.
    pub name: String,
    /// Clock rate of the RTP timestamps, Hz.
    pub clock_rate: u32,
    /// Audio channels, if written.
    pub channels: Option<u8>,
}

impl RtpMap {
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (payload_type, encoding) = word(value);
        let payload_type = number(payload_type).filter(|number| *number <= 127)?;
        let (name, rate) = split_at_byte(encoding.trim_ascii_end(), b'/')?;
        let (rate, channels) = match split_at_byte(rate, b'/') {
            Some((rate, channels)) => (rate, Some(number(channels)?)),
            None => (rate, None),
        };
        Some(Self { payload_type, name: single(name)?.to_owned(), clock_rate: number(rate)?, channels })
    }
}

impl fmt::Display for RtpMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        decimal(f, self.payload_type)?;
        f.write_str(" ")?;
        f.write_str(&self.name)?;
        f.write_str("/")?;
        decimal(f, self.clock_rate)?;
        self.channels.map_or(Ok(()), |channels| write!(f, "/{channels}"))
    }
}

/// `a=fmtp:<format> <parameters>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fmtp {
    /// The payload type that the parameters describe.
    pub payload_type: u8,
    /// The parameters.
    pub parameters: Parameters,
}

impl Fmtp {
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (payload_type, parameters) = word(value);
        let payload_type = number(payload_type).filter(|number| *number <= 127)?;
        Some(Self { payload_type, parameters: Parameters::new(parameters) })
    }
}

impl fmt::Display for Fmtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        decimal(f, self.payload_type)?;
        f.write_str(" ")?;
        f.write_str(self.parameters.as_str())
    }
}

/// A payload type with all that a media section says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codec {
    /// The RTP payload type, 0 to 127.
    pub payload_type: u8,
    /// The encoding's name, e.g. `VP8`; compare it with [`is`](Self::is).
    pub name: String,
    /// Clock rate of the RTP timestamps, Hz.
    pub clock_rate: u32,
    /// Audio channels, if written; audio without has one.
    pub channels: Option<u8>,
    /// The format's parameters.
    pub fmtp: Parameters,
    /// Feedback for this payload type, those written for `*` included, without duplicates.
    pub feedback: Vec<RtcpFeedback>,
}

/// How many kinds of feedback a codec keeps; real ones have at most a dozen.
const MAX_FEEDBACK: usize = 32;

impl Codec {
    /// Whether the encoding is called `name`, ASCII case ignored.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The payload type an `rtx` format retransmits (RFC 4588, section 8.1).
    pub fn apt(&self) -> Option<u8> {
        if self.is("rtx") { self.fmtp.number("apt") } else { None }
    }

    fn bare(payload_type: u8) -> Option<Self> {
        let (name, clock_rate) = static_payload_type(payload_type)?;
        Some(Self {
            payload_type,
            name: name.to_owned(),
            clock_rate,
            channels: None,
            fmtp: Parameters::default(),
            feedback: Vec::new(),
        })
    }

    fn add_feedback(&mut self, feedback: &RtcpFeedback) {
        if self.feedback.len() < MAX_FEEDBACK && !self.feedback.contains(feedback) {
            self.feedback.push(feedback.clone());
        }
    }
}

/// The encodings that need no `a=rtpmap` (RFC 3551, section 6), as far as WebRTC endpoints know them.
fn static_payload_type(payload_type: u8) -> Option<(&'static str, u32)> {
    Some(match payload_type {
        0 => ("PCMU", 8000),
        3 => ("GSM", 8000),
        4 => ("G723", 8000),
        8 => ("PCMA", 8000),
        9 => ("G722", 8000),
        13 => ("CN", 8000),
        18 => ("G729", 8000),
        31 => ("H261", 90_000),
        34 => ("H263", 90_000),
        _ => return None,
    })
}

/// Resolves the payload types of an m-line, in its order; those nothing is known about are left out.
pub(crate) fn resolve(media: &MediaSection) -> Vec<Codec> {
    let mut position = [None; 128];
    let mut codecs: Vec<Codec> = Vec::with_capacity(media.rtpmaps.len());
    let mut maps = [None; 128];
    for map in &media.rtpmaps {
        if let Some(slot @ None) = maps.get_mut(usize::from(map.payload_type)) {
            *slot = Some(map);
        }
    }
    for payload_type in media.formats.payload_types() {
        let index = usize::from(payload_type);
        let Some(slot @ None) = position.get_mut(index) else { continue };
        let Some(codec) =
            maps.get(index).copied().flatten().map(from_map).or_else(|| Codec::bare(payload_type))
        else {
            continue;
        };
        *slot = Some(codecs.len());
        codecs.push(codec);
    }
    let find = |payload_type: u8| position.get(usize::from(payload_type)).copied().flatten();
    for fmtp in &media.fmtps {
        if let Some(codec) = find(fmtp.payload_type).and_then(|index| codecs.get_mut(index)) {
            codec.fmtp = fmtp.parameters.clone();
        }
    }
    for line in &media.rtcp_feedback {
        match line.payload_type {
            Some(payload_type) => {
                if let Some(codec) = find(payload_type).and_then(|index| codecs.get_mut(index)) {
                    codec.add_feedback(&line.feedback);
                }
            }
            None => codecs.iter_mut().for_each(|codec| codec.add_feedback(&line.feedback)),
        }
    }
    codecs
}

fn from_map(map: &RtpMap) -> Codec {
    Codec {
        payload_type: map.payload_type,
        name: map.name.clone(),
        clock_rate: map.clock_rate,
        channels: map.channels,
        fmtp: Parameters::default(),
        feedback: Vec::new(),
    }
}
