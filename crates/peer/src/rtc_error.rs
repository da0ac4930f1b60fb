//! `RTCError`: what ended a transport or a data channel.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use sendrecv_dtls::CloseReason as DtlsClose;
use sendrecv_sctp::CloseReason as SctpClose;
use sendrecv_sctp::channel::ChannelFailure;

/// `RTCError` (W3C webrtc-pc, section 11.1), of an `error` event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtcError {
    /// `errorDetail`, with the codes that go with it.
    pub detail: RtcErrorDetail,
    /// `message`: for people.
    pub message: String,
}

/// `RTCErrorDetailType`, with the members of `RTCError` that belong to each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RtcErrorDetail {
    /// `data-channel-failure`: the channel could not be made.
    DataChannelFailure,
    /// `dtls-failure`: the handshake failed, or a fatal error ended the connection.
    DtlsFailure {
        /// `receivedAlert`: the fatal alert that the other side sent.
        received_alert: Option<u8>,
        /// `sentAlert`: the fatal alert that we sent.
        sent_alert: Option<u8>,
    },
    /// `fingerprint-failure`: the other side's certificate matches none of the fingerprints in its description.
    FingerprintFailure,
    /// `sctp-failure`: the association ended by an error.
    SctpFailure {
        /// `sctpCauseCode`: the cause that the other side's ABORT names (RFC 9260, section 3.3.10).
        cause_code: Option<u16>,
    },
}

impl RtcErrorDetail {
    /// The W3C enumeration value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DataChannelFailure => "data-channel-failure",
            Self::DtlsFailure { .. } => "dtls-failure",
            Self::FingerprintFailure => "fingerprint-failure",
            Self::SctpFailure { .. } => "sctp-failure",
        }
    }
}

impl RtcError {
    /// What closed DTLS; `None` when one side did on purpose.
    pub(crate) fn of_dtls(reason: DtlsClose) -> Option<Self> {
        let failure = |received_alert, sent_alert| RtcErrorDetail::DtlsFailure { received_alert, sent_alert };
        let detail = match reason {
            DtlsClose::Local | DtlsClose::Peer => return None,
            DtlsClose::Alert(alert) => failure(Some(alert.code()), None),
            DtlsClose::Failed(sendrecv_dtls::Failure::FingerprintMismatch) => {
                RtcErrorDetail::FingerprintFailure
            }
            DtlsClose::Failed(cause) => failure(None, Some(cause.alert().code())),
            DtlsClose::HandshakeTimeout | DtlsClose::ForgeryLimit => failure(None, None),
        };
        Some(Self { detail, message: reason.to_string() })
    }

    /// What closed a data channel.
    pub(crate) fn of_channel(failure: &ChannelFailure) -> Self {
        let sctp = |cause_code| RtcErrorDetail::SctpFailure { cause_code };
        let (detail, message) = match failure {
            ChannelFailure::NoStream => {
                (RtcErrorDetail::DataChannelFailure, "there is no stream for the channel".into())
            }
            ChannelFailure::MessageTooLong { limit } => (
                RtcErrorDetail::DataChannelFailure,
                format!("a message is longer than the {limit} bytes the peer takes"),
            ),
            ChannelFailure::Restarted => (sctp(None), "the peer restarted the association".into()),
            ChannelFailure::Association(reason @ SctpClose::AbortedByPeer { cause, .. }) => {
                (sctp(*cause), reason.to_string())
            }
            ChannelFailure::Association(reason) => (sctp(None), reason.to_string()),
        };
        Self { detail, message }
    }
}

impl fmt::Display for RtcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.detail.as_str(), self.message)
    }
}

impl core::error::Error for RtcError {}
