//! The promises of every machine (P1 to P10), floods, and what the data path costs.
#![allow(
    clippy::as_conversions,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may panic"
)]

mod support;

use sendrecv_core::{Instant, Machine, PacketBuf, Path, Protocol, Rng, Seed, Writer};
use sendrecv_ice::{
    Candidate, ConnectionState, Discard, Event, IceAgent, IceServer, LocalSocket, PairState, Role, Up,
    UsageError,
};
use sendrecv_sim::conformance::{self, Driver, Scenario, Side};
use sendrecv_sim::{Allocations, Counting};
use sendrecv_stun::attribute::{
    AttributeType, ErrorCode, IceControlling, Priority, UnknownAttributes, UseCandidate, Username,
    XorMappedAddress,
};
use sendrecv_stun::{Class, IntegrityKey, Message, MessageBuilder, Method, TransactionId};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;
use support::{addr, config, ordinary_pair};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const LEFT: &str = "10.0.0.1:5000";
const RIGHT: &str = "10.0.0.2:5000";

fn path(side: Side) -> Path {
    match side {
        Side::Left => Path::udp(addr(LEFT), addr(RIGHT)),
        Side::Right => Path::udp(addr(RIGHT), addr(LEFT)),
    }
}

struct Agents;

impl Driver for Agents {
    type Machine = IceAgent;

    fn create(&self, side: Side, seed: &Seed, now: Instant) -> IceAgent {
        let role = if side == Side::Left { Role::Controlling } else { Role::Controlled };
        let mut agent = IceAgent::new(config(role), seed, now);
        agent.add_socket(now, LocalSocket::udp(path(side).local)).unwrap();
        agent
    }

    fn introduce(&self, left: &mut IceAgent, right: &mut IceAgent, now: Instant) {
        let (a, b) = (left.local_parameters().clone(), right.local_parameters().clone());
        left.set_remote_parameters(now, b).unwrap();
        right.set_remote_parameters(now, a).unwrap();
        left.add_remote_candidate(now, Candidate::host(addr(RIGHT))).unwrap();
        right.add_remote_candidate(now, Candidate::host(addr(LEFT))).unwrap();
    }

    fn handle_datagram(&self, side: Side, agent: &mut IceAgent, now: Instant, data: &mut [u8]) -> bool {
        agent.handle_datagram(now, path(side), data).is_ok()
    }

    fn operate(&self, side: Side, agent: &mut IceAgent, now: Instant, choice: u64) {
        let [kind, low, high, ..] = choice.to_be_bytes();
        let other = SocketAddr::new([10, 0, low % 4, high % 8].into(), 6000);
        let _ = match kind % 10 {
            0 => agent.add_remote_candidate(now, Candidate::host(other)),
            1 => agent.add_socket(
                now,
                LocalSocket::udp(SocketAddr::new(path(side).local.ip(), 6000 + u16::from(low % 4))),
            ),
            2 => agent.remove_socket(
                now,
                Protocol::Udp,
                SocketAddr::new(path(side).local.ip(), 6000 + u16::from(low % 4)),
            ),
            3 => agent.end_of_remote_candidates(now),
            4 => agent.gather(now),
            5 if low == 0 => agent.restart(now).map(|_| ()),
            6 => agent.set_role(now, if low & 1 == 0 { Role::Controlling } else { Role::Controlled }),
            7 => agent.add_ice_server(now, IceServer::stun("stun:192.0.2.1".parse().unwrap())),
            _ => {
                let mut slab = [0; 64];
                let mut packet = PacketBuf::new(&mut slab, 0, 0);
                packet.put(&[0x80; 20]).unwrap();
                let _ = agent.send_data(now, &mut packet);
                Ok(())
            }
        };
    }

    /// In few words: it is asked for twice per datagram.
    fn state(&self, agent: &IceAgent) -> String {
        let mut state = format!("{agent:?} {:?} {:?}", agent.poll_timeout(), agent.gathering_state());
        for pair in agent.candidate_pairs() {
            let ends = [&pair.local, &pair.remote].map(|end| (end.port, end.priority, end.kind as u8));
            let flags = [pair.route.is_some(), pair.nominated, pair.selected];
            write!(state, " {} {ends:?} {flags:?}", pair.state as u8).unwrap();
        }
        state
    }

    fn close(&self, agent: &mut IceAgent, now: Instant) {
        agent.close(now);
    }

    fn is_closed(&self, agent: &IceAgent) -> bool {
        agent.state() == ConnectionState::Closed
    }

    fn rewrite(&self, datagram: &[u8]) -> Option<Vec<u8>> {
        let message = Message::parse(datagram).ok()?;
        let mut out = Vec::new();
        let mut builder =
            MessageBuilder::new(&mut out, message.class(), message.method(), message.transaction_id())
                .unwrap();
        for attribute in message.attributes() {
            builder.raw(attribute.kind, attribute.value).unwrap();
        }
        if message.has(AttributeType::MESSAGE_INTEGRITY) {
            let mac = &datagram[datagram.len() - 28..datagram.len() - 8];
            builder.raw(AttributeType::MESSAGE_INTEGRITY, mac).unwrap();
        }
        builder.fingerprint().unwrap();
        Some(out)
    }

    fn push(&self, agent: &mut IceAgent, now: Instant, queue: usize) -> Option<bool> {
        let count = agent.remote_candidates().count() + agent.local_candidates().count();
        let next = SocketAddr::new([10, 1, 0, 1].into(), 1000 + count as u16);
        match queue {
            0 => Some(agent.add_remote_candidate(now, Candidate::host(next)).is_ok()),
            1 => Some(agent.add_socket(now, LocalSocket::udp(next)).is_ok()),
            2 => Some(agent.add_ice_server(now, IceServer::stun("stun:192.0.2.1".parse().unwrap())).is_ok()),
            3 => {
                let mut check = check_for(agent, "peer", now.as_nanos(), true);
                Some(agent.handle_datagram(now, path(Side::Left), &mut check).is_ok())
            }
            _ => None,
        }
    }
}

/// A check that a peer who knows the agent's parameters would send.
fn check_for(agent: &IceAgent, ufrag: &str, id: u64, authentic: bool) -> Vec<u8> {
    let parameters = agent.local_parameters();
    let password = if authentic { parameters.pwd.as_str() } else { "not the password, I fear" };
    let key = IntegrityKey::short_term(sendrecv_crypto::rustcrypto(), password).unwrap();
    let mut transaction = [0; 12];
    transaction[..8].copy_from_slice(&id.to_be_bytes());
    let mut out = Vec::new();
    MessageBuilder::new(&mut out, Class::Request, Method::BINDING, TransactionId(transaction))
        .unwrap()
        .attribute(&Username(&format!("{}:{ufrag}", parameters.ufrag)))
        .unwrap()
        .attribute(&Priority(1_845_501_695))
        .unwrap()
        .attribute(&IceControlling(7))
        .unwrap()
        .attribute(&UseCandidate)
        .unwrap()
        .integrity(&key)
        .unwrap()
        .fingerprint()
        .unwrap();
    out
}

#[test]
fn the_promises_of_every_machine_are_kept() {
    sendrecv_sim::for_each_seed(4, 1000, |seed| conformance::check(&Agents, seed, Scenario::default()));
}

#[test]
fn long_sessions_keep_the_promises_too() {
    let scenario = Scenario { duration: Duration::from_secs(200), operations: 400, ..Scenario::default() };
    sendrecv_sim::for_each_seed(2, 50, |seed| conformance::check(&Agents, seed, scenario));
}

fn lone_agent() -> IceAgent {
    Agents.create(Side::Right, &Seed::from_u64(3), Instant::ZERO)
}

fn drain(agent: &mut IceAgent, now: Instant) -> (usize, usize) {
    let mut slab = [0; 1500];
    let (mut packets, mut bytes) = (0, 0);
    while agent.poll_event().is_some() {}
    loop {
        let mut packet = PacketBuf::new(&mut slab, 48, 0);
        if agent.poll_transmit(now, &mut packet).is_none() {
            return (packets, bytes);
        }
        packets += 1;
        bytes += packet.len();
    }
}

#[test]
fn a_flood_of_unauthenticated_checks_gets_no_answer_and_leaves_no_trace() {
    let mut agent = lone_agent();
    let now = Instant::from_millis(5);
    let before = Agents.state(&agent);
    for number in 0..20_000u64 {
        let from = SocketAddr::new([10, 9, (number >> 8) as u8, number as u8].into(), 4000);
        let mut wrong_key = check_for(&agent, "peer", number, false);
        let result = agent.handle_datagram(now, Path::udp(addr(RIGHT), from), &mut wrong_key);
        assert_eq!(result, Err(Discard::Unauthenticated));
    }
    let mut other = check_for(&agent, "peer", 0, true);
    let position = other.windows(8).position(|window| window == agent.local_parameters().ufrag.as_bytes());
    other[position.unwrap()] ^= 1;
    let end = other.len() - 8;
    other.truncate(end);
    let length = (other.len() - 20) as u16;
    other[2..4].copy_from_slice(&length.to_be_bytes());
    let result = agent.handle_datagram(now, path(Side::Right), &mut other);
    assert_eq!(result, Err(Discard::UnknownUsername));
    while agent.poll_event().is_some() {}
    assert_eq!(Agents.state(&agent), before);
    assert_eq!(drain(&mut agent, now), (0, 0));
    assert_eq!(agent.stats().discards.get(Discard::Unauthenticated), 20_000);
}

#[test]
fn a_flood_of_random_stun_changes_nothing() {
    let mut world = ordinary_pair();
    world.start();
    world.connect(Duration::from_secs(1)).unwrap();
    world.run_for(Duration::from_millis(200));
    let now = world.sim.now();
    let agent = &mut world.a().agent;
    let before = Agents.state(agent);
    let mut rng: Rng = Seed::from_u64(9).rng();
    for _ in 0..20_000 {
        let mut data = [0u8; 120];
        rng.fill(&mut data);
        let length = (rng.below(120) as usize / 4 * 4).max(20);
        let kinds: [[u8; 2]; 4] = [[0, 1], [1, 1], [1, 0x11], [0, 0x11]];
        data[..2].copy_from_slice(&kinds[rng.below(3) as usize]);
        data[2..4].copy_from_slice(&((length - 20) as u16).to_be_bytes());
        data[4..8].copy_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
        assert!(agent.handle_datagram(now, path(Side::Left), &mut data[..length]).is_err());
    }
    assert_eq!(Agents.state(agent), before);
    world.exchange();
}

#[test]
fn authentic_checks_from_everywhere_are_answered_within_bounds() {
    let mut agent = lone_agent();
    let mut remote = sendrecv_ice::IceParameters::new("peer", "0123456789012345678901");
    remote.options.push("trickle".into());
    let now = Instant::from_millis(5);
    agent.set_remote_parameters(now, remote).unwrap();
    let (mut sent, mut received) = (0, 0);
    for number in 0..5_000u64 {
        let from = SocketAddr::new([10, 9, (number >> 8) as u8, number as u8].into(), 4000);
        let mut check = check_for(&agent, "peer", number, true);
        received += check.len();
        let _ = agent.handle_datagram(now, Path::udp(addr(RIGHT), from), &mut check);
        if number % 32 == 0 {
            sent += drain(&mut agent, now).1;
        }
    }
    sent += drain(&mut agent, now).1;
    assert!(agent.candidate_pairs().len() <= 100 && agent.remote_candidates().count() <= 100);
    assert!(sent < received + 200, "no amplification: {sent} bytes for {received}");
}

#[test]
fn a_check_with_an_attribute_that_must_be_understood_is_answered_with_420() {
    let mut agent = lone_agent();
    let now = Instant::from_millis(5);
    let key = IntegrityKey::short_term(sendrecv_crypto::rustcrypto(), &agent.local_parameters().pwd).unwrap();
    let username = format!("{}:peer", agent.local_parameters().ufrag);
    let mut check = Vec::new();
    let mut builder =
        MessageBuilder::new(&mut check, Class::Request, Method::BINDING, TransactionId([9; 12])).unwrap();
    builder.attribute(&Username(&username)).unwrap().attribute(&Priority(1)).unwrap();
    builder.attribute(&IceControlling(7)).unwrap().raw(AttributeType(0x7777), &[1]).unwrap();
    builder.integrity(&key).unwrap().fingerprint().unwrap();
    assert_eq!(agent.handle_datagram(now, path(Side::Right), &mut check), Ok(Up::Consumed));
    let mut slab = [0; 500];
    let mut packet = PacketBuf::new(&mut slab, 0, 0);
    agent.poll_transmit(now, &mut packet).unwrap();
    let answer = Message::parse(packet.bytes()).unwrap();
    answer.verify_integrity(&key).unwrap();
    assert_eq!(answer.attribute::<ErrorCode<'_>>().map(|error| error.code), Some(420));
    let unknown: UnknownAttributes<'_> = answer.attribute().unwrap();
    assert_eq!(unknown.iter().collect::<Vec<_>>(), [AttributeType(0x7777)]);
}

#[test]
fn an_authentic_check_that_lacks_what_it_must_have_is_discarded() {
    let mut agent = lone_agent();
    let now = Instant::from_millis(5);
    let key = IntegrityKey::short_term(sendrecv_crypto::rustcrypto(), &agent.local_parameters().pwd).unwrap();
    let username = format!("{}:peer", agent.local_parameters().ufrag);
    let mut check = Vec::new();
    let mut builder =
        MessageBuilder::new(&mut check, Class::Request, Method::BINDING, TransactionId([9; 12])).unwrap();
    builder.attribute(&Username(&username)).unwrap().attribute(&Priority(1)).unwrap();
    builder.integrity(&key).unwrap().fingerprint().unwrap();
    assert_eq!(agent.handle_datagram(now, path(Side::Right), &mut check), Err(Discard::Incomplete));
}

#[test]
fn an_answer_from_elsewhere_fails_the_pair() {
    let now = Instant::from_millis(5);
    let mut agent = lone_agent();
    let password = "0123456789012345678901";
    agent.set_remote_parameters(now, sendrecv_ice::IceParameters::new("peer", password)).unwrap();
    agent.add_remote_candidate(now, Candidate::host(addr(LEFT))).unwrap();
    let mut slab = [0; 500];
    let mut packet = PacketBuf::new(&mut slab, 0, 0);
    agent.poll_transmit(now, &mut packet).unwrap();
    let check = Message::parse(packet.bytes()).unwrap();
    let key = IntegrityKey::short_term(sendrecv_crypto::rustcrypto(), password).unwrap();
    let mut answer = Vec::new();
    let mut builder = MessageBuilder::success(&mut answer, &check).unwrap();
    builder
        .attribute(&XorMappedAddress(addr(RIGHT)))
        .unwrap()
        .integrity(&key)
        .unwrap()
        .fingerprint()
        .unwrap();
    let elsewhere = Path::udp(addr(RIGHT), addr("10.0.0.3:5000"));
    assert_eq!(agent.handle_datagram(now, elsewhere, &mut answer), Ok(Up::Consumed));
    assert_eq!(agent.candidate_pairs()[0].state, PairState::Failed);
}

#[test]
fn a_check_to_a_loopback_socket_from_the_machines_own_address_is_followed_up() {
    let loopback = Path::udp(addr("127.0.0.1:5000"), addr("192.0.2.2:4000"));
    let now = Instant::from_millis(5);
    let mut agent = IceAgent::new(config(Role::Controlled), &Seed::from_u64(3), now);
    agent.add_socket(now, LocalSocket::udp(loopback.local)).unwrap();
    agent
        .set_remote_parameters(now, sendrecv_ice::IceParameters::new("peer", "0123456789012345678901"))
        .unwrap();
    let mut check = check_for(&agent, "peer", 1, true);
    assert_eq!(agent.handle_datagram(now, loopback, &mut check), Ok(Up::Consumed));
    let mut slab = [0; 500];
    for class in [Class::Success, Class::Request] {
        let mut packet = PacketBuf::new(&mut slab, 0, 0);
        assert_eq!(agent.poll_transmit(now, &mut packet).unwrap().path, Some(loopback));
        assert_eq!(Message::parse(packet.bytes()).unwrap().class(), class);
    }
}

#[test]
fn early_checks_are_bounded() {
    let mut agent = lone_agent();
    let now = Instant::from_millis(5);
    for number in 0..1_000u64 {
        let from = SocketAddr::new([10, 9, (number >> 8) as u8, number as u8].into(), 4000);
        let mut check = check_for(&agent, "peer", number, true);
        assert_eq!(agent.handle_datagram(now, Path::udp(addr(RIGHT), from), &mut check), Ok(Up::Consumed));
        assert_eq!(drain(&mut agent, now).0, 1);
    }
    assert_eq!(agent.candidate_pairs().len(), 0);
    agent
        .set_remote_parameters(now, sendrecv_ice::IceParameters::new("peer", "0123456789012345678901"))
        .unwrap();
    assert_eq!(agent.candidate_pairs().len(), 32);
}

#[test]
fn a_hundred_by_a_hundred_candidates_stay_within_the_limit() {
    let now = Instant::ZERO;
    let mut configuration = config(Role::Controlling);
    configuration.limits.sockets = 100;
    let mut agent = IceAgent::new(configuration, &Seed::from_u64(1), now);
    for number in 0..100 {
        agent.add_socket(now, LocalSocket::udp(SocketAddr::new([10, 0, 0, number].into(), 5000))).unwrap();
    }
    for number in 0..100 {
        let mut candidate = Candidate::host(SocketAddr::new([10, 0, 1, number].into(), 5000));
        candidate.priority += u32::from(number);
        agent.add_remote_candidate(now, candidate).unwrap();
    }
    let pairs = agent.candidate_pairs();
    assert_eq!(pairs.len(), 100);
    // What is kept are the best: all remote candidates with the best local one.
    assert!(pairs.iter().all(|pair| pair.local.socket_addr() == Some(addr("10.0.0.0:5000"))));
    let again = agent.add_remote_candidate(now, Candidate::host(addr("10.0.2.1:5000")));
    assert_eq!(again, Err(UsageError::TooMany));
}

#[test]
fn the_data_path_allocates_nothing() {
    let mut world = ordinary_pair();
    world.start();
    world.connect(Duration::from_secs(1)).unwrap();
    world.run_for(Duration::from_secs(1));
    let now = world.sim.now();
    let agent = &mut world.a().agent;
    let (mut slab, mut incoming) = ([0; 1500], [0x80; 1200]);
    let counted = Allocations::start();
    for _ in 0..1000 {
        let mut packet = PacketBuf::new(&mut slab, 48, 0);
        packet.put(&[0x80; 1200]).unwrap();
        assert!(agent.send_data(now, &mut packet).is_ok());
        assert!(matches!(agent.handle_datagram(now, path(Side::Left), &mut incoming), Ok(Up::Data { .. })));
        assert!(agent.poll_event().is_none());
    }
    assert_eq!(counted.count(), 0);
}

/// Hands over everything that two agents have for each other, from then on until `end`, without a network between.
fn idle(agents: &mut [(IceAgent, Side); 2], end: Instant) {
    let mut slab = [0; 256];
    while let Some(now) = agents.iter().filter_map(|(agent, _)| agent.poll_timeout()).min() {
        if now > end {
            break;
        }
        for _ in 0..4 {
            agents.swap(0, 1);
            let [(from, _), (to, side)] = agents;
            loop {
                let mut packet = PacketBuf::new(&mut slab, 0, 0);
                if from.poll_transmit(now, &mut packet).is_none() {
                    break;
                }
                let _ = to.handle_datagram(now, path(*side), packet.finish());
            }
            while from.poll_event().is_some() {}
        }
    }
}

#[test]
fn an_idle_agent_allocates_nothing() {
    let mut agents =
        [Side::Left, Side::Right].map(|side| (Agents.create(side, &Seed::from_u64(3), Instant::ZERO), side));
    let [(left, _), (right, _)] = &mut agents;
    Agents.introduce(left, right, Instant::ZERO);
    idle(&mut agents, Instant::from_millis(20_000));
    let counted = Allocations::start();
    idle(&mut agents, Instant::from_millis(1_020_000));
    assert_eq!(counted.count(), 0);
    for (agent, _) in &agents {
        let counters = agent.candidate_pairs()[0].counters;
        assert!(counters.consent_requests_sent > 180 && counters.responses_received > 180, "{counters:?}");
    }
}

#[test]
fn events_and_packets_of_an_idle_agent_are_few() {
    let mut world = ordinary_pair();
    world.start();
    world.connect(Duration::from_secs(1)).unwrap();
    world.run_for(Duration::from_secs(1));
    let (events, packets) = (world.a().events.len(), world.a().packets);
    world.run_for(Duration::from_secs(100));
    assert_eq!(world.a().events.len(), events);
    // Our consent checks and the answers to the peer's: one of each per five seconds.
    assert!(world.a().packets - packets <= 50);
    assert!(world.a().events.iter().all(|event| !matches!(event, Event::CandidateError(_))));
}
