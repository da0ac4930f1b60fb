//! Statistics as the W3C's dictionaries (webrtc-stats), with the browser's own names when serialised.

mod collect;

pub(crate) use collect::protocol_name;

use alloc::collections::BTreeMap;
use alloc::string::String;
use serde::Serialize;

/// `RTCStatsReport`: dictionaries by their ids.
pub type StatsReport = BTreeMap<String, Stats>;

/// One dictionary. Serialised, its `type` member says which.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Stats {
    /// `peer-connection`.
    PeerConnection(PeerConnectionStats),
    /// `transport`.
    Transport(TransportStats),
    /// `candidate-pair`.
    CandidatePair(CandidatePairStats),
    /// `local-candidate`.
    LocalCandidate(CandidateStats),
    /// `remote-candidate`.
    RemoteCandidate(CandidateStats),
    /// `certificate`.
    Certificate(CertificateStats),
    /// `codec`.
    Codec(CodecStats),
    /// `inbound-rtp`.
    InboundRtp(InboundRtpStats),
    /// `outbound-rtp`.
    OutboundRtp(OutboundRtpStats),
    /// `remote-inbound-rtp`.
    RemoteInboundRtp(RemoteInboundRtpStats),
    /// `remote-outbound-rtp`.
    RemoteOutboundRtp(RemoteOutboundRtpStats),
    /// `data-channel`.
    DataChannel(DataChannelStats),
}

/// Members every dictionary has.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Header {
    /// `id`: unique in the report, the same from report to report.
    pub id: String,
    /// `timestamp`: milliseconds since 1970.
    pub timestamp: f64,
}

macro_rules! dictionaries {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Serialize)]
            #[serde(rename_all = "camelCase")]
            pub struct $name {
                /// `id` and `timestamp`.
                #[serde(flatten)]
                pub header: Header,
                $($(#[$field_doc])* #[serde(skip_serializing_if = "absent")] pub $field: $type,)*
            }
        )*
    };
}

/// Whether a member is absent: `None`.
fn absent<T: MaybeAbsent>(member: &T) -> bool {
    member.is_absent()
}

trait MaybeAbsent {
    fn is_absent(&self) -> bool {
        false
    }
}

impl<T> MaybeAbsent for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

macro_rules! always_present {
    ($($type:ty),*) => { $(impl MaybeAbsent for $type {})* };
}

always_present!(bool, u8, u16, u32, u64, i32, i64, f64, String, &'static str);

dictionaries! {
    /// `RTCPeerConnectionStats`.
    PeerConnectionStats {
        /// Channels that were open at some time.
        data_channels_opened: u32,
        /// Channels that are not open any more.
        data_channels_closed: u32,
    }

    /// `RTCTransportStats`.
    TransportStats {
        /// Packets sent, STUN excluded.
        packets_sent: u64,
        /// Packets received, STUN excluded.
        packets_received: u64,
        /// Payload bytes sent.
        bytes_sent: u64,
        /// Payload bytes received.
        bytes_received: u64,
        /// `controlling` or `controlled`.
        ice_role: &'static str,
        /// Our present username fragment.
        ice_local_username_fragment: String,
        /// `RTCDtlsTransportState`.
        dtls_state: &'static str,
        /// `RTCIceTransportState`.
        ice_state: &'static str,
        /// The pair that carries the data.
        selected_candidate_pair_id: Option<String>,
        /// Our certificate.
        local_certificate_id: Option<String>,
        /// The other side's certificate.
        remote_certificate_id: Option<String>,
        /// Four hexadecimal digits: FEFD is DTLS 1.2, FEFC 1.3.
        tls_version: Option<String>,
        /// The cipher suite's IANA name.
        dtls_cipher: Option<&'static str>,
        /// The key exchange group's IANA name (not in the W3C's dictionary).
        tls_group: Option<&'static str>,
        /// `client`, `server` or `unknown`.
        dtls_role: &'static str,
        /// The SRTP profile's IANA name.
        srtp_cipher: Option<&'static str>,
        /// How often another pair was selected.
        selected_candidate_pair_changes: u64,
    }

    /// `RTCIceCandidatePairStats`.
    CandidatePairStats {
        /// The transport.
        transport_id: String,
        /// The local end.
        local_candidate_id: String,
        /// The remote end.
        remote_candidate_id: String,
        /// `frozen`, `waiting`, `in-progress`, `failed` or `succeeded`.
        state: &'static str,
        /// Whether it was nominated.
        nominated: bool,
        /// Data packets sent.
        packets_sent: u64,
        /// Data packets received.
        packets_received: u64,
        /// Data bytes sent.
        bytes_sent: u64,
        /// Data bytes received.
        bytes_received: u64,
        /// Milliseconds since 1970.
        last_packet_sent_timestamp: Option<f64>,
        /// Milliseconds since 1970.
        last_packet_received_timestamp: Option<f64>,
        /// Seconds, summed over all answered checks.
        total_round_trip_time: f64,
        /// Seconds, of the last answered check.
        current_round_trip_time: Option<f64>,
        /// Bits per second, of the pair in use, where congestion control estimates them.
        available_outgoing_bitrate: Option<f64>,
        /// Checks received.
        requests_received: u64,
        /// Checks sent.
        requests_sent: u64,
        /// Answers received.
        responses_received: u64,
        /// Answers sent.
        responses_sent: u64,
        /// Consent checks sent.
        consent_requests_sent: u64,
    }

    /// `RTCIceCandidateStats`.
    CandidateStats {
        /// The transport.
        transport_id: String,
        /// The IP address; absent for names not resolved.
        address: Option<String>,
        /// The port.
        port: u16,
        /// `udp` or `tcp`.
        protocol: &'static str,
        /// `host`, `srflx`, `prflx` or `relay`.
        candidate_type: &'static str,
        /// Its priority.
        priority: u32,
        /// The server that gave it.
        url: Option<String>,
        /// `udp`, `tcp` or `tls`, to the relay.
        relay_protocol: Option<&'static str>,
        /// Its foundation.
        foundation: String,
        /// The related address.
        related_address: Option<String>,
        /// The related port.
        related_port: Option<u16>,
        /// Its generation's username fragment.
        username_fragment: Option<String>,
        /// `active`, `passive` or `so`.
        tcp_type: Option<&'static str>,
    }

    /// `RTCCertificateStats`.
    CertificateStats {
        /// The fingerprint's bytes, in hexadecimal with colons.
        fingerprint: String,
        /// The fingerprint's hash.
        fingerprint_algorithm: &'static str,
        /// The DER in base64.
        base64_certificate: String,
    }

    /// `RTCCodecStats`.
    CodecStats {
        /// The payload type.
        payload_type: u8,
        /// The transport.
        transport_id: String,
        /// E.g. `video/VP8`.
        mime_type: String,
        /// Hz.
        clock_rate: u32,
        /// Audio channels.
        channels: Option<u8>,
        /// The format parameters.
        sdp_fmtp_line: Option<String>,
    }

    /// `RTCInboundRtpStreamStats`.
    InboundRtpStats {
        /// The stream.
        ssrc: u32,
        /// `audio` or `video`.
        kind: &'static str,
        /// The transport.
        transport_id: String,
        /// The codec of the last packet.
        codec_id: Option<String>,
        /// The section's MID.
        mid: Option<String>,
        /// Which of several encodings it is.
        rid: Option<String>,
        /// The track's id.
        track_identifier: Option<String>,
        /// The other side's report on this stream.
        remote_id: Option<String>,
        /// Packets received.
        packets_received: u64,
        /// Packets lost; negative with duplicates.
        packets_lost: i64,
        /// Seconds.
        jitter: f64,
        /// Payload bytes received.
        bytes_received: u64,
        /// Header and padding bytes received.
        header_bytes_received: u64,
        /// Duplicates, and packets too old to place.
        packets_discarded: u64,
        /// Retransmissions received.
        retransmitted_packets_received: u64,
        /// Their bytes.
        retransmitted_bytes_received: u64,
        /// Milliseconds since 1970.
        last_packet_received_timestamp: Option<f64>,
        /// Frames whose last packet was received (video).
        frames_received: Option<u64>,
        /// NACKs sent.
        nack_count: u64,
        /// PLIs sent.
        pli_count: Option<u64>,
        /// FIRs sent.
        fir_count: Option<u64>,
    }

    /// `RTCOutboundRtpStreamStats`.
    OutboundRtpStats {
        /// The stream.
        ssrc: u32,
        /// `audio` or `video`.
        kind: &'static str,
        /// The transport.
        transport_id: String,
        /// The section's MID.
        mid: Option<String>,
        /// Which of several encodings it is.
        rid: Option<String>,
        /// The stream of its retransmissions.
        rtx_ssrc: Option<u32>,
        /// The other side's report on this stream.
        remote_id: Option<String>,
        /// Packets sent.
        packets_sent: u64,
        /// Payload bytes sent.
        bytes_sent: u64,
        /// Header bytes sent.
        header_bytes_sent: u64,
        /// Retransmissions sent.
        retransmitted_packets_sent: u64,
        /// Their bytes.
        retransmitted_bytes_sent: u64,
        /// Frames whose last packet was sent (video).
        frames_sent: Option<u64>,
        /// NACKs received.
        nack_count: u64,
        /// PLIs received.
        pli_count: Option<u64>,
        /// FIRs received.
        fir_count: Option<u64>,
    }

    /// `RTCRemoteInboundRtpStreamStats`.
    RemoteInboundRtpStats {
        /// The stream.
        ssrc: u32,
        /// `audio` or `video`.
        kind: &'static str,
        /// The transport.
        transport_id: String,
        /// The `outbound-rtp` it reports on.
        local_id: String,
        /// Packets lost.
        packets_lost: i64,
        /// Seconds.
        jitter: f64,
        /// Share of packets lost since the report before, 0 to 1.
        fraction_lost: f64,
        /// Seconds.
        round_trip_time: Option<f64>,
        /// Seconds, summed.
        total_round_trip_time: f64,
        /// How many were summed.
        round_trip_time_measurements: u64,
    }

    /// `RTCRemoteOutboundRtpStreamStats`.
    RemoteOutboundRtpStats {
        /// The stream.
        ssrc: u32,
        /// `audio` or `video`.
        kind: &'static str,
        /// The transport.
        transport_id: String,
        /// The `inbound-rtp` it reports on.
        local_id: String,
        /// Packets sent.
        packets_sent: u64,
        /// Payload bytes sent.
        bytes_sent: u64,
        /// Sender reports received.
        reports_sent: u64,
    }

    /// `RTCDataChannelStats`.
    DataChannelStats {
        /// The label.
        label: String,
        /// The subprotocol.
        protocol: String,
        /// The stream's number.
        data_channel_identifier: Option<u16>,
        /// `RTCDataChannelState`.
        state: &'static str,
        /// Messages handed over.
        messages_sent: u64,
        /// Their bytes.
        bytes_sent: u64,
        /// Messages delivered.
        messages_received: u64,
        /// Their bytes.
        bytes_received: u64,
    }
}
