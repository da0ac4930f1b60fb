//! What was negotiated, as plain values.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use sendrecv_rtp::extension::ExtensionMap;
use sendrecv_rtp::payload::PayloadFormat;

/// What a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// Audio.
    Audio,
    /// Video.
    Video,
}

/// A negotiated m-section. Where it does not receive or does not send, that half is `None`.
#[derive(Clone, Debug)]
pub struct SectionParameters {
    /// The `a=mid` value, unique in the connection.
    pub mid: String,
    /// Audio or video.
    pub kind: MediaKind,
    /// The ids of header extensions; BUNDLE makes them the same for all sections (RFC 9143, section 9).
    pub extensions: ExtensionMap,
    /// What may arrive.
    pub receive: Option<ReceiveParameters>,
    /// What may be sent.
    pub send: Option<SendParameters>,
}

/// What a section may receive.
#[derive(Clone, Debug, Default)]
pub struct ReceiveParameters {
    /// The codecs by the payload types of the local description.
    pub codecs: Vec<CodecParameters>,
    /// The streams that the remote description names by `a=ssrc`, each with its `FID` partner.
    pub sources: Vec<SignalledSource>,
    /// The RtpStreamIds of the simulcast streams to expect (RFC 8853), in the order of the description; empty: no
    /// simulcast.
    pub rids: Vec<Arc<str>>,
}

/// A stream that was named in a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalledSource {
    /// The stream.
    pub ssrc: u32,
    /// The stream of its retransmissions.
    pub rtx_ssrc: Option<u32>,
}

/// What a section may send.
#[derive(Clone, Debug)]
pub struct SendParameters {
    /// The streams to send: one, or with simulcast one for each encoding.
    pub encodings: Vec<SendEncoding>,
    /// The codecs by the payload types of the remote description.
    pub codecs: Vec<CodecParameters>,
}

/// A stream to send in a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendEncoding {
    /// The stream, made by [`MediaEngine::add_sender`](crate::MediaEngine::add_sender).
    pub sender: SenderId,
    /// Its RtpStreamId, which packets carry until the peer was heard to receive it (RFC 8852); `None` without simulcast.
    pub rid: Option<Arc<str>>,
}

impl From<SenderId> for SendEncoding {
    fn from(sender: SenderId) -> Self {
        Self { sender, rid: None }
    }
}

/// A codec of an m-section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodecParameters {
    /// The payload type, 0 to 127.
    pub payload_type: u8,
    /// The encoding name of `a=rtpmap`, e.g. `VP8`.
    pub name: String,
    /// The clock rate in Hz.
    pub clock_rate: u32,
    /// The number of audio channels; 1 for video.
    pub channels: u8,
    /// The parameters of `a=fmtp`, as text; empty when there are none.
    pub format_parameters: String,
    /// The payload type of retransmissions whose `apt` is this codec.
    pub rtx_payload_type: Option<u8>,
    /// What feedback was agreed to.
    pub feedback: CodecFeedback,
}

/// Feedback agreed to by `a=rtcp-fb`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CodecFeedback {
    /// `nack`: generic NACK.
    pub nack: bool,
    /// `nack pli`: picture loss indication.
    pub pli: bool,
    /// `ccm fir`: full intra request.
    pub fir: bool,
    /// `transport-cc`: transport-wide feedback.
    pub transport_cc: bool,
    /// `goog-remb`: receiver estimated maximum bitrate.
    pub remb: bool,
}

impl CodecParameters {
    /// A codec with one channel and neither parameters, retransmission nor feedback.
    pub fn new(payload_type: u8, name: &str, clock_rate: u32) -> Self {
        Self {
            payload_type,
            name: name.into(),
            clock_rate,
            channels: 1,
            format_parameters: String::new(),
            rtx_payload_type: None,
            feedback: CodecFeedback::default(),
        }
    }

    /// Whether both are the same encoding, apart from format parameters.
    pub fn same_encoding(&self, other: &Self) -> bool {
        self.name.eq_ignore_ascii_case(&other.name)
            && self.clock_rate == other.clock_rate
            && self.channels == other.channels
    }

    /// The payload format, if this stack knows it.
    pub fn format(&self) -> Option<PayloadFormat> {
        PayloadFormat::from_encoding_name(&self.name)
    }
}

/// Names an m-section of one engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SectionId(pub(crate) u32);

/// Names a sender of one engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SenderId(pub(crate) u32);
