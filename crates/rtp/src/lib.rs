//! RTP and RTCP wire formats, header extensions and payload formats.
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
