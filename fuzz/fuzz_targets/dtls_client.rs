#![no_main]
//! A whole client, with the fuzzer between it and an honest peer.

mod dtls_common;

use libfuzzer_sys::fuzz_target;
use sendrecv_dtls::Role;

fuzz_target!(|data: &[u8]| dtls_common::run(Role::Client, data));
