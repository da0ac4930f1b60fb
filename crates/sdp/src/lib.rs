//! Typed WebRTC session descriptions: parse and write, nothing negotiated.
//!
//! [`SessionDescription::parse`] reads the text that browsers and other endpoints exchange into plain data: a
//! [`MediaSection`] per m-line, a type per family of attributes, and everything else kept in order as [`Attribute`]s.
//! `to_string` writes it back. What is written parses back to an equal value.
//!
//! Reading is lenient where browsers are: lines end in LF or CRLF, `o=`, `s=` and `t=` may be missing, attributes may
//! stand at session level, extension maps may have directions, and attributes that are unknown, or malformed without
//! consequence, are kept verbatim. It is strict where guessing would hurt, which is whatever decides who is talked to
//! and how packets are read: m-lines, MIDs, groups, ICE credentials, fingerprints, DTLS roles, SCTP ports and header
//! extension numbers. An error names the line and what is wrong with it ([`ParseError`]). Work and memory are bounded
//! by [`MAX_BYTES`], [`MAX_LINES`] and [`MAX_MEDIA_SECTIONS`].
//!
//! ```
//! use sendrecv_sdp::{Direction, SessionDescription};
//!
//! let text = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
//!     m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=recvonly\r\na=rtpmap:111 opus/48000/2\r\n";
//! let description = SessionDescription::parse(text)?;
//! let audio = &description.media[0];
//! assert_eq!(description.direction_of(0), Direction::RecvOnly);
//! assert!(audio.codecs()[0].is("opus"));
//! assert_eq!(SessionDescription::parse(&description.to_string())?, description);
//! # Ok::<(), sendrecv_sdp::ParseError>(())
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod attribute;
mod codec;
mod direction;
mod dtls;
mod error;
mod extmap;
mod feedback;
mod formats;
mod group;
mod media;
mod origin;
mod parameters;
mod scan;
mod session;
mod shared;
mod simulcast;
mod ssrc;
mod write;

pub use attribute::Attribute;
pub use codec::{Codec, Fmtp, RtpMap};
pub use direction::Direction;
pub use dtls::{Fingerprint, Setup};
pub use error::{ErrorKind, ParseError};
pub use extmap::ExtMap;
pub use feedback::{FeedbackLine, RtcpFeedback};
pub use formats::Formats;
pub use group::Group;
pub use media::{MediaKind, MediaSection, RtcpAddress};
pub use origin::{Address, AddressType, Bandwidth, Origin, Timing};
pub use parameters::Parameters;
pub use session::SessionDescription;
pub use shared::SharedAttributes;
pub use simulcast::{Rid, RidDirection, Simulcast, SimulcastId, SimulcastStreams};
pub use ssrc::{Msid, SsrcAttribute, SsrcGroup};

/// Longest description that is read, bytes.
pub const MAX_BYTES: usize = 1 << 20;
/// Most lines that are read, empty ones counted.
pub const MAX_LINES: usize = 1 << 15;
/// Most media sections that are read.
pub const MAX_MEDIA_SECTIONS: usize = 1 << 10;

#[cfg(test)]
mod tests;
