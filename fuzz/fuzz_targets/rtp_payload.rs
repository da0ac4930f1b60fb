//! Any bytes as the payload of every format.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sendrecv_rtp::payload::{PayloadFormat, opus, vp8, vp9};

fuzz_target!(|bytes: &[u8]| {
    for name in ["opus", "VP8", "VP9", "H264", "AV1"] {
        let format = PayloadFormat::from_encoding_name(name).expect("a known name");
        std::hint::black_box(format.starts_keyframe(bytes));
    }
    std::hint::black_box((opus::duration(bytes), vp8::Vp8Descriptor::parse(bytes).is_ok()));
    std::hint::black_box(vp9::Vp9Descriptor::parse(bytes).is_ok());
});
