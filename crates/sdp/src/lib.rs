//! Typed WebRTC session descriptions: parse and write.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
