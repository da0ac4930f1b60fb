//! Payload types and header extension ids: one number means one thing throughout a BUNDLE.

use super::formats::same_format;
use super::{CodecCapability, Transceiver};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use sendrecv_sdp::{self as sdp, Codec, ExtMap, Parameters};

/// The numbers that are taken, and what they stand for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbering {
    codecs: Vec<Codec>,
    extensions: Vec<(String, u16)>,
}

/// Highest id of a one-byte header extension; 15 is reserved (RFC 8285, section 4.2).
const LAST_ONE_BYTE_ID: u16 = 14;
/// Ids of two-byte header extensions beyond that.
const TWO_BYTE_IDS: core::ops::RangeInclusive<u16> = 16..=255;

impl Numbering {
    /// Takes over the numbers of a description's sections in use.
    pub(crate) fn learn(&mut self, session: &sdp::SessionDescription) {
        for (index, media) in session.media.iter().enumerate() {
            if media.is_rejected() || !media.is_rtp() {
                continue;
            }
            for codec in media.codecs() {
                if self.codec(codec.payload_type).is_none() {
                    self.codecs.push(codec);
                }
            }
            for extmap in session.extmaps_of(index).filter(|extmap| extmap.id <= 255) {
                if self.id_of(&extmap.uri).is_none() && !self.id_is_taken(extmap.id) {
                    self.extensions.push((extmap.uri.clone(), extmap.id));
                }
            }
        }
    }

    /// The capability's codec under its number, and its RTX format behind it.
    pub(crate) fn number(&mut self, capability: &CodecCapability, with_rtx: bool) -> Vec<Codec> {
        let Some(primary) = self.assign(capability.codec.clone()) else { return Vec::new() };
        let rtx = capability.rtx.filter(|_| with_rtx).map(|payload_type| rtx_format(&primary, payload_type));
        let rtx = rtx.and_then(|rtx| self.assign(rtx));
        core::iter::once(primary).chain(rtx).collect()
    }

    /// Gives `codec` the number its format has already, or else the one it asks for, or else any free one.
    fn assign(&mut self, mut codec: Codec) -> Option<Codec> {
        if let Some(known) = self.codecs.iter().find(|known| same_format(known, &codec)) {
            codec.payload_type = known.payload_type;
            return Some(codec);
        }
        let asked = codec.payload_type;
        let free = |payload_type: &u8| self.codec(*payload_type).is_none();
        codec.payload_type = core::iter::once(asked).chain(96..=127).chain(35..=63).find(free)?;
        self.codecs.push(codec.clone());
        Some(codec)
    }

    /// `extension` under the id its URI has already, or else the one it asks for, or else any free one.
    pub(crate) fn extension(&mut self, extension: &ExtMap) -> Option<ExtMap> {
        let id = match self.id_of(&extension.uri) {
            Some(id) => id,
            None => {
                let asked = core::iter::once(extension.id).filter(|id| (1..=255).contains(id));
                let id = asked
                    .chain(1..=LAST_ONE_BYTE_ID)
                    .chain(TWO_BYTE_IDS)
                    .find(|id| !self.id_is_taken(*id))?;
                self.extensions.push((extension.uri.clone(), id));
                id
            }
        };
        Some(ExtMap { id, ..extension.clone() })
    }

    fn codec(&self, payload_type: u8) -> Option<&Codec> {
        self.codecs.iter().find(|codec| codec.payload_type == payload_type)
    }

    fn id_of(&self, uri: &str) -> Option<u16> {
        self.extensions.iter().find(|(own, _)| own == uri).map(|(_, id)| *id)
    }

    fn id_is_taken(&self, id: u16) -> bool {
        self.extensions.iter().any(|(_, own)| *own == id)
    }
}

/// The RTX format of `primary` (RFC 4588, section 8.1).
fn rtx_format(primary: &Codec, payload_type: u8) -> Codec {
    Codec {
        payload_type,
        name: "rtx".into(),
        clock_rate: primary.clock_rate,
        channels: None,
        fmtp: Parameters::new(&format!("apt={}", primary.payload_type)),
        feedback: Vec::new(),
    }
}

/// The capabilities a transceiver may use, in its order of preference.
pub(crate) fn preferred<'a>(
    transceiver: &Transceiver,
    all: &'a [CodecCapability],
) -> Vec<&'a CodecCapability> {
    if transceiver.codec_preferences.is_empty() {
        return all.iter().collect();
    }
    let preferences = transceiver.codec_preferences.iter();
    preferences.filter_map(|codec| all.iter().find(|own| same_format(&own.codec, codec))).collect()
}

/// Whether a transceiver may use RTX.
pub(crate) fn allows_rtx(transceiver: &Transceiver) -> bool {
    let preferences = &transceiver.codec_preferences;
    preferences.is_empty() || preferences.iter().any(|codec| codec.is("rtx"))
}
