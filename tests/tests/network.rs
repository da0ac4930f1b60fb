//! Hosts in a network whose addresses change, or are not to be seen.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use sendrecv::Configuration;
use sendrecv_net::{BindOptions, HostOptions};
use sendrecv_tests::{Host, HostedPeer, News, in_own_network, ip};
use std::net::IpAddr;
use std::time::Duration;

const EVERY_PAIR: [(Host, Host); 3] =
    [(Host::Tokio, Host::Tokio), (Host::Blocking, Host::Blocking), (Host::Tokio, Host::Blocking)];

fn pair((offering, answering): (Host, Host), options: &HostOptions) -> (HostedPeer, HostedPeer) {
    let start =
        |host, echoes| HostedPeer::start_anywhere(host, echoes, Configuration::default(), options.clone());
    (start(offering, false), start(answering, true))
}

/// Signals a peer's next candidate to the other.
fn trickle(from: &HostedPeer, to: &HostedPeer) {
    let candidate = from.wait_for("a candidate", |news| match news {
        News::Candidate(Some(candidate)) => Some(candidate.to_init()),
        _ => None,
    });
    to.with(move |pc, now| pc.add_ice_candidate(now, Some(candidate)).unwrap());
}

fn local_ip(peer: &HostedPeer) -> Option<IpAddr> {
    peer.with(|pc, _| pc.selected_candidate_pair().and_then(|pair| pair.local.socket_addr())).map(|a| a.ip())
}

#[test]
fn data_goes_on_while_addresses_come_and_go() {
    in_own_network("data_goes_on_while_addresses_come_and_go", || {
        let watch = Some(Duration::from_millis(20));
        let bind = BindOptions { ipv6: false, ..BindOptions::default() };
        let options = HostOptions { watch, bind, ..HostOptions::default() };
        for hosts in EVERY_PAIR {
            ip("addr add 10.77.0.1/24 dev lan0");
            let (a, b) = pair(hosts, &options);
            let channel = a.connect_to(&b);
            assert_eq!(local_ip(&a), Some([10, 77, 0, 1].into()));
            a.exchange(channel, 50);

            ip("addr add 10.78.0.1/24 dev lan0");
            trickle(&a, &b);
            trickle(&b, &a);
            a.send(channel, 500);
            ip("addr del 10.77.0.1/24 dev lan0");
            a.expect_echoes(500);
            a.exchange(channel, 50);
            assert_eq!(local_ip(&a), Some([10, 78, 0, 1].into()));
            for peer in [&a, &b] {
                assert!(peer.addresses().iter().all(|address| address.ip() == IpAddr::from([10, 78, 0, 1])));
            }
            ip("addr del 10.78.0.1/24 dev lan0");
        }
    });
}

#[test]
fn a_session_moves_to_a_better_address_that_comes_up() {
    in_own_network("a_session_moves_to_a_better_address_that_comes_up", || {
        let options = HostOptions { watch: Some(Duration::from_millis(20)), ..HostOptions::default() };
        ip("addr add 10.77.0.1/24 dev lan0");
        for hosts in EVERY_PAIR {
            let (a, b) = pair(hosts, &options);
            let channel = a.connect_to(&b);
            // IPv6 is preferred, so its pair has the higher priority.
            ip("-6 addr add fd77::1/64 dev lan0 nodad");
            trickle(&a, &b);
            trickle(&b, &a);
            a.send(channel, 200);
            let uses_ipv6 = |peer| local_ip(peer).is_some_and(|ip| ip.is_ipv6());
            let mut turns = 0..500;
            while !(uses_ipv6(&a) && uses_ipv6(&b)) {
                assert!(turns.next().is_some(), "still over {:?}", local_ip(&a));
                std::thread::sleep(Duration::from_millis(20));
            }
            a.expect_echoes(200);
            ip("-6 addr del fd77::1/64 dev lan0");
            a.exchange(channel, 50);
            assert_eq!(local_ip(&a), Some([10, 77, 0, 1].into()));
        }
    });
}

#[test]
fn hosts_that_hide_their_addresses_find_each_other_by_name() {
    in_own_network("hosts_that_hide_their_addresses_find_each_other_by_name", || {
        ip("addr add 10.77.0.1/24 dev lan0");
        ip("-6 addr add fd77::1/64 dev lan0 nodad");
        for (hosts, ipv6) in EVERY_PAIR.into_iter().zip([false, true, true]) {
            let bind = BindOptions { ipv6, ..BindOptions::default() };
            let options = HostOptions { hide_addresses: true, bind, ..HostOptions::default() };
            let (a, b) = pair(hosts, &options);
            let channel = a.connect_to(&b);
            a.exchange(channel, 20);
            let sdp = a.with(|pc, _| pc.local_description().unwrap().sdp);
            assert!(sdp.contains(".local ") && !sdp.contains("10.77.") && !sdp.contains("fd77"), "{sdp}");
        }
    });
}

/// Waits for data-channel packets to be at least and at most as long as fits IP packets of these sizes.
fn expect_packets_within(peer: &HostedPeer, at_least: usize, at_most: usize) {
    let mut found = 0;
    for _ in 0..1500 {
        found = peer.with(|pc, _| pc.sctp().map_or(0, |sctp| sctp.max_packet_size));
        // Of what is missing, IP, UDP and DTLS take 50 bytes, and the search ends up to 40 bytes early.
        if (at_least - 90..=at_most - 50).contains(&found) {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("packets of {found} bytes, where IP packets of {at_least} to {at_most} are carried");
}

/// Datagrams that are too long for the interface are refused by the system, which is not to disturb anything.
#[test]
fn packets_grow_to_what_the_interface_takes_and_shrink_with_it() {
    in_own_network("packets_grow_to_what_the_interface_takes_and_shrink_with_it", || {
        ip("addr add 10.77.0.1/24 dev lan0");
        let bind = BindOptions { ipv6: false, ..BindOptions::default() };
        let options = HostOptions { bind, ..HostOptions::default() };
        let hosts = (Host::Tokio, Host::Blocking);
        // What the machine sends to itself goes over loopback.
        ip("link set lo mtu 1480");
        let (a, b) = pair(hosts, &options);
        let channel = a.connect_to(&b);
        expect_packets_within(&a, 1480, 1480);
        expect_packets_within(&b, 1480, 1480);
        a.exchange(channel, 200);
        a.send(channel, 500);
        ip("link set lo mtu 1300");
        a.expect_echoes(500);
        a.exchange(channel, 200);
        expect_packets_within(&a, 1228, 1300);
        ip("link set lo mtu 65536");
        let (a, b) = pair(hosts, &options);
        let channel = a.connect_to(&b);
        expect_packets_within(&a, 1500, 1500);
        a.exchange(channel, 200);
    });
}
