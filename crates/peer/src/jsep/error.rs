//! Why a call of the offer/answer engine was refused. Nothing has changed then.

use super::{SdpType, SignalingState};
use crate::encoding::EncodingError;
use alloc::string::String;
use core::fmt;
use sendrecv_sdp as sdp;

/// Why a call was refused; [`name`](Self::name) gives the name of the exception that a browser would throw.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsepError {
    /// A description of this kind cannot be set or made in this state (`InvalidStateError`).
    InvalidState {
        /// The present state.
        state: SignalingState,
        /// What was to be made or set.
        kind: SdpType,
    },
    /// The connection is closed (`InvalidStateError`).
    Closed,
    /// The transceiver is stopped (`InvalidStateError`).
    Stopped,
    /// A local description must be the last one created, unchanged (`InvalidModificationError`).
    Modified,
    /// The codec is not one of the capabilities, or the list holds no codec that can carry media
    /// (`InvalidModificationError`).
    UnknownCodec,
    /// The text is not a session description (`RTCError` with `sdp-syntax-error`).
    Syntax(sdp::ParseError),
    /// The description cannot be used (`InvalidAccessError`).
    Unsupported {
        /// The media section at fault, from 0, if it is one.
        m_line: Option<usize>,
        /// What is wrong with it.
        defect: Defect,
    },
    /// No such transceiver (`InvalidAccessError`).
    UnknownTransceiver,
    /// The track is being sent already (`InvalidAccessError`).
    DuplicateTrack,
    /// A track or stream id holds other than visible ASCII, or more than 64 characters (`TypeError`).
    InvalidId,
    /// The encodings of a new transceiver are refused; see there for the exception.
    Encoding(EncodingError),
    /// A candidate names neither a section nor an index, which only the end of candidates may (`TypeError`).
    CandidateWithoutSection,
    /// A candidate comes before any remote description (`InvalidStateError`).
    NoRemoteDescription,
    /// A candidate names a section that does not exist, or another generation (`OperationError`).
    UnknownSection,
}

/// What makes a well-formed description unusable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Defect {
    /// No ICE user fragment and password.
    MissingIceCredentials,
    /// No certificate fingerprint.
    MissingFingerprint,
    /// RTP and RTCP are not multiplexed.
    RtcpMuxRequired,
    /// The DTLS role contradicts the offer, or the running connection.
    InconsistentSetup,
    /// The answer has another number of media sections than the offer, or an offer fewer than before.
    MediaSectionCount,
    /// Kind or protocol are not those of the corresponding section.
    MediaSectionMismatch,
    /// The MID is not that of the corresponding section.
    MidMismatch,
    /// Two sections have the same MID, or a group names it twice.
    DuplicateMid,
    /// A BUNDLE group names a MID that no section has.
    UnknownMid(String),
    /// The section is answered outside the BUNDLE group that was offered.
    NotBundled,
    /// One header extension number stands for two URIs within a BUNDLE.
    ExtensionCollision(u16),
    /// A section that was refused in the offer is accepted in the answer.
    AcceptedRejected,
    /// ICE credentials changed without being asked to, or did not although they had to.
    IceRestartMismatch,
    /// The certificate changed without an ICE restart.
    CertificateChanged,
    /// The answer to an SCTP INIT is none.
    InvalidSctpInit,
}

impl JsepError {
    pub(crate) const fn unsupported(m_line: usize, defect: Defect) -> Self {
        Self::Unsupported { m_line: Some(m_line), defect }
    }

    /// The name of the DOMException, or of the other exception, that a browser would throw.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::InvalidState { .. } | Self::Closed | Self::Stopped | Self::NoRemoteDescription => {
                "InvalidStateError"
            }
            Self::Modified | Self::UnknownCodec => "InvalidModificationError",
            Self::Syntax(_) => "RTCError",
            Self::Unsupported { .. } | Self::UnknownTransceiver | Self::DuplicateTrack => {
                "InvalidAccessError"
            }
            Self::InvalidId | Self::CandidateWithoutSection => "TypeError",
            Self::UnknownSection => "OperationError",
            Self::Encoding(error) => error.name(),
        }
    }
}

impl From<EncodingError> for JsepError {
    fn from(error: EncodingError) -> Self {
        Self::Encoding(error)
    }
}

impl From<sdp::ParseError> for JsepError {
    fn from(error: sdp::ParseError) -> Self {
        Self::Syntax(error)
    }
}

impl fmt::Display for JsepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidState { state, kind } => write!(f, "no {kind} is possible in state {state}"),
            Self::Closed => f.write_str("the connection is closed"),
            Self::Stopped => f.write_str("the transceiver is stopped"),
            Self::Modified => f.write_str("the description is not the last one created"),
            Self::UnknownCodec => f.write_str("the codec is not supported"),
            Self::Syntax(error) => write!(f, "{error}"),
            Self::Unsupported { m_line: Some(m_line), defect } => {
                write!(f, "media section {m_line}: {defect}")
            }
            Self::Unsupported { m_line: None, defect } => write!(f, "{defect}"),
            Self::UnknownTransceiver => f.write_str("no such transceiver"),
            Self::DuplicateTrack => f.write_str("the track is being sent already"),
            Self::InvalidId => f.write_str("track and stream ids are 1 to 64 visible ASCII characters"),
            Self::CandidateWithoutSection => f.write_str("the candidate names no media section"),
            Self::NoRemoteDescription => f.write_str("there is no remote description yet"),
            Self::Encoding(error) => write!(f, "{error}"),
            Self::UnknownSection => f.write_str("the candidate belongs to no media section at hand"),
        }
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MissingIceCredentials => "no ICE user fragment and password",
            Self::MissingFingerprint => "no certificate fingerprint",
            Self::RtcpMuxRequired => "RTP and RTCP are not multiplexed",
            Self::InconsistentSetup => "the DTLS role is contradictory",
            Self::MediaSectionCount => "wrong number of media sections",
            Self::MediaSectionMismatch => "other kind or protocol than before",
            Self::MidMismatch => "other MID than before",
            Self::DuplicateMid => "MID used twice",
            Self::UnknownMid(mid) => {
                return write!(f, "the BUNDLE group names {mid:?}, which no section has");
            }
            Self::NotBundled => "answered outside the BUNDLE group",
            Self::ExtensionCollision(id) => {
                return write!(f, "header extension {id} means two things in one BUNDLE");
            }
            Self::AcceptedRejected => "accepts what was not offered",
            Self::IceRestartMismatch => "ICE credentials and ICE restart do not go together",
            Self::CertificateChanged => "the certificate changed without an ICE restart",
            Self::InvalidSctpInit => "a=sctp-init is no INIT chunk in base64",
        })
    }
}

impl core::error::Error for JsepError {}
