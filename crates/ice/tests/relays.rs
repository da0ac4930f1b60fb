//! Allocations over streams, and servers that change.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod support;
#[path = "../../../tests/src/turn_server.rs"]
#[allow(dead_code, unreachable_pub)]
mod turn_server;

use sendrecv_core::{Ecn, Instant, Machine, PacketBuf, Path, Protocol};
use sendrecv_ice::{
    CandidateKind, DATA_HEADROOM, Event, Framing, GatheringState, IceAgent, IceServer, OpenStream, Role,
};
use sendrecv_sim::Node;
use std::net::SocketAddr;
use std::time::Duration;
use support::{AgentNode, addr, config, node};
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
