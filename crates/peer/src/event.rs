//! What a peer connection tells its host, in the order W3C webrtc-pc fires it.

use crate::candidate::IceCandidate;
use crate::jsep::{SignalingState, TrackEvent, TransceiverId};
use crate::rtc_error::RtcError;
use crate::states::{
    DtlsTransportState, IceConnectionState, IceGatheringState, PeerConnectionState, SctpTransportState,
};
use alloc::string::String;
use alloc::sync::Arc;
use sendrecv_sctp::channel::{ChannelId, Message};

pub use sendrecv_ice::{NameId, OpenStream, StreamId};

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// `negotiationneeded`: an offer is due.
    NegotiationNeeded,
    /// `signalingstatechange`.
    SignalingStateChange(SignalingState),
    /// `icegatheringstatechange`.
    IceGatheringStateChange(IceGatheringState),
    /// `iceconnectionstatechange`.
    IceConnectionStateChange(IceConnectionState),
    /// `connectionstatechange`.
    ConnectionStateChange(PeerConnectionState),
    /// `icecandidate`: signal it to the other side; `None` when there are no more.
    IceCandidate(Option<IceCandidate>),
    /// `icecandidateerror`: a STUN or TURN server did not give a candidate.
    IceCandidateError(IceCandidateError),
    /// `selectedcandidatepairchange` of the ICE transport.
    SelectedCandidatePairChange,
    /// `statechange` of the DTLS transport.
    DtlsTransportStateChange(DtlsTransportState),
    /// `error` of the DTLS transport: it has failed.
    DtlsTransportError(RtcError),
    /// `statechange` of the SCTP transport.
    SctpTransportStateChange(SctpTransportState),
    /// `track`: the other side sends a track.
    Track(TrackEvent),
    /// `mute` of a remote track: the other side stopped sending it.
    TrackMute(TransceiverId),
    /// `ended` of a remote track: its transceiver was stopped.
    TrackEnded(TransceiverId),
    /// `tonechange` of a sender's DTMF.
    ToneChange {
        /// The transceiver that sends it.
        transceiver: TransceiverId,
        /// The tone that begins to sound; `,` is a pause of two seconds. `None`: there are no more.
        tone: Option<char>,
    },
    /// The other side needs a keyframe of what this transceiver sends.
    KeyframeRequested {
        /// The transceiver that sends it.
        transceiver: TransceiverId,
        /// Which of its encodings; `None`: it has one, without an id.
        rid: Option<Arc<str>>,
    },
    /// What all media together should be sent with, in bits per second with RTP headers: encoders are to follow. Only with
    /// [`Settings::media_congestion_control`](crate::Settings::media_congestion_control).
    TargetBitrate(u64),
    /// The other side's estimate of what it can receive, in bits per second (REMB).
    BitrateEstimated(u64),
    /// `datachannel`: the other side opened a channel; [`DataChannelOpen`](Self::DataChannelOpen) follows.
    DataChannel(ChannelId),
    /// `open` of a data channel.
    DataChannelOpen(ChannelId),
    /// `message` of a data channel.
    DataChannelMessage {
        /// The channel.
        channel: ChannelId,
        /// The message.
        message: Message,
    },
    /// `bufferedamountlow` of a data channel.
    DataChannelBufferedAmountLow(ChannelId),
    /// `closing` of a data channel: the other side began to close it.
    DataChannelClosing(ChannelId),
    /// `error` of a data channel: something other than a `close` of either side ends it.
    /// [`DataChannelClose`](Self::DataChannelClose) follows.
    DataChannelError {
        /// The channel.
        channel: ChannelId,
        /// What happened.
        error: RtcError,
    },
    /// `close` of a data channel. Its id is not used again.
    DataChannelClose(ChannelId),
    /// For the host: resolve `name`, by multicast DNS if it ends in `.local`, and call
    /// [`name_resolved`](crate::PeerConnection::name_resolved).
    ResolveName {
        /// The name's number in the answer.
        id: NameId,
        /// The host name.
        name: String,
    },
    /// For the host: open a stream, or another UDP socket for an allocation, and call
    /// [`stream_opened`](crate::PeerConnection::stream_opened) or [`stream_failed`](crate::PeerConnection::stream_failed).
    OpenStream(OpenStream),
    /// For the host: close the stream or socket that was opened with this path.
    CloseStream(sendrecv_core::Path),
}

/// `RTCPeerConnectionIceErrorEvent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceCandidateError {
    /// The local address, if one was involved.
    pub address: Option<core::net::SocketAddr>,
    /// The server's URL.
    pub url: String,
    /// The STUN error code; 701 when the server was not reached.
    pub error_code: u16,
    /// The server's reason, or ours.
    pub error_text: String,
}
