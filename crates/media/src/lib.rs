//! RTP send and receive streams: routing, reports, NACK and retransmission, keyframe requests, transport-wide feedback.
//!
//! A [`MediaEngine`] owns all streams of one transport. It is told what was negotiated as plain values
//! ([`SectionParameters`]), is fed packets that SRTP authenticated, and is polled for packets that SRTP is to protect.
//!
//! - Received packets find their stream by SSRC, MID, RtpStreamId or payload type (RFC 9143, section 9.2) and come up as
//!   [`Inbound`], borrowed from the datagram, retransmissions already unwrapped (RFC 4588).
//! - Sent packets are [`Outgoing`] ones of our own, or received ones that are
//!   forwarded, [at once](MediaEngine::forward) or [kept](KeptPacket) for many; both are kept for a while and sent again
//!   when the peer misses them.
//! - Reports, NACKs, keyframe requests and transport-wide feedback share datagrams and one deadline.
//!
//! Work per RTP packet does not depend on the number of streams, and once buffers have grown nothing is allocated.
//!
//! ```
//! use sendrecv_core::{Instant, PacketBuf, Seed};
//! use sendrecv_media::*;
//!
//! let now = Instant::ZERO;
//! let mut engine = MediaEngine::new(MediaConfig::default(), &Seed::from_u64(1), now);
//! let sender = engine.add_sender(now, MediaKind::Audio);
//! let codecs = vec![CodecParameters { channels: 2, ..CodecParameters::new(111, "opus", 48_000) }];
//! engine.set_section(
//!     now,
//!     SectionParameters {
//!         mid: "0".into(),
//!         kind: MediaKind::Audio,
//!         extensions: Default::default(),
//!         receive: Some(ReceiveParameters { codecs: codecs.clone(), ..Default::default() }),
//!         send: Some(SendParameters { encodings: vec![sender.into()], codecs }),
//!     },
//! )?;
//!
//! let packet =
//!     Outgoing { payload_type: 111, marker: false, timestamp: 0, extensions: &[], payload: Payload::Pieces(&[b"an Opus packet"]) };
//! engine.write(now, sender, &packet)?;
//! let mut slab = [0; 1200];
//! let mut out = PacketBuf::new(&mut slab, 0, 0);
//! assert_eq!(engine.poll_packet(now, &mut out), Some(PacketKind::Rtp));
//!
//! // Whoever receives it may send it back under a name of its own.
//! let mut peer = MediaEngine::new(MediaConfig::default(), &Seed::from_u64(2), now);
//! # let codecs = vec![CodecParameters { channels: 2, ..CodecParameters::new(111, "opus", 48_000) }];
//! # let receive = Some(ReceiveParameters { codecs, ..Default::default() });
//! # let (mid, kind, extensions) = ("0".into(), MediaKind::Audio, Default::default());
//! peer.set_section(now, SectionParameters { mid, kind, extensions, receive, send: None })?;
//! let inbound = peer.handle_rtp(now, out.finish()).expect("a packet of its section").expect("media");
//! assert_eq!(inbound.packet.payload(), b"an Opus packet");
//! # Ok::<(), MediaError>(())
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod config;
mod congestion;
mod discard;
mod engine;
mod event;
mod inbound;
mod layers;
mod parameters;
mod receive;
mod sections;
mod send;
mod sources;
mod stats;
mod table;
mod twcc;

pub use config::MediaConfig;
pub use congestion::{BandwidthEstimator, CongestionControl, SentPacket};
pub use discard::{Discard, MediaError};
pub use engine::{MediaEngine, PacketKind};
pub use event::Event;
pub use inbound::{Inbound, KeptPacket};
pub use layers::LayerSelector;
pub use parameters::{
    CodecFeedback, CodecParameters, MediaKind, ReceiveParameters, SectionId, SectionParameters, SendEncoding,
    SendParameters, SenderId, SignalledSource,
};
pub use receive::ReceiveStream;
pub use send::{Outgoing, Payload, SendStream, ToneTiming};
pub use sources::RecentSource;
pub use stats::{InboundStats, MediaStats, OutboundStats, RemoteInboundStats, RemoteOutboundStats};
