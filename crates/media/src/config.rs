//! What a media engine is told when it is made.

use crate::congestion::CongestionControl;
use alloc::string::String;
use core::time::Duration;

/// Settings of a [`MediaEngine`](crate::MediaEngine).
#[derive(Clone, Debug)]
pub struct MediaConfig {
    /// The canonical name in source descriptions: one per peer connection, the same for all its streams (RFC 8834,
    /// section 4.9). At most 255 bytes are sent.
    pub cname: String,
    /// Wall-clock time at [`Instant::ZERO`](sendrecv_core::Instant::ZERO), as time since the Unix epoch; goes into
    /// sender reports.
    pub wall_clock_at_zero: Duration,
    /// Most streams that are received at once; packets of further ones are discarded until one falls silent.
    pub max_receive_streams: usize,
    /// How long a received stream may be silent before its state is forgotten.
    pub receive_stream_timeout: Duration,
    /// Packets a video stream keeps for retransmission; rounded up to a power of two.
    pub video_cache_packets: usize,
    /// Packets an audio stream keeps, which also bounds how many may wait to be sent; rounded up to a power of two.
    pub audio_cache_packets: usize,
    /// Longest payload of one packet in bytes.
    pub max_payload_len: usize,
    /// Most retransmitted bits per second and stream.
    pub max_retransmit_bps: u64,
    /// Whether feedback may go without a report in front (RFC 5506, `a=rtcp-rsize`).
    pub reduced_size: bool,
    /// The mean time between reports.
    pub report_interval: Duration,
    /// How long transport-wide feedback collects arrivals.
    pub feedback_interval: Duration,
    /// Whether to ask for a keyframe when packets of a video stream are given up.
    pub request_keyframes: bool,
    /// Whether to ask for round-trip times by receiver reference time (RFC 3611, `a=rtcp-fb:* rrtr`).
    pub reference_time: bool,
    /// Congestion control, off unless asked for: the engine estimates the bandwidth, tells it by
    /// [`Event::TargetBitrate`](crate::Event::TargetBitrate), probes for more, and paces video. `None`: packets go as they come.
    pub congestion_control: Option<CongestionControl>,
}

impl Default for MediaConfig {
    fn default() -> Self {
        Self {
            cname: String::new(),
            wall_clock_at_zero: Duration::ZERO,
            max_receive_streams: 1024,
            receive_stream_timeout: Duration::from_secs(60),
            video_cache_packets: 1024,
            audio_cache_packets: 128,
            max_payload_len: 1460,
            max_retransmit_bps: 4_000_000,
            reduced_size: true,
            report_interval: Duration::from_secs(1),
            feedback_interval: Duration::from_millis(50),
            request_keyframes: true,
            reference_time: false,
            congestion_control: None,
        }
    }
}
