//! Media packets through whole stacks, in memory, in simulated time.
//!
//! `pair`: one peer sends, the other receives; the CPU time is that of both. `sfu-1-to-n`: a server receives packets
//! from one peer and sends each to n others, over a connection each; the CPU time is the server's alone, feedback of the
//! receivers included, and what is counted are packets sent.

use bytes::Bytes;
use sendrecv_benches::alloc::{Counting, counted};
use sendrecv_benches::stack::{
    AwsLc, Carries, Ours, Pair, Peer, RtcRing, RtcRingWithInterceptors, RustCrypto, Str0mAwsLc, Wire, settle,
};
use sendrecv_benches::{Contender, Figure, Metric, Report, compare, is_quick, uncounted};
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const ROUNDS: usize = 5;
/// Packets that are sent before the other side is looked at.
const BATCH: u64 = 32;
/// Simulated time from one batch to the next: 38 Mbit/s.
const INTERVAL: Duration = Duration::from_millis(8);

fn main() {
    let mut report = Report::from_arguments("rtp");
    pairs(&mut report);
    for receivers in [10, 100] {
        sfus(&mut report, receivers);
    }
    allocations(&mut report);
    report.finish();
}

fn pairs(report: &mut Report) {
    let contenders = vec![
        Flow::<Ours<RustCrypto>>::contender("sendrecv-rustcrypto"),
        Flow::<Ours<AwsLc>>::contender("sendrecv-aws-lc-rs"),
        Flow::<Str0mAwsLc>::contender("str0m-aws-lc-rs"),
        Flow::<RtcRingWithInterceptors>::contender("rtc-ring"),
        Flow::<RtcRing>::contender("rtc-ring-bare"),
    ];
    compare(report, "pair/1200B", Metric::Packets, 1.0, ROUNDS, contenders);
}

fn sfus(report: &mut Report, receivers: usize) {
    let contenders = vec![
        Sfu::<Ours<RustCrypto>>::contender("sendrecv-rustcrypto", receivers),
        Sfu::<Ours<AwsLc>>::contender("sendrecv-aws-lc-rs", receivers),
        Sfu::<Str0mAwsLc>::contender("str0m-aws-lc-rs", receivers),
        Sfu::<RtcRingWithInterceptors>::contender("rtc-ring", receivers),
        Sfu::<RtcRing>::contender("rtc-ring-bare", receivers),
    ];
    compare(report, &format!("sfu-1-to-{receivers}/1200B"), Metric::Packets, 1.0, ROUNDS, contenders);
}

/// Allocations per packet, of both ends of a pair.
fn allocations(report: &mut Report) {
    fn of<P: Peer>(report: &mut Report, name: &str) {
        let mut flow = Flow::<P>::new();
        for _ in 0..if is_quick() { 10 } else { 1_000 } {
            flow.run();
        }
        let (packets, heap) = counted(|| (0..100).map(|_| flow.run()).sum::<u64>());
        let value = heap.allocations as f64 / packets as f64;
        let (case, implementation) = ("allocations/1200B".to_owned(), name.to_owned());
        report.add(Figure { case, implementation, metric: Metric::Allocations, value });
    }
    of::<Ours<RustCrypto>>(report, "sendrecv-rustcrypto");
    of::<Ours<AwsLc>>(report, "sendrecv-aws-lc-rs");
    of::<Str0mAwsLc>(report, "str0m-aws-lc-rs");
    of::<RtcRingWithInterceptors>(report, "rtc-ring");
    of::<RtcRing>(report, "rtc-ring-bare");
}

/// A VP8 payload (RFC 7741): a packet in the middle of a frame.
fn payload() -> Bytes {
    Bytes::from(vec![0; 1200])
}

/// Packets from the offerer to the answerer.
struct Flow<P> {
    pair: Pair<P>,
    payload: Bytes,
}

impl<P: Peer> Flow<P> {
    fn new() -> Self {
        Self { pair: Pair::connected(Carries::Video), payload: payload() }
    }

    fn contender<'a>(name: &str) -> Contender<'a>
    where
        P: 'a,
    {
        let mut flow = Self::new();
        Contender::new(name, move || flow.run())
    }

    /// Sends a batch, and says how much of it arrived.
    fn run(&mut self) -> u64 {
        let before = self.pair.peers[1].received();
        for _ in 0..BATCH {
            self.pair.peers[0].send_packet(self.pair.now, &self.payload);
        }
        self.pair.step(INTERVAL);
        self.pair.peers[1].received() - before
    }
}

/// A server between one sender and many receivers.
struct Sfu<P> {
    now: Duration,
    publisher: P,
    ingress: P,
    egress: Vec<P>,
    receivers: Vec<P>,
    payload: Bytes,
    /// What the publisher sends, and what it gets.
    up: Wire,
    down: Wire,
    /// What goes to a receiver, and by receiver what comes back.
    out: Wire,
    back: Vec<Wire>,
}

impl<P: Peer> Sfu<P> {
    fn contender<'a>(name: &str, receivers: usize) -> Contender<'a>
    where
        P: 'a,
    {
        let mut sfu = Self::new(receivers);
        Contender::new(name, move || sfu.run())
    }

    fn new(receivers: usize) -> Self {
        let pair = Pair::connected(Carries::Video);
        let mut now = pair.now;
        let [publisher, ingress] = pair.peers;
        let (mut egress, mut ends) = (Vec::new(), Vec::new());
        for _ in 0..receivers {
            let pair = Pair::connected(Carries::Video);
            now = now.max(pair.now);
            let [server, receiver] = pair.peers;
            egress.push(server);
            ends.push(receiver);
        }
        let back = ends.iter().map(|_| Wire::default()).collect();
        let (up, down, out) = (Wire::default(), Wire::default(), Wire::default());
        Self { now, publisher, ingress, egress, receivers: ends, payload: payload(), up, down, out, back }
    }

    /// Sends a batch through the server, and says how many packets that sent.
    fn run(&mut self) -> u64 {
        self.now += INTERVAL;
        let now = self.now;
        uncounted(|| {
            self.publisher.receive(now, &mut self.down, &mut self.up);
            (0..BATCH).for_each(|_| self.publisher.send_packet(now, &self.payload));
            settle(&mut self.publisher, now, &mut self.up);
        });
        let before = self.ingress.received();
        self.ingress.relay(now, &mut self.up, &mut self.down, &mut self.egress);
        settle(&mut self.ingress, now, &mut self.down);
        for ((server, receiver), back) in self.egress.iter_mut().zip(&mut self.receivers).zip(&mut self.back) {
            server.receive(now, back, &mut self.out);
            settle(server, now, &mut self.out);
            uncounted(|| {
                receiver.receive(now, &mut self.out, back);
                settle(receiver, now, back);
            });
        }
        (self.ingress.received() - before) * self.egress.len() as u64
    }
}
