//! The transports below a connection, as `RTCSctpTransport`, `RTCDtlsTransport` and `RTCIceTransport` show them.

use super::PeerConnection;
use crate::states::SctpTransportState;
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
}

impl PeerConnection {
    /// `sctp`: `None` unless an application section was agreed on.
    pub fn sctp(&self) -> Option<SctpTransport> {
        if !self.sctp_wanted {
            return None;
        }
        let association = self.channels.association();
        let established = association.state() == State::Established;
        let state = match association.state() {
            _ if self.closed => SctpTransportState::Closed,
            State::Established => SctpTransportState::Connected,
            _ if association.close_reason().is_some() => SctpTransportState::Closed,
            _ => SctpTransportState::Connecting,
        };
        Some(SctpTransport {
            state,
            max_message_size: self.channels.remote_max_message_size(),
            max_channels: established.then(|| association.outbound_streams()),
        })
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
