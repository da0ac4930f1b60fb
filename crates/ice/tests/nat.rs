//! NATs of every kind on both sides, with and without TURN. What comes about is kept as a snapshot:
//! `SENDRECV_BLESS=1 cargo test -p sendrecv-ice --test nat` writes it anew.
#![allow(
    clippy::as_conversions,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may panic"
)]

mod support;
#[path = "../../../tests/src/turn_server.rs"]
#[allow(dead_code, unreachable_pub)]
mod turn_server;

use sendrecv_core::{Protocol, Seed};
use sendrecv_ice::{
    CandidateKind, Config, ConnectionState, Event, GatheringState, IceServer, Role, Route, TransportPolicy,
};
use sendrecv_sim::{
    Behaviour, Chance, HostId, Interface, LinkConfig, Loss, NatConfig, Realm, Simulation, Verdict,
};
use std::fmt::Write as _;
use std::time::Duration;
use support::{Machinery, World, addr, config, ip, node};
use turn_server::TurnServer;

const SECOND: Duration = Duration::from_secs(1);
const SERVER: &str = "203.0.113.1:3478";

/// What is in front of a host.
#[derive(Clone, Copy, PartialEq)]
enum Front {
    Nothing,
    FullCone,
    AddressRestricted,
    PortRestricted,
    AddressDependent,
    Symmetric,
    /// UDP does not get through to hosts, only to the server.
    Firewall,
}

const FRONTS: [Front; 7] = [
    Front::Nothing,
    Front::FullCone,
    Front::AddressRestricted,
    Front::PortRestricted,
    Front::AddressDependent,
    Front::Symmetric,
    Front::Firewall,
];

impl Front {
    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "public",
            Self::FullCone => "full cone",
            Self::AddressRestricted => "restricted",
            Self::PortRestricted => "port restricted",
            Self::AddressDependent => "address dependent",
            Self::Symmetric => "symmetric",
            Self::Firewall => "server only",
        }
    }

    fn nat(self) -> Option<NatConfig> {
        match self {
            Self::Nothing => None,
            Self::FullCone => Some(NatConfig::full_cone()),
            Self::AddressRestricted => {
                Some(NatConfig::new(Behaviour::EndpointIndependent, Behaviour::AddressDependent))
            }
            Self::PortRestricted => Some(NatConfig::port_restricted()),
            Self::AddressDependent => {
                Some(NatConfig::new(Behaviour::AddressDependent, Behaviour::AddressDependent))
            }
            Self::Symmetric | Self::Firewall => Some(NatConfig::symmetric()),
        }
    }

    /// Whether a direct path can be found between two hosts behind these.
    fn direct_is_possible(self, other: Self) -> bool {
        // A mapping that moves with the destination is only found by the packets it lets through itself, so the other
        // side has to take those in: from any port, at least, and at a place that does not move.
        let moving = |front| matches!(front, Self::Symmetric | Self::AddressDependent);
        let strict = |front| moving(front) || front == Self::PortRestricted;
        let blocked = self == Self::Firewall || other == Self::Firewall;
        let (ours, theirs) = (moving(self) && strict(other), moving(other) && strict(self));
        !(blocked || ours || theirs)
    }
}

fn wire() -> LinkConfig {
    LinkConfig::with_delay(Duration::from_millis(20))
}

struct Setup {
    fronts: [Front; 2],
    same_nat: bool,
    turn: bool,
    policy: TransportPolicy,
    loss: u32,
    seed: u64,
    /// The outside ports that the NATs have.
    ports: Option<std::ops::RangeInclusive<u16>>,
}

impl Setup {
    fn new(a: Front, b: Front, turn: bool) -> Self {
        Self {
            fronts: [a, b],
            same_nat: false,
            turn,
            policy: TransportPolicy::All,
            loss: 0,
            seed: 1,
            ports: None,
        }
    }

    fn build(&self) -> (World, HostId) {
        let mut sim = Simulation::new(&Seed::from_u64(self.seed));
        let wire = match self.loss {
            0 => wire(),
            percent => wire().with_loss(Loss::Random(Chance::percent(percent))),
        };
        let server = TurnServer::new(sendrecv_crypto::rustcrypto(), addr(SERVER), "user", "secret");
        let server =
            sim.add_host("server", Machinery::Server(Box::new(server)), [Interface::new(ip("203.0.113.1"))]);
        let mut hosts = Vec::new();
        let (mut nat, mut nats) = (None, [None; 2]);
        for (index, front) in self.fronts.into_iter().enumerate() {
            let number = index + 1;
            let inside = front.nat().is_some();
            let address = if inside { format!("10.0.{number}.2") } else { format!("198.51.100.{number}") };
            let mut interface = Interface::new(ip(&address)).up(wire);
            if let Some(mut behaviour) = front.nat() {
                behaviour.ports = self.ports.clone().unwrap_or(behaviour.ports);
                if nat.is_none() || !self.same_nat {
                    nat = Some(sim.add_nat(behaviour, ip(&format!("192.0.2.{number}")), Realm::Internet));
                }
                interface = interface.behind(nat.unwrap());
                nats[index] = nat;
            }
            let role = if index == 0 { Role::Controlling } else { Role::Controlled };
            let config = Config { policy: self.policy, ..config(role) };
            let mut node = node(config, self.seed * 2 + index as u64, &[&format!("{address}:5000")]);
            let now = sim.now();
            node.agent
                .add_ice_server(now, IceServer::stun(format!("stun:{SERVER}").parse().unwrap()))
                .unwrap();
            if self.turn {
                let url = format!("turn:{SERVER}").parse().unwrap();
                node.agent.add_ice_server(now, IceServer::turn(url, "user", "secret")).unwrap();
            }
            hosts.push(sim.add_host(["a", "b"][index], Machinery::Agent(Box::new(node)), [interface]));
        }
        let walled: Vec<HostId> = hosts
            .iter()
            .zip(self.fronts)
            .filter(|(_, front)| *front == Front::Firewall)
            .map(|(host, _)| *host)
            .collect();
        if !walled.is_empty() {
            sim.set_filter(move |datagram| {
                let outside = datagram.path.remote != addr(SERVER);
                if walled.contains(&datagram.from) && outside { Verdict::Drop } else { Verdict::Pass }
            });
        }
        let mut world = World::new(sim, hosts[0], hosts[1]);
        world.nats = nats;
        (world, server)
    }
}

fn describe(world: &mut World, connected: bool) -> String {
    let packets = world.a().packets + world.b().packets;
    let millis = world.sim.now().as_millis();
    if !connected {
        return format!("- {packets} packets");
    }
    let pair = world.a().agent.selected_pair().unwrap();
    format!("{}-{} {millis} ms, {packets} packets", pair.local.kind, pair.remote.kind)
}

fn is_relayed(world: &mut World) -> bool {
    let relayed = |route: Route| matches!(route, Route::Relayed { .. });
    relayed(world.a().agent.selected_pair().unwrap().route)
        || relayed(world.b().agent.selected_pair().unwrap().route)
}

#[test]
fn a_connection_comes_about_wherever_it_can() {
    let mut report = String::from(
        "NATs in front of a and b: the pair as a sees it, time and packets until both have one\n",
    );
    for turn in [false, true] {
        writeln!(report, "\n{}", if turn { "with TURN" } else { "without TURN" }).unwrap();
        for (index, a) in FRONTS.into_iter().enumerate() {
            for b in FRONTS.into_iter().skip(index) {
                let (mut world, _) = Setup::new(a, b, turn).build();
                world.start();
                let connected = world.connect(45 * SECOND).is_ok();
                let line = describe(&mut world, connected);
                writeln!(report, "{:>18} | {:<18} {line}", a.name(), b.name()).unwrap();
                assert_eq!(connected, turn || a.direct_is_possible(b), "{} | {}", a.name(), b.name());
                if connected {
                    assert!(world.sim.now().as_millis() < 2000, "{} | {}: {line}", a.name(), b.name());
                    assert_eq!(
                        is_relayed(&mut world),
                        !a.direct_is_possible(b),
                        "{} | {}",
                        a.name(),
                        b.name()
                    );
                    world.exchange();
                    assert!(
                        pairs_are_unique(&mut world),
                        "pairs are told apart by base, not by mapped address"
                    );
                }
            }
        }
    }
    compare("nat_grid.txt", &report);
}

/// Whether no two pairs of an agent go the same way.
fn pairs_are_unique(world: &mut World) -> bool {
    [world.a, world.b].into_iter().all(|host| {
        let routes: Vec<_> =
            world.agent(host).agent.candidate_pairs().iter().map(|pair| pair.route).collect();
        routes.iter().all(|route| routes.iter().filter(|other| *other == route).count() == 1)
    })
}

fn compare(name: &str, report: &str) {
    let path = format!("{}/tests/snapshots/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("SENDRECV_BLESS").is_some() {
        std::fs::write(&path, report).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    for (line, (known, new)) in known.lines().zip(report.lines()).enumerate() {
        assert_eq!(known, new, "{name}:{}; if that is meant, run again with SENDRECV_BLESS=1", line + 1);
    }
    assert_eq!(known.lines().count(), report.lines().count(), "{name}");
}

#[test]
fn hosts_behind_one_nat_need_no_hairpin() {
    let mut setup = Setup::new(Front::PortRestricted, Front::PortRestricted, false);
    setup.same_nat = true;
    let (mut world, _) = setup.build();
    world.start();
    world.connect(2 * SECOND).unwrap();
    let pair = world.a().agent.selected_pair().unwrap();
    assert_eq!((pair.local.kind, pair.remote.kind), (CandidateKind::Host, CandidateKind::Host));
    world.exchange();
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
            assert_eq!(candidate.related, Some((ip("0.0.0.0").into(), 0)));
            assert_eq!(candidate.relay_protocol, Some(Protocol::Udp));
        }
        let pair = node.agent.selected_pair().unwrap();
        assert!(matches!(pair.route, Route::Relayed { .. }));
    }
    world.exchange();
    assert!(world.a().agent.path_mtu_overhead() <= 36);
}

#[test]
fn relayed_connections_survive_loss_of_thirty_percent() {
    sendrecv_sim::for_each_seed(5, 200, |seed| {
        let mut setup = Setup::new(Front::Symmetric, Front::Symmetric, true);
        (setup.loss, setup.seed) = (30, seed);
        let (mut world, _) = setup.build();
        world.start();
        world.connect(40 * SECOND).unwrap();
    });
}

#[test]
fn nat_bindings_stay_open_while_idle() {
    let (mut world, _) = Setup::new(Front::PortRestricted, Front::PortRestricted, false).build();
    world.start();
    world.connect(2 * SECOND).unwrap();
    world.run_for(600 * SECOND);
    assert!(world.both(ConnectionState::Completed));
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
