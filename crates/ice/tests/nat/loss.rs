//! Loss of up to thirty percent of all packets, in every direction.

use crate::setup::{Front, SECOND, Setup, compare, is_relayed};
use std::fmt::Write as _;

/// How long finding a pair may take, in seconds, and how many packets.
const WITHIN: u32 = 30;
const PACKETS: u64 = 400;

const CASES: [(Front, Front, bool); 8] = [
    (Front::Nothing, Front::Nothing, false),
    (Front::FullCone, Front::Symmetric, false),
    (Front::PortRestricted, Front::PortRestricted, false),
    (Front::Nat64, Front::PortRestricted, false),
    (Front::Nothing, Front::Symmetric, true),
    (Front::PortRestricted, Front::PortRestricted, true),
    (Front::Symmetric, Front::Symmetric, true),
    (Front::Firewall, Front::Firewall, true),
];

#[test]
fn loss_of_up_to_thirty_percent_delays_but_does_not_prevent() {
    let mut report =
        String::from("What loss costs until both have a pair: time in ms and packets, of twenty runs\n");
    let seeds = sendrecv_sim::seeds(20, 1000);
    for percent in [10, 20, 30] {
        writeln!(report, "\n{percent} % of all packets lost").unwrap();
        for (a, b, turn) in CASES {
            let (mut times, mut packets) = (Vec::new(), Vec::new());
            for seed in seeds.clone() {
                let setup = Setup { loss: percent, seed, ..Setup::new(a, b, turn) };
                let (mut world, _) = setup.build();
                world.start();
                let row = format!("{} | {}, {percent} %, seed {seed}", a.name(), b.name());
                assert!(world.connect(WITHIN * SECOND).is_ok(), "{row}");
                times.push(world.sim.now().as_millis());
                packets.push(world.a().packets + world.b().packets);
                assert!(packets.last() < Some(&PACKETS), "{row}: {packets:?}");
                // The two may have different pairs for a moment, each relayed at the other end.
                let relayed = a.direct_is_possible(b) || world.run_until(WITHIN * SECOND, is_relayed).is_ok();
                assert!(relayed, "{row}");
            }
            let (times, packets) = (summary(times), summary(packets));
            let turn = if turn { "TURN" } else { "" };
            writeln!(report, "{:>15} | {:<15} {turn:<4} {times:<26} {packets}", a.name(), b.name()).unwrap();
        }
    }
    if seeds == (0..20) {
        compare("nat_loss.txt", &report);
    }
}

fn summary(mut values: Vec<u64>) -> String {
    values.sort_unstable();
    format!("median {}, at most {}", values[values.len() / 2], values[values.len() - 1])
}
