//! Handshakes over bad networks: every one must complete, whatever is lost, late or doubled.
//!
//! `SENDRECV_SEED` runs one seed, `SENDRECV_DEEP=1` a thousand for every cell of the grid.

use crate::common::{Link, Pair, config, only};
use sendrecv_crypto::NamedGroup;
use sendrecv_dtls::{Config, Role, Version};
use std::fmt::Write;
use std::time::Duration;

/// One way to shake hands.
#[derive(Clone, Copy, Debug)]
struct Case {
    version: Version,
    group: NamedGroup,
    mtu: usize,
    link: Link,
}

impl Case {
    fn config(&self, role: Role) -> Config {
        let config = only(self.version, config(role));
        Config { groups: vec![self.group], mtu: self.mtu, ..config }
    }

    /// Runs one seed and returns how long it took and how many datagrams.
    fn run(&self, seed: u64) -> (Duration, usize) {
        let mut pair = Pair::new(self.config(Role::Client), self.config(Role::Server), seed, self.link);
        let start = pair.now;
        assert!(
            pair.connect(),
            "SENDRECV_SEED={seed} {self:?}\n{:?} {:?}\n{:?}\n{:?}",
            pair.client.events,
            pair.server.events,
            pair.client.dtls.stats(),
            pair.server.dtls.stats(),
        );
        assert!(pair.client.largest.max(pair.server.largest) <= self.mtu, "SENDRECV_SEED={seed} {self:?}");
        let took = pair.client.connected_at.max(pair.server.connected_at).unwrap() - start;
        let datagrams = pair.client.datagrams + pair.server.datagrams;
        pair.assert_works();
        (took, datagrams)
    }
}

fn deep() -> bool {
    std::env::var("SENDRECV_DEEP").is_ok_and(|value| value == "1")
}

fn seeds(few: u64) -> Vec<u64> {
    match std::env::var("SENDRECV_SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (0..if deep() { 1000 } else { few }).collect(),
    }
}

fn link(loss: u64, reorder: u64, duplication: u64) -> Link {
    Link { delay: Duration::from_millis(25), loss, reorder, duplication }
}

const KINDS: [(Version, NamedGroup); 3] = [
    (Version::Dtls12, NamedGroup::X25519),
    (Version::Dtls13, NamedGroup::X25519),
    (Version::Dtls13, NamedGroup::X25519MlKem768),
];

#[test]
fn handshakes_complete_whatever_the_network_does() {
    let mtus: &[usize] = if deep() { &[300, 548, 900, 1200, 1400] } else { &[300, 1200] };
    let losses: &[u64] = if deep() { &[0, 10, 20, 30, 40, 50] } else { &[10, 50] };
    for (version, group) in KINDS {
        for &mtu in mtus {
            for &loss in losses {
                for (reorder, duplication) in [(0, 0), (30, 20)] {
                    let case = Case { version, group, mtu, link: link(loss, reorder, duplication) };
                    for seed in seeds(3) {
                        case.run(seed);
                    }
                }
            }
        }
    }
}

/// One seed for each MTU, three in a hundred datagrams lost.
#[test]
fn handshakes_complete_at_every_mtu() {
    for (version, group) in KINDS {
        for mtu in (300..=1400).step_by(if deep() { 1 } else { 44 }) {
            Case { version, group, mtu, link: link(3, 10, 5) }.run(mtu as u64);
        }
    }
}

/// The time to complete in milliseconds, median and worst of the seeds, 25 ms one way: a change shows as a diff.
#[test]
fn time_to_complete_is_as_the_snapshot_says() {
    let mut grid = String::from(
        "# version group mtu loss% : median ms, worst ms, median datagrams (20 seeds, 50 ms RTT)\n",
    );
    for (version, group) in KINDS {
        for mtu in [300, 1200] {
            for loss in [0, 10, 30, 50] {
                let case = Case { version, group, mtu, link: link(loss, 10, 5) };
                let mut runs: Vec<_> = (0..20).map(|seed| case.run(seed)).collect();
                runs.sort_unstable();
                let (median, worst) = (runs[10].0.as_millis(), runs[19].0.as_millis());
                runs.sort_unstable_by_key(|run| run.1);
                writeln!(grid, "{version:?} {group:?} {mtu} {loss} : {median}, {worst}, {}", runs[10].1)
                    .unwrap();
            }
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots/time_to_complete.txt");
    if std::env::var("SENDRECV_UPDATE").is_ok() {
        std::fs::write(path, &grid).unwrap();
    }
    let snapshot = std::fs::read_to_string(path).unwrap();
    assert!(grid == snapshot, "SENDRECV_UPDATE=1 takes this over:\n{grid}");
}

#[test]
fn equal_seeds_give_equal_bytes() {
    let run = |seed| {
        let case =
            Case { version: Version::Dtls13, group: NamedGroup::X25519, mtu: 500, link: link(30, 30, 20) };
        let mut pair = Pair::new(case.config(Role::Client), case.config(Role::Server), seed, case.link);
        assert!(pair.connect());
        pair.hash()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}
