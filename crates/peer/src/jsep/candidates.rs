//! Remote candidates that trickle in (W3C webrtc-pc, `addIceCandidate`).

use super::negotiation::{shares_transport, transport_section};
use super::{JsepError, Negotiation};
use alloc::borrow::ToOwned;
use alloc::string::String;

/// A candidate as signalling carries it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CandidateInit<'a> {
    /// The candidate attribute with its `candidate:` prefix; empty: no more candidates.
    pub candidate: &'a str,
    /// The MID of its section.
    pub sdp_mid: Option<&'a str>,
    /// The index of its section.
    pub sdp_m_line_index: Option<usize>,
    /// The ICE generation it belongs to.
    pub username_fragment: Option<&'a str>,
}

/// What to do with a remote candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteCandidate {
    /// Give it to ICE.
    Add(String),
    /// Tell ICE that no more follow.
    EndOfCandidates,
    /// Nothing: its section uses the transport of another one, or none.
    Ignore,
}

impl Negotiation {
    /// Checks a remote candidate against the remote description and adds it there.
    ///
    /// # Errors
    /// [`JsepError::CandidateWithoutSection`], [`JsepError::NoRemoteDescription`], [`JsepError::UnknownSection`].
    pub fn add_remote_candidate(&mut self, init: &CandidateInit<'_>) -> Result<RemoteCandidate, JsepError> {
        self.check_open()?;
        let candidate = init.candidate.trim_ascii();
        if !candidate.is_empty() && init.sdp_mid.is_none() && init.sdp_m_line_index.is_none() {
            return Err(JsepError::CandidateWithoutSection);
        }
        let remote = self.pending_remote.as_mut().or(self.current_remote.as_mut());
        let remote = remote.ok_or(JsepError::NoRemoteDescription)?;
        let mut session = remote.parsed().clone();
        let tag = transport_section(&session);
        let index = match (init.sdp_mid, init.sdp_m_line_index) {
            (Some(mid), _) => session.index_of(mid),
            (None, Some(index)) => Some(index),
            (None, None) => tag,
        };
        let index = index.filter(|index| *index < session.media.len()).ok_or(JsepError::UnknownSection)?;
        let ufrag = tag.and_then(|tag| session.ice_credentials_of(tag)).map(|(ufrag, _)| ufrag);
        if init.username_fragment.is_some_and(|own| ufrag != Some(own)) {
            return Err(JsepError::UnknownSection);
        }
        if !shares_transport(&session, index) {
            return Ok(RemoteCandidate::Ignore);
        }
        let Some(media) = tag.and_then(|tag| session.media.get_mut(tag)) else {
            return Ok(RemoteCandidate::Ignore);
        };
        if candidate.is_empty() {
            media.shared.end_of_candidates = true;
            remote.replace(session);
            return Ok(RemoteCandidate::EndOfCandidates);
        }
        let value = candidate.strip_prefix("a=").unwrap_or(candidate);
        let value = value.strip_prefix("candidate:").unwrap_or(value);
        if value.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(JsepError::UnknownSection);
        }
        if media.candidates.len() < MAX_CANDIDATES {
            media.candidates.push(value.to_owned());
            remote.replace(session);
        }
        Ok(RemoteCandidate::Add(value.to_owned()))
    }
}

/// How many candidates the remote description keeps.
const MAX_CANDIDATES: usize = 256;
