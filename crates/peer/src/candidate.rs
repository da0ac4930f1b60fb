//! Candidates as signalling carries them.

use crate::error::UsageError;
use alloc::format;
use alloc::string::String;
use sendrecv_core::Protocol;
use sendrecv_ice::Candidate;
use serde::{Deserialize, Serialize, Serializer};

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
    /// How the TURN server is reached that gave it; `None` unless it is a relayed one. As JSON `udp`, `tcp` or `tls`.
    #[serde(serialize_with = "protocol_name")]
    pub relay_protocol: Option<Protocol>,
    /// The URL of the STUN or TURN server that gave it.
    pub url: Option<String>,
}

impl IceCandidate {
    /// What to send to the other side (`toJSON`).
    pub fn to_init(&self) -> IceCandidateInit {
        self.init.clone()
    }
}

/// `RTCIceServerTransportProtocol`.
fn protocol_name<S: Serializer>(protocol: &Option<Protocol>, serializer: S) -> Result<S::Ok, S::Error> {
    protocol.map(crate::stats::protocol_name).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn a_relayed_candidate_says_how_its_server_is_reached() {
        let candidate = |relay_protocol| IceCandidate {
            init: IceCandidateInit::default(),
            relay_protocol,
            url: Some("turns:turn.example.org".to_string()),
        };
        let json = serde_json::to_value(candidate(Some(Protocol::Tls))).expect("JSON");
        assert_eq!((&json["relayProtocol"], &json["url"]), (&"tls".into(), &"turns:turn.example.org".into()));
        let json = serde_json::to_value(candidate(None)).expect("JSON");
        assert!(json["relayProtocol"].is_null());
    }
}
