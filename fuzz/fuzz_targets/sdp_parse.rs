#![no_main]
//! Whatever text comes in, parsing ends, and what it yields is written back without loss.

use libfuzzer_sys::fuzz_target;
use sendrecv_sdp::SessionDescription;

fuzz_target!(|text: &str| {
    let Ok(session) = SessionDescription::parse(text) else { return };
    let written = session.to_string();
    assert_eq!(SessionDescription::parse(&written).as_ref(), Ok(&session));
    session.media.iter().for_each(|media| drop(media.codecs()));
});
