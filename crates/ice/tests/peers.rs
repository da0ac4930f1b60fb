//! How other implementations behave where the RFCs leave room, or where they leave the RFCs: each test is a peer made of
//! hand-written messages.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod support;

use sendrecv_core::{Instant, Machine, PacketBuf, Path, Seed};
use sendrecv_ice::{
    Candidate, Config, Discard, Event, IceAgent, IceParameters, LocalSocket, PairState, Role, Up,
};
use sendrecv_stun::attribute::{
    AttributeType, ErrorCode, IceControlled, IceControlling, MappedAddress, Nomination, Priority,
    UseCandidate, Username, XorMappedAddress,
};
use sendrecv_stun::{Class, IntegrityKey, Message, MessageBuilder, Method, TransactionId};
use std::net::SocketAddr;
use std::time::Duration;
use support::{addr, config};

const OURS: &str = "10.0.0.1:5000";
const PEER_PASSWORD: &str = "0123456789012345678901";

/// Our agent, and a peer whose every message is written by the test.
struct Scene {
    agent: IceAgent,
    now: Instant,
    number: u8,
}

/// What a check of the peer says beside USERNAME and PRIORITY.
#[derive(Default)]
struct Check<'a> {
    use_candidate: bool,
    nomination: Option<u32>,
    /// Attributes as they are, type and value.
    extra: &'a [(u16, &'a [u8])],
    no_fingerprint: bool,
}

impl Scene {
    /// The peer has candidates at these addresses, the best one first.
    fn new(config: Config, peers: &[&str]) -> Self {
        let now = Instant::ZERO;
        let mut agent = IceAgent::new(config, &Seed::from_u64(5), now);
        agent.add_socket(now, LocalSocket::udp(addr(OURS))).unwrap();
        let mut parameters = IceParameters::new("peer", PEER_PASSWORD);
        parameters.options = vec!["trickle".into(), "renomination".into()];
        agent.set_remote_parameters(now, parameters).unwrap();
        for (rank, peer) in peers.iter().enumerate() {
            let mut candidate = Candidate::host(addr(peer));
            candidate.priority -= u32::try_from(rank).unwrap();
            candidate.foundation = rank.to_string();
            agent.add_remote_candidate(now, candidate).unwrap();
        }
        Self { agent, now, number: 0 }
    }

    fn controlled(peers: &[&str]) -> Self {
        Self::new(Config { renomination: true, ..config(Role::Controlled) }, peers)
    }

    fn key(&self) -> IntegrityKey {
        let password = &self.agent.local_parameters().pwd;
        IntegrityKey::short_term(sendrecv_crypto::rustcrypto(), password).unwrap()
    }

    fn path(from: &str) -> Path {
        Path::udp(addr(OURS), addr(from))
    }

    /// The peer, which controls, sends a check.
    fn check(&mut self, from: &str, check: &Check<'_>) -> Result<(), Discard> {
        let username = format!("{}:peer", self.agent.local_parameters().ufrag);
        let (key, mut bytes) = (self.key(), Vec::new());
        self.number += 1;
        let id = TransactionId([self.number; 12]);
        let mut message = MessageBuilder::new(&mut bytes, Class::Request, Method::BINDING, id).unwrap();
        message.attribute(&Username(&username)).unwrap().attribute(&Priority(1_845_501_695)).unwrap();
        message.attribute(&IceControlling(7)).unwrap();
        for (kind, value) in check.extra {
            message.raw(AttributeType(*kind), value).unwrap();
        }
        if check.use_candidate {
            message.attribute(&UseCandidate).unwrap();
        }
        if let Some(value) = check.nomination {
            message.attribute(&Nomination(value)).unwrap();
        }
        message.integrity(&key).unwrap();
        if !check.no_fingerprint {
            message.fingerprint().unwrap();
        }
        let result = self.agent.handle_datagram(self.now, Self::path(from), &mut bytes);
        result.map(|up| assert_eq!(up, Up::Consumed))
    }

    /// What the agent sends now: where to, and the message.
    fn sent(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        let (mut slab, mut sent) = ([0; 500], Vec::new());
        loop {
            let mut packet = PacketBuf::new(&mut slab, 0, 0);
            match self.agent.poll_transmit(self.now, &mut packet) {
                Some(transmit) => sent.push((transmit.path.unwrap().remote, packet.bytes().to_vec())),
                None => return sent,
            }
        }
    }

    /// Time passes. The peer answers all checks, and sends none.
    fn answer_for(&mut self, time: Duration) {
        self.respond_for(time, |request, answer, _| {
            let mut message = MessageBuilder::success(answer, request).unwrap();
            message.attribute(&XorMappedAddress(addr(OURS))).unwrap();
        });
    }

    /// Time passes. The peer responds to all checks as `write` has it, and signs that.
    fn respond_for(&mut self, time: Duration, write: impl Fn(&Message<'_>, &mut Vec<u8>, SocketAddr)) {
        let end = self.now + time;
        loop {
            let sent = self.sent();
            for (to, bytes) in &sent {
                let request = Message::parse(bytes).unwrap();
                if request.class() == Class::Request {
                    let mut unsigned = Vec::new();
                    write(&request, &mut unsigned, *to);
                    let mut answer = sign(&unsigned);
                    let _ = self.agent.handle_datagram(self.now, Self::path(&to.to_string()), &mut answer);
                }
            }
            match self.agent.poll_timeout() {
                _ if !sent.is_empty() => {}
                Some(at) if at <= end => self.now = at.max(self.now),
                _ => break,
            }
        }
        self.now = end;
    }

    fn selected(&self) -> Option<SocketAddr> {
        self.agent.selected_pair().map(|pair| pair.route.remote())
    }

    fn selections(&mut self) -> usize {
        let mut count = 0;
        while let Some(event) = self.agent.poll_event() {
            count += usize::from(matches!(event, Event::SelectedPair(_)));
        }
        count
    }
}

/// The message with the peer's integrity and a fingerprint behind it.
fn sign(unsigned: &[u8]) -> Vec<u8> {
    let message = Message::parse(unsigned).unwrap();
    let key = IntegrityKey::short_term(sendrecv_crypto::rustcrypto(), PEER_PASSWORD).unwrap();
    let mut bytes = Vec::new();
    let mut builder =
        MessageBuilder::new(&mut bytes, message.class(), message.method(), message.transaction_id()).unwrap();
    for attribute in message.attributes() {
        builder.raw(attribute.kind, attribute.value).unwrap();
    }
    builder.integrity(&key).unwrap().fingerprint().unwrap();
    bytes
}

const A: &str = "10.0.0.2:6000";
const B: &str = "10.0.0.2:6001";
const SOON: Duration = Duration::from_millis(300);

#[test]
fn libnice_in_old_modes_sends_checks_without_fingerprint() {
    let mut scene = Scene::controlled(&[A]);
    scene.check(A, &Check { no_fingerprint: true, use_candidate: true, ..Check::default() }).unwrap();
    scene.answer_for(SOON);
    assert_eq!(scene.selected(), Some(addr(A)));
}

#[test]
fn libwebrtcs_own_attributes_hinder_nothing() {
    // GOOG-NETWORK-INFO, GOOG-MISC-INFO, GOOG-DELTA and its acknowledgement, DTLS in STUN.
    let extra: [(u16, &[u8]); 6] = [
        (0xc057, &[0, 1, 0, 10]),
        (0xc059, &[0, 2, 0, 0]),
        (0xc05b, &[1, 2, 3]),
        (0xc05c, &[0; 8]),
        (0xc070, &[22, 254, 253]),
        (0xc071, &[0; 4]),
    ];
    let mut scene = Scene::controlled(&[]);
    scene.check(A, &Check { extra: &extra, use_candidate: true, ..Check::default() }).unwrap();
    let (to, answer) = scene.sent().remove(0);
    assert_eq!((to, Message::parse(&answer).unwrap().class()), (addr(A), Class::Success));
    assert_eq!(scene.agent.remote_candidates().next().unwrap().network_cost, Some(10));
}

#[test]
fn goog_ping_that_we_never_offered_has_no_effect() {
    let mut scene = Scene::controlled(&[A]);
    let mut ping = Vec::new();
    let key = scene.key();
    let method = Method::new(0x080);
    let mut message = MessageBuilder::new(&mut ping, Class::Request, method, TransactionId([1; 12])).unwrap();
    message.integrity(&key).unwrap();
    assert_eq!(ping[..2], [0x02, 0x00]);
    let result = scene.agent.handle_datagram(scene.now, Scene::path(A), &mut ping);
    assert_eq!(result, Err(Discard::Unexpected));
}

#[test]
fn libjuice_answers_before_it_can_check() {
    // It has our checks' USERNAME and its own password, but not our description yet.
    let mut scene = Scene::new(config(Role::Controlling), &[A]);
    scene.answer_for(Duration::from_secs(1));
    assert_eq!(scene.selected(), Some(addr(A)));
    let mut data = *b"\x80 data that comes before any check";
    let up = scene.agent.handle_datagram(scene.now, Scene::path(A), &mut data).unwrap();
    assert!(matches!(up, Up::Data { .. }));
}

#[test]
fn pion_nominates_again_with_use_candidate_alone() {
    let mut scene = Scene::controlled(&[A, B]);
    for from in [A, B] {
        scene.check(from, &Check::default()).unwrap();
    }
    scene.answer_for(SOON);
    assert_eq!(scene.selected(), None);
    let nominate = Check { use_candidate: true, ..Check::default() };
    for (from, changes) in [(A, 1), (B, 1), (B, 0), (A, 1), (A, 0), (B, 1)] {
        scene.check(from, &nominate).unwrap();
        scene.answer_for(SOON);
        assert_eq!((scene.selected(), scene.selections()), (Some(addr(from)), changes), "{from}");
    }
}

#[test]
fn libwebrtc_repeats_use_candidate_in_every_check_of_the_pair_in_use() {
    let mut scene = Scene::controlled(&[A, B]);
    for from in [B, A] {
        scene.check(from, &Check::default()).unwrap();
    }
    scene.answer_for(SOON);
    for _ in 0..20 {
        // The worse pair is the one it likes; the better one it goes on to check.
        scene.check(B, &Check { use_candidate: true, ..Check::default() }).unwrap();
        scene.check(A, &Check::default()).unwrap();
        scene.answer_for(SOON);
    }
    assert_eq!((scene.selected(), scene.selections()), (Some(addr(B)), 1));
}

#[test]
fn of_libwebrtcs_nominations_with_a_number_the_highest_counts_whenever_it_comes() {
    let mut scene = Scene::controlled(&[A, B]);
    for (from, nomination, selected) in [(A, 1, A), (B, 3, B), (A, 2, B), (A, 4, A), (B, 4, A)] {
        let check = Check { use_candidate: true, nomination: Some(nomination), ..Check::default() };
        scene.check(from, &check).unwrap();
        scene.answer_for(SOON);
        assert_eq!(scene.selected(), Some(addr(selected)), "{nomination}");
    }
}

#[test]
fn an_aggressive_libnice_is_followed_to_the_best_of_its_pairs() {
    let mut scene = Scene::controlled(&[A, B]);
    let nominate = Check { use_candidate: true, ..Check::default() };
    for from in [B, A, B, B] {
        scene.check(from, &nominate).unwrap();
        scene.answer_for(SOON);
    }
    assert_eq!((scene.selected(), scene.selections()), (Some(addr(A)), 2));
}

#[test]
fn answers_with_mapped_address_only_are_taken() {
    let mut scene = Scene::new(config(Role::Controlling), &[A]);
    scene.respond_for(Duration::from_secs(1), |request, answer, _| {
        let mut message = MessageBuilder::success(answer, request).unwrap();
        message.attribute(&MappedAddress(addr(OURS))).unwrap();
    });
    assert_eq!(scene.selected(), Some(addr(A)));
}

#[test]
fn a_role_conflict_is_answered_by_changing_the_role_once_however_often_it_is_told() {
    let mut scene = Scene::new(config(Role::Controlling), &[A, B]);
    scene.respond_for(Duration::from_millis(140), |request, answer, _| {
        if request.attribute::<IceControlled>().is_some() {
            let mut message = MessageBuilder::success(answer, request).unwrap();
            message.attribute(&XorMappedAddress(addr(OURS))).unwrap();
        } else {
            let mut message = MessageBuilder::error(answer, request, 487, "Role Conflict").unwrap();
            message.attribute(&ErrorCode { code: 487, reason: "" }).unwrap();
        }
    });
    assert_eq!(scene.agent.role(), Role::Controlled);
    let (mut conflicts, pairs) = (0, scene.agent.candidate_pairs());
    while let Some(event) = scene.agent.poll_event() {
        conflicts += usize::from(matches!(event, Event::RoleConflictResolved(_)));
    }
    assert_eq!(conflicts, 1);
    assert!(pairs.iter().all(|pair| pair.state == PairState::Succeeded), "{pairs:?}");
}

#[test]
fn pion_which_never_gives_up_its_role_is_given_way_to() {
    let mut scene = Scene::new(config(Role::Controlling), &[A]);
    for round in 0..25 {
        assert_eq!(
            scene.agent.role(),
            if round <= 20 { Role::Controlling } else { Role::Controlled },
            "{round}"
        );
        scene.check(A, &Check::default()).unwrap();
        scene.sent();
        scene.now += Duration::from_millis(200);
    }
    scene.check(A, &Check { use_candidate: true, ..Check::default() }).unwrap();
    scene.answer_for(SOON);
    assert_eq!(scene.selected(), Some(addr(A)));
}

#[test]
fn a_role_conflict_told_late_changes_nothing_any_more() {
    let mut scene = Scene::new(config(Role::Controlling), &[A]);
    let checks = scene.sent();
    let request = Message::parse(&checks[0].1).unwrap();
    let mut unsigned = Vec::new();
    MessageBuilder::error(&mut unsigned, &request, 487, "Role Conflict").unwrap();
    // Meanwhile a check of the peer's, which controls, has settled the matter.
    scene.agent.set_role(scene.now, Role::Controlled).unwrap();
    let mut late = sign(&unsigned);
    scene.agent.handle_datagram(scene.now, Scene::path(A), &mut late).unwrap();
    assert_eq!(scene.agent.role(), Role::Controlled);
    assert_eq!(scene.selections(), 0);
}

#[test]
fn an_unsigned_error_does_not_fail_a_check() {
    let mut scene = Scene::new(config(Role::Controlling), &[A]);
    let checks = scene.sent();
    let request = Message::parse(&checks[0].1).unwrap();
    for code in [400, 401, 487, 500] {
        let mut unsigned = Vec::new();
        MessageBuilder::error(&mut unsigned, &request, code, "").unwrap();
        let result = scene.agent.handle_datagram(scene.now, Scene::path(A), &mut unsigned);
        assert_eq!(result, Err(Discard::Unauthenticated), "{code}");
    }
    assert_eq!(scene.agent.role(), Role::Controlling);
    scene.answer_for(Duration::from_secs(1));
    assert_eq!(scene.selected(), Some(addr(A)));
}
