//! What happens to a connection in use: consent, restarts, roaming, renomination.
#![allow(clippy::as_conversions, clippy::panic, clippy::unwrap_used, reason = "tests may panic")]

mod support;

use sendrecv_core::{PacketBuf, Path, Protocol, Writer};
use sendrecv_ice::{
    Config, ConnectionState, Discard, Event, LocalSocket, NoRoute, PairState, Role, Route, SelectedPair,
    Timing,
};
use sendrecv_sim::Verdict;
use std::time::Duration;
use support::{World, addr, config, ip, lan, node, ordinary_pair, over_tcp, pair_on_a_lan};

const SECOND: Duration = Duration::from_secs(1);

fn connected() -> World {
    let mut world = ordinary_pair();
    world.start();
    world.connect(2 * SECOND).unwrap();
    world.run_for(SECOND);
    world
}

fn on_a(world: &mut World) -> SelectedPair {
    world.a().agent.selected_pair().unwrap()
}

#[test]
fn consent_is_asked_for_every_four_to_six_seconds() {
    let mut world = connected();
    world.run_for(600 * SECOND);
    assert!(world.both(ConnectionState::Completed));
    for host in [world.a, world.b] {
        let counters = world.agent(host).agent.candidate_pairs()[0].counters;
        assert!((100..=150).contains(&counters.consent_requests_sent), "{counters:?}");
        assert!(counters.responses_received >= counters.consent_requests_sent);
        assert!(counters.requests_sent <= 3, "no other checks on an idle connection: {counters:?}");
        let times = world.agent(host).states();
        assert_eq!(times.last(), Some(&ConnectionState::Completed));
    }
    world.exchange();
}

#[test]
fn silence_shows_as_disconnected_then_as_failed_and_sending_stops() {
    let mut world = connected();
    world.sim.set_filter(|_| Verdict::Drop);
    world.run_until(12 * SECOND, |world| world.both(ConnectionState::Disconnected)).unwrap();
    world.run_until(30 * SECOND, |world| world.both(ConnectionState::Failed)).unwrap();
    let now = world.sim.now();
    let mut slab = [0; 100];
    let mut packet = PacketBuf::new(&mut slab, 48, 0);
    packet.put(b"data").unwrap();
    assert_eq!(world.a().agent.send_data(now, &mut packet), Err(NoRoute::NotConnected));
    // The same credentials are not used on the pair again (RFC 7675, section 5.1): only a restart helps.
    world.sim.clear_filter();
    world.run_for(60 * SECOND);
    assert!(world.both(ConnectionState::Failed));
}

#[test]
fn a_short_interruption_heals_by_itself() {
    let mut world = connected();
    world.sim.set_filter(|_| Verdict::Drop);
    world.run_for(15 * SECOND);
    assert!(world.both(ConnectionState::Disconnected));
    world.sim.clear_filter();
    world.run_until(10 * SECOND, |world| world.both(ConnectionState::Completed)).unwrap();
    assert_eq!(world.a().selections().len(), 1, "the pair in use stayed the same");
    world.exchange();
}

#[test]
fn heavy_loss_does_not_look_like_a_lost_peer() {
    let mut world = connected();
    let mut number = 0u64;
    world.sim.set_filter(move |_| {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if (number >> 33) % 10 < 2 { Verdict::Drop } else { Verdict::Pass }
    });
    world.run_for(300 * SECOND);
    assert_ne!(world.a().agent.state(), ConnectionState::Failed);
    assert_ne!(world.b().agent.state(), ConnectionState::Failed);
    let lost = |state: &&ConnectionState| **state == ConnectionState::Disconnected;
    assert!(world.a().states().iter().filter(lost).count() <= 2);
}

#[test]
fn data_is_refused_from_where_no_check_came() {
    let mut world = connected();
    let now = world.sim.now();
    let stranger = Path::udp(addr("10.0.0.1:5000"), addr("10.0.0.66:5000"));
    let elsewhere = Path::udp(addr("10.0.0.9:5000"), addr("10.0.0.2:5000"));
    for path in [stranger, elsewhere] {
        let mut data = [22, 254, 253, 0];
        assert_eq!(world.a().agent.handle_datagram(now, path, &mut data), Err(Discard::Unvalidated));
    }
    assert_eq!(world.a().agent.stats().discards.get(Discard::Unvalidated), 2);
}

/// Both restart as an offer and answer would make them, with `delay` between the two.
fn restart(world: &mut World) {
    let now = world.sim.now();
    world.a().agent.restart(now).unwrap();
    let parameters = world.a().agent.local_parameters().clone();
    world.a().agent.gather(now).unwrap();
    world.a().collect(now);
    let candidates = std::mem::take(&mut world.a().outgoing);
    // The offer reaches b.
    world.run_for(Duration::from_millis(300));
    let now = world.sim.now();
    world.a().outgoing = candidates;
    world.b().agent.restart(now).unwrap();
    world.b().agent.set_remote_parameters(now, parameters).unwrap();
    world.b().signal_parameters();
    world.b().agent.gather(now).unwrap();
    world.b().collect(now);
}

#[test]
fn a_restart_loses_no_data() {
    for loss in [false, true] {
        let mut world = connected();
        world.a().received.clear();
        world.b().received.clear();
        let old = on_a(&mut world);
        let mut sent = 0u32;
        for round in 0..200 {
            if round == 20 {
                restart(&mut world);
            }
            if loss && round == 25 {
                // The new generation's first checks are lost: the old pair has to carry on.
                let mut checks = 0;
                world.sim.set_filter(move |datagram| {
                    let check = datagram.data.starts_with(&[0, 1]);
                    checks += u32::from(check);
                    if check && checks < 10 { Verdict::Drop } else { Verdict::Pass }
                });
            }
            world.a().to_send.push_back([&[128], &sent.to_be_bytes()[..]].concat());
            world.b().to_send.push_back([&[128], &sent.to_be_bytes()[..]].concat());
            sent += 1;
            world.run_for(Duration::from_millis(20));
        }
        world.run_for(10 * SECOND);
        assert_eq!(world.a().received.len(), sent as usize);
        assert_eq!(world.b().received.len(), sent as usize);
        let new = on_a(&mut world);
        assert_eq!(old.route, new.route);
        assert_ne!(old.pair, new.pair, "the new generation has its own pair");
        assert!(world.both(ConnectionState::Completed));
        assert_eq!(world.a().agent.candidate_pairs().len(), 1, "the old one is gone");
        world.run_for(60 * SECOND);
        world.exchange();
    }
}

#[test]
fn a_restart_that_moves_to_another_stream_leaves_the_old_one_open_for_what_is_under_way() {
    let (a, b) = over_tcp();
    let mut world = lan(a, b);
    world.start();
    world.connect(SECOND).unwrap();
    let old = [world.a, world.b].map(|host| world.agent(host).agent.selected_pair().unwrap().route);
    restart(&mut world);
    world.run_for(SECOND);
    for (host, route) in [world.a, world.b].into_iter().zip(old) {
        let now = world.sim.now();
        let node = world.agent(host);
        let Route::Direct(path) = route else { panic!() };
        let closed = |event: &Event| *event == Event::CloseStream(path);
        assert_ne!(node.agent.selected_pair().unwrap().route, route);
        assert!(!node.states().contains(&ConnectionState::Disconnected));
        assert!(!node.events.iter().any(closed));
        let late = node.agent.handle_datagram(now, path, &mut [22, 254, 253, 0]).map(|_| ());
        assert_eq!(late, Ok(()), "taken, and not answered there");
    }
    world.run_for(3 * SECOND);
    for (host, route) in [world.a, world.b].into_iter().zip(old) {
        let now = world.sim.now();
        let node = world.agent(host);
        let Route::Direct(path) = route else { panic!() };
        assert!(node.events.contains(&Event::CloseStream(path)));
        let late = node.agent.handle_datagram(now, path, &mut [22, 254, 253, 0]).map(|_| ());
        assert_eq!(late, Err(Discard::Unvalidated));
    }
    world.exchange();
}

#[test]
fn a_restart_after_failure_connects_again() {
    let mut world = connected();
    world.sim.set_filter(|_| Verdict::Drop);
    world.run_for(60 * SECOND);
    assert!(world.both(ConnectionState::Failed));
    world.sim.clear_filter();
    restart(&mut world);
    world.connect(2 * SECOND).unwrap();
    world.exchange();
}

#[test]
fn the_old_pair_keeps_its_consent_while_a_restart_is_not_answered() {
    let mut world = connected();
    let now = world.sim.now();
    world.a().agent.restart(now).unwrap();
    world.a().agent.gather(now).unwrap();
    world.a().outgoing.clear();
    world.run_for(120 * SECOND);
    assert_eq!(world.a().agent.state(), ConnectionState::Connected);
    world.a().outgoing.clear();
    world.exchange();
}

#[test]
fn a_lost_socket_is_replaced_by_another() {
    let mut world = {
        let a = node(config(Role::Controlling), 1, &["10.0.0.1:5000", "10.0.1.1:5000"]);
        let b = node(config(Role::Controlled), 2, &["10.0.0.2:5000"]);
        let mut world = lan(a, b);
        world.start();
        world.connect(2 * SECOND).unwrap();
        world.run_for(SECOND);
        world
    };
    assert_eq!(on_a(&mut world).local.socket_addr(), Some(addr("10.0.0.1:5000")));
    let now = world.sim.now();
    world.a().agent.remove_socket(now, Protocol::Udp, addr("10.0.0.1:5000")).unwrap();
    world.a().collect(now);
    assert_ne!(world.a().agent.state(), ConnectionState::Connected);
    world.connect(SECOND).unwrap();
    assert_eq!(on_a(&mut world).local.socket_addr(), Some(addr("10.0.1.1:5000")));
    let gone = |event: &Event| matches!(event, Event::LocalCandidateRemoved(_));
    assert!(world.a().events.iter().any(gone));
    // b follows at once: of a regular nominator the last nomination counts, though the old pair ranks higher.
    world
        .run_until(SECOND, |world| {
            let remote = world.b().agent.selected_pair().and_then(|pair| pair.remote.socket_addr());
            remote == Some(addr("10.0.1.1:5000"))
        })
        .unwrap();
    world.exchange();
}

#[test]
fn a_new_interface_takes_over_when_the_old_one_dies() {
    for role in [Role::Controlling, Role::Controlled] {
        let mut world = pair_on_a_lan(config(role), config(role.opposite()));
        world.start();
        world.connect(2 * SECOND).unwrap();
        let (now, a) = (world.sim.now(), world.a);
        world.sim.set_connected(a, ip("10.0.0.1"), false);
        world.a().agent.add_socket(now, LocalSocket::udp(addr("10.0.1.1:5000"))).unwrap();
        world.a().collect(now);
        world
            .run_until(20 * SECOND, |world| {
                let moved = |pair: Option<SelectedPair>| {
                    pair.is_some_and(|pair| {
                        [pair.local.address, pair.remote.address]
                            .iter()
                            .any(|address| *address == ip("10.0.1.1").into())
                    })
                };
                moved(world.a().agent.selected_pair()) && moved(world.b().agent.selected_pair())
            })
            .unwrap();
        world.exchange();
        assert!(!world.a().states().contains(&ConnectionState::Failed));
    }
}

#[test]
fn renomination_moves_to_a_better_path_without_an_interruption() {
    let renominating = |role| Config { renomination: true, ..config(role) };
    let mut world = {
        let a = node(renominating(Role::Controlling), 1, &[]);
        let b = node(renominating(Role::Controlled), 2, &["10.0.0.2:5000"]);
        lan(a, b)
    };
    let now = world.sim.now();
    let expensive =
        LocalSocket { network_id: Some(2), network_cost: 900, ..LocalSocket::udp(addr("10.0.1.1:5000")) };
    world.a().agent.add_socket(now, expensive).unwrap();
    world.start();
    world.connect(2 * SECOND).unwrap();
    assert_eq!(on_a(&mut world).local.network_cost, Some(900));
    let now = world.sim.now();
    world.a().agent.add_socket(now, LocalSocket::udp(addr("10.0.0.1:5000"))).unwrap();
    world.a().collect(now);
    world
        .run_until(SECOND, |world| {
            let better = Some(addr("10.0.0.1:5000"));
            let (on_a, on_b) = (world.a().agent.selected_pair(), world.b().agent.selected_pair());
            on_a.is_some_and(|pair| pair.local.socket_addr() == better)
                && on_b.is_some_and(|pair| pair.remote.socket_addr() == better)
        })
        .unwrap();
    assert_eq!(world.a().agent.stats().selected_pair_changes, 2);
    assert!(!world.a().states().contains(&ConnectionState::Disconnected));
    world.exchange();
}

#[test]
fn without_renomination_a_nominated_pair_stays() {
    let mut world = {
        let a = node(config(Role::Controlling), 1, &[]);
        let b = node(config(Role::Controlled), 2, &["10.0.0.2:5000"]);
        lan(a, b)
    };
    let now = world.sim.now();
    let expensive =
        LocalSocket { network_id: Some(2), network_cost: 900, ..LocalSocket::udp(addr("10.0.1.1:5000")) };
    world.a().agent.add_socket(now, expensive).unwrap();
    world.start();
    world.connect(2 * SECOND).unwrap();
    let now = world.sim.now();
    world.a().agent.add_socket(now, LocalSocket::udp(addr("10.0.0.1:5000"))).unwrap();
    world.run_for(10 * SECOND);
    assert_eq!(world.a().selections().len(), 1);
}

#[test]
fn a_rebinding_of_the_peers_address_is_followed() {
    // b's packets suddenly come from another address, as after a NAT reboot; a learns it from b's next check.
    let mut world = connected();
    let (now, b) = (world.sim.now(), world.b);
    world.b().agent.add_socket(now, LocalSocket::udp(addr("10.0.1.2:6000"))).unwrap();
    world.b().outgoing.clear();
    world.sim.set_connected(b, ip("10.0.0.2"), false);
    world
        .run_until(25 * SECOND, |world| on_a(world).remote.socket_addr() == Some(addr("10.0.1.2:6000")))
        .unwrap();
    world.run_for(15 * SECOND);
    world.exchange();
}

#[test]
fn statistics_add_up() {
    let mut world = connected();
    for _ in 0..10 {
        world.exchange();
    }
    let pairs = world.a().agent.candidate_pairs();
    let pair = pairs.iter().find(|pair| pair.selected).unwrap();
    assert_eq!((pair.state, pair.nominated), (PairState::Succeeded, true));
    let counters = pair.counters;
    assert_eq!((counters.packets_sent, counters.packets_received), (10, 10));
    assert_eq!((counters.bytes_sent, counters.bytes_received), (70, 70));
    assert_eq!(counters.current_round_trip_time, Some(Duration::from_millis(20)));
    assert_eq!(world.a().agent.rtt(), Some(Duration::from_millis(20)));
    assert!(counters.total_round_trip_time >= Duration::from_millis(40));
    assert_eq!(counters.requests_received, counters.responses_sent);
    assert!(counters.last_packet_received.is_some());
}

#[test]
fn timers_below_their_minima_are_raised() {
    let hasty = Timing { pacing: Duration::ZERO, rto: Duration::ZERO, ..Timing::default() };
    let mut world = pair_on_a_lan(
        Config { timing: hasty, ..config(Role::Controlling) },
        Config { timing: hasty, ..config(Role::Controlled) },
    );
    world.start();
    world.connect(SECOND).unwrap();
    world.exchange();
}

#[test]
fn a_restart_taken_back_leaves_the_credentials_and_the_pair_of_before() {
    let mut world = connected();
    let now = world.sim.now();
    let before = world.a().agent.local_parameters().clone();
    let remote = world.a().agent.remote_parameters().unwrap().clone();
    let prepared = world.a().agent.prepare_restart().clone();
    assert_eq!(*world.a().agent.local_parameters(), before, "preparing changes nothing");
    assert_eq!(*world.a().agent.prepare_restart(), prepared);
    assert_eq!(*world.a().agent.restart(now).unwrap(), prepared);
    world.a().agent.gather(now).unwrap();
    world.run_for(SECOND);
    let now = world.sim.now();
    assert_eq!(*world.a().agent.undo_restart(now).unwrap(), before);
    assert!(world.a().agent.undo_restart(now).is_err(), "once");
    world.a().agent.set_remote_parameters(now, remote).unwrap();
    world.a().agent.gather(now).unwrap();
    world.a().outgoing.clear();
    world.run_for(120 * SECOND);
    world.a().outgoing.clear();
    world.exchange();
    restart(&mut world);
    world.connect(2 * SECOND).unwrap();
    world.exchange();
}
