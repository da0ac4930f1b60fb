//! What others must not be able to do.

use crate::common::{Link, Pair, config, only};
use sendrecv_core::{DiscardReason, Machine};
use sendrecv_crypto::NamedGroup;
use sendrecv_dtls::wire::fragment::HandshakeType;
use sendrecv_dtls::{CloseReason, Config, ConnectionState, Discard, Failure, Role, Version};
use std::time::Duration;

const BOTH: [Version; 2] = [Version::Dtls12, Version::Dtls13];

fn pair_of(version: Version) -> Pair {
    let classic = |role| Config { groups: vec![NamedGroup::X25519], ..only(version, config(role)) };
    Pair::new(classic(Role::Client), classic(Role::Server), 1, Link::PERFECT)
}

fn connected(version: Version) -> Pair {
    let mut pair = pair_of(version);
    assert!(pair.connect());
    pair.run(Duration::from_secs(1));
    pair
}

/// A plaintext record.
fn record(content_type: u8, sequence: u8, content: &[u8]) -> Vec<u8> {
    let len = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[content_type, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, sequence], &len[..], content].concat()
}

/// A handshake fragment.
fn fragment(kind: HandshakeType, length: u32, seq: u16, offset: u32, data: &[u8]) -> Vec<u8> {
    let fragment = sendrecv_dtls::wire::fragment::Fragment { kind, length, message_seq: seq, offset, data };
    [&fragment.header(), data].concat()
}

#[test]
fn application_data_in_epoch_zero_is_discarded() {
    for version in BOTH {
        let mut pair = pair_of(version);
        let mut datagram = record(23, 9, b"injected");
        let now = pair.now;
        let early = pair.server.dtls.handle_datagram(now, &mut datagram.clone()).map(Iterator::count);
        assert_eq!(early, Err(Discard::EarlyApplicationData));
        assert!(pair.connect());
        let now = pair.now;
        let late = pair.server.dtls.handle_datagram(now, &mut datagram).map(Iterator::count);
        assert_eq!(late, Err(Discard::EarlyApplicationData));
        assert!(pair.server.received.is_empty());
    }
}

#[test]
fn plaintext_cannot_touch_a_connection() {
    for version in BOTH {
        for role in [Role::Client, Role::Server] {
            let mut pair = connected(version);
            let sent = pair.end(role).datagrams;
            let hello = fragment(HandshakeType::CLIENT_HELLO, 40, 0, 0, &[0; 40]);
            let next = fragment(HandshakeType::CLIENT_HELLO, 40, 9, 0, &[0; 40]);
            for content in
                [record(21, 9, &[2, 40]), record(21, 9, &[1, 0]), record(22, 9, &hello), record(22, 9, &next)]
            {
                pair.deliver(role, content);
            }
            pair.run(Duration::from_secs(2));
            assert_eq!(pair.end(role).dtls.stats().discards.get(Discard::Plaintext), 4);
            assert_eq!(
                (pair.end(role).datagrams, pair.end(role).dtls.state()),
                (sent, ConnectionState::Connected)
            );
            pair.assert_works();
        }
    }
}

#[test]
fn replayed_and_forged_records_are_discarded() {
    for version in BOTH {
        let mut pair = connected(version);
        let datagram = pair.seal(Role::Client, b"once");
        let mut forged = datagram.clone();
        *forged.last_mut().unwrap() ^= 1;
        for bytes in [forged, datagram.clone(), datagram] {
            pair.deliver(Role::Server, bytes);
        }
        assert_eq!(pair.server.received, [b"once"]);
        let discards = pair.server.dtls.stats().discards;
        assert_eq!((discards.get(Discard::Replayed), discards.get(Discard::Unauthenticated)), (1, 1));
        pair.assert_works();
    }
}

#[test]
fn a_flood_of_tiny_fragments_holds_bounded_memory_and_provokes_nothing() {
    for version in BOTH {
        let mut pair = pair_of(version);
        let (now, mut largest) = (pair.now, 0);
        for i in 0..100_000u32 {
            let seq = (i % 40) as u16;
            let data: &[u8] = if i % 3 == 0 { &[] } else { &[7] };
            let offset = i.wrapping_mul(2_654_435_761) % 16_000;
            let mut datagram =
                record(22, 0, &fragment(HandshakeType::CERTIFICATE, 16_000, seq, offset, data));
            let _ = pair.server.dtls.handle_datagram(now, &mut datagram);
            largest = largest.max(pair.server.dtls.buffered_bytes());
        }
        assert!(largest <= 32 << 10, "{largest}");
        pair.drain();
        assert_eq!(pair.server.datagrams, 0);
    }
}

#[test]
fn early_protected_records_are_kept_within_bounds() {
    let mut pair = pair_of(Version::Dtls13);
    let now = pair.now;
    for i in 0..1000u16 {
        let [a, b] = i.to_be_bytes();
        let mut datagram = [&[0x2e, a, b, 4, 0][..], &[0; 1024]].concat();
        let _ = pair.client.dtls.handle_datagram(now, &mut datagram);
    }
    assert!(pair.client.dtls.buffered_bytes() <= 16 << 10);
    assert!(pair.client.dtls.stats().discards.get(Discard::EarlyRecord) > 900);
    assert!(pair.connect());
}

/// Changes every occurrence of `from` in the first datagrams of one side.
fn tamper(pair: &mut Pair, from: &[u8], to: &[u8]) {
    pair.tamper = Some((from.to_vec(), to.to_vec()));
}

#[test]
fn stripping_the_new_version_is_noticed() {
    let classic = |role| Config { groups: vec![NamedGroup::X25519], ..config(role) };
    let mut pair = Pair::new(classic(Role::Client), classic(Role::Server), 1, Link::PERFECT);
    // The type and length of supported_versions with two versions becomes that of an unknown extension.
    tamper(&mut pair, &[0, 43, 0, 5, 4], &[0xfa, 0xfa, 0, 5, 4]);
    assert!(!pair.connect());
    assert_eq!(pair.client.dtls.close_reason(), Some(CloseReason::Failed(Failure::Downgrade)));
}

#[test]
fn stripping_the_extended_master_secret_is_refused() {
    let mut pair = pair_of(Version::Dtls12);
    tamper(&mut pair, &[0, 23, 0, 0], &[0xfa, 0xfa, 0, 0]);
    assert!(!pair.connect());
    assert_eq!(pair.server.dtls.close_reason(), Some(CloseReason::Failed(Failure::NoExtendedMasterSecret)));
}

#[test]
fn without_the_extended_master_secret_an_old_peer_is_taken_only_when_asked_for() {
    let old = |role| Config { require_extended_master_secret: false, ..only(Version::Dtls12, config(role)) };
    let mut pair = Pair::new(old(Role::Client), old(Role::Server), 1, Link::PERFECT);
    tamper(&mut pair, &[0, 23, 0, 0], &[0xfa, 0xfa, 0, 0]);
    // The two transcripts differ, so Finished does not verify; but it gets that far.
    assert!(!pair.connect());
    let reason = pair.server.dtls.close_reason();
    let verified_late = [
        CloseReason::Failed(Failure::BadFinished),
        CloseReason::Failed(Failure::BadSignature(HandshakeType::CERTIFICATE_VERIFY)),
    ];
    assert!(reason.is_some_and(|reason| verified_late.contains(&reason)), "{reason:?}");
}

#[test]
fn a_client_certificate_without_proof_is_refused() {
    let mut pair = pair_of(Version::Dtls12);
    // CertificateVerify is the client's fourth message: seen as another ClientKeyExchange.
    pair.retype = Some((HandshakeType::CERTIFICATE_VERIFY, HandshakeType::CLIENT_KEY_EXCHANGE));
    assert!(!pair.connect());
    let failure = Failure::UnexpectedMessage(HandshakeType::CLIENT_KEY_EXCHANGE);
    assert_eq!(pair.server.dtls.close_reason(), Some(CloseReason::Failed(failure)));
    assert!(pair.server.connected.is_none());
}

#[test]
fn a_plaintext_finished_is_discarded() {
    let mut pair = pair_of(Version::Dtls12);
    pair.retype = Some((HandshakeType::CERTIFICATE_VERIFY, HandshakeType::FINISHED));
    assert!(!pair.connect());
    assert!(pair.server.connected.is_none());
    assert!(pair.server.dtls.stats().discards.get(Discard::Plaintext) > 0);
}

#[test]
fn a_repeated_hello_provokes_little() {
    for version in BOTH {
        let mut pair = pair_of(version);
        pair.keep_copies = true;
        assert!(pair.step());
        let hello = pair.copies[0].clone();
        pair.server.dtls.handle_timeout(pair.now);
        let before = pair.server.dtls.stats().handshake_bytes_sent;
        for _ in 0..1000 {
            pair.deliver(Role::Server, hello.clone());
            pair.drain();
        }
        let sent = pair.server.dtls.stats().handshake_bytes_sent - before;
        assert!(sent < 3 * 1000, "{version:?}: {sent} bytes for 1000 hellos within one instant");
    }
}

#[test]
fn a_discard_changes_nothing_but_counters() {
    for version in BOTH {
        let mut pair = connected(version);
        let before = (pair.server.dtls.poll_timeout(), pair.server.dtls.state());
        let now = pair.now;
        for len in 0..60 {
            for first in [0u8, 20, 21, 22, 23, 25, 26, 0x20, 0x2c, 0x2f, 0x3f, 0x80, 0xff] {
                let mut junk = vec![first; len];
                let result = pair.server.dtls.handle_datagram(now, &mut junk).map(Iterator::count);
                assert!(result.is_err(), "{version:?} {len} {first:#x}");
            }
        }
        pair.drain();
        assert_eq!((pair.server.dtls.poll_timeout(), pair.server.dtls.state()), before);
        assert!(Discard::ALL.iter().any(|reason| pair.server.dtls.stats().discards.get(*reason) > 0));
        pair.assert_works();
    }
}

#[test]
fn time_that_runs_backwards_is_harmless() {
    let mut pair = connected(Version::Dtls13);
    let past = sendrecv_core::Instant::ZERO;
    pair.server.dtls.handle_timeout(past);
    pair.client.dtls.update_key(past);
    assert_eq!(pair.server.dtls.stats().backwards_time, 1);
    pair.run(Duration::from_secs(1));
    pair.assert_works();
}

#[test]
fn spurious_timeouts_change_nothing() {
    for version in BOTH {
        let (mut calm, mut nervous) = (pair_of(version), pair_of(version));
        nervous.spurious_timeouts = true;
        assert!(calm.connect() && nervous.connect());
        calm.run(Duration::from_secs(1));
        nervous.run(Duration::from_secs(1));
        assert_eq!(calm.hash(), nervous.hash());
    }
}
