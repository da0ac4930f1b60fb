//! Offer and answer: descriptions go through [`jsep`](crate::jsep), and what they change goes to the transports.

use super::PeerConnection;
use crate::error::UsageError;
use crate::event::Event;
use crate::jsep::{
    Changes, DtlsRole, IceRole, LocalTransport, Negotiated, OfferOptions, RemoteTransport, SdpType,
    SessionDescription, SignalingState, TransportDescription,
};
use crate::record::Input;
use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::SocketAddr;
use sendrecv_core::Instant;
use sendrecv_crypto::HashAlgorithm;
use sendrecv_dtls::{Fingerprint, Role};
use sendrecv_ice::{Candidate, CandidateKind, IceParameters};

/// Longest message assumed when the peer takes any size: what this side could hold, too.
const UNLIMITED: usize = 1 << 30;

impl PeerConnection {
    /// `createOffer`.
    ///
    /// # Errors
    /// [`UsageError::Jsep`] in the wrong state, [`UsageError::Closed`].
    pub fn create_offer(&mut self, options: OfferOptions) -> Result<SessionDescription, UsageError> {
        self.enter(self.clock.now())?;
        self.record(|| Input::CreateOffer { options });
        let restarts = self.jsep.offer_restarts_ice(&options);
        let transport = self.describe_next_transport(restarts);
        Ok(self.jsep.create_offer(&options, &transport)?)
    }

    /// `createAnswer`.
    ///
    /// # Errors
    /// [`UsageError::Jsep`] without a remote offer, [`UsageError::Closed`].
    pub fn create_answer(&mut self) -> Result<SessionDescription, UsageError> {
        self.enter(self.clock.now())?;
        self.record(|| Input::CreateAnswer);
        let restarts = self.jsep.answer_restarts_ice();
        let transport = self.describe_next_transport(restarts);
        Ok(self.jsep.create_answer(&transport)?)
    }

    /// `setLocalDescription`. Without a description: the offer or answer that is due is made and set.
    ///
    /// # Errors
    /// [`UsageError::Jsep`] when the description is not the one created last or not possible now,
    /// [`UsageError::Closed`].
    pub fn set_local_description(
        &mut self,
        now: Instant,
        description: Option<SessionDescription>,
    ) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        let description = match description {
            Some(description) => description,
            None if self.jsep.implicit_kind() == SdpType::Offer => {
                self.create_offer(OfferOptions::default())?
            }
            None => self.create_answer()?,
        };
        self.record(|| Input::SetLocalDescription { now, description: description.clone() });
        let changes = self.jsep.set_local(&description)?;
        self.apply(now, changes)
    }

    /// `setRemoteDescription`. An offer that comes while ours is pending rolls ours back.
    ///
    /// # Errors
    /// [`UsageError::Jsep`] says what is wrong with it; [`UsageError::Closed`].
    pub fn set_remote_description(
        &mut self,
        now: Instant,
        description: SessionDescription,
    ) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        self.record(|| Input::SetRemoteDescription { now, description: description.clone() });
        let changes = self.jsep.set_remote(&description)?;
        self.apply(now, changes)
    }

    /// `restartIce`: the next offer has new ICE credentials; `negotiationneeded` follows.
    pub fn restart_ice(&mut self, now: Instant) {
        let Ok(now) = self.enter(now) else { return };
        self.record(|| Input::RestartIce { now });
        self.jsep.restart_ice();
        self.drive(now);
    }

    /// What our descriptions say about the transport now.
    pub(super) fn describe_transport(&self) -> TransportDescription {
        let parameters = self.transport.ice.local_parameters();
        let fingerprint = self
            .transport
            .certificate
            .fingerprint(self.configuration.settings.crypto, HashAlgorithm::Sha256)
            .ok()
            .and_then(|fingerprint| fingerprint.to_string().parse().ok());
        TransportDescription {
            ice_ufrag: parameters.ufrag.clone(),
            ice_pwd: parameters.pwd.clone(),
            ice_options: parameters.options.clone(),
            fingerprints: fingerprint.into_iter().collect(),
            candidates: self.local_candidates.clone(),
            end_of_candidates: self.gathering_state == crate::IceGatheringState::Complete,
            default_address: self.default_address(),
            sctp_init: self.sctp_init(),
        }
    }

    /// What the next description says about the transport: with credentials that only setting it brings into use, if
    /// it restarts ICE.
    fn describe_next_transport(&mut self, restarts: bool) -> TransportDescription {
        let present = Some(self.transport.ice.local_parameters().ufrag.as_str());
        let mut description = self.describe_transport();
        if restarts && self.jsep.current_local_ufrag() == present {
            let parameters = self.transport.ice.prepare_restart();
            description.ice_ufrag.clone_from(&parameters.ufrag);
            description.ice_pwd.clone_from(&parameters.pwd);
            description.candidates.clear();
            description.end_of_candidates = false;
            description.default_address = None;
        }
        description
    }

    /// Does what a description changed, in the order W3C webrtc-pc gives the events.
    fn apply(&mut self, now: Instant, changes: Changes) -> Result<(), UsageError> {
        if let Some(role) = changes.ice_role {
            self.transport.ice.set_role(now, ice_role(role))?;
        }
        self.follow_local_credentials(now)?;
        if let Some(local) = changes.local_transport {
            self.start_gathering(now, local)?;
        }
        if let Some(remote) = &changes.remote_transport
            && self.jsep.signaling_state() != SignalingState::HaveRemoteOffer
        {
            self.apply_remote_transport(now, remote)?;
        }
        if let Some(negotiated) = &changes.negotiated {
            let remote = changes.remote_transport.as_ref();
            let fingerprints = remote.map(dtls_fingerprints).unwrap_or_default();
            self.apply_negotiated(now, negotiated, &fingerprints)?;
        }
        for id in changes.removed.iter().chain(&changes.stopped) {
            self.sections.remove(now, &mut self.media, *id);
        }
        self.renew_parameters();
        if let Some(state) = changes.signaling_state {
            self.events.push_back(Event::SignalingStateChange(state));
        }
        self.events.extend(changes.stopped.iter().copied().map(Event::TrackEnded));
        self.events.extend(changes.tracks.muted.into_iter().map(Event::TrackMute));
        self.events.extend(changes.tracks.events.into_iter().map(Event::Track));
        self.drive(now);
        Ok(())
    }

    /// Brings ICE to the credentials of our latest description: those prepared for a restart, or those of before if
    /// the offer that restarted was taken back.
    fn follow_local_credentials(&mut self, now: Instant) -> Result<(), UsageError> {
        let ice = &mut self.transport.ice;
        let Some(described) = self.jsep.local_ufrag() else { return Ok(()) };
        if described == ice.local_parameters().ufrag {
            return Ok(());
        }
        self.local_candidates.clear();
        if described == ice.prepare_restart().ufrag {
            ice.restart(now)?;
        } else {
            ice.undo_restart(now)?;
            ice.gather(now)?;
        }
        Ok(())
    }

    fn start_gathering(&mut self, now: Instant, local: LocalTransport) -> Result<(), UsageError> {
        self.transport_section = Some((local.mid, local.m_line));
        Ok(self.transport.ice.gather(now)?)
    }

    fn apply_remote_transport(&mut self, now: Instant, remote: &RemoteTransport) -> Result<(), UsageError> {
        let parameters = IceParameters {
            ufrag: remote.ice_ufrag.clone(),
            pwd: remote.ice_pwd.clone(),
            lite: remote.ice_lite,
            options: remote.ice_options.clone(),
        };
        self.transport.ice.set_remote_parameters(now, parameters)?;
        for line in &remote.candidates {
            // What this side cannot use (another component, another transport) is no fault of the description.
            let _ = self.add_candidate_line(now, line);
        }
        if remote.end_of_candidates {
            self.transport.ice.end_of_remote_candidates(now)?;
        }
        Ok(())
    }

    fn apply_negotiated(
        &mut self,
        now: Instant,
        negotiated: &Negotiated,
        fingerprints: &[Fingerprint],
    ) -> Result<(), UsageError> {
        // Channels that wait for their first association go on waiting.
        if negotiated.dtls_restart && self.sctp_started {
            // An INIT of ours that was signalled in this very exchange counts: the next association has the same.
            if negotiated.sctp.as_ref().is_none_or(|sctp| sctp.remote_init.is_none()) {
                self.associations = self.associations.wrapping_add(1);
            }
            self.restart_association(now);
        }
        match negotiated.dtls_role {
            Some(role) => {
                self.transport.configure(now, dtls_role(role), fingerprints, negotiated.dtls_restart);
            }
            None => self.lose_transport(now)?,
        }
        if !negotiated.media.is_empty() {
            self.transport.want_media();
        }
        self.sections.negotiate(now, &mut self.media, negotiated)?;
        match &negotiated.sctp {
            Some(sctp) => {
                let size = sctp.max_message_size.and_then(|size| usize::try_from(size).ok());
                self.channels.set_remote_max_message_size(size.unwrap_or(UNLIMITED).min(UNLIMITED));
                self.remote_init = sctp.remote_init.clone();
                self.sctp_wanted = true;
            }
            // A provisional answer may still be followed by one that takes the section, and channels created during
            // the exchange wait for the next.
            None if self.jsep.signaling_state() == SignalingState::Stable
                && !self.jsep.wants_data_channels() =>
            {
                if self.sctp_started || self.channels.channels().next().is_some() {
                    self.associations = self.associations.wrapping_add(1);
                    self.restart_association(now);
                }
                self.sctp_wanted = false;
            }
            None => {}
        }
        Ok(())
    }

    /// Every section is refused: ICE and DTLS end here, and what comes later starts anew.
    fn lose_transport(&mut self, now: Instant) -> Result<(), UsageError> {
        if self.jsep.signaling_state() != SignalingState::Stable {
            return Ok(());
        }
        self.transport.discard();
        self.local_candidates.clear();
        Ok(self.transport.ice.forget_peer(now)?)
    }

    /// The data channels there are close; those to come get an association of their own, with the randomness of its
    /// number.
    fn restart_association(&mut self, now: Instant) {
        let seed = self.sctp_seed.derive_indexed("association", self.associations);
        self.channels.restart(super::channel_config(&self.configuration), &seed, now);
        (self.sctp_started, self.sctp_runs) = (false, false);
    }

    /// Address and port of the candidate that goes into `c=` and `m=` lines.
    fn default_address(&self) -> Option<SocketAddr> {
        let usable = |candidate: &&Candidate| {
            candidate.transport == sendrecv_ice::Transport::Udp
                && candidate.kind != CandidateKind::PeerReflexive
        };
        let signalled = !self.local_candidates.is_empty();
        let candidates = self.transport.ice.local_candidates().filter(usable).filter(|_| signalled);
        // The one most likely to be reached from anywhere (RFC 8839, section 4.2.1.2).
        candidates
            .max_by_key(|candidate| (candidate.kind, candidate.priority))
            .and_then(Candidate::socket_addr)
    }
}

const fn ice_role(role: IceRole) -> sendrecv_ice::Role {
    match role {
        IceRole::Controlling => sendrecv_ice::Role::Controlling,
        IceRole::Controlled => sendrecv_ice::Role::Controlled,
    }
}

const fn dtls_role(role: DtlsRole) -> Role {
    match role {
        DtlsRole::Client => Role::Client,
        DtlsRole::Server => Role::Server,
    }
}

fn dtls_fingerprints(remote: &RemoteTransport) -> Vec<Fingerprint> {
    remote.fingerprints.iter().filter_map(|fingerprint| fingerprint.to_string().parse().ok()).collect()
}

/// The value of a candidate-attribute, without its name.
pub(super) fn candidate_value(line: &str) -> String {
    line.strip_prefix("candidate:").unwrap_or(line).to_owned()
}
