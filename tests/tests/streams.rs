//! Peers that reach each other through a TURN server over TCP and TLS only, under both hosts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use sendrecv::{Configuration, IceServer, IceTransportPolicy, PeerConnectionState, SocketTransport, TcpType};
use sendrecv_net::{BindOptions, HostOptions, TlsRoots};
use sendrecv_tests::{Host, HostedPeer, News, StreamServer, USER};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

const EVERY_PAIR: [(Host, Host); 3] =
    [(Host::Tokio, Host::Tokio), (Host::Blocking, Host::Blocking), (Host::Tokio, Host::Blocking)];

fn relayed_through(url: String) -> Configuration {
    let server =
        IceServer { urls: vec![url], username: Some(USER.0.to_owned()), credential: Some(USER.1.to_owned()) };
    Configuration {
        ice_servers: vec![server],
        ice_transport_policy: IceTransportPolicy::Relay,
        ..Configuration::default()
    }
}

fn over_tcp(server: &StreamServer) -> Configuration {
    relayed_through(format!("turn:{}?transport=tcp", server.address()))
}

/// A configuration that calls the server by `name`.
fn over_tls(server: &StreamServer, name: &str) -> Configuration {
    relayed_through(format!("turns:{name}:{}", server.address().port()))
}

fn trusting(server: &StreamServer) -> HostOptions {
    let tls_roots = TlsRoots::default().with_pem(server.root().as_bytes()).unwrap();
    HostOptions { tls_roots, ..HostOptions::default() }
}

fn exchange(
    server: &StreamServer,
    hosts: (Host, Host),
    configuration: &Configuration,
    options: &HostOptions,
) {
    let a = HostedPeer::start_with(hosts.0, false, configuration.clone(), options.clone());
    let b = HostedPeer::start_with(hosts.1, true, configuration.clone(), options.clone());
    let (channel, before) = (a.connect_to(&b), server.relayed());
    assert_eq!(server.allocations(), 2);
    a.exchange(channel, 100);
    assert!(server.relayed() > before + 100);
    a.close();
    b.close();
    for _ in 0..500 {
        if server.allocations() == 0 {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("a closed peer does not release its allocation");
}

#[test]
fn peers_connect_relayed_over_tcp() {
    for hosts in EVERY_PAIR {
        let server = StreamServer::tcp();
        exchange(&server, hosts, &over_tcp(&server), &HostOptions::default());
    }
}

#[test]
fn peers_connect_relayed_over_tls() {
    for hosts in EVERY_PAIR {
        let server = StreamServer::tls("localhost");
        exchange(&server, hosts, &over_tls(&server, "localhost"), &trusting(&server));
    }
}

#[test]
fn a_server_may_be_called_by_its_address() {
    let server = StreamServer::tls("127.0.0.1");
    let hosts = (Host::Tokio, Host::Blocking);
    exchange(&server, hosts, &over_tls(&server, "127.0.0.1"), &trusting(&server));
}

#[test]
fn a_server_that_cannot_prove_its_name_is_not_used() {
    let server = StreamServer::tls("elsewhere.example");
    for (host, options) in [(Host::Tokio, trusting(&server)), (Host::Blocking, HostOptions::default())] {
        let peer = HostedPeer::start_with(host, false, over_tls(&server, "localhost"), options);
        peer.with(|pc, now| {
            pc.create_data_channel(now, "test", sendrecv::DataChannelInit::default()).unwrap();
            pc.set_local_description(now, None).unwrap();
        });
        let description = peer.gathered();
        assert!(!description.sdp.contains("a=candidate"), "{}", description.sdp);
        peer.close();
    }
    assert!(server.accepted() >= 2);
    assert_eq!(server.allocations(), 0);
}

#[test]
fn peers_notice_at_once_when_the_server_hangs_up() {
    for (server, name) in [(StreamServer::tcp(), None), (StreamServer::tls("localhost"), Some("localhost"))] {
        let configuration = name.map_or_else(|| over_tcp(&server), |name| over_tls(&server, name));
        let options = if name.is_some() { trusting(&server) } else { HostOptions::default() };
        let [a, b] = [(Host::Tokio, false), (Host::Blocking, true)].map(|(host, echoes)| {
            HostedPeer::start_with(host, echoes, configuration.clone(), options.clone())
        });
        a.connect_to(&b);
        server.hang_up();
        for peer in [a, b] {
            peer.wait_for("the loss of the connection", |news| {
                let lost = [PeerConnectionState::Disconnected, PeerConnectionState::Failed];
                matches!(news, News::State(state) if lost.contains(&state)).then_some(())
            });
            peer.close();
        }
    }
}

/// Options for ICE-TCP in these directions.
fn ice_tcp(tcp_active: bool, tcp_passive: bool) -> HostOptions {
    let bind = BindOptions { tcp_active, tcp_passive, ..BindOptions::default() };
    HostOptions { bind, ..HostOptions::default() }
}

#[test]
fn peers_connect_over_ice_tcp_alone() {
    for (one, other) in EVERY_PAIR {
        for (active, passive) in [((true, false), (false, true)), ((false, true), (true, true))] {
            let start = |host, echoes, (active, passive)| {
                let options = ice_tcp(active, passive);
                HostedPeer::start_with(host, echoes, Configuration::default(), options)
            };
            let (a, b) = (start(one, false, active), start(other, true, passive));
            let channel = a.connect_by(&b, |line| !line.starts_with("a=candidate") || line.contains(" tcp "));
            a.exchange(channel, 200);
            let pair = a.with(|pc, _| pc.selected_candidate_pair().unwrap());
            assert!(matches!(pair.local.transport, SocketTransport::Tcp(_)), "{:?}", pair.local);
            a.close();
            b.wait_for("the end", |news| matches!(news, News::ChannelClosed).then_some(()));
        }
    }
}

/// Both listen, and both open streams from where they listen: one stream is the result, whosever it is.
#[test]
#[cfg(unix)]
fn peers_connect_by_simultaneous_open() {
    for hosts in EVERY_PAIR {
        let bind = BindOptions { tcp_so: true, ..BindOptions::default() };
        let options = HostOptions { bind, ..HostOptions::default() };
        let [a, b] = [(hosts.0, false), (hosts.1, true)].map(|(host, echoes)| {
            HostedPeer::start_with(host, echoes, Configuration::default(), options.clone())
        });
        let channel =
            a.connect_by(&b, |line| !line.starts_with("a=candidate") || line.contains(" tcptype so"));
        a.exchange(channel, 200);
        let [ours, theirs] = [&a, &b].map(|peer| peer.with(|pc, _| pc.selected_candidate_pair().unwrap()));
        for pair in [&ours, &theirs] {
            assert_eq!(pair.local.transport, SocketTransport::Tcp(TcpType::SimultaneousOpen));
            assert_eq!(pair.remote.transport, SocketTransport::Tcp(TcpType::SimultaneousOpen));
        }
        // From listener to listener.
        assert_eq!((ours.local.port, ours.remote.port), (theirs.remote.port, theirs.local.port));
        a.close();
        b.wait_for("the end", |news| matches!(news, News::ChannelClosed).then_some(()));
    }
}

#[test]
fn a_listener_gives_up_streams_that_prove_nothing() {
    let peer = HostedPeer::start_with(Host::Blocking, false, Configuration::default(), ice_tcp(false, true));
    peer.with(|pc, now| {
        pc.create_data_channel(now, "test", sendrecv::DataChannelInit::default()).unwrap();
        pc.set_local_description(now, None).unwrap();
    });
    peer.gathered();
    let listener = peer.with(|pc, _| {
        let mut candidates = pc.local_candidates();
        candidates.find_map(|candidate| {
            matches!(candidate.transport, SocketTransport::Tcp(_)).then(|| candidate.socket_addr()).flatten()
        })
    });
    let mut stream = TcpStream::connect(listener.unwrap()).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    stream.write_all(&[0, 4, 1, 2, 3, 4]).unwrap();
    assert_eq!(stream.read(&mut [0; 16]).unwrap_or(0), 0, "nothing is answered, and the stream closed");
}

#[test]
fn a_server_that_takes_no_streams_is_an_error_of_gathering() {
    // A port that was free a moment ago.
    let address = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    for host in [Host::Tokio, Host::Blocking] {
        let configuration = relayed_through(format!("turn:{address}?transport=tcp"));
        let peer = HostedPeer::start_with(host, false, configuration, HostOptions::default());
        peer.with(|pc, now| {
            pc.create_data_channel(now, "test", sendrecv::DataChannelInit::default()).unwrap();
            pc.set_local_description(now, None).unwrap();
        });
        let code = peer.wait_for("the error", |news| match news {
            News::CandidateError(code) => Some(code),
            _ => None,
        });
        assert_eq!(code, 701);
    }
}
