//! What the engine tells its owner.

use crate::parameters::{SectionId, SenderId};
use alloc::string::String;

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
        rid: Option<String>,
    },
    /// The stream's sender left, or the stream was silent for too long; its state is gone.
    StreamEnded {
        /// The section it belonged to.
        section: SectionId,
        /// The stream.
        ssrc: u32,
    },
    /// The peer wants a keyframe (PLI or FIR). Not repeated before the event was taken.
    KeyframeRequested {
        /// The sender it is wanted from.
        sender: SenderId,
        /// The stream.
        ssrc: u32,
    },
    /// The peer's estimate of the bitrate that it can receive (REMB).
    BitrateEstimated {
        /// Bits per second.
        bps: u64,
    },
}
