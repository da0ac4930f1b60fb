//! Many peers on one socket, under both hosts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use sendrecv_tests::{Handle, Host, HostedPeer, HostedServer, News};

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
        std::net::UdpSocket::bind(socket[0]).expect("a closed server has released its socket");
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
        std::net::UdpSocket::bind(socket[0]).expect("the server has released its socket");
    }
}
