//! Floods of bogus STUN from a stranger, while a connection is made and while it lasts.

use crate::setup::{Front, SECOND, Setup};
use crate::support::{Machinery, addr, ip};
use sendrecv_core::{Ecn, Instant, PacketBuf, Path, Rng, Seed, Transmit, Writer};
use sendrecv_ice::ConnectionState;
use sendrecv_sim::{Interface, Node};
use sendrecv_stun::attribute::{
    Data, ErrorCode, IceControlling, Priority, UseCandidate, Username, XorMappedAddress, XorPeerAddress,
};
use sendrecv_stun::{Class, IntegrityKey, MessageBuilder, Method, TransactionId};
use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

const STRANGER: &str = "198.51.100.66:666";

/// Sends messages to its targets in turn, and expects no answer to any.
struct Flooder {
    targets: Vec<SocketAddr>,
    ufrags: Vec<String>,
    next: Instant,
    rng: Rng,
    sent: u64,
}

impl Flooder {
    const INTERVAL: Duration = Duration::from_micros(500);

    /// What everybody can make who has seen ufrags, but no password.
    fn write(&mut self, out: &mut PacketBuf<'_>) {
        let id = TransactionId::random(&mut self.rng);
        let key =
            IntegrityKey::short_term(sendrecv_crypto::rustcrypto(), "not the password, I fear").unwrap();
        let username = &self.ufrags[(self.sent / 2 % self.ufrags.len() as u64) as usize];
        let mapped = XorMappedAddress(addr(STRANGER));
        let conflict = ErrorCode { code: 487, reason: "Role Conflict" };
        let kind = self.rng.below(6);
        let mut message = match kind {
            0 => return out.put(&self.rng.bytes::<60>()).unwrap(),
            1 | 2 => MessageBuilder::new(out, Class::Request, Method::BINDING, id).unwrap(),
            3 => MessageBuilder::new(out, Class::Success, Method::BINDING, id).unwrap(),
            4 => MessageBuilder::new(out, Class::Error, Method::BINDING, id).unwrap(),
            _ => MessageBuilder::new(out, Class::Indication, Method::DATA, id).unwrap(),
        };
        match kind {
            1 => message.attribute(&Username(username)).unwrap(),
            2 => message
                .attribute(&Username(username))
                .unwrap()
                .attribute(&Priority(1))
                .unwrap()
                .attribute(&IceControlling(u64::MAX))
                .unwrap()
                .attribute(&UseCandidate)
                .unwrap(),
            3 => message.attribute(&mapped).unwrap(),
            4 => message.attribute(&conflict).unwrap(),
            _ => message
                .attribute(&XorPeerAddress(addr(STRANGER)))
                .unwrap()
                .attribute(&Data(b"\x80 bogus"))
                .unwrap(),
        };
        if kind != 1 && kind != 5 {
            message.integrity(&key).unwrap();
        }
        message.fingerprint().unwrap();
    }
}

impl Node for Flooder {
    fn handle_datagram(&mut self, _: Instant, _: Path, _: Ecn, _: &mut [u8]) {
        panic!("a stranger got an answer");
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<(Transmit, Range<usize>)> {
        if now < self.next {
            return None;
        }
        self.next = now + Self::INTERVAL;
        let target = self.targets[(self.sent % self.targets.len() as u64) as usize];
        let mut packet = PacketBuf::new(out, 0, 0);
        self.write(&mut packet);
        self.sent += 1;
        Some((Transmit::to(Path::udp(addr(STRANGER), target)), packet.range()))
    }

    fn handle_timeout(&mut self, _: Instant) {}

    fn poll_timeout(&self) -> Option<Instant> {
        Some(self.next)
    }
}

#[test]
fn a_flood_neither_prevents_nor_disturbs_a_connection_and_gets_no_answer() {
    for (a, b, turn) in [
        (Front::Nothing, Front::Nothing, false),
        (Front::FullCone, Front::FullCone, false),
        (Front::Symmetric, Front::Nothing, true),
    ] {
        let quiet = {
            let (mut world, _) = Setup::new(a, b, turn).build();
            world.start();
            world.connect(2 * SECOND).unwrap();
            world.sim.now()
        };
        let (mut world, _) = Setup::new(a, b, turn).build();
        let mut targets = vec![addr("198.51.100.1:5000"), addr("198.51.100.2:5000")];
        // The ports that NATs and the TURN server give out first.
        for port in [1024, 1025, 1026] {
            targets.push(SocketAddr::new(ip("192.0.2.1"), port));
            targets.push(SocketAddr::new(ip("192.0.2.2"), port));
        }
        targets.push(addr("203.0.113.1:50000"));
        let ufrags = [world.a, world.b].map(|host| world.agent(host).agent.local_parameters().ufrag.clone());
        let ufrags = vec![format!("{}:{}", ufrags[0], ufrags[1]), format!("{}:{}", ufrags[1], ufrags[0])];
        let rng = Seed::from_u64(3).rng();
        let flooder = Flooder { targets, ufrags, next: Instant::ZERO, rng, sent: 0 };
        world.sim.add_host("x", Machinery::Server(Box::new(flooder)), [Interface::new(addr(STRANGER).ip())]);
        world.start();
        world.connect(2 * SECOND).unwrap();
        assert_eq!(world.sim.now(), quiet, "it took no longer than without the flood");
        let packets = world.a().packets + world.b().packets;
        world.run_for(30 * SECOND);
        world.exchange();
        assert!(world.a().packets + world.b().packets - packets < 120, "only consent checks were sent");
        for host in [world.a, world.b] {
            let agent = &world.agent(host).agent;
            assert!(matches!(agent.state(), ConnectionState::Connected | ConnectionState::Completed));
            let stranger = |candidate: &sendrecv_ice::Candidate| {
                candidate.socket_addr().is_some_and(|address| address.ip() == addr(STRANGER).ip())
            };
            assert!(!agent.remote_candidates().any(stranger));
        }
        let discarded: u64 =
            [world.a, world.b].map(|host| world.agent(host).agent.stats().discards.total()).iter().sum();
        assert!(discarded > 1000, "the flood arrived: {discarded}");
    }
}
