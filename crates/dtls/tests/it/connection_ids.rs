//! Connection IDs, in both versions (RFC 9146; RFC 9147, section 9).

use crate::common::{Link, Pair, config, only};
use proptest::prelude::*;
use sendrecv_core::{Instant, Machine};
use sendrecv_dtls::{Config, ConnectionId, ConnectionIdError, ConnectionIdUsage, Discard, Role, Version};
use std::time::Duration;

const BOTH: [Version; 2] = [Version::Dtls12, Version::Dtls13];

fn id(bytes: &[u8]) -> ConnectionId {
    ConnectionId::new(bytes).unwrap()
}

/// A pair whose ends want these IDs in what they receive; `None`: they know nothing of IDs.
fn pair(version: Version, client: Option<&[u8]>, server: Option<&[u8]>, link: Link) -> Pair {
    let with =
        |role, wanted: Option<&[u8]>| Config { connection_id: wanted.map(id), ..only(version, config(role)) };
    let mut pair = Pair::new(with(Role::Client, client), with(Role::Server, server), 3, link);
    pair.keep_copies = true;
    pair
}

fn connected(version: Version, client: &[u8], server: &[u8]) -> Pair {
    let mut pair = pair(version, Some(client), Some(server), Link::PERFECT);
    assert!(pair.connect(), "{:?} {:?}", pair.client.events, pair.server.events);
    pair.run(Duration::from_secs(1));
    pair
}

/// The ID in a protected record, if it has a field for one.
fn id_in(record: &[u8], len: usize) -> Option<&[u8]> {
    match record[0] {
        25 => Some(&record[11..11 + len]),
        first if first & 0xf0 == 0x30 => Some(&record[1..1 + len]),
        _ => None,
    }
}

#[test]
fn each_side_sends_what_the_other_wants() {
    for version in BOTH {
        for (client, server) in [(&b"cl"[..], &b"server"[..]), (b"c", b""), (b"", b"s"), (b"", b"")] {
            let mut pair = connected(version, client, server);
            for (from, wanted) in [(Role::Client, server), (Role::Server, client)] {
                let record = pair.seal(from, b"data");
                let expected = Some(wanted).filter(|wanted| !wanted.is_empty());
                assert_eq!(id_in(&record, wanted.len()), expected, "{version:?} {from:?}");
                let dtls = &pair.end(from).dtls;
                assert_eq!(record.len(), 4 + dtls.overhead());
                assert_eq!(dtls.remote_connection_id().map(ConnectionId::as_bytes), expected);
                let peer = &pair.end(from.peer()).dtls;
                assert_eq!(peer.local_connection_id().map(ConnectionId::as_bytes), expected);
            }
            pair.server.received.clear();
            pair.client.received.clear();
            let mut pair = connected(version, client, server);
            pair.assert_works();
        }
    }
}

#[test]
fn who_knows_nothing_of_them_gets_none() {
    for version in BOTH {
        for (client, server) in [(Some(&b"c"[..]), None), (None, Some(&b"s"[..])), (None, None)] {
            let mut pair = pair(version, client, server, Link::PERFECT);
            assert!(pair.connect());
            pair.run(Duration::from_secs(1));
            assert!(pair.copies.iter().all(|copy| id_in(copy, 0).is_none()), "{version:?}");
            assert_eq!(
                (pair.client.dtls.local_connection_id(), pair.server.dtls.remote_connection_id()),
                (None, None)
            );
            let now = pair.now;
            assert_eq!(
                pair.client.dtls.request_connection_ids(now, 1),
                Err(ConnectionIdError::NotNegotiated)
            );
            pair.assert_works();
        }
    }
}

/// What is behind the plaintext records of a datagram.
fn protected(mut datagram: &[u8]) -> &[u8] {
    while datagram.first().is_some_and(|first| (20..25).contains(first)) {
        let len = 13 + usize::from(u16::from_be_bytes([datagram[11], datagram[12]]));
        datagram = &datagram[len..];
    }
    datagram
}

#[test]
fn the_protected_part_of_the_handshake_carries_them() {
    for version in BOTH {
        let pair = connected(version, b"client", b"server");
        let mut named =
            pair.copies.iter().map(|copy| protected(copy)).filter(|rest| !rest.is_empty()).peekable();
        assert!(named.peek().is_some());
        assert!(named.all(|record| [&b"client"[..], b"server"].contains(&id_in(record, 6).unwrap())));
    }
}

#[test]
fn records_without_the_id_or_with_another_are_discarded() {
    for version in BOTH {
        let mut named = connected(version, b"", b"server");
        // Same keys, as the seed is the same, but nobody wants an ID.
        let mut plain = connected(version, b"", b"");
        let without = plain.seal(Role::Client, b"data");
        let mut other = named.seal(Role::Client, b"data");
        let at = if version == Version::Dtls12 { 11 } else { 1 };
        other[at] ^= 1;
        // What follows a record of another connection in a datagram is not looked at.
        let behind = [other.clone(), named.seal(Role::Client, b"behind")].concat();
        for datagram in [without, other, behind] {
            let mut datagram = datagram;
            let now = named.now;
            let result = named.server.dtls.handle_datagram(now, &mut datagram).map(Iterator::count);
            assert_eq!(result, Err(Discard::UnknownConnectionId), "{version:?}");
        }
        let mut unwanted = named.seal(Role::Client, b"data");
        let now = plain.now;
        let result = plain.server.dtls.handle_datagram(now, &mut unwanted).map(Iterator::count);
        assert_eq!(result, Err(Discard::UnknownConnectionId), "{version:?}");
        named.assert_works();
        plain.assert_works();
    }
}

#[test]
fn handshakes_with_ids_of_any_length_complete_on_bad_networks() {
    let link = Link { loss: 30, reorder: 20, duplication: 20, ..Link::PERFECT };
    for version in BOTH {
        for (client, server) in
            [(vec![1; 255], vec![2; 255]), (vec![1; 1], vec![2; 20]), (Vec::new(), vec![2; 8])]
        {
            let mut pair = pair(version, Some(&client), Some(&server), link);
            assert!(pair.connect(), "{version:?} {:?} {:?}", pair.client.events, pair.server.events);
            assert!(pair.client.largest <= 1200 && pair.server.largest <= 1200);
            pair.assert_works();
        }
    }
}

#[test]
fn spare_ids_are_asked_for_and_used_on_a_new_path() {
    let mut pair = connected(Version::Dtls13, b"cl", b"se");
    let now = pair.now;
    assert!(!pair.client.dtls.use_spare_connection_id(now));
    pair.client.dtls.request_connection_ids(now, 2).unwrap();
    assert_eq!(pair.client.dtls.request_connection_ids(now, 2), Err(ConnectionIdError::Outstanding));
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.server.dtls.requested_connection_ids(), Some(2));
    let now = pair.now;
    let offer = pair.server.dtls.offer_connection_ids(now, &[id(b"longer")], ConnectionIdUsage::Spare);
    assert_eq!(offer, Err(ConnectionIdError::OtherLength));
    pair.server.dtls.offer_connection_ids(now, &[id(b"s2"), id(b"s3")], ConnectionIdUsage::Spare).unwrap();
    pair.run(Duration::from_secs(1));
    for expected in [b"se", b"s2", b"s3"] {
        let record = pair.seal(Role::Client, b"data");
        assert_eq!(id_in(&record, 2), Some(&expected[..]));
        pair.deliver(Role::Server, record);
        let now = pair.now;
        assert_eq!(pair.client.dtls.use_spare_connection_id(now), *expected != *b"s3");
    }
    assert_eq!(pair.server.received.len(), 3);
    let now = pair.now;
    pair.client.dtls.request_connection_ids(now, 1).unwrap();
    pair.run(Duration::from_secs(1));
    pair.assert_works();
}

#[test]
fn an_immediate_id_replaces_those_before() {
    let mut pair = connected(Version::Dtls13, b"cl", b"se");
    let now = pair.now;
    pair.server.dtls.offer_connection_ids(now, &[id(b"s1")], ConnectionIdUsage::Spare).unwrap();
    pair.run(Duration::from_secs(1));
    let now = pair.now;
    pair.server
        .dtls
        .offer_connection_ids(now, &[id(b"s2"), id(b"s3")], ConnectionIdUsage::Immediate)
        .unwrap();
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.client.dtls.remote_connection_id(), Some(&id(b"s2")));
    let now = pair.now;
    assert!(pair.client.dtls.use_spare_connection_id(now));
    assert_eq!(pair.client.dtls.remote_connection_id(), Some(&id(b"s3")));
    assert!(!pair.client.dtls.use_spare_connection_id(now));
    pair.assert_works();
}

#[test]
fn ids_and_keys_change_together_on_bad_networks() {
    let link = Link { loss: 20, reorder: 10, duplication: 10, ..Link::PERFECT };
    let often = |role, own: &[u8]| Config {
        key_update_after: 10,
        connection_id: Some(id(own)),
        ..only(Version::Dtls13, config(role))
    };
    let mut pair = Pair::new(often(Role::Client, b"cl"), often(Role::Server, b"se"), 5, link);
    assert!(pair.connect());
    for i in 0..300u32 {
        pair.send(Role::Client, &i.to_be_bytes());
        pair.send(Role::Server, &i.to_be_bytes());
        let now = pair.now;
        if i % 20 == 0 {
            let next = id(&[b'c', i as u8]);
            let _ = pair.client.dtls.offer_connection_ids(now, &[next], ConnectionIdUsage::Immediate);
            let _ = pair.client.dtls.request_connection_ids(now, 3);
        }
        pair.run(Duration::from_millis(20));
    }
    assert!(pair.server.dtls.remote_connection_id() != Some(&id(b"cl")));
    assert!(pair.client.dtls.stats().key_updates_sent > 5);
    pair.assert_works();
}

#[test]
fn a_flood_of_offers_is_bounded() {
    let mut pair = connected(Version::Dtls13, b"cl", b"se");
    let many: Vec<_> = (0..15).map(|i| id(&[b's', i])).collect();
    let now = pair.now;
    pair.server.dtls.offer_connection_ids(now, &many, ConnectionIdUsage::Spare).unwrap();
    pair.run(Duration::from_secs(1));
    let now = pair.now;
    let more = pair.server.dtls.offer_connection_ids(now, &[id(b"xx")], ConnectionIdUsage::Spare);
    assert_eq!(more, Err(ConnectionIdError::TooMany));
    let kept = (0..20).filter(|_| pair.client.dtls.use_spare_connection_id(now)).count();
    assert_eq!(kept, 8, "the rest is discarded");
}

#[test]
fn only_newer_authentic_datagrams_may_move_the_peer() {
    for version in BOTH {
        let mut pair = connected(version, b"", b"server");
        let [first, second] = [b"1", b"2"].map(|data| pair.seal(Role::Client, data));
        let mut forged = second.clone();
        *forged.last_mut().unwrap() ^= 1;
        let moved: Vec<bool> = [forged, second.clone(), first, second]
            .into_iter()
            .map(|datagram| {
                pair.deliver(Role::Server, datagram);
                pair.server.dtls.is_newest()
            })
            .collect();
        assert_eq!(moved, [false, true, false, false], "{version:?}");
        assert_eq!(pair.server.received, [b"2", b"1"]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_pair_of_ids_works(
        client in prop::collection::vec(any::<u8>(), 0..256),
        server in prop::collection::vec(any::<u8>(), 0..256),
        is_13: bool,
    ) {
        let version = if is_13 { Version::Dtls13 } else { Version::Dtls12 };
        let mut pair = pair(version, Some(&client), Some(&server), Link::PERFECT);
        prop_assert!(pair.connect());
        pair.assert_works();
    }

    #[test]
    fn junk_behind_an_id_never_panics(mut junk in prop::collection::vec(any::<u8>(), 1..80), first in 0usize..4) {
        let mut pair = connected(Version::Dtls13, b"", b"server");
        junk[0] = [0x3f, 0x30, 25, 0x2f][first];
        let deadline = pair.server.dtls.poll_timeout();
        let _ = pair.server.dtls.handle_datagram(Instant::MAX, &mut junk).map(Iterator::count);
        prop_assert_eq!(pair.server.dtls.poll_timeout(), deadline);
    }
}
