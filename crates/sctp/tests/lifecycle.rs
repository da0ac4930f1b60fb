//! How associations begin and end: all collisions, restarts, losses, shutdowns.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions, missing_docs)]

mod support;

use sendrecv_core::{Instant, Machine, PacketBuf};
use sendrecv_sctp::wire::{Chunks, CommonHeader, Init, kind, parameter};
use sendrecv_sctp::{
    Association, CloseReason, Config, Discard, Event, SendError, SendOptions, State, UsageError,
};
use std::time::Duration;
use support::{Link, Pair, association, payload, seed_number};

const RELIABLE: SendOptions = SendOptions { unordered: false, lifetime: None, max_retransmits: None };
const NOW: Instant = Instant::from_millis(1000);

fn kinds(packet: &[u8]) -> Vec<u8> {
    let (_, body) = CommonHeader::parse(packet).unwrap();
    Chunks::new(body).map(|chunk| chunk.unwrap().kind).collect()
}

fn packets(machine: &mut Association, now: Instant) -> Vec<Vec<u8>> {
    let mut slab = [0; 2000];
    let mut packets = Vec::new();
    loop {
        let mut out = PacketBuf::new(&mut slab, 0, 0);
        if machine.poll_transmit(now, &mut out).is_none() {
            return packets;
        }
        packets.push(out.bytes().to_vec());
    }
}

fn events(machine: &mut Association) -> Vec<Event> {
    std::iter::from_fn(|| machine.poll_event()).collect()
}

#[test]
fn one_side_connects_in_two_round_trips_and_sends_with_its_cookie() {
    let mut pair = Pair::new(&Config::default(), Link::default(), 1);
    pair.log = Some(Vec::new());
    pair.a.send(pair.now, 3, 51, payload(1, 100), RELIABLE).unwrap();
    pair.a.connect(pair.now).unwrap();
    assert_eq!(pair.a.connect(pair.now), Err(UsageError::WrongState));
    let took = pair.run_until(Duration::from_secs(1), |pair| !pair.b_events.is_empty());
    assert_eq!(took, Duration::from_millis(30));
    assert_eq!(pair.take_b_messages()[0].data, payload(1, 100));
    let log: Vec<_> =
        pair.log.take().unwrap().iter().map(|(from_a, packet)| (*from_a, kinds(packet))).collect();
    assert_eq!(
        log[..3],
        [
            (true, vec![kind::INIT]),
            (false, vec![kind::INIT_ACK]),
            (true, vec![kind::COOKIE_ECHO, kind::I_DATA]),
        ][..]
    );
}

#[test]
fn simultaneous_opening_establishes_once_whatever_is_lost_or_late() {
    for seed in 0..60 {
        let link = Link { loss: 200, jitter: Duration::from_millis(30), duplication: 100, ..Link::default() };
        let config = Config { max_init_retransmissions: None, ..Config::default() };
        let mut pair = Pair::connected(&config, link, seed_number() + seed);
        assert_eq!((pair.a.state(), pair.b.state()), (State::Established, State::Established));
        pair.a.send(pair.now, 0, 51, payload(1, 10), RELIABLE).unwrap();
        pair.b.send(pair.now, 0, 51, payload(2, 10), RELIABLE).unwrap();
        pair.run(Duration::from_secs(60));
        assert_eq!(pair.take_b_messages().len(), 1);
        assert!(!pair.b_events.contains(&Event::Connected), "connected once");
        assert!(!pair.a_events.contains(&Event::Restarted));
    }
}

/// Whether an INIT or INIT ACK announces zero checksums (RFC 9653).
fn announces_zero_checksums(packet: &[u8]) -> bool {
    let (_, body) = CommonHeader::parse(packet).unwrap();
    let chunk = Chunks::new(body).next().unwrap().unwrap();
    let init = Init::parse(&chunk).unwrap();
    init.parameters.into_iter().any(|parameter| parameter.unwrap().kind == parameter::ZERO_CHECKSUM)
}

#[test]
fn zero_checksums_are_announced_to_peers_that_do_so_and_not_for_long_to_silent_ones() {
    let over_dtls = Config { lower_layer_is_dtls: true, ..Config::default() };
    let plain = Config { lower_layer_is_dtls: false, ..Config::default() };
    let mut inits = Vec::new();
    let mut machine = association(over_dtls.clone(), 1);
    machine.connect(NOW).unwrap();
    for _ in 0..4 {
        let now = machine.poll_timeout().unwrap_or(NOW);
        machine.handle_timeout(now);
        inits.extend(packets(&mut machine, now));
    }
    let announced: Vec<_> = inits.iter().map(|packet| announces_zero_checksums(packet)).collect();
    assert_eq!(announced[..4], [true, true, false, false]);

    for (config, answered) in [(over_dtls.clone(), true), (plain, false)] {
        let (mut client, mut server) = (association(config, 2), association(over_dtls.clone(), 3));
        client.connect(NOW).unwrap();
        let init = packets(&mut client, NOW).remove(0);
        server.handle_datagram(NOW, &init).unwrap();
        assert_eq!(announces_zero_checksums(&packets(&mut server, NOW)[0]), answered);
    }
}

#[test]
fn a_peer_that_never_answers_is_given_up() {
    let mut machine = association(Config { max_init_retransmissions: Some(3), ..Config::default() }, 1);
    machine.connect(NOW).unwrap();
    let mut inits = 0;
    while let Some(at) = machine.poll_timeout() {
        inits += packets(&mut machine, at).len();
        machine.handle_timeout(at);
    }
    assert_eq!((inits, events(&mut machine)), (4, vec![Event::Closed(CloseReason::PeerUnreachable)]));
    assert_eq!(machine.send(NOW, 0, 1, payload(1, 1), RELIABLE), Err(SendError::Closed));
    assert_eq!(machine.connect(NOW), Err(UsageError::WrongState));
}

#[test]
fn a_peer_that_stops_answering_is_given_up() {
    let config =
        Config { max_retransmissions: Some(4), rto_max: Duration::from_secs(2), ..Config::default() };
    let mut pair = Pair::connected(&config, Link::default(), 1);
    pair.filter = Some(Box::new(|_, _| false));
    pair.a.send(pair.now, 0, 51, payload(1, 10), RELIABLE).unwrap();
    pair.run(Duration::from_secs(60));
    assert_eq!(pair.a.close_reason(), Some(&CloseReason::PeerUnreachable));
    assert_eq!(pair.a.poll_timeout(), None);
}

#[test]
fn a_restarted_peer_is_taken_back() {
    let mut pair = Pair::connected(&Config::default(), Link::default(), 1);
    pair.a.send(pair.now, 0, 51, payload(1, 10), RELIABLE).unwrap();
    pair.run(Duration::from_secs(1));
    pair.take_b_messages();
    pair.drop_under_way();
    pair.a = association(Config::default(), 77);
    pair.a.connect(pair.now).unwrap();
    pair.run(Duration::from_secs(1));
    assert!(pair.b_events.contains(&Event::Restarted));
    for number in 0..5 {
        pair.a.send(pair.now, 0, 51, payload(number, 3000), RELIABLE).unwrap();
        pair.b.send(pair.now, 0, 51, payload(number, 3000), RELIABLE).unwrap();
    }
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.take_b_messages().len(), 5);
    assert_eq!(pair.a_events.iter().filter(|event| matches!(event, Event::Message(_))).count(), 5);
}

#[test]
fn stale_forged_and_replayed_cookies_do_nothing() {
    let (mut a, mut b) = (association(Config::default(), 1), association(Config::default(), 2));
    a.connect(NOW).unwrap();
    let init = packets(&mut a, NOW).remove(0);
    b.handle_datagram(NOW, &init).unwrap();
    let init_ack = packets(&mut b, NOW).remove(0);
    a.handle_datagram(NOW, &init_ack).unwrap();
    let echo = packets(&mut a, NOW).remove(0);
    let mut stranger = association(Config::default(), 3);
    assert_eq!(stranger.handle_datagram(NOW, &echo), Err(Discard::BadCookie));
    let late = NOW + Duration::from_secs(61);
    b.handle_datagram(late, &echo).unwrap();
    let error = packets(&mut b, late).remove(0);
    assert_eq!((b.state(), kinds(&error)), (State::Closed, vec![kind::ERROR]));
    a.handle_datagram(late, &error).unwrap();
    assert_eq!((a.state(), kinds(&packets(&mut a, late)[0])), (State::CookieWait, vec![kind::INIT]));
    let mut b = association(Config::default(), 2);
    b.handle_datagram(NOW, &init).unwrap();
    b.handle_datagram(NOW, &echo).unwrap();
    assert_eq!(events(&mut b), [Event::Connected]);
    packets(&mut b, NOW);
    b.handle_datagram(NOW, &echo).unwrap();
    assert_eq!((events(&mut b), packets(&mut b, NOW).len()), (vec![], 1));
    b.abort(NOW, "bye");
    packets(&mut b, NOW);
    events(&mut b);
    assert_eq!(b.handle_datagram(NOW, &echo), Err(Discard::OutOfTheBlue));
    assert_eq!((events(&mut b), b.state()), (vec![], State::Closed));
}

#[test]
fn a_shutdown_delivers_everything_first_and_ends_both_sides() {
    for loss in [0, 200] {
        let mut pair = Pair::connected(&Config::default(), Link { loss, ..Link::default() }, seed_number());
        for number in 0..50 {
            pair.a.send(pair.now, 0, 51, payload(number, 2000), RELIABLE).unwrap();
            pair.b.send(pair.now, 0, 51, payload(number, 2000), RELIABLE).unwrap();
        }
        pair.a.shutdown(pair.now).unwrap();
        assert_eq!(pair.a.send(pair.now, 0, 51, payload(1, 1), RELIABLE), Err(SendError::Closed));
        pair.run(Duration::from_secs(120));
        assert_eq!(pair.take_b_messages().len(), 50);
        assert_eq!(pair.a_events.iter().filter(|event| matches!(event, Event::Message(_))).count(), 50);
        if loss == 0 {
            assert_eq!(pair.a.close_reason(), Some(&CloseReason::Shutdown));
            assert_eq!(pair.b.close_reason(), Some(&CloseReason::Shutdown));
        }
        assert_eq!((pair.a.state(), pair.b.state()), (State::Closed, State::Closed));
        assert_eq!((pair.a.poll_timeout(), pair.b.poll_timeout()), (None, None));
    }
}

#[test]
fn both_sides_may_shut_down_at_once() {
    let mut pair = Pair::connected(&Config::default(), Link::default(), 1);
    pair.a.shutdown(pair.now).unwrap();
    pair.b.shutdown(pair.now).unwrap();
    pair.run(Duration::from_secs(10));
    assert_eq!(pair.a.close_reason(), Some(&CloseReason::Shutdown));
    assert_eq!(pair.b.close_reason(), Some(&CloseReason::Shutdown));
}

#[test]
fn a_lost_abort_is_repeated_when_the_peer_goes_on() {
    let mut pair = Pair::connected(&Config::default(), Link::default(), 1);
    pair.a.abort(pair.now, "gone");
    assert_eq!(packets(&mut pair.a, pair.now).len(), 1);
    pair.b.send(pair.now, 0, 51, payload(1, 10), RELIABLE).unwrap();
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.b.close_reason(), Some(&CloseReason::AbortedByPeer { cause: None, reason: vec![] }));
}

#[test]
fn a_blackhole_in_the_middle_is_survived() {
    let mut pair =
        Pair::connected(&Config { max_retransmissions: None, ..Config::default() }, Link::default(), 1);
    for number in 0..100 {
        pair.a.send(pair.now, 0, 51, payload(number, 5000), RELIABLE).unwrap();
    }
    pair.run(Duration::from_millis(25));
    pair.filter = Some(Box::new(|_, _| false));
    pair.run(Duration::from_secs(20));
    pair.filter = None;
    pair.run(Duration::from_secs(60));
    assert_eq!(pair.take_b_messages().len(), 100);
}

#[test]
fn a_closed_receive_window_is_probed_and_reopens() {
    let config = Config { receive_buffer: 20_000, ..Config::default() };
    let mut pair = Pair::connected(&config, Link::default(), 1);
    for number in 0..40 {
        pair.a.send(pair.now, 0, 51, payload(number, 1000), RELIABLE).unwrap();
    }
    // The application of b takes nothing for a while.
    let start = pair.now;
    while pair.now - start < Duration::from_secs(20) {
        pair.drain_packets();
        let Some(next) = pair.next() else { break };
        pair.now = next;
        pair.a.handle_timeout(next);
        pair.b.handle_timeout(next);
        pair.deliver();
    }
    let stats = pair.b.stats();
    assert!(stats.receive_window < 2000, "{stats:?}");
    let mut received = 0;
    pair.run_until(Duration::from_secs(10), |pair| {
        received += pair.take_b_messages().len();
        received == 40
    });
}

#[test]
fn larger_packets_are_found_and_given_up_when_they_vanish() {
    let config = Config { max_probe_size: 1500, ..Config::default() };
    let mut pair = Pair::connected(&config, Link { mtu: 1470, ..Link::default() }, 1);
    pair.run(Duration::from_secs(30));
    let found = pair.a.stats().max_packet_size;
    assert!((1440..=1470).contains(&found), "{found}");
    // The path shrinks: data at the larger size vanishes, and the base is used again.
    let small = Link { mtu: 1250, ..Link::default() };
    pair.set_links(small, small);
    pair.filter = Some(Box::new(|from_a, packet| !from_a || packet.len() <= 1250));
    for number in 0..3 {
        pair.a.send(pair.now, 0, 51, payload(number, 20_000), RELIABLE).unwrap();
        pair.run(Duration::from_secs(5));
    }
    assert!(pair.a.stats().max_packet_size <= 1250);
    assert_eq!(pair.take_b_messages().len(), 3);
}

#[test]
fn an_idle_association_is_kept_alive_by_heartbeats() {
    let config = Config {
        heartbeat_interval: Some(Duration::from_secs(1)),
        max_retransmissions: Some(3),
        ..Config::default()
    };
    let mut pair = Pair::connected(&config, Link::default(), 1);
    pair.run(Duration::from_secs(60));
    assert_eq!(pair.a.state(), State::Established);
    assert!(pair.a.stats().smoothed_rtt.is_some());
    pair.filter = Some(Box::new(|_, _| false));
    pair.run(Duration::from_secs(60));
    assert_eq!(pair.a.close_reason(), Some(&CloseReason::PeerUnreachable));
}
