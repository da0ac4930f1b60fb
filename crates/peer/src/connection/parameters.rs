//! `RTCRtpSender.getParameters` and `setParameters` (W3C webrtc-pc, section 5.2).

use super::PeerConnection;
use crate::encoding::RtpEncodingParameters;
use crate::error::{ParametersError, UsageError};
use crate::jsep::{JsepError, TrackKind, Transceiver, TransceiverId};
use crate::layer::Layer;
use crate::record::Input;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use sendrecv_core::Instant;
use sendrecv_media::{CodecParameters, SendStream};
use sendrecv_rtp::extension::ExtensionMap;

/// `RTCRtpSendParameters`. Only `encodings` can be changed.
#[derive(Clone, Debug, PartialEq)]
pub struct RtpSendParameters {
    /// `transactionId`: ties these to the call of [`set_parameters`](PeerConnection::set_parameters) that follows.
    pub transaction_id: String,
    /// `encodings`: one, or with simulcast several, in the order they were made in.
    pub encodings: Vec<RtpEncodingParameters>,
    /// `headerExtensions`: the ids of those negotiated for sending.
    pub header_extensions: ExtensionMap,
    /// `rtcp.cname`.
    pub cname: String,
    /// `rtcp.reducedSize`: whether RTCP of reduced size was negotiated (RFC 5506).
    pub reduced_size: bool,
    /// `codecs`: those that may be sent, the preferred one first; none before negotiation.
    pub codecs: Vec<CodecParameters>,
}

impl PeerConnection {
    /// `sender.getParameters`: what was returned last, until it was set or something was negotiated.
    ///
    /// # Errors
    /// [`UsageError::UnknownTransceiver`], [`UsageError::Closed`].
    pub fn get_parameters(&mut self, id: TransceiverId) -> Result<RtpSendParameters, UsageError> {
        self.enter(self.clock.now())?;
        self.transactions = self.transactions.wrapping_add(1);
        let transceiver = self.transceiver(id).ok_or(UsageError::UnknownTransceiver)?;
        let transaction_id = format!("{}", self.transactions);
        let stream = self.sections.sender(id).and_then(|sender| self.media.sender(sender));
        let encodings = transceiver.sender().encodings.iter().map(|own| own.parameters.clone());
        let fresh = RtpSendParameters {
            transaction_id,
            encodings: encodings.collect(),
            header_extensions: stream.and_then(SendStream::extensions).cloned().unwrap_or_default(),
            cname: self.jsep.cname().into(),
            reduced_size: self.sections.reduced_size(id),
            codecs: self.send_codecs(id).to_vec(),
        };
        Ok(self.parameters.entry(id).or_insert(fresh).clone())
    }

    /// `sender.setParameters`: takes what [`get_parameters`](Self::get_parameters) returned last, with changes to its
    /// encodings, without negotiation.
    ///
    /// # Errors
    /// [`UsageError::Parameters`] says what is wrong with them; [`UsageError::Jsep`] for a stopped transceiver,
    /// [`UsageError::UnknownTransceiver`], [`UsageError::Closed`].
    pub fn set_parameters(
        &mut self,
        now: Instant,
        id: TransceiverId,
        parameters: RtpSendParameters,
    ) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        let transceiver = self.transceiver(id).ok_or(UsageError::UnknownTransceiver)?;
        let kind = transceiver.kind();
        if transceiver.is_stopping() {
            return Err(JsepError::Stopped.into());
        }
        let last = self.parameters.get(&id).ok_or(ParametersError::NotRead)?;
        let encodings = changed(last, parameters)?;
        let validated = encodings.into_iter().map(|own| self.validated(kind, own, self.send_codecs(id)));
        let encodings: Vec<RtpEncodingParameters> = validated.collect::<Result<_, _>>()?;
        let active = || encodings.iter().map(|own| own.active);
        self.record(|| Input::SetActive { now, transceiver: id, active: active().collect() });
        self.sections.set_active(id, active());
        self.jsep.set_encodings(id, encodings)?;
        self.parameters.remove(&id);
        self.stop_tones_without_track(id);
        self.drive(now);
        Ok(())
    }

    /// Checks what was asked for, and drops what is for pictures only from audio.
    fn validated(
        &self,
        kind: TrackKind,
        mut encoding: RtpEncodingParameters,
        negotiated: &[CodecParameters],
    ) -> Result<RtpEncodingParameters, ParametersError> {
        if let Some(codec) = &encoding.codec {
            let implemented = || {
                let codecs = &self.jsep.capabilities(kind).codecs;
                codecs.iter().any(|own| own.codec.is(&codec.name) && own.codec.clock_rate == codec.clock_rate)
            };
            if !(negotiated.iter().any(|own| is_same(own, codec)) || negotiated.is_empty() && implemented()) {
                return Err(ParametersError::CodecNotNegotiated);
            }
        }
        if kind == TrackKind::Audio {
            (encoding.max_framerate, encoding.scale_resolution_down_by) = (None, None);
        } else {
            encoding.scale_resolution_down_by.get_or_insert(1.0);
        }
        let at_least = |value: Option<f64>, least: f64| value.is_none_or(|value| value >= least);
        if !at_least(encoding.max_framerate, 0.0) || !at_least(encoding.scale_resolution_down_by, 1.0) {
            return Err(ParametersError::OutOfRange);
        }
        Ok(encoding)
    }

    /// What to encode with, for a transceiver or a [layer](TransceiverId::layer) of it: the codec of
    /// [`set_parameters`](Self::set_parameters), or else the negotiated one that is preferred; `None` before negotiation.
    pub fn send_codec<'r>(&self, of: impl Into<Layer<'r>>) -> Option<&CodecParameters> {
        let Layer { transceiver, rid } = of.into();
        let codecs = self.send_codecs(transceiver);
        let encoding = self.transceiver(transceiver).and_then(|own| own.sender().encoding(rid));
        let chosen = encoding.and_then(|own| own.parameters.codec.as_ref());
        let is_chosen = |own: &&CodecParameters| chosen.is_some_and(|codec| is_same(own, codec));
        codecs.iter().find(is_chosen).or_else(|| codecs.first())
    }

    /// Whether a transceiver's first encoding is `active`.
    pub(super) fn is_active(&self, id: TransceiverId) -> bool {
        let encoding = self.transceiver(id).and_then(|own| own.sender().encoding(None));
        encoding.is_some_and(|own| own.parameters.active)
    }

    /// Sets of each encoding whether it is `active`, as a recording has it.
    pub(crate) fn set_active(
        &mut self,
        now: Instant,
        id: TransceiverId,
        active: &[bool],
    ) -> Result<(), UsageError> {
        let mut parameters = self.get_parameters(id)?;
        for (encoding, active) in parameters.encodings.iter_mut().zip(active) {
            encoding.active = *active;
        }
        self.set_parameters(now, id, parameters)
    }

    /// Something was negotiated: parameters are to be read again, codecs that are no more are not chosen any more.
    pub(super) fn renew_parameters(&mut self) {
        self.parameters.clear();
        let ids: Vec<TransceiverId> = self.transceivers().iter().map(Transceiver::id).collect();
        for id in ids {
            let sender = self.sections.sender(id).and_then(|sender| self.media.sender(sender));
            let codecs = sender.map_or(&[][..], SendStream::codecs);
            let is_there = |codec: &CodecParameters| codecs.iter().any(|own| own.same_encoding(codec));
            if !codecs.is_empty() {
                self.jsep.retain_chosen_codecs(id, is_there);
            }
        }
    }
}

/// Whether two codecs are one, whatever their payload types.
fn is_same(own: &CodecParameters, other: &CodecParameters) -> bool {
    own.same_encoding(other) && own.format_parameters == other.format_parameters
}

/// The encodings of `parameters`, if nothing else was changed.
fn changed(
    last: &RtpSendParameters,
    parameters: RtpSendParameters,
) -> Result<Vec<RtpEncodingParameters>, ParametersError> {
    let rids = |own: &[RtpEncodingParameters]| -> Vec<Option<String>> {
        own.iter().map(|encoding| encoding.rid.clone()).collect()
    };
    let RtpSendParameters { transaction_id, encodings, header_extensions, cname, reduced_size, codecs } =
        parameters;
    let unchanged = transaction_id == last.transaction_id
        && header_extensions == last.header_extensions
        && cname == last.cname
        && reduced_size == last.reduced_size
        && codecs == last.codecs
        && rids(&encodings) == rids(&last.encodings);
    if unchanged { Ok(encodings) } else { Err(ParametersError::Modified) }
}
