//! `RTCRtpSender.getParameters` and `setParameters` (W3C webrtc-pc, section 5.2), for the one encoding that is sent.

use super::PeerConnection;
use crate::error::{ParametersError, UsageError};
use crate::jsep::{JsepError, TrackKind, TransceiverId};
use crate::record::Input;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use sendrecv_core::Instant;
use sendrecv_media::{CodecParameters, SendStream};
use sendrecv_rtp::extension::ExtensionMap;

/// `RTCRtpSendParameters`. Only `encodings` can be changed.
#[derive(Clone, Debug, PartialEq)]
pub struct RtpSendParameters {
    /// `transactionId`: ties these to the call of [`set_parameters`](PeerConnection::set_parameters) that follows.
    pub transaction_id: String,
    /// `encodings`: one.
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

/// `RTCRtpEncodingParameters`. Of these `active` is obeyed here; the others are for who encodes.
#[derive(Clone, Debug, PartialEq)]
pub struct RtpEncodingParameters {
    /// `active`: whether anything is sent.
    pub active: bool,
    /// `codec`: the one to encode with; `None` leaves it to the negotiation. See
    /// [`send_codec`](PeerConnection::send_codec).
    pub codec: Option<CodecParameters>,
    /// `maxBitrate`: bits per second; `None`: no bound.
    pub max_bitrate: Option<u32>,
    /// `maxFramerate`: frames per second, 0 or more; video only.
    pub max_framerate: Option<f64>,
    /// `scaleResolutionDownBy`: 1 or more; video only, where it is 1 unless said otherwise.
    pub scale_resolution_down_by: Option<f64>,
}

impl Default for RtpEncodingParameters {
    fn default() -> Self {
        Self {
            active: true,
            codec: None,
            max_bitrate: None,
            max_framerate: None,
            scale_resolution_down_by: None,
        }
    }
}

/// The parameters of one sender.
#[derive(Debug, Default)]
pub(super) struct SenderParameters {
    encoding: RtpEncodingParameters,
    /// `[[LastReturnedParameters]]`.
    last_returned: Option<RtpSendParameters>,
}

impl PeerConnection {
    /// `sender.getParameters`: what was returned last, until it was set or something was negotiated.
    ///
    /// # Errors
    /// [`UsageError::UnknownTransceiver`], [`UsageError::Closed`].
    pub fn get_parameters(&mut self, id: TransceiverId) -> Result<RtpSendParameters, UsageError> {
        self.enter(self.clock.now())?;
        let kind = self.transceiver(id).ok_or(UsageError::UnknownTransceiver)?.kind();
        self.transactions = self.transactions.wrapping_add(1);
        let transaction_id = format!("{}", self.transactions);
        let stream = self.sections.sender(id).and_then(|sender| self.media.sender(sender));
        let fresh = RtpSendParameters {
            transaction_id,
            encodings: Vec::new(),
            header_extensions: stream.and_then(SendStream::extensions).cloned().unwrap_or_default(),
            cname: self.jsep.cname().into(),
            reduced_size: self.sections.reduced_size(id),
            codecs: self.send_codecs(id).to_vec(),
        };
        let own = self.parameters.entry(id).or_default();
        if kind == TrackKind::Video {
            own.encoding.scale_resolution_down_by.get_or_insert(1.0);
        }
        let encodings = vec![own.encoding.clone()];
        Ok(own.last_returned.get_or_insert(RtpSendParameters { encodings, ..fresh }).clone())
    }

    /// `sender.setParameters`: takes what [`get_parameters`](Self::get_parameters) returned last, with changes to its
    /// encoding, without negotiation.
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
        let own = self.parameters.get(&id).and_then(|own| own.last_returned.as_ref());
        let encoding = changed(own.ok_or(ParametersError::NotRead)?, parameters)?;
        let encoding = self.validated(kind, encoding, self.send_codecs(id))?;
        let active = encoding.active;
        self.record(|| Input::SetActive { now, transceiver: id, active });
        self.parameters.insert(id, SenderParameters { encoding, last_returned: None });
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

    /// What to encode with: the codec of [`set_parameters`](Self::set_parameters), or else the negotiated one that is
    /// preferred; `None` before negotiation.
    pub fn send_codec(&self, id: TransceiverId) -> Option<&CodecParameters> {
        let codecs = self.send_codecs(id);
        let chosen = self.parameters.get(&id).and_then(|own| own.encoding.codec.as_ref());
        let is_chosen = |own: &&CodecParameters| chosen.is_some_and(|codec| is_same(own, codec));
        codecs.iter().find(is_chosen).or_else(|| codecs.first())
    }

    /// Whether a transceiver's encoding is `active`.
    pub(super) fn is_active(&self, id: TransceiverId) -> bool {
        self.parameters.get(&id).is_none_or(|own| own.encoding.active)
    }

    /// Sets `active` as a recording has it.
    pub(crate) fn set_active(
        &mut self,
        now: Instant,
        id: TransceiverId,
        active: bool,
    ) -> Result<(), UsageError> {
        let mut parameters = self.get_parameters(id)?;
        parameters.encodings.iter_mut().for_each(|encoding| encoding.active = active);
        self.set_parameters(now, id, parameters)
    }

    /// Something was negotiated: parameters are to be read again, codecs that are no more are not chosen any more.
    pub(super) fn renew_parameters(&mut self) {
        let mut parameters = core::mem::take(&mut self.parameters);
        parameters.retain(|id, own| {
            own.last_returned = None;
            let codecs = self.send_codecs(*id);
            let is_there = |codec: &CodecParameters| {
                codecs.is_empty() || codecs.iter().any(|own| own.same_encoding(codec))
            };
            own.encoding.codec = own.encoding.codec.take().filter(is_there);
            self.transceiver(*id).is_some()
        });
        self.parameters = parameters;
    }
}

/// Whether two codecs are one, whatever their payload types.
fn is_same(own: &CodecParameters, other: &CodecParameters) -> bool {
    own.same_encoding(other) && own.format_parameters == other.format_parameters
}

/// The encoding of `parameters`, if nothing else was changed.
fn changed(
    last: &RtpSendParameters,
    parameters: RtpSendParameters,
) -> Result<RtpEncodingParameters, ParametersError> {
    let RtpSendParameters { transaction_id, mut encodings, header_extensions, cname, reduced_size, codecs } =
        parameters;
    let unchanged = transaction_id == last.transaction_id
        && header_extensions == last.header_extensions
        && cname == last.cname
        && reduced_size == last.reduced_size
        && codecs == last.codecs
        && encodings.len() == last.encodings.len();
    if unchanged { encodings.pop().ok_or(ParametersError::Modified) } else { Err(ParametersError::Modified) }
}
