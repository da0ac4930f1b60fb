//! Satellites, old routers and crowded hosts.

use crate::setup::{Front, SECOND, Setup, is_relayed};
use crate::support::addr;
use sendrecv_ice::LocalSocket;
use std::time::Duration;

#[test]
fn a_round_trip_of_800_ms_and_loss_are_survived() {
    let cases = [
        (Front::Nothing, Front::Nothing),
        (Front::PortRestricted, Front::PortRestricted),
        (Front::Symmetric, Front::Symmetric),
        (Front::Nat64, Front::Symmetric),
    ];
    for loss in [0, 30] {
        for (a, b) in cases {
            for seed in sendrecv_sim::seeds(5, 200) {
                let setup = Setup { loss, seed, delay: Duration::from_millis(200), ..Setup::new(a, b, true) };
                let (mut world, _) = setup.build();
                world.start();
                let row = format!("{} | {}, {loss} %, seed {seed}", a.name(), b.name());
                let within = if loss == 0 { 8 } else { 40 };
                assert!(world.connect(within * SECOND).is_ok(), "{row}");
            }
        }
    }
}

#[test]
fn a_symmetric_nat_that_keeps_ports_is_one_too() {
    for b in [Front::FullCone, Front::PortRestricted, Front::Symmetric] {
        let setup = Setup { adjust: |nat| nat.keeps_ports = true, ..Setup::new(Front::Symmetric, b, true) };
        let (mut world, _) = setup.build();
        world.start();
        world.connect(3 * SECOND).unwrap();
        world.exchange();
    }
}

#[test]
fn a_relayed_pair_survives_nats_that_forget_everything_every_half_minute() {
    // The TURN server sees another port each time, knows no allocation there, and has to give a new one.
    let (mut world, _) = Setup::new(Front::Symmetric, Front::Symmetric, true).build();
    world.start();
    world.connect(5 * SECOND).unwrap();
    for _ in 0..4 {
        for nat in world.nats {
            world.sim.nat_mut(nat.unwrap()).unwrap().forget();
        }
        world.run_for(30 * SECOND);
        assert!(is_relayed(&mut world));
        world.exchange();
    }
}

#[test]
fn fifty_interfaces_of_which_one_works_are_sorted_out() {
    for turn in [false, true] {
        let (mut world, _) = Setup::new(Front::PortRestricted, Front::PortRestricted, turn).build();
        let now = world.sim.now();
        for number in 1..50 {
            let socket = LocalSocket::udp(addr(&format!("172.16.{number}.1:5000")));
            world.a().agent.add_socket(now, socket).unwrap();
        }
        world.start();
        world.connect(20 * SECOND).unwrap();
        world.exchange();
    }
}
