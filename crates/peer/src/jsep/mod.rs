//! Offer and answer: the JavaScript Session Establishment Protocol (RFC 9429) and what W3C webrtc-pc says about it, as
//! a pure state machine.
//!
//! [`Negotiation`] holds the signaling state, the descriptions and the transceivers. It makes offers and answers, and
//! takes descriptions in; each that is set yields [`Changes`]: plain values that say what the transports and the media
//! are to do. It knows no time, no sockets and no keys; what it must write about the transport is handed in as a
//! [`TransportDescription`].
//!
//! Everything travels over one transport: all sections are offered in one BUNDLE group, each with the same transport
//! attributes, and in an answer the sections outside the group of the first usable one are refused (the `max-bundle`
//! policy). RTP and RTCP are always multiplexed.
//!
//! ```
//! use sendrecv::jsep::{Negotiation, NegotiationConfig, OfferOptions, SignalingState, TrackKind, TransportDescription};
//! # fn main() -> Result<(), sendrecv::jsep::JsepError> {
//! # let seed = |number| sendrecv_core::Seed::from_u64(number);
//! # let transport = || TransportDescription {
//! #     ice_ufrag: "ufrag".into(), ice_pwd: "password-of-22-letters".into(),
//! #     fingerprints: vec!["sha-256 00:01".parse().unwrap()], ..Default::default() };
//! let mut caller = Negotiation::new(NegotiationConfig::default(), &seed(1));
//! let mut callee = Negotiation::new(NegotiationConfig::default(), &seed(2));
//! caller.add_track(TrackKind::Video, "camera", &["stream"])?;
//!
//! let offer = caller.create_offer(&OfferOptions::default(), &transport())?;
//! caller.set_local(&offer)?;
//! let changes = callee.set_remote(&offer)?;
//! assert_eq!(changes.tracks.events[0].streams, ["stream"]);
//!
//! let answer = callee.create_answer(&transport())?;
//! callee.set_local(&answer)?;
//! let changes = caller.set_remote(&answer)?;
//! assert_eq!(changes.negotiated.unwrap().media[0].send.codecs[0].codec.name, "VP8");
//! assert_eq!(caller.signaling_state(), SignalingState::Stable);
//! # Ok(())
//! # }
//! ```

mod answer;
mod applied;
mod apply;
mod candidates;
mod capabilities;
mod changes;
mod description;
mod edits;
mod error;
mod formats;
mod needed;
mod negotiation;
mod numbering;
mod offer;
mod outcome;
mod rollback;
pub(crate) mod sctp_init;
mod sections;
mod simulcast;
#[cfg(test)]
mod tests;
mod tracks;
mod transceiver;
mod verify;

pub use candidates::{CandidateInit, RemoteCandidate};
pub use capabilities::{
    ABS_SEND_TIME_URI, AUDIO_LEVEL_URI, COLOR_SPACE_URI, CSRC_AUDIO_LEVEL_URI, CodecCapability,
    DEPENDENCY_DESCRIPTOR_URI, MID_URI, MediaCapabilities, PLAYOUT_DELAY_URI, REPAIRED_RID_URI, RID_URI,
    TOFFSET_URI, TRANSPORT_CC_URI, VIDEO_CONTENT_TYPE_URI, VIDEO_ORIENTATION_URI, VIDEO_TIMING_URI,
};
pub use changes::{
    Changes, DtlsRole, IceRole, LocalTransport, MediaParameters, Negotiated, NegotiatedCodec,
    ReceiveParameters, RemoteSource, RemoteTransport, SctpParameters, SendEncoding, SendParameters,
    TrackChanges, TrackEvent,
};
pub use description::{SdpType, SessionDescription, SignalingState};
pub use edits::TransceiverInit;
pub use error::{Defect, JsepError};
pub use negotiation::{DataCapabilities, Negotiation, NegotiationConfig, OfferOptions, TransportDescription};
pub use transceiver::{Encoding, Receiver, Sender, TrackKind, Transceiver, TransceiverId};
