//! SRTP and SRTCP: protect, unprotect, replay windows, key derivation.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
