//! SCTP alone: two associations in one thread, in memory, in simulated time.
//!
//! `<message>/<underway>/<channels>`: messages of one length over `channels` in turn, `underway` bytes of them handed
//! over and not yet handed out by the other end, every one copied from a template first. Rates and times are of both
//! ends' CPU time together; packets are those of both directions. `limit-copy-crc` copies and checksums the same bytes
//! and does nothing else: what grows with `underway` there is memory that no cache holds, and is nobody's fault.
//!
//! `-- <text>` measures the cases whose names contain the text, `-- --ours` without the other implementations.

use sendrecv_benches::alloc::{Counting, counted};
use sendrecv_benches::sctp::{CopyAndChecksum, Dcsctp, End, Flow, Ours, RtcSctp, SctpProto};
use sendrecv_benches::{Contender, Figure, Metric, Report, compare_as, is_quick};
use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const MESSAGES: [(&str, usize); 4] = [("100B", 100), ("1KiB", KIB), ("16KiB", 16 * KIB), ("64KiB", 64 * KIB)];
const UNDERWAY: [(&str, usize); 4] =
    [("16KiB", 16 * KIB), ("128KiB", 128 * KIB), ("1MiB", MIB), ("16MiB", 16 * MIB)];
const CHANNELS: [u16; 3] = [1, 100, 10_000];
const ROUNDS: usize = 3;
/// How long a contender may take to fill its path before it is measured.
const WARM_UP: Duration = Duration::from_millis(500);

fn main() {
    let mut report = Report::from_arguments("sctp");
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with("--")).unwrap_or_default();
    for (message, len) in MESSAGES {
        for (underway_name, underway) in UNDERWAY {
            for channels in CHANNELS {
                let case = format!("{message}/{underway_name}/{channels}");
                if case.contains(&wanted) {
                    measure(&mut report, &case, len, (underway, channels));
                }
            }
        }
    }
    report.finish();
}

/// What a contender did so far.
#[derive(Default)]
struct Counts {
    messages: Cell<u64>,
    packets: Cell<u64>,
    allocations: Cell<f64>,
}

struct Case<'a> {
    len: usize,
    underway: usize,
    channels: u16,
    contenders: Vec<Contender<'a>>,
    counts: Vec<Rc<Counts>>,
}

impl Case<'_> {
    fn add<E: End + 'static>(&mut self, name: &str) {
        let mut flow = Flow::<E>::new(self.len, self.underway, self.channels);
        // A portion is a millisecond or so of work.
        let portion = (256 * KIB / self.len) as u64;
        let (start, mut filled) = (Instant::now(), 0);
        while start.elapsed() < WARM_UP && filled < (4 * self.underway / self.len) as u64 {
            filled += flow.run(portion);
        }
        let counts = Rc::new(Counts::default());
        let (messages, heap) = counted(|| flow.run(4 * portion));
        // One is the message itself.
        counts.allocations.set(heap.allocations as f64 / messages as f64 - 1.0);
        self.counts.push(counts.clone());
        self.contenders.push(Contender::new(name, move || {
            let before = flow.packets;
            let messages = flow.run(portion);
            counts.messages.set(counts.messages.get() + messages);
            counts.packets.set(counts.packets.get() + flow.packets - before);
            messages
        }));
    }
}

fn measure(report: &mut Report, name: &str, len: usize, (underway, channels): (usize, u16)) {
    let mut case = Case { len, underway, channels, contenders: Vec::new(), counts: Vec::new() };
    case.add::<Ours<false>>("sendrecv-crc");
    case.add::<Ours<true>>("sendrecv-zero");
    case.add::<CopyAndChecksum>("limit-copy-crc");
    let others = !std::env::args().any(|argument| argument == "--ours");
    if others {
        case.add::<Dcsctp<false>>("dcsctp-crc");
        case.add::<Dcsctp<true>>("dcsctp-zero");
    }
    // A packet costs these more the more there are under way: they would not come to an end.
    if others && underway <= MIB {
        case.add::<RtcSctp>("rtc-sctp-crc");
        case.add::<SctpProto>("sctp-proto-crc");
    }
    let names: Vec<_> = case.contenders.iter().map(|contender| contender.name.clone()).collect();
    let metrics = [(Metric::Throughput, 1e6 / len as f64)];
    let rates = compare_as(report, name, &metrics, if is_quick() { 1 } else { ROUNDS }, case.contenders);
    for ((implementation, counts), rate) in names.into_iter().zip(case.counts).zip(rates) {
        let packets_per_message = counts.packets.get() as f64 / counts.messages.get() as f64;
        let mut add = |metric, value| {
            let (case, implementation) = (name.to_owned(), implementation.clone());
            report.add(Figure { case, implementation, metric, value });
        };
        add(Metric::PacketTime, 1e9 / (rate * packets_per_message));
        add(Metric::Allocations, counts.allocations.get());
    }
}
