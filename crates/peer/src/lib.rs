//! A sans-IO WebRTC peer connection.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
