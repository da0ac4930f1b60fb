//! Several encodings of one track (RFC 8853), told apart by their RTP stream ids (RFC 8851).

use super::{Encoding, Negotiation, RID_URI, SendEncoding, Sender, TrackKind};
use crate::encoding::{self, MAX_ENCODINGS};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use sendrecv_sdp::{MediaSection, Parameters, Rid, RidDirection, Simulcast, SimulcastId, SimulcastStreams};

/// Most streams that are accepted of a section, and most alternatives of one.
const MAX_STREAMS: usize = 16;

/// Accepts the simulcast streams that `offered` is to send, each id once, those that cannot be told apart or have no codec
/// in `media` left out (RFC 8853, section 5.3.2; RFC 8851, section 6.3).
///
/// None begins paused: that is for peers that can pause streams (RFC 7728), and browsers cannot.
pub(crate) fn receive_simulcast(media: &mut MediaSection, offered: &MediaSection) {
    let Some(simulcast) = &offered.simulcast else { return };
    // Without its id in every first packet nobody knows which stream is which.
    if !media.shared.extmaps.iter().any(|extmap| extmap.uri == RID_URI) {
        return;
    }
    let mut streams: SimulcastStreams = Vec::new();
    for alternatives in simulcast.send.iter().take(MAX_STREAMS) {
        let mut accepted: Vec<SimulcastId> = Vec::new();
        for id in alternatives.iter().take(MAX_STREAMS) {
            let is_known = media.rids.iter().any(|known| known.id == id.rid);
            if let Some(rid) = answered_rid(media, offered, &id.rid).filter(|_| !is_known) {
                media.rids.push(rid);
                accepted.push(SimulcastId { rid: id.rid.clone(), paused: false });
            }
        }
        if !accepted.is_empty() {
            streams.push(accepted);
        }
    }
    if !streams.is_empty() {
        media.simulcast = Some(Simulcast { send: Vec::new(), recv: streams });
    }
}

/// The offered stream as seen from here, with those of its payload types that were accepted. `None` when there is not
/// exactly one of this id, or when none of its payload types is left.
fn answered_rid(media: &MediaSection, offered: &MediaSection, id: &str) -> Option<Rid> {
    let mut called_so = offered.rids.iter().filter(|rid| rid.id == id);
    let rid =
        called_so.next().filter(|rid| called_so.next().is_none() && rid.direction == RidDirection::Send)?;
    let restrictions = answered_restrictions(media, rid)?;
    Some(Rid { id: rid.id.clone(), direction: rid.direction.reversed(), restrictions })
}

fn answered_restrictions(media: &MediaSection, rid: &Rid) -> Option<Parameters> {
    if rid.restrictions.get("pt").is_none() {
        return Some(rid.restrictions.clone());
    }
    let accepted =
        rid.payload_types().filter(|offered| media.formats.payload_types().any(|own| own == *offered));
    let accepted: Vec<String> = accepted.map(|payload_type| payload_type.to_string()).collect();
    let mut restrictions = Parameters::default();
    for (key, value) in rid.restrictions.iter() {
        if key.eq_ignore_ascii_case("pt") {
            restrictions.push(key, &accepted.join(","));
        } else {
            restrictions.push(key, value);
        }
    }
    Some(restrictions).filter(|_| !accepted.is_empty())
}

/// Describes the encodings of `sender` that are to be sent: all of them, or those that the section which is answered asks
/// for. `false`, and nothing is said, when that is no simulcast.
pub(crate) fn send_simulcast(
    media: &mut MediaSection,
    sender: &Sender,
    offered: Option<&MediaSection>,
) -> bool {
    let identified = media.shared.extmaps.iter().any(|extmap| extmap.uri == RID_URI);
    if sender.encodings.len() < 2 || !identified {
        return false;
    }
    let wanted = offered.map(wanted_rids);
    let is_wanted = |rid: &&str| wanted.as_ref().is_none_or(|wanted| wanted.iter().any(|own| own == rid));
    let rids: Vec<&str> = sender.encodings.iter().filter_map(Encoding::rid).filter(is_wanted).collect();
    if rids.is_empty() {
        return false;
    }
    let rid = |id: &&str| Rid {
        id: (*id).into(),
        direction: RidDirection::Send,
        restrictions: Parameters::default(),
    };
    media.rids.extend(rids.iter().map(rid));
    let stream = |id: &str| [SimulcastId { rid: id.into(), paused: false }].into();
    media.simulcast.get_or_insert_default().send = rids.into_iter().map(stream).collect();
    true
}

/// The ids of the streams that a section asks for, of alternatives the first; each once, and those with an `a=rid` only.
fn wanted_rids(offered: &MediaSection) -> Vec<String> {
    let streams = offered.simulcast.iter().flat_map(|simulcast| &simulcast.recv).take(MAX_STREAMS);
    let mut rids: Vec<String> = Vec::new();
    for id in streams.filter_map(|alternatives| alternatives.first()) {
        let mut described = offered.rids.iter().filter(|rid| rid.direction == RidDirection::Recv);
        if described.any(|rid| rid.id == id.rid) && !rids.contains(&id.rid) {
            rids.push(id.rid.clone());
        }
    }
    rids
}

/// The streams that `local` is to send and `remote` to receive.
pub(crate) fn simulcast_sent(local: &MediaSection, remote: &MediaSection) -> Vec<SimulcastId> {
    let sent = local.simulcast.iter().flat_map(|simulcast| &simulcast.send).flatten();
    let received =
        || remote.simulcast.iter().flat_map(|simulcast| &simulcast.recv).take(MAX_STREAMS).flatten();
    sent.filter_map(|own| received().find(|other| other.rid == own.rid)).cloned().collect()
}

impl Sender {
    /// The encoding, if it is the only one and has no id.
    pub(crate) fn ridless(&self) -> Option<&Encoding> {
        match self.encodings.as_slice() {
            [lone] if lone.rid().is_none() => Some(lone),
            _ => None,
        }
    }

    /// Keeps of several encodings those that were agreed on, or the first if none was; those that the other side wants to
    /// begin paused are not active until the application says so.
    pub(crate) fn settle(&mut self, agreed: &[SimulcastId]) {
        if self.encodings.len() < 2 {
            return;
        }
        if agreed.is_empty() {
            self.encodings.truncate(1);
            return;
        }
        self.encodings.retain(|own| agreed.iter().any(|id| own.rid() == Some(&id.rid)));
        for own in &mut self.encodings {
            own.parameters.active &= !agreed.iter().any(|id| id.paused && own.rid() == Some(&id.rid));
        }
    }

    /// What is sent, now that it is settled.
    pub(crate) fn agreed(&self, agreed: &[SimulcastId]) -> Vec<SendEncoding> {
        let encoding = |own: &Encoding| SendEncoding {
            rid: own.parameters.rid.clone(),
            named: agreed.iter().any(|id| own.rid() == Some(&id.rid)),
            active: own.parameters.active,
            ssrc: own.ssrc,
            rtx_ssrc: own.rtx_ssrc,
        };
        self.encodings.iter().map(encoding).collect()
    }
}

impl Negotiation {
    /// An offer that asks for simulcast gives a sender with one encoding as many as it asks for.
    pub(crate) fn propose_encodings(&mut self, index: usize, offered: &MediaSection) {
        let mut rids = wanted_rids(offered);
        rids.truncate(MAX_ENCODINGS);
        let own = self.at_m_line(index).filter(|own| own.kind == TrackKind::Video && !rids.is_empty());
        if let Some(id) = own.filter(|own| own.sender.ridless().is_some()).map(|own| own.id) {
            // The transceiver was found a moment ago.
            let _ = self.set_encodings(id, encoding::proposed(rids));
        }
    }
}
