//! RTP send and receive streams: routing, reports, NACK and retransmission, keyframe requests, transport-wide feedback.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod config;
mod discard;
mod engine;
mod event;
mod inbound;
mod parameters;
mod receive;
mod sections;
mod send;
mod stats;
mod table;
mod twcc;

pub use config::MediaConfig;
pub use discard::{Discard, MediaError};
pub use engine::{MediaEngine, PacketKind};
pub use event::Event;
pub use inbound::Inbound;
pub use parameters::{
    CodecFeedback, CodecParameters, MediaKind, ReceiveParameters, SectionId, SectionParameters,
    SendParameters, SenderId, SignalledSource,
};
pub use receive::ReceiveStream;
pub use send::{Outgoing, SendStream};
pub use stats::{InboundStats, MediaStats, OutboundStats, RemoteInboundStats, RemoteOutboundStats};
