//! What holds for every packet and every profile.
#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

mod common;

use common::{SSRC, pair, protect, protect_rtcp, rtcp, rtp};
use proptest::prelude::*;
use sendrecv_core::{PacketBuf, Seed, Writer};
use sendrecv_crypto::{CryptoError, default_provider};
use sendrecv_srtp::{Discard, MasterKey, Options, ProtectError, Session, SrtpProfile};

fn any_profile() -> impl Strategy<Value = SrtpProfile> {
    prop::sample::select(SrtpProfile::ALL.to_vec())
}

proptest! {
    #[test]
    fn what_was_protected_comes_back(
        profile in any_profile(),
        ssrc: u32,
        first: u16,
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..8),
    ) {
        let (mut alice, mut bob) = pair(profile, &Options::default());
        for (step, payload) in (0..).zip(payloads) {
            let plain = rtp(ssrc, first.wrapping_add(step), &payload);
            let mut datagram = protect(&mut alice, &plain).unwrap();
            prop_assert_eq!(datagram.len(), plain.len() + profile.rtp_overhead());
            prop_assert_eq!(&*bob.unprotect(&mut datagram).unwrap(), &plain);
            let plain = rtcp(ssrc, &payload);
            let mut datagram = protect_rtcp(&mut bob, &plain).unwrap();
            prop_assert_eq!(datagram.len(), plain.len() + profile.rtcp_overhead());
            prop_assert_eq!(&*alice.unprotect_rtcp(&mut datagram).unwrap(), &plain);
        }
    }

    #[test]
    fn any_flipped_bit_is_noticed(profile in any_profile(), payload in prop::collection::vec(any::<u8>(), 0..40)) {
        let (mut alice, mut bob) = pair(profile, &Options::default());
        let rtp_datagram = protect(&mut alice, &rtp(SSRC, 7, &payload)).unwrap();
        let rtcp_datagram = protect_rtcp(&mut alice, &rtcp(SSRC, &payload)).unwrap();
        for bit in 0..rtp_datagram.len() * 8 {
            let mut damaged = rtp_datagram.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(bob.unprotect(&mut damaged).is_err(), "bit {}", bit);
        }
        for bit in 0..rtcp_datagram.len() * 8 {
            let mut damaged = rtcp_datagram.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(bob.unprotect_rtcp(&mut damaged).is_err(), "bit {}", bit);
        }
        prop_assert!(bob.unprotect(&mut rtp_datagram.clone()).is_ok());
        prop_assert!(bob.unprotect_rtcp(&mut rtcp_datagram.clone()).is_ok());
    }

    #[test]
    fn any_order_within_the_window_is_accepted_once(profile in any_profile(), first in 0u16..0x8000, seed: u64) {
        let (mut alice, mut bob) = pair(profile, &Options::default());
        let mut datagrams: Vec<_> =
            (0..900).map(|step| protect(&mut alice, &rtp(SSRC, first.wrapping_add(step * 60), b"x")).unwrap()).collect();
        // The first arrives first, as it sets the rollover counter; the others in blocks of any order.
        let mut rng = Seed::from_u64(seed).rng();
        for block in datagrams[1..].chunks_mut(12) {
            for index in 1..block.len() {
                let other = usize::try_from(rng.below(u64::try_from(index).unwrap() + 1)).unwrap();
                block.swap(index, other);
            }
        }
        for datagram in &datagrams {
            prop_assert!(bob.unprotect(&mut datagram.clone()).is_ok());
            prop_assert_eq!(bob.unprotect(&mut datagram.clone()).err(), Some(Discard::Replayed));
        }
        let discards = bob.stats().1.discards;
        prop_assert_eq!((discards.get(Discard::Replayed), discards.total()), (900, 900));
    }

    #[test]
    fn any_bytes_are_discarded(profile in any_profile(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let (_, mut bob) = pair(profile, &Options::default());
        prop_assert!(bob.unprotect(&mut bytes.clone()).is_err());
        prop_assert!(bob.unprotect_rtcp(&mut bytes.clone()).is_err());
        prop_assert_eq!(bob.stats().1.discards.total(), 2);
    }

    #[test]
    fn any_bytes_are_protected_or_refused(profile in any_profile(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let (mut alice, mut bob) = pair(profile, &Options::default());
        if let Ok(mut datagram) = protect(&mut alice, &bytes) {
            prop_assert_eq!(&*bob.unprotect(&mut datagram).unwrap(), &bytes);
        }
        if let Ok(mut datagram) = protect_rtcp(&mut alice, &bytes) {
            prop_assert_eq!(&*bob.unprotect_rtcp(&mut datagram).unwrap(), &bytes);
        }
    }

    #[test]
    fn encrypted_extensions_come_back(profile in any_profile(), extension in prop::collection::vec(any::<u8>(), 0..64)) {
        let encrypted_extensions = (1..8).collect();
        let options = Options { encrypted_extensions, ..Options::default() };
        let (mut alice, mut bob) = pair(profile, &options);
        let words = extension.len() / 4;
        let mut plain = rtp(SSRC, 1, &[0xbe, 0xde, 0, u8::try_from(words).unwrap()]);
        plain[0] |= 0x10;
        plain.extend(&extension[..words * 4]);
        plain.extend(b"payload");
        let mut datagram = protect(&mut alice, &plain).unwrap();
        prop_assert_eq!(bob.unprotect(&mut datagram).unwrap(), plain);
    }
}

#[test]
fn sequence_numbers_wrap_many_times_with_loss() {
    for profile in SrtpProfile::ALL {
        let (mut alice, mut bob) = pair(profile, &Options::default());
        let mut received = 0;
        for step in 0..400_u32 {
            let sequence = u16::try_from((0x7000 + step * 997) % 0x10000).unwrap();
            let mut datagram = protect(&mut alice, &rtp(SSRC, sequence, b"payload")).unwrap();
            if step % 3 != 1 {
                bob.unprotect(&mut datagram).unwrap();
                received += 1;
            }
        }
        assert_eq!(bob.stats().1.rtp_packets, received);
    }
}

#[test]
fn replays_are_rejected_after_a_wrap_too() {
    let (mut alice, mut bob) = pair(SrtpProfile::Aes128CmSha1_80, &Options::default());
    let mut protected = |sequence| protect(&mut alice, &rtp(SSRC, sequence, b"x")).unwrap();
    let (old, last, first) = (protected(0x7fff), protected(0xffff), protected(0));
    for datagram in [&old, &last, &first] {
        assert!(bob.unprotect(&mut datagram.clone()).is_ok());
    }
    assert_eq!(bob.unprotect(&mut last.clone()), Err(Discard::Replayed));
    assert_eq!(bob.unprotect(&mut old.clone()), Err(Discard::Unauthenticated), "taken for the next cycle's");
}

#[test]
fn a_sequence_number_is_protected_once() {
    let (mut alice, _) = pair(SrtpProfile::AeadAes128Gcm, &Options::default());
    for sequence in [1000, 1001, 999] {
        assert!(protect(&mut alice, &rtp(SSRC, sequence, b"x")).is_ok());
        assert_eq!(protect(&mut alice, &rtp(SSRC, sequence, b"y")), Err(ProtectError::Repeated));
    }
    assert!(protect(&mut alice, &rtp(SSRC, 3000, b"x")).is_ok());
    assert_eq!(protect(&mut alice, &rtp(SSRC, 1002, b"x")), Err(ProtectError::TooOld));
    assert_eq!(
        protect(&mut alice, &rtp(SSRC, 65_000, b"x")),
        Err(ProtectError::TooOld),
        "before the first packet"
    );
}

#[test]
fn a_caller_that_repeats_itself_gets_the_same_bytes() {
    let options = Options { allow_repeats: true, ..Options::default() };
    for profile in SrtpProfile::ALL {
        let (mut alice, _) = pair(profile, &options);
        let packet = rtp(SSRC, 1, b"payload");
        assert_eq!(protect(&mut alice, &packet), protect(&mut alice, &packet));
    }
}

#[test]
fn a_packet_without_room_for_its_tag_is_left_alone() {
    for profile in SrtpProfile::ALL {
        let (mut alice, _) = pair(profile, &Options::default());
        let plain = rtp(SSRC, 1, b"payload");
        let mut slab = vec![0; plain.len() + profile.rtp_overhead() - 1];
        let mut packet = PacketBuf::new(&mut slab, 0, 0);
        packet.put(&plain).unwrap();
        assert_eq!(alice.protect(&mut packet), Err(ProtectError::NoSpace));
        assert_eq!(alice.protect_rtcp(&mut packet), Err(ProtectError::NoSpace));
        assert_eq!(packet.bytes(), plain);
        assert!(protect(&mut alice, &plain).is_ok(), "the sequence number is still free");
    }
}

#[test]
fn directions_and_profiles_do_not_mix() {
    let (mut alice, mut bob) = pair(SrtpProfile::Aes128CmSha1_80, &Options::default());
    let mut datagram = protect(&mut alice, &rtp(SSRC, 1, b"payload")).unwrap();
    assert_eq!(alice.unprotect(&mut datagram.clone()), Err(Discard::Unauthenticated), "reflected");
    let (_, mut other) = pair(SrtpProfile::Aes128CmSha1_32, &Options::default());
    assert_eq!(other.unprotect(&mut datagram.clone()), Err(Discard::Unauthenticated));
    assert!(bob.unprotect(&mut datagram).is_ok());
}

#[test]
fn unencrypted_rtcp_only_by_agreement() {
    let clear = Options { encrypt_rtcp: false, ..Options::default() };
    for profile in SrtpProfile::ALL {
        let (mut alice, mut bob) = pair(profile, &clear);
        let (_, mut strict) = pair(profile, &Options::default());
        let plain = rtcp(SSRC, b"report");
        let datagram = protect_rtcp(&mut alice, &plain).unwrap();
        assert!(datagram.starts_with(&plain));
        assert_eq!(strict.unprotect_rtcp(&mut datagram.clone()), Err(Discard::EncryptionMismatch));
        let mut damaged = datagram.clone();
        damaged[9] ^= 1;
        assert_eq!(bob.unprotect_rtcp(&mut damaged), Err(Discard::Unauthenticated));
        assert_eq!(bob.unprotect_rtcp(&mut datagram.clone()).unwrap(), plain);
        assert_eq!(bob.unprotect_rtcp(&mut datagram.clone()), Err(Discard::Replayed));
    }
}

#[test]
fn rtcp_far_behind_is_too_old() {
    let (mut alice, mut bob) = pair(SrtpProfile::AeadAes256Gcm, &Options::default());
    let datagrams: Vec<_> = (0..300).map(|_| protect_rtcp(&mut alice, &rtcp(SSRC, &[])).unwrap()).collect();
    assert!(bob.unprotect_rtcp(&mut datagrams[299].clone()).is_ok());
    assert!(bob.unprotect_rtcp(&mut datagrams[299 - 190].clone()).is_ok());
    assert_eq!(bob.unprotect_rtcp(&mut datagrams[0].clone()), Err(Discard::TooOld));
}

#[test]
fn sources_are_bounded_on_both_sides() {
    let options = Options { max_local_sources: 3, max_remote_sources: 2, ..Options::default() };
    let (mut alice, mut bob) = pair(SrtpProfile::Aes128CmSha1_80, &options);
    for ssrc in 0..3 {
        let mut media = protect(&mut alice, &rtp(ssrc, 1, b"x")).unwrap();
        let mut control = protect_rtcp(&mut alice, &rtcp(ssrc, b"x")).unwrap();
        let refused = if ssrc < 2 { None } else { Some(Discard::TooManySources) };
        assert_eq!(bob.unprotect(&mut media).err(), refused);
        assert_eq!(bob.unprotect_rtcp(&mut control).err(), refused);
    }
    assert_eq!(protect(&mut alice, &rtp(3, 1, b"x")), Err(ProtectError::TooManySources));
    assert_eq!(protect_rtcp(&mut alice, &rtcp(3, b"x")), Err(ProtectError::TooManySources));
}

#[test]
fn both_sides_may_use_the_same_ssrc() {
    let (mut alice, mut bob) = pair(SrtpProfile::AeadAes128Gcm, &Options::default());
    let plain = rtp(SSRC, 1, b"payload");
    let (mut from_alice, mut from_bob) =
        (protect(&mut alice, &plain).unwrap(), protect(&mut bob, &plain).unwrap());
    assert_ne!(from_alice, from_bob);
    assert_eq!(bob.unprotect(&mut from_alice).unwrap(), plain);
    assert_eq!(alice.unprotect(&mut from_bob).unwrap(), plain);
}

#[test]
fn packets_of_padding_only_and_of_nothing_pass() {
    for profile in SrtpProfile::ALL {
        let (mut alice, mut bob) = pair(profile, &Options::default());
        let mut padding = rtp(SSRC, 1, &[0, 0, 0, 4]);
        padding[0] |= 0x20;
        for plain in [padding, rtp(SSRC, 2, &[])] {
            let mut datagram = protect(&mut alice, &plain).unwrap();
            assert_eq!(bob.unprotect(&mut datagram).unwrap(), plain);
        }
    }
}

#[test]
fn a_thousand_sources_each_keep_their_own_state() {
    let (mut alice, mut bob) = pair(SrtpProfile::AeadAes128Gcm, &Options::default());
    for sequence in [65_534, 65_535, 0, 1] {
        for source in 0..1000_u32 {
            let plain = rtp(source.wrapping_mul(0x9e37_79b1), sequence, &source.to_be_bytes());
            let datagram = protect(&mut alice, &plain).unwrap();
            assert_eq!(bob.unprotect(&mut datagram.clone()).unwrap(), plain);
            assert_eq!(bob.unprotect(&mut datagram.clone()), Err(Discard::Replayed));
        }
    }
    assert_eq!(bob.into_halves().1.sources(), (1000, 0));
}

#[test]
fn keys_of_wrong_length_are_refused() {
    for profile in SrtpProfile::ALL {
        let good = common::master_key(profile, 1);
        for bad in
            [MasterKey::new(&[0; 15], &vec![0; profile.salt_len()]), MasterKey::new(&[0; 16], &[0; 13])]
        {
            let session = Session::new(default_provider(), profile, &good, &bad, &Options::default());
            assert_eq!(session.err(), Some(CryptoError::InvalidKey));
        }
    }
}

#[test]
fn keys_do_not_print() {
    let (alice, _) = pair(SrtpProfile::AeadAes128Gcm, &Options::default());
    let printed = format!("{alice:?} {:?}", common::master_key(SrtpProfile::AeadAes128Gcm, 7));
    assert!(printed.ends_with("MasterKey(..)") && !printed.contains('7'), "{printed}");
}
