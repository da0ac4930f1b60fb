//! Flows that share a bottleneck: nobody starves, and equals get equal shares.
//!
//! 20 Mbit/s with 40 ms of propagation, over 45 s; shares are those of the last 30. What comes out is kept in
//! `snapshots/shared_link.txt`; `SENDRECV_BLESS=1 cargo test -p sendrecv-sctp --test shared_link` writes it anew.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions, missing_docs)]

mod simulation;

use sendrecv_sctp::Config;
use sendrecv_sctp::congestion::CongestionAlgorithm;
use simulation::bottleneck::Link;
use simulation::network::{Network, fairness};
use simulation::ours::Ours;
use simulation::{snapshot::assert_snapshot, tcp::tcp_pair};
use std::fmt::Write;
use std::time::Duration;

const MS: fn(u64) -> Duration = Duration::from_millis;
const RATE: u64 = 20_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Reno,
    Cubic,
    Model,
    Tcp,
}

use Kind::{Cubic, Model, Reno, Tcp};

/// A flow, and its propagation on top of the path's, both ways together.
type Flow = (Kind, Duration);

/// Runs flows over a link whose queue holds `queue`; each one's share of the link, and the use of it.
fn shares(flows: &[Flow], queue: Duration) -> (Vec<f64>, f64) {
    let link = Link::with_delay(MS(20)).with_rate(RATE, queue);
    let mut network = Network::new(link, Link::with_delay(MS(20)), 1);
    for (number, &(kind, extra)) in (0..).zip(flows) {
        let now = network.now;
        let ours = |congestion| {
            let config = Config { congestion, send_buffer: 1 << 20, ..Config::webrtc() };
            Ours::pair(&config, &config, number + 1, now)
        };
        let ends = match kind {
            Reno => ours(CongestionAlgorithm::NewReno),
            Cubic => ours(CongestionAlgorithm::Cubic),
            Model => ours(CongestionAlgorithm::ModelBased),
            Tcp => tcp_pair(),
        };
        network.add(ends, extra / 2, MS(700) * number as u32);
    }
    network.run(MS(15_000));
    let from = network.now;
    network.run(MS(30_000));
    let carried: Vec<_> = network.flows.iter().map(|flow| flow.carried(from, network.now)).collect();
    let all = (RATE / 8) as f64;
    (carried.iter().map(|carried| carried / all).collect(), carried.iter().sum::<f64>() / all)
}

fn equal(kind: Kind, count: usize) -> Vec<Flow> {
    vec![(kind, Duration::ZERO); count]
}

fn pair(one: Kind, other: Kind) -> Vec<Flow> {
    vec![(one, Duration::ZERO), (other, Duration::ZERO)]
}

/// One line of the snapshot, and what it says.
fn line(text: &mut String, name: &str, flows: &[Flow], queue: u64) -> (Vec<f64>, f64) {
    let (shares, used) = shares(flows, MS(queue));
    let percent = |share: &f64| format!("{:.0}", share * 100.0);
    let list = shares.iter().map(percent).collect::<Vec<_>>().join(" ");
    let index = fairness(&shares);
    writeln!(
        text,
        "{name:<34} queue {queue:>3} ms   used {:>3.0} %   index {index:.2}   {list}",
        used * 100.0
    )
    .unwrap();
    (shares, used)
}

#[test]
fn nobody_starves_and_equals_get_equal_shares() {
    let mut text = String::new();
    for kind in [Reno, Cubic, Model] {
        for count in [2, 4] {
            for queue in [20, 40, 200] {
                let (shares, used) =
                    line(&mut text, &format!("{count} {kind:?}"), &equal(kind, count), queue);
                assert!(fairness(&shares) > 0.8, "{text}");
                assert!(used > 0.9, "{text}");
            }
        }
    }
    for (one, other) in [(Cubic, Tcp), (Model, Tcp), (Model, Cubic), (Reno, Cubic)] {
        for queue in [20, 40, 80, 200] {
            let (shares, used) = line(&mut text, &format!("{one:?} and {other:?}"), &pair(one, other), queue);
            let least = shares.iter().copied().fold(1.0, f64::min);
            assert!(least > 0.15, "somebody starves:\n{text}");
            assert!(used > 0.9, "{text}");
        }
    }
    for kind in [Reno, Cubic, Model] {
        let flows = [(kind, Duration::ZERO), (kind, MS(120))];
        let (shares, _) = line(&mut text, &format!("{kind:?} of 40 ms and of 160 ms"), &flows, 40);
        assert!(shares[0].min(shares[1]) * 20.0 > shares[0].max(shares[1]), "{text}");
    }
    let (shares, _) = line(&mut text, "32 Cubic", &equal(Cubic, 32), 40);
    assert!(fairness(&shares) > 0.8, "{text}");
    let (shares, _) = line(&mut text, "32 Model", &equal(Model, 32), 40);
    assert!(fairness(&shares) > 0.7, "{text}");
    assert_snapshot("shared_link.txt", &text);
}
