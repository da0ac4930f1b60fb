//! Why a datagram had no effect, and why a call was refused.

use crate::ice_server::IceServerError;
use crate::jsep::JsepError;
use alloc::string::String;
use sendrecv_core::DiscardReason;
use thiserror::Error;

/// Why a datagram had no effect; counted per layer in the layers' own statistics too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Discard {
    /// The connection is closed.
    #[error("the connection is closed")]
    Closed,
    /// Its first byte belongs to no protocol of WebRTC (RFC 7983).
    #[error("no protocol of WebRTC")]
    UnknownProtocol,
    /// DTLS or SRTP, before there are keys for it.
    #[error("too early: there are no keys yet")]
    TooEarly,
    /// ICE had no use for it.
    #[error("ICE: {0:?}")]
    Ice(sendrecv_ice::Discard),
    /// DTLS had no use for it.
    #[error("DTLS: {0:?}")]
    Dtls(sendrecv_dtls::Discard),
    /// SRTP had no use for it.
    #[error("SRTP: {0:?}")]
    Srtp(sendrecv_srtp::Discard),
    /// The media engine had no use for it.
    #[error("media: {0:?}")]
    Media(sendrecv_media::Discard),
}

impl Discard {
    const CLOSED: [Self; 3] = [Self::Closed, Self::UnknownProtocol, Self::TooEarly];
}

impl DiscardReason for Discard {
    /// The reasons of this layer; those of the layers below are counted there.
    const ALL: &'static [Self] = &Self::CLOSED;

    fn index(self) -> usize {
        match self {
            Self::Closed => 0,
            Self::UnknownProtocol => 1,
            Self::TooEarly => 2,
            Self::Ice(_) | Self::Dtls(_) | Self::Srtp(_) | Self::Media(_) => usize::MAX,
        }
    }
}

macro_rules! from_layer {
    ($($layer:ident $error:ty,)+) => {
        $(impl From<$error> for Discard {
            fn from(discard: $error) -> Self {
                Self::$layer(discard)
            }
        })+
    };
}

from_layer! {
    Ice sendrecv_ice::Discard,
    Dtls sendrecv_dtls::Discard,
    Srtp sendrecv_srtp::Discard,
    Media sendrecv_media::Discard,
}

/// Why a call was refused; nothing changed. [`name`](Self::name) is what a browser would throw.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum UsageError {
    /// The connection is closed.
    #[error("the connection is closed")]
    Closed,
    /// The offer/answer exchange does not allow it, or the description is at fault.
    #[error(transparent)]
    Jsep(#[from] JsepError),
    /// A candidate line that does not parse.
    #[error("candidate: {0}")]
    Candidate(String),
    /// ICE refused it.
    #[error("ICE: {0}")]
    Ice(#[from] sendrecv_ice::UsageError),
    /// A data channel could not be made.
    #[error("data channel: {0}")]
    CreateChannel(#[from] sendrecv_sctp::channel::CreateError),
    /// A message was not taken.
    #[error("data channel: {0}")]
    Send(#[from] sendrecv_sctp::SendError),
    /// There is no such data channel (any more).
    #[error("there is no such data channel")]
    UnknownChannel,
    /// There is no such transceiver, or it cannot send.
    #[error("there is no such transceiver, or it does not send")]
    UnknownTransceiver,
    /// The transceiver does not send audio with tones now.
    #[error("the transceiver cannot send DTMF now")]
    CannotInsertDtmf,
    /// `setParameters` was refused.
    #[error("parameters: {0}")]
    Parameters(#[from] ParametersError),
    /// The media engine refused it.
    #[error("media: {0}")]
    Media(#[from] sendrecv_media::MediaError),
    /// A server of the configuration is not usable.
    #[error(transparent)]
    IceServer(#[from] IceServerError),
    /// The configuration contradicts itself or what cannot change any more.
    #[error("configuration: {0}")]
    Configuration(&'static str),
}

/// Why `setParameters` was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParametersError {
    /// They were not read before, or something was set or negotiated since (`InvalidStateError`).
    #[error("getParameters comes first")]
    NotRead,
    /// Something other than the encodings was changed, or encodings were added, taken away, renamed or put in another order
    /// (`InvalidModificationError`).
    #[error("only what is in the encodings can be changed, but not their ids")]
    Modified,
    /// The codec is not one of those negotiated (`InvalidModificationError`).
    #[error("the codec is not negotiated for sending")]
    CodecNotNegotiated,
    /// A frame rate below 0, or a picture larger than it is (`RangeError`).
    #[error("a frame rate is below 0, or a scale below 1")]
    OutOfRange,
}

impl UsageError {
    /// The name of the `DOMException` (or other error) that a browser throws in this case.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Closed | Self::CannotInsertDtmf | Self::Parameters(ParametersError::NotRead) => {
                "InvalidStateError"
            }
            Self::Parameters(ParametersError::OutOfRange) => "RangeError",
            Self::Parameters(_) => "InvalidModificationError",
            Self::Media(sendrecv_media::MediaError::UnknownTone) => "InvalidCharacterError",
            Self::Jsep(error) => error.name(),
            Self::Candidate(_) => "OperationError",
            Self::Ice(_) | Self::Media(_) => "OperationError",
            Self::CreateChannel(_) => "OperationError",
            Self::Send(sendrecv_sctp::SendError::TooLarge { .. }) => "TypeError",
            Self::Send(sendrecv_sctp::SendError::BufferFull) => "OperationError",
            Self::Send(_) | Self::UnknownChannel => "InvalidStateError",
            Self::UnknownTransceiver => "InvalidAccessError",
            Self::IceServer(_) => "SyntaxError",
            Self::Configuration(_) => "InvalidModificationError",
        }
    }
}
