//! Making answers (RFC 9429, section 5.3).

use super::formats::{answered_parameters, carries_media, same_format};
use super::negotiation::{Created, Slot, has_option, shares_transport, transport_section};
use super::numbering::{allows_rtx, preferred};
use super::sctp_init;
use super::sections::{
    answered_ice_options, data_section, describe_transport, list_candidates, refused_section, rtp_section,
};
use super::simulcast::receive_simulcast;
use super::{
    CodecCapability, DtlsRole, JsepError, MediaCapabilities, Negotiation, SdpType, SessionDescription,
    SignalingState, Transceiver, TransportDescription,
};
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use sendrecv_sdp::{self as sdp, Codec, Direction, ExtMap, Group, MediaSection, Setup};

impl Negotiation {
    /// `createAnswer`: a description that takes what can be taken of the pending remote offer.
    ///
    /// When [`answer_restarts_ice`](Self::answer_restarts_ice), `transport` must have new credentials.
    ///
    /// # Errors
    /// [`JsepError::Closed`]; [`JsepError::InvalidState`] unless a remote offer is pending.
    pub fn create_answer(
        &mut self,
        transport: &TransportDescription,
    ) -> Result<SessionDescription, JsepError> {
        self.check_open()?;
        let states = [SignalingState::HaveRemoteOffer, SignalingState::HaveLocalPranswer];
        let Some(offer) = self.pending_remote.clone().filter(|_| states.contains(&self.state)) else {
            return Err(JsepError::InvalidState { state: self.state, kind: SdpType::Answer });
        };
        let offer = offer.parsed();
        let slots = self.answer_slots(offer);
        let mut session = self.new_session();
        session.shared.extmap_allow_mixed = allows_mixed(offer);
        session.media.reserve_exact(slots.len());
        for (index, (media, slot)) in offer.media.iter().zip(&slots).enumerate() {
            let media = match slot {
                Slot::Refused => refused_section(media),
                slot => self.answer_section(offer, index, *slot, transport),
            };
            session.media.push(media);
        }
        if let Some(tag) = transport_section(offer).and_then(|tag| session.media.get_mut(tag))
            && !tag.is_rejected()
        {
            list_candidates(tag, transport);
        }
        session.groups = self.answer_groups(offer, &session);
        let text = session.to_string();
        self.last_answer = Some(Created { text: text.clone(), parsed: Arc::new(session), slots });
        Ok(SessionDescription::answer(text))
    }

    /// What becomes of each offered section.
    fn answer_slots(&self, offer: &sdp::SessionDescription) -> Vec<Slot> {
        let mut slots: Vec<Slot> =
            (0..offer.media.len()).map(|index| self.answer_slot(offer, index)).collect();
        // A BUNDLE group stands and falls with its tagged section.
        let tag = transport_section(offer).and_then(|tag| slots.get(tag));
        if tag.is_none_or(|slot| *slot == Slot::Refused) {
            slots.fill(Slot::Refused);
        }
        slots
    }

    fn answer_slot(&self, offer: &sdp::SessionDescription, index: usize) -> Slot {
        let Some(media) = offer.media.get(index) else { return Slot::Refused };
        if media.is_rejected() || !shares_transport(offer, index) {
            return Slot::Refused;
        }
        if media.is_data_channel() && self.data.m_line == Some(index) {
            return Slot::Data;
        }
        match self.at_m_line(index) {
            Some(own)
                if media.is_rtp()
                    && !own.stopping
                    && !self.answer_codecs(own, &media.codecs()).is_empty() =>
            {
                Slot::Transceiver(own.id)
            }
            _ => Slot::Refused,
        }
    }

    fn answer_section(
        &self,
        offer: &sdp::SessionDescription,
        index: usize,
        slot: Slot,
        transport: &TransportDescription,
    ) -> MediaSection {
        let Some(offered) = offer.media.get(index) else { return refused_section(&data_section("", None)) };
        let own = slot.transceiver().and_then(|id| self.transceiver(id));
        let mut media = match own {
            Some(own) => self.answer_rtp(own, offer, index, offered),
            None => {
                let mut media = data_section(&offered.protocol, offered.mid.as_deref());
                self.describe_data(&mut media, transport);
                media.sctp_init = media
                    .sctp_init
                    .filter(|_| offered.sctp_init.as_deref().and_then(sctp_init::decode).is_some());
                media
            }
        };
        let tag = transport_section(offer).unwrap_or(index);
        let options = answered_ice_options(&transport.ice_options, offer.ice_options_of(tag));
        // With SPED the first check of whoever offered has its ClientHello in it already.
        let role = if has_option(&options, "sped") { DtlsRole::Server } else { self.config.answer_role };
        describe_transport(&mut media, transport, self.answer_setup(offer.setup_of(tag), role));
        media.shared.ice_options = options;
        media
    }

    fn answer_rtp(
        &self,
        own: &Transceiver,
        offer: &sdp::SessionDescription,
        index: usize,
        offered: &MediaSection,
    ) -> MediaSection {
        let codecs = self.answer_codecs(own, &offered.codecs());
        let mut media =
            rtp_section(own.kind.media_kind(), &offered.protocol, offered.mid.as_deref(), &codecs);
        media.rtcp_rsize = offered.rtcp_rsize;
        media.shared.extmaps = answer_extensions(self.capabilities(own.kind), offer, index);
        let direction = offer.direction_of(index).reversed().intersect(own.direction);
        media.shared.direction = Some(direction);
        if self.config.receive_simulcast && direction.receives() {
            receive_simulcast(&mut media, offered);
        }
        self.describe_sender(&mut media, own, direction, Some(offered));
        media
    }

    /// The offered codecs that are supported and preferred, under the offered payload types: in the offered order, or
    /// in that of the preferences if there are any. RTX stays only with the codec it repairs.
    fn answer_codecs(&self, own: &Transceiver, offered: &[Codec]) -> Vec<Codec> {
        let capabilities = preferred(own, &self.capabilities(own.kind).codecs);
        let mut accepted: Vec<(usize, Codec)> = Vec::new();
        let mut repairable: Vec<u8> = Vec::new();
        for codec in offered.iter().filter(|codec| !codec.is("rtx")) {
            let found = capabilities.iter().position(|capability| same_format(&capability.codec, codec));
            let Some((rank, capability)) = found.and_then(|rank| Some((rank, *capabilities.get(rank)?)))
            else {
                continue;
            };
            accepted.push((rank, answer_codec(capability, codec)));
            if capability.rtx.is_some() && allows_rtx(own) {
                repairable.push(codec.payload_type);
            }
        }
        if !own.codec_preferences.is_empty() {
            accepted.sort_by_key(|(rank, _)| *rank);
        }
        let accepted: Vec<Codec> = accepted.into_iter().map(|(_, codec)| codec).collect();
        if !accepted.iter().any(carries_media) {
            return Vec::new();
        }
        with_rtx(accepted, &repairable, offered, own.codec_preferences.is_empty())
    }

    /// Our DTLS role towards `offered` (RFC 9429, section 5.3.1): that of the running connection if it may stay, else
    /// `preferred` where we have the choice.
    fn answer_setup(&self, offered: Option<Setup>, preferred: DtlsRole) -> Setup {
        match offered {
            Some(Setup::Active) => Setup::Passive,
            Some(Setup::Passive) => Setup::Active,
            _ => self.dtls_role.unwrap_or(preferred).setup(),
        }
    }

    fn answer_groups(&self, offer: &sdp::SessionDescription, answer: &sdp::SessionDescription) -> Vec<Group> {
        let live = |mid: &String| {
            answer.index_of(mid).is_some_and(|at| answer.media.get(at).is_some_and(|m| !m.is_rejected()))
        };
        let tag = transport_section(offer)
            .and_then(|tag| offer.media.get(tag))
            .and_then(|media| media.mid.as_deref());
        let bundle = tag.and_then(|tag| offer.group_of("BUNDLE", tag));
        let mids =
            |group: &Group| -> Vec<String> { group.mids.iter().filter(|mid| live(mid)).cloned().collect() };
        let mut groups: Vec<Group> = bundle.map(|group| Group::bundle(mids(group))).into_iter().collect();
        for offered in offer.groups.iter().filter(|group| group.semantics == "LS") {
            let synchronous = self.in_step(&mids(offered));
            if synchronous.len() > 1 {
                groups.push(Group { semantics: "LS".into(), mids: synchronous });
            }
        }
        groups
    }

    /// Of the sections offered to be in step, those whose tracks share a stream of ours or are in none.
    fn in_step(&self, mids: &[String]) -> Vec<String> {
        let streams = |mid: &String| -> &[String] {
            let own = self.transceivers.iter().find(|own| own.mid.as_ref() == Some(mid));
            own.map(|own| own.sender.streams.as_slice()).unwrap_or_default()
        };
        let common = mids.iter().flat_map(|mid| streams(mid).first()).next().cloned();
        let fits = |mid: &String| {
            common.as_ref().is_none_or(|common| streams(mid).is_empty() || streams(mid).contains(common))
        };
        mids.iter().filter(|mid| fits(mid)).cloned().collect()
    }
}

impl DtlsRole {
    /// Our role when the other side's answer says `setup`, or when ours does and `ours` is set.
    pub(crate) const fn from_answer(setup: Setup, ours: bool) -> Option<Self> {
        match (setup, ours) {
            (Setup::Active, true) | (Setup::Passive, false) => Some(Self::Client),
            (Setup::Passive, true) | (Setup::Active, false) => Some(Self::Server),
            (Setup::ActPass | Setup::HoldConn, _) => None,
        }
    }
}

fn allows_mixed(session: &sdp::SessionDescription) -> bool {
    session.shared.extmap_allow_mixed || session.media.iter().any(|media| media.shared.extmap_allow_mixed)
}

/// The offered codec with our parameters and the feedback both sides know.
fn answer_codec(capability: &CodecCapability, offered: &Codec) -> Codec {
    let mut codec = offered.clone();
    codec.fmtp = answered_parameters(&capability.codec, offered);
    codec.feedback.retain(|feedback| capability.codec.feedback.contains(feedback));
    codec
}

/// Adds the offered RTX formats of the codecs accepted: where they were offered, or behind their codec.
fn with_rtx(accepted: Vec<Codec>, repairable: &[u8], offered: &[Codec], offered_order: bool) -> Vec<Codec> {
    let repairs = |rtx: &&Codec| rtx.apt().is_some_and(|apt| repairable.contains(&apt));
    let bare = |rtx: &Codec| Codec { feedback: Vec::new(), ..rtx.clone() };
    if offered_order {
        let kept = offered.iter().filter_map(|codec| {
            let own = accepted.iter().find(|own| own.payload_type == codec.payload_type);
            own.cloned().or_else(|| Some(codec).filter(repairs).map(bare))
        });
        return kept.collect();
    }
    let mut codecs = Vec::with_capacity(offered.len());
    for codec in accepted {
        let rtx = offered.iter().find(|rtx| repairs(rtx) && rtx.apt() == Some(codec.payload_type)).map(bare);
        codecs.push(codec);
        codecs.extend(rtx);
    }
    codecs
}

/// The offered header extensions that are supported, under the offered ids (RFC 8285, section 6).
fn answer_extensions(
    capabilities: &MediaCapabilities,
    offer: &sdp::SessionDescription,
    index: usize,
) -> Vec<ExtMap> {
    let mut accepted: Vec<ExtMap> = Vec::new();
    for offered in offer.extmaps_of(index).filter(|offered| (1..=255).contains(&offered.id)) {
        let known = capabilities.header_extensions.iter().any(|own| own.uri == offered.uri);
        if known && !accepted.iter().any(|own| own.uri == offered.uri) {
            accepted
                .push(ExtMap { direction: offered.direction.map(Direction::reversed), ..offered.clone() });
        }
    }
    accepted
}
