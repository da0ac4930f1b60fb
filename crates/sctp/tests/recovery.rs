//! Losses are found and repaired soon, and what only looks like a loss is not taken for one.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions, missing_docs)]

mod support;

use sendrecv_sctp::congestion::CongestionAlgorithm;
use sendrecv_sctp::{Association, Config, Event, SendOptions};
use std::time::Duration;
use support::{Link, Pair, payload, seed_number};

const RELIABLE: SendOptions = SendOptions { unordered: false, lifetime: None, max_retransmits: None };
const MS: fn(u64) -> Duration = Duration::from_millis;
/// The payload of a full packet.
const FULL: usize = 1168;
/// The type of DATA and I-DATA chunks.
const DATA: [u8; 2] = [0, 64];

fn has_data(packet: &[u8]) -> bool {
    DATA.contains(&packet[12])
}

/// Sends one message and returns how long it took to arrive.
fn deliver(pair: &mut Pair<Association>, len: usize) -> Duration {
    pair.a.send(pair.now, 0, 53, payload(1, len), RELIABLE).unwrap();
    pair.run_until(Duration::from_secs(600), |pair| !pair.take_b_messages().is_empty())
}

/// Drops those of a's packets with data whose number, from 0, `drops` names.
fn drop_data(pair: &mut Pair<Association>, mut drops: impl FnMut(u64) -> bool + 'static) {
    let mut number = 0;
    pair.filter = Some(Box::new(move |from_a, packet| {
        if !from_a || !has_data(packet) {
            return true;
        }
        number += 1;
        !drops(number - 1)
    }));
}

fn connected(config: &Config, link: Link) -> Pair<Association> {
    Pair::connected(config, link, seed_number())
}

#[test]
fn a_lost_tail_costs_a_probe_and_not_a_timeout() {
    let mut pair = connected(&Config::default(), Link { delay: MS(25), ..Link::default() });
    deliver(&mut pair, 1000);
    drop_data(&mut pair, |number| number == 7);
    // Eight packets; only the last is lost, so that no SACK shows a gap.
    let took = deliver(&mut pair, 8 * FULL);
    let stats = pair.a.stats();
    assert_eq!((stats.timeouts, stats.tail_loss_probes), (0, 1));
    assert!((MS(150)..MS(220)).contains(&took), "probed after two round trips: {took:?}");
}

#[test]
fn a_probe_that_repairs_a_loss_reduces_the_window_and_one_that_does_not_leaves_it() {
    let window = |lost: bool, late: bool| {
        let mut pair = connected(&Config::default(), Link { delay: MS(25), ..Link::default() });
        deliver(&mut pair, 1000);
        drop_data(&mut pair, move |number| lost && number == 7);
        if late {
            // The acknowledgements stall; everything has arrived.
            pair.set_links(
                Link { delay: MS(25), ..Link::default() },
                Link { delay: MS(150), ..Link::default() },
            );
        }
        deliver(&mut pair, 8 * FULL);
        pair.run(MS(2000));
        assert_eq!(pair.a.stats().tail_loss_probes, u64::from(lost || late));
        pair.a.stats().congestion_window
    };
    let undisturbed = window(false, false);
    assert!(window(true, false) < undisturbed);
    assert_eq!(window(false, true), undisturbed);
}

#[test]
fn many_losses_of_one_round_trip_reduce_the_window_once() {
    let config = Config { initial_window_packets: 100, ..Config::default() };
    let mut pair = connected(&config, Link { delay: MS(25), ..Link::default() });
    drop_data(&mut pair, |number| number < 90 && number % 9 == 4);
    deliver(&mut pair, 100 * FULL);
    assert_eq!(pair.a.stats().timeouts, 0);
    let window = pair.a.stats().congestion_window;
    assert!((84_000..125_000).contains(&window), "seven tenths of 120,000 and what grew since: {window}");
}

#[test]
fn scattered_losses_beyond_what_a_sack_can_tell_are_repaired_within_a_few_round_trips() {
    let config = Config { initial_window_packets: 6000, send_buffer: 16 << 20, ..Config::default() };
    let config = Config { max_receive_message_size: 8 << 20, ..config };
    let mut pair = connected(&config, Link { delay: MS(50), ..Link::default() });
    // Lets the receive window grow to hold all of it.
    deliver(&mut pair, 4 << 20);
    drop_data(&mut pair, |number| number < 3500 && number % 3 == 1);
    let took = deliver(&mut pair, 4 << 20);
    // 1,200 gaps, of which a SACK tells 64: a round trip for each 64 were 2 s.
    assert!(took < MS(800), "{took:?}");
    assert_eq!(pair.a.stats().timeouts, 0);
}

#[test]
fn a_path_that_duplicates_neither_undoes_reductions_nor_delays_repairs() {
    let run = |loss, duplication| {
        let link = Link { loss, duplication, ..Link::default() };
        let config = Config { max_receive_message_size: 8 << 20, ..Config::default() };
        let mut pair = connected(&config, link);
        (deliver(&mut pair, 4 << 20), pair.a.stats())
    };
    let ((alone, _), (duplicated, stats)) = (run(10, 0), run(10, 50));
    // A repair of a real loss that arrives twice cannot be told from a needless one.
    assert!(stats.spurious_recoveries * 10 < stats.retransmissions, "{stats:?}");
    assert!(duplicated < alone * 3 / 2, "{alone:?} {duplicated:?}");
    assert_eq!(run(0, 50).1.spurious_recoveries, 0);
}

#[test]
fn reordering_is_recognised_and_its_reductions_are_taken_back() {
    let link = Link { delay: MS(20), ..Link::default() };
    let mut pair = connected(&Config { initial_window_packets: 50, ..Config::default() }, link);
    pair.set_links(Link { jitter: MS(15), ..link }, link);
    deliver(&mut pair, 1 << 20);
    pair.run(MS(500));
    let before = pair.a.stats();
    assert!(before.spurious_recoveries > 0, "the first mistakes are noticed");
    deliver(&mut pair, 1 << 20);
    let after = pair.a.stats();
    let chunks = after.data_chunks_sent - before.data_chunks_sent;
    let resent = after.retransmissions - before.retransmissions;
    assert!(resent * 20 < chunks, "{resent} of {chunks} were sent again without need");
}

#[test]
fn a_sender_with_little_to_send_does_not_grow_its_window() {
    for congestion in [CongestionAlgorithm::NewReno, CongestionAlgorithm::Cubic] {
        let config = Config { congestion, ..Config::default() };
        let mut pair = connected(&config, Link::default());
        let before = pair.a.stats().congestion_window;
        for number in 0..100 {
            pair.a.send(pair.now, 0, 53, payload(number, 1000), RELIABLE).unwrap();
            pair.run(MS(40));
        }
        assert_eq!(pair.a.stats().congestion_window, before, "{congestion:?}");
    }
}

#[test]
fn after_an_idle_time_a_sender_begins_as_a_new_one() {
    let mut pair = connected(&Config::default(), Link { delay: MS(25), ..Link::default() });
    deliver(&mut pair, 1 << 20);
    let grown = pair.a.stats().congestion_window;
    assert!(grown > 200_000, "{grown}");
    pair.run(Duration::from_secs(20));
    pair.log = Some(Vec::new());
    pair.a.send(pair.now, 0, 53, payload(1, 1 << 20), RELIABLE).unwrap();
    pair.run(MS(49));
    let sent = pair.log.take().unwrap().iter().filter(|(from_a, packet)| *from_a && has_data(packet)).count();
    assert!((10..=11).contains(&sent), "{sent} packets in the first round trip");
}

#[test]
fn a_lost_path_backs_off_and_the_first_answer_ends_that() {
    let mut pair = connected(&Config { max_retransmissions: None, ..Config::default() }, Link::default());
    deliver(&mut pair, 100_000);
    pair.filter = Some(Box::new(|_, _| false));
    pair.a.send(pair.now, 0, 53, payload(1, 100_000), RELIABLE).unwrap();
    pair.run(Duration::from_secs(20));
    let stats = pair.a.stats();
    assert!((4..8).contains(&stats.timeouts), "timeouts double: {}", stats.timeouts);
    assert_eq!(stats.congestion_window, 1200);
    assert!(stats.bytes_in_flight <= 1200, "one packet until something is acknowledged");
    pair.filter = None;
    let took = pair.run_until(Duration::from_secs(60), |pair| !pair.take_b_messages().is_empty());
    assert!(took < Duration::from_secs(25), "{took:?}");
    assert!(pair.a.stats().rto < MS(400), "{:?}", pair.a.stats().rto);
    assert!(!pair.a_events.iter().any(|event| matches!(event, Event::Closed(_))));
}

#[test]
fn acknowledgements_leave_for_every_second_packet_at_once_for_gaps_and_late_for_a_single_one() {
    let config = Config { initial_window_packets: 40, ..Config::default() };
    let link = Link { delay: MS(25), rate: Some(1_250_000), ..Link::default() };
    let mut pair = connected(&config, link);
    deliver(&mut pair, 1000);
    pair.run(MS(100));
    let sacks = |pair: &Pair<Association>| pair.b.stats().sacks_sent;
    let before = sacks(&pair);
    deliver(&mut pair, 20 * FULL);
    pair.run(MS(100));
    assert_eq!(sacks(&pair) - before, 10, "one for two packets");
    let (before, start) = (sacks(&pair), pair.now);
    deliver(&mut pair, 1000);
    pair.run_until(MS(100), |pair| pair.a.stats().bytes_in_flight == 0);
    assert_eq!(sacks(&pair) - before, 1);
    let took = pair.now - start;
    assert!((MS(50)..MS(52)).contains(&took.saturating_sub(config.delayed_ack)), "{took:?}");
    let before = sacks(&pair);
    drop_data(&mut pair, |number| number == 0);
    deliver(&mut pair, 20 * FULL);
    assert!(sacks(&pair) - before >= 19, "each packet behind a gap is answered");
}

#[test]
fn between_timeouts_the_one_packet_in_flight_is_sent_once_more() {
    let mut pair = connected(&Config::default(), Link { delay: MS(25), ..Link::default() });
    deliver(&mut pair, 10_000);
    pair.log = Some(Vec::new());
    pair.filter = Some(Box::new(|from_a, _| !from_a));
    pair.a.send(pair.now, 0, 53, payload(1, 10_000), RELIABLE).unwrap();
    while pair.a.stats().timeouts < 2 {
        pair.step(pair.now + MS(10_000));
    }
    let before = pair.log.replace(Vec::new()).unwrap().len();
    while pair.a.stats().timeouts < 3 {
        pair.step(pair.now + MS(10_000));
    }
    let sent = pair.log.take().unwrap();
    let tsns: Vec<_> =
        sent.iter().filter(|(_, packet)| has_data(packet)).map(|(_, packet)| &packet[16..20]).collect();
    assert!(before > 9 && tsns.len() >= 2 && tsns.iter().all(|tsn| *tsn == tsns[0]), "{tsns:?}");
    assert!(pair.a.stats().bytes_in_flight <= 1200);
}

#[test]
fn a_few_packets_take_seconds_where_two_in_five_are_lost_each_way() {
    let link = Link { delay: MS(25), loss: 380, rate: Some(1_250_000), ..Link::default() };
    let mut times = Vec::new();
    for seed in 0..40 {
        let mut pair = Pair::connected(&Config::webrtc(), link, seed_number().wrapping_add(seed));
        times.push(deliver(&mut pair, 20 << 10));
    }
    times.sort();
    assert!(times[20] < MS(2000) && times[39] < MS(25_000), "{times:?}");
}

#[test]
fn reordering_by_many_round_trips_is_waited_for() {
    let link = Link { delay: MS(2), ..Link::default() };
    let mut pair = connected(&Config { initial_window_packets: 50, ..Config::webrtc() }, link);
    pair.set_links(Link { jitter: MS(40), ..link }, link);
    (0..8).for_each(|_| {
        deliver(&mut pair, 1 << 20);
    });
    let before = pair.a.stats();
    deliver(&mut pair, 1 << 20);
    let after = pair.a.stats();
    let chunks = after.data_chunks_sent - before.data_chunks_sent;
    let resent = after.retransmissions - before.retransmissions;
    assert!(resent * 10 < chunks, "{resent} of {chunks} were sent again without need");
}
