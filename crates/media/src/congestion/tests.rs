//! The estimator as a whole, over paths of a few lines.

use super::*;
use alloc::vec::Vec;
use core::time::Duration;
use proptest::prelude::*;
use sendrecv_core::{Ecn, Instant};
use sendrecv_rtp::CompactNtp;
use sendrecv_rtp::rtcp::twcc::TwccBuilder;
use sendrecv_rtp::rtcp::{CcfbStatus, Compound, FeedbackSsrcs, RtcpPacket, TmmbEntry, write_ccfb};

const SSRC: u32 = 7;

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn packet(number: u16, len: usize) -> SentPacket {
    let transport_sequence = Some(number);
    SentPacket { transport_sequence, ssrc: SSRC, sequence_number: number, len, is_repair: false }
}

/// Feeds what an RTCP packet says to the estimator.
fn feed(estimator: &mut BandwidthEstimator, now: Instant, bytes: &[u8]) {
    for packet in Compound::parse(bytes).into_iter().flatten().flatten() {
        match packet {
            RtcpPacket::Twcc(feedback) => estimator.transport_feedback(now, &feedback),
            RtcpPacket::Ccfb(feedback) => estimator.congestion_feedback(now, &feedback),
            _ => {}
        }
    }
}

fn transport_feedback(base: u16, arrivals: &[Option<i64>]) -> Vec<u8> {
    let (mut builder, mut out) = (TwccBuilder::new(), Vec::new());
    builder.start(base, arrivals.iter().flatten().next().copied().unwrap_or(0));
    arrivals.iter().for_each(|arrival| assert!(builder.push(*arrival)));
    builder.write(&mut out, FeedbackSsrcs::default(), 0).unwrap();
    out
}

/// The same as feedback by RFC 8888, from arrivals in ticks of 250 µs, reported `now`.
fn feedback_by_stream(base: u16, now: Instant, arrivals: &[Option<i64>]) -> Vec<u8> {
    let micros = i64::try_from(now.as_micros()).unwrap();
    let status = |arrival: &Option<i64>| match arrival {
        None => CcfbStatus::Missing,
        Some(ticks) => {
            let offset = u16::try_from((micros - ticks * 250) * 1024 / 1_000_000).unwrap();
            CcfbStatus::Received { ecn: Ecn::NotEct, offset }
        }
    };
    let statuses: Vec<_> = arrivals.iter().map(status).collect();
    let mut out = Vec::new();
    let timestamp = CompactNtp::from_duration(now.saturating_since(Instant::ZERO));
    write_ccfb(&mut out, 1, &[(SSRC, base, &statuses)], timestamp).unwrap();
    out
}

/// Sends a packet of 1200 bytes each 5 ms (1.92 Mbit/s) for some seconds, with feedback each 50 ms; the n-th packet takes
/// `delay(n)` milliseconds, `None` for ever.
fn run(estimator: &mut BandwidthEstimator, by_stream: bool, count: u16, delay: impl Fn(u16) -> Option<u64>) {
    let mut arrivals: Vec<Option<i64>> = Vec::new();
    for number in 0..count {
        let now = at(u64::from(number) * 5);
        estimator.handle_timeout(now);
        let transport_sequence = (!by_stream).then_some(number);
        estimator.packet_sent(now, &SentPacket { transport_sequence, ..packet(number, 1200) });
        arrivals.push(delay(number).map(|delay| i64::try_from((u64::from(number) * 5 + delay) * 4).unwrap()));
        // What was sent 145 to 95 ms ago has arrived by now, and is reported on.
        if number % 10 == 9
            && let Some(base) = number.checked_sub(29)
        {
            let reported = &arrivals[usize::from(base)..][..10];
            let bytes = if by_stream {
                feedback_by_stream(base, now, reported)
            } else {
                transport_feedback(base, reported)
            };
            feed(estimator, now, &bytes);
        }
    }
}

fn estimator(start_bps: u64) -> BandwidthEstimator {
    let control = CongestionControl { start_bps, probing: false, ..CongestionControl::default() };
    BandwidthEstimator::new(control, Instant::ZERO)
}

#[test]
fn the_target_grows_while_the_delay_stays_as_it_is() {
    for by_stream in [false, true] {
        let mut estimator = estimator(1_000_000);
        run(&mut estimator, by_stream, 1000, |_| Some(20));
        assert!(estimator.target_bps() > 1_300_000, "{} {by_stream}", estimator.target_bps());
    }
}

#[test]
fn the_target_falls_below_what_arrives_when_the_delay_grows() {
    for by_stream in [false, true] {
        let mut estimator = estimator(3_000_000);
        // From the third second on each packet takes half a millisecond longer than the one before: 1.75 Mbit/s arrive.
        run(&mut estimator, by_stream, 700, |number| Some(20 + u64::from(number.saturating_sub(600)) / 2));
        let target = estimator.target_bps();
        assert!((1_200_000..1_700_000).contains(&target), "{target} {by_stream}");
        assert_eq!(estimator.target_bps(), estimator.media_bps());
    }
}

#[test]
fn the_round_trip_is_from_sending_to_hearing() {
    let mut estimator = estimator(1_000_000);
    run(&mut estimator, false, 1000, |_| Some(20));
    let rtt = estimator.round_trip_time();
    assert!((Duration::from_millis(95)..Duration::from_millis(145)).contains(&rtt), "{rtt:?}");
}

#[test]
fn without_feedback_less_is_sent_step_by_step_down_to_the_least() {
    let mut estimator = estimator(1_000_000);
    run(&mut estimator, false, 400, |_| Some(20));
    let mut before = estimator.target_bps();
    assert!(before > 1_000_000);
    let mut now = at(2000);
    for number in 400..4000 {
        now += Duration::from_millis(5);
        estimator.handle_timeout(now);
        estimator.packet_sent(now, &packet(number, 1200));
        assert!(estimator.target_bps() <= before);
        before = estimator.target_bps();
        if now == at(2500) {
            assert!(before > 1_000_000, "feedback may be late");
        }
    }
    assert_eq!(before, CongestionControl::default().min_bps);
    estimator.handle_timeout(now + Duration::from_secs(1));
    assert_eq!(estimator.poll_timeout(), None, "who sends nothing waits for nothing");
}

#[test]
fn limits_of_the_peer_are_kept_to() {
    let mut estimator = estimator(1_000_000);
    estimator.set_remb(700_000);
    assert_eq!(estimator.target_bps(), 700_000);
    estimator.set_tmmbr(&TmmbEntry { ssrc: SSRC, bitrate_bps: 500_000, overhead_bytes: 40 });
    assert_eq!(estimator.target_bps(), 500_000);
    estimator.set_tmmbr(&TmmbEntry { ssrc: SSRC, bitrate_bps: u64::MAX, overhead_bytes: 40 });
    estimator.set_remb(5_000_000);
    assert_eq!(estimator.target_bps(), 5_000_000, "without feedback on packets the peer's estimate counts");
    estimator.set_remb(0);
    assert_eq!(estimator.target_bps(), CongestionControl::default().min_bps);
}

#[test]
fn repairs_take_their_share_of_what_may_be_sent() {
    let mut estimator = estimator(1_000_000);
    for number in 0..2000 {
        let is_repair = number % 4 == 0;
        estimator.packet_sent(
            at(number),
            &SentPacket { is_repair, ..packet(u16::try_from(number).unwrap(), 1000) },
        );
    }
    let media = estimator.media_bps();
    assert!((700_000..800_000).contains(&media), "{media}");
}

#[derive(Clone, Debug)]
enum Step {
    Send(usize),
    Transport(u16, Vec<Option<i16>>),
    Stream(u16, u32, Vec<Option<u16>>),
    Remb(u64),
    Wait(u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0usize..3000).prop_map(Step::Send),
        2 => (0u16..300, prop::collection::vec(any::<Option<i16>>(), 1..40)).prop_map(|(n, s)| Step::Transport(n, s)),
        1 => (0u16..300, any::<u32>(), prop::collection::vec(any::<Option<u16>>(), 1..40)).prop_map(|(n, t, s)| Step::Stream(n, t, s)),
        1 => any::<u64>().prop_map(Step::Remb),
        2 => (0u32..2_000_000).prop_map(Step::Wait),
    ]
}

fn take(estimator: &mut BandwidthEstimator, now: Instant, number: &mut u16, step: Step) {
    match step {
        Step::Send(len) => {
            *number = number.wrapping_add(1);
            // Those with an odd length go without a transport-wide number.
            let transport_sequence = Some(*number).filter(|_| len % 2 == 0);
            estimator.packet_sent(now, &SentPacket { transport_sequence, ..packet(*number, len) });
        }
        Step::Transport(back, steps) => {
            let mut builder = TwccBuilder::new();
            let mut ticks = i64::from(*number) * 20;
            builder.start(number.wrapping_sub(back), ticks);
            for step in steps {
                ticks += i64::from(step.unwrap_or(0));
                builder.push(step.map(|_| ticks));
            }
            let mut bytes = Vec::new();
            builder.write(&mut bytes, FeedbackSsrcs::default(), 0).unwrap();
            feed(estimator, now, &bytes);
        }
        Step::Stream(back, timestamp, statuses) => {
            let status = |offset: Option<u16>| {
                offset.map_or(CcfbStatus::Missing, |offset| CcfbStatus::Received {
                    ecn: Ecn::Ce,
                    offset: offset & 0x1fff,
                })
            };
            let statuses: Vec<_> = statuses.into_iter().map(status).collect();
            let mut bytes = Vec::new();
            write_ccfb(&mut bytes, 1, &[(SSRC, number.wrapping_sub(back), &statuses)], CompactNtp(timestamp))
                .unwrap();
            feed(estimator, now, &bytes);
        }
        Step::Remb(bps) => estimator.set_remb(bps),
        Step::Wait(_) => estimator.handle_timeout(now),
    }
}

proptest! {
    #[test]
    fn whatever_feedback_says_the_target_keeps_to_its_range_and_deadlines_lie_ahead(
        steps in prop::collection::vec(step(), 1..200), number: u16, micros in 0u64..1 << 40,
    ) {
        let control = CongestionControl::default();
        let (mut now, mut number) = (Instant::from_micros(micros), number);
        let mut estimator = BandwidthEstimator::new(control, now);
        estimator.begin_probing(now);
        for step in steps {
            if let Step::Wait(micros) = step {
                now += Duration::from_micros(micros.into());
            }
            take(&mut estimator, now, &mut number, step);
            estimator.handle_timeout(now);
            let target = estimator.target_bps();
            prop_assert!((control.min_bps..=control.max_bps).contains(&target), "{}", target);
            prop_assert!(estimator.media_bps() <= target);
            prop_assert!(estimator.poll_timeout().is_none_or(|at| at > now));
            prop_assert!(estimator.is_open(now) || estimator.opens_at() > now);
        }
    }
}
