#![no_main]
//! Record headers of both kinds.

use libfuzzer_sys::fuzz_target;
use sendrecv_core::Reader;
use sendrecv_dtls::Alert;
use sendrecv_dtls::wire::{ack, record::RecordHeader, unified::UnifiedHeader};

fuzz_target!(|data: &[u8]| {
    let _ = RecordHeader::parse(&mut Reader::new(data), data.len() % 21);
    let cid_len = data.len() % 21;
    if let Ok(Some(header)) = UnifiedHeader::parse(data, cid_len) {
        assert!(header.ciphertext.end <= data.len());
    }
    let _ = ack::parse(data).map(Iterator::count);
    if let Ok(alert) = Alert::parse(data) {
        assert_eq!(alert.encode()[1], data[1]);
    }
});
