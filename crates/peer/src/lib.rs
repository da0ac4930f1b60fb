//! A WebRTC peer connection: the browser's `RTCPeerConnection` without the browser, sans-IO.
//!
//! [`PeerConnection`] composes the protocol machines of this workspace: ICE, DTLS, SRTP, SCTP, the media engine and the
//! offer/answer engine ([`jsep`]). Like them it opens no socket, reads no clock and draws no entropy: a host feeds it
//! datagrams and time, and polls it for datagrams, events and its next deadline. `sendrecv-tokio` and
//! `sendrecv-blocking` are two such hosts.
//!
//! ```
//! use sendrecv::{Configuration, DataChannelInit, Event, IceServer, OfferOptions, PeerConnection};
//! use sendrecv_core::{Instant, Seed};
//!
//! # fn main() -> Result<(), Box<dyn core::error::Error>> {
//! let now = Instant::ZERO; // the host's clock
//! let seed = Seed::new([7; 32]); // 32 bytes of the host's entropy
//! let configuration =
//!     Configuration { ice_servers: vec![IceServer::stun("stun:stun.example.org")], ..Configuration::default() };
//! let mut pc = PeerConnection::new(configuration, seed, now)?;
//! let chat = pc.create_data_channel(now, "chat", DataChannelInit::default())?;
//! let offer = pc.create_offer(OfferOptions::default())?;
//! pc.set_local_description(now, Some(offer))?;
//!
//! // The host's loop, after any call that takes `&mut`:
//! while let Some(event) = pc.poll_event() {
//!     match event {
//!         Event::IceCandidate(candidate) => { /* signal it */ }
//!         Event::DataChannelMessage { channel, message } if channel == chat => { /* … */ }
//!         _ => {}
//!     }
//! }
//! let mut buffer = vec![0; 65_536];
//! while let Some(datagrams) = pc.poll_transmit(now, &mut buffer) {
//!     // Send buffer[..datagrams.len] over datagrams.path, in pieces of datagrams.segment_size.
//! }
//! let deadline = pc.poll_timeout(); // then call handle_timeout
//! # Ok(())
//! # }
//! ```
//!
//! Names, states and the order of events are those of W3C webrtc-pc, in Rust's spelling; documentation names the
//! member it stands for.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod candidate;
mod configuration;
mod connection;
mod demux;
mod encoding;
mod error;
mod event;
mod ice_server;
pub mod jsep;
mod layer;
mod record;
mod rtc_error;
mod states;
pub mod stats;
mod transport;

pub use candidate::{IceCandidate, IceCandidateInit};
pub use configuration::{
    BundlePolicy, Certificate, Configuration, DtlsVersion, IceTransportPolicy, RtcpMuxPolicy, Settings,
};
pub use connection::{
    DataChannel, Datagrams, Inbound, MediaPacket, PeerConnection, ReceivedRtp, RtpSendParameters, RtpSource,
    SctpTransport,
};
pub use demux::{Demux, PacketKind};
pub use encoding::{EncodingError, RtpEncodingParameters};
pub use error::{Discard, ParametersError, UsageError};
pub use event::{Event, IceCandidateError, NameId, OpenStream, StreamId};
pub use ice_server::{IceServer, IceServerError};
pub use jsep::{
    OfferOptions, SdpType, SessionDescription, SignalingState, TrackEvent, TrackKind, Transceiver,
    TransceiverId, TransceiverInit,
};
pub use layer::Layer;
pub use record::{DecodeError, InputLog, ReplayError, ReplayReport, replay};
pub use rtc_error::{RtcError, RtcErrorDetail};
pub use sendrecv_core::Protocol;
pub use sendrecv_ice::{
    Candidate, CandidateKind, IceParameters, LocalSocket, Role as IceRole, SelectedPair, TcpType,
    Transport as SocketTransport, Unreachable,
};
pub use sendrecv_media::{
    CodecFeedback, CodecParameters, CongestionControl, KeptPacket, LayerSelector, Payload, ToneTiming,
};
pub use sendrecv_rtp::extension::{ExtensionKind, ExtensionMap};
pub use sendrecv_sctp::channel::{
    ChannelId as DataChannelId, ChannelState as DataChannelState, DataChannelInit, Message,
};
pub use sendrecv_sdp::{Codec, Direction};
pub use states::{
    DtlsTransportState, IceConnectionState, IceGatheringState, PeerConnectionState, SctpTransportState,
};
