//! The state of the offer/answer exchange.

use super::applied::Applied;
use super::rollback::StableState;
use super::{
    Changes, DtlsRole, IceRole, JsepError, MediaCapabilities, SessionDescription, SignalingState, TrackKind,
    Transceiver, TransceiverId,
};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::net::SocketAddr;
use sendrecv_core::{Rng, Seed};
use sendrecv_sdp as sdp;

/// What can be negotiated.
#[derive(Clone, Debug)]
pub struct NegotiationConfig {
    /// Codecs and header extensions of audio; `None`: those of [`MediaCapabilities::audio`].
    pub audio: Option<Arc<MediaCapabilities>>,
    /// Codecs and header extensions of video; `None`: those of [`MediaCapabilities::video`].
    pub video: Option<Arc<MediaCapabilities>>,
    /// What is said about data channels.
    pub data: DataCapabilities,
    /// Our canonical name in `a=ssrc`; empty: a random one.
    pub cname: String,
    /// The DTLS role taken when the offer leaves the choice.
    pub answer_role: DtlsRole,
    /// Accept simulcast that is offered to be sent to us: for endpoints that forward it.
    pub receive_simulcast: bool,
    /// We are an ICE lite agent.
    pub ice_lite: bool,
}

impl Default for NegotiationConfig {
    fn default() -> Self {
        Self {
            audio: None,
            video: None,
            data: DataCapabilities::default(),
            cname: String::new(),
            answer_role: DtlsRole::Client,
            receive_simulcast: false,
            ice_lite: false,
        }
    }
}

/// What is said about data channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataCapabilities {
    /// Our SCTP port.
    pub sctp_port: u16,
    /// The largest message we take, bytes; 0: any size.
    pub max_message_size: u64,
}

impl Default for DataCapabilities {
    fn default() -> Self {
        Self { sctp_port: 5000, max_message_size: 262_144 }
    }
}

/// What descriptions say about our side of the transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportDescription {
    /// The ICE user fragment, 4 to 256 `ice-char`s.
    pub ice_ufrag: String,
    /// The ICE password, 22 to 256 `ice-char`s.
    pub ice_pwd: String,
    /// ICE options.
    pub ice_options: Vec<String>,
    /// Hashes of our certificate.
    pub fingerprints: Vec<sdp::Fingerprint>,
    /// Values of the candidate attributes gathered so far.
    pub candidates: Vec<String>,
    /// No more candidates follow.
    pub end_of_candidates: bool,
    /// The default candidate's address; unspecified while there is none.
    pub default_address: Option<SocketAddr>,
    /// Our SCTP INIT chunk in base64, to save the exchange of it on the wire (SNAP). Answers have it only if the offer
    /// has one, too.
    pub sctp_init: Option<String>,
}

impl Default for TransportDescription {
    fn default() -> Self {
        Self {
            ice_ufrag: String::new(),
            ice_pwd: String::new(),
            ice_options: vec!["trickle".to_owned(), "ice2".to_owned()],
            fingerprints: Vec::new(),
            candidates: Vec::new(),
            end_of_candidates: false,
            default_address: None,
            sctp_init: None,
        }
    }
}

/// `RTCOfferOptions`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OfferOptions {
    /// The offer restarts ICE: the transport is described with new credentials. See
    /// [`Negotiation::offer_restarts_ice`].
    pub ice_restart: bool,
    /// Legacy: whether to receive audio. `None`: as the transceivers say.
    pub offer_to_receive_audio: Option<bool>,
    /// Legacy: whether to receive video. `None`: as the transceivers say.
    pub offer_to_receive_video: Option<bool>,
}

/// What a media section of a local description is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Transceiver(TransceiverId),
    Data,
    Refused,
}

impl Slot {
    pub(crate) const fn transceiver(self) -> Option<TransceiverId> {
        match self {
            Self::Transceiver(id) => Some(id),
            Self::Data | Self::Refused => None,
        }
    }
}

/// A description that was made and not yet set.
#[derive(Clone, Debug)]
pub(crate) struct Created {
    pub(crate) text: String,
    pub(crate) parsed: Arc<sdp::SessionDescription>,
    pub(crate) slots: Vec<Slot>,
}

/// The data channels' section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DataSection {
    /// A data channel was created here.
    pub(crate) wanted: bool,
    pub(crate) mid: Option<String>,
    pub(crate) m_line: Option<usize>,
}

/// The offer/answer engine of one connection; see the [module's documentation](super).
#[derive(Clone, Debug)]
pub struct Negotiation {
    pub(crate) config: NegotiationConfig,
    pub(crate) rng: Rng,
    pub(crate) state: SignalingState,
    pub(crate) current_local: Option<Applied>,
    pub(crate) pending_local: Option<Applied>,
    pub(crate) current_remote: Option<Applied>,
    pub(crate) pending_remote: Option<Applied>,
    pub(crate) transceivers: Vec<Transceiver>,
    pub(crate) next_transceiver: u32,
    pub(crate) data: DataSection,
    pub(crate) session_id: u64,
    pub(crate) session_version: u64,
    pub(crate) last_offer: Option<Created>,
    pub(crate) last_answer: Option<Created>,
    /// What a rollback goes back to; present while an exchange is going on.
    pub(crate) stable: Option<StableState>,
    pub(crate) ice_role: Option<IceRole>,
    pub(crate) dtls_role: Option<DtlsRole>,
    /// Every section was refused since the last DTLS connection.
    pub(crate) transport_gone: bool,
    /// `[[LocalIceCredentialsToReplace]]`.
    pub(crate) credentials_to_replace: Option<(String, String)>,
    pub(crate) negotiation_needed: bool,
    pub(crate) negotiation_needed_event: bool,
    /// The stream of remote tracks whose sections name none.
    pub(crate) default_stream: String,
}

impl Negotiation {
    /// An engine in the stable state, without descriptions or transceivers. Ids are drawn from `seed`.
    pub fn new(mut config: NegotiationConfig, seed: &Seed) -> Self {
        let mut rng = seed.derive("jsep").rng();
        // RFC 9429, section 5.2.1: the highest bit is zero, and 2⁶³-1 is excluded.
        let session_id = rng.below((1 << 63) - 2);
        if config.cname.is_empty() {
            config.cname = format!("{:016x}", rng.u64());
        }
        let default_stream = format!("{:016x}", rng.u64());
        Self {
            config,
            rng,
            state: SignalingState::Stable,
            current_local: None,
            pending_local: None,
            current_remote: None,
            pending_remote: None,
            transceivers: Vec::new(),
            next_transceiver: 0,
            data: DataSection::default(),
            session_id,
            session_version: 0,
            last_offer: None,
            last_answer: None,
            stable: None,
            ice_role: None,
            dtls_role: None,
            transport_gone: false,
            credentials_to_replace: None,
            negotiation_needed: false,
            negotiation_needed_event: false,
            default_stream,
        }
    }

    /// `signalingState`.
    pub const fn signaling_state(&self) -> SignalingState {
        self.state
    }

    /// The transceivers in the order they were created.
    pub fn transceivers(&self) -> &[Transceiver] {
        &self.transceivers
    }

    /// The transceiver called `id`, unless it was removed.
    pub fn transceiver(&self, id: TransceiverId) -> Option<&Transceiver> {
        self.transceivers.iter().find(|transceiver| transceiver.id == id)
    }

    /// Our canonical name.
    pub fn cname(&self) -> &str {
        &self.config.cname
    }

    /// The MID of the data channels' section, once there is one.
    pub fn data_mid(&self) -> Option<&str> {
        self.data.mid.as_deref()
    }

    /// Keeps of the descriptions their texts alone, unless they are being negotiated.
    pub fn rest(&mut self) {
        if self.state == SignalingState::Stable {
            let descriptions = [&mut self.current_local, &mut self.current_remote];
            descriptions.into_iter().flatten().for_each(Applied::rest);
        }
    }

    /// The DTLS role negotiated.
    pub const fn dtls_role(&self) -> Option<DtlsRole> {
        self.dtls_role
    }

    /// `currentRemoteDescription`.
    pub fn current_remote_description(&self) -> Option<SessionDescription> {
        self.current_remote.as_ref().map(Applied::to_description)
    }

    /// `pendingRemoteDescription`.
    pub fn pending_remote_description(&self) -> Option<SessionDescription> {
        self.pending_remote.as_ref().map(Applied::to_description)
    }

    /// `currentLocalDescription` as it was set; [`describe`](Self::describe) adds the candidates gathered since.
    pub fn current_local_description(&self) -> Option<SessionDescription> {
        self.current_local.as_ref().map(Applied::to_description)
    }

    /// `pendingLocalDescription` as it was set; [`describe`](Self::describe) adds the candidates gathered since.
    pub fn pending_local_description(&self) -> Option<SessionDescription> {
        self.pending_local.as_ref().map(Applied::to_description)
    }

    /// The ICE user fragment that our latest description gives.
    pub fn local_ufrag(&self) -> Option<&str> {
        self.latest_local()
            .and_then(|local| super::verify::credentials(local.parsed()))
            .map(|(ufrag, _)| ufrag)
    }

    /// The ICE user fragment that our current description gives: that of the last exchange which ended.
    pub fn current_local_ufrag(&self) -> Option<&str> {
        let local = self.current_local.as_ref();
        local.and_then(|local| super::verify::credentials(local.parsed())).map(|(ufrag, _)| ufrag)
    }

    /// The ICE user fragment that the other side's latest description gives.
    pub fn remote_ufrag(&self) -> Option<&str> {
        self.latest_remote()
            .and_then(|remote| super::verify::credentials(remote.parsed()))
            .map(|(ufrag, _)| ufrag)
    }

    /// `canTrickleIceCandidates`: whether the other side takes candidates later; `None` before it said anything.
    pub fn can_trickle_ice_candidates(&self) -> Option<bool> {
        let remote = self.latest_remote()?.parsed();
        let sections = 0..remote.media.len();
        Some(
            sections.into_iter().any(|index| has_option(remote.ice_options_of(index), "trickle"))
                || has_option(&remote.shared.ice_options, "trickle"),
        )
    }

    /// The kind that a description set without a kind has (W3C webrtc-pc, `setLocalDescription`).
    pub const fn implicit_kind(&self) -> super::SdpType {
        match self.state {
            SignalingState::HaveRemoteOffer | SignalingState::HaveLocalPranswer => super::SdpType::Answer,
            _ => super::SdpType::Offer,
        }
    }

    /// Wants data channels: the next offer has a section for them.
    pub fn want_data_channels(&mut self) {
        self.data.wanted = true;
        self.update_negotiation_needed();
    }

    /// Whether data channels were created here and their section was not refused.
    pub const fn wants_data_channels(&self) -> bool {
        self.data.wanted
    }

    /// `restartIce()`: the next offer is to have new ICE credentials, and negotiation is needed.
    pub fn restart_ice(&mut self) {
        let local = self.latest_local().map(Applied::parsed);
        self.credentials_to_replace = local.and_then(|local| {
            let (ufrag, pwd) = local.ice_credentials_of(transport_section(local)?)?;
            Some((ufrag.to_owned(), pwd.to_owned()))
        });
        self.update_negotiation_needed();
    }

    /// Whether the next offer made with `options` must describe the transport with new ICE credentials.
    pub fn offer_restarts_ice(&self, options: &OfferOptions) -> bool {
        self.current_local.is_some() && (options.ice_restart || self.credentials_to_replace.is_some())
    }

    /// Whether the answer to the pending offer must describe the transport with new ICE credentials, because the
    /// offer restarts ICE.
    pub fn answer_restarts_ice(&self) -> bool {
        match (&self.pending_remote, &self.current_remote) {
            (Some(pending), Some(current)) => super::verify::restarts_ice(pending.parsed(), current.parsed()),
            _ => false,
        }
    }

    /// Whether `negotiationneeded` is to be fired now; says so once.
    pub fn take_negotiation_needed(&mut self) -> bool {
        core::mem::take(&mut self.negotiation_needed_event)
    }

    /// Ends all negotiation: the signaling state is closed.
    pub fn close(&mut self) {
        self.state = SignalingState::Closed;
        self.negotiation_needed_event = false;
        for transceiver in &mut self.transceivers {
            transceiver.stopping = true;
            transceiver.stopped = true;
        }
    }

    pub(crate) const fn check_open(&self) -> Result<(), JsepError> {
        match self.state {
            SignalingState::Closed => Err(JsepError::Closed),
            _ => Ok(()),
        }
    }

    /// Runs `step` on a copy, which takes this one's place only if it succeeds.
    pub(crate) fn transact(
        &mut self,
        step: impl FnOnce(&mut Self) -> Result<Changes, JsepError>,
    ) -> Result<Changes, JsepError> {
        let mut next = self.clone();
        let before = next.state;
        let mut changes = step(&mut next)?;
        changes.signaling_state = Some(next.state).filter(|state| *state != before);
        *self = next;
        if self.state == SignalingState::Stable {
            self.negotiation_needed = false;
            self.update_negotiation_needed();
        }
        Ok(changes)
    }

    pub(crate) fn latest_local(&self) -> Option<&Applied> {
        self.pending_local.as_ref().or(self.current_local.as_ref())
    }

    pub(crate) fn latest_remote(&self) -> Option<&Applied> {
        self.pending_remote.as_ref().or(self.current_remote.as_ref())
    }

    /// What can be negotiated of a kind that there is a transceiver of.
    pub(crate) fn capabilities(&self, kind: TrackKind) -> &MediaCapabilities {
        static NOTHING: MediaCapabilities = MediaCapabilities::nothing();
        let known = match kind {
            TrackKind::Audio => &self.config.audio,
            TrackKind::Video => &self.config.video,
        };
        known.as_deref().unwrap_or(&NOTHING)
    }

    /// Makes the capabilities of a kind if nobody has yet: who has no media needs none.
    pub(crate) fn need_capabilities(&mut self, kind: TrackKind) {
        match kind {
            TrackKind::Audio => {
                self.config.audio.get_or_insert_with(|| Arc::new(MediaCapabilities::audio()));
            }
            TrackKind::Video => {
                self.config.video.get_or_insert_with(|| Arc::new(MediaCapabilities::video()));
            }
        }
    }

    pub(crate) fn transceiver_mut(&mut self, id: TransceiverId) -> Result<&mut Transceiver, JsepError> {
        let mut all = self.transceivers.iter_mut();
        all.find(|transceiver| transceiver.id == id).ok_or(JsepError::UnknownTransceiver)
    }

    pub(crate) fn at_m_line(&self, m_line: usize) -> Option<&Transceiver> {
        self.transceivers.iter().find(|transceiver| transceiver.m_line == Some(m_line))
    }
}

pub(crate) fn has_option(options: &[String], name: &str) -> bool {
    options.iter().any(|option| option == name)
}

/// The section whose transport the others share: the tag of the BUNDLE group of the first usable section, or that
/// section itself.
pub(crate) fn transport_section(session: &sdp::SessionDescription) -> Option<usize> {
    let first = session.media.iter().position(|media| !media.is_rejected())?;
    let mid = session.media.get(first)?.mid.as_deref();
    let group = mid.and_then(|mid| session.group_of("BUNDLE", mid));
    let tag = group.and_then(|group| group.mids.first()).and_then(|mid| session.index_of(mid));
    Some(tag.filter(|tag| session.media.get(*tag).is_some_and(|media| !media.is_rejected())).unwrap_or(first))
}

/// Whether section `index` shares the transport of [`transport_section`].
pub(crate) fn shares_transport(session: &sdp::SessionDescription, index: usize) -> bool {
    let Some(transport) = transport_section(session) else { return false };
    let mid = |index: usize| session.media.get(index).and_then(|media| media.mid.as_deref());
    index == transport
        || mid(transport)
            .and_then(|tag| session.group_of("BUNDLE", tag))
            .is_some_and(|group| group.mids.iter().any(|own| Some(own.as_str()) == mid(index)))
}
