//! Changes the application makes: tracks and transceivers (W3C webrtc-pc, sections 5.1 and 5.4).

use super::{Encoding, JsepError, Negotiation, Receiver, Sender, TrackKind, Transceiver, TransceiverId};
use crate::encoding::{self, RtpEncodingParameters};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use sendrecv_media::CodecParameters;
use sendrecv_sdp::{Codec, Direction};

/// `RTCRtpTransceiverInit`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransceiverInit {
    /// The direction wanted.
    pub direction: Direction,
    /// The id of the track to send, if there is one already.
    pub track: Option<String>,
    /// The streams the receiving side is told the track is in.
    pub streams: Vec<String>,
    /// `sendEncodings`: how to encode what is sent; several are simulcast. None is one without bounds.
    pub send_encodings: Vec<RtpEncodingParameters>,
}

impl Negotiation {
    /// `addTrack`: sends `track` in the streams given, by a transceiver that never sent or by a new one.
    ///
    /// # Errors
    /// [`JsepError::Closed`], [`JsepError::DuplicateTrack`], [`JsepError::InvalidId`].
    pub fn add_track(
        &mut self,
        kind: TrackKind,
        track: &str,
        streams: &[&str],
    ) -> Result<TransceiverId, JsepError> {
        self.check_open()?;
        check_ids(Some(track), streams)?;
        if self.transceivers.iter().any(|own| !own.stopped && own.sender.track.as_deref() == Some(track)) {
            return Err(JsepError::DuplicateTrack);
        }
        let id = match self.transceivers.iter().find(|own| own.kind == kind && own.can_take_track()) {
            Some(idle) => idle.id,
            None => self.create_transceiver(kind, Direction::SendRecv),
        };
        let transceiver = self.transceiver_mut(id)?;
        transceiver.sender.track = Some(track.to_owned());
        transceiver.sender.streams = distinct(streams);
        transceiver.direction = Direction::new(true, transceiver.direction.receives());
        transceiver.added_by_track = true;
        self.update_negotiation_needed();
        Ok(id)
    }

    /// `removeTrack`: stops sending the transceiver's track; without one, nothing happens.
    ///
    /// # Errors
    /// [`JsepError::Closed`], [`JsepError::UnknownTransceiver`].
    pub fn remove_track(&mut self, id: TransceiverId) -> Result<(), JsepError> {
        self.check_open()?;
        let transceiver = self.transceiver_mut(id)?;
        if !transceiver.stopping && transceiver.sender.track.take().is_some() {
            transceiver.direction = Direction::new(false, transceiver.direction.receives());
            self.update_negotiation_needed();
        }
        Ok(())
    }

    /// `addTransceiver`.
    ///
    /// # Errors
    /// [`JsepError::Closed`], [`JsepError::InvalidId`], [`JsepError::Encoding`].
    pub fn add_transceiver(
        &mut self,
        kind: TrackKind,
        init: TransceiverInit,
    ) -> Result<TransceiverId, JsepError> {
        self.check_open()?;
        let streams: Vec<&str> = init.streams.iter().map(String::as_str).collect();
        check_ids(init.track.as_deref(), &streams)?;
        self.need_capabilities(kind);
        let known = |codec: &CodecParameters| {
            let mut codecs = self.capabilities(kind).codecs.iter();
            codecs.any(|own| own.codec.is(&codec.name) && own.codec.clock_rate == codec.clock_rate)
        };
        let encodings = encoding::checked(kind, init.send_encodings, known)?;
        let id = self.create_transceiver(kind, init.direction);
        self.set_encodings(id, encodings)?;
        let transceiver = self.transceiver_mut(id)?;
        transceiver.sender.streams = distinct(&streams);
        transceiver.sender.track = init.track;
        self.update_negotiation_needed();
        Ok(id)
    }

    /// `sender.replaceTrack`: sends another track, or none, without negotiation.
    ///
    /// # Errors
    /// [`JsepError::Closed`], [`JsepError::UnknownTransceiver`], [`JsepError::Stopped`], [`JsepError::InvalidId`].
    pub fn replace_track(&mut self, id: TransceiverId, track: Option<&str>) -> Result<(), JsepError> {
        self.check_open()?;
        check_ids(track, &[])?;
        self.running(id)?.sender.track = track.map(ToOwned::to_owned);
        Ok(())
    }

    /// `sender.setStreams`.
    ///
    /// # Errors
    /// [`JsepError::Closed`], [`JsepError::UnknownTransceiver`], [`JsepError::InvalidId`].
    pub fn set_streams(&mut self, id: TransceiverId, streams: &[&str]) -> Result<(), JsepError> {
        self.check_open()?;
        check_ids(None, streams)?;
        self.transceiver_mut(id)?.sender.streams = distinct(streams);
        self.update_negotiation_needed();
        Ok(())
    }

    /// Sets `transceiver.direction`.
    ///
    /// # Errors
    /// [`JsepError::Closed`], [`JsepError::UnknownTransceiver`], [`JsepError::Stopped`].
    pub fn set_direction(&mut self, id: TransceiverId, direction: Direction) -> Result<(), JsepError> {
        self.check_open()?;
        self.running(id)?.direction = direction;
        self.update_negotiation_needed();
        Ok(())
    }

    /// `transceiver.stop()`: its section is refused with the next negotiation; without a section it stops at once.
    ///
    /// # Errors
    /// [`JsepError::Closed`], [`JsepError::UnknownTransceiver`].
    pub fn stop(&mut self, id: TransceiverId) -> Result<(), JsepError> {
        self.check_open()?;
        let transceiver = self.transceiver_mut(id)?;
        transceiver.stopping = true;
        transceiver.stopped |= transceiver.m_line.is_none();
        self.update_negotiation_needed();
        Ok(())
    }

    /// `transceiver.setCodecPreferences`: restricts the transceiver to these codecs in this order; empty lifts the
    /// restriction. RTX is used only if `rtx` is among them.
    ///
    /// # Errors
    /// [`JsepError::Closed`], [`JsepError::UnknownTransceiver`], [`JsepError::UnknownCodec`] when one of them is no
    /// capability or none of them carries media.
    pub fn set_codec_preferences(&mut self, id: TransceiverId, codecs: &[Codec]) -> Result<(), JsepError> {
        self.check_open()?;
        let kind = self.transceiver(id).ok_or(JsepError::UnknownTransceiver)?.kind;
        let capabilities = &self.capabilities(kind).codecs;
        let known = |codec: &Codec| {
            let mut capabilities = capabilities.iter();
            capabilities.any(|own| {
                super::formats::same_format(&own.codec, codec) || own.rtx.is_some() && codec.is("rtx")
            })
        };
        let carries_media = codecs.is_empty() || codecs.iter().any(super::formats::carries_media);
        if !carries_media || !codecs.iter().all(known) {
            return Err(JsepError::UnknownCodec);
        }
        self.transceiver_mut(id)?.codec_preferences = codecs.to_vec();
        Ok(())
    }

    /// Replaces a sender's encodings; sources stay by position, and more are drawn where there are more.
    pub(crate) fn set_encodings(
        &mut self,
        id: TransceiverId,
        encodings: Vec<RtpEncodingParameters>,
    ) -> Result<(), JsepError> {
        let sources = |own: &Encoding| (own.ssrc, own.rtx_ssrc);
        let before: Vec<(u32, u32)> =
            self.transceiver_mut(id)?.sender.encodings.drain(..).map(|own| sources(&own)).collect();
        let mut before = before.into_iter();
        for parameters in encodings {
            let (ssrc, rtx_ssrc) = before.next().unwrap_or_else(|| (self.draw_ssrc(), self.draw_ssrc()));
            self.transceiver_mut(id)?.sender.encodings.push(Encoding { ssrc, rtx_ssrc, parameters });
        }
        Ok(())
    }

    /// Leaves it to the negotiation what to encode with, where the codec that was chosen is not to be `kept`.
    pub(crate) fn retain_chosen_codecs(
        &mut self,
        id: TransceiverId,
        kept: impl Fn(&CodecParameters) -> bool,
    ) {
        let transceiver = self.transceivers.iter_mut().find(|own| own.id == id);
        for own in transceiver.into_iter().flat_map(|own| &mut own.sender.encodings) {
            own.parameters.codec = own.parameters.codec.take().filter(&kept);
        }
    }

    /// Takes over the sources that an encoding's media has now; the next description names them.
    pub(crate) fn set_sender_ssrcs(
        &mut self,
        id: TransceiverId,
        rid: Option<&str>,
        ssrc: u32,
        rtx_ssrc: u32,
    ) {
        let transceiver = self.transceivers.iter_mut().find(|own| own.id == id);
        let mut encodings = transceiver.into_iter().flat_map(|own| &mut own.sender.encodings);
        if let Some(own) = encodings.find(|own| rid.is_none() || own.rid() == rid) {
            (own.ssrc, own.rtx_ssrc) = (ssrc, rtx_ssrc);
        }
    }

    /// Draws other sources for senders that were never negotiated, where a remote description has theirs: in a session
    /// each is one's own (RFC 3550, section 8.1).
    pub(crate) fn avoid_ssrcs_of(&mut self, remote: &sendrecv_sdp::SessionDescription) {
        let taken =
            |ssrc: u32| remote.media.iter().flat_map(|media| &media.ssrcs).any(|line| line.ssrc == ssrc);
        let is_free = |own: &&Transceiver| own.current_direction.is_none();
        let collide = |own: &Transceiver| {
            own.sender.encodings.iter().any(|encoding| taken(encoding.ssrc) || taken(encoding.rtx_ssrc))
        };
        let ids: Vec<TransceiverId> =
            self.transceivers.iter().filter(is_free).filter(|own| collide(own)).map(|own| own.id).collect();
        for id in ids {
            let count = self.transceiver(id).map_or(0, |own| own.sender.encodings.len());
            let draw = || core::iter::repeat_with(|| self.draw_ssrc()).find(|ssrc| !taken(*ssrc));
            let fresh: Vec<u32> = core::iter::repeat_with(draw).take(2 * count).flatten().collect();
            let transceiver = self.transceivers.iter_mut().find(|own| own.id == id);
            let encodings = transceiver.into_iter().flat_map(|own| &mut own.sender.encodings);
            for (own, fresh) in encodings.zip(fresh.as_chunks().0) {
                [own.ssrc, own.rtx_ssrc] = *fresh;
            }
        }
    }

    fn running(&mut self, id: TransceiverId) -> Result<&mut Transceiver, JsepError> {
        let transceiver = self.transceiver_mut(id)?;
        if transceiver.stopping { Err(JsepError::Stopped) } else { Ok(transceiver) }
    }

    pub(crate) fn create_transceiver(&mut self, kind: TrackKind, direction: Direction) -> TransceiverId {
        let id = TransceiverId(self.next_transceiver);
        self.next_transceiver = self.next_transceiver.wrapping_add(1);
        self.need_capabilities(kind);
        let ssrc = self.draw_ssrc();
        let rtx_ssrc = self.draw_ssrc();
        let parameters = RtpEncodingParameters {
            scale_resolution_down_by: (kind == TrackKind::Video).then_some(1.0),
            ..RtpEncodingParameters::default()
        };
        let encoding = Encoding { ssrc, rtx_ssrc, parameters };
        self.transceivers.push(Transceiver {
            id,
            kind,
            mid: None,
            m_line: None,
            direction,
            current_direction: None,
            fired_direction: None,
            stopping: false,
            stopped: false,
            added_by_track: false,
            created_by_offer: false,
            sender: Sender {
                track: None,
                streams: Vec::new(),
                encodings: [encoding].into(),
                has_sent: false,
            },
            receiver: Receiver { track: format!("{:016x}", self.rng.u64()), streams: Vec::new() },
            codec_preferences: Vec::new(),
        });
        id
    }

    /// A source that is not zero and that no other sender here has.
    fn draw_ssrc(&mut self) -> u32 {
        loop {
            let ssrc = self.rng.u32();
            let mut encodings =
                self.transceivers.iter().flat_map(|transceiver| &transceiver.sender.encodings);
            if ssrc != 0 && !encodings.any(|own| own.ssrc == ssrc || own.rtx_ssrc == ssrc) {
                return ssrc;
            }
        }
    }
}

impl Transceiver {
    fn can_take_track(&self) -> bool {
        self.sender.track.is_none() && !self.stopping && !self.sender.has_sent
    }
}

fn distinct(streams: &[&str]) -> Vec<String> {
    let mut list: Vec<String> = Vec::with_capacity(streams.len());
    for stream in streams {
        if !list.iter().any(|known| known == stream) {
            list.push((*stream).to_owned());
        }
    }
    list
}

/// Ids are written into descriptions, as `msid-id` of RFC 8830, section 2.
fn check_ids(track: Option<&str>, streams: &[&str]) -> Result<(), JsepError> {
    let valid = |id: &str| (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    if track.into_iter().chain(streams.iter().copied()).all(valid) {
        Ok(())
    } else {
        Err(JsepError::InvalidId)
    }
}
