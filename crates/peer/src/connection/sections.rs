//! Which transceiver is which section, and which senders, of the media engine.

use crate::error::UsageError;
use crate::jsep::{MediaParameters, Negotiated, NegotiatedCodec, SendEncoding, TrackKind, TransceiverId};
use crate::layer::Layer;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use sendrecv_core::Instant;
use sendrecv_media::{
    CodecFeedback, CodecParameters, MediaEngine, MediaKind, ReceiveParameters, SectionId, SectionParameters,
    SendParameters, SenderId, SignalledSource,
};
use sendrecv_rtp::extension::{ExtensionKind, ExtensionMap};
use sendrecv_sdp::{ExtMap, RtcpFeedback};

/// The sections and senders of every transceiver that was negotiated.
#[derive(Debug, Default)]
pub(super) struct MediaSections {
    of_transceiver: BTreeMap<TransceiverId, Section>,
    of_section: BTreeMap<SectionId, (TransceiverId, TrackKind)>,
    of_sender: BTreeMap<SenderId, (TransceiverId, Option<Arc<str>>)>,
}

#[derive(Debug)]
struct Section {
    section: SectionId,
    /// One, or one for each encoding.
    sendings: Vec<Sending>,
    reduced_size: bool,
}

/// An encoding that is sent.
#[derive(Debug)]
pub(super) struct Sending {
    rid: Option<Arc<str>>,
    pub(super) sender: SenderId,
    /// Whether it is to be sent now.
    pub(super) active: bool,
}

impl MediaSections {
    /// The transceiver that a sender is of, and which of its encodings it is.
    pub(super) fn of_sender(&self, sender: SenderId) -> Option<(TransceiverId, Option<Arc<str>>)> {
        self.of_sender.get(&sender).cloned()
    }

    pub(super) fn of_section(&self, section: SectionId) -> Option<(TransceiverId, TrackKind)> {
        self.of_section.get(&section).copied()
    }

    /// What is sent as one layer of a transceiver, or as its first.
    pub(super) fn sending<'r>(&self, layer: impl Into<Layer<'r>>) -> Option<&Sending> {
        let Layer { transceiver, rid } = layer.into();
        let sendings = &self.of_transceiver.get(&transceiver)?.sendings;
        match rid {
            Some(rid) => sendings.iter().find(|own| own.rid.as_deref() == Some(rid)),
            None => sendings.first(),
        }
    }

    /// The first sender of a transceiver.
    pub(super) fn sender(&self, transceiver: TransceiverId) -> Option<SenderId> {
        self.sending(transceiver).map(|sending| sending.sender)
    }

    pub(super) fn section(&self, transceiver: TransceiverId) -> Option<SectionId> {
        self.of_transceiver.get(&transceiver).map(|section| section.section)
    }

    pub(super) fn reduced_size(&self, transceiver: TransceiverId) -> bool {
        self.of_transceiver.get(&transceiver).is_some_and(|section| section.reduced_size)
    }

    /// Sets which encodings of a transceiver are to be sent, in their order.
    pub(super) fn set_active(&mut self, transceiver: TransceiverId, active: impl Iterator<Item = bool>) {
        let section = self.of_transceiver.get_mut(&transceiver);
        for (sending, active) in section.into_iter().flat_map(|section| &mut section.sendings).zip(active) {
            sending.active = active;
        }
    }

    /// Gives the engine what was agreed on; sections that are not in use any more end.
    pub(super) fn negotiate(
        &mut self,
        now: Instant,
        media: &mut MediaEngine,
        negotiated: &Negotiated,
    ) -> Result<(), UsageError> {
        for parameters in &negotiated.media {
            self.set(now, media, parameters)?;
        }
        let in_use =
            |id: &TransceiverId| negotiated.media.iter().any(|parameters| parameters.transceiver == *id);
        let gone: Vec<_> = self.of_transceiver.keys().copied().filter(|id| !in_use(id)).collect();
        for id in gone {
            self.remove(now, media, id);
        }
        Ok(())
    }

    fn set(
        &mut self,
        now: Instant,
        media: &mut MediaEngine,
        parameters: &MediaParameters,
    ) -> Result<(), UsageError> {
        let id = parameters.transceiver;
        let before = self.of_transceiver.remove(&id).map(|section| section.sendings).unwrap_or_default();
        let (sendings, gone) = sendings(now, media, parameters, before);
        for own in &sendings {
            self.of_sender.insert(own.sender, (id, own.rid.clone()));
        }
        let section = media.set_section(now, section_parameters(parameters, &sendings))?;
        self.of_section.insert(section, (id, parameters.kind));
        self.of_transceiver.insert(id, Section { section, sendings, reduced_size: parameters.rtcp_rsize });
        self.remove_senders(now, media, gone);
        Ok(())
    }

    /// Ends a transceiver's section and senders.
    pub(super) fn remove(&mut self, now: Instant, media: &mut MediaEngine, id: TransceiverId) {
        let Some(Section { section, sendings, .. }) = self.of_transceiver.remove(&id) else { return };
        self.of_section.remove(&section);
        // It is the engine's own; there is nobody to tell.
        let _ = media.remove_section(now, section);
        self.remove_senders(now, media, sendings);
    }

    fn remove_senders(&mut self, now: Instant, media: &mut MediaEngine, gone: Vec<Sending>) {
        for Sending { sender, .. } in gone {
            self.of_sender.remove(&sender);
            // As above.
            let _ = media.remove_sender(now, sender);
        }
    }
}

/// The senders of a section: those of `before` that are still wanted, and new ones. What is left of `before` is to end.
fn sendings(
    now: Instant,
    media: &mut MediaEngine,
    parameters: &MediaParameters,
    mut before: Vec<Sending>,
) -> (Vec<Sending>, Vec<Sending>) {
    let kind = media_kind(parameters.kind);
    let mut sending = |encoding: &SendEncoding| {
        // One that had no id and is now the first of several goes on.
        let known =
            before.iter().position(|own| own.rid.is_none() || own.rid.as_deref() == encoding.rid.as_deref());
        let sender = match known {
            Some(position) => before.swap_remove(position).sender,
            None => media.add_sender_as(now, kind, encoding.ssrc, encoding.rtx_ssrc),
        };
        Sending { rid: encoding.rid.as_deref().map(Into::into), sender, active: encoding.active }
    };
    (parameters.send.encodings.iter().map(&mut sending).collect(), before)
}

pub(crate) const fn media_kind(kind: TrackKind) -> MediaKind {
    match kind {
        TrackKind::Audio => MediaKind::Audio,
        TrackKind::Video => MediaKind::Video,
    }
}

fn section_parameters(parameters: &MediaParameters, sendings: &[Sending]) -> SectionParameters {
    let MediaParameters { direction, send, receive, .. } = parameters;
    let encoding = |(own, encoding): (&Sending, &SendEncoding)| sendrecv_media::SendEncoding {
        sender: own.sender,
        rid: own.rid.clone().filter(|_| encoding.named),
    };
    SectionParameters {
        mid: parameters.mid.clone().unwrap_or_default(),
        kind: media_kind(parameters.kind),
        extensions: extension_map(&receive.header_extensions, &send.header_extensions),
        receive: direction.receives().then(|| ReceiveParameters {
            codecs: receive.codecs.iter().map(codec_parameters).collect(),
            sources: receive
                .sources
                .iter()
                .map(|source| SignalledSource { ssrc: source.ssrc, rtx_ssrc: source.rtx_ssrc })
                .collect(),
            rids: receive.simulcast.iter().flatten().map(|id| id.rid.as_str().into()).collect(),
        }),
        send: direction.sends().then(|| SendParameters {
            encodings: sendings.iter().zip(&send.encodings).map(encoding).collect(),
            codecs: send.codecs.iter().map(codec_parameters).collect(),
        }),
    }
}

/// The ids of both directions; in a BUNDLE an id has one meaning.
fn extension_map(receive: &[ExtMap], send: &[ExtMap]) -> ExtensionMap {
    let mut map = ExtensionMap::default();
    for extension in receive.iter().chain(send) {
        if let (Some(kind), Ok(id)) = (ExtensionKind::from_uri(&extension.uri), u8::try_from(extension.id)) {
            map.insert(id, kind);
        }
    }
    map
}

fn codec_parameters(negotiated: &NegotiatedCodec) -> CodecParameters {
    let NegotiatedCodec { codec, rtx } = negotiated;
    CodecParameters {
        payload_type: codec.payload_type,
        name: codec.name.clone(),
        clock_rate: codec.clock_rate,
        channels: codec.channels.unwrap_or(1),
        format_parameters: alloc::string::ToString::to_string(&codec.fmtp),
        rtx_payload_type: *rtx,
        feedback: feedback(&codec.feedback),
    }
}

fn feedback(list: &[RtcpFeedback]) -> CodecFeedback {
    CodecFeedback {
        nack: list.contains(&RtcpFeedback::Nack),
        pli: list.contains(&RtcpFeedback::NackPli),
        fir: list.contains(&RtcpFeedback::CcmFir),
        transport_cc: list.contains(&RtcpFeedback::TransportCc),
        remb: list.contains(&RtcpFeedback::GoogRemb),
    }
}
