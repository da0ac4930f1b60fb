//! Hosts that sleep, or have too much to do, and then read what has come meanwhile.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod support;

use sendrecv_ice::{ConnectionState, NoRoute};
use std::time::Duration;
use support::{World, ordinary_pair};

const SECOND: Duration = Duration::from_secs(1);

fn connected() -> World {
    let mut world = ordinary_pair();
    world.start();
    world.connect(SECOND).unwrap();
    world.run_for(10 * SECOND);
    world
}

/// Puts a to sleep, or both.
fn sleep(world: &mut World, time: Duration, both: bool) {
    let until = world.sim.now() + time;
    world.a().sleeps_until = Some(until);
    if both {
        world.b().sleeps_until = Some(until);
    }
    world.run_for(time);
}

fn has_failed(world: &mut World) -> bool {
    [world.a, world.b].into_iter().any(|host| world.agent(host).states().contains(&ConnectionState::Failed))
}

#[test]
fn a_host_that_wakes_up_goes_on_with_what_it_finds_unread() {
    // At each of these times it has asked for consent or not, and been answered or not.
    for millis in (0..6_000).step_by(250) {
        let mut world = connected();
        world.run_for(Duration::from_millis(millis));
        sleep(&mut world, 22 * SECOND, false);
        world.run_for(SECOND);
        assert!(!has_failed(&mut world), "{millis} ms");
        world.exchange();
    }
}

#[test]
fn hosts_that_slept_for_longer_than_consent_lasts_regain_it_before_they_send() {
    for time in [31, 40, 600] {
        let mut world = connected();
        sleep(&mut world, time * SECOND, true);
        // The network has a longer way to the first answer than to this moment.
        let now = world.sim.now();
        let mut slab = [0; 100];
        let mut packet = sendrecv_core::PacketBuf::new(&mut slab, sendrecv_ice::DATA_HEADROOM, 0);
        let sent = world.a().agent.send_data(now, &mut packet);
        assert_eq!(sent, Err(NoRoute::NotConnected), "after {time} s");
        assert!(!world.a().agent.can_send_data());
        world.run_for(SECOND);
        assert!(!has_failed(&mut world), "after {time} s");
        assert_ne!(world.a().agent.state(), ConnectionState::Disconnected);
        world.exchange();
    }
}

#[test]
fn a_host_that_slept_gives_up_a_peer_that_has_gone_meanwhile() {
    let mut world = connected();
    let b = world.b;
    world.sim.set_connected(b, support::ip("10.0.0.2"), false);
    sleep(&mut world, 40 * SECOND, false);
    world.run_for(4 * SECOND);
    assert_eq!(world.a().agent.state(), ConnectionState::Failed);
}

#[test]
fn a_storm_in_which_nobody_is_served_for_a_minute_is_no_failure() {
    let mut world = ordinary_pair();
    world.start();
    world.run_for(Duration::from_millis(45));
    for _ in 0..12 {
        // Whatever is sent, it is read late.
        sleep(&mut world, 5 * SECOND, true);
        assert!(!has_failed(&mut world));
        world.run_for(Duration::from_millis(1));
    }
    world.connect(2 * SECOND).unwrap();
    world.exchange();
}

#[test]
fn checks_that_are_answered_late_say_nothing_of_the_round_trip_time() {
    let mut world = connected();
    for _ in 0..4 {
        sleep(&mut world, 7 * SECOND, false);
        world.run_for(6 * SECOND);
    }
    let rtt = world.a().agent.rtt().unwrap();
    assert!(rtt < Duration::from_millis(100), "{rtt:?}");
}
