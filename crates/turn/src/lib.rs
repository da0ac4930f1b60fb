//! A sans-IO TURN client (RFC 8656) over UDP, TCP and TLS.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
