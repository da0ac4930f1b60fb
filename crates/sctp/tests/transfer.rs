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
