//! Every kind of NAT with every other.

use crate::setup::{Front, SECOND, Setup, compare, describe, is_relayed};
use crate::support::{World, ip};
use sendrecv_core::Protocol;
use sendrecv_ice::{CandidateKind, Event, Route, TransportPolicy};
use std::fmt::Write as _;

#[test]
fn a_connection_comes_about_wherever_it_can() {
    let mut report = String::from(
        "NATs in front of a (controlling) and b: the pair as a sees it, time and packets until both have one\n",
    );
    for turn in [false, true] {
        writeln!(report, "\n{}", if turn { "with TURN" } else { "without TURN" }).unwrap();
        for a in Front::ALL {
            for b in Front::ALL {
                let (mut world, _) = Setup::new(a, b, turn).build();
                world.start();
                let connected = world.connect(45 * SECOND).is_ok();
                let line = describe(&mut world, connected);
                let row = format!("{:>18} | {:<18} {line}", a.name(), b.name());
                writeln!(report, "{row}").unwrap();
                let direct = a.direct_is_possible(b);
                assert_eq!(connected, turn || direct, "{row}");
                if connected {
                    assert!(world.sim.now().as_millis() < 2000, "{row}");
                    assert_eq!(is_relayed(&mut world), !direct, "{row}");
                    world.exchange();
                    assert!(pairs_are_unique(&mut world), "two pairs go the same way: {row}");
                }
            }
        }
    }
    compare("nat_grid.txt", &report);
}

/// Whether no two pairs of an agent go the same way: they are told apart by base, not by mapped address.
fn pairs_are_unique(world: &mut World) -> bool {
    [world.a, world.b].into_iter().all(|host| {
        let routes: Vec<_> =
            world.agent(host).agent.candidate_pairs().iter().map(|pair| pair.route).collect();
        routes.iter().all(|route| routes.iter().filter(|other| *other == route).count() == 1)
    })
}

#[test]
fn an_ipv6_only_host_names_ipv4_peers_as_they_name_themselves() {
    for a in [Front::Nothing, Front::PortRestricted] {
        let (mut world, _) = Setup::new(a, Front::Nat64, true).build();
        world.start();
        world.connect(2 * SECOND).unwrap();
        let (on_a, on_b) =
            (world.a().agent.selected_pair().unwrap(), world.b().agent.selected_pair().unwrap());
        assert!(on_b.route.remote().is_ipv6(), "{:?}", on_b.route);
        assert!(on_b.remote.socket_addr().unwrap().is_ipv4());
        assert!(on_a.local.socket_addr().unwrap().is_ipv4(), "b answers with a's IPv4 address: {on_a:?}");
        let asked =
            |event: &&Event| matches!(event, Event::ResolveName { name, .. } if name == "ipv4only.arpa");
        assert_eq!(world.b().events.iter().filter(asked).count(), 1);
        assert_eq!(world.a().events.iter().filter(asked).count(), 0);
        world.exchange();
    }
}

#[test]
fn relay_only_reveals_and_uses_nothing_else() {
    let mut setup = Setup::new(Front::Nothing, Front::PortRestricted, true);
    setup.policy = TransportPolicy::Relay;
    let (mut world, _) = setup.build();
    world.start();
    world.connect(5 * SECOND).unwrap();
    for host in [world.a, world.b] {
        let node = world.agent(host);
        let signalled = node.events.iter().filter_map(|event| match event {
            Event::LocalCandidate(candidate) => Some(candidate),
            _ => None,
        });
        for candidate in signalled {
            assert_eq!(candidate.kind, CandidateKind::Relayed);
            let nobody = if candidate.socket_addr().unwrap().is_ipv4() { "0.0.0.0" } else { "::" };
            assert_eq!(candidate.related, Some((ip(nobody).into(), 0)));
            assert_eq!(candidate.relay_protocol, Some(Protocol::Udp));
        }
        let pair = node.agent.selected_pair().unwrap();
        assert!(matches!(pair.route, Route::Relayed { .. }));
    }
    world.exchange();
    assert!(world.a().agent.path_mtu_overhead() <= 36);
}

#[test]
fn exhausted_ports_leave_the_relay() {
    let mut setup = Setup::new(Front::Symmetric, Front::Nothing, true);
    setup.ports = Some(2000..=2000);
    let (mut world, _) = setup.build();
    world.start();
    world.connect(5 * SECOND).unwrap();
    assert!(is_relayed(&mut world));
    world.exchange();
}
