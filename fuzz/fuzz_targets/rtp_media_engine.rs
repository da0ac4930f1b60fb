//! A media engine between packets, time and polls of the fuzzer's choice.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use sendrecv_core::{Instant, Machine, PacketBuf, Seed};
use sendrecv_media::{
    CodecFeedback, CodecParameters, MediaConfig, MediaEngine, MediaKind, ReceiveParameters, SectionParameters,
    SendParameters,
};
use sendrecv_rtp::extension::ExtensionKind;
use std::time::Duration;

#[derive(Arbitrary, Debug)]
enum Input {
    Rtp(Vec<u8>),
    Rtcp(Vec<u8>),
    Wait(u16),
}

fuzz_target!(|inputs: Vec<Input>| {
    let mut now = Instant::ZERO;
    let mut engine = MediaEngine::new(MediaConfig::default(), &Seed::from_u64(1), now);
    let sender = engine.add_sender(now, MediaKind::Video);
    let feedback = CodecFeedback { nack: true, pli: true, fir: true, transport_cc: true, remb: false };
    let codec = CodecParameters { rtx_payload_type: Some(97), feedback, ..CodecParameters::new(96, "VP8", 90_000) };
    let extensions = [
        (3, ExtensionKind::TransportSequenceNumber),
        (4, ExtensionKind::Mid),
        (10, ExtensionKind::RtpStreamId),
        (11, ExtensionKind::RepairedRtpStreamId),
    ];
    let extensions = extensions.into_iter().collect();
    let section = SectionParameters {
        mid: "0".into(),
        kind: MediaKind::Video,
        extensions,
        receive: Some(ReceiveParameters {
            codecs: vec![codec.clone()],
            rids: vec!["q".into(), "h".into()],
            ..Default::default()
        }),
        send: Some(SendParameters { encodings: vec![sender.into()], codecs: vec![codec] }),
    };
    engine.set_section(now, section).expect("the sender exists");
    for input in inputs {
        match input {
            Input::Rtp(mut bytes) => {
                if let Ok(Some(inbound)) = engine.handle_rtp(now, &mut bytes) {
                    let _ = engine.forward(now, sender, &inbound);
                }
            }
            Input::Rtcp(bytes) => drop(engine.handle_rtcp(now, &bytes)),
            Input::Wait(millis) => now += Duration::from_millis(millis.into()),
        }
        engine.handle_timeout(now);
        while engine.poll_event().is_some() {}
        let mut slab = [0; 1200];
        while engine.poll_packet(now, &mut PacketBuf::new(&mut slab, 0, 0)).is_some() {}
        assert!(engine.poll_timeout().is_none_or(|deadline| deadline > now));
    }
});
