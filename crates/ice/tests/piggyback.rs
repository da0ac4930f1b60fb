//! Packets that ride on checks: who gets them, and who does not.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used)]

use proptest::prelude::*;
use sendrecv_core::{Instant, Machine, PacketBuf, Path, Seed};
use sendrecv_ice::{
    Config, DATA_HEADROOM, Discard, Event, IceAgent, LocalSocket, Nomination, Role, UfragPrefix,
};
use sendrecv_stun::attribute::{
    AttributeType, DtlsInStun, DtlsInStunAck, IceControlling, Priority, Username, XorMappedAddress,
};
use sendrecv_stun::{Class, IntegrityKey, Message, MessageBuilder, Method, TransactionId};
use std::net::SocketAddr;
use std::time::Duration;

type Bytes = Vec<u8>;

const PACKET: &[u8] = b"\x16 a packet of the layer above";

fn address(number: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, number], 4000))
}

fn agent(number: u8, piggyback: bool) -> IceAgent {
    agent_with(number, &|config| config.piggyback = piggyback.then_some(1200))
}

fn agent_with(number: u8, change: &dyn Fn(&mut Config)) -> IceAgent {
    let mut config = Config::default();
    change(&mut config);
    let mut agent = IceAgent::new(config, &Seed::from_u64(number.into()), Instant::ZERO);
    agent.add_socket(Instant::ZERO, LocalSocket::udp(address(number))).unwrap();
    agent.set_role(Instant::ZERO, if number == 1 { Role::Controlling } else { Role::Controlled }).unwrap();
    agent.gather(Instant::ZERO).unwrap();
    agent
}

fn acquainted(a: bool, b: bool) -> [IceAgent; 2] {
    introduce([agent(1, a), agent(2, b)])
}

/// The two know each other now, and have not sent anything yet.
fn introduce(mut agents: [IceAgent; 2]) -> [IceAgent; 2] {
    let parameters = [0, 1].map(|index: usize| agents[index].local_parameters().clone());
    let candidates = agents.each_mut().map(|agent| {
        let mut found = Vec::new();
        while let Some(event) = agent.poll_event() {
            if let Event::LocalCandidate(candidate) = event {
                found.push(candidate);
            }
        }
        found
    });
    for index in [0, 1] {
        agents[index].set_remote_parameters(Instant::ZERO, parameters[1 - index].clone()).unwrap();
        for candidate in &candidates[1 - index] {
            agents[index].add_remote_candidate(Instant::ZERO, candidate.clone()).unwrap();
        }
    }
    agents
}

fn packets_of(agent: &mut IceAgent) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    while let Some(event) = agent.poll_event() {
        if let Event::Packet(packet) = event {
            packets.push(packet);
        }
    }
    packets
}

fn next(agent: &mut IceAgent, now: Instant) -> Option<Vec<u8>> {
    let mut slab = [0; 2048];
    let mut out = PacketBuf::new(&mut slab, DATA_HEADROOM, 0);
    agent.poll_transmit(now, &mut out)?;
    Some(out.bytes().to_vec())
}

/// A check for `agent`, signed with `pwd`, with a packet in front of the integrity attribute or behind it.
fn forged(agent: &IceAgent, pwd: &str, covered: bool) -> Vec<u8> {
    let key = IntegrityKey::short_term(sendrecv_crypto::default_provider(), pwd).unwrap();
    let mut bytes = Vec::new();
    let id = TransactionId([3; 12]);
    let mut check = MessageBuilder::new(&mut bytes, Class::Request, Method::BINDING, id).unwrap();
    let username = format!("{}:xyz1", agent.local_parameters().ufrag);
    check.attribute(&Username(&username)).unwrap().attribute(&Priority(1)).unwrap();
    check.attribute(&IceControlling(0)).unwrap();
    if covered {
        check.attribute(&DtlsInStun(PACKET)).unwrap();
    }
    check.integrity(&key).unwrap();
    if !covered {
        check.attribute(&DtlsInStun(PACKET)).unwrap();
    }
    check.fingerprint().unwrap();
    bytes
}

/// What a check from nowhere known leads to: the packets in it, or why it had no effect; the answer.
fn give(agent: &mut IceAgent, check: &mut [u8]) -> (Result<Vec<Bytes>, Discard>, Option<Bytes>) {
    let outcome = agent.handle_datagram(Instant::ZERO, Path::udp(address(1), address(66)), check);
    (outcome.map(drop).map(|()| packets_of(agent)), next(agent, Instant::ZERO))
}

#[test]
fn only_authenticated_checks_bring_packets_and_only_what_integrity_covers() {
    let mut agent = agent(1, true);
    agent.set_role(Instant::ZERO, Role::Controlled).unwrap();
    let pwd = agent.local_parameters().pwd.clone();
    let mut check = forged(&agent, "a password that is not the agent's", true);
    assert_eq!(give(&mut agent, &mut check), (Err(Discard::Unauthenticated), None));
    let mut check = forged(&agent, &pwd, false);
    let (packets, answer) = give(&mut agent, &mut check);
    assert_eq!(packets, Ok(vec![]));
    assert!(!Message::parse(&answer.unwrap()).unwrap().has(AttributeType::DTLS_IN_STUN_ACK));
    // The peer's description has not come yet, but who knows our password has ours.
    let mut check = forged(&agent, &pwd, true);
    let (packets, answer) = give(&mut agent, &mut check);
    assert_eq!(packets, Ok(vec![PACKET.to_vec()]));
    let answer = answer.unwrap();
    let answer = Message::parse(&answer).unwrap();
    assert!(answer.attribute::<XorMappedAddress>().is_some());
    assert_eq!(answer.attribute(), Some(DtlsInStunAck(&[])), "it knows about this");
}

#[test]
fn an_agent_that_does_not_offer_it_looks_at_none_of_it() {
    let mut agent = agent(1, false);
    agent.set_role(Instant::ZERO, Role::Controlled).unwrap();
    let pwd = agent.local_parameters().pwd.clone();
    let mut check = forged(&agent, &pwd, true);
    let (packets, answer) = give(&mut agent, &mut check);
    assert_eq!(packets, Ok(vec![]));
    assert!(!Message::parse(&answer.unwrap()).unwrap().has(AttributeType::DTLS_IN_STUN_ACK));
}

#[test]
fn nothing_rides_unless_both_sides_offer_it() {
    for (a, b) in [(true, false), (false, true), (false, false)] {
        let [mut one, _] = acquainted(a, b);
        assert_eq!(one.packet_room(), None);
        one.board(vec![PACKET.to_vec()]);
        let check = next(&mut one, Instant::ZERO).unwrap();
        let check = Message::parse(&check).unwrap();
        assert!(!check.has(AttributeType::DTLS_IN_STUN) && !check.has(AttributeType::DTLS_IN_STUN_ACK));
    }
}

#[test]
fn checks_with_packets_stay_within_the_budget_and_leave_room_for_a_relays_header() {
    for (budget, prefix) in [(1200, 0), (1200, 200), (548, 40), (1472, 7), (100, 0)] {
        let changed = |config: &mut Config| {
            config.piggyback = Some(budget);
            config.renomination = true;
            config.nomination = Nomination::Aggressive;
            config.ufrag_prefix = UfragPrefix::new(&"x".repeat(prefix)).unwrap();
        };
        let mut agents = introduce([agent_with(1, &changed), agent_with(2, &changed)]);
        let room = agents[0].packet_room().unwrap();
        agents[0].board(vec![vec![22; room], vec![23; room + 1]]);
        let check = next(&mut agents[0], Instant::ZERO).unwrap();
        assert!(check.len() + DATA_HEADROOM <= budget.max(300), "{budget}: {} bytes", check.len());
        let rode = Message::parse(&check).unwrap().has(AttributeType::DTLS_IN_STUN);
        assert_eq!(rode, budget > 100, "{budget}");
        assert!(check.len() + DATA_HEADROOM + 60 > budget, "{budget}: {} bytes", check.len());
    }
}

#[test]
fn a_check_that_is_replayed_brings_no_more_than_the_budget_of_a_first_window() {
    let mut agents = acquainted(true, true);
    let packets: Vec<Vec<u8>> = (20..24).map(|first| vec![first; 900]).collect();
    agents[1].board(packets);
    let check = next(&mut agents[0], Instant::ZERO).unwrap();
    let mut bytes = 0;
    for _ in 0..1000 {
        let path = Path::udp(address(2), address(1));
        agents[1].handle_datagram(Instant::ZERO, path, &mut check.clone()).unwrap();
        while let Some(sent) = next(&mut agents[1], Instant::ZERO) {
            let DtlsInStun(packet) = Message::parse(&sent).unwrap().attribute().unwrap_or(DtlsInStun(&[]));
            bytes += packet.len();
        }
    }
    assert!((900 * 10..=14_600).contains(&bytes), "{bytes}");
}

/// Lets the agents exchange what they have to say, each datagram lost if `lost` says so; what agent 2 got, in order.
fn exchange(agents: &mut [IceAgent; 2], seconds: u64, mut lost: impl FnMut() -> bool) -> Vec<Vec<u8>> {
    let (mut now, mut received) = (Instant::ZERO, Vec::new());
    while now < Instant::ZERO + Duration::from_secs(seconds) {
        for index in [0, 1] {
            while let Some(mut datagram) = next(&mut agents[index], now) {
                let to = 1 - index;
                let numbers = [1, 2].map(address);
                if !lost() {
                    let path = Path::udp(numbers[to], numbers[index]);
                    let _ = agents[to].handle_datagram(now, path, &mut datagram);
                }
                for packet in packets_of(&mut agents[to]) {
                    agents[to].confirm_packet(&packet);
                    if to == 1 {
                        received.push(packet);
                    }
                }
            }
        }
        now += Duration::from_millis(5);
        agents.iter_mut().for_each(|agent| agent.handle_timeout(now));
    }
    received
}

#[test]
fn an_acknowledged_packet_rides_no_more() {
    let mut agents = acquainted(true, true);
    agents[0].board(vec![PACKET.to_vec()]);
    assert_eq!(exchange(&mut agents, 20, || false), [PACKET], "it rode once");
    assert_eq!(agents[0].disembark(), None);
}

#[test]
fn nothing_rides_once_a_pair_works_or_after_the_end() {
    let mut agents = acquainted(true, true);
    exchange(&mut agents, 1, || false);
    assert!(agents[0].can_send_data());
    agents[0].board(vec![PACKET.to_vec()]);
    assert_eq!(agents[0].packet_room(), None);
    assert!(exchange(&mut agents, 20, || false).is_empty());
    assert_eq!(agents[0].disembark(), Some(PACKET.to_vec()));
    let mut agents = acquainted(true, true);
    agents[0].end_riding();
    agents[0].board(vec![PACKET.to_vec()]);
    assert_eq!(agents[0].packet_room(), None);
    assert!(exchange(&mut agents, 20, || false).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_packet_is_here_until_it_is_there(
        seed: u64,
        percent in 0u64..80,
        lens in proptest::collection::vec(1usize..900, 1..4),
    ) {
        let mut agents = acquainted(true, true);
        let packets: Vec<Vec<u8>> = (20u8..).zip(lens).map(|(first, len)| vec![first; len]).collect();
        agents[0].board(packets.clone());
        let mut rng = Seed::from_u64(seed).rng();
        let received = exchange(&mut agents, 20, || rng.below(100) < percent);
        prop_assert!(received.iter().all(|packet| packets.contains(packet)));
        let left: Vec<Vec<u8>> = core::iter::from_fn(|| agents[0].disembark()).collect();
        prop_assert!(packets.iter().all(|packet| received.contains(packet) || left.contains(packet)));
    }
}
