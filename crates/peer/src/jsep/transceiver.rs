//! Transceivers: a sender and a receiver that share a media section.

use crate::encoding::RtpEncodingParameters;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use sendrecv_sdp::{Codec, Direction, MediaKind};
use serde::{Deserialize, Serialize};

/// The kind of a media stream track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrackKind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
}

impl TrackKind {
    /// The name used by W3C and in m-lines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
        }
    }

    pub(crate) fn of(kind: &MediaKind) -> Option<Self> {
        match kind {
            MediaKind::Audio => Some(Self::Audio),
            MediaKind::Video => Some(Self::Video),
            MediaKind::Application | MediaKind::Other(_) => None,
        }
    }

    pub(crate) const fn media_kind(self) -> MediaKind {
        match self {
            Self::Audio => MediaKind::Audio,
            Self::Video => MediaKind::Video,
        }
    }
}

impl fmt::Display for TrackKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Names a transceiver for as long as its connection lives; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TransceiverId(pub(crate) u32);

impl fmt::Display for TransceiverId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "transceiver {}", self.0)
    }
}

/// What a transceiver sends.
#[derive(Clone, Debug)]
pub struct Sender {
    /// The id of the track to send; `None` while there is none.
    pub track: Option<String>,
    /// The streams the receiving side is told the track is in.
    pub streams: Vec<String>,
    /// `[[SendEncodings]]`: at least one; several are simulcast, each with a `rid` of its own.
    pub encodings: Vec<Encoding>,
    /// Whether it was ever negotiated to send: such a sender is not given to another track.
    pub(crate) has_sent: bool,
}

/// One of the ways in which a track is encoded and sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoding {
    /// The source of its media.
    pub ssrc: u32,
    /// The source of its retransmissions; used when RTX is negotiated.
    pub rtx_ssrc: u32,
    /// Its id, and how to encode.
    pub parameters: RtpEncodingParameters,
}

impl Encoding {
    /// Its RTP stream id.
    pub fn rid(&self) -> Option<&str> {
        self.parameters.rid.as_deref()
    }
}

impl Sender {
    /// The encoding with this RTP stream id; without one, the first.
    pub fn encoding(&self, rid: Option<&str>) -> Option<&Encoding> {
        self.encodings.iter().find(|own| rid.is_none() || own.rid() == rid)
    }
}

/// What a transceiver receives.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// The id of the remote track.
    pub track: String,
    /// The remote streams that the track is in (`[[AssociatedRemoteMediaStreams]]`).
    pub streams: Vec<String>,
}

/// `RTCRtpTransceiver`, as far as negotiation knows it.
#[derive(Clone, Debug)]
pub struct Transceiver {
    pub(crate) id: TransceiverId,
    pub(crate) kind: TrackKind,
    pub(crate) mid: Option<String>,
    pub(crate) m_line: Option<usize>,
    pub(crate) direction: Direction,
    pub(crate) current_direction: Option<Direction>,
    pub(crate) fired_direction: Option<Direction>,
    pub(crate) stopping: bool,
    pub(crate) stopped: bool,
    pub(crate) added_by_track: bool,
    pub(crate) created_by_offer: bool,
    pub(crate) sender: Sender,
    pub(crate) receiver: Receiver,
    pub(crate) codec_preferences: Vec<Codec>,
}

impl Transceiver {
    /// Its name.
    pub const fn id(&self) -> TransceiverId {
        self.id
    }

    /// What it carries.
    pub const fn kind(&self) -> TrackKind {
        self.kind
    }

    /// The name of its media section, once a description that has one is set.
    pub fn mid(&self) -> Option<&str> {
        self.mid.as_deref()
    }

    /// The position of its media section.
    pub const fn m_line(&self) -> Option<usize> {
        self.m_line
    }

    /// The direction that is wanted; a stopped transceiver wants none (W3C calls it `stopped`).
    pub const fn direction(&self) -> Direction {
        if self.stopping { Direction::Inactive } else { self.direction }
    }

    /// The direction last negotiated; `None` before that and when stopped.
    pub const fn current_direction(&self) -> Option<Direction> {
        if self.stopped { None } else { self.current_direction }
    }

    /// Whether it is stopped, or will be with the next negotiation.
    pub const fn is_stopping(&self) -> bool {
        self.stopping
    }

    /// Whether it is stopped for good.
    pub const fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// What it sends.
    pub const fn sender(&self) -> &Sender {
        &self.sender
    }

    /// What it receives.
    pub const fn receiver(&self) -> &Receiver {
        &self.receiver
    }

    /// The codecs it is restricted to, the preferred one first; empty: no restriction.
    pub fn codec_preferences(&self) -> &[Codec] {
        &self.codec_preferences
    }
}
