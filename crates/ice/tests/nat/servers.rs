//! Servers that die, are silent, or are not there.

use crate::setup::{Front, SECOND, SERVER, Setup, compare, describe, is_relayed, wire};
use crate::support::{Machinery, World, addr, config, ip, node};
use crate::turn_server::TurnServer;
use sendrecv_ice::{ConnectionState, Event, GatheringState, IceServer, Role};
use sendrecv_sim::{HostId, Interface};
use std::fmt::Write as _;
use std::time::Duration;

#[test]
fn a_dying_turn_server_shows_as_failed_consent() {
    let (mut world, server) = Setup::new(Front::Symmetric, Front::Symmetric, true).build();
    world.start();
    world.connect(5 * SECOND).unwrap();
    world.sim.set_connected(server, ip("203.0.113.1"), false);
    world.run_until(15 * SECOND, |world| world.both(ConnectionState::Disconnected)).unwrap();
    world.run_until(40 * SECOND, |world| world.both(ConnectionState::Failed)).unwrap();
}

/// As after a reboot: it knows nobody any more.
fn reboot(world: &mut World, server: HostId) {
    let fresh = TurnServer::new(sendrecv_crypto::rustcrypto(), addr(SERVER), "user", "secret");
    *world.sim.node_mut(server) = Machinery::Server(Box::new(fresh));
}

#[test]
fn a_turn_server_that_forgets_its_allocations_is_asked_for_others() {
    for (a, b) in [(Front::Symmetric, Front::Symmetric), (Front::Symmetric, Front::PortRestricted)] {
        let (mut world, server) = Setup::new(a, b, true).build();
        world.start();
        world.connect(5 * SECOND).unwrap();
        world.run_for(7 * SECOND);
        reboot(&mut world, server);
        world.run_for(15 * SECOND);
        assert!(is_relayed(&mut world));
        world.exchange();
        let (a, b) = (world.a().states(), world.b().states());
        assert!(
            !a.contains(&ConnectionState::Failed) && !b.contains(&ConnectionState::Failed),
            "{a:?} {b:?}"
        );
    }
}

#[test]
fn a_restart_asks_servers_again_that_gave_nothing() {
    let (mut world, server) = Setup::new(Front::Symmetric, Front::Symmetric, true).build();
    world.sim.set_connected(server, ip("203.0.113.1"), false);
    world.start();
    world.run_for(12 * SECOND);
    assert_eq!(world.a().agent.gathering_state(), GatheringState::Complete);
    world.sim.set_connected(server, ip("203.0.113.1"), true);
    let now = world.sim.now();
    for host in [world.a, world.b] {
        world.agent(host).agent.restart(now).unwrap();
    }
    world.start();
    world.connect(5 * SECOND).unwrap();
    assert!(is_relayed(&mut world));
    world.exchange();
}

/// Programs that were killed come back on the ports they had, on which the server, and the NATs, know the old ones' allocations.
#[test]
fn agents_that_come_back_on_their_old_ports_get_allocations_from_others() {
    let before = Setup::new(Front::Symmetric, Front::Symmetric, true);
    let (mut world, _) = before.build();
    world.start();
    world.connect(5 * SECOND).unwrap();
    let after = Setup { seed: 2, ..before };
    for (index, host) in [world.a, world.b].into_iter().enumerate() {
        *world.sim.node_mut(host) = after.agent(index);
    }
    world.start();
    world.connect(5 * SECOND).unwrap();
    assert!(is_relayed(&mut world));
    world.exchange();
    for host in [world.a, world.b] {
        let events = &world.agent(host).events;
        assert!(events.iter().any(|event| matches!(event, Event::OpenStream(_))));
        assert!(!events.iter().any(|event| matches!(event, Event::CandidateError(_))));
    }
}

const OTHER_SERVER: &str = "203.0.113.2:3478";

/// Two agents that need a relay, and the two servers that both may use.
fn between_two_servers() -> (World, [HostId; 2]) {
    let (mut world, first) = Setup::new(Front::Symmetric, Front::Symmetric, true).build();
    let second = TurnServer::new(sendrecv_crypto::rustcrypto(), addr(OTHER_SERVER), "user", "secret");
    let interface = Interface::new(addr(OTHER_SERVER).ip()).up(wire());
    let second = world.sim.add_host("other server", Machinery::Server(Box::new(second)), [interface]);
    for host in [world.a, world.b] {
        let server = IceServer::turn(format!("turn:{OTHER_SERVER}").parse().unwrap(), "user", "secret");
        let now = world.sim.now();
        world.agent(host).agent.add_ice_server(now, server).unwrap();
    }
    (world, [first, second])
}

fn kill(world: &mut World, server: HostId) {
    for address in ["203.0.113.1", "203.0.113.2"] {
        world.sim.set_connected(server, ip(address), false);
    }
}

/// The servers that the pair in use goes through: the agents' own, or the peer's.
fn servers_in_use(world: &mut World) -> Vec<bool> {
    let pairs = [world.a, world.b].map(|host| world.agent(host).agent.selected_pair().unwrap());
    let candidates = pairs.iter().flat_map(|pair| [&pair.local, &pair.remote]);
    let address = |at: &str| addr(at).ip().into();
    let uses = |at: &str| candidates.clone().any(|candidate| candidate.address == address(at));
    [SERVER, OTHER_SERVER].map(uses).to_vec()
}

#[test]
fn of_two_turn_servers_one_may_die_at_any_time() {
    let mut report = String::from(
        "One of two TURN servers dies between two symmetric NATs: the pair as a sees it, the time until both have one that \
         works, and packets\n",
    );
    for dies_after in [0, 30, 100, 200, 400, 600, 800] {
        for dead in [0, 1] {
            let (mut world, servers) = between_two_servers();
            world.start();
            world.run_for(Duration::from_millis(dies_after));
            kill(&mut world, servers[dead]);
            let connected = world.connect(20 * SECOND).is_ok();
            let row = format!("{} at {dies_after:>3} ms", ["first", "other"][dead]);
            // It may have been chosen just before it died.
            assert!(connected, "{row}");
            let used = servers_in_use(&mut world)[dead];
            let line = describe(&mut world, connected);
            writeln!(report, "{row}: {line}{}", if used { ", on it" } else { "" }).unwrap();
            world.run_for(if used { 20 } else { 1 } * SECOND);
            assert!(is_relayed(&mut world));
            assert!(!servers_in_use(&mut world)[dead], "{row}");
            world.exchange();
        }
    }
    compare("nat_servers.txt", &report);
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
