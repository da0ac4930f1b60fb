//! Many peers on one socket, and one peer on two, under both hosts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use sendrecv::{Configuration, IceServer, IceTransportPolicy};
use sendrecv_net::{BindOptions, HostOptions};
use sendrecv_tests::{DatagramServer, Handle, Host, HostedPeer, HostedServer, News, USER};
use std::net::UdpSocket;

const CLIENTS: usize = 50;

#[test]
fn fifty_clients_talk_to_a_server_with_one_socket() {
    for (host, other) in [(Host::Tokio, Host::Blocking), (Host::Blocking, Host::Tokio)] {
        let server = HostedServer::start(host);
        // One runtime for all of them, but a socket for each.
        let clients: Vec<_> = (0..CLIENTS).map(|_| HostedPeer::start(other, false)).collect();
        let ends: Vec<_> = clients.iter().map(|_| server.peer()).collect();
        let socket = ends[0].addresses();
        assert!(socket.len() == 1 && ends.iter().all(|end| end.addresses() == socket));
        let channels: Vec<_> =
            clients.iter().zip(&ends).map(|(client, end)| client.connect_to(end)).collect();
        for (client, channel) in clients.iter().zip(&channels) {
            client.send(*channel, 20);
        }
        for client in &clients {
            client.expect_echoes(20);
        }
        // One that closes takes nothing from the others.
        ends[0].close();
        clients[0].wait_for("the end", |news| matches!(news, News::ChannelClosed).then_some(()));
        clients[1].exchange(channels[1], 20);
        server.close();
        for client in &clients[1..] {
            client.wait_for("the end", |news| matches!(news, News::ChannelClosed).then_some(()));
        }
        UdpSocket::bind(socket[0]).expect("a closed server has released its socket");
    }
}

#[test]
fn a_server_that_is_dropped_ends_with_its_last_peer() {
    for host in [Host::Tokio, Host::Blocking] {
        let server = HostedServer::start(host);
        let (client, end) = (HostedPeer::start(Host::Blocking, false), server.peer());
        let runtime = match &server {
            HostedServer::Tokio(runtime, _) => Some(runtime.clone()),
            HostedServer::Blocking(_) => None,
        };
        drop(server);
        let (channel, socket) = (client.connect_to(&end), end.addresses());
        client.exchange(channel, 5);
        match end.handle {
            Handle::Tokio(_, handle) => {
                let inside = runtime.as_ref().unwrap();
                inside.block_on(handle.close());
            }
            Handle::Blocking(handle) => handle.close(),
        }
        UdpSocket::bind(socket[0]).expect("the server has released its socket");
    }
}

fn relayed_through(server: &DatagramServer) -> Configuration {
    let ice_server = IceServer {
        urls: vec![format!("turn:{}", server.address())],
        username: Some(USER.0.to_owned()),
        credential: Some(USER.1.to_owned()),
    };
    Configuration {
        ice_servers: vec![ice_server],
        ice_transport_policy: IceTransportPolicy::Relay,
        ..Configuration::default()
    }
}

#[test]
fn peers_of_one_socket_have_an_allocation_each() {
    for (host, other) in [(Host::Tokio, Host::Blocking), (Host::Blocking, Host::Tokio)] {
        let (turn, server) = (DatagramServer::start(), HostedServer::start(host));
        let ends: Vec<_> = (0..3).map(|_| server.peer_with(relayed_through(&turn))).collect();
        let clients: Vec<_> = ends
            .iter()
            .map(|_| HostedPeer::start_with(other, false, relayed_through(&turn), HostOptions::default()))
            .collect();
        let channels: Vec<_> =
            clients.iter().zip(&ends).map(|(client, end)| client.connect_to(end)).collect();
        assert_eq!(turn.clients().len(), 6);
        assert!(
            turn.clients().contains(&ends[0].addresses()[0]),
            "the common socket is used for one of them"
        );
        for (client, channel) in clients.iter().zip(&channels) {
            client.exchange(*channel, 20);
        }
        server.close();
    }
}

/// A range of ports of which the first is free.
fn some_ports() -> std::ops::RangeInclusive<u16> {
    let free = UdpSocket::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    free..=free.saturating_add(200)
}

#[test]
fn a_turn_server_that_knows_a_peers_port_is_asked_from_another_socket() {
    for (host, other) in [(Host::Tokio, Host::Blocking), (Host::Blocking, Host::Tokio)] {
        let server = DatagramServer::start();
        let start = |host, echoes| {
            let configuration = relayed_through(&server);
            let bind = BindOptions { ports: some_ports(), ..BindOptions::default() };
            let peer = HostedPeer::start_with(
                host,
                echoes,
                configuration,
                HostOptions { bind, ..HostOptions::default() },
            );
            server.occupy(peer.addresses()[0]);
            peer
        };
        let (a, b) = (start(host, false), start(other, true));
        let (channel, first) = (a.connect_to(&b), [a.addresses(), b.addresses()].concat());
        let mut others = server.clients();
        others.retain(|client| !first.contains(client));
        assert_eq!((first.len(), others.len()), (2, 2));
        a.exchange(channel, 50);
        a.close();
        b.close();
        // The allocations are given back, and the sockets closed.
        for _ in 0..500 {
            if server.clients().len() == first.len() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        for client in others {
            assert!(!server.clients().contains(&client));
            UdpSocket::bind(client).expect("a closed peer has released its sockets");
        }
    }
}
