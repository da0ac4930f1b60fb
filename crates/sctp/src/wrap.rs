//! Tests of what happens where TSNs, stream sequence numbers, message identifiers and request numbers wrap. They are
//! here because only from inside can an association begin close to that.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]

#[path = "../tests/support/mod.rs"]
mod support;

use crate::{Association, Config, Event, SendOptions, State};
use core::time::Duration;
use proptest::prelude::*;
use std::vec::Vec;
use support::{Link, Pair, payload};

/// How far each kind of number is before its wrap.
#[derive(Clone, Copy, Debug)]
struct Before {
    tsn_of_a: u32,
    tsn_of_b: u32,
    message: u32,
}

fn before() -> impl Strategy<Value = Before> {
    (0u32..60, 0u32..60, 0u32..30).prop_map(|(tsn_of_a, tsn_of_b, message)| Before {
        tsn_of_a,
        tsn_of_b,
        message,
    })
}

fn connected(config: &Config, link: Link, seed: u64, before: Before) -> Pair<Association> {
    let mut pair = Pair::new(config, link, seed);
    pair.a.begin_with_tsn(u32::MAX - before.tsn_of_a);
    pair.b.begin_with_tsn(u32::MAX - before.tsn_of_b);
    pair.a.connect(pair.now).unwrap();
    pair.run_until(Duration::from_secs(600), |pair| {
        pair.a.state() == State::Established && pair.b.state() == State::Established
    });
    let number = if config.interleaving { u32::MAX - before.message } else { 0xffff - before.message };
    for stream in 0..2 {
        pair.a.number_from(stream, number);
        pair.b.number_from(stream, number);
    }
    pair
}

/// Sends messages 0 to 39 over two streams; what arrived of each, by number.
fn exchange(pair: &mut Pair<Association>, options: SendOptions, len: usize) -> [Vec<u32>; 2] {
    let mut arrived = [Vec::new(), Vec::new()];
    let mut take = |pair: &mut Pair<Association>| {
        for message in pair.take_b_messages() {
            assert_eq!(message.data, payload(message.ppid, len));
            arrived[usize::from(message.stream)].push(message.ppid);
        }
    };
    for number in 0..40 {
        pair.a.send(pair.now, (number % 2) as u16, number, payload(number, len), options).unwrap();
        pair.b.send(pair.now, (number % 2) as u16, number, payload(number, 100), options).unwrap();
        pair.run(Duration::from_millis(7));
        take(pair);
    }
    pair.run(Duration::from_secs(120));
    take(pair);
    arrived
}

fn config(interleaving: bool) -> Config {
    let limits = Config { max_init_retransmissions: None, max_retransmissions: None, ..Config::default() };
    Config { interleaving, rto_max: Duration::from_secs(5), ..limits }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn reliable_messages_pass_every_wrap(
        before in before(), interleaving: bool, unordered: bool, seed: u64, len in 1usize..4000, loss in 0u64..250,
    ) {
        let link = Link { loss, jitter: Duration::from_millis(4), ..Link::default() };
        let mut pair = connected(&config(interleaving), link, seed, before);
        let mut arrived = exchange(&mut pair, SendOptions { unordered, ..SendOptions::default() }, len);
        if unordered {
            arrived.iter_mut().for_each(|numbers| numbers.sort_unstable());
        }
        let even: Vec<_> = (0..40).step_by(2).collect();
        let odd: Vec<_> = (1..40).step_by(2).collect();
        prop_assert_eq!(arrived, [even, odd]);
        prop_assert_eq!(pair.a.stats().bytes_in_flight, 0);
    }

    #[test]
    fn messages_given_up_are_skipped_over_every_wrap(
        before in before(), interleaving: bool, seed: u64, len in 1usize..4000,
    ) {
        let link = Link { loss: 200, jitter: Duration::from_millis(4), ..Link::default() };
        let mut pair = connected(&config(interleaving), link, seed, before);
        let options = SendOptions { max_retransmits: Some(0), ..SendOptions::default() };
        let arrived = exchange(&mut pair, options, len);
        for numbers in &arrived {
            prop_assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", numbers);
        }
        for stream in 0..2 {
            pair.a.send(pair.now, stream, 1000, payload(1000, len), SendOptions::default()).unwrap();
        }
        pair.run(Duration::from_secs(120));
        prop_assert_eq!(pair.take_b_messages().len(), 2, "nothing blocks what follows");
    }

    #[test]
    fn resets_are_numbered_over_the_wrap(before in before(), seed: u64, loss in 0u64..200) {
        let link = Link { loss, ..Link::default() };
        let mut pair = connected(&config(false), link, seed, Before { tsn_of_a: before.tsn_of_a % 4, ..before });
        for round in 0..6 {
            pair.a.send(pair.now, 0, round, payload(round, 2000), SendOptions::default()).unwrap();
            pair.a.reset_stream(pair.now, 0).unwrap();
            pair.run_until(Duration::from_secs(600), |pair| {
                let reset = Event::OutgoingStreamReset { stream: 0, performed: true };
                pair.a_events.iter().any(|event| *event == reset)
            });
            pair.a_events.clear();
            let numbers: Vec<_> = pair.take_b_messages().iter().map(|message| message.ppid).collect();
            prop_assert_eq!(numbers, [round]);
        }
    }
}
