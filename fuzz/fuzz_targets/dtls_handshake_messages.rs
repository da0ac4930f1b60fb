#![no_main]
//! Every other handshake message, and fragments.

use libfuzzer_sys::fuzz_target;
use sendrecv_core::Reader;
use sendrecv_dtls::Version::{Dtls12, Dtls13};
use sendrecv_dtls::wire::certificate_verify::DigitallySigned;
use sendrecv_dtls::wire::connection_id::{NewConnectionId, parse_request};
use sendrecv_dtls::wire::fragment::Fragment;
use sendrecv_dtls::wire::key_exchange::{ServerKeyExchange, client_point};
use sendrecv_dtls::wire::server_hello::ServerHello;
use sendrecv_dtls::wire::{certificate, certificate_request, hello_verify_request};

fuzz_target!(|data: &[u8]| {
    let mut reader = Reader::new(data);
    while let Ok(fragment) = Fragment::parse(&mut reader) {
        assert_eq!(fragment.header().len(), 12);
    }
    let _ = ServerHello::parse(data).map(|hello| hello.extensions.iter().count());
    for version in [Dtls12, Dtls13] {
        let _ = certificate::parse(version, data);
        let _ = certificate_request::parse(version, data).map(Iterator::count);
    }
    let _ = (DigitallySigned::parse(data), ServerKeyExchange::parse(data), client_point(data));
    let _ = (hello_verify_request::parse(data), parse_request(data));
    let _ = NewConnectionId::parse(data).map(|message| message.iter().count());
});
