//! NATs that forget: in time, or all at once.

use crate::setup::{Front, SECOND, Setup};
use sendrecv_ice::ConnectionState;
use std::time::Duration;

#[test]
fn bindings_stay_open_while_idle_for_nats_that_forget_after_ten_seconds() {
    // RFC 4787 asks for two minutes, but the wild does not listen. Consent checks come every 4 to 6 seconds.
    let lifetimes: [fn(&mut sendrecv_sim::NatConfig); 3] = [
        |nat| nat.lifetime = Duration::from_secs(10),
        |nat| (nat.lifetime, nat.refreshed_by_inbound) = (Duration::from_secs(10), true),
        |nat| nat.lifetime = Duration::from_secs(30),
    ];
    for adjust in lifetimes {
        for (front, turn) in [(Front::PortRestricted, false), (Front::Symmetric, true), (Front::Nat64, false)]
        {
            let setup = Setup { adjust, ..Setup::new(front, Front::PortRestricted, turn) };
            let (mut world, _) = setup.build();
            world.start();
            world.connect(2 * SECOND).unwrap();
            world.run_for(300 * SECOND);
            assert!(world.both(ConnectionState::Completed));
            assert_eq!(world.a().selections().len(), 1, "the pair stayed the same");
            world.exchange();
        }
    }
}

#[test]
fn candidates_wait_for_a_late_answer() {
    // The bindings at the STUN server are refreshed until a pair is in use (RFC 8445, section 5.1.1.4).
    let adjust: fn(&mut sendrecv_sim::NatConfig) = |nat| nat.lifetime = Duration::from_secs(20);
    let setup = Setup { adjust, ..Setup::new(Front::PortRestricted, Front::PortRestricted, false) };
    let (mut world, _) = setup.build();
    world.delay = Duration::from_secs(90);
    world.start();
    world.run_for(90 * SECOND);
    world.connect(2 * SECOND).unwrap();
    world.exchange();
}

#[test]
fn a_nat_that_forgets_its_mappings_is_survived() {
    // As long as the other side's NAT lets the new address in, that is; else only a restart can tell it.
    let open = Front::FullCone;
    for (a, b, rebooted) in
        [(open, open, 0), (open, open, 1), (Front::PortRestricted, open, 0), (open, Front::PortRestricted, 1)]
    {
        let (mut world, _) = Setup::new(a, b, false).build();
        world.start();
        world.connect(2 * SECOND).unwrap();
        world.run_for(SECOND);
        let nat = world.nats[rebooted].unwrap();
        world.sim.nat_mut(nat).unwrap().forget();
        world.run_for(if rebooted == 0 { 7 } else { 25 } * SECOND);
        world.exchange();
        let states = [world.a().states(), world.b().states()].concat();
        assert!(!states.contains(&ConnectionState::Failed), "{states:?}");
    }
}
