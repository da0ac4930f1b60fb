//! RTP and RTCP wire formats, header extensions and payload formats.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
