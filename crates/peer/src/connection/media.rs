//! Tracks, transceivers and RTP.

use super::PeerConnection;
use crate::error::UsageError;
use crate::jsep::{
    MediaParameters, Negotiated, NegotiatedCodec, TrackKind, Transceiver, TransceiverId, TransceiverInit,
};
use crate::layer::Layer;
use crate::record::Input;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use sendrecv_core::Instant;
use sendrecv_media::{
    CodecFeedback, CodecParameters, KeptPacket, MediaEngine, MediaKind, Outgoing, Payload, ReceiveParameters,
    SectionId, SectionParameters, SendParameters, SenderId, SignalledSource,
};
use sendrecv_rtp::RtpPacket;
use sendrecv_rtp::extension::{ExtensionKind, ExtensionMap};
use sendrecv_sdp::{Codec, Direction, ExtMap, RtcpFeedback};

/// A received media packet, in clear, borrowed from the datagram it came in.
#[derive(Clone, Debug)]
pub struct ReceivedRtp<'b> {
    /// The transceiver whose receiver it is for.
    pub transceiver: TransceiverId,
    /// What it carries.
    pub kind: TrackKind,
    inbound: sendrecv_media::Inbound<'b>,
}

impl<'b> ReceivedRtp<'b> {
    /// The packet; of a retransmission, the original one.
    pub const fn packet(&self) -> &RtpPacket<'b> {
        &self.inbound.packet
    }

    /// The payload, without padding.
    pub fn payload(&self) -> &'b [u8] {
        self.inbound.packet.payload()
    }

    /// Sequence number extended to 64 bits; consecutive per SSRC.
    pub const fn sequence(&self) -> u64 {
        self.inbound.sequence
    }

    /// When it arrived.
    pub const fn arrival(&self) -> Instant {
        self.inbound.arrival
    }

    /// Whether it begins a keyframe.
    pub const fn is_keyframe(&self) -> bool {
        self.inbound.keyframe
    }

    /// Whether it was lost first and came as a retransmission.
    pub const fn is_repaired(&self) -> bool {
        self.inbound.repaired
    }

    /// The RTP stream id of its stream: of several encodings of one track (simulcast), which one it is.
    pub fn rid(&self) -> Option<&str> {
        self.inbound.rid.as_deref()
    }

    /// What it is encoded as.
    pub fn codec(&self) -> Option<&CodecParameters> {
        self.inbound.codec()
    }

    /// A copy that outlives the datagram, for [`PeerConnection::forward_kept`]. However many connections forward it, its
    /// bytes are in memory once.
    pub fn keep(&self) -> KeptPacket {
        self.inbound.keep()
    }
}

/// A media packet of our own to send.
#[derive(Clone, Copy, Debug)]
pub struct MediaPacket<'a> {
    /// A payload type that was negotiated for sending.
    pub payload_type: u8,
    /// The marker bit: last packet of a video frame, first of a talkspurt.
    pub marker: bool,
    /// Media time in units of the codec's clock; a random offset is added.
    pub timestamp: u32,
    /// Header extensions by kind; those not agreed on are left out.
    pub extensions: &'a [(ExtensionKind, &'a [u8])],
    /// What it carries.
    pub payload: Payload<'a>,
}

/// Which transceiver is which section and sender of the media engine.
#[derive(Debug, Default)]
pub(super) struct MediaSections {
    of_transceiver: BTreeMap<TransceiverId, Section>,
    of_section: BTreeMap<SectionId, (TransceiverId, TrackKind)>,
    of_sender: BTreeMap<SenderId, TransceiverId>,
}

#[derive(Clone, Copy, Debug)]
struct Section {
    section: SectionId,
    sender: SenderId,
    reduced_size: bool,
}

impl MediaSections {
    pub(super) fn of_sender(&self, sender: SenderId) -> Option<TransceiverId> {
        self.of_sender.get(&sender).copied()
    }

    pub(super) fn sender(&self, transceiver: TransceiverId) -> Option<SenderId> {
        self.of_transceiver.get(&transceiver).map(|section| section.sender)
    }

    pub(super) fn section(&self, transceiver: TransceiverId) -> Option<SectionId> {
        self.of_transceiver.get(&transceiver).map(|section| section.section)
    }

    pub(super) fn reduced_size(&self, transceiver: TransceiverId) -> bool {
        self.of_transceiver.get(&transceiver).is_some_and(|section| section.reduced_size)
    }

    pub(super) fn received<'b>(&self, inbound: sendrecv_media::Inbound<'b>) -> Option<ReceivedRtp<'b>> {
        let (transceiver, kind) = *self.of_section.get(&inbound.section)?;
        Some(ReceivedRtp { transceiver, kind, inbound })
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
        let kind = media_kind(parameters.kind);
        let send = &parameters.send;
        let sender =
            self.sender(id).unwrap_or_else(|| media.add_sender_as(now, kind, send.ssrc, send.rtx_ssrc));
        self.of_sender.insert(sender, id);
        let section = media.set_section(now, section_parameters(parameters, sender))?;
        self.of_section.insert(section, (id, parameters.kind));
        self.of_transceiver.insert(id, Section { section, sender, reduced_size: parameters.rtcp_rsize });
        Ok(())
    }

    /// Ends a transceiver's section and sender.
    pub(super) fn remove(&mut self, now: Instant, media: &mut MediaEngine, id: TransceiverId) {
        let Some(Section { section, sender, .. }) = self.of_transceiver.remove(&id) else { return };
        self.of_section.remove(&section);
        self.of_sender.remove(&sender);
        // Both are the engine's own; there is nobody to tell.
        let _ = media.remove_section(now, section);
        let _ = media.remove_sender(now, sender);
    }
}

impl PeerConnection {
    /// `getTransceivers`.
    pub fn transceivers(&self) -> &[Transceiver] {
        self.jsep.transceivers()
    }

    /// One transceiver.
    pub fn transceiver(&self, id: TransceiverId) -> Option<&Transceiver> {
        self.jsep.transceiver(id)
    }

    /// `addTrack`: sends a track called `track`, in the streams given.
    ///
    /// # Errors
    /// [`UsageError::Jsep`] for a track that is being sent already, [`UsageError::Closed`].
    pub fn add_track(
        &mut self,
        now: Instant,
        kind: TrackKind,
        track: &str,
        streams: &[&str],
    ) -> Result<TransceiverId, UsageError> {
        let now = self.enter(now)?;
        self.record(|| Input::add_track(now, kind, track, streams));
        let id = self.jsep.add_track(kind, track, streams)?;
        self.drive(now);
        Ok(id)
    }

    /// `addStream` of the early interface: a track of each kind given, all in one stream. Tracks are called after
    /// stream and kind.
    ///
    /// # Errors
    /// As [`add_track`](Self::add_track).
    pub fn add_stream(
        &mut self,
        now: Instant,
        stream: &str,
        kinds: &[TrackKind],
    ) -> Result<Vec<TransceiverId>, UsageError> {
        kinds
            .iter()
            .map(|kind| self.add_track(now, *kind, &alloc::format!("{stream}-{kind}"), &[stream]))
            .collect()
    }

    /// `removeTrack`: the transceiver sends nothing any more; the section stays.
    ///
    /// # Errors
    /// [`UsageError::Jsep`] for an unknown transceiver, [`UsageError::Closed`].
    pub fn remove_track(&mut self, now: Instant, id: TransceiverId) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        self.record(|| Input::RemoveTrack { now, transceiver: id });
        self.jsep.remove_track(id)?;
        self.stop_tones_without_track(id);
        self.drive(now);
        Ok(())
    }

    /// `addTransceiver`.
    ///
    /// # Errors
    /// [`UsageError::Jsep`], [`UsageError::Closed`].
    pub fn add_transceiver(
        &mut self,
        now: Instant,
        kind: TrackKind,
        init: TransceiverInit,
    ) -> Result<TransceiverId, UsageError> {
        let now = self.enter(now)?;
        self.record(|| Input::add_transceiver(now, kind, &init));
        let id = self.jsep.add_transceiver(kind, init)?;
        self.drive(now);
        Ok(id)
    }

    /// `sender.replaceTrack`: sends another track, or none, without negotiation.
    ///
    /// # Errors
    /// [`UsageError::Jsep`], [`UsageError::Closed`].
    pub fn replace_track(
        &mut self,
        now: Instant,
        id: TransceiverId,
        track: Option<&str>,
    ) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        self.record(|| Input::replace_track(now, id, track));
        self.jsep.replace_track(id, track)?;
        self.stop_tones_without_track(id);
        Ok(())
    }

    /// `sender.setStreams`: the receiving side is told that the track is in these streams, by the next negotiation, for
    /// which `negotiationneeded` asks.
    ///
    /// # Errors
    /// [`UsageError::Jsep`] for an unknown transceiver or an id that cannot be written, [`UsageError::Closed`].
    pub fn set_streams(
        &mut self,
        now: Instant,
        id: TransceiverId,
        streams: &[&str],
    ) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        self.record(|| Input::set_streams(now, id, streams));
        self.jsep.set_streams(id, streams)?;
        self.drive(now);
        Ok(())
    }

    /// Sets `transceiver.direction`; takes effect with the next negotiation.
    ///
    /// # Errors
    /// [`UsageError::Jsep`], [`UsageError::Closed`].
    pub fn set_direction(
        &mut self,
        now: Instant,
        id: TransceiverId,
        direction: Direction,
    ) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        self.record(|| Input::set_direction(now, id, direction));
        self.jsep.set_direction(id, direction)?;
        self.drive(now);
        Ok(())
    }

    /// `transceiver.setCodecPreferences`: the codecs to negotiate, the preferred one first; none lifts the restriction.
    ///
    /// # Errors
    /// [`UsageError::Jsep`] for a codec that is no capability, [`UsageError::Closed`].
    pub fn set_codec_preferences(
        &mut self,
        now: Instant,
        id: TransceiverId,
        codecs: &[Codec],
    ) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        self.record(|| Input::set_codec_preferences(now, id, codecs));
        self.jsep.set_codec_preferences(id, codecs)?;
        self.drive(now);
        Ok(())
    }

    /// `transceiver.stop()`.
    ///
    /// # Errors
    /// [`UsageError::Jsep`], [`UsageError::Closed`].
    pub fn stop_transceiver(&mut self, now: Instant, id: TransceiverId) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        self.record(|| Input::StopTransceiver { now, transceiver: id });
        self.jsep.stop(id)?;
        self.stop_tones_without_track(id);
        self.drive(now);
        Ok(())
    }

    /// The codecs that `id` may send, the preferred one first; none before negotiation.
    pub fn send_codecs(&self, id: TransceiverId) -> &[CodecParameters] {
        self.sections
            .sender(id)
            .and_then(|sender| self.media.sender(sender))
            .map_or(&[], |sender| sender.codecs())
    }

    /// Queues a media packet of our own. While the encoding is not `active` it is left out.
    ///
    /// # Errors
    /// [`UsageError::UnknownTransceiver`]; [`UsageError::Media`] when it may not be sent or the queue is full.
    pub fn send_rtp(
        &mut self,
        now: Instant,
        id: TransceiverId,
        packet: &MediaPacket<'_>,
    ) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        self.record(|| Input::send_rtp(now, id, packet));
        let sender = self.sections.sender(id).ok_or(UsageError::UnknownTransceiver)?;
        if !self.is_active(id) {
            return Ok(());
        }
        let MediaPacket { payload_type, marker, timestamp, extensions, payload } = *packet;
        self.media.write(now, sender, &Outgoing { payload_type, marker, timestamp, extensions, payload })?;
        Ok(())
    }

    /// Queues a received packet, of this connection or another, for sending on transceiver `to`, rewritten: our SSRC, our
    /// numbers, the payload type and header extension ids of that section.
    ///
    /// # Errors
    /// [`UsageError::UnknownTransceiver`]; [`UsageError::Media`] when its codec may not be sent or the queue is full.
    pub fn forward_rtp(
        &mut self,
        now: Instant,
        to: TransceiverId,
        packet: &ReceivedRtp<'_>,
    ) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        self.record(|| Input::forward(now, to, &packet.keep()));
        let sender = self.sections.sender(to).ok_or(UsageError::UnknownTransceiver)?;
        if self.is_active(to) {
            self.media.forward(now, sender, &packet.inbound)?;
        }
        Ok(())
    }

    /// The same with a packet that was [kept](ReceivedRtp::keep), whose payload is not copied: what a server does that
    /// sends one packet to many connections.
    ///
    /// # Errors
    /// As [`forward_rtp`](Self::forward_rtp).
    pub fn forward_kept(
        &mut self,
        now: Instant,
        to: TransceiverId,
        packet: &KeptPacket,
    ) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        self.record(|| Input::forward(now, to, packet));
        let sender = self.sections.sender(to).ok_or(UsageError::UnknownTransceiver)?;
        if self.is_active(to) {
            self.media.forward_kept(now, sender, packet)?;
        }
        Ok(())
    }

    /// Asks the other side for a keyframe of what a transceiver receives, or of one of several streams; at most every 300 ms.
    ///
    /// # Errors
    /// [`UsageError::UnknownTransceiver`] when it receives nothing, [`UsageError::Media`] when not such a stream.
    pub fn request_keyframe<'r>(&mut self, now: Instant, of: impl Into<Layer<'r>>) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        let Layer { transceiver, rid } = of.into();
        self.record(|| Input::RequestKeyframe { now, transceiver, rid: rid.map(Into::into) });
        let section = self.sections.section(transceiver).ok_or(UsageError::UnknownTransceiver)?;
        if let Some(rid) = rid {
            return Ok(self.media.request_keyframe_of(now, section, rid)?);
        }
        let of_section = self.media.streams().filter(|stream| stream.section() == section);
        let ssrcs: Vec<u32> = of_section.map(sendrecv_media::ReceiveStream::ssrc).collect();
        for ssrc in ssrcs {
            self.media.request_keyframe(now, ssrc)?;
        }
        Ok(())
    }
}

pub(crate) const fn media_kind(kind: TrackKind) -> MediaKind {
    match kind {
        TrackKind::Audio => MediaKind::Audio,
        TrackKind::Video => MediaKind::Video,
    }
}

fn section_parameters(parameters: &MediaParameters, sender: SenderId) -> SectionParameters {
    let MediaParameters { direction, send, receive, .. } = parameters;
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
        send: direction
            .sends()
            .then(|| SendParameters { sender, codecs: send.codecs.iter().map(codec_parameters).collect() }),
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

/// What statistics need to know.
impl PeerConnection {
    pub(crate) const fn media(&self) -> &MediaEngine {
        &self.media
    }

    pub(crate) fn transceiver_of_section(&self, section: SectionId) -> Option<TransceiverId> {
        self.sections.of_section.get(&section).map(|(id, _)| *id)
    }

    pub(crate) fn transceiver_of_sender(&self, sender: SenderId) -> Option<TransceiverId> {
        self.sections.of_sender(sender)
    }
}
