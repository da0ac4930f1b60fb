//! STUN and TURN message codec, integrity and client transactions (RFC 8489).
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
