//! Which id means which extension.

/// A header extension with a known URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExtensionKind {
    /// When the packet was sent, in 6.18 fixed-point seconds.
    AbsSendTime,
    /// A sequence number over all packets of the transport.
    TransportSequenceNumber,
    /// How loud the packet's audio is (RFC 6464).
    AudioLevel,
    /// How loud each contributing source is (RFC 6465).
    CsrcAudioLevel,
    /// The m-section the packet belongs to (RFC 9143, section 15.1).
    Mid,
    /// The restriction (simulcast layer) the packet belongs to (RFC 8852).
    RtpStreamId,
    /// The restriction a retransmission or repair stream belongs to (RFC 8852).
    RepairedRtpStreamId,
    /// How much later than its timestamp the packet was sent (RFC 5450).
    TransmissionOffset,
    /// How the video is to be rotated (3GPP TS 26.114).
    VideoOrientation,
    /// Bounds for the receiver's playout delay.
    PlayoutDelay,
    /// The video's colour space and HDR metadata; carried, not interpreted.
    ColorSpace,
    /// Whether the video is a screen; carried, not interpreted.
    VideoContentType,
    /// When the frame passed the sender's stages; carried, not interpreted.
    VideoTiming,
    /// Dependencies between frames (AV1 RTP, appendix A); carried, not interpreted.
    DependencyDescriptor,
    /// The absolute capture time of the frame; carried, not interpreted.
    AbsCaptureTime,
    /// Which spatial and temporal layers the sender encodes; carried, not interpreted.
    VideoLayersAllocation,
}

impl ExtensionKind {
    /// Every kind with its URI.
    pub const URIS: &'static [(Self, &'static str)] = &[
        (Self::AbsSendTime, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"),
        (
            Self::TransportSequenceNumber,
            "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
        ),
        (Self::AudioLevel, "urn:ietf:params:rtp-hdrext:ssrc-audio-level"),
        (Self::CsrcAudioLevel, "urn:ietf:params:rtp-hdrext:csrc-audio-level"),
        (Self::Mid, "urn:ietf:params:rtp-hdrext:sdes:mid"),
        (Self::RtpStreamId, "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"),
        (Self::RepairedRtpStreamId, "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"),
        (Self::TransmissionOffset, "urn:ietf:params:rtp-hdrext:toffset"),
        (Self::VideoOrientation, "urn:3gpp:video-orientation"),
        (Self::PlayoutDelay, "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"),
        (Self::ColorSpace, "http://www.webrtc.org/experiments/rtp-hdrext/color-space"),
        (Self::VideoContentType, "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type"),
        (Self::VideoTiming, "http://www.webrtc.org/experiments/rtp-hdrext/video-timing"),
        (
            Self::DependencyDescriptor,
            "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
        ),
        (Self::AbsCaptureTime, "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"),
        (
            Self::VideoLayersAllocation,
            "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00",
        ),
    ];

    /// The extension with this URI, if known.
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::URIS.iter().find(|(_, known)| *known == uri).map(|(kind, _)| *kind)
    }

    /// The URI it is negotiated by.
    pub fn uri(self) -> &'static str {
        Self::URIS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, uri)| uri)
    }

    /// Whether it describes one hop rather than the media, so that a forwarder writes its own instead of passing it on.
    pub const fn is_hop_by_hop(self) -> bool {
        matches!(
            self,
            Self::AbsSendTime
                | Self::TransportSequenceNumber
                | Self::Mid
                | Self::RtpStreamId
                | Self::RepairedRtpStreamId
                | Self::TransmissionOffset
        )
    }
}

/// The negotiated ids of header extensions, 1 to 255 (0 and 15 are not assignable). Lookups are O(1) both ways.
#[derive(Clone, PartialEq, Eq)]
pub struct ExtensionMap {
    kinds: [Option<ExtensionKind>; 256],
    ids: [u8; ExtensionKind::URIS.len()],
}

impl Default for ExtensionMap {
    fn default() -> Self {
        Self { kinds: [None; 256], ids: [0; ExtensionKind::URIS.len()] }
    }
}

impl ExtensionMap {
    /// A map without extensions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Assigns `id` to `kind`; both lose what they were assigned to. Ids 0 and 15 are ignored.
    pub fn insert(&mut self, id: u8, kind: ExtensionKind) {
        if id == 0 || id == 15 {
            return;
        }
        if let Some(old) = self.kind(id) {
            self.set(old, 0);
        }
        if let Some(old) = self.id(kind) {
            self.set_kind(old, None);
        }
        self.set(kind, id);
        self.set_kind(id, Some(kind));
    }

    /// What `id` means.
    #[inline]
    pub fn kind(&self, id: u8) -> Option<ExtensionKind> {
        self.kinds.get(usize::from(id)).copied().flatten()
    }

    /// The id of `kind`.
    #[inline]
    pub fn id(&self, kind: ExtensionKind) -> Option<u8> {
        self.ids.get(position(kind)).copied().filter(|id| *id != 0)
    }

    /// All assignments, by kind.
    pub fn iter(&self) -> impl Iterator<Item = (u8, ExtensionKind)> + '_ {
        ExtensionKind::URIS.iter().filter_map(|(kind, _)| Some((self.id(*kind)?, *kind)))
    }

    fn set(&mut self, kind: ExtensionKind, id: u8) {
        if let Some(slot) = self.ids.get_mut(position(kind)) {
            *slot = id;
        }
    }

    fn set_kind(&mut self, id: u8, kind: Option<ExtensionKind>) {
        if let Some(slot) = self.kinds.get_mut(usize::from(id)) {
            *slot = kind;
        }
    }
}

impl FromIterator<(u8, ExtensionKind)> for ExtensionMap {
    fn from_iter<I: IntoIterator<Item = (u8, ExtensionKind)>>(assignments: I) -> Self {
        let mut map = Self::new();
        for (id, kind) in assignments {
            map.insert(id, kind);
        }
        map
    }
}

impl core::fmt::Debug for ExtensionMap {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Position of a kind in the id table; follows the order of [`ExtensionKind::URIS`].
const fn position(kind: ExtensionKind) -> usize {
    match kind {
        ExtensionKind::AbsSendTime => 0,
        ExtensionKind::TransportSequenceNumber => 1,
        ExtensionKind::AudioLevel => 2,
        ExtensionKind::CsrcAudioLevel => 3,
        ExtensionKind::Mid => 4,
        ExtensionKind::RtpStreamId => 5,
        ExtensionKind::RepairedRtpStreamId => 6,
        ExtensionKind::TransmissionOffset => 7,
        ExtensionKind::VideoOrientation => 8,
        ExtensionKind::PlayoutDelay => 9,
        ExtensionKind::ColorSpace => 10,
        ExtensionKind::VideoContentType => 11,
        ExtensionKind::VideoTiming => 12,
        ExtensionKind::DependencyDescriptor => 13,
        ExtensionKind::AbsCaptureTime => 14,
        ExtensionKind::VideoLayersAllocation => 15,
    }
}

/// What becomes of each extension id when a packet is forwarded: another id, or nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct ExtensionTranslation([u8; 256]);

impl ExtensionTranslation {
    /// From the ids packets arrive with to those they are sent with. Extensions that one side does not know are
    /// dropped, and so are those of one hop ([`ExtensionKind::is_hop_by_hop`]).
    pub fn new(from: &ExtensionMap, to: &ExtensionMap) -> Self {
        let mut ids = [0; 256];
        for (id, kind) in from.iter().filter(|(_, kind)| !kind.is_hop_by_hop()) {
            if let Some(slot) = ids.get_mut(usize::from(id)) {
                *slot = to.id(kind).unwrap_or(0);
            }
        }
        Self(ids)
    }

    /// The id to send it with; `None` when it is to be dropped.
    pub fn translate(&self, id: u8) -> Option<u8> {
        self.0.get(usize::from(id)).copied().filter(|id| *id != 0)
    }
}

impl core::fmt::Debug for ExtensionTranslation {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let pairs = (0..=255).filter_map(|id| Some((id, self.translate(id)?)));
        f.debug_map().entries(pairs).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn uris_and_positions_agree() {
        for (index, (kind, uri)) in ExtensionKind::URIS.iter().enumerate() {
            assert_eq!(position(*kind), index);
            assert_eq!((ExtensionKind::from_uri(uri), kind.uri()), (Some(*kind), *uri));
        }
        assert_eq!(ExtensionKind::from_uri("urn:unknown"), None);
    }

    #[test]
    fn an_id_and_a_kind_have_one_partner_each() {
        let mut map: ExtensionMap =
            [(3, ExtensionKind::Mid), (4, ExtensionKind::AudioLevel)].into_iter().collect();
        map.insert(4, ExtensionKind::Mid);
        map.insert(15, ExtensionKind::AbsSendTime);
        map.insert(0, ExtensionKind::AbsSendTime);
        assert_eq!(map.iter().collect::<Vec<_>>(), [(4, ExtensionKind::Mid)]);
        assert_eq!((map.kind(3), map.id(ExtensionKind::AudioLevel)), (None, None));
    }

    #[test]
    fn translation_keeps_what_belongs_to_the_media() {
        let from = [(1, ExtensionKind::AudioLevel), (2, ExtensionKind::Mid), (3, ExtensionKind::ColorSpace)];
        let to = [(9, ExtensionKind::AudioLevel), (2, ExtensionKind::Mid)];
        let ids = ExtensionTranslation::new(&from.into_iter().collect(), &to.into_iter().collect());
        assert_eq!([1, 2, 3, 4].map(|id| ids.translate(id)), [Some(9), None, None, None]);
    }
}
