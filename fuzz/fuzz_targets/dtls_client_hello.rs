#![no_main]
//! ClientHello with everything in it.

use libfuzzer_sys::fuzz_target;
use sendrecv_dtls::wire::client_hello::ClientHello;
use sendrecv_dtls::wire::extension::{self, UseSrtp};
use sendrecv_dtls::wire::key_share::KeyShares;

fuzz_target!(|data: &[u8]| {
    let Ok(hello) = ClientHello::parse(data) else { return };
    let _ = hello.suites().count();
    for (_, content) in hello.extensions.iter() {
        let _ = KeyShares::parse(content).map(|shares| shares.iter().count());
        let _ = UseSrtp::parse(content).map(|srtp| srtp.profiles().count());
        let _ = extension::supported_versions(content).map(Iterator::count);
        let _ = extension::code_points(content).map(Iterator::count);
        let _ = (extension::cookie(content), extension::opaque8(content));
    }
});
