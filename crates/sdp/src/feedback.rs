//! `a=rtcp-fb` (RFC 4585, section 4.2; RFC 5104, section 7).

use crate::scan::{decimal, number, word};
use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;

/// One kind of RTCP feedback that the author can take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RtcpFeedback {
    /// `nack`: generic negative acknowledgements.
    Nack,
    /// `nack pli`: picture loss indications.
    NackPli,
    /// `ccm fir`: full intra requests.
    CcmFir,
    /// `transport-cc`: transport-wide congestion control feedback.
    TransportCc,
    /// `goog-remb`: receiver estimated maximum bitrate.
    GoogRemb,
    /// Anything else, as written.
    Other(String),
}

impl RtcpFeedback {
    /// The feedback written as `value` behind a payload type.
    pub fn parse(value: &str) -> Self {
        match value {
            "nack" => Self::Nack,
            "nack pli" => Self::NackPli,
            "ccm fir" => Self::CcmFir,
            "transport-cc" => Self::TransportCc,
            "goog-remb" => Self::GoogRemb,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The feedback as written behind the payload type.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Nack => "nack",
            Self::NackPli => "nack pli",
            Self::CcmFir => "ccm fir",
            Self::TransportCc => "transport-cc",
            Self::GoogRemb => "goog-remb",
            Self::Other(other) => other,
        }
    }
}

/// `a=rtcp-fb:<payload type or *> <feedback>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedbackLine {
    /// The payload type it is for; `None`, written `*`, means all.
    pub payload_type: Option<u8>,
    /// The feedback.
    pub feedback: RtcpFeedback,
}

impl FeedbackLine {
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (payload_type, feedback) = word(value);
        let feedback = feedback.trim_ascii_end();
        if feedback.is_empty() {
            return None;
        }
        let payload_type = if payload_type == "*" { None } else { Some(number(payload_type)?) };
        Some(Self { payload_type, feedback: RtcpFeedback::parse(feedback) })
    }
}

impl fmt::Display for FeedbackLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.payload_type {
            Some(payload_type) => decimal(f, payload_type)?,
            None => f.write_str("*")?,
        }
        f.write_str(" ")?;
        f.write_str(self.feedback.as_str())
    }
}
