//! What an association is told before it starts.

use crate::congestion::CongestionAlgorithm;
use core::time::Duration;

/// How the next stream to send from is chosen (RFC 8260, section 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheduling {
    /// Streams take turns, a message each, or a packet each when messages may interleave.
    #[default]
    RoundRobin,
    /// The stream with the highest priority first; equals take turns.
    Priority,
    /// Streams share the bytes in proportion to their priorities.
    WeightedFair,
}

/// Settings of an [`Association`](crate::Association). Plain data: change the fields that matter.
#[derive(Clone, Debug)]
pub struct Config {
    /// Our port, and the peer's.
    pub local_port: u16,
    /// The peer's port.
    pub remote_port: u16,
    /// How many streams we want to send on.
    pub outbound_streams: u16,
    /// How many streams the peer may send on.
    pub inbound_streams: u16,
    /// The longest SCTP packet in bytes that is known to pass, without the layers below; at least
    /// [`MIN_PACKET_SIZE`](crate::MIN_PACKET_SIZE).
    pub max_packet_size: usize,
    /// The longest packet in bytes that path MTU discovery tries (RFC 8899); equal to or below `max_packet_size`
    /// turns it off.
    pub max_probe_size: usize,
    /// The lower layer is DTLS (RFC 8261), which protects every packet: zero checksums are offered and accepted
    /// (RFC 9653).
    pub lower_layer_is_dtls: bool,
    /// Offer I-DATA, so that a long message does not block other streams (RFC 8260).
    pub interleaving: bool,
    /// Offer partial reliability (RFC 3758).
    pub partial_reliability: bool,
    /// Offer stream resets (RFC 6525).
    pub stream_reset: bool,
    /// The most bytes of received data held for the application and for reassembly. The window advertised to the peer
    /// starts lower and grows as the application keeps up. One message may be longer, up to `max_receive_message_size`: it
    /// is held beside.
    pub receive_buffer: usize,
    /// The most bytes, over all streams, that wait for their first transmission.
    pub send_buffer: usize,
    /// The longest message in bytes that is accepted from the peer.
    pub max_receive_message_size: usize,
    /// How the next stream to send from is chosen.
    pub scheduling: Scheduling,
    /// The congestion control.
    pub congestion: CongestionAlgorithm,
    /// The initial congestion window in packets.
    pub initial_window_packets: usize,
    /// The retransmission timeout before the first measurement (RFC 9260: 1 s).
    pub rto_initial: Duration,
    /// The shortest retransmission timeout. Tail loss probes make it matter little.
    pub rto_min: Duration,
    /// The longest retransmission timeout.
    pub rto_max: Duration,
    /// How long an acknowledgement may wait for a second packet (RFC 9260: at most 500 ms).
    pub delayed_ack: Duration,
    /// Consecutive unanswered retransmissions after which the association is given up; `None` for never, when a lower
    /// layer (ICE consent) decides that.
    pub max_retransmissions: Option<u32>,
    /// Unanswered INITs or COOKIE ECHOs after which connecting is given up; `None` for never.
    pub max_init_retransmissions: Option<u32>,
    /// How long a cookie of ours is good for.
    pub cookie_lifetime: Duration,
    /// The pause between heartbeats on an idle association; `None` sends none.
    pub heartbeat_interval: Option<Duration>,
}

impl Default for Config {
    /// SCTP on its own, as between two hosts that speak it over UDP.
    fn default() -> Self {
        Self {
            local_port: 5000,
            remote_port: 5000,
            outbound_streams: u16::MAX,
            inbound_streams: u16::MAX,
            max_packet_size: 1200,
            max_probe_size: 0,
            lower_layer_is_dtls: false,
            interleaving: true,
            partial_reliability: true,
            stream_reset: true,
            receive_buffer: 16 << 20,
            send_buffer: 16 << 20,
            max_receive_message_size: 1 << 20,
            scheduling: Scheduling::RoundRobin,
            congestion: CongestionAlgorithm::Cubic,
            initial_window_packets: 10,
            rto_initial: Duration::from_millis(1000),
            rto_min: Duration::from_millis(300),
            rto_max: Duration::from_secs(60),
            delayed_ack: Duration::from_millis(20),
            max_retransmissions: Some(10),
            max_init_retransmissions: Some(8),
            cookie_lifetime: Duration::from_secs(60),
            heartbeat_interval: Some(Duration::from_secs(30)),
        }
    }
}

impl Config {
    /// SCTP over DTLS for data channels (RFC 8831): zero checksums, weighted scheduling, timeouts of 3 s at most, as
    /// browsers have it, and no giving up before ICE does.
    pub fn webrtc() -> Self {
        Self {
            lower_layer_is_dtls: true,
            scheduling: Scheduling::WeightedFair,
            rto_initial: Duration::from_millis(500),
            rto_max: Duration::from_secs(3),
            max_retransmissions: None,
            max_init_retransmissions: None,
            ..Self::default()
        }
    }
}
