//! Servers that die, are silent, or are not there.

use crate::setup::{Front, SECOND, SERVER, Setup};
use crate::support::{Machinery, addr, config, ip, node};
use sendrecv_ice::{ConnectionState, Event, GatheringState, IceServer, Role};

#[test]
fn a_dying_turn_server_shows_as_failed_consent() {
    let (mut world, server) = Setup::new(Front::Symmetric, Front::Symmetric, true).build();
    world.start();
    world.connect(5 * SECOND).unwrap();
    world.sim.set_connected(server, ip("203.0.113.1"), false);
    world.run_until(15 * SECOND, |world| world.both(ConnectionState::Disconnected)).unwrap();
    world.run_until(40 * SECOND, |world| world.both(ConnectionState::Failed)).unwrap();
}

#[test]
fn a_silent_server_is_reported_and_gathering_completes() {
    let (mut world, server) = Setup::new(Front::FullCone, Front::FullCone, true).build();
    world.sim.set_connected(server, ip("203.0.113.1"), false);
    world.start();
    world
        .run_until(12 * SECOND, |world| world.a().agent.gathering_state() == GatheringState::Complete)
        .unwrap();
    let errors: Vec<_> = world
        .a()
        .events
        .iter()
        .filter_map(|event| match event {
            Event::CandidateError(error) => Some((error.url.clone(), error.code, error.local)),
            _ => None,
        })
        .collect();
    let local = Some(addr("10.0.1.2:5000"));
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors.contains(&(format!("stun:{SERVER}"), 701, local)));
    assert!(errors.contains(&(format!("turn:{SERVER}?transport=udp"), 701, local)));
}

#[test]
fn a_server_whose_name_does_not_resolve_is_reported() {
    let mut node = node(config(Role::Controlling), 1, &["10.0.0.1:5000"]);
    let now = sendrecv_core::Instant::ZERO;
    node.agent.add_ice_server(now, IceServer::stun("stun:nowhere.example".parse().unwrap())).unwrap();
    node.agent.gather(now).unwrap();
    node.collect(now);
    assert!(
        node.events.iter().any(|event| matches!(event, Event::CandidateError(error) if error.code == 701))
    );
    assert_eq!(node.agent.gathering_state(), GatheringState::Complete);
}

#[test]
fn closing_gives_allocations_back() {
    let (mut world, server) = Setup::new(Front::Symmetric, Front::Symmetric, true).build();
    world.start();
    world.connect(5 * SECOND).unwrap();
    let now = world.sim.now();
    for host in [world.a, world.b] {
        world.agent(host).agent.close(now);
    }
    world.run_for(2 * SECOND);
    let Machinery::Server(_) = world.sim.node(server) else { panic!() };
    for host in [world.a, world.b] {
        assert_eq!(sendrecv_core::Machine::poll_timeout(&world.agent(host).agent), None, "all is drained");
    }
}
