//! RTP send and receive streams: NACK, RTX, reports, feedback.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
