//! Messages arrive once, in order and intact, whatever the path does.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions, missing_docs)]

mod support;

use sendrecv_sctp::congestion::CongestionAlgorithm;
use sendrecv_sctp::{Config, Event, SendOptions};
use std::time::Duration;
use support::{Link, Pair, deep, payload, seed_number};

const RELIABLE: SendOptions = SendOptions { unordered: false, lifetime: None, max_retransmits: None };

/// Sends `count` messages of `len` bytes over three streams both ways and checks what arrives; the time it took.
fn transfer(config: &Config, link: Link, (count, len): (u32, usize), seed: u64) -> Duration {
    let mut pair = Pair::connected(config, link, seed);
    let mut expected = vec![Vec::new(); 3];
    for number in 0..count {
        let stream = number % 3;
        let data = payload(number, len);
        pair.a.send(pair.now, stream as u16, 51, data.clone(), RELIABLE).unwrap();
        pair.b.send(pair.now, stream as u16, 53, data.clone(), RELIABLE).unwrap();
        expected[stream as usize].push(data);
    }
    let mut received = 0;
    let mut at_b = vec![Vec::new(); 3];
    let took = pair.run_until(Duration::from_secs(3600), |pair| {
        for message in pair.take_b_messages() {
            assert_eq!((message.ppid, message.unordered), (51, false));
            at_b[usize::from(message.stream)].push(message.data);
            received += 1;
        }
        pair.a_events.retain(|event| matches!(event, Event::Message(_)));
        received >= count && pair.a_events.len() >= count as usize && pair.a.stats().bytes_in_flight == 0
    });
    assert!(at_b == expected, "messages of each stream are intact and in order");
    assert_eq!(pair.a_events.len(), count as usize);
    pair.run(Duration::from_secs(5));
    assert!(pair.take_b_messages().is_empty(), "nothing arrives twice");
    took
}

#[test]
fn a_clean_path_delivers_every_size() {
    for len in [1, 3, 100, 1172, 1173, 1180, 5000, 100_000] {
        for interleaving in [false, true] {
            let config = Config { interleaving, ..Config::default() };
            transfer(&config, Link::default(), (30, len), seed_number());
        }
    }
}

#[test]
fn every_mix_of_loss_reordering_and_duplication_delivers() {
    let seed = seed_number();
    let losses: &[u64] = if deep() { &[0, 10, 50, 100, 200, 300] } else { &[20, 100, 300] };
    let seeds = if deep() { 20 } else { 1 };
    for seed in seed..seed + seeds {
        for &loss in losses {
            for (jitter, duplication) in [(0, 0), (15, 0), (0, 100), (30, 50)] {
                for interleaving in [false, true] {
                    let link =
                        Link { loss, duplication, jitter: Duration::from_millis(jitter), ..Link::default() };
                    let config = Config {
                        interleaving,
                        max_init_retransmissions: None,
                        max_retransmissions: None,

                        ..Config::default()
                    };
                    transfer(&config, link, (40, 3000), seed);
                    transfer(&config, link, (60, 90), seed);
                }
            }
        }
    }
}

/// What arrives of messages of every size, sent both ways on ordered (even) and unordered streams.
fn mixed(config: &Config, link: Link, seed: u64) {
    const SIZES: [usize; 9] = [1, 17, 100, 1100, 1200, 4096, 16_384, 3, 65_536];
    let mut pair = Pair::connected(config, link, seed);
    let mut sent = vec![Vec::new(); 4];
    for (number, len) in SIZES.into_iter().cycle().take(54).enumerate() {
        let stream = number % sent.len();
        let data = payload(number as u32, len);
        let options = SendOptions { unordered: stream % 2 == 1, ..RELIABLE };
        pair.a.send(pair.now, stream as u16, 53, data.clone(), options).unwrap();
        pair.b.send(pair.now, stream as u16, 53, data.clone(), options).unwrap();
        sent[stream].push(data);
    }
    let (mut at_a, mut at_b) = (vec![Vec::new(); 4], vec![Vec::new(); 4]);
    let count = |messages: &[Vec<_>]| messages.iter().map(Vec::len).sum::<usize>();
    pair.run_until(Duration::from_secs(3600), |pair| {
        for message in pair.take_b_messages() {
            at_b[usize::from(message.stream)].push(message.data);
        }
        for event in pair.a_events.drain(..) {
            if let Event::Message(message) = event {
                at_a[usize::from(message.stream)].push(message.data);
            }
        }
        count(&at_a) >= 54 && count(&at_b) >= 54
    });
    for messages in [&mut sent, &mut at_a, &mut at_b] {
        messages[1].sort();
        messages[3].sort();
    }
    assert!(at_a == sent && at_b == sent, "something was changed, mixed up or delivered twice; seed {seed}");
}

#[test]
fn messages_of_every_size_stay_intact_on_a_bad_path_with_a_small_window() {
    let first = seed_number();
    for seed in first..first + if deep() { 100 } else { 2 } {
        for interleaving in [false, true] {
            for receive_buffer in [100_000, 1 << 20] {
                let config =
                    Config { interleaving, receive_buffer, max_retransmissions: None, ..Config::default() };
                let jitter = Duration::from_millis(15);
                let link = Link { loss: 50, duplication: 50, jitter, ..Link::default() };
                mixed(&config, link, seed);
            }
        }
    }
}

#[test]
fn long_messages_on_many_streams_wait_for_each_other_where_the_peer_has_no_room_for_all() {
    let config = Config { receive_buffer: 1 << 20, ..Config::webrtc() };
    let mut pair = Pair::connected(&config, Link::default(), seed_number());
    for stream in 0..60 {
        pair.a.send(pair.now, stream, 53, payload(u32::from(stream), 100_000), RELIABLE).unwrap();
    }
    let mut received = 0;
    pair.run_until(Duration::from_secs(60), |pair| {
        received += pair.take_b_messages().len();
        received == 60
    });
}

#[test]
fn every_congestion_control_and_zero_checksums_deliver() {
    for congestion in
        [CongestionAlgorithm::NewReno, CongestionAlgorithm::Cubic, CongestionAlgorithm::ModelBased]
    {
        for lower_layer_is_dtls in [false, true] {
            let config = Config { congestion, lower_layer_is_dtls, ..Config::default() };
            let link = Link { loss: 20, rate: Some(1_000_000), ..Link::default() };
            transfer(&config, link, (40, 10_000), seed_number());
        }
    }
}

#[test]
fn a_message_longer_than_the_receive_buffer_arrives() {
    for interleaving in [false, true] {
        for (receive_buffer, loss) in [(1 << 13, 0), (1 << 16, 0), (1 << 16, 20)] {
            let config = Config { interleaving, receive_buffer, ..Config::webrtc() };
            let link = Link { loss, ..Link::default() };
            let mut pair = Pair::connected(&config, link, seed_number());
            for number in 0..3 {
                pair.a.send(pair.now, 0, 53, payload(number, 300_000), RELIABLE).unwrap();
            }
            let mut received = Vec::new();
            pair.run_until(Duration::from_secs(120), |pair| {
                received.extend(pair.take_b_messages());
                received.len() == 3
            });
            assert!(
                received.iter().zip(0..).all(|(message, number)| message.data == payload(number, 300_000))
            );
        }
    }
}
