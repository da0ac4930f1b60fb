//! Nothing is allocated per packet, and nothing for packets that do not authenticate.
#![allow(clippy::unwrap_used)]

mod common;

use common::{SSRC, pair, protect, rtcp, rtp};
use sendrecv_core::{PacketBuf, Seed, Writer};
use sendrecv_sim::{Allocations, Counting};
use sendrecv_srtp::{Discard, Options, Session, SrtpProfile, TAILROOM};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(run: impl FnOnce()) -> u64 {
    let allocations = Allocations::start();
    run();
    allocations.count()
}

/// Sends one packet of each kind through both sessions, inside `slab`.
fn exchange(
    alice: &mut Session,
    bob: &mut Session,
    sequence: u16,
    slab: &mut [u8],
    media: &[u8],
    control: &[u8],
) {
    let mut packet = PacketBuf::new(slab, 0, TAILROOM);
    packet.put(media).unwrap();
    let [high, low] = sequence.to_be_bytes();
    if let [_, _, a, b, ..] = packet.bytes_mut() {
        (*a, *b) = (high, low);
    }
    alice.protect(&mut packet).unwrap();
    assert_eq!(bob.unprotect(packet.finish()).unwrap().len(), media.len());
    let mut packet = PacketBuf::new(slab, 0, TAILROOM);
    packet.put(control).unwrap();
    alice.protect_rtcp(&mut packet).unwrap();
    assert_eq!(bob.unprotect_rtcp(packet.finish()).unwrap(), control);
}

#[test]
fn the_steady_state_allocates_nothing() {
    let encrypted_extensions = [1].into_iter().collect();
    let options = Options { encrypted_extensions, ..Options::default() };
    for profile in SrtpProfile::ALL {
        let (mut alice, mut bob) = pair(profile, &options);
        let mut media = rtp(SSRC, 0, &[0xbe, 0xde, 0, 1, 0x10, 0xaa, 0, 0]);
        media.extend([7; 1000]);
        if let Some(first) = media.first_mut() {
            *first |= 0x10;
        }
        let control = rtcp(SSRC, &[1; 60]);
        let mut slab = [0; 1500];
        exchange(&mut alice, &mut bob, 0, &mut slab, &media, &control);
        let count = allocations(|| {
            for sequence in 1..500 {
                exchange(&mut alice, &mut bob, sequence, &mut slab, &media, &control);
            }
        });
        assert_eq!(count, 0, "{profile:?}");
    }
}

#[test]
fn a_flood_of_forged_sources_leaves_nothing_behind() {
    let packets = if std::env::var_os("SENDRECV_DEEP").is_some() { 10_000_000 } else { 1_000_000 };
    let (mut alice, mut bob) = pair(SrtpProfile::Aes128CmSha1_80, &Options::default());
    let mut genuine = protect(&mut alice, &rtp(SSRC, 1, b"payload")).unwrap();
    bob.unprotect(&mut genuine).unwrap();
    let mut rng = Seed::from_u64(1).rng();
    let count = allocations(|| {
        for sequence in 0..packets {
            let mut datagram = [0; 40];
            rng.fill(&mut datagram);
            datagram[0] = 0x80;
            let result = if sequence % 2 == 0 {
                bob.unprotect(&mut datagram)
            } else {
                bob.unprotect_rtcp(&mut datagram)
            };
            assert!(result.is_err());
        }
    });
    assert_eq!(count, 0);
    let stats = bob.stats().1;
    assert_eq!((stats.rtp_packets, stats.discards.total()), (1, packets));
    assert!(stats.discards.get(Discard::Unauthenticated) >= packets / 2);
    let mut genuine = protect(&mut alice, &rtp(SSRC, 2, b"payload")).unwrap();
    assert!(bob.unprotect(&mut genuine).is_ok(), "the real source is still served");
    assert_eq!(bob.into_halves().1.sources(), (1, 0));
}
