//! Path MTU discovery: packets grow to what passes, shrink when that no longer does, and lose no data over it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions, missing_docs)]

mod support;

use sendrecv_sctp::{Association, Config, SendOptions};
use std::time::Duration;
use support::{Link, Pair, payload, seed_number};

const RELIABLE: SendOptions = SendOptions { unordered: false, lifetime: None, max_retransmits: None };

fn searching(max_probe_size: usize, link: Link) -> Pair<Association> {
    Pair::connected(&Config { max_probe_size, ..Config::default() }, link, seed_number())
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
    let mut pair = searching(1432, Link::default());
    pair.run(Duration::from_secs(5));
    assert_eq!(pair.a.stats().max_packet_size, 1432);
    let small = Link { mtu: 1200, ..Link::default() };
    pair.set_links(small, small);
    longest_packet(&mut pair, 20, 50_000);
    let stats = pair.a.stats();
    assert_eq!((stats.max_packet_size, stats.timeouts), (1200, 2));
    // No search for ten minutes; then the path is wide again.
    pair.set_links(Link::default(), Link::default());
    pair.run(Duration::from_secs(500));
    assert_eq!(pair.a.stats().max_packet_size, 1200);
    pair.run(Duration::from_secs(200));
    assert!(pair.a.stats().max_packet_size >= 1400);
}

#[test]
fn a_smaller_budget_from_below_holds_at_once_and_the_search_begins_anew() {
    let mut pair = searching(1432, Link::default());
    pair.run(Duration::from_secs(5));
    // As when a relay's header comes on top.
    let now = pair.now;
    pair.a.set_max_packet_size(now, 1100);
    assert_eq!(pair.a.stats().max_packet_size, 1100);
    let relayed = Link { mtu: 1332, ..Link::default() };
    pair.set_links(relayed, relayed);
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
fn without_a_larger_limit_nothing_is_probed() {
    let mut pair = searching(0, Link::default());
    pair.log = Some(Vec::new());
    pair.run(Duration::from_secs(20));
    assert!(pair.log.take().unwrap().iter().all(|(_, packet)| packet.len() <= 1200));
}
