//! Whether a remote description can be used (RFC 9429, section 5.8.3).

use super::applied::Applied;
use super::negotiation::{shares_transport, transport_section};
use super::sctp_init;
use super::{Defect, DtlsRole, JsepError, Negotiation, SdpType};
use alloc::collections::{BTreeMap, BTreeSet};
use sendrecv_sdp::{self as sdp, MediaSection, Setup};

type Result<T = ()> = core::result::Result<T, JsepError>;

impl Negotiation {
    /// Checks a remote description before anything of it is applied.
    pub(crate) fn verify_remote(&self, kind: SdpType, session: &sdp::SessionDescription) -> Result {
        verify_mids(session)?;
        verify_transport(session)?;
        verify_rtcp_mux(session)?;
        verify_extensions(session)?;
        if kind.is_answer() {
            let offer = self.pending_local.as_ref().or(self.current_local.as_ref());
            if let Some(offer) = offer {
                verify_answer(offer.parsed(), session)?;
            }
            self.verify_answer_restart(session)?;
            self.verify_answer_setup(session)
        } else {
            self.verify_offer(session)
        }
    }

    /// An offer keeps the sections there are, except those that were refused (RFC 3264, section 8).
    fn verify_offer(&self, session: &sdp::SessionDescription) -> Result {
        let Some(before) = self.latest_remote().or(self.current_local.as_ref()) else { return Ok(()) };
        if session.media.len() < before.parsed().media.len() {
            return Err(JsepError::Unsupported { m_line: None, defect: Defect::MediaSectionCount });
        }
        for (index, (old, new)) in before.parsed().media.iter().zip(&session.media).enumerate() {
            if old.is_rejected() || self.is_recyclable(index) {
                continue;
            }
            if old.kind != new.kind {
                return Err(JsepError::unsupported(index, Defect::MediaSectionMismatch));
            }
            if old.mid.is_some() && new.mid.is_some() && old.mid != new.mid {
                return Err(JsepError::unsupported(index, Defect::MidMismatch));
            }
        }
        self.verify_offered_dtls(session)
    }

    /// While ICE goes on, so does DTLS: with the same certificate, and in the same roles.
    fn verify_offered_dtls(&self, offer: &sdp::SessionDescription) -> Result {
        let (Some(before), Some(tag)) = (&self.current_remote, transport_section(offer)) else {
            return Ok(());
        };
        let certificate = fingerprints(before.parsed());
        if certificate.is_empty() || restarts_ice(offer, before.parsed()) {
            return Ok(());
        }
        if certificate != fingerprints(offer) {
            return Err(JsepError::unsupported(tag, Defect::CertificateChanged));
        }
        let conflict = match offer.setup_of(tag) {
            Some(Setup::Active) => Some(DtlsRole::Client),
            Some(Setup::Passive) => Some(DtlsRole::Server),
            _ => None,
        };
        if conflict.is_some() && conflict == self.dtls_role {
            return Err(JsepError::unsupported(tag, Defect::InconsistentSetup));
        }
        Ok(())
    }

    /// Whether section `index` was refused by either side, so that another may take its place.
    pub(crate) fn is_recyclable(&self, index: usize) -> bool {
        let refused = |applied: &Option<Applied>| {
            applied
                .as_ref()
                .and_then(|applied| applied.parsed().media.get(index))
                .is_none_or(MediaSection::is_rejected)
        };
        refused(&self.current_local) || refused(&self.current_remote)
    }

    /// An answer has new ICE credentials if, and only if, the offer had (RFC 9429, section 5.10).
    fn verify_answer_restart(&self, answer: &sdp::SessionDescription) -> Result {
        let (Some(offer), Some(local), Some(remote)) =
            (&self.pending_local, &self.current_local, &self.current_remote)
        else {
            return Ok(());
        };
        if credentials(local.parsed()).is_none() || credentials(remote.parsed()).is_none() {
            return Ok(());
        }
        let offered = restarts_ice(offer.parsed(), local.parsed());
        if transport_section(answer).is_some() && offered != restarts_ice(answer, remote.parsed()) {
            return Err(JsepError::Unsupported { m_line: None, defect: Defect::IceRestartMismatch });
        }
        let before = fingerprints(remote.parsed());
        let changed = !before.is_empty() && fingerprints(answer) != before;
        if !offered && changed && transport_section(answer).is_some() {
            return Err(JsepError::Unsupported { m_line: None, defect: Defect::CertificateChanged });
        }
        Ok(())
    }

    /// An answer decides the DTLS role. Where a connection goes on, what it says does not matter: Firefox answers the
    /// `actpass` of later offers with `active`, whatever it is.
    fn verify_answer_setup(&self, answer: &sdp::SessionDescription) -> Result {
        let Some(tag) = transport_section(answer) else { return Ok(()) };
        let role = DtlsRole::from_answer(answer.setup_of(tag).unwrap_or(Setup::Active), false);
        role.map(|_| ()).ok_or(JsepError::unsupported(tag, Defect::InconsistentSetup))
    }
}

/// Whether `new` has other ICE credentials than `old`.
pub(crate) fn restarts_ice(new: &sdp::SessionDescription, old: &sdp::SessionDescription) -> bool {
    match (credentials(new), credentials(old)) {
        (Some(new), Some(old)) => new != old,
        _ => false,
    }
}

pub(crate) fn credentials(session: &sdp::SessionDescription) -> Option<(&str, &str)> {
    session.ice_credentials_of(transport_section(session)?)
}

/// The fingerprints of the shared transport.
pub(crate) fn fingerprints(session: &sdp::SessionDescription) -> &[sdp::Fingerprint] {
    transport_section(session).map(|tag| session.fingerprints_of(tag)).unwrap_or_default()
}

fn verify_mids(session: &sdp::SessionDescription) -> Result {
    let mut mids = BTreeSet::new();
    for (index, media) in session.media.iter().enumerate() {
        if media.mid.as_ref().is_some_and(|mid| !mids.insert(mid.as_str())) {
            return Err(JsepError::unsupported(index, Defect::DuplicateMid));
        }
    }
    let mut bundled = BTreeSet::new();
    for mid in session.groups.iter().filter(|group| group.semantics == "BUNDLE").flat_map(|group| &group.mids)
    {
        let defect = match (mids.contains(mid.as_str()), bundled.insert(mid)) {
            (false, _) => Defect::UnknownMid(mid.clone()),
            (true, false) => Defect::DuplicateMid,
            (true, true) => continue,
        };
        return Err(JsepError::Unsupported { m_line: None, defect });
    }
    Ok(())
}

fn verify_transport(session: &sdp::SessionDescription) -> Result {
    let Some(tag) = transport_section(session) else { return Ok(()) };
    if session.ice_credentials_of(tag).is_none() {
        return Err(JsepError::unsupported(tag, Defect::MissingIceCredentials));
    }
    if session.fingerprints_of(tag).is_empty() {
        return Err(JsepError::unsupported(tag, Defect::MissingFingerprint));
    }
    if session.setup_of(tag) == Some(Setup::HoldConn) {
        return Err(JsepError::unsupported(tag, Defect::InconsistentSetup));
    }
    Ok(())
}

/// The section that the others are bundled into multiplexes, if it is one of RTP; the others follow it.
fn verify_rtcp_mux(session: &sdp::SessionDescription) -> Result {
    let Some(tag) = transport_section(session) else { return Ok(()) };
    match session.media.get(tag) {
        Some(media) if media.is_rtp() && !media.rtcp_mux => {
            Err(JsepError::unsupported(tag, Defect::RtcpMuxRequired))
        }
        _ => Ok(()),
    }
}

/// One header extension id stands for one URI throughout a BUNDLE (RFC 9143, section 9.1).
fn verify_extensions(session: &sdp::SessionDescription) -> Result {
    let mut uris: BTreeMap<u16, &str> = BTreeMap::new();
    for (index, media) in session.media.iter().enumerate() {
        if media.is_rejected() || !shares_transport(session, index) {
            continue;
        }
        for extmap in session.extmaps_of(index) {
            let known = *uris.entry(extmap.id).or_insert(&extmap.uri);
            if known != extmap.uri {
                return Err(JsepError::unsupported(index, Defect::ExtensionCollision(extmap.id)));
            }
        }
    }
    Ok(())
}

/// An answer mirrors the offer section by section (RFC 3264, section 6).
fn verify_answer(offer: &sdp::SessionDescription, answer: &sdp::SessionDescription) -> Result {
    if offer.media.len() != answer.media.len() {
        return Err(JsepError::Unsupported { m_line: None, defect: Defect::MediaSectionCount });
    }
    for (index, (offered, media)) in offer.media.iter().zip(&answer.media).enumerate() {
        let defect = match () {
            () if offered.kind != media.kind => Defect::MediaSectionMismatch,
            () if offered.protocol != media.protocol => Defect::MediaSectionMismatch,
            () if media.mid.is_some() && media.mid != offered.mid => Defect::MidMismatch,
            () if media.is_rejected() => continue,
            () if offered.is_rejected() => Defect::AcceptedRejected,
            () if !shares_transport(answer, index) => Defect::NotBundled,
            () if has_unusable_init(offered, media) => Defect::InvalidSctpInit,
            () => continue,
        };
        return Err(JsepError::unsupported(index, defect));
    }
    Ok(())
}

/// Whether the answer takes up our INIT with something that is none (SNAP): a handshake cannot make up for that.
fn has_unusable_init(offered: &MediaSection, answered: &MediaSection) -> bool {
    let answered = offered.sctp_init.as_ref().and(answered.sctp_init.as_deref());
    answered.is_some_and(|init| sctp_init::decode(init).is_none())
}
