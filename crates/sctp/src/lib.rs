//! Sans-IO SCTP (RFC 9260) and WebRTC data channels (RFC 8831, RFC 8832).
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
