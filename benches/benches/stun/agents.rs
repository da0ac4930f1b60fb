//! What an agent costs: with n local and n remote candidates per check, and idle per second.
//!
//! *Many pairs*: a controlled agent checks n × n pairs, all of which are answered. Counted is its CPU time for a
//! check from the timer to the validated answer; reading checks and making answers is the peer's, and is not counted.
//!
//! *Idle*: pairs of agents that are connected and have nothing to send but their consent checks, which they answer
//! each other, for a simulated half minute; counted is everything. The figure is agents that one core could keep.

use crate::is_contender::hmac;
use is::stun::{StunMessage, StunPacket};
use sendrecv_benches::{Contender, Metric, Report, compare, uncounted};
use sendrecv_core::{Instant, Machine, PacketBuf, Path, Seed};
use sendrecv_crypto::{CryptoProvider, aws_lc_rs, rustcrypto};
use sendrecv_ice::{Candidate, Config, IceAgent, IceParameters, LocalSocket, Role};
use sendrecv_stun::attribute::XorMappedAddress;
use sendrecv_stun::{IntegrityKey, Message, MessageBuilder};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::time::Duration;

const PEER_UFRAG: &str = "peer";
const PEER_PASSWORD: &str = "0123456789012345678901";
const ROUNDS: usize = 3;
/// Agents that idle; each talks to one other.
const IDLE_AGENTS: usize = 10_000;
const IDLE_TIME: Duration = Duration::from_secs(30);

fn local(number: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, number as u8], 5000))
}

fn remote(number: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 1, number as u8], 6000))
}

pub fn many_pairs(report: &mut Report) {
    for n in [10, 32, 100] {
        let contenders =
            vec![ours_with_pairs(rustcrypto(), n), ours_with_pairs(aws_lc_rs(), n), is_with_pairs(n)];
        compare(report, &format!("agent/{n}x{n}/checks"), Metric::Ops, 1.0, ROUNDS, contenders);
    }
}

/// An agent with n × n pairs that were not checked yet.
fn agent_with_pairs(provider: &'static dyn CryptoProvider, n: usize) -> IceAgent {
    let mut config = Config { role: Role::Controlled, ..Config::with_provider(provider) };
    (config.limits.sockets, config.limits.remote_candidates, config.limits.pairs) = (n, n, n * n);
    let mut agent = IceAgent::new(config, &Seed::from_u64(1), Instant::ZERO);
    for number in 0..n {
        agent.add_socket(Instant::ZERO, LocalSocket::udp(local(number))).expect("within the limit");
        let mut candidate = Candidate::host(remote(number));
        candidate.priority -= number as u32;
        candidate.foundation = number.to_string();
        agent.add_remote_candidate(Instant::ZERO, candidate).expect("within the limit");
    }
    let parameters = IceParameters::new(PEER_UFRAG, PEER_PASSWORD);
    agent.set_remote_parameters(Instant::ZERO, parameters).expect("valid");
    while agent.poll_event().is_some() {}
    agent
}

/// The peer's answer to a check.
fn answer(check: &[u8], mapped: SocketAddr, key: &IntegrityKey) -> Vec<u8> {
    let (check, mut answer) = (Message::parse(check).expect("a check"), Vec::new());
    let mut write = || {
        MessageBuilder::success(&mut answer, &check)?
            .attribute(&XorMappedAddress(mapped))?
            .integrity(key)?
            .fingerprint()
            .map(|_| ())
    };
    write().expect("room");
    answer
}

fn ours_with_pairs(provider: &'static dyn CryptoProvider, n: usize) -> Contender<'static> {
    let key = IntegrityKey::short_term(provider, PEER_PASSWORD).expect("the provider has SHA-1");
    Contender::new(&format!("sendrecv-{}", provider.name()), move || {
        let mut agent = uncounted(|| agent_with_pairs(provider, n));
        let (mut slab, mut checks) = ([0; 256], 0);
        while checks < (n * n) as u64 {
            let now = agent.poll_timeout().expect("pairs are left");
            agent.handle_timeout(now);
            let mut packet = PacketBuf::new(&mut slab, 0, 0);
            while let Some(transmit) = agent.poll_transmit(now, &mut packet) {
                let path = transmit.path.expect("a check goes somewhere");
                let mut answer = uncounted(|| answer(packet.bytes(), path.local, &key));
                agent.handle_datagram(now, path, &mut answer).expect("authentic");
                packet.clear();
                checks += 1;
            }
            while agent.poll_event().is_some() {}
        }
        uncounted(|| drop(agent));
        checks
    })
}

/// `is` has no limit on how many pairs it checks at one time, and no frozen ones.
fn is_with_pairs(n: usize) -> Contender<'static> {
    let start = std::time::Instant::now();
    let create = move || {
        let mut agent = is::IceAgent::new(is::IceCreds::new());
        agent.set_max_candidate_pairs(n * n);
        agent.set_remote_credentials(is::IceCreds {
            ufrag: PEER_UFRAG.to_owned(),
            pass: PEER_PASSWORD.to_owned(),
        });
        for number in 0..n {
            agent.add_local_candidate(is::Candidate::host(local(number), "udp").expect("an ordinary address"));
            agent.add_remote_candidate(is::Candidate::host(remote(number), "udp").expect("an ordinary address"));
        }
        agent.handle_timeout(start);
        agent
    };
    Contender::new("is", move || {
        let mut agent = uncounted(create);
        let mut checks = 0;
        while checks < (n * n) as u64 {
            let now = agent.poll_timeout().expect("pairs are left");
            agent.handle_timeout(now);
            while let Some(transmit) = agent.poll_transmit() {
                let mut slab = [0; 256];
                let length = uncounted(|| {
                    let check = StunMessage::parse(&transmit.contents).expect("a check");
                    let reply = StunMessage::binding_reply(check.trans_id(), transmit.source);
                    reply.to_bytes(Some(PEER_PASSWORD.as_bytes()), &mut slab, hmac).expect("room")
                });
                let packet = StunPacket {
                    proto: transmit.proto,
                    source: transmit.destination,
                    destination: transmit.source,
                    message: StunMessage::parse(&slab[..length]).expect("an answer"),
                };
                assert!(agent.handle_packet(now, packet));
                checks += 1;
            }
            while agent.poll_event().is_some() {}
        }
        uncounted(|| drop(agent));
        checks
    })
}

pub fn idle(report: &mut Report) {
    let contenders = vec![ours_idle(rustcrypto()), ours_idle(aws_lc_rs()), is_idle()];
    let case = format!("agent/{IDLE_AGENTS}/idle");
    compare(report, &case, Metric::AgentSeconds, 1.0, ROUNDS, contenders);
}

/// Agents in a network without delay, each with the next of an even and an odd number.
struct Idle<A> {
    agents: Vec<A>,
    /// Who wants to be called when.
    due: BinaryHeap<Reverse<(Duration, usize)>>,
    now: Duration,
}

/// An agent, as far as it idles.
trait Idler {
    fn deadline(&mut self) -> Option<Duration>;

    /// Lets happen what is due, and gives everything it sends to `peer`, which answers in the same moment.
    fn run(&mut self, peer: &mut Self, now: Duration);
}

impl<A: Idler> Idle<A> {
    fn new(agents: Vec<A>) -> Self {
        let due = (0..agents.len()).map(|index| Reverse((Duration::ZERO, index))).collect();
        Self { agents, due, now: Duration::ZERO }
    }

    /// Runs for a while; returns agent-seconds.
    fn run_for(&mut self, time: Duration) -> u64 {
        let end = self.now + time;
        while let Some(Reverse((at, index))) = self.due.pop() {
            if at > end {
                self.due.push(Reverse((at, index)));
                break;
            }
            self.now = at.max(self.now);
            let (first, second) = self.agents.split_at_mut(index | 1);
            let (even, odd) = (first.last_mut().expect("even"), first_of(second));
            let (agent, peer) = if index % 2 == 0 { (even, odd) } else { (odd, even) };
            agent.run(peer, self.now);
            if let Some(at) = agent.deadline() {
                self.due.push(Reverse((at.max(self.now + Duration::from_nanos(1)), index)));
            }
        }
        self.now = end;
        self.agents.len() as u64 * time.as_secs()
    }
}

fn first_of<A>(agents: &mut [A]) -> &mut A {
    agents.first_mut().expect("agents come in pairs")
}

/// Ours, with its path to the other.
struct Ours {
    agent: IceAgent,
    path: Path,
}

impl Ours {
    fn pair(provider: &'static dyn CryptoProvider, number: u64) -> [Self; 2] {
        let mut pair = [Role::Controlling, Role::Controlled].map(|role| {
            let controlling = role == Role::Controlling;
            let (ours, theirs) = if controlling { (local(1), remote(1)) } else { (remote(1), local(1)) };
            let config = Config { role, ..Config::with_provider(provider) };
            let seed = Seed::from_u64(2 * number + u64::from(controlling));
            let mut agent = IceAgent::new(config, &seed, Instant::ZERO);
            agent.add_socket(Instant::ZERO, LocalSocket::udp(ours)).expect("the first");
            Self { agent, path: Path::udp(ours, theirs) }
        });
        let parameters = [0, 1].map(|index: usize| pair[index].agent.local_parameters().clone());
        for (end, parameters) in pair.iter_mut().zip(parameters.into_iter().rev()) {
            end.agent.set_remote_parameters(Instant::ZERO, parameters).expect("valid");
            let candidate = Candidate::host(end.path.remote);
            end.agent.add_remote_candidate(Instant::ZERO, candidate).expect("the first");
        }
        pair
    }

    /// Gives what it has to send to the other, and what that answers back.
    fn flush(&mut self, peer: &mut Self, now: Instant) {
        let mut slab = [0; 256];
        while self.hand_over(peer, now, &mut slab) {
            peer.hand_over(self, now, &mut slab);
        }
    }

    fn hand_over(&mut self, to: &mut Self, now: Instant, slab: &mut [u8; 256]) -> bool {
        let mut any = false;
        loop {
            let mut packet = PacketBuf::new(slab, 0, 0);
            if self.agent.poll_transmit(now, &mut packet).is_none() {
                while self.agent.poll_event().is_some() {}
                return any;
            }
            to.agent.handle_datagram(now, to.path, packet.finish()).expect("authentic");
            any = true;
        }
    }
}

impl Idler for Ours {
    fn deadline(&mut self) -> Option<Duration> {
        self.agent.poll_timeout().map(|at| at - Instant::ZERO)
    }

    fn run(&mut self, peer: &mut Self, now: Duration) {
        let now = Instant::ZERO + now;
        if self.agent.poll_timeout().is_some_and(|at| at <= now) {
            self.agent.handle_timeout(now);
        }
        self.flush(peer, now);
    }
}

fn ours_idle(provider: &'static dyn CryptoProvider) -> Contender<'static> {
    let mut network = None;
    Contender::new(&format!("sendrecv-{}", provider.name()), move || {
        let network = network.get_or_insert_with(|| {
            uncounted(|| {
                let pairs = (0..IDLE_AGENTS as u64 / 2).flat_map(|number| Ours::pair(provider, number));
                let mut network = Idle::new(pairs.collect());
                network.run_for(Duration::from_secs(20));
                assert!(network.agents.iter().all(|end| end.agent.selected_pair().is_some()));
                network
            })
        });
        network.run_for(IDLE_TIME)
    })
}

/// `is`, with the moment that is zero to it.
struct Is {
    agent: is::IceAgent,
    start: std::time::Instant,
}

impl Is {
    fn pair(start: std::time::Instant) -> [Self; 2] {
        let credentials = [is::IceCreds::new(), is::IceCreds::new()];
        [0, 1].map(|index: usize| {
            let mut agent = is::IceAgent::new(credentials[index].clone());
            agent.set_controlling(index == 0);
            agent.set_remote_credentials(credentials[1 - index].clone());
            let ends = [local(1), remote(1)].map(|end| is::Candidate::host(end, "udp").expect("ordinary"));
            agent.add_local_candidate(ends[index].clone());
            agent.add_remote_candidate(ends[1 - index].clone());
            agent.handle_timeout(start);
            Self { agent, start }
        })
    }

    fn hand_over(&mut self, to: &mut Self, now: std::time::Instant) -> bool {
        let mut any = false;
        while let Some(transmit) = self.agent.poll_transmit() {
            let packet = StunPacket {
                proto: transmit.proto,
                source: transmit.source,
                destination: transmit.destination,
                message: StunMessage::parse(&transmit.contents).expect("STUN"),
            };
            assert!(to.agent.handle_packet(now, packet));
            any = true;
        }
        while self.agent.poll_event().is_some() {}
        any
    }
}

impl Idler for Is {
    fn deadline(&mut self) -> Option<Duration> {
        self.agent.poll_timeout().map(|at| at.saturating_duration_since(self.start))
    }

    fn run(&mut self, peer: &mut Self, now: Duration) {
        let now = self.start + now;
        self.agent.handle_timeout(now);
        // Answers are made by the timeout that follows the question.
        while self.hand_over(peer, now) {
            peer.agent.handle_timeout(now);
            peer.hand_over(self, now);
        }
    }
}

fn is_idle() -> Contender<'static> {
    let mut network = None;
    Contender::new("is", move || {
        let network = network.get_or_insert_with(|| {
            uncounted(|| {
                let start = std::time::Instant::now();
                let pairs = (0..IDLE_AGENTS / 2).flat_map(|_| Is::pair(start));
                let mut network = Idle::new(pairs.collect());
                network.run_for(Duration::from_secs(20));
                assert!(network.agents.iter().all(|end| end.agent.state().is_connected()));
                network
            })
        });
        network.run_for(IDLE_TIME)
    })
}
