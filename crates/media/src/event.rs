//! What the engine tells its owner.

use crate::parameters::{SectionId, SenderId};
use alloc::sync::Arc;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The first packet of a stream arrived.
    StreamStarted {
        /// The section it belongs to.
        section: SectionId,
        /// The stream.
        ssrc: u32,
        /// The RtpStreamId it came with, in simulcast.
        rid: Option<Arc<str>>,
    },
    /// A stream whose first packets lacked the RtpStreamId has it now.
    StreamIdentified {
        /// The section it belongs to.
        section: SectionId,
        /// The stream.
        ssrc: u32,
        /// Its RtpStreamId.
        rid: Arc<str>,
    },
    /// The stream's sender left, or the stream was silent for too long; its state is gone.
    StreamEnded {
        /// The section it belonged to.
        section: SectionId,
        /// The stream.
        ssrc: u32,
    },
    /// The peer had the same SSRC, so a sender of ours has another now (RFC 3550, section 8.2).
    SsrcChanged {
        /// The sender.
        sender: SenderId,
        /// Its stream.
        ssrc: u32,
        /// Its retransmissions.
        rtx_ssrc: u32,
    },
    /// A sender begins a tone (DTMF).
    ToneChanged {
        /// The sender.
        sender: SenderId,
        /// The tone; `,` is a pause of two seconds. `None`: there are no more.
        tone: Option<char>,
    },
    /// The peer wants a keyframe (PLI or FIR). Not repeated before the event was taken.
    KeyframeRequested {
        /// The sender it is wanted from.
        sender: SenderId,
        /// The stream.
        ssrc: u32,
    },
    /// What all streams together should be sent with, from congestion control: encoders are to follow.
    TargetBitrate {
        /// Bits per second, with RTP headers.
        bps: u64,
    },
    /// The peer's estimate of the bitrate that it can receive (REMB).
    BitrateEstimated {
        /// Bits per second.
        bps: u64,
    },
}
