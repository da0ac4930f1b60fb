//! Taking an offer back (RFC 9429, section 5.7).

use super::negotiation::DataSection;
use super::{Changes, Encoding, Negotiation, SignalingState, TransceiverId};
use alloc::string::String;
use alloc::vec::Vec;

/// What a rollback goes back to: associations and remote streams as they were in the stable state.
#[derive(Clone, Debug)]
pub(crate) struct StableState {
    transceivers: Vec<StableTransceiver>,
    data: DataSection,
    ice_role: Option<super::IceRole>,
}

#[derive(Clone, Debug)]
struct StableTransceiver {
    id: TransceiverId,
    mid: Option<String>,
    m_line: Option<usize>,
    streams: Vec<String>,
    /// `[[LastStableRidlessSendEncodings]]`.
    ridless: Option<Encoding>,
}

impl Negotiation {
    /// Remembers the stable state, unless an exchange is going on already.
    pub(crate) fn remember_stable(&mut self) {
        if self.stable.is_some() {
            return;
        }
        let transceivers = self.transceivers.iter().map(|own| StableTransceiver {
            id: own.id,
            mid: own.mid.clone(),
            m_line: own.m_line,
            streams: own.receiver.streams.clone(),
            ridless: own.sender.ridless().cloned(),
        });
        self.stable = Some(StableState {
            transceivers: transceivers.collect(),
            data: self.data.clone(),
            ice_role: self.ice_role,
        });
    }

    /// Goes back to the stable state.
    pub(crate) fn roll_back(&mut self, changes: &mut Changes) {
        let Some(stable) = self.stable.take() else { return };
        let undoes_remote = self.state == SignalingState::HaveRemoteOffer;
        self.data = DataSection { wanted: self.data.wanted, ..stable.data };
        self.ice_role = stable.ice_role;
        for transceiver in &mut self.transceivers {
            let before = stable.transceivers.iter().find(|before| before.id == transceiver.id);
            transceiver.mid = before.and_then(|before| before.mid.clone());
            transceiver.m_line = before.and_then(|before| before.m_line);
            if transceiver.sender.ridless().is_none()
                && let Some(ridless) = before.and_then(|before| before.ridless.clone())
            {
                transceiver.sender.encodings = [ridless].into();
            }
            if undoes_remote {
                let direction = transceiver.current_direction.unwrap_or(sendrecv_sdp::Direction::Inactive);
                let streams = before.map(|before| before.streams.clone()).unwrap_or_default();
                transceiver.process_remote_track(direction, streams, &mut changes.tracks);
                transceiver.fired_direction = transceiver.current_direction;
            }
            let orphaned = transceiver.created_by_offer && before.is_none() && !transceiver.added_by_track;
            if orphaned {
                transceiver.stopping = true;
                transceiver.stopped = true;
                changes.stopped.push(transceiver.id);
                changes.removed.push(transceiver.id);
            }
        }
        self.transceivers.retain(|own| !changes.removed.contains(&own.id));
        self.pending_local = None;
        self.pending_remote = None;
        self.last_offer = None;
        self.last_answer = None;
        self.state = SignalingState::Stable;
    }
}
