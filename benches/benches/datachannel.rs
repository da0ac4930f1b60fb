//! Data channels through whole stacks: two peers in one thread, in memory, in simulated time.
//!
//! `<message>/<buffered>`: one side keeps `buffered` bytes of messages of one length underway, that is, handed over and
//! not yet handed out by the other side; rates are of both peers' CPU time together. `limit-<provider>` seals, carries,
//! opens and copies the same bytes and does nothing else. Then what it costs to set a pair up, what an idle peer keeps on
//! the heap, and what a message allocates.
//!
//! `-- <text>` measures only the throughput of cases whose names contain the text.

use bytes::Bytes;
use sendrecv_benches::alloc::{Counting, counted};
use sendrecv_benches::stack::{
    AwsLc, Carries, CipherAndCopies, Ours, Pair, Peer, RtcRing, RustCrypto, Str0mAwsLc,
};
use sendrecv_benches::{Contender, Figure, Metric, Report, compare, compare_as, is_quick};
use sendrecv_crypto::{AeadAlgorithm, CryptoProvider, aws_lc_rs, rustcrypto};
use std::hint::black_box;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const MESSAGES: [(&str, usize); 4] = [("100B", 100), ("1KiB", KIB), ("16KiB", 16 * KIB), ("64KiB", 64 * KIB)];
const ROUNDS: usize = 5;
/// From one peer to the other. Only timers notice.
const DELAY: Duration = Duration::from_micros(100);

fn main() {
    let mut report = Report::from_arguments("datachannel");
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    if wanted.is_none() {
        limits(&mut report);
    }
    for (message, len) in MESSAGES {
        for (buffer, buffered) in [("128KiB", 128 * KIB), ("1MiB", MIB), ("16MiB", 16 * MIB)] {
            let case = format!("{message}/{buffer}");
            if wanted.as_ref().is_none_or(|wanted| case.contains(wanted)) {
                throughput(&mut report, &case, len, buffered);
            }
        }
    }
    if wanted.is_none() {
        setups(&mut report);
        each(&mut report, FirstMessage);
        each(&mut report, IdleHeap);
        each(&mut report, Allocations);
    }
    report.finish();
}

fn throughput(report: &mut Report, case: &str, len: usize, buffered: usize) {
    let mut contenders = vec![
        Flow::<Ours<RustCrypto>>::contender("sendrecv-rustcrypto", len, buffered),
        Flow::<Ours<AwsLc>>::contender("sendrecv-aws-lc-rs", len, buffered),
    ];
    if buffered <= MIB {
        contenders.push(Flow::<Str0mAwsLc>::contender("str0m-aws-lc-rs", len, buffered));
        contenders.push(Flow::<RtcRing>::contender("rtc-ring", len, buffered));
    }
    let limit = |provider: &'static dyn CryptoProvider| {
        let mut limit = CipherAndCopies::new(provider, len);
        Contender::new(&format!("limit-{}", provider.name()), move || limit.run(buffered / len))
    };
    contenders.extend([limit(rustcrypto()), limit(aws_lc_rs())]);
    let metrics = [(Metric::Throughput, 1e6 / len as f64), (Metric::Messages, 1.0)];
    compare_as(report, case, &metrics, ROUNDS, contenders);
}

/// Messages from the offerer to the answerer.
struct Flow<P> {
    pair: Pair<P>,
    message: Bytes,
    /// How many messages may be underway.
    underway: u64,
    sent: u64,
}

impl<P: Peer> Flow<P> {
    fn new(len: usize, buffered: usize) -> Self {
        let message = Bytes::from((0..len).map(|index| index as u8).collect::<Vec<_>>());
        let underway = (buffered / len) as u64;
        Self { pair: Pair::connected(Carries::Data), message, underway, sent: 0 }
    }

    fn contender<'a>(name: &str, len: usize, buffered: usize) -> Contender<'a>
    where
        P: 'a,
    {
        let mut flow = Self::new(len, buffered);
        flow.run(2 * flow.underway);
        // A portion is a millisecond or so of work.
        let portion = (256 * KIB / len) as u64;
        Contender::new(name, move || flow.run(portion))
    }

    /// Transfers `count` messages at least, and says how many it were.
    fn run(&mut self, count: u64) -> u64 {
        let before = self.pair.peers[1].received();
        let end = self.pair.now + Duration::from_secs(600);
        loop {
            let received = self.pair.peers[1].received();
            if received - before >= count {
                return received - before;
            }
            assert!(self.pair.now < end, "the transfer got stuck");
            while self.sent - received < self.underway
                && self.pair.peers[0].send(self.pair.now, &self.message)
            {
                self.sent += 1;
            }
            self.pair.step(DELAY);
        }
    }
}

/// What the ciphers alone allow: sealing and opening 1,200 bytes.
fn limits(report: &mut Report) {
    let contender = |provider: &'static dyn CryptoProvider| {
        let aead = provider.aead(AeadAlgorithm::Aes128Gcm, &[7; 16]).expect("a key");
        let mut data = vec![0; 1200];
        Contender::new(&format!("limit-{}", provider.name()), move || {
            for number in 0..100_u8 {
                let nonce = [number; 12];
                let tag = aead.seal(&nonce, &[0; 13], &mut data).expect("short");
                aead.open(&nonce, &[0; 13], &mut data, &tag).expect("intact");
                black_box(&mut data);
            }
            100
        })
    };
    let contenders = vec![contender(rustcrypto()), contender(aws_lc_rs())];
    compare(report, "aead/1200B", Metric::Throughput, 1e6 / 1200.0, ROUNDS, contenders);
}

fn setups(report: &mut Report) {
    fn contender<'a, P: Peer + 'a>(name: &str) -> Contender<'a> {
        Contender::new(name, || {
            black_box(Pair::<P>::connected(Carries::Data));
            1
        })
    }
    let contenders = vec![
        contender::<Ours<RustCrypto>>("sendrecv-rustcrypto"),
        contender::<Ours<AwsLc>>("sendrecv-aws-lc-rs"),
        contender::<Str0mAwsLc>("str0m-aws-lc-rs"),
        contender::<RtcRing>("rtc-ring"),
    ];
    compare(report, "setups", Metric::Setups, 1.0, ROUNDS, contenders);
}

/// A figure that is the same in every run.
trait Count {
    fn count<P: Peer>(&self) -> Vec<(&'static str, Metric, f64)>;
}

fn each(report: &mut Report, what: impl Count) {
    let mut add = |implementation: &str, figures: Vec<(&str, Metric, f64)>| {
        for (case, metric, value) in figures {
            let (case, implementation) = (case.to_owned(), implementation.to_owned());
            report.add(Figure { case, implementation, metric, value });
        }
    };
    add("sendrecv-rustcrypto", what.count::<Ours<RustCrypto>>());
    add("sendrecv-aws-lc-rs", what.count::<Ours<AwsLc>>());
    add("str0m-aws-lc-rs", what.count::<Str0mAwsLc>());
    add("rtc-ring", what.count::<RtcRing>());
}

/// Datagrams and round trips of 50 ms from exchanged descriptions to the first message's arrival.
struct FirstMessage;

impl Count for FirstMessage {
    fn count<P: Peer>(&self) -> Vec<(&'static str, Metric, f64)> {
        let delay = Duration::from_millis(25);
        let mut pair = Pair::<P>::new(Carries::Data);
        pair.run_until(delay, |pair| pair.peers[0].is_ready());
        assert!(pair.peers[0].send(pair.now, &Bytes::from_static(b"hello")), "an open channel");
        pair.run_until(delay, |pair| pair.peers[1].received() == 1);
        let round_trips = pair.now.as_secs_f64() / (2 * delay).as_secs_f64();
        vec![
            ("first-message", Metric::Datagrams, pair.datagrams as f64),
            ("first-message", Metric::RoundTrips, round_trips),
        ]
    }
}

/// What a connected peer keeps on the heap after five idle seconds.
struct IdleHeap;

impl Count for IdleHeap {
    fn count<P: Peer>(&self) -> Vec<(&'static str, Metric, f64)> {
        // What is made once per process must not count.
        drop(Pair::<P>::connected(Carries::Data));
        let pairs = if is_quick() { 2 } else { 10 };
        let (peers, heap) = counted(|| {
            let idle = |_| {
                let mut pair = Pair::<P>::connected(Carries::Data);
                let end = pair.now + Duration::from_secs(5);
                pair.run_until(DELAY, |pair| pair.now >= end);
                pair.peers
            };
            (0..pairs).map(idle).collect::<Vec<_>>()
        });
        // A vector keeps the peers' own bytes; they are as much a peer's as what it points to.
        let value = heap.kept_bytes as f64 / (2 * peers.len()) as f64;
        vec![("idle-peer", Metric::HeapBytes, value)]
    }
}

/// Allocations per message, both ends together, in the steady state. The message itself is not ours to count where a
/// stack takes it as it is; where it must be copied to be handed over, that is its interface.
struct Allocations;

impl Count for Allocations {
    fn count<P: Peer>(&self) -> Vec<(&'static str, Metric, f64)> {
        let per_message = |(case, len): (&'static str, usize)| {
            let mut flow = Flow::<P>::new(len, 128 * KIB);
            flow.run(if is_quick() { 1_000 } else { 20_000 });
            let (count, heap) = counted(|| flow.run(1_000));
            (case, Metric::Allocations, heap.allocations as f64 / count as f64)
        };
        [("allocations/100B", 100), ("allocations/1KiB", KIB), ("allocations/16KiB", 16 * KIB)]
            .map(per_message)
            .into()
    }
}
