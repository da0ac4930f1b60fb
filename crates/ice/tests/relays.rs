//! Allocations over streams, and servers that change.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod support;
#[path = "../../../tests/src/turn_server.rs"]
#[allow(dead_code, unreachable_pub)]
mod turn_server;

use sendrecv_core::{Ecn, Instant, Machine, PacketBuf, Path, Protocol};
use sendrecv_ice::{
    Candidate, CandidateKind, DATA_HEADROOM, Event, Framing, GatheringState, IceAgent, IceServer, OpenStream,
    Role, Unreachable, UsageError,
};
use sendrecv_sim::Node;
use std::net::SocketAddr;
use std::time::Duration;
use support::{AgentNode, addr, config, ip, node};
use turn_server::TurnServer;

const SERVER: &str = "203.0.113.1:3478";
const LOCAL: &str = "198.51.100.1:5000";

/// One agent and one server, joined by a wire without delay.
struct Bench {
    now: Instant,
    node: AgentNode,
    server: TurnServer,
    paths: Vec<Path>,
}

impl Bench {
    fn new(url: &str) -> Self {
        let mut node = node(config(Role::Controlling), 1, &[LOCAL]);
        node.streams = false;
        let now = Instant::ZERO;
        let server = IceServer::turn(url.parse().unwrap(), "user", "secret");
        node.agent.add_ice_server(now, server).unwrap();
        node.agent.gather(now).unwrap();
        let server = TurnServer::new(sendrecv_crypto::rustcrypto(), addr(SERVER), "user", "secret");
        Self { now, node, server, paths: Vec::new() }
    }

    fn agent(&mut self) -> &mut IceAgent {
        &mut self.node.agent
    }

    /// Lets agent and server talk until both are silent.
    fn talk(&mut self) {
        let (mut slab, mut answer) = ([0; 1500], [0; 1500]);
        loop {
            let mut packet = PacketBuf::new(&mut slab, DATA_HEADROOM, 0);
            let Some(transmit) = self.node.agent.poll_transmit(self.now, &mut packet) else { break };
            let path = transmit.path.unwrap();
            self.paths.push(path);
            let there = Path::udp(path.remote, path.local);
            self.server.handle_datagram(self.now, there, Ecn::NotEct, packet.finish());
            while let Some((_, range)) = self.server.poll_transmit(self.now, &mut answer) {
                let _ = self.node.agent.handle_datagram(self.now, path, &mut answer[range]);
            }
        }
        while let Some(event) = self.node.agent.poll_event() {
            self.node.events.push(event);
        }
    }

    /// The agent sends, and nobody answers.
    fn send_into_the_void(&mut self) {
        let mut slab = [0; 1500];
        let mut packet = PacketBuf::new(&mut slab, DATA_HEADROOM, 0);
        while self.node.agent.poll_transmit(self.now, &mut packet).is_some() {
            packet.clear();
        }
    }

    fn opening(&mut self) -> OpenStream {
        let open = self.node.events.iter().rev().find_map(|event| match event {
            Event::OpenStream(open) => Some(open.clone()),
            _ => None,
        });
        open.unwrap()
    }

    fn relayed(&self) -> usize {
        let relayed = |event: &&Event| matches!(event, Event::LocalCandidate(candidate) if candidate.kind == CandidateKind::Relayed);
        self.node.events.iter().filter(relayed).count()
    }

    fn closed(&self) -> Vec<Path> {
        let path = |event: &Event| match event {
            Event::CloseStream(path) => Some(*path),
            _ => None,
        };
        self.node.events.iter().filter_map(path).collect()
    }

    fn errors(&self) -> Vec<u16> {
        let code = |event: &Event| match event {
            Event::CandidateError(error) => Some(error.code),
            _ => None,
        };
        self.node.events.iter().filter_map(code).collect()
    }
}

#[test]
fn turn_over_tcp_and_tls_asks_for_a_stream_and_then_allocates_over_it() {
    let cases = [
        (format!("turn:{SERVER}?transport=tcp"), Protocol::Tcp, None),
        (format!("turns:{SERVER}"), Protocol::Tls, Some("203.0.113.1".to_owned())),
    ];
    for (url, protocol, server_name) in cases {
        let mut bench = Bench::new(&url);
        bench.talk();
        let open = bench.opening();
        assert_eq!((open.protocol, open.framing, open.remote), (protocol, Framing::Turn, addr(SERVER)));
        assert_eq!((open.local, open.server_name.clone()), (addr("198.51.100.1:0"), server_name));
        assert_eq!(bench.relayed(), 0);
        let local: SocketAddr = addr("198.51.100.1:40001");
        let now = bench.now;
        bench.agent().stream_opened(now, open.id, local).unwrap();
        bench.talk();
        assert_eq!(bench.relayed(), 1);
        assert!(bench.paths.iter().all(|path| path.protocol == protocol && path.local == local));
        let candidate =
            bench.agent().local_candidates().find(|it| it.kind == CandidateKind::Relayed).unwrap();
        assert_eq!(candidate.relay_protocol, Some(protocol));
        assert_eq!(bench.agent().gathering_state(), GatheringState::Complete);

        // The stream breaks, and the candidate goes with it.
        bench.agent().stream_closed(now, Path { protocol, local, remote: addr(SERVER) }).unwrap();
        bench.talk();
        assert!(bench.node.events.iter().any(|event| matches!(event, Event::LocalCandidateRemoved(_))));
    }
}

#[test]
fn a_stream_that_does_not_open_is_reported() {
    for refused in [true, false] {
        let mut bench = Bench::new(&format!("turn:{SERVER}?transport=tcp"));
        bench.talk();
        let open = bench.opening();
        if refused {
            let now = bench.now;
            bench.agent().stream_failed(now, open.id).unwrap();
        } else {
            bench.now += Duration::from_secs(10);
            let now = bench.now;
            bench.agent().handle_timeout(now);
        }
        bench.talk();
        assert_eq!(bench.errors(), [701]);
        assert_eq!(bench.agent().gathering_state(), GatheringState::Complete);
    }
}

#[test]
fn wrong_credentials_are_reported_with_the_servers_code() {
    let mut bench = Bench::new(&format!("turn:{SERVER}"));
    let now = bench.now;
    let server = IceServer::turn(format!("turn:{SERVER}").parse().unwrap(), "user", "wrong");
    bench.agent().set_ice_servers(now, vec![server]).unwrap();
    bench.talk();
    assert_eq!(bench.errors(), [401]);
    assert_eq!(bench.relayed(), 0);
}

#[test]
fn a_server_that_is_taken_away_gets_its_allocation_back() {
    let mut bench = Bench::new(&format!("turn:{SERVER}"));
    bench.talk();
    assert_eq!((bench.relayed(), bench.server.allocations()), (1, 1));
    let now = bench.now;
    bench.agent().set_ice_servers(now, Vec::new()).unwrap();
    bench.talk();
    assert_eq!(bench.server.allocations(), 0);
    assert!(bench.agent().local_candidates().all(|candidate| candidate.kind != CandidateKind::Relayed));
}

#[test]
fn a_port_asks_for_another_allocation_only_after_the_first_was_given_back() {
    let mut bench = Bench::new(&format!("turn:{SERVER}"));
    bench.talk();
    let now = bench.now;
    let server =
        |password: &str| IceServer::turn(format!("turn:{SERVER}").parse().unwrap(), "user", password);
    bench.agent().set_ice_servers(now, vec![server("rotated")]).unwrap();
    bench.agent().set_ice_servers(now, vec![server("secret")]).unwrap();
    bench.talk();
    // No 437: one allocation was released before the other was asked for.
    assert_eq!(bench.errors(), [0u16; 0]);
    assert_eq!((bench.relayed(), bench.server.allocations()), (2, 1));
}

#[test]
fn a_removed_socket_takes_its_allocation_along() {
    let mut bench = Bench::new(&format!("turn:{SERVER}"));
    bench.talk();
    let now = bench.now;
    bench.agent().remove_socket(now, Protocol::Udp, addr(LOCAL)).unwrap();
    bench.talk();
    assert_eq!(bench.agent().local_candidates().count(), 0);
}

#[test]
fn every_refusal_is_reported_with_the_servers_code() {
    for code in [400, 403, 441, 442, 486, 500, 508] {
        let mut bench = Bench::new(&format!("turn:{SERVER}"));
        bench.server.refuse_allocations(code, None);
        bench.talk();
        let Some(Event::CandidateError(error)) =
            bench.node.events.iter().find(|event| matches!(event, Event::CandidateError(_)))
        else {
            panic!("{code}: {:?}", bench.node.events)
        };
        assert_eq!((error.code, error.local), (code, Some(addr(LOCAL))));
        assert_eq!(error.url, format!("turn:{SERVER}?transport=udp"));
        assert!(!error.text.is_empty());
        assert_eq!((bench.errors().len(), bench.relayed()), (1, 0));
        assert_eq!(bench.agent().gathering_state(), GatheringState::Complete);
    }
}

#[test]
fn one_allocation_gives_a_candidate_of_each_family() {
    let mut bench = Bench::new(&format!("turn:{SERVER}"));
    bench.server.give_ipv6(ip("2001:db8:53::1"));
    bench.talk();
    let relayed: Vec<_> =
        bench.agent().local_candidates().filter(|it| it.kind == CandidateKind::Relayed).cloned().collect();
    assert_eq!(bench.server.allocations(), 1);
    assert_eq!(
        relayed.iter().map(Candidate::socket_addr).collect::<Vec<_>>(),
        [Some(addr("203.0.113.1:50000")), Some(addr("[2001:db8:53::1]:50000"))]
    );
    assert!(relayed[0].priority > relayed[1].priority, "no two candidates have the same priority");
    assert_ne!(relayed[0].foundation, relayed[1].foundation);

    let now = bench.now;
    bench.agent().remove_socket(now, Protocol::Udp, addr(LOCAL)).unwrap();
    bench.talk();
    assert_eq!(bench.agent().local_candidates().count(), 0);
}

#[test]
fn a_redirection_of_a_stream_opens_another_until_it_has_been_there() {
    let mut bench = Bench::new(&format!("turns:{SERVER}"));
    let servers = [SERVER, "203.0.113.2:5349", "203.0.113.3:5349"];
    let mut opened = Vec::new();
    for next in [1, 2, 0] {
        bench.talk();
        let (open, now) = (bench.opening(), bench.now);
        opened.push(open.remote);
        assert_eq!(open.server_name.as_deref(), Some("203.0.113.1"));
        bench.agent().stream_opened(now, open.id, addr("198.51.100.1:40001")).unwrap();
        bench.server.move_to(open.remote);
        bench.server.refuse_allocations(300, Some(addr(servers[next])));
        bench.talk();
    }
    assert_eq!(opened, servers.map(addr));
    assert_eq!(bench.errors(), [300], "the third sent us back to the first");
    assert_eq!(bench.closed().len(), 3);
    assert_eq!(bench.agent().gathering_state(), GatheringState::Complete);
}

#[test]
fn a_stun_server_may_send_a_question_on_but_not_in_a_circle() {
    let mut bench = Bench::new(&format!("turn:{SERVER}"));
    bench.talk();
    let now = bench.now;
    bench.server.redirect_bindings(addr("203.0.113.2:3478"));
    bench.agent().add_ice_server(now, IceServer::stun(format!("stun:{SERVER}").parse().unwrap())).unwrap();
    bench.talk();
    bench.server.move_to(addr("203.0.113.2:3478"));
    bench.server.redirect_bindings(addr(SERVER));
    bench.now += Duration::from_millis(50);
    bench.talk();
    assert_eq!(bench.paths.last().unwrap().remote, addr("203.0.113.2:3478"));
    assert_eq!(bench.errors(), [300]);
    assert_eq!(bench.agent().gathering_state(), GatheringState::Complete);
}

#[test]
fn a_server_that_cannot_be_reached_fails_at_the_second_report() {
    let mut bench = Bench::new(&format!("turn:{SERVER}"));
    let now = bench.now;
    bench.agent().add_ice_server(now, IceServer::stun(format!("stun:{SERVER}").parse().unwrap())).unwrap();
    let path = Path::udp(addr(LOCAL), addr(SERVER));
    for (report, errors) in [(Unreachable::Soft, 0), (Unreachable::Refused, 0), (Unreachable::Refused, 2)] {
        bench.send_into_the_void();
        let now = bench.now;
        if errors == 0 {
            bench.agent().handle_unreachable(now, path, report).unwrap();
        } else {
            bench.now += Duration::from_millis(500);
            bench.send_into_the_void();
            let now = bench.now;
            bench.agent().handle_unreachable(now, path, report).unwrap();
        }
        bench.talk();
        assert_eq!(bench.errors().len(), errors, "{report:?}");
    }
    assert_eq!(bench.errors(), [701, 701]);
    let now = bench.now;
    assert_eq!(bench.agent().handle_unreachable(now, path, Unreachable::Refused), Err(UsageError::Unknown));
}

/// Answers the question for the server's name, and lets `time` pass in steps.
fn resolve_and_wait(bench: &mut Bench, addresses: &[&str], time: Duration) {
    bench.talk();
    let asked = bench.node.events.iter().find_map(|event| match event {
        Event::ResolveName { id, .. } => Some(*id),
        _ => None,
    });
    let addresses: Vec<_> = addresses.iter().map(|address| ip(address)).collect();
    let until = bench.now + time;
    let now = bench.now;
    bench.agent().name_resolved(now, asked.unwrap(), &addresses).unwrap();
    while bench.now < until {
        bench.talk();
        bench.now += Duration::from_millis(100);
        let now = bench.now;
        bench.agent().handle_timeout(now);
    }
    bench.talk();
}

#[test]
fn addresses_of_a_servers_name_are_asked_in_turn() {
    let addresses = ["203.0.113.9", "2001:db8::9", "203.0.113.8", "203.0.113.1"];
    for url in ["stun:relay.example", "turn:relay.example"] {
        let mut bench = Bench::new(url);
        resolve_and_wait(&mut bench, &addresses, Duration::from_millis(6_200));
        let mut asked: Vec<_> = bench.paths.iter().map(|path| path.remote.ip()).collect();
        asked.dedup();
        assert_eq!(asked, ["203.0.113.9", "203.0.113.8", "203.0.113.1"].map(ip), "{url}");
        assert_eq!(bench.relayed(), usize::from(url.starts_with("turn")));
        assert_eq!(bench.errors(), [], "{url}: the name's server was found");
        assert_eq!(bench.agent().gathering_state(), GatheringState::Complete);
    }
}

#[test]
fn no_more_than_three_addresses_of_a_name_are_asked_and_then_it_is_an_error() {
    let addresses = ["203.0.113.9", "203.0.113.8", "203.0.113.7", "203.0.113.1"];
    for url in ["stun:relay.example", "turn:relay.example"] {
        let mut bench = Bench::new(url);
        resolve_and_wait(&mut bench, &addresses, Duration::from_millis(15_000));
        assert_eq!(bench.errors(), []);
        let until = bench.now + Duration::from_millis(600);
        while bench.now < until {
            bench.now += Duration::from_millis(100);
            bench.talk();
        }
        assert_eq!(bench.errors(), [701], "{url}");
        assert!(bench.paths.iter().all(|path| path.remote.ip() != ip("203.0.113.1")));
        assert!(bench.paths.len() <= 32, "{url}: {}", bench.paths.len());
        assert_eq!(bench.agent().gathering_state(), GatheringState::Complete);
    }
}

#[test]
fn where_a_stream_does_not_open_the_next_address_is_tried() {
    for url in ["turn:relay.example?transport=tcp", "turns:relay.example:3478"] {
        let mut bench = Bench::new(url);
        resolve_and_wait(&mut bench, &["203.0.113.9", "203.0.113.8", "203.0.113.1"], Duration::ZERO);
        // The first refuses, the second says nothing.
        let (open, now) = (bench.opening(), bench.now);
        assert_eq!(open.remote, addr("203.0.113.9:3478"));
        bench.agent().stream_failed(now, open.id).unwrap();
        bench.talk();
        let silent = bench.opening();
        assert_eq!(silent.remote, addr("203.0.113.8:3478"));
        bench.now += Duration::from_secs(3);
        bench.talk();
        let (open, now) = (bench.opening(), bench.now);
        assert_eq!(open.remote, addr(SERVER));
        assert_eq!(open.server_name.as_deref(), url.starts_with("turns").then_some("relay.example"));
        let late = bench.agent().stream_opened(now, silent.id, addr("198.51.100.1:40001"));
        assert_eq!(late, Err(UsageError::Unknown));
        bench.agent().stream_opened(now, open.id, addr("198.51.100.1:40002")).unwrap();
        bench.talk();
        assert_eq!((bench.relayed(), bench.errors()), (1, Vec::new()));
    }
}

#[test]
fn a_server_that_knows_a_streams_port_is_asked_from_another() {
    for knows in [1, 3] {
        let mut bench = Bench::new(&format!("turn:{SERVER}?transport=tcp"));
        bench.server.refuse_allocations(437, None);
        for port in 0..3 {
            bench.talk();
            if port == knows {
                bench.server = TurnServer::new(sendrecv_crypto::rustcrypto(), addr(SERVER), "user", "secret");
            }
            let (open, now) = (bench.opening(), bench.now);
            let opened =
                bench.agent().stream_opened(now, open.id, SocketAddr::new(open.local.ip(), 40_000 + port));
            assert_eq!(opened.is_ok(), port <= knows, "one stream after the other");
            bench.talk();
        }
        assert_eq!(bench.closed().len(), usize::from(knows));
        let (relayed, errors) = if knows == 1 { (1, vec![]) } else { (0, vec![437]) };
        assert_eq!((bench.relayed(), bench.errors()), (relayed, errors));
        assert_eq!(bench.agent().gathering_state(), GatheringState::Complete);
    }
}

#[test]
fn a_server_that_knows_the_sockets_port_is_asked_from_other_sockets() {
    for knows in [1, 3] {
        let mut bench = Bench::new(&format!("turn:{SERVER}"));
        bench.server.refuse_allocations(437, None);
        bench.talk();
        for port in 1..3 {
            if port == knows {
                bench.server = TurnServer::new(sendrecv_crypto::rustcrypto(), addr(SERVER), "user", "secret");
            }
            let (open, now) = (bench.opening(), bench.now);
            assert_eq!((open.protocol, open.remote), (Protocol::Udp, addr(SERVER)));
            assert_eq!(open.local, addr("198.51.100.1:0"));
            let other = SocketAddr::new(open.local.ip(), 40_000 + port);
            let opened = bench.agent().stream_opened(now, open.id, other);
            assert_eq!(opened.is_ok(), port <= knows, "one socket after the other");
            bench.talk();
        }
        let (relayed, errors, closed) = if knows == 1 { (1, vec![], 0) } else { (0, vec![437], 2) };
        assert_eq!((bench.relayed(), bench.errors(), bench.closed().len()), (relayed, errors, closed));
        assert_eq!(bench.agent().gathering_state(), GatheringState::Complete);
    }
}

#[test]
fn another_socket_is_only_for_its_allocation_and_goes_with_it() {
    let mut bench = Bench::new(&format!("turn:{SERVER}"));
    bench.server.occupy(bench.now, addr(LOCAL));
    bench.talk();
    let (open, now, other) = (bench.opening(), bench.now, addr("198.51.100.1:40001"));
    bench.agent().stream_opened(now, open.id, other).unwrap();
    bench.talk();
    let kinds: Vec<_> = bench.agent().local_candidates().map(|candidate| candidate.kind).collect();
    assert_eq!(kinds, [CandidateKind::Host, CandidateKind::Relayed], "and nothing of how the server sees it");
    assert_eq!(bench.paths.last(), Some(&Path::udp(other, addr(SERVER))));
    bench.agent().remove_socket(now, Protocol::Udp, addr(LOCAL)).unwrap();
    bench.talk();
    assert_eq!(bench.closed(), [Path::udp(other, addr(SERVER))]);
}

#[test]
fn without_another_socket_the_first_ones_mismatch_is_the_end() {
    let mut bench = Bench::new(&format!("turn:{SERVER}"));
    bench.server.occupy(bench.now, addr(LOCAL));
    bench.talk();
    let (open, now) = (bench.opening(), bench.now);
    bench.agent().stream_failed(now, open.id).unwrap();
    bench.talk();
    assert_eq!((bench.relayed(), bench.errors(), bench.closed()), (0, vec![437], vec![]));
    assert_eq!(bench.agent().gathering_state(), GatheringState::Complete);
}
