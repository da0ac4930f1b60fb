//! Counters in the shape of the W3C's RTP stream statistics; `Option`s are members that are absent until measured.

use core::time::Duration;
use sendrecv_core::{Discards, Instant};
use sendrecv_rtp::NtpTime;

/// `inbound-rtp`: a stream we receive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InboundStats {
    /// `packetsReceived`: packets of the stream, with repaired ones, without duplicates.
    pub packets_received: u64,
    /// `bytesReceived`: their payloads, without padding.
    pub bytes_received: u64,
    /// `headerBytesReceived`: their headers and padding.
    pub header_bytes_received: u64,
    /// `packetsLost`: negative with duplicates.
    pub packets_lost: i64,
    /// `jitter`: RFC 3550, appendix A.8.
    pub jitter: Duration,
    /// `lastPacketReceivedTimestamp`.
    pub last_packet_received: Option<Instant>,
    /// `retransmittedPacketsReceived`.
    pub retransmitted_packets_received: u64,
    /// `retransmittedBytesReceived`.
    pub retransmitted_bytes_received: u64,
    /// `packetsDiscarded`: duplicates and packets too old to place.
    pub packets_discarded: u64,
    /// `framesReceived`: packets with the marker bit (video).
    pub frames_received: u64,
    /// Keyframes among them; becomes `keyFramesDecoded` when they are decoded.
    pub key_frames_received: u64,
    /// `nackCount`: NACK packets sent.
    pub nack_count: u64,
    /// `pliCount`: picture loss indications sent.
    pub pli_count: u64,
    /// `firCount`: full intra requests sent.
    pub fir_count: u64,
    /// The payload type of the last packet.
    pub payload_type: u8,
}

/// `outbound-rtp`: a stream we send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboundStats {
    /// `packetsSent`, with retransmissions.
    pub packets_sent: u64,
    /// `bytesSent`: payloads, with retransmissions.
    pub bytes_sent: u64,
    /// `headerBytesSent`.
    pub header_bytes_sent: u64,
    /// `retransmittedPacketsSent`.
    pub retransmitted_packets_sent: u64,
    /// `retransmittedBytesSent`.
    pub retransmitted_bytes_sent: u64,
    /// `framesSent`: packets with the marker bit (video).
    pub frames_sent: u64,
    /// `nackCount`: NACK packets received.
    pub nack_count: u64,
    /// `pliCount`: picture loss indications received.
    pub pli_count: u64,
    /// `firCount`: full intra requests received.
    pub fir_count: u64,
    /// Packets that were asked for and not sent again: too old, or too many.
    pub retransmissions_refused: u64,
    /// Packets that were too long for the datagram they were to go into.
    pub packets_too_long: u64,
}

/// `remote-inbound-rtp`: what the peer says about a stream we send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RemoteInboundStats {
    /// `packetsLost`.
    pub packets_lost: i32,
    /// `fractionLost` in 1/256.
    pub fraction_lost: u8,
    /// `jitter` in timestamp units.
    pub jitter: u32,
    /// `roundTripTime`.
    pub round_trip_time: Option<Duration>,
    /// `totalRoundTripTime`.
    pub total_round_trip_time: Duration,
    /// `roundTripTimeMeasurements`.
    pub round_trip_time_measurements: u64,
    /// Reports received about the stream.
    pub reports: u64,
    /// When the last one came.
    pub last_report: Option<Instant>,
}

/// `remote-outbound-rtp`: what the peer says about a stream we receive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RemoteOutboundStats {
    /// `packetsSent`.
    pub packets_sent: u32,
    /// `bytesSent`.
    pub bytes_sent: u32,
    /// `remoteTimestamp`.
    pub remote_timestamp: NtpTime,
    /// The same moment in the stream's timestamps.
    pub rtp_timestamp: u32,
    /// `reportsSent`.
    pub reports_sent: u64,
}

/// Counters of the whole engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MediaStats {
    /// Packets without effect, by reason.
    pub discards: Discards<{ crate::Discard::COUNT }>,
    /// Packets that held padding only.
    pub probes_received: u64,
    /// RTCP datagrams received.
    pub rtcp_received: u64,
    /// RTCP datagrams sent.
    pub rtcp_sent: u64,
    /// Transport-wide feedback received.
    pub transport_feedback_received: u64,
    /// Transport-wide feedback sent.
    pub transport_feedback_sent: u64,
    /// The last measured round-trip time.
    pub round_trip_time: Option<Duration>,
    /// How often the caller's time ran backwards.
    pub time_ran_backwards: u64,
}
