//! Sans-IO DTLS 1.2 and 1.3 for WebRTC.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
