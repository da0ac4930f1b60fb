//! Two agents find each other.
#![allow(clippy::as_conversions)]

mod support;

use sendrecv_core::Seed;
use sendrecv_ice::{Config, ConnectionState, Role};
use sendrecv_sim::{Interface, LinkConfig, Simulation};
use std::time::Duration;
use support::{AgentNode, Machinery, World, config, ip, node};

const SECOND: Duration = Duration::from_secs(1);

fn lan(a: AgentNode, b: AgentNode) -> World {
    let mut sim = Simulation::new(&Seed::from_u64(7));
    let wire = LinkConfig::with_delay(Duration::from_millis(10));
    let a = sim.add_host("a", Machinery::Agent(Box::new(a)), [Interface::new(ip("10.0.0.1")).up(wire)]);
    let b = sim.add_host("b", Machinery::Agent(Box::new(b)), [Interface::new(ip("10.0.0.2")).up(wire)]);
    World::new(sim, a, b)
}

fn pair_on_a_lan(a: Config, b: Config) -> World {
    lan(node(a, 1, &["10.0.0.1:5000"]), node(b, 2, &["10.0.0.2:5000"]))
}

#[test]
fn hosts_on_a_lan_connect_in_two_round_trips_and_a_pacing_interval() {
    let mut world = pair_on_a_lan(config(Role::Controlling), config(Role::Controlled));
    world.start();
    world.connect(SECOND).unwrap();
    assert!(world.sim.now().as_millis() <= 20 + 2 * 20 + 50, "{}", world.sim.now());
    world.run_until(SECOND, |world| world.both(ConnectionState::Completed)).unwrap();
    world.exchange();
    let expected = [ConnectionState::Checking, ConnectionState::Connected, ConnectionState::Completed];
    assert_eq!(world.a().states(), expected);
    assert_eq!(world.b().states(), expected);
}
