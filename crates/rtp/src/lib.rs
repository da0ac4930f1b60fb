//! RTP and RTCP wire formats, header extensions and payload formats.
//!
//! Received packets are views that borrow the datagram; packets are written straight into a
//! [`PacketBuf`](sendrecv_core::PacketBuf) or any other [`Writer`](sendrecv_core::Writer). Nothing allocates per packet,
//! and no length a peer claims is believed.
//!
//! - [`RtpPacket`] and [`RtpHeader`]: RFC 3550, section 5; [`extension`]: RFC 8285 and the extensions browsers use.
//! - [`write_forwarded`]: a received packet written again with another identity.
//! - [`rtcp`]: compound and reduced-size RTCP, reports, feedback, transport-wide and RFC 8888 congestion feedback.
//! - [`payload`]: how frames of each codec travel in packets.
//!
//! ```
//! use sendrecv_core::Writer;
//! use sendrecv_rtp::extension::{ExtensionBlock, sdes_text};
//! use sendrecv_rtp::{RtpHeader, RtpPacket};
//!
//! let header =
//!     RtpHeader { payload_type: 111, sequence_number: 7, timestamp: 960, ssrc: 0x1234, marker: false };
//! let mut extensions = ExtensionBlock::new();
//! extensions.push(4, b"audio")?;
//! let mut datagram = Vec::new();
//! header.write(std::iter::empty(), &extensions, &mut datagram)?;
//! datagram.put(b"an Opus packet")?;
//!
//! let packet = RtpPacket::parse(&datagram)?;
//! assert_eq!(packet.header(), header);
//! assert_eq!(packet.extensions().get(4).and_then(sdes_text), Some("audio"));
//! assert_eq!(packet.payload(), b"an Opus packet");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod extension;
mod ntp;
mod packet;
pub mod payload;
pub mod rtcp;
mod write;

pub use ntp::{CompactNtp, NtpTime};
pub use packet::{ParseError, RtpHeader, RtpPacket, is_rtcp};
pub use write::write_forwarded;
