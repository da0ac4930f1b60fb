//! Bulk transfer over simulated paths: how much of the link arrives, how soon, and what it does to the queue.
//!
//! Time is virtual, so the load on the machine does not matter. A bottleneck carries whole IPv4 packets: SCTP is counted with
//! 65 bytes of DTLS 1.2 (AES-GCM), UDP and IPv4 around each packet of at most 1,200 bytes, QUIC with 28 around each datagram
//! of at most 1,200. So of 100 % of a link 92.3 are left for an SCTP application at best, and 95.1 for QUIC's. A queue drops what does
//! not fit, random loss strikes behind the bottleneck, acknowledgements come back over a path without limit. One sender has
//! always more to send, in messages of 16 KiB; timers fire when they are due.
//!
//! `link_share` and `mean_queue` are over the second half of the time, `longest_queue` is over all of it; `ramp` is the time from being connected to the end of the first
//! round trip (20 ms at least) in which the bottleneck was 90 % busy. Words on the command line choose: `-- 1Gbit cubic`.

use sendrecv_benches::goodput::bottleneck::Link;
use sendrecv_benches::goodput::network::{End, Network};
use sendrecv_benches::goodput::ours::Ours;
use sendrecv_benches::goodput::{DcSctp, Quic, QuicControl, RtcSctp, SctpProto};
use sendrecv_benches::{Figure, Metric, Report, is_quick};
use sendrecv_core::Instant;
use sendrecv_sctp::Config;
use sendrecv_sctp::congestion::CongestionAlgorithm;
use std::time::Duration;

const MIB: usize = 1 << 20;
const MBIT: u64 = 1_000_000;

/// Somebody who takes part.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Cubic,
    Model,
    Reno,
    DcSctp,
    SctpProto,
    RtcSctp,
    QuicCubic,
    QuicBbr,
}

/// How large receive buffers are.
#[derive(Clone, Copy)]
enum Buffer {
    /// As each library has it: ours 16 MiB, dcsctp 5 MiB, the other two 1 MiB; QUIC's is never the limit.
    Default,
    /// The same for all.
    Of(usize),
}

impl Who {
    const ALL: [Self; 8] = [
        Self::Cubic,
        Self::Model,
        Self::Reno,
        Self::DcSctp,
        Self::SctpProto,
        Self::RtcSctp,
        Self::QuicCubic,
        Self::QuicBbr,
    ];
    /// Those whose cost per packet does not grow with what is in flight.
    const FAST: [Self; 5] = [Self::Cubic, Self::Model, Self::DcSctp, Self::QuicCubic, Self::QuicBbr];

    const fn name(self) -> &'static str {
        match self {
            Self::Cubic => "sendrecv-cubic",
            Self::Model => "sendrecv-model",
            Self::Reno => "sendrecv-reno",
            Self::DcSctp => "dcsctp",
            Self::SctpProto => "sctp-proto",
            Self::RtcSctp => "rtc-sctp",
            Self::QuicCubic => "limit-quinn-cubic",
            Self::QuicBbr => "limit-quinn-bbr",
        }
    }

    fn ends(self, buffer: Buffer, now: Instant) -> [Box<dyn End>; 2] {
        let or = |default| if let Buffer::Of(bytes) = buffer { bytes } else { default };
        let ours = |congestion| {
            let config = Config { congestion, receive_buffer: or(16 * MIB), ..Config::webrtc() };
            Ours::pair(&config, &config, 1, now)
        };
        match self {
            Self::Cubic => ours(CongestionAlgorithm::Cubic),
            Self::Model => ours(CongestionAlgorithm::ModelBased),
            Self::Reno => ours(CongestionAlgorithm::NewReno),
            Self::DcSctp => DcSctp::pair(or(5 * MIB)),
            Self::SctpProto => SctpProto::pair(or(MIB) as u32, now),
            Self::RtcSctp => RtcSctp::pair(or(MIB) as u32, now),
            Self::QuicCubic => Quic::pair(QuicControl::Cubic, now),
            Self::QuicBbr => Quic::pair(QuicControl::Bbr, now),
        }
    }
}

/// A path and how it is used.
struct Case {
    name: String,
    forward: Link,
    backward: Link,
    buffer: Buffer,
    time: Duration,
    metrics: &'static [Metric],
}

impl Case {
    fn new(name: String, link: Link, time: Duration, metrics: &'static [Metric]) -> Self {
        let backward = Link { bunches: link.bunches, ..Link::with_delay(link.delay) };
        Self { name, forward: link, backward, buffer: Buffer::Default, time, metrics }
    }

    fn network(&self, who: Who) -> Network {
        let mut network = Network::new(self.forward, self.backward, 1);
        network.add(who.ends(self.buffer, network.now), Duration::ZERO, Duration::ZERO);
        network
    }

    fn run(&self, report: &mut Report, who: &[Who]) {
        for &who in who.iter().filter(|who| is_wanted(&self.name, who.name())) {
            let mut network = self.network(who);
            let start = network.now;
            network.run(self.time / 2);
            let half = network.now;
            network.run(self.time / 2);
            let (flow, end) = (&network.flows[0], network.now);
            let (rate, round_trip) = (self.forward.rate.unwrap_or(1), self.forward.delay * 2);
            for &metric in self.metrics {
                let value = match metric {
                    Metric::Ramp => {
                        let reached = flow.reached(rate, 0.9, round_trip.max(Duration::from_millis(20)));
                        reached.map_or(f64::NAN, millis)
                    }
                    Metric::MeanQueue => millis(flow.waits(half, end).0),
                    Metric::LongestQueue => millis(flow.waits(start, end).1),
                    _ => flow.goodput(half, end) / rate as f64 * 100.0,
                };
                add(report, &self.name, who, metric, value);
            }
        }
    }
}

/// Whether the command line asks for this case by this implementation: every word there is part of one of the names.
fn is_wanted(case: &str, implementation: &str) -> bool {
    let mut words = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    words.all(|word| case.contains(&word) || implementation.contains(&word))
}

fn add(report: &mut Report, case: &str, who: Who, metric: Metric, value: f64) {
    report.add(Figure { case: case.to_owned(), implementation: who.name().to_owned(), metric, value });
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn main() {
    let mut report = Report::from_arguments("goodput");
    gigabit(&mut report);
    random_loss(&mut report);
    long_queues(&mut report);
    wireless(&mut report);
    steps(&mut report);
    shared(&mut report);
    report.finish();
}

/// 1 Gbit/s without random loss; the queue holds a round trip, 20 ms at least.
fn gigabit(report: &mut Report) {
    for round_trip in [2, 20, 50, 100, 300] {
        let link = Link::with_delay(ms(round_trip) / 2).with_rate(1000 * MBIT, ms(round_trip.max(20)));
        let time = ms((round_trip * 40).clamp(4000, 12_000));
        let metrics = &[Metric::LinkShare, Metric::Ramp];
        let mut case = Case::new(format!("1Gbit/{round_trip}ms"), link, time, metrics);
        case.run(report, if is_quick() { &Who::FAST } else { &Who::ALL });
        if round_trip >= 50 {
            case.name = format!("1Gbit/{round_trip}ms/128MiB");
            case.buffer = Buffer::Of(128 * MIB);
            case.run(report, &Who::FAST);
        }
    }
}

/// 100 Mbit/s at 50 ms with a queue of 50 ms, and packets lost at random.
fn random_loss(report: &mut Report) {
    for (name, per_million) in
        [("0.01%", 100), ("0.1%", 1000), ("1%", 10_000), ("2%", 20_000), ("5%", 50_000)]
    {
        let link = Link::with_delay(ms(25)).with_rate(100 * MBIT, ms(50)).with_loss(per_million);
        let time = if is_quick() { ms(10_000) } else { ms(30_000) };
        Case::new(format!("100Mbit/50ms/loss{name}"), link, time, &[Metric::LinkShare])
            .run(report, &Who::ALL);
    }
}

/// 10 Mbit/s at 50 ms with queues from shallow to bloated.
fn long_queues(report: &mut Report) {
    for queue in [10, 50, 1000] {
        let link = Link::with_delay(ms(25)).with_rate(10 * MBIT, ms(queue));
        let metrics = &[Metric::LinkShare, Metric::MeanQueue, Metric::LongestQueue, Metric::Ramp];
        Case::new(format!("10Mbit/50ms/queue{queue}ms"), link, ms(40_000), metrics).run(report, &Who::ALL);
    }
}

/// 100 Mbit/s at 20 ms whose packets arrive in bunches 3 ms apart, both ways, with pauses of 30 ms.
fn wireless(report: &mut Report) {
    let link = Link { bunches: ms(3), ..Link::with_delay(ms(10)).with_rate(100 * MBIT, ms(50)) };
    let metrics = &[Metric::LinkShare, Metric::MeanQueue, Metric::Ramp];
    Case::new("100Mbit/20ms/bunches".to_owned(), link, ms(15_000), metrics).run(report, &Who::ALL);
}

/// 50 ms, a queue of 100 ms; 20 s at 100 Mbit/s, 20 s at 20 Mbit/s, and 100 Mbit/s again.
fn steps(report: &mut Report) {
    let phase = ms(20_000);
    let link = Link::with_delay(ms(25)).with_rate(100 * MBIT, ms(100));
    let case = Case::new("step".to_owned(), link, phase, &[]);
    for who in Who::ALL.into_iter().filter(|who| is_wanted("step", who.name())) {
        let mut network = case.network(who);
        network.run(phase);
        for (name, megabits) in [("step/down", 20), ("step/up", 100)] {
            network.directions[0].link = link.with_rate(megabits * MBIT, ms(100));
            let from = network.now;
            network.run(phase);
            let share = network.flows[0].goodput(from, network.now) / (megabits * MBIT / 8) as f64 * 100.0;
            let (mean, _) = network.flows[0].waits(from, network.now);
            add(report, name, who, Metric::LinkShare, share);
            add(report, name, who, Metric::MeanQueue, millis(mean));
        }
    }
}

/// Each beside a CUBIC flow of Quinn's that began a second before, for a minute over 50 Mbit/s at 40 ms: what each got of the link.
fn shared(report: &mut Report) {
    for queue in [20, 40, 160] {
        for who in [Who::Cubic, Who::Model, Who::DcSctp, Who::SctpProto, Who::QuicBbr] {
            let case = format!("shared/queue{queue}ms/{}", who.name());
            if !is_wanted(&case, who.name()) {
                continue;
            }
            let link = Link::with_delay(ms(20)).with_rate(50 * MBIT, ms(queue));
            let mut network = Network::new(link, Link::with_delay(ms(20)), 1);
            for (who, after) in [(Who::QuicCubic, ms(0)), (who, ms(1000))] {
                let ends = who.ends(Buffer::Default, network.now);
                network.add(ends, Duration::ZERO, after);
            }
            network.run(ms(20_000));
            let from = network.now;
            network.run(ms(40_000));
            for (flow, who) in network.flows.iter().zip([Who::QuicCubic, who]) {
                let share = flow.carried(from, network.now) / (50 * MBIT / 8) as f64 * 100.0;
                add(report, &case, who, Metric::LinkShare, share);
            }
        }
    }
}
