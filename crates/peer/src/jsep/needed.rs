//! Whether negotiation is needed (W3C webrtc-pc, section 4.7.3).

use super::applied::Applied;
use super::{Negotiation, SdpType, SignalingState, Transceiver};
use sendrecv_sdp::{Direction, MediaSection};

impl Negotiation {
    /// Brings the flag up to date; the event is due when it is set anew.
    pub(crate) fn update_negotiation_needed(&mut self) {
        if self.state != SignalingState::Stable {
            return;
        }
        let needed = self.is_negotiation_needed();
        if needed && !self.negotiation_needed {
            self.negotiation_needed_event = true;
        }
        self.negotiation_needed_event &= needed;
        self.negotiation_needed = needed;
    }

    /// Whether something is wanted that was not negotiated.
    pub fn is_negotiation_needed(&self) -> bool {
        if self.credentials_to_replace.is_some() || self.data.wanted && self.data.m_line.is_none() {
            return true;
        }
        self.transceivers.iter().any(|transceiver| self.needs_negotiation(transceiver))
    }

    fn needs_negotiation(&self, transceiver: &Transceiver) -> bool {
        let (Some(local), Some(m_line)) = (&self.current_local, transceiver.m_line) else {
            return !transceiver.stopped;
        };
        let Some(media) = local.parsed().media.get(m_line).filter(|media| media.mid == transceiver.mid)
        else {
            return !transceiver.stopped;
        };
        if transceiver.stopping {
            return !transceiver.stopped || !self.is_recyclable(m_line);
        }
        transceiver.direction.sends() && !same_streams(transceiver, media)
            || !self.has_wanted_direction(transceiver, local, m_line)
    }

    fn has_wanted_direction(&self, transceiver: &Transceiver, local: &Applied, m_line: usize) -> bool {
        let wanted = transceiver.direction;
        let described = local.parsed().direction_of(m_line);
        let remote =
            self.current_remote.as_ref().map(|remote| remote.parsed().direction_of(m_line).reversed());
        if local.kind == SdpType::Offer {
            described == wanted || remote == Some(wanted)
        } else {
            described == remote.map_or(wanted, |offered: Direction| offered.intersect(wanted))
        }
    }
}

/// Whether the section names exactly the sender's streams.
fn same_streams(transceiver: &Transceiver, media: &MediaSection) -> bool {
    let described = || media.msids.iter().filter_map(sendrecv_sdp::Msid::stream_id);
    let wanted = &transceiver.sender.streams;
    described().count() == wanted.len() && described().all(|stream| wanted.iter().any(|own| own == stream))
}
