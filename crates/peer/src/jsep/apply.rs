//! Setting descriptions (RFC 9429, sections 5.9 to 5.11; W3C webrtc-pc, section 4.4.1.5).

use super::applied::Applied;
use super::negotiation::{Created, Slot, transport_section};
use super::offer::free_mid;
use super::tracks::{remote_streams, remote_track};
use super::verify::{credentials, restarts_ice};
use super::{
    Changes, IceRole, JsepError, LocalTransport, Negotiation, RemoteTransport, SdpType, SessionDescription,
    SignalingState, TrackKind, TransceiverId,
};
use alloc::borrow::ToOwned;
use alloc::sync::Arc;
use alloc::vec::Vec;
use sendrecv_sdp::{self as sdp, Direction, MediaSection};

impl Negotiation {
    /// `setLocalDescription`: applies the description last created. Its text may be left empty.
    ///
    /// # Errors
    /// [`JsepError::InvalidState`] when the kind does not fit the state, [`JsepError::Modified`] when the description
    /// is not the last one created; nothing has changed then.
    pub fn set_local(&mut self, description: &SessionDescription) -> Result<Changes, JsepError> {
        self.check_open()?;
        let kind = description.kind;
        let state =
            self.state.after_local(kind).ok_or(JsepError::InvalidState { state: self.state, kind })?;
        self.transact(|next| match kind {
            SdpType::Rollback => Ok(next.apply_rollback()),
            SdpType::Offer => {
                let created = next.last_offer.clone().filter(|created| is_same(created, description));
                Ok(next.apply_local_offer(created.ok_or(JsepError::Modified)?, state))
            }
            SdpType::Answer | SdpType::Pranswer => {
                let created = next.last_answer.clone().filter(|created| is_same(created, description));
                Ok(next.apply_local_answer(created.ok_or(JsepError::Modified)?, kind, state))
            }
        })
    }

    /// `setRemoteDescription`. An offer that meets our pending one takes that back first, as in perfect negotiation.
    ///
    /// # Errors
    /// [`JsepError::InvalidState`] when the kind does not fit the state, [`JsepError::Syntax`] when the text cannot be
    /// read, [`JsepError::Unsupported`] when it cannot be used; nothing has changed then.
    pub fn set_remote(&mut self, description: &SessionDescription) -> Result<Changes, JsepError> {
        self.check_open()?;
        let kind = description.kind;
        self.transact(|next| {
            let mut changes = Changes::default();
            if kind == SdpType::Offer && next.state == SignalingState::HaveLocalOffer {
                next.roll_back(&mut changes);
            }
            let state =
                next.state.after_remote(kind).ok_or(JsepError::InvalidState { state: next.state, kind })?;
            if kind == SdpType::Rollback {
                return Ok(next.apply_rollback());
            }
            let parsed = Arc::new(sdp::SessionDescription::parse(&description.sdp)?);
            next.verify_remote(kind, &parsed)?;
            if kind == SdpType::Offer {
                next.avoid_ssrcs_of(&parsed);
            }
            let remote = Applied::new(kind, parsed, description.sdp.clone());
            next.apply_remote(remote, state, &mut changes);
            Ok(changes)
        })
    }

    fn apply_rollback(&mut self) -> Changes {
        let mut changes = Changes::default();
        self.roll_back(&mut changes);
        let remote = self.current_remote.as_ref();
        changes.remote_transport = remote.and_then(|remote| self.remote_transport(remote.parsed()));
        changes
    }

    fn apply_local_offer(&mut self, offer: Created, state: SignalingState) -> Changes {
        self.remember_stable();
        for (index, (slot, media)) in offer.slots.iter().zip(&offer.parsed.media).enumerate() {
            self.associate_local(index, *slot, media);
        }
        self.state = state;
        let role = self.decide_ice_role(IceRole::Controlling);
        let local = self.take_local(SdpType::Offer, offer);
        Changes { ice_role: role, local_transport: local, ..Changes::default() }
    }

    fn associate_local(&mut self, index: usize, slot: Slot, media: &MediaSection) {
        let id = slot.transceiver();
        for transceiver in &mut self.transceivers {
            if Some(transceiver.id) == id {
                transceiver.mid.clone_from(&media.mid);
                transceiver.m_line = Some(index);
            } else if transceiver.m_line == Some(index) && id.is_some() {
                transceiver.mid = None;
                transceiver.m_line = None;
            }
        }
        if slot == Slot::Data {
            self.data.mid.clone_from(&media.mid);
            self.data.m_line = Some(index);
        }
    }

    /// Makes `created` the pending local description; says what it means for the transport.
    fn take_local(&mut self, kind: SdpType, created: Created) -> Option<LocalTransport> {
        let session = &created.parsed;
        let transport = transport_section(session).and_then(|m_line| {
            let before = self.current_local.as_ref();
            Some(LocalTransport {
                mid: session.media.get(m_line)?.mid.clone(),
                m_line,
                ice_ufrag: session.ice_credentials_of(m_line)?.0.to_owned(),
                restart: before.is_some_and(|before| restarts_ice(session, before.parsed())),
            })
        });
        self.pending_local = Some(Applied::new(kind, created.parsed, created.text));
        transport
    }

    fn apply_local_answer(&mut self, answer: Created, kind: SdpType, state: SignalingState) -> Changes {
        let remote = self.pending_remote.as_ref().and_then(|remote| self.remote_transport(remote.parsed()));
        let mut changes = Changes {
            local_transport: self.take_local(kind, answer),
            remote_transport: remote,
            ..Changes::default()
        };
        self.finish_sections(true, kind, &mut changes);
        self.state = state;
        self.conclude(kind, &mut changes);
        changes
    }

    fn apply_remote(&mut self, remote: Applied, state: SignalingState, changes: &mut Changes) {
        let kind = remote.kind;
        changes.remote_transport = self.remote_transport(remote.parsed());
        if kind == SdpType::Offer {
            self.remember_stable();
            let role = if remote.parsed().ice_lite { IceRole::Controlling } else { IceRole::Controlled };
            changes.ice_role = self.decide_ice_role(role);
            self.associate_remote(remote.parsed());
            self.last_answer = None;
        }
        self.pending_remote = Some(remote);
        self.process_remote_sections(changes);
        if kind.is_answer() {
            self.finish_sections(false, kind, changes);
        }
        self.state = state;
        self.conclude(kind, changes);
    }

    /// Whoever makes the first offer controls, unless the other side is an ICE lite agent; settled once.
    fn decide_ice_role(&mut self, role: IceRole) -> Option<IceRole> {
        let role = if self.config.ice_lite { IceRole::Controlled } else { role };
        self.ice_role.is_none().then(|| *self.ice_role.insert(role))
    }

    fn remote_transport(&self, session: &sdp::SessionDescription) -> Option<RemoteTransport> {
        let tag = transport_section(session)?;
        let (ufrag, pwd) = session.ice_credentials_of(tag)?;
        let before = self.current_remote.as_ref().and_then(|remote| credentials(remote.parsed()));
        Some(RemoteTransport {
            ice_ufrag: ufrag.to_owned(),
            ice_pwd: pwd.to_owned(),
            ice_options: session.ice_options_of(tag).to_vec(),
            ice_lite: session.ice_lite,
            restart: before.is_some_and(|before| before != (ufrag, pwd)),
            candidates: session.media.get(tag)?.candidates.clone(),
            end_of_candidates: session.end_of_candidates_of(tag),
            fingerprints: session.fingerprints_of(tag).to_vec(),
        })
    }

    /// Finds or creates the transceiver of each offered section (RFC 9429, section 5.10).
    fn associate_remote(&mut self, offer: &sdp::SessionDescription) {
        for (index, media) in offer.media.iter().enumerate() {
            self.release_recycled(index, media);
            if media.is_rejected() {
                continue;
            }
            if media.is_data_channel() {
                if self.data.m_line.is_none() {
                    self.data.m_line = Some(index);
                    self.data.mid.clone_from(&media.mid);
                }
            } else if let Some(kind) = TrackKind::of(&media.kind).filter(|_| media.is_rtp()) {
                if self.at_m_line(index).is_none() {
                    let id = self.find_or_create(kind, offer.direction_of(index));
                    self.associate(id, index, media);
                }
                self.propose_encodings(index, media);
            }
        }
    }

    /// A section that was refused and is now another one lets go of its transceiver.
    fn release_recycled(&mut self, index: usize, media: &MediaSection) {
        let is_other = |mid: &Option<_>| media.mid.is_some() && *mid != media.mid;
        for own in self.transceivers.iter_mut().filter(|own| own.m_line == Some(index) && is_other(&own.mid))
        {
            own.mid = None;
            own.m_line = None;
        }
        if self.data.m_line == Some(index) && is_other(&self.data.mid) {
            self.data.mid = None;
            self.data.m_line = None;
        }
    }

    /// Only transceivers made by addTrack pair with offered sections, and only where there is something to send to.
    fn find_or_create(&mut self, kind: TrackKind, offered: Direction) -> TransceiverId {
        let fits = |own: &&super::Transceiver| {
            own.kind == kind
                && own.added_by_track
                && own.m_line.is_none()
                && !own.stopping
                && offered.receives()
        };
        if let Some(found) = self.transceivers.iter().find(fits) {
            return found.id;
        }
        let id = self.create_transceiver(kind, Direction::RecvOnly);
        self.transceivers.iter_mut().filter(|own| own.id == id).for_each(|own| own.created_by_offer = true);
        id
    }

    fn associate(&mut self, id: TransceiverId, index: usize, media: &MediaSection) {
        let mid = media.mid.clone().unwrap_or_else(|| free_mid(&mut self.mids_in_use()));
        if let Some(own) = self.transceivers.iter_mut().find(|own| own.id == id) {
            own.mid = Some(mid);
            own.m_line = Some(index);
            if let Some(track) = remote_track(media) {
                track.clone_into(&mut own.receiver.track);
            }
        }
    }

    /// Tells which remote tracks come and go, section by section.
    fn process_remote_sections(&mut self, changes: &mut Changes) {
        let Some(remote) = self.pending_remote.as_ref() else { return };
        for (index, media) in remote.parsed().media.iter().enumerate() {
            let Some(own) = self.transceivers.iter_mut().find(|own| own.m_line == Some(index)) else {
                continue;
            };
            let rejected = media.is_rejected();
            let offered = remote.parsed().direction_of(index).reversed();
            let direction = if rejected { Direction::Inactive } else { offered };
            let streams =
                if direction.receives() { remote_streams(media, &self.default_stream) } else { Vec::new() };
            if !own.stopped {
                own.process_remote_track(direction, streams, &mut changes.tracks);
            }
            if rejected && !own.stopped {
                own.stopping = true;
                own.stopped = true;
                changes.stopped.push(own.id);
            }
        }
    }
}

fn is_same(created: &Created, description: &SessionDescription) -> bool {
    description.sdp.is_empty() || description.sdp == created.text
}
