//! Two agents find each other.
#![allow(clippy::as_conversions, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests may panic")]

mod support;

use sendrecv_core::{Instant, Machine, PacketBuf, Path, Protocol, Seed};
use sendrecv_ice::{
    Candidate, CandidateKind, Config, ConnectionState, Event, IceParameters, IceServer, LocalSocket,
    Nomination, PairState, Role, Route, TcpType, Timing, Transport, Unreachable, UsageError,
};
use sendrecv_sim::{Interface, LinkConfig, Simulation, Verdict, for_each_seed};
use std::time::Duration;
use support::{
    AgentNode, Machinery, World, addr, config, ip, lan, node, node_with_whole_datagrams, ordinary_pair,
    over_tcp, pair_on_a_lan,
};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn hosts_on_a_lan_connect_in_two_round_trips_and_a_pacing_interval() {
    let mut world = ordinary_pair();
    world.start();
    world.connect(SECOND).unwrap();
    assert!(world.sim.now().as_millis() <= 20 + 2 * 20 + 50, "{}", world.sim.now());
    world.run_until(SECOND, |world| world.both(ConnectionState::Completed)).unwrap();
    world.exchange();
    let expected = [ConnectionState::Checking, ConnectionState::Connected, ConnectionState::Completed];
    assert_eq!(world.a().states(), expected);
    assert_eq!(world.b().states(), expected);
}

#[test]
fn an_aggressive_nominator_connects_in_one_round_trip() {
    let aggressive = Config { nomination: Nomination::Aggressive, ..config(Role::Controlling) };
    let mut world = pair_on_a_lan(aggressive, config(Role::Controlled));
    world.start();
    world.connect(SECOND).unwrap();
    assert!(world.sim.now().as_millis() <= 20 + 25, "{}", world.sim.now());
    world.exchange();
}

#[test]
fn both_controlling_and_both_controlled_are_resolved_by_tie_breaker() {
    for role in [Role::Controlling, Role::Controlled] {
        for_each_seed(8, 200, |seed| {
            let a = node(config(role), 2 * seed, &["10.0.0.1:5000"]);
            let b = node(config(role), 2 * seed + 1, &["10.0.0.2:5000"]);
            let mut world = lan(a, b);
            world.start();
            world.connect(2 * SECOND).unwrap();
            world.exchange();
            assert_ne!(world.a().agent.role(), world.b().agent.role());
            let resolved = |event: &&Event| matches!(event, Event::RoleConflictResolved(_));
            let switches = |node: &mut AgentNode| node.events.iter().filter(resolved).count();
            let switches = switches(world.a()) + switches(world.b());
            assert_eq!(switches, 1);
        });
    }
}

#[test]
fn a_candidate_that_is_never_signalled_is_learnt_from_its_checks() {
    for hidden in [0, 1] {
        let mut world = ordinary_pair();
        world.trickle[hidden] = false;
        world.start();
        world.connect(2 * SECOND).unwrap();
        world.exchange();
        let host = if hidden == 0 { world.b } else { world.a };
        let pair = world.agent(host).agent.selected_pair().unwrap();
        assert_eq!(pair.remote.kind, CandidateKind::PeerReflexive);
    }
}

#[test]
fn a_learnt_candidate_that_is_signalled_later_is_merged() {
    let mut world = ordinary_pair();
    world.trickle[0] = false;
    world.start();
    world.connect(2 * SECOND).unwrap();
    let candidate = world.a().agent.local_candidates().next().unwrap().clone();
    let now = world.sim.now();
    let before = world.b().agent.candidate_pairs();
    world.b().agent.add_remote_candidate(now, candidate.clone()).unwrap();
    let after = world.b().agent.candidate_pairs();
    assert_eq!((before.len(), after.len()), (1, 1));
    assert_eq!(after[0].remote, candidate);
    assert!(after[0].priority > before[0].priority && after[0].selected);
    world.exchange();
}

#[test]
fn checks_that_beat_the_peers_parameters_are_answered_and_followed_up() {
    let mut world = ordinary_pair();
    let (a, b) = (world.a().agent.local_parameters().clone(), world.b().agent.local_parameters().clone());
    world.start();
    // b's description reaches a at once; a's reaches b much later.
    let now = world.sim.now();
    world.a().agent.set_remote_parameters(now, b).unwrap();
    let candidate = world.b().agent.local_candidates().next().unwrap().clone();
    world.a().agent.add_remote_candidate(now, candidate).unwrap();
    world.delay = Duration::from_secs(5);
    world.run_for(SECOND);
    assert!(world.a().agent.selected_pair().is_some(), "the nomination was answered");
    assert_eq!(world.b().agent.state(), ConnectionState::New);
    assert_eq!(world.b().agent.candidate_pairs().len(), 0);
    let now = world.sim.now();
    world.b().agent.set_remote_parameters(now, a).unwrap();
    world.connect(SECOND).unwrap();
    world.exchange();
}

#[test]
fn a_pair_that_works_is_used_before_it_is_nominated_and_missed_when_it_is_lost() {
    let mut world = ordinary_pair();
    // No check with USE-CANDIDATE arrives.
    world.sim.set_filter(|datagram| {
        let nominates = datagram.data.windows(4).any(|bytes| bytes == [0, 0x25, 0, 0]);
        if datagram.data.starts_with(&[0, 1]) && nominates { Verdict::Drop } else { Verdict::Pass }
    });
    world.start();
    world.run_for(SECOND);
    assert!(world.b().agent.selected_pair().is_none());
    assert_eq!(world.b().agent.state(), ConnectionState::Connected);
    let pair = world.b().agent.pair_in_use().unwrap();
    world.exchange();
    let now = world.sim.now();
    let address = pair.local.socket_addr().unwrap();
    world.b().agent.remove_socket(now, Protocol::Udp, address).unwrap();
    assert_eq!(world.b().agent.state(), ConnectionState::Disconnected);
    assert!(world.b().agent.pair_in_use().is_none());
}

#[test]
fn silence_before_a_nomination_is_noticed_and_so_is_its_end() {
    let mut world = ordinary_pair();
    let cut = Instant::from_millis(1000)..Instant::from_millis(9000);
    // No check with USE-CANDIDATE arrives before 60 s, and nothing at all for a while.
    world.sim.set_filter(move |datagram| {
        let nominates = datagram.data.windows(4).any(|bytes| bytes == [0, 0x25, 0, 0]);
        let late = datagram.now >= Instant::from_millis(60_000);
        if cut.contains(&datagram.now) || (datagram.data.starts_with(&[0, 1]) && nominates && !late) {
            Verdict::Drop
        } else {
            Verdict::Pass
        }
    });
    world.start();
    world.run_for(SECOND);
    assert!(world.both(ConnectionState::Connected));
    world.run_for(6 * SECOND);
    assert!(
        world.both(ConnectionState::Disconnected),
        "{:?} {:?}",
        world.a().agent.state(),
        world.b().agent.state()
    );
    assert!(world.a().agent.selected_pair().is_none() && world.b().agent.selected_pair().is_none());
    world.run_for(6 * SECOND);
    assert_eq!(world.b().agent.state(), ConnectionState::Connected, "its own check is answered");
}

#[test]
fn a_pair_that_stays_silent_before_its_nomination_is_given_up() {
    let mut world = ordinary_pair();
    world.sim.set_filter(|datagram| {
        if datagram.now >= Instant::from_millis(120) { Verdict::Drop } else { Verdict::Pass }
    });
    world.start();
    world.run_until(SECOND, |world| world.b().agent.pair_in_use().is_some()).unwrap();
    assert!(world.b().agent.selected_pair().is_none(), "not nominated yet");
    world.run_for(60 * SECOND);
    assert_eq!(world.b().agent.state(), ConnectionState::Failed);
    assert!(world.b().agent.pair_in_use().is_none(), "nothing is sent there any more");
}

#[test]
fn use_candidate_before_our_own_check_succeeded_counts_when_it_does() {
    let mut world = ordinary_pair();
    let b = world.b;
    // The controlled side's own checks are lost for two seconds: it answers, and is nominated, long before.
    world.sim.set_filter(move |datagram| {
        let check = datagram.data.starts_with(&[0, 1]);
        if datagram.from == b && check && datagram.now < Instant::from_millis(2000) {
            Verdict::Drop
        } else {
            Verdict::Pass
        }
    });
    world.start();
    world.run_for(SECOND);
    assert!(world.a().agent.selected_pair().is_some());
    assert!(world.b().agent.selected_pair().is_none());
    world.connect(5 * SECOND).unwrap();
    world.exchange();
}

#[test]
fn a_lite_peer_is_nominated_by_us_whatever_the_roles_were() {
    let lite = Config { lite: true, ..config(Role::Controlling) };
    for role in [Role::Controlling, Role::Controlled] {
        let mut world = pair_on_a_lan(config(role), lite.clone());
        world.start();
        world.connect(SECOND).unwrap();
        world.exchange();
        assert_eq!((world.a().agent.role(), world.b().agent.role()), (Role::Controlling, Role::Controlled));
        assert_eq!(world.b().agent.candidate_pairs()[0].counters.requests_sent, 0);
        // It stays up on the full side's consent checks alone.
        world.run_for(60 * SECOND);
        assert!(
            world.b().agent.state() == ConnectionState::Connected || world.both(ConnectionState::Completed)
        );
        world.exchange();
    }
}

#[test]
fn two_lite_agents_use_their_best_host_candidates() {
    let lite = |role| Config { lite: true, ..config(role) };
    let mut world = pair_on_a_lan(lite(Role::Controlling), lite(Role::Controlled));
    world.start();
    world.connect(SECOND).unwrap();
    world.exchange();
}

#[test]
fn the_better_of_several_paths_is_nominated() {
    let a = node(config(Role::Controlling), 1, &["10.0.0.1:5000", "10.0.0.1:5001", "10.0.0.1:5002"]);
    let b = node(config(Role::Controlled), 2, &["10.0.0.2:5000", "10.0.0.2:5001"]);
    let mut world = lan(a, b);
    world.start();
    world.connect(2 * SECOND).unwrap();
    let pair = world.a().agent.selected_pair().unwrap();
    assert_eq!((pair.local.port, pair.remote.port), (5000, 5000));
    world.exchange();
}

#[test]
fn aggressive_peers_may_nominate_many_pairs_and_the_best_is_used() {
    let aggressive = Config { nomination: Nomination::Aggressive, ..config(Role::Controlling) };
    let a = node(aggressive, 1, &["10.0.0.1:5000", "10.0.0.1:5001", "10.0.0.1:5002"]);
    let b = node(config(Role::Controlled), 2, &["10.0.0.2:5000", "10.0.0.2:5001"]);
    let mut world = lan(a, b);
    // The best pair is slow to answer.
    world.sim.set_filter(|datagram| {
        let best = datagram.path.local.port() == 5000 && datagram.path.remote.port() == 5000;
        if best && datagram.now < Instant::from_millis(700) { Verdict::Drop } else { Verdict::Pass }
    });
    world.start();
    world.run_for(5 * SECOND);
    assert!(world.b().agent.candidate_pairs().iter().filter(|pair| pair.nominated).count() >= 2);
    let (on_a, on_b) = (world.a().agent.selected_pair().unwrap(), world.b().agent.selected_pair().unwrap());
    assert_eq!((on_a.local.port, on_a.remote.port), (5000, 5000));
    assert_eq!((on_b.local.port, on_b.remote.port), (5000, 5000));
    assert!(world.b().selections().len() >= 2);
    world.exchange();
}

#[test]
fn mdns_names_are_resolved_by_the_host() {
    let mut a = AgentNode::new(config(Role::Controlling), &Seed::from_u64(1));
    let name = "3c4b1e5a-6f0e-4d2b-9f6e-5b1d1c0a7f3e.local";
    let socket = LocalSocket { name: Some(name.into()), ..LocalSocket::udp(addr("10.0.0.1:5000")) };
    a.agent.add_socket(Instant::ZERO, socket).unwrap();
    let mut b = node(config(Role::Controlled), 2, &["10.0.0.2:5000"]);
    b.names.push((name.into(), ip("10.0.0.1")));
    let mut world = lan(a, b);
    world.start();
    world.connect(SECOND).unwrap();
    world.exchange();
    let pair = world.b().agent.selected_pair().unwrap();
    assert_eq!((pair.remote.address.to_string().as_str(), pair.route.remote().ip()), (name, ip("10.0.0.1")));
    assert!(
        world
            .b()
            .events
            .iter()
            .any(|event| matches!(event, Event::ResolveName { name: asked, .. } if asked == name))
    );
}

#[test]
fn ipv6_is_preferred_and_ipv4_is_the_fallback() {
    for v6_works in [true, false] {
        let a = node(config(Role::Controlling), 1, &["10.0.0.1:5000", "[fd00::1]:5000"]);
        let b = node(config(Role::Controlled), 2, &["10.0.0.2:5000", "[fd00::2]:5000"]);
        let mut world = lan(a, b);
        let b = world.b;
        world.sim.set_connected(b, ip("fd00::2"), v6_works);
        world.start();
        world.connect(2 * SECOND).unwrap();
        let pair = world.a().agent.selected_pair().unwrap();
        assert_eq!(pair.route.remote().is_ipv6(), v6_works);
        world.exchange();
    }
}

#[test]
fn what_fits_an_ip_packet_is_told_for_sockets_that_do_not_fragment() {
    for (sockets, fits) in
        [(["10.0.0.1:5000", "10.0.0.2:5000"], 1472), (["[fd00::1]:5000", "[fd00::2]:5000"], 1452)]
    {
        let a = node_with_whole_datagrams(config(Role::Controlling), 1, &[sockets[0]]);
        let mut world = lan(a, node(config(Role::Controlled), 2, &[sockets[1]]));
        assert_eq!(world.a().agent.max_data_len(1500), None, "no pair yet");
        world.start();
        world.connect(SECOND).unwrap();
        assert_eq!(world.a().agent.max_data_len(1500), Some(fits));
        assert_eq!(world.b().agent.max_data_len(1500), None, "it may fragment");
    }
}

#[test]
fn ice_tcp_connects_active_to_passive() {
    let (a, b) = over_tcp();
    let mut world = lan(a, b);
    world.start();
    world.connect(SECOND).unwrap();
    let (on_a, on_b) = (world.a().agent.selected_pair().unwrap(), world.b().agent.selected_pair().unwrap());
    assert_eq!(on_a.remote.transport, Transport::Tcp(TcpType::Passive));
    assert_eq!(on_b.remote.transport, Transport::Tcp(TcpType::Active));
    assert!(
        matches!(on_b.route, Route::Direct(path) if path.protocol == Protocol::Tcp && path.local.port() == 443)
    );
    world.exchange();
    assert_eq!(world.a().agent.path_mtu_overhead(), 2);
    assert_eq!(world.a().agent.max_data_len(1500), None, "a stream carries any size");

    // The stream breaks: the pair goes with it.
    let Route::Direct(path) = on_a.route else { panic!() };
    let now = world.sim.now();
    world.a().agent.stream_closed(now, path).unwrap();
    world.a().collect(now);
    assert!(world.a().agent.selected_pair().is_none());
    assert_ne!(world.a().agent.state(), ConnectionState::Connected);
}

#[test]
fn udp_is_preferred_over_tcp() {
    let mut a = node(config(Role::Controlling), 1, &["10.0.0.1:5000"]);
    a.agent.add_socket(Instant::ZERO, LocalSocket::tcp_active(ip("10.0.0.1"))).unwrap();
    let mut b = node(config(Role::Controlled), 2, &["10.0.0.2:5000"]);
    b.agent.add_socket(Instant::ZERO, LocalSocket::tcp_passive(addr("10.0.0.2:443"))).unwrap();
    let mut world = lan(a, b);
    world.start();
    world.connect(SECOND).unwrap();
    assert_eq!(world.a().agent.selected_pair().unwrap().local.transport, Transport::Udp);
}

#[test]
fn a_refused_stream_fails_its_pair() {
    let (mut a, b) = over_tcp();
    a.streams = false;
    let mut world = lan(a, b);
    world.start();
    world.run_for(SECOND);
    assert_eq!(world.a().agent.state(), ConnectionState::Checking);
    world.run_for(40 * SECOND);
    assert_eq!(world.a().agent.state(), ConnectionState::Failed);
}

#[test]
fn patience_runs_out_when_nothing_works() {
    let mut world = ordinary_pair();
    world.sim.set_filter(|_| Verdict::Drop);
    world.start();
    world.run_for(39 * SECOND);
    assert!(world.both(ConnectionState::Checking));
    world.run_for(2 * SECOND);
    assert!(world.both(ConnectionState::Failed));
    // A check that gets through after all still connects: the peer may have been late.
    world.sim.clear_filter();
    let now = world.sim.now();
    world.a().agent.restart(now).unwrap();
    world.b().agent.restart(now).unwrap();
    world.start();
    world.connect(2 * SECOND).unwrap();
    world.exchange();
}

#[test]
fn pairs_without_an_answer_are_tried_again_at_a_modest_pace_while_patience_lasts() {
    let patient = |role| {
        let timing = Timing { requests: 3, patience: Duration::from_secs(60), ..Timing::default() };
        Config { timing, ..config(role) }
    };
    for connects in [true, false] {
        let mut world = pair_on_a_lan(patient(Role::Controlling), patient(Role::Controlled));
        world.sim.set_filter(|_| Verdict::Drop);
        world.start();
        // A check of three requests lasts 11.5 s, so that this is in the fifth.
        world.run_for(58 * SECOND);
        assert!(world.both(ConnectionState::Checking));
        let packets = world.a().packets;
        assert!((28..=40).contains(&packets), "one every two seconds or so: {packets}");
        if connects {
            world.sim.clear_filter();
            world.connect(3 * SECOND).unwrap();
            world.exchange();
        } else {
            world.run_for(3 * SECOND);
            assert!(world.both(ConnectionState::Failed));
            let packets = world.a().packets;
            world.run_for(60 * SECOND);
            assert_eq!(world.a().packets, packets, "nothing more is tried");
        }
    }
}

#[test]
fn thirty_percent_loss_delays_but_does_not_prevent() {
    for_each_seed(10, 1000, |seed| {
        let mut sim = Simulation::new(&Seed::from_u64(seed));
        let wire = LinkConfig::with_delay(Duration::from_millis(20))
            .with_loss(sendrecv_sim::Loss::Random(sendrecv_sim::Chance::percent(30)));
        let a = node(config(Role::Controlling), 2 * seed, &["10.0.0.1:5000"]);
        let b = node(config(Role::Controlled), 2 * seed + 1, &["10.0.0.2:5000"]);
        let a = sim.add_host("a", Machinery::Agent(Box::new(a)), [Interface::new(ip("10.0.0.1")).up(wire)]);
        let b = sim.add_host("b", Machinery::Agent(Box::new(b)), [Interface::new(ip("10.0.0.2")).up(wire)]);
        let mut world = World::new(sim, a, b);
        world.start();
        world.connect(30 * SECOND).unwrap();
    });
}

#[test]
fn signalled_nonsense_is_refused_and_changes_nothing() {
    let mut world = ordinary_pair();
    let now = world.sim.now();
    let agent = &mut world.a().agent;
    let candidate = |line: &str| line.parse::<Candidate>().unwrap();
    let refused = |agent: &mut sendrecv_ice::IceAgent, line| agent.add_remote_candidate(now, candidate(line));
    assert_eq!(refused(agent, "1 2 udp 1 192.0.2.1 9 typ host"), Err(UsageError::OtherComponent));
    assert_eq!(refused(agent, "1 1 udp 1 0.0.0.0 9 typ host"), Err(UsageError::UnusableAddress));
    assert_eq!(refused(agent, "1 1 udp 1 224.0.0.1 9 typ host"), Err(UsageError::UnusableAddress));
    assert_eq!(refused(agent, "1 1 udp 1 192.0.2.1 0 typ host"), Err(UsageError::UnusableAddress));
    assert_eq!(
        agent.set_remote_parameters(now, IceParameters::new("abc", "short")),
        Err(UsageError::InvalidParameters)
    );
    let good = IceParameters::new("abcd", "0123456789012345678901");
    agent.set_remote_parameters(now, good.clone()).unwrap();
    agent.set_remote_parameters(now, good).unwrap();
    let other = IceParameters::new("efgh", "0123456789012345678901");
    assert_eq!(agent.set_remote_parameters(now, other), Err(UsageError::OtherGeneration));
    assert_eq!(refused(agent, "1 1 udp 1 192.0.2.1 9 typ host ufrag efgh"), Err(UsageError::OtherGeneration));
    assert_eq!(refused(agent, "1 1 udp 1 ::ffff:224.0.0.1 9 typ host"), Err(UsageError::UnusableAddress));
    assert_eq!(agent.candidate_pairs().len(), 0);
    let duplicate = LocalSocket::udp(addr("10.0.0.1:5000"));
    assert_eq!(agent.add_socket(now, duplicate), Err(UsageError::DuplicateSocket));
    assert_eq!(agent.remove_socket(now, Protocol::Udp, addr("10.0.0.1:1")), Err(UsageError::Unknown));
}

#[test]
fn a_closed_agent_says_so_and_nothing_else() {
    let mut world = ordinary_pair();
    world.start();
    world.connect(SECOND).unwrap();
    let now = world.sim.now();
    world.a().agent.close(now);
    world.a().collect(now);
    assert_eq!(world.a().states().last(), Some(&ConnectionState::Closed));
    let sent = world.a().packets;
    world.run_for(60 * SECOND);
    assert_eq!(world.a().packets, sent);
    assert_eq!(world.b().agent.state(), ConnectionState::Failed, "b's consent expired");
    assert_eq!(world.a().agent.gather(now), Err(UsageError::Closed));
}

/// An agent whose only pair's check has been sent this often without an answer.
fn unanswered(kind: CandidateKind, requests: u64) -> (Instant, AgentNode, Path) {
    let mut node = node(config(Role::Controlling), 1, &["10.0.0.1:5000"]);
    let path = Path::udp(addr("10.0.0.1:5000"), addr("10.0.0.2:5000"));
    let mut now = Instant::ZERO;
    node.agent.set_remote_parameters(now, IceParameters::new("peer", "0123456789012345678901")).unwrap();
    let candidate = Candidate::new(kind, Transport::Udp, path.remote);
    node.agent.add_remote_candidate(now, candidate).unwrap();
    let mut slab = [0; 500];
    for number in 0..requests {
        if number > 0 {
            now = node.agent.poll_timeout().unwrap();
        }
        let mut packet = PacketBuf::new(&mut slab, 0, 0);
        assert_eq!(node.agent.poll_transmit(now, &mut packet).unwrap().path, Some(path));
    }
    (now, node, path)
}

#[test]
fn a_hard_error_that_is_repeated_fails_a_check_and_others_do_not() {
    use CandidateKind::{Host, ServerReflexive};
    for (reason, kind, requests, state) in [
        (Unreachable::Refused, Host, 1, PairState::InProgress),
        (Unreachable::Refused, Host, 2, PairState::Failed),
        (Unreachable::NoRoute, Host, 2, PairState::Failed),
        (Unreachable::NoRoute, ServerReflexive, 2, PairState::Failed),
        // The NAT there may let us in as soon as the peer has sent something.
        (Unreachable::Refused, ServerReflexive, 3, PairState::InProgress),
        (Unreachable::Soft, Host, 5, PairState::InProgress),
    ] {
        let (now, mut node, path) = unanswered(kind, requests);
        node.agent.handle_unreachable(now, path, reason).unwrap();
        let row = format!("{reason:?} {kind} {requests}");
        assert_eq!(node.agent.candidate_pairs()[0].state, state, "{row}");
        let elsewhere = Path::udp(path.local, addr("10.0.0.3:5000"));
        assert_eq!(node.agent.handle_unreachable(now, elsewhere, reason), Err(UsageError::Unknown), "{row}");
    }
}

#[test]
fn errors_of_the_network_do_not_harm_a_pair_in_use_and_a_failed_one_comes_back() {
    let mut world = ordinary_pair();
    world.start();
    // b is not reachable yet, as its stack says, and then it is.
    let b = world.b;
    world.sim.set_connected(b, ip("10.0.0.2"), false);
    world.run_for(SECOND);
    let (now, path) = (world.sim.now(), Path::udp(addr("10.0.0.1:5000"), addr("10.0.0.2:5000")));
    world.a().agent.handle_unreachable(now, path, Unreachable::Refused).unwrap();
    assert_eq!(world.a().agent.candidate_pairs()[0].state, PairState::Failed);
    world.sim.set_connected(b, ip("10.0.0.2"), true);
    world.connect(5 * SECOND).unwrap();
    let now = world.sim.now();
    for reason in [Unreachable::NoRoute, Unreachable::Refused, Unreachable::Soft] {
        world.a().agent.handle_unreachable(now, path, reason).unwrap();
    }
    assert!(world.a().agent.selected_pair().is_some());
    world.exchange();
}

#[test]
fn new_transactions_start_no_closer_than_the_pacing_interval() {
    // Servers' questions and checks share one pacer (RFC 8445, section 14).
    let mut a = node(config(Role::Controlling), 1, &["10.0.0.1:5000", "10.0.0.1:5001", "10.0.0.1:5002"]);
    for server in ["stun:10.0.0.9:3478", "stun:10.0.0.8:3478"] {
        a.agent.add_ice_server(Instant::ZERO, IceServer::stun(server.parse().unwrap())).unwrap();
    }
    a.agent.gather(Instant::ZERO).unwrap();
    a.agent
        .set_remote_parameters(Instant::ZERO, IceParameters::new("peer", "0123456789012345678901"))
        .unwrap();
    for port in 6000..6010 {
        let candidate = Candidate::host(addr(&format!("10.0.0.2:{port}")));
        a.agent.add_remote_candidate(Instant::ZERO, candidate).unwrap();
    }
    let (mut now, mut slab, mut first) = (Instant::ZERO, [0; 500], std::collections::BTreeMap::new());
    while first.len() < 36 {
        let mut packet = PacketBuf::new(&mut slab, 0, 0);
        while a.agent.poll_transmit(now, &mut packet).is_some() {
            let id: [u8; 12] = packet.bytes()[8..20].try_into().unwrap();
            first.entry(id).or_insert(now);
            packet.clear();
        }
        now = a.agent.poll_timeout().unwrap();
    }
    let mut times: Vec<Instant> = first.into_values().collect();
    times.sort_unstable();
    let closest = times.windows(2).map(|pair| pair[1] - pair[0]).min().unwrap();
    assert!(closest >= Duration::from_millis(50), "{closest:?}");
}

#[test]
fn on_a_slow_path_only_the_first_check_is_repeated() {
    let mut sim = Simulation::new(&Seed::from_u64(1));
    let satellite = LinkConfig::with_delay(Duration::from_millis(350));
    let [a, b] = [(Role::Controlling, 1u8), (Role::Controlled, 2)].map(|(role, number)| {
        let address = format!("10.0.0.{number}");
        let node = node(config(role), number.into(), &[&format!("{address}:5000")]);
        sim.add_host(&address, Machinery::Agent(Box::new(node)), [Interface::new(ip(&address)).up(satellite)])
    });
    let mut world = World::new(sim, a, b);
    world.start();
    world.connect(5 * SECOND).unwrap();
    world.run_for(SECOND);
    for host in [a, b] {
        let counters = world.agent(host).agent.candidate_pairs()[0].counters;
        assert!(counters.requests_sent <= 4, "{counters:?}");
    }
    // The nominating check was sent once, so that its answer tells the time.
    assert_eq!(world.a().agent.rtt(), Some(Duration::from_millis(700)));
    world.run_for(2 * SECOND);
    world.a().to_send.push_back(b"\x80".to_vec());
    world.run_for(SECOND);
    assert_eq!(world.b().received.len(), 1);
}

#[test]
fn ice_tcp_connects_by_simultaneous_open() {
    let so = |address| LocalSocket::tcp_so(addr(address));
    let mut a = AgentNode::new(config(Role::Controlling), &Seed::from_u64(1));
    a.agent.add_socket(Instant::ZERO, so("10.0.0.1:7000")).unwrap();
    let mut b = AgentNode::new(config(Role::Controlled), &Seed::from_u64(2));
    b.agent.add_socket(Instant::ZERO, so("10.0.0.2:7001")).unwrap();
    let mut world = lan(a, b);
    world.start();
    world.connect(SECOND).unwrap();
    let path = Path { protocol: Protocol::Tcp, local: addr("10.0.0.1:7000"), remote: addr("10.0.0.2:7001") };
    assert_eq!(world.a().agent.selected_pair().unwrap().route, Route::Direct(path));
    for host in [world.a, world.b] {
        let opened = |event: &&Event| matches!(event, Event::OpenStream(_));
        assert_eq!(world.agent(host).events.iter().filter(opened).count(), 1, "both open, once");
        assert_eq!(world.agent(host).agent.candidate_pairs().len(), 1);
    }
    world.exchange();
}

#[test]
fn of_two_streams_between_the_same_ports_the_peers_may_be_the_only_one() {
    for failure_comes_first in [true, false] {
        let mut nodes = [Role::Controlling, Role::Controlled]
            .map(|role| AgentNode::new(config(role), &Seed::from_u64(1)));
        for (node, address) in nodes.iter_mut().zip(["10.0.0.1:7000", "10.0.0.2:7001"]) {
            node.agent.add_socket(Instant::ZERO, LocalSocket::tcp_so(addr(address))).unwrap();
        }
        let [mut a, b] = nodes;
        a.keeps_streams_waiting = true;
        let mut world = lan(a, b);
        world.start();
        let wait = Duration::from_millis(if failure_comes_first { 20 } else { 500 });
        world.run_for(wait);
        let asked = world.a().events.iter().find_map(|event| match event {
            Event::OpenStream(open) => Some(open.id),
            _ => None,
        });
        let now = world.sim.now();
        world.a().agent.stream_failed(now, asked.unwrap()).unwrap();
        let pairs = world.a().agent.candidate_pairs();
        assert_eq!(pairs[0].state == PairState::Failed, failure_comes_first);
        world.connect(SECOND).unwrap();
        world.exchange();
    }
}
