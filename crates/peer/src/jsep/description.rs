//! Session descriptions as they cross the API, and the signaling states they move through.

use alloc::string::String;
use core::fmt;
use serde::{Deserialize, Serialize};

/// `RTCSdpType`: what a session description is meant as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SdpType {
    /// Proposes a session, or changes to one.
    Offer,
    /// Answers for now; a final answer follows.
    Pranswer,
    /// Answers, which ends the exchange.
    Answer,
    /// Takes the offer back.
    Rollback,
}

impl SdpType {
    /// Whether it answers an offer, provisionally or not.
    pub const fn is_answer(self) -> bool {
        matches!(self, Self::Answer | Self::Pranswer)
    }

    /// The W3C enumeration value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::Pranswer => "pranswer",
            Self::Answer => "answer",
            Self::Rollback => "rollback",
        }
    }
}

impl fmt::Display for SdpType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `RTCSessionDescription`: what goes to the other side, and comes from it, by signalling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionDescription {
    /// What it is meant as.
    #[serde(rename = "type")]
    pub kind: SdpType,
    /// The text; empty for a rollback.
    #[serde(default)]
    pub sdp: String,
}

impl SessionDescription {
    /// An offer.
    pub const fn offer(sdp: String) -> Self {
        Self { kind: SdpType::Offer, sdp }
    }

    /// A final answer.
    pub const fn answer(sdp: String) -> Self {
        Self { kind: SdpType::Answer, sdp }
    }

    /// A provisional answer.
    pub const fn pranswer(sdp: String) -> Self {
        Self { kind: SdpType::Pranswer, sdp }
    }

    /// Takes the pending offer back.
    pub const fn rollback() -> Self {
        Self { kind: SdpType::Rollback, sdp: String::new() }
    }
}

/// `RTCSignalingState`: where the offer/answer exchange stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignalingState {
    /// No exchange is going on.
    #[default]
    Stable,
    /// Our offer waits for its answer.
    HaveLocalOffer,
    /// The other side's offer waits for our answer.
    HaveRemoteOffer,
    /// We answered provisionally.
    HaveLocalPranswer,
    /// The other side answered provisionally.
    HaveRemotePranswer,
    /// The connection is closed.
    Closed,
}

impl SignalingState {
    /// The W3C enumeration value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::HaveLocalOffer => "have-local-offer",
            Self::HaveRemoteOffer => "have-remote-offer",
            Self::HaveLocalPranswer => "have-local-pranswer",
            Self::HaveRemotePranswer => "have-remote-pranswer",
            Self::Closed => "closed",
        }
    }

    /// The state after a local description of this kind is set, if it may be (RFC 9429, section 5.5).
    pub(crate) const fn after_local(self, kind: SdpType) -> Option<Self> {
        match (self, kind) {
            (Self::Stable | Self::HaveLocalOffer, SdpType::Offer) => Some(Self::HaveLocalOffer),
            (Self::HaveRemoteOffer | Self::HaveLocalPranswer, SdpType::Pranswer) => {
                Some(Self::HaveLocalPranswer)
            }
            (Self::HaveRemoteOffer | Self::HaveLocalPranswer, SdpType::Answer) => Some(Self::Stable),
            _ => self.after_rollback(kind),
        }
    }

    /// The state after a remote description of this kind is set, if it may be (RFC 9429, section 5.6).
    pub(crate) const fn after_remote(self, kind: SdpType) -> Option<Self> {
        match (self, kind) {
            (Self::Stable | Self::HaveRemoteOffer, SdpType::Offer) => Some(Self::HaveRemoteOffer),
            (Self::HaveLocalOffer | Self::HaveRemotePranswer, SdpType::Pranswer) => {
                Some(Self::HaveRemotePranswer)
            }
            (Self::HaveLocalOffer | Self::HaveRemotePranswer, SdpType::Answer) => Some(Self::Stable),
            _ => self.after_rollback(kind),
        }
    }

    /// W3C webrtc-pc allows a rollback of offers only.
    const fn after_rollback(self, kind: SdpType) -> Option<Self> {
        match (self, kind) {
            (Self::HaveLocalOffer | Self::HaveRemoteOffer, SdpType::Rollback) => Some(Self::Stable),
            _ => None,
        }
    }
}

impl fmt::Display for SignalingState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
