//! Tracks, transceivers and RTP.

use super::PeerConnection;
use super::sections::MediaSections;
use crate::error::UsageError;
use crate::jsep::{TrackKind, Transceiver, TransceiverId, TransceiverInit};
use crate::layer::Layer;
use crate::record::Input;
use alloc::vec::Vec;
use sendrecv_core::Instant;
use sendrecv_media::{CodecParameters, KeptPacket, MediaEngine, Outgoing, Payload, SectionId, SenderId};
use sendrecv_rtp::RtpPacket;
use sendrecv_rtp::extension::ExtensionKind;
use sendrecv_sdp::{Codec, Direction};

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

impl MediaSections {
    /// A received packet, with the transceiver it is for.
    pub(super) fn received<'b>(&self, inbound: sendrecv_media::Inbound<'b>) -> Option<ReceivedRtp<'b>> {
        let (transceiver, kind) = self.of_section(inbound.section)?;
        Some(ReceivedRtp { transceiver, kind, inbound })
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

    /// `addTransceiver`. With several [`send_encodings`](TransceiverInit::send_encodings) it sends the track as often
    /// (simulcast), if the other side accepts that: see [`send_rtp`](Self::send_rtp).
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
        let input = self.recorder.is_some().then(|| Input::add_transceiver(now, kind, &init));
        let id = self.jsep.add_transceiver(kind, init)?;
        // Of encodings too little is recorded to tell later what was refused.
        input.into_iter().for_each(|input| self.record(|| input));
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

    /// Queues a media packet of our own, for a transceiver or for the [layer](TransceiverId::layer) of it that an encoder made
    /// it for. While the encoding is not `active` it is left out.
    ///
    /// # Errors
    /// [`UsageError::UnknownTransceiver`] when there is no such encoding, or the other side did not accept it;
    /// [`UsageError::Media`] when it may not be sent or the queue is full.
    pub fn send_rtp<'r>(
        &mut self,
        now: Instant,
        to: impl Into<Layer<'r>>,
        packet: &MediaPacket<'_>,
    ) -> Result<(), UsageError> {
        let (now, to) = (self.enter(now)?, to.into());
        self.record(|| Input::send_rtp(now, to, packet));
        let MediaPacket { payload_type, marker, timestamp, extensions, payload } = *packet;
        match self.active_sender(to)? {
            Some(sender) => {
                let packet = Outgoing { payload_type, marker, timestamp, extensions, payload };
                Ok(self.media.write(now, sender, &packet)?)
            }
            None => Ok(()),
        }
    }

    /// Queues a received packet, of this connection or another, for sending on transceiver `to` or a layer of it, rewritten:
    /// our SSRC, our numbers, the payload type and header extension ids of that section. Which of several simulcast streams
    /// to forward a [`LayerSelector`](crate::LayerSelector) says.
    ///
    /// # Errors
    /// [`UsageError::UnknownTransceiver`]; [`UsageError::Media`] when its codec may not be sent or the queue is full.
    pub fn forward_rtp<'r>(
        &mut self,
        now: Instant,
        to: impl Into<Layer<'r>>,
        packet: &ReceivedRtp<'_>,
    ) -> Result<(), UsageError> {
        let (now, to) = (self.enter(now)?, to.into());
        self.record(|| Input::forward(now, to, &packet.keep()));
        match self.active_sender(to)? {
            Some(sender) => Ok(self.media.forward(now, sender, &packet.inbound)?),
            None => Ok(()),
        }
    }

    /// The same with a packet that was [kept](ReceivedRtp::keep), whose payload is not copied: what a server does that
    /// sends one packet to many connections.
    ///
    /// # Errors
    /// As [`forward_rtp`](Self::forward_rtp).
    pub fn forward_kept<'r>(
        &mut self,
        now: Instant,
        to: impl Into<Layer<'r>>,
        packet: &KeptPacket,
    ) -> Result<(), UsageError> {
        let (now, to) = (self.enter(now)?, to.into());
        self.record(|| Input::forward(now, to, packet));
        match self.active_sender(to)? {
            Some(sender) => Ok(self.media.forward_kept(now, sender, packet)?),
            None => Ok(()),
        }
    }

    /// Who sends a layer; `None` while it is not to be sent.
    fn active_sender(&self, layer: Layer<'_>) -> Result<Option<SenderId>, UsageError> {
        let sending = self.sections.sending(layer).ok_or(UsageError::UnknownTransceiver)?;
        Ok(sending.active.then_some(sending.sender))
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

/// What statistics need to know.
impl PeerConnection {
    pub(crate) const fn media(&self) -> &MediaEngine {
        &self.media
    }

    pub(crate) fn transceiver_of_section(&self, section: SectionId) -> Option<TransceiverId> {
        self.sections.of_section(section).map(|(id, _)| id)
    }

    pub(crate) fn transceiver_of_sender(&self, sender: SenderId) -> Option<TransceiverId> {
        self.sections.of_sender(sender).map(|(id, _)| id)
    }
}
