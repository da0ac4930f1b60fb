//! Making offers (RFC 9429, section 5.2).

use super::formats::same_format;
use super::negotiation::{Created, Slot};
use super::numbering::{Numbering, allows_rtx, preferred};
use super::sections::{
    RTP_PROTOCOL, SCTP_PROTOCOL, data_section, default_rtcp, describe_transport, list_candidates,
    refused_section, rtp_section,
};
use super::{
    JsepError, Negotiation, OfferOptions, SdpType, SessionDescription, SignalingState, TrackKind,
    Transceiver, TransportDescription,
};
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use sendrecv_sdp::{self as sdp, Codec, Direction, Group, MediaSection, Setup};

impl Negotiation {
    /// `createOffer`: a description of what is wanted now. Legacy options change the transceivers.
    ///
    /// When [`offer_restarts_ice`](Self::offer_restarts_ice), `transport` must have new credentials.
    ///
    /// # Errors
    /// [`JsepError::Closed`]; [`JsepError::InvalidState`] unless stable or with a local offer pending.
    pub fn create_offer(
        &mut self,
        options: &OfferOptions,
        transport: &TransportDescription,
    ) -> Result<SessionDescription, JsepError> {
        self.check_open()?;
        if !matches!(self.state, SignalingState::Stable | SignalingState::HaveLocalOffer) {
            return Err(JsepError::InvalidState { state: self.state, kind: SdpType::Offer });
        }
        self.offer_to_receive(TrackKind::Audio, options.offer_to_receive_audio);
        self.offer_to_receive(TrackKind::Video, options.offer_to_receive_video);
        let slots = self.offer_slots();
        let mids = self.offer_mids(&slots);
        let mut numbering = self.numbering();
        let mut session = self.new_session();
        session.media.reserve_exact(slots.len());
        for (index, (slot, mid)) in slots.iter().zip(&mids).enumerate() {
            session.media.push(self.offer_section(index, *slot, mid, transport, &mut numbering));
        }
        let live = session.media.iter_mut().filter(|media| !media.is_rejected());
        let tags: Vec<String> = live.filter_map(|media| media.mid.clone()).collect();
        if let Some(tag) = session.media.iter_mut().find(|media| !media.is_rejected()) {
            list_candidates(tag, transport);
        }
        session.groups.push(Group::bundle(tags));
        session.groups.extend(lip_sync_groups(&session));
        let text = session.to_string();
        self.last_offer = Some(Created { text: text.clone(), parsed: Arc::new(session), slots });
        Ok(SessionDescription::offer(text))
    }

    /// `offerToReceiveAudio` and `offerToReceiveVideo` (W3C webrtc-pc, section 4.4.3, legacy).
    fn offer_to_receive(&mut self, kind: TrackKind, receive: Option<bool>) {
        let mut running = self.transceivers.iter_mut().filter(|own| own.kind == kind && !own.stopping);
        match receive {
            Some(true) if !running.any(|own| own.direction.receives()) => {
                self.create_transceiver(kind, Direction::RecvOnly);
            }
            Some(false) => {
                running.for_each(|own| own.direction = Direction::new(own.direction.sends(), false));
            }
            Some(true) | None => {}
        }
    }

    /// What each section of an offer is for: those there are keep their place, new ones take the place of refused
    /// ones or come behind.
    fn offer_slots(&self) -> Vec<Slot> {
        let sections = self.latest_local().map_or(0, |local| local.parsed().media.len());
        let mut slots: Vec<Slot> = (0..sections).map(|index| self.present_slot(index)).collect();
        let is_new = |own: &&Transceiver| own.m_line.is_none() && !own.stopping;
        for transceiver in self.transceivers.iter().filter(is_new) {
            self.place(&mut slots, Slot::Transceiver(transceiver.id));
        }
        if self.data.wanted && !slots.contains(&Slot::Data) {
            self.place(&mut slots, Slot::Data);
        }
        slots
    }

    fn present_slot(&self, index: usize) -> Slot {
        let is_refused = |session: Option<&super::applied::Applied>| {
            session
                .and_then(|session| session.parsed().media.get(index))
                .is_some_and(MediaSection::is_rejected)
        };
        match self.at_m_line(index) {
            Some(transceiver) if !transceiver.stopped => Slot::Transceiver(transceiver.id),
            None if self.data.m_line == Some(index) && !is_refused(self.current_remote.as_ref()) => {
                Slot::Data
            }
            _ => Slot::Refused,
        }
    }

    /// Puts a new section in the place of one that both sides know to be refused, or behind the others.
    fn place(&self, slots: &mut Vec<Slot>, new: Slot) {
        let mut places = slots.iter_mut().enumerate();
        match places.find(|(index, slot)| **slot == Slot::Refused && self.is_recyclable(*index)) {
            Some((_, slot)) => *slot = new,
            None => slots.push(new),
        }
    }

    /// The MID of every section: that of before, or the first free number.
    fn offer_mids(&self, slots: &[Slot]) -> Vec<Option<String>> {
        let mut taken = self.mids_in_use();
        let mids = slots.iter().enumerate().map(|(index, slot)| match slot {
            Slot::Transceiver(id) => match self.transceiver(*id).and_then(|own| own.mid.clone()) {
                Some(mid) => Some(mid),
                None => Some(free_mid(&mut taken)),
            },
            Slot::Data => Some(self.data.mid.clone().unwrap_or_else(|| free_mid(&mut taken))),
            Slot::Refused => self
                .latest_local()
                .and_then(|local| local.parsed().media.get(index))
                .and_then(|media| media.mid.clone()),
        });
        mids.collect()
    }

    pub(crate) fn mids_in_use(&self) -> Vec<String> {
        let descriptions =
            [&self.current_local, &self.pending_local, &self.current_remote, &self.pending_remote];
        let media = descriptions.into_iter().flatten().flat_map(|applied| &applied.parsed().media);
        media.filter_map(|media| media.mid.clone()).collect()
    }

    /// The numbers that are taken by what was negotiated, or is being.
    fn numbering(&self) -> Numbering {
        let mut numbering = Numbering::default();
        for applied in [&self.pending_local, &self.current_local, &self.current_remote].into_iter().flatten()
        {
            numbering.learn(applied.parsed());
        }
        numbering
    }

    fn offer_section(
        &self,
        index: usize,
        slot: Slot,
        mid: &Option<String>,
        transport: &TransportDescription,
        numbering: &mut Numbering,
    ) -> MediaSection {
        let before = self.latest_local().and_then(|local| local.parsed().media.get(index));
        let mut media = match slot {
            Slot::Transceiver(id) => match self.transceiver(id) {
                Some(own) if !own.stopping => self.offer_rtp(own, mid.as_deref(), numbering),
                _ => return refused(before),
            },
            Slot::Data => {
                let mut media = data_section(SCTP_PROTOCOL, mid.as_deref());
                self.describe_data(&mut media, transport);
                media
            }
            Slot::Refused => return refused(before),
        };
        describe_transport(&mut media, transport, Setup::ActPass);
        media
    }

    fn offer_rtp(
        &self,
        transceiver: &Transceiver,
        mid: Option<&str>,
        numbering: &mut Numbering,
    ) -> MediaSection {
        let codecs = self.offer_codecs(transceiver, numbering);
        let mut media = rtp_section(transceiver.kind.media_kind(), RTP_PROTOCOL, mid, &codecs);
        let extensions = &self.capabilities(transceiver.kind).header_extensions;
        media.shared.extmaps =
            extensions.iter().filter_map(|extension| numbering.extension(extension)).collect();
        media.shared.direction = Some(transceiver.direction);
        if transceiver.current_direction.is_none() {
            media.rtcp = Some(default_rtcp());
            media.rtcp_mux_only = true;
        }
        self.describe_sender(&mut media, transceiver, transceiver.direction, None);
        media
    }

    /// The codecs of a section; without preferences those of the last answer come first, in its order.
    fn offer_codecs(&self, transceiver: &Transceiver, numbering: &mut Numbering) -> Vec<Codec> {
        let capabilities = preferred(transceiver, &self.capabilities(transceiver.kind).codecs);
        let with_rtx = allows_rtx(transceiver);
        let mut formats: Vec<Vec<Codec>> =
            capabilities.into_iter().map(|capability| numbering.number(capability, with_rtx)).collect();
        formats.retain(|format| !format.is_empty());
        if transceiver.codec_preferences.is_empty() {
            let answered = self.last_answered_codecs(transceiver);
            let rank = |format: &Vec<Codec>| {
                let position = answered
                    .iter()
                    .position(|codec| format.iter().take(1).any(|own| same_format(own, codec)));
                position.unwrap_or(usize::MAX)
            };
            formats.sort_by_key(rank);
        }
        formats.into_iter().flatten().collect()
    }

    fn last_answered_codecs(&self, transceiver: &Transceiver) -> Vec<Codec> {
        let answers = [&self.current_local, &self.current_remote].into_iter().flatten();
        let answer = answers.into_iter().find(|applied| applied.kind.is_answer());
        let media =
            answer.zip(transceiver.m_line).and_then(|(answer, index)| answer.parsed().media.get(index));
        media.map(MediaSection::codecs).unwrap_or_default()
    }
}

/// Sections whose tracks share a stream are to be played in step (RFC 9429, section 5.2.1).
fn lip_sync_groups(session: &sdp::SessionDescription) -> Vec<Group> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for media in session.media.iter().filter(|media| !media.is_rejected()) {
        let Some(mid) = &media.mid else { continue };
        for stream in media.msids.iter().filter_map(sdp::Msid::stream_id) {
            match groups.iter_mut().find(|(own, _)| own == stream) {
                Some((_, mids)) => mids.push(mid.clone()),
                None => groups.push((stream.into(), [mid.clone()].into())),
            }
        }
    }
    let several = groups.into_iter().map(|(_, mids)| mids).filter(|mids| mids.len() > 1);
    several.map(|mids| Group { semantics: "LS".into(), mids }).collect()
}

/// The section that refuses what was there; one that never was in a description has no place.
fn refused(before: Option<&MediaSection>) -> MediaSection {
    before.map_or_else(|| refused_section(&data_section(SCTP_PROTOCOL, None)), refused_section)
}

/// The first number that is no MID yet (RFC 9429, section 5.2.1: short, and telling nothing).
pub(crate) fn free_mid(taken: &mut Vec<String>) -> String {
    let mut numbers = (0u32..).map(|number| number.to_string());
    let mid = numbers.find(|mid| !taken.contains(mid)).unwrap_or_default();
    taken.push(mid.clone());
    mid
}
