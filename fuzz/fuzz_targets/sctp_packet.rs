//! Every chunk parser, and that what parses writes back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sendrecv_sctp::wire::{
    Causes, Chunks, CommonHeader, DataChunk, ForwardTsn, Init, OutgoingResetRequest, Parameters, Sack,
    Shutdown,
};

fuzz_target!(|bytes: &[u8]| {
    let Ok((_, body)) = CommonHeader::parse(bytes) else { return };
    for chunk in Chunks::new(body).flatten() {
        if let Ok(data) = DataChunk::parse(&chunk) {
            let mut out = Vec::new();
            if data.header.write(data.payload, &mut out).is_ok() {
                let again = Chunks::new(&out)
                    .next()
                    .and_then(Result::ok)
                    .and_then(|chunk| DataChunk::parse(&chunk).ok());
                assert_eq!(again, Some(data), "a data chunk survives the wire");
            }
        }
        let _ = Sack::parse(&chunk).map(|sack| (sack.gaps().count(), sack.duplicates().count()));
        let _ = ForwardTsn::parse(&chunk).map(|forward| forward.skipped().count());
        let _ = Shutdown::parse(&chunk);
        let _ = Init::parse(&chunk).map(|init| init.parameters.count());
        for parameter in Parameters::new(chunk.value).flatten() {
            let _ = OutgoingResetRequest::parse(parameter.value).map(|request| request.streams().count());
        }
        Causes::new(chunk.value).for_each(drop);
    }
});
