//! Where the layers meet: their events become each other's inputs, and the host's events.

use super::PeerConnection;
use super::negotiate::candidate_value;
use crate::candidate::{IceCandidate, IceCandidateInit};
use crate::event::{Event, IceCandidateError};
use crate::rtc_error::RtcError;
use crate::states::{DtlsTransportState, IceGatheringState};
use alloc::string::ToString;
use sendrecv_core::{Instant, Machine};
use sendrecv_dtls::Role;
use sendrecv_sctp::channel::{ChannelEvent, DtlsRole};

impl PeerConnection {
    /// Drains the layers' events until none is left, lowest layer first; a layer's event may cause others above.
    pub(super) fn drive(&mut self, now: Instant) {
        while let Some(event) = self.transport.ice.poll_event() {
            self.on_ice(now, event);
        }
        if !self.closed {
            self.transport.follow_path(now);
        }
        self.tell_dtls_state();
        while let Some(event) = self.transport.poll_dtls_event() {
            self.on_dtls(now, event);
        }
        // Who waits for the connection hears of it before its channels open.
        self.update_states();
        self.start_sctp(now);
        self.drain_channels();
        while let Some(event) = self.media.poll_event() {
            self.on_media(event);
        }
        if self.jsep.take_negotiation_needed() && !self.closed {
            self.events.push_back(Event::NegotiationNeeded);
        }
    }

    fn on_ice(&mut self, now: Instant, event: sendrecv_ice::Event) {
        use sendrecv_ice::Event as Ice;
        if self.closed && !matches!(event, Ice::CloseStream(_)) {
            return;
        }
        match event {
            Ice::LocalCandidate(candidate) => self.on_candidate(&candidate),
            Ice::LocalCandidateRemoved(candidate) => {
                let value = candidate_value(&candidate.to_string());
                self.local_candidates.retain(|known| *known != value);
            }
            Ice::GatheringState(state) => self.on_gathering(state),
            Ice::SelectedPair(_) => {
                self.transport.path_changed();
                self.packet_sizes = None;
                self.update_packet_sizes(now);
                self.events.push_back(Event::SelectedCandidatePairChange);
            }
            Ice::Packet(packet) => self.transport.receive_riding(now, packet),
            Ice::ResolveName { id, name } => self.events.push_back(Event::ResolveName { id, name }),
            Ice::OpenStream(stream) => self.events.push_back(Event::OpenStream(stream)),
            Ice::CloseStream(path) => self.events.push_back(Event::CloseStream(path)),
            Ice::CandidateError(error) => {
                self.events.push_back(Event::IceCandidateError(IceCandidateError {
                    address: error.local,
                    url: error.url,
                    error_code: error.code,
                    error_text: error.text,
                }));
            }
            // Several may come at once, and nobody who waits for one of them is to miss it.
            Ice::ConnectionState(state) => self.set_ice_state(super::ice_connection_state(state)),
            Ice::RoleConflictResolved(_) => {}
        }
    }

    fn on_candidate(&mut self, candidate: &sendrecv_ice::Candidate) {
        let line = candidate.to_string();
        self.local_candidates.push(candidate_value(&line));
        let (mid, m_line) = self.transport_section.clone().unwrap_or_default();
        self.events.push_back(Event::IceCandidate(Some(IceCandidate {
            init: IceCandidateInit {
                candidate: line,
                sdp_mid: mid,
                sdp_m_line_index: u16::try_from(m_line).ok(),
                username_fragment: candidate.ufrag.clone(),
            },
            relay_protocol: candidate.relay_protocol,
            url: candidate.url.clone(),
        })));
    }

    fn on_gathering(&mut self, state: sendrecv_ice::GatheringState) {
        self.gathering_state = match state {
            sendrecv_ice::GatheringState::New => IceGatheringState::New,
            sendrecv_ice::GatheringState::Gathering => IceGatheringState::Gathering,
            sendrecv_ice::GatheringState::Complete => IceGatheringState::Complete,
        };
        self.events.push_back(Event::IceGatheringStateChange(self.gathering_state));
        if self.gathering_state == IceGatheringState::Complete {
            self.events.push_back(Event::IceCandidate(None));
        }
    }

    fn on_dtls(&mut self, now: Instant, event: sendrecv_dtls::Event) {
        match event {
            sendrecv_dtls::Event::Connected(_) => {
                self.tell_dtls_state();
                self.update_packet_sizes(now);
            }
            sendrecv_dtls::Event::Closed(reason) => self.on_dtls_closed(now, reason),
            sendrecv_dtls::Event::FingerprintNeeded => {}
        }
    }

    fn on_dtls_closed(&mut self, now: Instant, reason: sendrecv_dtls::CloseReason) {
        let error = RtcError::of_dtls(reason).filter(|_| !self.closed);
        self.events.extend(error.clone().map(Event::DtlsTransportError));
        self.tell_dtls_state();
        self.update_states();
        // Nothing can be sent or received any more: channels close as if the association had been aborted.
        if self.sctp_started {
            self.drain_channels();
            self.channels.abort(now);
            self.drain_failed_channels(error.as_ref());
        }
    }

    /// SCTP begins once DTLS can carry it and an application section was agreed on, whichever comes last. Where we are the
    /// server of DTLS 1.3 our INIT goes behind the flight, half a round trip before the client has answered that; nothing
    /// that follows can, for what answers it is not read before DTLS is connected.
    fn start_sctp(&mut self, now: Instant) {
        if self.sctp_runs || !self.sctp_wanted {
            return;
        }
        let Some(role) = self.transport.role else { return };
        self.sctp_runs = self.transport.state == DtlsTransportState::Connected;
        // With SNAP there is no INIT to send, and messages have to wait.
        let early = self.remote_init.is_none() && self.transport.can_send_data();
        if !self.sctp_started && (self.sctp_runs || early) {
            self.sctp_started = true;
            self.packet_sizes = None;
            self.update_packet_sizes(now);
            self.connect_sctp(now, channel_role(role));
        } else if self.sctp_runs {
            self.channels.lower_layer_is_ready(now);
        }
        while let Some(record) = self.transport.poll_early_data() {
            // As with any record: what a packet does not do is counted by the association.
            let _ = self.channels.handle_datagram(now, &record);
        }
    }

    /// What is left for SCTP of a datagram, once the layers below have taken theirs: of one that passes everywhere, and of
    /// the largest to try. When that changes, as with another pair or once a relay has bound a channel, path MTU discovery
    /// starts over.
    pub(super) fn update_packet_sizes(&mut self, now: Instant) {
        let settings = &self.configuration.settings;
        let base = settings.initial_packet_size.saturating_sub(self.transport.data_overhead());
        let largest = self.transport.max_data_packet(settings.max_ip_packet_size);
        if self.packet_sizes.replace((base, largest)) != Some((base, largest)) {
            self.channels.set_packet_sizes(now, base, largest);
        }
    }

    /// Turns what happened on channels into the host's events.
    pub(super) fn drain_channels(&mut self) {
        self.drain_failed_channels(None);
    }

    /// The same; `failure` is what closes those that close.
    fn drain_failed_channels(&mut self, failure: Option<&RtcError>) {
        self.tell_sctp_state();
        while let Some(event) = self.channels.poll_event() {
            let event = match event {
                ChannelEvent::Incoming { channel, .. } => Event::DataChannel(channel),
                ChannelEvent::Opened(id) => {
                    self.channels_opened = self.channels_opened.saturating_add(1);
                    Event::DataChannelOpen(id)
                }
                ChannelEvent::Message { channel, data } => {
                    Event::DataChannelMessage { channel, message: data }
                }
                ChannelEvent::BufferedAmountLow(id) => Event::DataChannelBufferedAmountLow(id),
                ChannelEvent::Closing(id) => Event::DataChannelClosing(id),
                ChannelEvent::Failed { channel, failure } => {
                    Event::DataChannelError { channel, error: RtcError::of_channel(&failure) }
                }
                ChannelEvent::Closed(id) => {
                    self.channels_closed = self.channels_closed.saturating_add(1);
                    let error = failure.cloned();
                    self.events.extend(error.map(|error| Event::DataChannelError { channel: id, error }));
                    Event::DataChannelClose(id)
                }
                ChannelEvent::AssociationConnected | ChannelEvent::AssociationClosed(_) => continue,
            };
            self.events.push_back(event);
        }
    }

    fn on_media(&mut self, event: sendrecv_media::Event) {
        match event {
            sendrecv_media::Event::KeyframeRequested { sender, .. } => {
                if let Some((transceiver, rid)) = self.sections.of_sender(sender) {
                    self.events.push_back(Event::KeyframeRequested { transceiver, rid });
                }
            }
            sendrecv_media::Event::TargetBitrate { bps } => self.events.push_back(Event::TargetBitrate(bps)),
            sendrecv_media::Event::BitrateEstimated { bps } => {
                self.events.push_back(Event::BitrateEstimated(bps));
            }
            sendrecv_media::Event::SsrcChanged { sender, ssrc, rtx_ssrc } => {
                if let Some((transceiver, rid)) = self.sections.of_sender(sender) {
                    self.jsep.set_sender_ssrcs(transceiver, rid.as_deref(), ssrc, rtx_ssrc);
                }
            }
            sendrecv_media::Event::ToneChanged { sender, tone } => {
                if let Some((transceiver, _)) = self.sections.of_sender(sender) {
                    self.events.push_back(Event::ToneChange { transceiver, tone });
                }
            }
            sendrecv_media::Event::StreamStarted { .. }
            | sendrecv_media::Event::StreamIdentified { .. }
            | sendrecv_media::Event::StreamEnded { .. } => {}
        }
    }
}

const fn channel_role(role: Role) -> DtlsRole {
    match role {
        Role::Client => DtlsRole::Client,
        Role::Server => DtlsRole::Server,
    }
}
