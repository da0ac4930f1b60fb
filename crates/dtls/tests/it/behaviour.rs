//! What a connection does besides the plain handshake.

use crate::common::{Link, Pair, certificate, config, only, provider};
use sendrecv_core::{Machine, PacketBuf, Seed};
use sendrecv_crypto::{HashAlgorithm, NamedGroup};
use sendrecv_dtls::{
    AlertDescription, Certificate, CloseReason, Config, ConnectionState, Event, ExportError, Failure,
    Fingerprint, Role, SealError, Version,
};
use std::time::Duration;

const BOTH: [Version; 2] = [Version::Dtls12, Version::Dtls13];

fn pair_of(version: Version) -> Pair {
    Pair::new(only(version, config(Role::Client)), only(version, config(Role::Server)), 1, Link::PERFECT)
}

fn connected(version: Version) -> Pair {
    let mut pair = pair_of(version);
    assert!(pair.connect());
    pair
}

#[test]
fn the_handshake_waits_for_late_fingerprints() {
    for version in BOTH {
        let configs = (only(version, config(Role::Client)), only(version, config(Role::Server)));
        let mut pair = Pair::without_fingerprints(configs.0, configs.1, 1, Link::PERFECT);
        pair.run(Duration::from_secs(3));
        assert!(pair.client.events.contains(&Event::FingerprintNeeded));
        assert_eq!(pair.client.dtls.state(), ConnectionState::Connecting);
        let of = |role| vec![certificate(role).fingerprint(provider(), HashAlgorithm::Sha384).unwrap()];
        let now = pair.now;
        pair.client.dtls.set_remote_fingerprints(now, of(Role::Server));
        pair.run(Duration::from_secs(3));
        assert!(pair.server.connected.is_none());
        assert_eq!(pair.server.events, [Event::FingerprintNeeded]);
        let now = pair.now;
        pair.server.dtls.set_remote_fingerprints(now, of(Role::Client));
        assert!(pair.connect(), "{version:?}");
        pair.assert_works();
    }
}

#[test]
fn a_wrong_fingerprint_ends_the_connection_with_bad_certificate() {
    let wrong = Fingerprint::new(HashAlgorithm::Sha256, &[7; 32]).unwrap();
    for version in BOTH {
        for role in [Role::Client, Role::Server] {
            let mut pair = pair_of(version);
            let now = pair.now;
            pair.end(role).dtls.set_remote_fingerprints(now, vec![wrong.clone()]);
            assert!(!pair.connect());
            let failed = CloseReason::Failed(Failure::FingerprintMismatch);
            assert_eq!(pair.end(role).dtls.close_reason(), Some(failed));
            assert_eq!(pair.end(role).dtls.state(), ConnectionState::Failed);
            let told = CloseReason::Alert(AlertDescription::BadCertificate);
            assert_eq!(pair.end(role.peer()).dtls.close_reason(), Some(told), "{version:?} {role:?}");
        }
    }
}

#[test]
fn one_matching_fingerprint_of_several_suffices() {
    let mut pair = pair_of(Version::Dtls13);
    let wrong = Fingerprint::new(HashAlgorithm::Sha256, &[7; 32]).unwrap();
    let right = certificate(Role::Server).fingerprint(provider(), HashAlgorithm::Sha512).unwrap();
    let now = pair.now;
    pair.client.dtls.set_remote_fingerprints(now, vec![wrong, right]);
    assert!(pair.connect());
}

#[test]
fn cookies_cost_a_round_trip_and_keep_the_key_share() {
    for version in BOTH {
        let server = Config { cookie: true, ..only(version, config(Role::Server)) };
        let mut pair = Pair::new(only(version, config(Role::Client)), server, 1, Link::PERFECT);
        let start = pair.now;
        assert!(pair.connect(), "{version:?} {:?} {:?}", pair.client.events, pair.server.events);
        let round_trips = if version == Version::Dtls13 { 5 } else { 6 };
        assert_eq!(pair.now - start, Link::PERFECT.delay * round_trips);
        pair.assert_works();
    }
}

#[test]
fn a_group_without_share_is_asked_for() {
    for cookie in [false, true] {
        let server = Config { groups: vec![NamedGroup::Secp384r1], cookie, ..config(Role::Server) };
        let mut pair = Pair::new(config(Role::Client), server, 1, Link::PERFECT);
        assert!(pair.connect(), "{:?} {:?}", pair.client.events, pair.server.events);
        assert_eq!(pair.client.connected.as_ref().unwrap().group, NamedGroup::Secp384r1);
        assert_eq!(pair.client.connected.as_ref().unwrap().version, Version::Dtls13);
        pair.assert_works();
    }
}

#[test]
fn the_newest_common_version_is_chosen() {
    for role in [Role::Client, Role::Server] {
        let of = |this| if this == role { only(Version::Dtls12, config(this)) } else { config(this) };
        let mut pair = Pair::new(of(Role::Client), of(Role::Server), 1, Link::PERFECT);
        assert!(pair.connect(), "{:?} {:?}", pair.client.events, pair.server.events);
        assert_eq!(pair.server.connected.as_ref().unwrap().version, Version::Dtls12);
        pair.assert_works();
    }
}

#[test]
fn a_hello_verify_request_leads_a_new_client_to_the_old_version() {
    let server = Config { cookie: true, ..only(Version::Dtls12, config(Role::Server)) };
    let mut pair = Pair::new(config(Role::Client), server, 1, Link::PERFECT);
    assert!(pair.connect());
    assert_eq!(pair.client.connected.as_ref().unwrap().version, Version::Dtls12);
}

/// A HelloVerifyRequest, message and record `seq`.
fn hello_verify_request(seq: u8, cookie: &[u8]) -> Vec<u8> {
    let body = [&[0xfe, 0xff, cookie.len() as u8], cookie].concat();
    let len = body.len() as u8;
    let record = [22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, seq, 0, 12 + len];
    [&record[..], &[3, 0, 0, len, 0, seq, 0, 0, 0, 0, 0, len], &body].concat()
}

#[test]
fn a_server_may_ask_for_a_cookie_again_but_not_forever() {
    let mut pair = pair_of(Version::Dtls12);
    pair.drain();
    pair.take_wire();
    for round in 0..4 {
        pair.deliver(Role::Client, hello_verify_request(round, &[round + 1; 20]));
        pair.drain();
        let hello = pair.take_wire().concat();
        // The message's number, and the cookie behind version, random and an empty session id.
        assert_eq!((hello[18], &hello[60..81]), (round + 1, &[&[20][..], &[round + 1; 20]].concat()[..]));
    }
    pair.deliver(Role::Client, hello_verify_request(4, &[5; 20]));
    let Some(CloseReason::Failed(Failure::UnexpectedMessage(_))) = pair.client.dtls.close_reason() else {
        panic!("{:?}", pair.client.dtls.close_reason());
    };
}

#[test]
fn a_hello_in_fragments_shows_versions_and_cookie_in_the_first() {
    let server = Config { cookie: true, ..only(Version::Dtls13, config(Role::Server)) };
    let mut pair = Pair::new(only(Version::Dtls13, config(Role::Client)), server, 1, Link::PERFECT);
    pair.keep_copies = true;
    assert!(pair.connect());
    let is_second_hello = |copy: &&Vec<u8>| copy[0] == 22 && copy[13] == 1 && copy[17..19] == [0, 1];
    let first = pair.copies.iter().find(is_second_hello).unwrap();
    assert!(first.len() < 1201 && first[13 + 1..13 + 4] != first[13 + 9..13 + 12], "not in fragments");
    // Version, random, no session id, no cookie of 1.2, the suites, one compression method, the extensions' length.
    let suites = 13 + 12 + 2 + 32 + 1 + 1;
    let extensions = suites + 2 + usize::from(u16::from_be_bytes([first[suites], first[suites + 1]])) + 2 + 2;
    let versions = usize::from(u16::from_be_bytes([first[extensions + 2], first[extensions + 3]]));
    assert_eq!((first[extensions + 1], first[extensions + 4 + versions + 1]), (43, 44));
}

#[test]
fn nothing_in_common_is_named() {
    let client = only(Version::Dtls12, config(Role::Client));
    let mut pair = Pair::new(client, only(Version::Dtls13, config(Role::Server)), 1, Link::PERFECT);
    assert!(!pair.connect());
    assert_eq!(pair.server.dtls.close_reason(), Some(CloseReason::Failed(Failure::NoCommonVersion)));
    let alert = CloseReason::Alert(AlertDescription::ProtocolVersion);
    assert_eq!(pair.client.dtls.close_reason(), Some(alert));

    let client = Config { groups: vec![NamedGroup::X25519], ..config(Role::Client) };
    let server = Config { groups: vec![NamedGroup::Secp256r1], ..config(Role::Server) };
    let mut pair = Pair::new(client, server, 1, Link::PERFECT);
    assert!(!pair.connect());
    assert_eq!(pair.server.dtls.close_reason(), Some(CloseReason::Failed(Failure::NoCommonGroup)));
}

#[test]
fn an_imported_key_without_a_common_scheme_fails_before_anything_costly() {
    let client = Config { srtp_profiles: Vec::new(), ..config(Role::Client) };
    let mut pair = Pair::new(client, config(Role::Server), 1, Link::PERFECT);
    assert!(pair.connect());
    assert_eq!(pair.client.connected.as_ref().unwrap().srtp_profile, None);
    assert!(pair.client.dtls.srtp_keys().is_none());
}

#[test]
fn srtp_keys_are_mirrored() {
    for version in BOTH {
        let pair = connected(version);
        let (client, server) = (pair.client.dtls.srtp_keys().unwrap(), pair.server.dtls.srtp_keys().unwrap());
        assert_eq!(client.local.key.expose(), server.remote.key.expose());
        assert_eq!(client.remote.key.expose(), server.local.key.expose());
        assert_eq!(client.local.salt.expose(), server.remote.salt.expose());
        assert_ne!(client.local.key.expose(), client.remote.key.expose());
        assert_eq!((client.local.key.len(), client.local.salt.len()), (16, 12));
    }
}

#[test]
fn a_wasted_round_trip_would_show() {
    for (version, server_connects_after) in [(Version::Dtls13, 3), (Version::Dtls12, 3)] {
        let mut pair = pair_of(version);
        let start = pair.now;
        assert!(pair.connect());
        let after = |end: &crate::common::End| end.connected_at.unwrap() - start;
        assert_eq!(after(&pair.server), Link::PERFECT.delay * server_connects_after);
        let client_connects_after = if version == Version::Dtls13 { 2 } else { 4 };
        assert_eq!(after(&pair.client), Link::PERFECT.delay * client_connects_after);
    }
}

/// Half round trips from the first hello, and datagrams both ways, until the first data of one side is there.
#[test]
fn first_data_takes_no_longer_than_the_handshake_needs() {
    for (version, from, half_round_trips, datagrams) in [
        // Behind the client's Finished, which nothing has to answer.
        (Version::Dtls13, Role::Client, 3, 4),
        (Version::Dtls13, Role::Server, 4, 5),
        // The client's Finished, the server's, data.
        (Version::Dtls12, Role::Server, 4, 5),
        (Version::Dtls12, Role::Client, 5, 5),
    ] {
        let classic = |role| Config { groups: vec![NamedGroup::X25519], ..only(version, config(role)) };
        let mut pair = Pair::new(classic(Role::Client), classic(Role::Server), 1, Link::PERFECT);
        let start = pair.now;
        pair.keep_copies = true;
        while pair.end(from).connected.is_none() {
            assert!(pair.step());
        }
        pair.send(from, b"first");
        let sent = pair.copies.len();
        while pair.end(from.peer()).received.is_empty() {
            assert!(pair.step());
        }
        assert_eq!(pair.now - start, Link::PERFECT.delay * half_round_trips, "{version:?} {from:?}");
        assert_eq!(sent, datagrams, "{version:?} {from:?}");
    }
}

#[test]
fn four_datagrams_make_a_handshake() {
    for version in BOTH {
        let classic = |role| Config { groups: vec![NamedGroup::X25519], ..only(version, config(role)) };
        let mut pair = Pair::new(classic(Role::Client), classic(Role::Server), 1, Link::PERFECT);
        assert!(pair.connect());
        pair.run(Duration::from_secs(5));
        assert_eq!(pair.client.datagrams + pair.server.datagrams, 4, "{version:?}");
    }
}

#[test]
fn the_clients_first_data_arrives_with_its_last_flight() {
    let mut pair = pair_of(Version::Dtls13);
    while pair.client.connected.is_none() {
        pair.step();
    }
    pair.send(Role::Client, b"first");
    assert!(pair.connect());
    assert_eq!(pair.server.received, [b"first"]);
}

#[test]
fn data_that_overtakes_the_handshakes_end_is_kept_and_delivered_after_it() {
    let mut pair = pair_of(Version::Dtls13);
    while pair.client.connected.is_none() {
        pair.step();
    }
    pair.drain();
    let finished = pair.take_wire();
    assert!(!finished.is_empty());
    let early: Vec<_> = (0..3u8).map(|i| pair.seal(Role::Client, &[i; 100])).collect();
    for datagram in early {
        pair.deliver(Role::Server, datagram);
    }
    assert_eq!(pair.server.dtls.poll_early_data(), None, "the client is not verified yet");
    assert!(pair.server.received.is_empty() && pair.server.dtls.buffered_bytes() > 300);
    for datagram in finished {
        pair.deliver(Role::Server, datagram);
    }
    assert!(pair.server.connected.is_some());
    let delivered: Vec<_> = std::iter::from_fn(|| pair.server.dtls.poll_early_data()).collect();
    assert_eq!(delivered, (0..3u8).map(|i| vec![i; 100]).collect::<Vec<_>>());
    assert_eq!((pair.server.dtls.buffered_bytes(), pair.server.dtls.stats().records_opened), (0, 3));
    pair.assert_works();
}

#[test]
fn data_of_a_1_2_server_that_overtakes_its_finished_is_kept() {
    let mut pair = pair_of(Version::Dtls12);
    while pair.server.connected.is_none() {
        pair.step();
    }
    pair.drain();
    let finished = pair.take_wire();
    let early = pair.seal(Role::Server, b"early");
    pair.deliver(Role::Client, early);
    assert_eq!((pair.client.received.len(), pair.client.dtls.poll_early_data()), (0, None));
    for datagram in finished {
        pair.deliver(Role::Client, datagram);
    }
    assert_eq!(pair.client.dtls.poll_early_data().as_deref(), Some(&b"early"[..]));
    pair.assert_works();
}

#[test]
fn early_data_is_bounded_and_goes_with_a_failed_handshake() {
    let mut pair = pair_of(Version::Dtls13);
    while pair.client.connected.is_none() {
        pair.step();
    }
    pair.drain();
    let finished = pair.take_wire();
    for _ in 0..100 {
        let datagram = pair.seal(Role::Client, &[7; 1000]);
        pair.deliver(Role::Server, datagram);
    }
    assert!(pair.server.dtls.buffered_bytes() <= 16 << 10);
    let wrong = Fingerprint::new(HashAlgorithm::Sha256, &[7; 32]).unwrap();
    let now = pair.now;
    pair.server.dtls.set_remote_fingerprints(now, vec![wrong]);
    for datagram in finished {
        pair.deliver(Role::Server, datagram);
    }
    assert_eq!(pair.server.dtls.close_reason(), Some(CloseReason::Failed(Failure::FingerprintMismatch)));
    assert_eq!((pair.server.dtls.poll_early_data(), pair.server.dtls.buffered_bytes()), (None, 0));
}

#[test]
fn a_lost_server_hello_is_asked_for_with_an_empty_ack() {
    let mut pair = pair_of(Version::Dtls13);
    pair.drain();
    while pair.server.datagrams == 0 {
        pair.step();
    }
    pair.drain();
    let mut flight = pair.take_wire();
    assert!(flight.len() > 1, "the rest came in other datagrams");
    flight.remove(0);
    let start = pair.now;
    for datagram in flight {
        pair.post(Role::Client, datagram);
    }
    pair.keep_copies = true;
    while pair.client.connected.is_none() {
        assert!(pair.step());
    }
    let ack = pair.copies.iter().find(|copy| copy[0] == 26).unwrap();
    assert_eq!((&ack[3..5], &ack[11..]), (&[0, 0][..], &[0, 2, 0, 0][..]));
    // The client's timeout is 50 ms, and the server's too: a quarter of it and one round trip.
    assert!(pair.now - start <= Duration::from_millis(13) + Link::PERFECT.delay * 3);
    assert!(pair.connect());
}

#[test]
fn a_lost_last_acknowledgement_is_sent_again() {
    let mut pair = pair_of(Version::Dtls13);
    while pair.server.connected.is_none() {
        pair.step();
    }
    for round in 1..4 {
        pair.lose_everything_in_flight();
        while pair.client.dtls.stats().retransmissions < round {
            assert!(pair.step());
            if pair.client.dtls.stats().retransmissions < round {
                pair.lose_everything_in_flight();
            }
        }
    }
    pair.run(Duration::from_secs(5));
    let sent = pair.client.datagrams;
    pair.run(Duration::from_secs(60));
    assert_eq!(pair.client.datagrams, sent, "the client has heard of it");
    pair.assert_works();
}

#[test]
fn whoever_answers_a_repeated_hello_is_followed_whatever_its_version() {
    for version in BOTH {
        for lost in [1, 3] {
            let mut pair =
                Pair::new(config(Role::Client), only(version, config(Role::Server)), 1, Link::PERFECT);
            while pair.client.dtls.stats().retransmissions < lost {
                pair.lose_everything_in_flight();
                assert!(pair.step());
            }
            assert!(pair.connect(), "{version:?}");
            assert_eq!(pair.client.connected.as_ref().unwrap().version, version);
            pair.assert_works();
        }
    }
}

#[test]
fn a_1_2_client_never_acknowledges() {
    let mut pair = pair_of(Version::Dtls12);
    while pair.server.connected.is_none() {
        pair.step();
    }
    // The client's last flight comes again, so the server's does.
    pair.drain();
    let first = pair.take_wire();
    while pair.client.dtls.stats().retransmissions == 0 {
        assert!(pair.step());
    }
    for datagram in first {
        pair.deliver(Role::Client, datagram);
    }
    let sent = pair.client.datagrams;
    pair.run(Duration::from_secs(3));
    assert!(pair.server.dtls.stats().retransmissions > 0);
    assert_eq!(pair.client.datagrams, sent);
    pair.assert_works();
}

#[test]
fn records_of_one_datagram_all_arrive() {
    for version in BOTH {
        let mut pair = connected(version);
        let datagram: Vec<u8> = (0..40u8).flat_map(|i| pair.seal(Role::Client, &[i; 10])).collect();
        pair.deliver(Role::Server, datagram);
        assert_eq!(pair.server.received, (0..40u8).map(|i| vec![i; 10]).collect::<Vec<_>>());
    }
}

#[test]
fn closing_is_told_to_the_peer_and_is_final() {
    for version in BOTH {
        let mut pair = connected(version);
        let now = pair.now;
        pair.client.dtls.close(now);
        pair.client.dtls.close(now);
        pair.run(Duration::from_secs(1));
        assert_eq!(pair.client.dtls.close_reason(), Some(CloseReason::Local));
        assert_eq!(pair.server.dtls.close_reason(), Some(CloseReason::Peer));
        assert_eq!(pair.server.dtls.state(), ConnectionState::Closed);
        let mut slab = [0; 100];
        let mut packet = PacketBuf::new(&mut slab, 40, 40);
        assert_eq!(pair.server.dtls.seal(now, &mut packet), Err(SealError::Closed));
        let closed = pair.client.events.iter().filter(|event| matches!(event, Event::Closed(_))).count();
        assert_eq!((closed, pair.client.dtls.poll_timeout()), (1, None));
        let export = pair.client.dtls.export_keying_material("label", None, &mut [0; 8]);
        assert_eq!(export, Err(ExportError::NotConnected));
    }
}

#[test]
fn keys_change_while_data_flows() {
    let update_often = |role| Config { key_update_after: 10, ..only(Version::Dtls13, config(role)) };
    let link = Link { loss: 20, reorder: 10, duplication: 10, ..Link::PERFECT };
    let mut pair = Pair::new(update_often(Role::Client), update_often(Role::Server), 5, link);
    assert!(pair.connect());
    for i in 0..1000u32 {
        pair.send(Role::Client, &i.to_be_bytes());
        pair.send(Role::Server, &i.to_be_bytes());
        pair.run(Duration::from_millis(20));
    }
    for end in [&pair.client, &pair.server] {
        let stats = end.dtls.stats();
        assert!(stats.key_updates_sent > 10 && stats.key_updates_received > 10, "{stats:?}");
        assert!(end.received.len() > 700, "{} {stats:?}", end.received.len());
    }
    pair.assert_works();
}

#[test]
fn an_update_can_be_asked_for() {
    let mut pair = connected(Version::Dtls13);
    let now = pair.now;
    pair.server.dtls.update_key(now);
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.server.dtls.stats().key_updates_sent, 1);
    assert_eq!(pair.client.dtls.stats().key_updates_received, 1);
    pair.assert_works();
}

#[test]
fn a_lowered_mtu_recuts_the_flight() {
    let mut pair = pair_of(Version::Dtls12);
    pair.drain();
    while pair.server.datagrams == 0 {
        pair.step();
    }
    let before = pair.server.largest;
    pair.server.largest = 0;
    pair.server.dtls.set_mtu(300);
    pair.client.dtls.set_mtu(300);
    pair.lose_everything_in_flight();
    assert!(pair.connect());
    assert!(before > 300 && pair.server.largest <= 300);
}

#[test]
fn a_silent_peer_ends_the_handshake_in_time() {
    let mut pair = pair_of(Version::Dtls13);
    let start = pair.now;
    while pair.client.dtls.close_reason().is_none() {
        pair.lose_everything_in_flight();
        assert!(pair.step());
    }
    assert_eq!(pair.client.dtls.close_reason(), Some(CloseReason::HandshakeTimeout));
    assert_eq!(pair.now - start, Duration::from_secs(60));
}

#[test]
fn one_seed_gives_one_certificate_and_one_hello() {
    let hello = |seed| {
        let mut dtls = sendrecv_dtls::Dtls::new(
            config(Role::Client),
            Role::Client,
            &Seed::from_u64(seed),
            Default::default(),
        );
        let mut slab = [0; 1500];
        let mut out = PacketBuf::new(&mut slab, 0, 0);
        dtls.poll_transmit(Default::default(), &mut out).unwrap();
        out.finish().to_vec()
    };
    assert_eq!(hello(1), hello(1));
    assert_ne!(hello(1), hello(2));
    let make = |seed| Certificate::generate(provider(), &Seed::from_u64(seed), 0, 31).unwrap();
    assert_eq!(make(1).der(), make(1).der());
}

#[test]
fn only_the_first_hello_has_the_old_record_version() {
    let server = Config { cookie: true, ..only(Version::Dtls12, config(Role::Server)) };
    let mut pair = Pair::new(config(Role::Client), server, 1, Link::PERFECT);
    pair.keep_copies = true;
    assert!(pair.connect());
    let versions: Vec<u8> = pair.copies.iter().map(|datagram| datagram[2]).collect();
    assert_eq!(versions[..2], [0xff, 0xff], "the hello takes two datagrams");
    assert!(versions[2..].iter().all(|version| *version == 0xfd), "{versions:x?}");
}
