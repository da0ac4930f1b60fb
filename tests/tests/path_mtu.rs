//! Path MTU discovery of whole peers: data-channel packets grow to what the path carries, and no further.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use sendrecv::{Configuration, DataChannelInit, IceServer, IceTransportPolicy, Message, Settings};
use sendrecv_core::{Instant, Seed};
use sendrecv_sim::{Chance, HostId, LinkConfig, LinkStats, Loss, for_each_seed};
use sendrecv_tests::{Access, Internet, SERVER, USER};
use std::time::Duration;

const ROUND_TRIP: Duration = Duration::from_millis(50);
const SOON: Duration = Duration::from_secs(5);
/// IPv4 and UDP.
const HEADERS: usize = 28;
/// A record of DTLS 1.3 with AES-GCM: header, content type and tag.
const RECORD: usize = 22;

fn wire(mtu: usize) -> LinkConfig {
    LinkConfig { mtu: Some(mtu), ..LinkConfig::with_delay(ROUND_TRIP / 2).with_rate(40_000_000, 250_000) }
}

fn trying(max_ip_packet_size: usize) -> Configuration {
    let settings = Settings { max_ip_packet_size, ..Settings::default() };
    Configuration { settings, ..Configuration::default() }
}

/// Two peers with an open channel, on links of this MTU.
fn connected(seed: u64, link: LinkConfig, configuration: &Configuration) -> Internet {
    let access = [Access::Public, Access::Public];
    let mut internet = Internet::new(seed, link, access, [configuration.clone(), configuration.clone()]);
    internet.open_channel(DataChannelInit::default(), Duration::from_secs(40)).unwrap();
    internet
}

/// The longest SCTP packet that a peer sends; chunks are multiples of four bytes.
fn packet_size(internet: &Internet, host: HostId) -> usize {
    internet.peer(host).pc.sctp().unwrap().max_packet_size & !3
}

/// The longest SCTP packet that fits IP packets of this size, with `more` bytes of other headers.
const fn room(ip_packet: usize, more: usize) -> usize {
    (ip_packet - HEADERS - RECORD - more) & !3
}

fn set_links(internet: &mut Internet, link: LinkConfig) {
    for (host, address) in [(internet.a, [203, 0, 113, 1]), (internet.b, [203, 0, 113, 2])] {
        internet.sim.up_link(host, address.into()).unwrap().set_config(link);
    }
}

/// What became of everything that `a` has sent.
fn sent(internet: &mut Internet) -> LinkStats {
    *internet.sim.up_link(internet.a, [203, 0, 113, 1].into()).unwrap().stats()
}

fn message(number: usize, len: usize) -> Message {
    Message::Binary((0..len).map(|at| u8::try_from((number * 31 + at * 7) % 251).unwrap()).collect())
}

/// Sends messages from `a`, calls `meanwhile` when some have arrived, and says how long they all took.
fn transfer(
    internet: &mut Internet,
    (count, len): (usize, usize),
    meanwhile: impl FnOnce(&mut Internet),
) -> Duration {
    let (a, b, start) = (internet.a, internet.b, internet.sim.now());
    let before = internet.peer(b).messages.len();
    internet.with(a, |a, now| {
        let channel = a.open[0];
        (0..count).for_each(|number| a.pc.send(now, channel, message(number, len)).unwrap());
    });
    let arrived = move |internet: &Internet| internet.peer(b).messages.len() - before;
    internet.run_until(SOON * 12, |internet| arrived(internet) > count / 4).unwrap();
    meanwhile(internet);
    internet.run_until(SOON * 12, |internet| arrived(internet) == count).unwrap();
    for (number, (_, received)) in internet.peer(b).messages[before..].iter().enumerate() {
        assert_eq!(*received, message(number, len), "number {number}");
    }
    internet.sim.now() - start
}

#[test]
fn what_ethernet_carries_is_found_within_a_few_round_trips() {
    let mut internet = connected(1, wire(1500), &Configuration::default());
    let both = |internet: &Internet| {
        [internet.a, internet.b].iter().all(|host| packet_size(internet, *host) == room(1500, 0))
    };
    internet.run_until(ROUND_TRIP * 3, both).unwrap();
    transfer(&mut internet, (100, 40_000), |_| ());
    assert_eq!(sent(&mut internet).too_big, 0);
}

#[test]
fn batches_have_the_size_that_was_found() {
    let mut internet = connected(1, wire(1500), &Configuration::default());
    internet.sim.run_for(ROUND_TRIP * 3).unwrap();
    internet.with(internet.a, |a, now| {
        a.pc.send(now, a.open[0], message(0, 60_000)).unwrap();
        let mut memory = vec![0; 65_536];
        let batch = a.pc.poll_transmit(now, &mut memory).unwrap();
        assert_eq!(batch.segment_size, Some(room(1500, 0) + RECORD));
        assert!(batch.count() > 5, "{batch:?}");
    });
}

#[test]
fn on_a_path_that_carries_no_more_than_it_must_nothing_changes_but_for_a_few_probes() {
    let mut internet = connected(1, wire(1228), &Configuration::default());
    let time = transfer(&mut internet, (20, 40_000), |_| ());
    assert!(time < Duration::from_secs(1), "{time:?}");
    internet.sim.run_for(Duration::from_secs(30)).unwrap();
    assert_eq!(packet_size(&internet, internet.a), room(1228, 0));
    let probes = sent(&mut internet).too_big;
    assert!(probes <= 15, "{probes} probes");
}

#[test]
fn a_path_of_1280_bytes_is_not_exceeded() {
    let mut internet = connected(1, wire(1280), &Configuration::default());
    internet.sim.run_for(Duration::from_secs(30)).unwrap();
    let found = packet_size(&internet, internet.a);
    assert!((room(1228, 0)..=room(1280, 0)).contains(&found), "{found}");
    let probes = sent(&mut internet).too_big;
    transfer(&mut internet, (20, 40_000), |_| ());
    assert_eq!(sent(&mut internet).too_big, probes, "data fits");
}

#[test]
fn a_path_that_shrinks_in_the_middle_of_a_transfer_delays_it_by_no_more_than_a_few_timeouts() {
    for then in [1228, 1300, 1400] {
        let mut internet = connected(1, wire(1500), &Configuration::default());
        internet.sim.run_for(ROUND_TRIP * 3).unwrap();
        let undisturbed = transfer(&mut internet, (200, 40_000), |_| ());
        let shrunk = transfer(&mut internet, (200, 40_000), |internet| set_links(internet, wire(then)));
        assert!(shrunk < undisturbed + SOON, "{then}: {shrunk:?} instead of {undisturbed:?}");
        internet.sim.run_for(Duration::from_secs(20)).unwrap();
        let found = packet_size(&internet, internet.a);
        assert!(found <= room(then, 0) && found + 40 > room(then, 0), "{then}: {found}");
    }
}

#[test]
fn a_relays_header_is_taken_into_account() {
    let turn = IceServer::turn(&format!("turn:{SERVER}"), USER.0, USER.1);
    let configuration = Configuration {
        ice_servers: vec![turn],
        ice_transport_policy: IceTransportPolicy::Relay,
        ..Configuration::default()
    };
    let mut internet = connected(1, wire(1500), &configuration);
    internet.sim.run_for(ROUND_TRIP * 10).unwrap();
    for host in [internet.a, internet.b] {
        assert_eq!(packet_size(&internet, host), room(1500, 4), "a channel's header");
    }
    let relayed = internet.server().relayed();
    transfer(&mut internet, (100, 40_000), |internet| set_links(internet, wire(1400)));
    assert!(internet.server().relayed() > relayed);
    internet.sim.run_for(Duration::from_secs(20)).unwrap();
    assert!(packet_size(&internet, internet.a) <= room(1400, 4));
}

#[test]
fn jumbo_frames_are_used_where_the_configuration_says_so() {
    let mut internet = connected(1, wire(9000), &trying(9000));
    internet.sim.run_for(ROUND_TRIP * 3).unwrap();
    assert_eq!(packet_size(&internet, internet.a), room(9000, 0));
    transfer(&mut internet, (100, 40_000), |internet| set_links(internet, wire(1500)));
    internet.sim.run_for(Duration::from_secs(20)).unwrap();
    let found = packet_size(&internet, internet.a);
    assert!(found <= room(1500, 0) && found > room(1400, 0), "{found}");
}

#[test]
fn without_a_larger_limit_every_packet_has_the_size_to_begin_with() {
    let mut internet = connected(1, wire(1228), &trying(0));
    transfer(&mut internet, (20, 40_000), |_| ());
    internet.sim.run_for(Duration::from_secs(5)).unwrap();
    assert_eq!(sent(&mut internet).too_big, 0);
}

#[test]
fn a_new_pair_is_searched_anew() {
    let mut internet = connected(1, wire(1500), &Configuration::default());
    internet.sim.run_for(ROUND_TRIP * 3).unwrap();
    // The way that ICE finds now is narrower, and nothing of the old size may go there.
    set_links(&mut internet, wire(1228));
    internet.with(internet.a, |a, now| a.pc.restart_ice(now));
    internet.negotiate();
    let small = room(1228, 0);
    internet.run_until(SOON, |internet| packet_size(internet, internet.a) == small).unwrap();
    let time = transfer(&mut internet, (20, 40_000), |_| ());
    assert!(time < Duration::from_secs(1), "{time:?}");
}

#[test]
fn any_two_paths_are_found_and_followed_without_loss_of_a_message() {
    for_each_seed(6, 200, |seed| {
        let mut rng = Seed::from_u64(seed).derive("paths").rng();
        let mut mtu = || 1228 + usize::try_from(rng.below(400)).unwrap();
        let (limit, first, then) = (mtu(), mtu(), mtu());
        let link = |mtu| wire(mtu).with_loss(Loss::Random(Chance::percent(1)));
        let mut internet = connected(seed, link(first), &trying(limit));
        internet.sim.run_for(Duration::from_secs(10)).unwrap();
        transfer(&mut internet, (50, 20_000), |internet| set_links(internet, link(then)));
        internet.sim.run_for(Duration::from_secs(10)).unwrap();
        let found = packet_size(&internet, internet.a);
        assert!(found <= room(then.min(limit).max(1228), 0), "{limit}, {first}, {then}: {found}");
    });
}

#[test]
fn bulk_leaves_in_small_batches_at_the_pace_of_the_path_when_the_host_obeys_the_deadlines() {
    // 20 Mbit/s with room for 60 KB before it: 24 ms.
    let link = LinkConfig { mtu: Some(1500), ..wire(1500).with_rate(20_000_000, 60_000) };
    let mut internet = connected(1, link, &Configuration::default());
    transfer(&mut internet, (100, 40_000), |_| ());
    let before = sent(&mut internet);
    let (start, bytes) = (internet.sim.now(), 200 * 40_000);
    transfer(&mut internet, (200, 40_000), |_| ());
    let took = internet.sim.now() - start;
    let after = sent(&mut internet);
    let packets = after.offered - before.offered;
    let dropped = after.queue_dropped - before.queue_dropped;
    // Without pacing a window that has grown leaves at once, and most of it would not fit the queue.
    assert!(dropped * 20 < packets, "{dropped} of {packets} packets dropped");
    let ideal = Duration::from_millis(bytes * 8 / 20_000);
    assert!(took < ideal * 2, "{took:?} instead of {ideal:?} from {:?}", start - Instant::ZERO);
}
