//! Several encodings of one track (RFC 8853), told apart by their RTP stream ids (RFC 8851).

use super::RID_URI;
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
