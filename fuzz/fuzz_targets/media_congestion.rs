//! A bandwidth estimator between packets that it sends, feedback and time of the fuzzer's choice.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use sendrecv_core::Instant;
use sendrecv_media::{BandwidthEstimator, CongestionControl, SentPacket};
use sendrecv_rtp::rtcp::{Compound, RtcpPacket};
use std::time::Duration;

#[derive(Arbitrary, Debug)]
enum Input {
    Send { len: u16, transport: bool, is_repair: bool },
    Feedback(Vec<u8>),
    Wait(u32),
}

fuzz_target!(|input: (u16, u64, Vec<Input>)| {
    let (mut number, start, inputs) = input;
    let control = CongestionControl::default();
    let mut now = Instant::from_nanos(start >> 1);
    let mut estimator = BandwidthEstimator::new(control, now);
    estimator.begin_probing(now);
    for input in inputs {
        match input {
            Input::Send { len, transport, is_repair } => {
                number = number.wrapping_add(1);
                let transport_sequence = transport.then_some(number);
                let packet =
                    SentPacket { transport_sequence, ssrc: 1, sequence_number: number, len: len.into(), is_repair };
                estimator.packet_sent(now, &packet);
            }
            Input::Feedback(bytes) => {
                for packet in Compound::parse(&bytes).into_iter().flatten().flatten() {
                    match packet {
                        RtcpPacket::Twcc(feedback) => estimator.transport_feedback(now, &feedback),
                        RtcpPacket::Ccfb(feedback) => estimator.congestion_feedback(now, &feedback),
                        RtcpPacket::Remb(remb) => estimator.set_remb(remb.bitrate_bps),
                        RtcpPacket::Tmmbr(request) => {
                            request.entries().for_each(|entry| estimator.set_tmmbr(&entry));
                        }
                        _ => {}
                    }
                }
            }
            Input::Wait(micros) => now += Duration::from_micros(micros.into()),
        }
        estimator.handle_timeout(now);
        let target = estimator.target_bps();
        assert!((control.min_bps..=control.max_bps).contains(&target));
        assert!(estimator.media_bps() <= target);
        assert!(estimator.poll_timeout().is_none_or(|at| at > now || now == Instant::MAX));
    }
});
