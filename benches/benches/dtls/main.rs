//! DTLS alone: full mutual handshakes, records of 1,200 bytes sealed and opened, memory and datagrams of a connection,
//! beside dimpl, rtc-dtls, webrtc-dtls and OpenSSL (`--features openssl`), and beside what the cryptography alone allows
//! (`limit-…`: the same signatures, verifications and key exchanges, or the same cipher, and nothing else).
//!
//! Everybody has ECDSA P-256 certificates, made before, on both sides, and verifies the other's signature. Handshakes of
//! both ends run in one thread, one after the other; so do both ends of a record.

mod dimpl;
mod limits;
#[cfg(feature = "openssl")]
mod openssl;
mod ours;
mod rtc;
mod webrtc;

use sendrecv_benches::alloc::{Counting, counted};
use sendrecv_benches::{Contender, Figure, Metric, Report, compare};
use sendrecv_crypto::{CryptoProvider, NamedGroup, aws_lc_rs, aws_lc_rs_own_entropy, rustcrypto};
use sendrecv_dtls::Version::{Dtls12, Dtls13};
use std::hint::black_box;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const RECORD: usize = 1200;
/// Records per portion.
const BATCH: usize = 256;
/// Connections held at once to weigh one.
const HELD: usize = 64;
const ROUNDS: usize = 7;

/// Both ends of a connection.
trait Pair {
    /// Sends one record from the client to the server and says how many bytes came out.
    fn carry(&mut self, payload: &[u8]) -> usize;
}

/// Who can shake hands.
struct Stack {
    name: String,
    /// Makes a connection and says how many datagrams that took.
    connect: Box<dyn FnMut() -> (Box<dyn Pair>, usize)>,
}

impl Stack {
    fn new(name: &str, connect: impl FnMut() -> (Box<dyn Pair>, usize) + 'static) -> Self {
        Self { name: name.to_owned(), connect: Box::new(connect) }
    }
}

fn main() {
    let mut report = Report::from_arguments("dtls");
    for (version, name) in [(Dtls12, "1.2"), (Dtls13, "1.3")] {
        for (group, group_name) in [(NamedGroup::Secp256r1, "p256"), (NamedGroup::X25519, "x25519")] {
            let case = format!("{name}/{group_name}");
            let stacks = stacks(version, group);
            handshakes(&mut report, &case, stacks, limits::handshakes(group));
        }
    }
    let hybrid = NamedGroup::X25519MlKem768;
    let ours = providers().map(|provider| ours::stack(provider, Dtls13, hybrid));
    handshakes(&mut report, "1.3/x25519mlkem768", ours.into(), Vec::new());
    for (version, name) in [(Dtls12, "1.2"), (Dtls13, "1.3")] {
        let group = NamedGroup::Secp256r1;
        records(&mut report, name, stacks(version, group), limits::records(version));
        weigh(&mut report, name, stacks(version, group));
    }
    report.finish();
}

/// Ours: two whose every byte comes from the seed, and AWS-LC with randomness of its own, as the others have it.
fn providers() -> [&'static dyn CryptoProvider; 3] {
    [rustcrypto(), aws_lc_rs(), aws_lc_rs_own_entropy()]
}

/// Everybody who can do this version with this group.
fn stacks(version: sendrecv_dtls::Version, group: NamedGroup) -> Vec<Stack> {
    let mut stacks = Vec::from(providers().map(|provider| ours::stack(provider, version, group)));
    stacks.extend(dimpl::stacks(version, group));
    if version == Dtls12 {
        #[cfg(feature = "openssl")]
        stacks.push(openssl::stack(group));
        // These two choose the group by themselves: P-256.
        if group == NamedGroup::Secp256r1 {
            stacks.extend([rtc::stack(), webrtc::stack()]);
        }
    }
    stacks
}

fn handshakes(report: &mut Report, case: &str, stacks: Vec<Stack>, limits: Vec<Contender<'static>>) {
    let mut contenders = limits;
    for mut stack in stacks {
        contenders.push(Contender::new(&stack.name, move || {
            black_box((stack.connect)().1);
            1
        }));
    }
    compare(report, case, Metric::Handshakes, 1.0, ROUNDS, contenders);
}

fn records(report: &mut Report, name: &str, stacks: Vec<Stack>, limits: Vec<Contender<'static>>) {
    let mut contenders = limits;
    for mut stack in stacks {
        let (mut pair, _) = (stack.connect)();
        contenders.push(Contender::new(&stack.name, move || {
            for _ in 0..BATCH {
                assert_eq!(pair.carry(&[7; RECORD]), RECORD);
            }
            BATCH as u64
        }));
    }
    compare(report, &format!("{name}/records"), Metric::Packets, 1.0, ROUNDS, contenders);
}

/// Memory of a connection that is idle, what a record allocates, and datagrams of a handshake.
fn weigh(report: &mut Report, name: &str, stacks: Vec<Stack>) {
    for mut stack in stacks {
        let (mut pair, datagrams) = (stack.connect)();
        let (_, heap) = counted(|| (0..BATCH).for_each(|_| assert_eq!(pair.carry(&[7; RECORD]), RECORD)));
        let before = malloced();
        let held: Vec<_> = (0..HELD).map(|_| (stack.connect)().0).collect();
        let bytes = malloced().saturating_sub(before) as f64 / HELD as f64 / 2.0;
        drop(held);
        let mut add = |what, metric, value| {
            let case = format!("{name}/{what}");
            report.add(Figure { case, implementation: stack.name.clone(), metric, value });
        };
        add("one end, idle", Metric::HeapBytes, bytes);
        add("record", Metric::Allocations, heap.allocations as f64 / BATCH as f64);
        add("handshake", Metric::Datagrams, datagrams as f64);
    }
}

/// Bytes in use on the heap, of C libraries too.
fn malloced() -> usize {
    // SAFETY: reads counters of the allocator.
    let info = unsafe { libc::mallinfo2() };
    info.uordblks + info.hblkhd
}
