//! Peers on real sockets of this machine, under both hosts, in every combination.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use sendrecv::{DataChannelId, PeerConnectionState};
use sendrecv_tests::{Handle, Host, HostedPeer, News};

/// Connects an offering peer with a data channel to an echoing one.
fn connect(offering: Host, answering: Host) -> (HostedPeer, HostedPeer, DataChannelId) {
    let (a, b) = (HostedPeer::start(offering, false), HostedPeer::start(answering, true));
    let channel = a.connect_to(&b);
    (a, b, channel)
}

fn exchange(offering: Host, answering: Host) {
    let (a, b, channel) = connect(offering, answering);
    a.exchange(channel, 300);
    let addresses = [a.addresses(), b.addresses()].concat();
    a.close();
    b.wait_for("the end of the channel", |news| matches!(news, News::ChannelClosed).then_some(()));
    b.close();
    for address in addresses {
        std::net::UdpSocket::bind(address).expect("a closed peer has released its sockets");
    }
}

#[test]
fn two_tokio_peers_exchange_messages_and_close() {
    exchange(Host::Tokio, Host::Tokio);
}

#[test]
fn two_blocking_peers_exchange_messages_and_close() {
    exchange(Host::Blocking, Host::Blocking);
}

#[test]
fn peers_of_both_hosts_exchange_messages_and_close() {
    exchange(Host::Tokio, Host::Blocking);
    exchange(Host::Blocking, Host::Tokio);
}

#[test]
fn dropping_the_last_handle_closes_the_peer() {
    for host in [Host::Tokio, Host::Blocking] {
        let (a, b, _) = connect(host, Host::Blocking);
        match a.handle {
            Handle::Tokio(runtime, handle) => {
                drop(handle);
                b.wait_for("the end", |news| matches!(news, News::ChannelClosed).then_some(()));
                drop(runtime);
            }
            Handle::Blocking(handle) => {
                drop(handle);
                b.wait_for("the end", |news| matches!(news, News::ChannelClosed).then_some(()));
            }
        }
    }
}

#[test]
fn a_closed_peer_says_so() {
    let blocking = HostedPeer::start(Host::Blocking, false);
    blocking.close();
    blocking.close();
    let Handle::Blocking(handle) = &blocking.handle else { panic!() };
    assert_eq!(handle.with(|_, _, _| ()), Err(sendrecv_blocking::Closed));
    let tokio = HostedPeer::start(Host::Tokio, false);
    tokio.close();
    tokio.close();
    let Handle::Tokio(runtime, handle) = &tokio.handle else { panic!() };
    assert_eq!(runtime.block_on(handle.with(|_, _, _| ())), Err(sendrecv_tokio::Closed));
}

#[test]
fn connection_states_come_in_order() {
    let (a, b, _) = connect(Host::Blocking, Host::Tokio);
    let connected = |news| matches!(news, News::State(PeerConnectionState::Connected)).then_some(());
    b.wait_for("the connected state", connected);
    a.close();
}
