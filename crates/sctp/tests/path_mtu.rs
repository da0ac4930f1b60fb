//! Path MTU discovery: packets grow to what passes, shrink when that no longer does, and lose no data over it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions, missing_docs)]

mod support;

use sendrecv_core::Seed;
use sendrecv_sctp::wire::{InitExtensions, kind};
use sendrecv_sctp::{Association, Config, Discard, SendOptions};
use std::time::Duration;
use support::{Link, Pair, deep, payload, played, seed_number};

const RELIABLE: SendOptions = SendOptions { unordered: false, lifetime: None, max_retransmits: None };

fn searching(max_probe_size: usize, link: Link) -> Pair<Association> {
    Pair::connected(&Config { max_probe_size, ..Config::default() }, link, seed_number())
}

/// On a path that was found to be as wide as is asked for.
fn wide() -> Pair<Association> {
    let mut pair = searching(1432, Link::default());
    pair.run(Duration::from_secs(5));
    pair
}

/// From now on neither way carries longer packets.
fn set_mtu(pair: &mut Pair<Association>, mtu: usize) {
    let link = Link { mtu, ..Link::default() };
    pair.set_links(link, link);
}

/// Sends messages of this length, and returns the longest packet with which they arrived.
fn longest_packet(pair: &mut Pair<Association>, count: u32, len: usize) -> usize {
    pair.log = Some(Vec::new());
    for number in 0..count {
        pair.a.send(pair.now, 0, 51, payload(number, len), RELIABLE).unwrap();
    }
    let mut received = Vec::new();
    pair.run_until(Duration::from_secs(60), |pair| {
        received.extend(pair.take_b_messages());
        received.len() == count as usize
    });
    for (number, message) in (0..).zip(&received) {
        assert_eq!(message.data, payload(number, len));
    }
    let sent = pair.log.take().unwrap();
    sent.iter().filter(|(from_a, _)| *from_a).map(|(_, packet)| packet.len()).max().unwrap()
}

#[test]
fn packets_grow_to_what_the_path_passes() {
    for (limit, mtu, least) in
        [(1432, 1432, 1400), (1432, 1380, 1340), (8972, 65_535, 8900), (8972, 4000, 3900)]
    {
        let mut pair = searching(limit, Link { mtu, ..Link::default() });
        pair.run(Duration::from_secs(20));
        let found = pair.a.stats().max_packet_size;
        assert!((least..=mtu.min(limit)).contains(&found), "{limit} {mtu}: {found}");
        let used = longest_packet(&mut pair, 20, 50_000);
        assert!(used <= found && (used + 180 > found), "{used} of {found}");
    }
}

#[test]
fn a_path_that_shrinks_silently_costs_two_timeouts_and_no_data() {
    let mut pair = wide();
    assert_eq!(pair.a.stats().max_packet_size, 1432);
    set_mtu(&mut pair, 1200);
    longest_packet(&mut pair, 20, 50_000);
    let stats = pair.a.stats();
    assert_eq!((stats.max_packet_size, stats.timeouts), (1200, 2));
    // The search that follows finds nothing; it is repeated after ten minutes, when the path is wide again.
    pair.run(Duration::from_secs(30));
    pair.set_links(Link::default(), Link::default());
    pair.run(Duration::from_secs(500));
    assert_eq!(pair.a.stats().max_packet_size, 1200);
    pair.run(Duration::from_secs(200));
    assert!(pair.a.stats().max_packet_size >= 1400);
}

#[test]
fn a_black_hole_in_the_middle_of_bulk_costs_about_a_second() {
    // 40 Mbit/s, 50 ms: 200 messages take 1.6 s.
    let wide = Link {
        delay: Duration::from_millis(25),
        rate: Some(5_000_000),
        queue: Duration::from_millis(50),
        ..Link::default()
    };
    let mut pair = searching(1432, wide);
    pair.run(Duration::from_secs(5));
    let begin = pair.now;
    for number in 0..200 {
        pair.a.send(pair.now, 0, 51, payload(number, 40_000), RELIABLE).unwrap();
    }
    pair.run(Duration::from_millis(500));
    let small = Link { mtu: 1200, ..wide };
    pair.set_links(small, small);
    let mut received = 0;
    pair.run_until(Duration::from_secs(60), |pair| {
        received += pair.take_b_messages().len();
        received == 200
    });
    assert!(pair.now - begin < Duration::from_secs(4), "{:?}", pair.now - begin);
}

#[test]
fn after_a_black_hole_the_search_finds_what_is_left() {
    let mut pair = wide();
    set_mtu(&mut pair, 1350);
    longest_packet(&mut pair, 20, 50_000);
    pair.run(Duration::from_secs(10));
    let found = pair.a.stats().max_packet_size;
    assert!((1310..=1350).contains(&found), "{found}");
}

#[test]
fn short_messages_that_go_on_arriving_do_not_hide_a_black_hole() {
    let mut pair = wide();
    set_mtu(&mut pair, 1200);
    pair.a.send(pair.now, 0, 51, payload(0, 1_000_000), RELIABLE).unwrap();
    let begin = pair.now;
    // One every 20 ms, acknowledged by themselves: nothing ever times out for long.
    for number in 0..100 {
        pair.a.send(pair.now, 1, 51, payload(number, 50), RELIABLE).unwrap();
        pair.run(Duration::from_millis(20));
    }
    assert_eq!(pair.a.stats().max_packet_size, 1200);
    pair.run_until(Duration::from_secs(10), |pair| pair.take_b_messages().iter().any(|m| m.data.len() > 50));
    assert!(pair.now - begin < Duration::from_secs(5), "{:?}", pair.now - begin);
}

#[test]
fn losses_of_every_size_leave_the_size_alone() {
    let lossy = Link { loss: 20, ..Link::default() };
    let mut pair = searching(1432, lossy);
    longest_packet(&mut pair, 40, 50_000);
    pair.run(Duration::from_secs(5));
    assert_eq!(pair.a.stats().max_packet_size, 1432);
}

#[test]
fn any_path_is_found_and_followed_without_loss_of_a_message() {
    let cases = if deep() { 1000 } else { 30 };
    let mut rng = Seed::from_u64(seed_number()).rng();
    for case in 0..cases {
        let mut size = || 1200 + rng.below(1400) as usize;
        let (limit, [first, then]) = (size(), [size(), size()]);
        let loss = rng.below(3) * 10;
        let link = |mtu| Link { mtu, loss, ..Link::default() };
        let what = format!("case {case}: to {limit}, {first} and then {then}, {loss} per thousand lost");
        let mut pair = Pair::connected(
            &Config { max_probe_size: limit, ..Config::default() },
            link(first),
            seed_number() + case,
        );
        pair.run(Duration::from_secs(60));
        let found = pair.a.stats().max_packet_size;
        assert!(found <= first.min(limit).max(1200) && found + 80 > first.min(limit), "{what}: {found}");
        pair.set_links(link(then), link(then));
        longest_packet(&mut pair, 10, 30_000);
        pair.run(Duration::from_secs(60));
        assert!(pair.a.stats().max_packet_size <= then, "{what}");
    }
}

/// A packet to a, with the tag that b uses, of one HEARTBEAT ACK.
fn heartbeat_ack(tag: u32, nonce: u64, size: u32) -> Vec<u8> {
    let mut value = vec![0, 1, 0, 16];
    value.extend(nonce.to_be_bytes());
    value.extend(size.to_be_bytes());
    played::packet(tag, &played::chunk(kind::HEARTBEAT_ACK, 0, &value))
}

#[test]
fn an_answer_without_the_number_of_the_probe_raises_nothing_nor_does_one_that_claims_a_larger_size() {
    let mut pair = searching(1432, Link { mtu: 1300, ..Link::default() });
    pair.log = Some(Vec::new());
    pair.run(Duration::from_millis(100));
    let log = pair.log.take().unwrap();
    let probe = &log.iter().find(|(from_a, packet)| *from_a && packet.len() == 1432).unwrap().1;
    let to_a = &log.iter().find(|(from_a, packet)| !from_a && packet.len() == 1432).unwrap().1;
    let tag = u32::from_be_bytes(to_a[4..8].try_into().unwrap());
    let nonce = u64::from_be_bytes(probe[20..28].try_into().unwrap());
    for forged in [0, 1, nonce ^ 1, nonce.swap_bytes(), u64::MAX] {
        let answer = heartbeat_ack(tag, forged, 1432);
        assert_eq!(pair.a.handle_datagram(pair.now, &answer), Err(Discard::Unexpected));
    }
    assert_eq!(pair.a.stats().max_packet_size, 1200);
    // What counts is the size that was sent.
    pair.a.handle_datagram(pair.now, &heartbeat_ack(tag, nonce, 60_000)).unwrap();
    assert_eq!(pair.a.stats().max_packet_size, 1432);
    // It is good once.
    let again = pair.a.handle_datagram(pair.now, &heartbeat_ack(tag, nonce, 1432));
    assert_eq!(again, Err(Discard::Unexpected));
}

#[test]
fn an_answer_to_a_probe_of_the_path_before_says_nothing_of_this_one() {
    let mut pair = searching(1432, Link::default());
    pair.run(Duration::from_millis(5));
    let now = pair.now;
    pair.a.set_packet_sizes(now, 1160, 1160);
    pair.run(Duration::from_secs(5));
    assert_eq!(pair.a.stats().max_packet_size, 1160);
}

#[test]
fn a_smaller_budget_from_below_holds_at_once_and_the_search_begins_anew() {
    let mut pair = wide();
    // As when a relay's header comes on top.
    let now = pair.now;
    pair.a.set_packet_sizes(now, 1100, 1432);
    assert_eq!(pair.a.stats().max_packet_size, 1100);
    set_mtu(&mut pair, 1332);
    assert!(longest_packet(&mut pair, 3, 20_000) <= 1432, "probes only are longer");
    pair.run(Duration::from_secs(20));
    let found = pair.a.stats().max_packet_size;
    assert!((1290..=1332).contains(&found), "{found}");
}

#[test]
fn probes_that_get_lost_by_chance_are_tried_again_and_are_no_congestion() {
    let mut pair = searching(1432, Link::default());
    let mut probes = 0;
    pair.filter = Some(Box::new(move |from_a, packet| {
        let probe = from_a && packet.len() > 1200;
        probes += u32::from(probe);
        !probe || probes > 2
    }));
    let before = pair.a.stats().congestion_window;
    pair.run(Duration::from_secs(20));
    assert_eq!((pair.a.stats().max_packet_size, pair.a.stats().congestion_window), (1432, before));
}

#[test]
fn peers_of_which_it_is_not_known_that_they_skip_unknown_chunks_get_no_probes() {
    let plain = InitExtensions { interleaving: false, zero_checksum: false, ..played::ALL };
    for (extensions, takes_probes) in [(played::ALL, true), (plain, false)] {
        let config = Config { max_probe_size: 1432, ..Config::default() };
        let mut peer = played::Played::established(config, extensions);
        peer.waits(Duration::from_millis(100));
        assert_eq!(peer.hears_kinds().contains(&kind::PAD), takes_probes);
    }
}

#[test]
fn without_a_larger_limit_nothing_is_probed() {
    let mut pair = searching(0, Link::default());
    pair.log = Some(Vec::new());
    pair.run(Duration::from_secs(20));
    assert!(pair.log.take().unwrap().iter().all(|(_, packet)| packet.len() <= 1200));
}
