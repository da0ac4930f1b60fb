//! The negotiated m-sections, and which payload types and MIDs lead to them.

use crate::inbound::Origin;
use crate::parameters::{CodecFeedback, CodecParameters, MediaKind, SectionId, SectionParameters};
use crate::sources::RecentSources;
use alloc::sync::Arc;
use alloc::vec::Vec;
use sendrecv_rtp::extension::ExtensionMap;
use sendrecv_rtp::payload::PayloadFormat;

/// Of a codec, what each received packet needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReceiveCodec {
    pub(crate) payload_type: u8,
    pub(crate) clock_rate: u32,
    pub(crate) format: Option<PayloadFormat>,
    pub(crate) feedback: CodecFeedback,
    pub(crate) is_video: bool,
}

/// What a payload type means in a section.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PayloadUse {
    /// A codec.
    Media(ReceiveCodec),
    /// Retransmissions of a codec.
    Repair(ReceiveCodec),
}

/// In a table of payload types: this one is not in use.
const UNUSED: u8 = 0xff;
/// In a table of payload types: this one retransmits the codec at the position in the other bits.
const REPAIR: u8 = 0x80;

/// Of a payload type: no section has it.
const NOWHERE: u8 = 0xff;
/// Of a payload type: it leads to no section, as several have it.
const SEVERAL: u8 = 0xfe;

#[derive(Debug)]
pub(crate) struct Section {
    /// As negotiated; the codecs to be received are in `origin`.
    pub(crate) parameters: SectionParameters,
    pub(crate) origin: Arc<Origin>,
    pub(crate) recent: RecentSources,
    codecs: Vec<ReceiveCodec>,
    /// By payload type: the position of its codec, with [`REPAIR`] for one that retransmits.
    uses: [u8; 128],
}

impl Section {
    fn new(mut parameters: SectionParameters) -> Self {
        let is_video = parameters.kind == MediaKind::Video;
        let received = parameters.receive.as_mut().map(|receive| core::mem::take(&mut receive.codecs));
        let received = received.unwrap_or_default();
        let mut uses = [UNUSED; 128];
        for (position, codec) in (0..REPAIR - 1).zip(&received) {
            let repair = codec.rtx_payload_type.map(|payload_type| (payload_type, position | REPAIR));
            for (payload_type, payload_use) in
                [Some((codec.payload_type, position)), repair].into_iter().flatten()
            {
                if let Some(slot) = uses.get_mut(usize::from(payload_type)) {
                    *slot = payload_use;
                }
            }
        }
        let codecs = received.iter().map(|codec| receive_codec(codec, is_video)).collect();
        let origin = Arc::new(Origin { codecs: received, extensions: parameters.extensions.clone() });
        Self { parameters, origin, recent: RecentSources::default(), codecs, uses }
    }

    /// What a payload type means here.
    pub(crate) fn payload_use(&self, payload_type: u8) -> Option<PayloadUse> {
        let payload_use = *self.uses.get(usize::from(payload_type))?;
        let codec = *self.codecs.get(usize::from(payload_use & !REPAIR))?;
        Some(if payload_use < REPAIR { PayloadUse::Media(codec) } else { PayloadUse::Repair(codec) })
    }

    /// Whether the peer was told to send simulcast streams here.
    pub(crate) fn receives_simulcast(&self) -> bool {
        self.parameters.receive.as_ref().is_some_and(|receive| !receive.rids.is_empty())
    }

    /// An RtpStreamId, as negotiated if it was.
    pub(crate) fn rid(&self, text: &str) -> Arc<str> {
        let negotiated = self.parameters.receive.iter().flat_map(|receive| &receive.rids);
        negotiated.into_iter().find(|rid| rid.as_ref() == text).cloned().unwrap_or_else(|| text.into())
    }

    /// What to assume of a stream before its first packet.
    pub(crate) fn first_codec(&self) -> Option<ReceiveCodec> {
        self.codecs.first().copied()
    }
}

fn receive_codec(codec: &CodecParameters, is_video: bool) -> ReceiveCodec {
    ReceiveCodec {
        payload_type: codec.payload_type,
        clock_rate: codec.clock_rate,
        format: codec.format(),
        feedback: codec.feedback,
        is_video,
    }
}

/// All sections of an engine.
#[derive(Debug)]
pub(crate) struct Sections {
    sections: Vec<Option<Section>>,
    /// By payload type: the only section that receives it.
    by_payload_type: [u8; 128],
    extensions: ExtensionMap,
    transport_feedback: bool,
}

impl Sections {
    pub(crate) fn new() -> Self {
        Self {
            sections: Vec::new(),
            by_payload_type: [NOWHERE; 128],
            extensions: ExtensionMap::new(),
            transport_feedback: false,
        }
    }

    pub(crate) fn get(&self, id: SectionId) -> Option<&Section> {
        self.sections.get(index(id))?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, id: SectionId) -> Option<&mut Section> {
        self.sections.get_mut(index(id))?.as_mut()
    }

    /// The section with this MID.
    pub(crate) fn by_mid(&self, mid: &[u8]) -> Option<SectionId> {
        self.iter().find(|(_, section)| section.parameters.mid.as_bytes() == mid).map(|(id, _)| id)
    }

    /// The only section that receives this payload type.
    pub(crate) fn by_payload_type(&self, payload_type: u8) -> Option<SectionId> {
        let section = *self.by_payload_type.get(usize::from(payload_type))?;
        (section < SEVERAL).then(|| SectionId(section.into()))
    }

    /// Ids of header extensions, of all sections.
    pub(crate) const fn extensions(&self) -> &ExtensionMap {
        &self.extensions
    }

    /// Whether any section agreed to transport-wide feedback.
    pub(crate) const fn transport_feedback(&self) -> bool {
        self.transport_feedback
    }

    /// Adds the section, or replaces the one with its MID.
    pub(crate) fn set(&mut self, parameters: SectionParameters) -> SectionId {
        let known = self.by_mid(parameters.mid.as_bytes());
        let id = known.unwrap_or_else(|| {
            self.sections.push(None);
            SectionId(u32::try_from(self.sections.len() - 1).unwrap_or(u32::MAX))
        });
        if let Some(slot) = self.sections.get_mut(index(id)) {
            let recent = slot.take().map(|before| before.recent).unwrap_or_default();
            *slot = Some(Section { recent, ..Section::new(parameters) });
        }
        self.rebuild();
        id
    }

    /// Forgets the section.
    pub(crate) fn remove(&mut self, id: SectionId) -> Option<Section> {
        let section = self.sections.get_mut(index(id))?.take();
        self.rebuild();
        section
    }

    fn iter(&self) -> impl Iterator<Item = (SectionId, &Section)> {
        (0..).zip(&self.sections).filter_map(|(id, section)| Some((SectionId(id), section.as_ref()?)))
    }

    fn rebuild(&mut self) {
        let mut unique = [NOWHERE; 128];
        let mut extensions = ExtensionMap::new();
        let mut transport_feedback = false;
        for (id, section) in self.iter() {
            for (entry, payload_use) in unique.iter_mut().zip(&section.uses) {
                if *payload_use != UNUSED {
                    *entry = if *entry == NOWHERE {
                        u8::try_from(id.0).unwrap_or(SEVERAL).min(SEVERAL)
                    } else {
                        SEVERAL
                    };
                }
            }
            section.parameters.extensions.iter().for_each(|(id, kind)| extensions.insert(id, kind));
            transport_feedback |= section.codecs.iter().any(|codec| codec.feedback.transport_cc);
        }
        self.by_payload_type = unique;
        self.extensions = extensions;
        self.transport_feedback = transport_feedback;
    }
}

fn index(id: SectionId) -> usize {
    usize::try_from(id.0).unwrap_or(usize::MAX)
}
