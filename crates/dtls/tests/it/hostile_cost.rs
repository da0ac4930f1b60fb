//! What hostile datagrams cost before the peer is known: bytes held, allocations, costly operations, bytes sent back.
//!
//! `cargo test -p sendrecv-dtls --test it hostile_cost -- --nocapture` prints the table that `spec-notes/dtls.md` has.

use crate::watch;
use sendrecv_core::{Instant, Machine, PacketBuf, Rng, Seed};
use sendrecv_crypto::HashAlgorithm;
use sendrecv_dtls::wire::fragment::{Fragment, HandshakeType};
use sendrecv_dtls::{Certificate, Config, Dtls, Fingerprint, Role, Version};
use sendrecv_sim::Allocations;
use std::sync::Arc;

const DATAGRAMS: u32 = 2_000;

/// Makes the n-th datagram of an attack; the client's own hello is there to be abused.
type Attack = fn(u32, &mut Rng, &[Vec<u8>]) -> Vec<u8>;

fn record(content_type: u8, epoch: u8, sequence: u32, content: &[u8]) -> Vec<u8> {
    let [a, b, c, d] = sequence.to_be_bytes();
    let [h, l] = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[content_type, 0xfe, 0xfd, 0, epoch, 0, 0, a, b, c, d, h, l], content].concat()
}

fn fragment(kind: HandshakeType, length: u32, seq: u16, offset: u32, data: &[u8]) -> Vec<u8> {
    let fragment = Fragment { kind, length, message_seq: seq, offset, data };
    [&fragment.header(), data].concat()
}

const ATTACKS: [(&str, Attack); 11] = [
    ("junk of 1,200 bytes", |_, rng, _| (0..1200).map(|_| rng.below(256) as u8).collect()),
    ("records cut off", |n, _, _| record(22, 0, n, &[0; 60])[..40].to_vec()),
    ("one-byte fragments of 16 KiB messages", |n, _, _| {
        let offset = n.wrapping_mul(2_654_435_761) % 16_000;
        record(22, 0, n, &fragment(HandshakeType::CERTIFICATE, 16_000, (n % 12) as u16, offset, &[7]))
    }),
    ("fragments without bytes", |n, _, _| {
        record(22, 0, n, &fragment(HandshakeType::CERTIFICATE, 9_000, (n % 12) as u16, n % 9_000, &[]))
    }),
    ("90 fragments per datagram", |n, _, _| {
        let piece =
            |i: u32| fragment(HandshakeType::CERTIFICATE, 9_000, (n % 12) as u16, (n + i * 97) % 9_000, &[7]);
        record(22, 0, n, &(0..90).flat_map(piece).collect::<Vec<u8>>())
    }),
    ("protected records before keys, 1.2", |n, _, _| record(22, 1, n, &[9; 400])),
    ("protected records before keys, 1.3", |n, _, _| {
        [&[0x2e, n as u8, (n >> 8) as u8, 1, 0x90][..], &[9; 400]].concat()
    }),
    ("application data before keys, 1.3", |n, _, _| {
        [&[0x2f, n as u8, (n >> 8) as u8, 1, 0x90][..], &[9; 400]].concat()
    }),
    ("the client's hello, again and again", |n, _, hello| hello[n as usize % hello.len()].clone()),
    ("hellos with other message numbers", |n, _, hello| {
        let mut hello = hello[n as usize % hello.len()].clone();
        hello[17..19].copy_from_slice(&(n as u16).to_be_bytes());
        hello
    }),
    ("acknowledgements and alerts in plaintext", |n, _, _| {
        if n % 2 == 0 { record(26, 0, n, &[0, 0]) } else { record(21, 0, n, &[1, 90]) }
    }),
];

fn end(role: Role, version: Version, cookie: bool) -> Dtls {
    let certificate = Certificate::generate(watch::provider(), &Seed::from_u64(1), 0, 31).unwrap();
    let config =
        Config { max_version: version, cookie, ..Config::new(watch::provider(), Arc::new(certificate)) };
    let mut dtls = Dtls::new(config, role, &Seed::from_u64(2), Instant::ZERO);
    let nobody = Fingerprint::new(HashAlgorithm::Sha256, &[0; 32]).unwrap();
    dtls.set_remote_fingerprints(Instant::ZERO, vec![nobody]);
    dtls
}

fn drain(now: Instant, dtls: &mut Dtls) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    loop {
        let mut slab = [0; 1500];
        let mut out = PacketBuf::new(&mut slab, 0, 0);
        if dtls.poll_transmit(now, &mut out).is_none() {
            return sent;
        }
        sent.push(out.finish().to_vec());
    }
}

struct Cost {
    held: isize,
    allocations: u64,
    costly: u64,
    received: usize,
    sent: usize,
}

/// One datagram each millisecond.
fn measure(victim: Role, version: Version, cookie: bool, attack: Attack) -> Cost {
    let hello = drain(Instant::ZERO, &mut end(Role::Client, version, false));
    let mut dtls = end(victim, version, cookie);
    drain(Instant::ZERO, &mut dtls);
    let mut rng = Seed::from_u64(3).rng();
    let mut cost = Cost { held: 0, allocations: 0, costly: 0, received: 0, sent: 0 };
    watch::reset();
    let start = Allocations::start();
    for n in 0..DATAGRAMS {
        let now = Instant::from_millis(u64::from(n) / 8);
        let mut datagram = attack(n, &mut rng, &hello);
        cost.received += datagram.len();
        let before = Allocations::start();
        let _ = dtls.handle_datagram(now, &mut datagram).map(Iterator::count);
        cost.allocations = cost.allocations.max(before.count());
        drop(datagram);
        cost.sent += drain(now, &mut dtls).iter().map(Vec::len).sum::<usize>();
        cost.held = cost.held.max(start.held_bytes());
        while dtls.poll_event().is_some() {}
    }
    cost.costly = watch::costly();
    cost
}

#[test]
fn hostile_datagrams_cost_little_before_the_peer_is_known() {
    println!(
        "| attack, 2,000 datagrams within 250 ms | most held, bytes | most allocations for one | costly operations, all | bytes sent per byte received |"
    );
    println!("|---|---|---|---|---|");
    for (name, attack) in ATTACKS {
        let mut worst = Cost { held: 0, allocations: 0, costly: 0, received: 1, sent: 0 };
        for victim in [Role::Client, Role::Server] {
            for version in [Version::Dtls12, Version::Dtls13] {
                for cookie in [false, true] {
                    let cost = measure(victim, version, cookie, attack);
                    worst.held = worst.held.max(cost.held);
                    worst.allocations = worst.allocations.max(cost.allocations);
                    worst.costly = worst.costly.max(cost.costly);
                    if cost.sent * worst.received > worst.sent * cost.received {
                        (worst.sent, worst.received) = (cost.sent, cost.received);
                    }
                }
            }
        }
        let ratio = worst.sent as f64 / worst.received as f64;
        println!("| {name} | {} | {} | {} | {ratio:.2} |", worst.held, worst.allocations, worst.costly);
        assert!(worst.held <= 64 << 10, "{name}: {} bytes", worst.held);
        assert!(worst.allocations <= 400, "{name}: {}", worst.allocations);
        assert!(worst.costly <= 4, "{name}: {}", worst.costly);
        assert!(ratio <= 1.5, "{name}: {ratio}");
    }
}

/// A cookie is asked for before anything costly is done, however many hellos come.
#[test]
fn with_cookies_on_hellos_cost_no_public_key_operation() {
    for version in [Version::Dtls12, Version::Dtls13] {
        let attack: Attack = |n, _, hello| {
            let mut hello = hello[n as usize % hello.len()].clone();
            // Another random each time, in the first fragment.
            if hello.get(19..22) == Some(&[0, 0, 0]) {
                hello[27..31].copy_from_slice(&n.to_be_bytes());
            }
            hello
        };
        assert_eq!(measure(Role::Server, version, true, attack).costly, 0, "{version:?}");
    }
}
