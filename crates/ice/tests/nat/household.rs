//! Two hosts behind one NAT.

use crate::setup::{Front, SECOND, Setup, compare, describe, is_relayed};
use std::fmt::Write as _;

#[test]
fn hosts_behind_one_nat_find_each_other_inside_by_hairpin_or_by_relay() {
    let mut report =
        String::from("a and b behind one NAT: the pair as a sees it, time and packets until both have one\n");
    for isolated in [false, true] {
        writeln!(report, "\n{}", if isolated { "kept apart inside" } else { "on one LAN" }).unwrap();
        for front in [Front::FullCone, Front::AddressRestricted, Front::PortRestricted, Front::Symmetric] {
            for hairpin in [true, false] {
                for turn in [false, true] {
                    let adjust: fn(&mut sendrecv_sim::NatConfig) =
                        if hairpin { |nat| nat.hairpin = true } else { |nat| nat.hairpin = false };
                    let setup = Setup { same_nat: true, isolated, adjust, ..Setup::new(front, front, turn) };
                    let (mut world, _) = setup.build();
                    world.start();
                    let connected = world.connect(45 * SECOND).is_ok();
                    let line = describe(&mut world, connected);
                    let with = |what: bool| if what { "yes" } else { "no" };
                    let row = format!(
                        "{:>18}, hairpin {:<3} TURN {:<3} {line}",
                        front.name(),
                        with(hairpin),
                        with(turn)
                    );
                    writeln!(report, "{row}").unwrap();
                    let direct = !isolated || (hairpin && front.direct_is_possible(front));
                    assert_eq!(connected, direct || turn, "{row}");
                    if connected {
                        assert!(world.sim.now().as_millis() < 2000, "{row}");
                        assert_eq!(is_relayed(&mut world), !direct, "{row}");
                        world.exchange();
                    }
                }
            }
        }
    }
    compare("nat_household.txt", &report);
}
