//! A received packet on its way up, and to others.

use crate::parameters::{CodecParameters, SectionId};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;
use sendrecv_core::Instant;
use sendrecv_rtp::extension::{AudioLevel, ExtensionMap};
use sendrecv_rtp::{ParseError, RtpPacket};

/// What the numbers in a section's packets mean, whoever looks at them.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) codecs: Vec<CodecParameters>,
    pub(crate) extensions: ExtensionMap,
}

impl Origin {
    pub(crate) fn codec(&self, payload_type: u8) -> Option<&CodecParameters> {
        self.codecs.iter().find(|codec| codec.payload_type == payload_type)
    }
}

/// A received RTP packet that belongs to a section, borrowed from its datagram.
#[derive(Clone, Debug)]
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
    /// The RtpStreamId of its stream: of several simulcast streams, which one it is.
    pub rid: Option<Arc<str>>,
    pub(crate) bytes: &'b [u8],
    pub(crate) origin: Arc<Origin>,
}

impl Inbound<'_> {
    /// What it is encoded as.
    pub fn codec(&self) -> Option<&CodecParameters> {
        self.origin.codec(self.packet.payload_type())
    }

    /// What its header extensions' ids mean.
    pub fn extensions(&self) -> &ExtensionMap {
        &self.origin.extensions
    }

    /// A copy that outlives the datagram. However many senders it is [forwarded](crate::MediaEngine::forward_kept) by, its
    /// bytes are in memory once.
    pub fn keep(&self) -> KeptPacket {
        KeptPacket {
            origin: Arc::clone(&self.origin),
            sequence: self.sequence,
            keyframe: self.keyframe,
            rid: self.rid.clone(),
            bytes: Bytes::copy_from_slice(self.bytes),
        }
    }
}

/// A received packet to be forwarded by any number of engines, on any thread: owned, and cheap to clone.
#[derive(Clone, Debug)]
pub struct KeptPacket {
    pub(crate) origin: Arc<Origin>,
    pub(crate) sequence: u64,
    keyframe: bool,
    rid: Option<Arc<str>>,
    pub(crate) bytes: Bytes,
}

impl KeptPacket {
    /// A packet of another source than an engine here: `bytes` are the RTP packet in clear, encoded by `codec`, with
    /// header extensions by `extensions`. `sequence` is its sequence number, extended to 64 bits.
    ///
    /// # Errors
    /// [`ParseError`] when `bytes` are no RTP packet.
    pub fn new(
        codec: CodecParameters,
        extensions: ExtensionMap,
        sequence: u64,
        bytes: Bytes,
    ) -> Result<Self, ParseError> {
        let packet = RtpPacket::parse(&bytes)?;
        let keyframe = codec.format().is_some_and(|format| format.starts_keyframe(packet.payload()));
        let codecs = vec![CodecParameters { payload_type: packet.payload_type(), ..codec }];
        let origin = Arc::new(Origin { codecs, extensions });
        Ok(Self { origin, sequence, keyframe, rid: None, bytes })
    }

    /// The packet; `None` never, as it was read before.
    pub fn packet(&self) -> Option<RtpPacket<'_>> {
        RtpPacket::parse(&self.bytes).ok()
    }

    /// The packet's bytes, header and all.
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Its sequence number, extended to 64 bits; consecutive for each SSRC.
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Whether it begins a keyframe.
    pub const fn is_keyframe(&self) -> bool {
        self.keyframe
    }

    /// The RtpStreamId of its stream: of several simulcast streams, which one it is.
    pub fn rid(&self) -> Option<&str> {
        self.rid.as_deref()
    }

    /// What it is encoded as.
    pub fn codec(&self) -> Option<&CodecParameters> {
        self.origin.codec(self.packet()?.payload_type())
    }

    /// What its header extensions' ids mean.
    pub fn extensions(&self) -> &ExtensionMap {
        &self.origin.extensions
    }
}
