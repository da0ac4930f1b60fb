//! The transports below a connection, as `RTCSctpTransport`, `RTCDtlsTransport` and `RTCIceTransport` show them.

use super::PeerConnection;
use crate::event::Event;
use crate::states::{DtlsTransportState, SctpTransportState};
use sendrecv_ice::{Candidate, IceParameters, Role, SelectedPair};
use sendrecv_sctp::State;

/// `RTCSctpTransport`: the association that carries the data channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SctpTransport {
    /// `state`.
    pub state: SctpTransportState,
    /// `maxMessageSize`: the longest message that the other side takes, bytes.
    pub max_message_size: usize,
    /// `maxChannels`: how many channels there can be at a time; `None` before the association is connected.
    pub max_channels: Option<u16>,
    /// The longest SCTP packet that is sent now, bytes: what path MTU discovery has found so far, without the headers of
    /// the layers below.
    pub max_packet_size: usize,
}

impl PeerConnection {
    /// `sctp`: `None` unless an application section was agreed on.
    pub fn sctp(&self) -> Option<SctpTransport> {
        let state = self.sctp_state()?;
        let association = self.channels.association();
        let established = association.state() == State::Established;
        Some(SctpTransport {
            state,
            max_message_size: self.channels.remote_max_message_size(),
            max_channels: established.then(|| association.outbound_streams()),
            max_packet_size: association.stats().max_packet_size,
        })
    }

    fn sctp_state(&self) -> Option<SctpTransportState> {
        let association = self.channels.association();
        let state = match association.state() {
            _ if self.closed => SctpTransportState::Closed,
            State::Established => SctpTransportState::Connected,
            _ if association.close_reason().is_some() => SctpTransportState::Closed,
            _ => SctpTransportState::Connecting,
        };
        self.sctp_wanted.then_some(state)
    }

    /// Tells the DTLS transport's state when it is another. A new transport begins as `new`, which is no change.
    pub(super) fn tell_dtls_state(&mut self) {
        let state = self.transport.state;
        let changed = core::mem::replace(&mut self.dtls_told, state) != state;
        if changed && state != DtlsTransportState::New && !self.closed {
            self.events.push_back(Event::DtlsTransportStateChange(state));
        }
    }

    /// Tells the SCTP transport's state when it is another. A new transport begins as `connecting`, which is no change;
    /// one whose section is refused closes.
    pub(super) fn tell_sctp_state(&mut self) {
        let state = self.sctp_state();
        let before = core::mem::replace(&mut self.sctp_told, state);
        let told = state.unwrap_or(SctpTransportState::Closed);
        let unchanged = match before {
            Some(before) => before == told,
            None => state.is_none() || told == SctpTransportState::Connecting,
        };
        if !unchanged && !self.closed {
            self.events.push_back(Event::SctpTransportStateChange(told));
        }
    }

    /// `RTCDtlsTransport.getRemoteCertificates`: the other side's certificate, DER; `None` before DTLS is connected.
    pub fn remote_certificate(&self) -> Option<&[u8]> {
        self.transport.connected.as_ref().map(|connected| connected.peer_certificate.as_slice())
    }

    /// `RTCIceTransport.role`.
    pub const fn ice_role(&self) -> Role {
        self.transport.ice.role()
    }

    /// `RTCIceTransport.getLocalCandidates`.
    pub fn local_candidates(&self) -> impl Iterator<Item = &Candidate> {
        self.transport.ice.local_candidates()
    }

    /// `RTCIceTransport.getRemoteCandidates`, those learnt from checks included.
    pub fn remote_candidates(&self) -> impl Iterator<Item = &Candidate> {
        self.transport.ice.remote_candidates()
    }

    /// `RTCIceTransport.getSelectedCandidatePair`.
    pub fn selected_candidate_pair(&self) -> Option<SelectedPair> {
        self.transport.ice.pair_in_use()
    }

    /// `RTCIceTransport.getLocalParameters`.
    pub const fn local_ice_parameters(&self) -> &IceParameters {
        self.transport.ice.local_parameters()
    }

    /// `RTCIceTransport.getRemoteParameters`.
    pub fn remote_ice_parameters(&self) -> Option<&IceParameters> {
        self.transport.ice.remote_parameters()
    }
}
