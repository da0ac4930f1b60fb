//! What this endpoint can send and receive.

use alloc::borrow::ToOwned;
use alloc::vec;
use alloc::vec::Vec;
use sendrecv_sdp::{Codec, ExtMap, Parameters, RtcpFeedback};

/// A codec, and whether lost packets of it are retransmitted in a stream of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodecCapability {
    /// The codec with the payload type it is offered under, unless that is taken.
    pub codec: Codec,
    /// The preferred payload type of its RTX format (RFC 4588); `None`: no RTX.
    pub rtx: Option<u8>,
}

/// What can be sent and received of one kind of media: codecs in order of preference, and header extensions with the
/// numbers they are offered under, unless those are taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediaCapabilities {
    /// Codecs, the preferred one first.
    pub codecs: Vec<CodecCapability>,
    /// Header extensions.
    pub header_extensions: Vec<ExtMap>,
}

/// The stream identification of RFC 9143 in RTP packets.
pub const MID_URI: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
/// The RTP stream id of RFC 8852.
pub const RID_URI: &str = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
/// The id of the RTP stream that is repaired (RFC 8852).
pub const REPAIRED_RID_URI: &str = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";
/// The absolute send time.
pub const ABS_SEND_TIME_URI: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
/// The transport-wide sequence number.
pub const TRANSPORT_CC_URI: &str =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
/// The audio level of RFC 6464.
pub const AUDIO_LEVEL_URI: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
/// The audio levels of contributing sources of RFC 6465.
pub const CSRC_AUDIO_LEVEL_URI: &str = "urn:ietf:params:rtp-hdrext:csrc-audio-level";
/// The transmission time offset of RFC 5450.
pub const TOFFSET_URI: &str = "urn:ietf:params:rtp-hdrext:toffset";
/// The orientation of the camera (3GPP TS 26.114).
pub const VIDEO_ORIENTATION_URI: &str = "urn:3gpp:video-orientation";
/// Bounds of the playout delay.
pub const PLAYOUT_DELAY_URI: &str = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";
/// Camera or screen.
pub const VIDEO_CONTENT_TYPE_URI: &str = "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type";
/// Timing of frames along the way.
pub const VIDEO_TIMING_URI: &str = "http://www.webrtc.org/experiments/rtp-hdrext/video-timing";
/// The colour space.
pub const COLOR_SPACE_URI: &str = "http://www.webrtc.org/experiments/rtp-hdrext/color-space";
/// The structure of layered video (AV1 RTP, appendix A).
pub const DEPENDENCY_DESCRIPTOR_URI: &str =
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";

/// (payload type, name, clock rate, channels, parameters) of the audio codecs.
const AUDIO: [(u8, &str, u32, Option<u8>, &str); 6] = [
    (111, "opus", 48_000, Some(2), "minptime=10;useinbandfec=1"),
    (9, "G722", 8000, None, ""),
    (0, "PCMU", 8000, None, ""),
    (8, "PCMA", 8000, None, ""),
    (110, TELEPHONE_EVENT, 48_000, None, ""),
    (126, TELEPHONE_EVENT, 8000, None, ""),
];

/// Tones (RFC 4733), the sixteen of DTMF unless said otherwise.
const TELEPHONE_EVENT: &str = "telephone-event";

/// (payload type, RTX payload type, name, parameters) of the video codecs.
const VIDEO: [(u8, u8, &str, &str); 10] = [
    (96, 97, "VP8", ""),
    (102, 103, "H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f"),
    (104, 107, "H264", "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f"),
    (108, 109, "H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"),
    (114, 115, "H264", "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f"),
    (116, 117, "H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f"),
    (39, 40, "H264", "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=4d001f"),
    (45, 46, "AV1", "level-idx=5;profile=0;tier=0"),
    (98, 99, "VP9", "profile-id=0"),
    (100, 101, "VP9", "profile-id=2"),
];

const AUDIO_EXTENSIONS: [(u16, &str); 5] = [
    (1, AUDIO_LEVEL_URI),
    (2, ABS_SEND_TIME_URI),
    (3, TRANSPORT_CC_URI),
    (4, MID_URI),
    (9, CSRC_AUDIO_LEVEL_URI),
];

const VIDEO_EXTENSIONS: [(u16, &str); 12] = [
    (14, TOFFSET_URI),
    (2, ABS_SEND_TIME_URI),
    (13, VIDEO_ORIENTATION_URI),
    (3, TRANSPORT_CC_URI),
    (5, PLAYOUT_DELAY_URI),
    (6, VIDEO_CONTENT_TYPE_URI),
    (7, VIDEO_TIMING_URI),
    (8, COLOR_SPACE_URI),
    (4, MID_URI),
    (10, RID_URI),
    (11, REPAIRED_RID_URI),
    (12, DEPENDENCY_DESCRIPTOR_URI),
];

impl MediaCapabilities {
    /// Neither codecs nor header extensions.
    pub const fn nothing() -> Self {
        Self { codecs: Vec::new(), header_extensions: Vec::new() }
    }

    /// The audio codecs and header extensions every browser knows, under the numbers Chromium uses.
    pub fn audio() -> Self {
        let codecs = AUDIO.map(|(payload_type, name, clock_rate, channels, parameters)| CodecCapability {
            codec: Codec {
                payload_type,
                name: name.to_owned(),
                clock_rate,
                channels,
                fmtp: Parameters::new(parameters),
                feedback: match name {
                    TELEPHONE_EVENT => Vec::new(),
                    _ => vec![RtcpFeedback::TransportCc, RtcpFeedback::Nack],
                },
            },
            rtx: None,
        });
        Self { codecs: codecs.into(), header_extensions: extensions(&AUDIO_EXTENSIONS) }
    }

    /// The video codecs and header extensions every browser knows, under the numbers Chromium uses.
    pub fn video() -> Self {
        let codecs = VIDEO.map(|(payload_type, rtx, name, parameters)| CodecCapability {
            codec: Codec {
                payload_type,
                name: name.to_owned(),
                clock_rate: 90_000,
                channels: None,
                fmtp: Parameters::new(parameters),
                feedback: vec![
                    RtcpFeedback::GoogRemb,
                    RtcpFeedback::TransportCc,
                    RtcpFeedback::CcmFir,
                    RtcpFeedback::Nack,
                    RtcpFeedback::NackPli,
                ],
            },
            rtx: Some(rtx),
        });
        Self { codecs: codecs.into(), header_extensions: extensions(&VIDEO_EXTENSIONS) }
    }
}

fn extensions(list: &[(u16, &str)]) -> Vec<ExtMap> {
    list.iter().map(|(id, uri)| ExtMap::new(*id, uri)).collect()
}
