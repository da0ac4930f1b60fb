//! Candidates as signalling carries them.

use crate::error::UsageError;
use alloc::format;
use alloc::string::String;
use sendrecv_ice::Candidate;
use serde::{Deserialize, Serialize};

/// `RTCIceCandidateInit`: what goes to the other side, and comes from it, by signalling.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IceCandidateInit {
    /// The candidate-attribute of RFC 8839, section 5.1, with its `candidate:` prefix. Empty: no more candidates.
    pub candidate: String,
    /// The `a=mid` of the section the candidate belongs to.
    pub sdp_mid: Option<String>,
    /// That section's index, from 0.
    #[serde(rename = "sdpMLineIndex")]
    pub sdp_m_line_index: Option<u16>,
    /// The generation it belongs to.
    pub username_fragment: Option<String>,
}

impl IceCandidateInit {
    /// The candidate's fields: `foundation`, `component`, `priority`, `address`, `protocol`, `port`, `type`,
    /// `tcpType`, `relatedAddress` and `relatedPort` of `RTCIceCandidate`.
    ///
    /// # Errors
    /// [`UsageError::Candidate`] for a line that does not parse.
    pub fn parse(&self) -> Result<Candidate, UsageError> {
        self.candidate.parse().map_err(|error| UsageError::Candidate(format!("{error}")))
    }
}

/// `RTCIceCandidate` of an `icecandidate` event: the signalled form and what W3C tells of where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IceCandidate {
    /// What to send to the other side.
    #[serde(flatten)]
    pub init: IceCandidateInit,
    /// The URL of the STUN or TURN server that gave it.
    pub url: Option<String>,
}

impl IceCandidate {
    /// What to send to the other side (`toJSON`).
    pub fn to_init(&self) -> IceCandidateInit {
        self.init.clone()
    }
}
