//! Congestion control over simulated links: a table beside a committed one, and bounds under many seeds.
//!
//! An encoder follows the target with frames that differ by a fifth, 30 times a second, beside audio. A second later than the
//! link or its users change, or more, three seconds in a row get nearly what the second half of the time gets.
#![allow(clippy::as_conversions, clippy::unwrap_used, clippy::indexing_slicing)]

mod flow;
mod link;
mod run;
mod tcp;

use link::{Path, STEADY};
use run::{Outcome, Scenario, run};
use sendrecv_core::{Instant, Seed};
use std::time::Duration;

fn scenarios() -> Vec<Scenario> {
    let one = |name, path| Scenario { name, path, calls: &[0], tcp: None, seconds: 60 };
    let loss = |name, loss| one(name, Path { loss, ..STEADY });
    vec![
        one("3 Mbit/s", STEADY),
        one("3 Mbit/s, queue of 50 ms", Path { queue: Duration::from_millis(50), ..STEADY }),
        one("3 Mbit/s, queue of 1 s", Path { queue: Duration::from_secs(1), ..STEADY }),
        one("3 Mbit/s, queue of 20 ms", Path { queue: Duration::from_millis(20), ..STEADY }),
        one("3 Mbit/s, no queue to speak of", Path { queue: Duration::from_millis(8), ..STEADY }),
        one("300 kbit/s", Path { rate: 300_000, ..STEADY }),
        one("3 Mbit/s, 200 ms away", Path { delay: Duration::from_millis(100), ..STEADY }),
        loss("2 % loss", 2),
        loss("5 % loss", 5),
        loss("10 % loss", 10),
        loss("20 % loss", 20),
        one("20 % of feedback lost", Path { feedback_loss: 20, ..STEADY }),
        one("Wi-Fi, stalls of 40 ms", Path { stalls: Duration::from_millis(40), ..STEADY }),
        one("3, 1, 3 Mbit/s", Path { steps: &[(20_000, 1_000_000), (40_000, 3_000_000)], ..STEADY }),
        one("1, 5 Mbit/s", Path { rate: 1_000_000, steps: &[(30_000, 5_000_000)], ..STEADY }),
        Scenario { calls: &[0, 10_000], ..one("two calls", STEADY) },
        Scenario { calls: &[0, 0, 0], ..one("three calls", STEADY) },
        Scenario { tcp: Some(10_000), ..one("beside TCP", STEADY) },
    ]
}

/// What a call got of the link in one second, in hundredths.
fn share(outcome: &Outcome, flow: usize, second: usize) -> u64 {
    let flow = &outcome.flows[flow];
    let bytes = flow.per_second.get(second).copied().unwrap_or(0);
    let at = Instant::from_millis(second as u64 * 1000);
    bytes * 800 / outcome.link.rate(at)
}

fn mean(values: impl Iterator<Item = u64>) -> u64 {
    let values: Vec<u64> = values.collect();
    values.iter().sum::<u64>() / (values.len() as u64).max(1)
}

/// The medians of what counts in the second half of the time after the last change.
fn line(scenario: &Scenario, outcome: &mut Outcome) -> String {
    let begins = scenario.calls.iter().copied().chain(scenario.tcp);
    let last = begins.chain(scenario.path.steps.iter().map(|(at, _)| *at)).max().unwrap_or(0) as usize / 1000;
    let end = scenario.seconds as usize;
    let settled = last + (end - last) / 2;
    let shares = (0..outcome.flows.len()).map(|flow| {
        let begun = scenario.calls[flow] as usize / 1000;
        mean((settled - begun..end - begun - 1).map(|second| share(outcome, flow, second)))
    });
    let shares: Vec<u64> = shares.collect();
    // The first call is there from the beginning on.
    let near = |second: &usize| {
        (*second..second + 3).all(|second| share(outcome, 0, second) * 100 >= shares[0] * 85)
    };
    let after =
        (last..end - 3).find(near).map_or("never".into(), |second| format!("{} s", second + 1 - last));
    let delays = &mut outcome.link.delays;
    delays.sort_unstable();
    let (median, most) = (delays[delays.len() / 2], delays[delays.len() * 95 / 100]);
    let dropped = outcome.link.dropped * 1000 / (outcome.link.dropped + delays.len() as u64);
    let shares: Vec<String> = shares.iter().map(|share| format!("{share} %")).collect();
    let (name, shares) = (scenario.name, shares.join(" "));
    format!(
        "{name:<30} {shares:<18} {after:<6} {median:>4} ms {most:>5} ms {:>3}.{} %\n",
        dropped / 10,
        dropped % 10
    )
}

#[test]
fn what_calls_make_of_links_is_as_the_snapshot_says() {
    let mut table = format!(
        "{:<30} {:<18} {:<6} {:>7} {:>8} {:>7}\n",
        "link", "media, of the link", "after", "queue", "of 95 %", "dropped"
    );
    for scenario in scenarios() {
        let mut outcome = run(&scenario, &Seed::from_u64(1));
        assert!(outcome.flows.iter().all(|flow| flow.refused == 0), "{}", scenario.name);
        table.push_str(&line(&scenario, &mut outcome));
    }
    println!("{table}");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots/congestion.txt");
    if std::env::var_os("SENDRECV_BLESS").is_some() {
        std::fs::write(path, &table).unwrap();
    }
    let known = std::fs::read_to_string(path).unwrap_or_default();
    assert!(table == known, "SENDRECV_BLESS=1 takes this over:\n{table}");
}

/// Whatever the seed: on a steady link, with loss, and after a step up.
#[test]
fn a_call_makes_good_use_of_a_link_under_every_seed() {
    let seeds = if std::env::var_os("SENDRECV_DEEP").is_some() { 200 } else { 5 };
    let of = |name: &str| scenarios().into_iter().find(|scenario| scenario.name == name).unwrap();
    for (name, least) in
        [("3 Mbit/s", 75), ("5 % loss", 65), ("1, 5 Mbit/s", 70), ("Wi-Fi, stalls of 40 ms", 70)]
    {
        let scenario = of(name);
        for seed in 0..seeds {
            let outcome = run(&scenario, &Seed::from_u64(seed));
            let used = mean((45..59).map(|second| share(&outcome, 0, second)));
            assert!(used >= least, "{used} % of {name} with seed {seed}");
        }
    }
}
