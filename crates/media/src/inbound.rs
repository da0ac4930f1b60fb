//! A received packet on its way up.

use crate::parameters::SectionId;
use sendrecv_core::Instant;
use sendrecv_rtp::RtpPacket;
use sendrecv_rtp::extension::AudioLevel;

/// A received RTP packet that belongs to a section, borrowed from its datagram.
#[derive(Clone, Copy, Debug)]
pub struct Inbound<'b> {
    /// The section, and so the receiver, it is for.
    pub section: SectionId,
    /// The packet; of a retransmission, the original one.
    pub packet: RtpPacket<'b>,
    /// When it arrived.
    pub arrival: Instant,
    /// Its sequence number, extended to 64 bits; consecutive for each SSRC.
    pub sequence: u64,
    /// Whether it came as a retransmission on a stream of its own (RFC 4588).
    pub repaired: bool,
    /// Whether it begins a keyframe.
    pub keyframe: bool,
    /// How loud it is (RFC 6464).
    pub audio_level: Option<AudioLevel>,
}
