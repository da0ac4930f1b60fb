//! Whole simulations: order, determinism, faults, NATs, and what they look like on the ladder.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use sendrecv_core::{Ecn, Instant, Path, Seed, Transmit};
use sendrecv_sim::{
    Chance, Fate, Interface, LinkConfig, Loss, NatConfig, Node, Realm, Simulation, Stopped, Verdict,
    for_each_seed,
};
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::time::Duration;

/// Sends numbered datagrams at an interval, answers what it is asked, and writes down what it hears.
#[derive(Debug, Default)]
struct Talker {
    to: Option<Path>,
    interval: Duration,
    remaining: u32,
    next_at: Option<Instant>,
    outbox: Vec<(Path, Vec<u8>)>,
    heard: Vec<(Instant, Path, Vec<u8>)>,
    answers: bool,
}

impl Talker {
    fn sending(to: Path, count: u32, interval: Duration) -> Self {
        Self { to: Some(to), remaining: count, interval, next_at: Some(Instant::ZERO), ..Self::default() }
    }

    fn answering() -> Self {
        Self { answers: true, ..Self::default() }
    }
}

impl Node for Talker {
    fn handle_datagram(&mut self, now: Instant, path: Path, _: Ecn, data: &mut [u8]) {
        self.heard.push((now, path, data.to_vec()));
        if self.answers {
            self.outbox.push((path, b"answer".to_vec()));
        }
    }

    fn poll_transmit(&mut self, _: Instant, out: &mut [u8]) -> Option<(Transmit, Range<usize>)> {
        let (path, data) = self.outbox.pop()?;
        out[..data.len()].copy_from_slice(&data);
        Some((Transmit::to(path), 0..data.len()))
    }

    fn handle_timeout(&mut self, now: Instant) {
        while let Some(at) = self.next_at.filter(|at| *at <= now) {
            self.outbox.push((self.to.unwrap(), self.remaining.to_be_bytes().to_vec()));
            self.remaining -= 1;
            self.next_at = (self.remaining > 0).then(|| at + self.interval);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.next_at
    }
}

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn a_seed_decides_everything() {
    let outcome = |seed: u64| {
        let path = Path::udp(at("10.0.0.1:5000"), at("10.0.0.2:5000"));
        let rough = LinkConfig::with_delay(Duration::from_millis(30)).with_trouble(Chance::percent(10), true);
        let sender = Talker::sending(path, 500, Duration::from_millis(3));
        let (mut sim, _, b) = Simulation::pair(&Seed::from_u64(seed), sender, Talker::answering(), rough);
        sim.run_for(Duration::from_secs(5)).unwrap();
        (sim.ladder().to_string(), sim.node(b).heard.len())
    };
    for_each_seed(3, 100, |seed| {
        let (ladder, heard) = outcome(seed);
        assert_eq!((&ladder, heard), (&outcome(seed).0, heard));
        assert!((400..600).contains(&heard), "{heard} of 500 arrived");
        assert_ne!(ladder, outcome(seed + 1).0);
    });
}

#[test]
fn a_server_answers_through_two_nats_and_strangers_are_kept_out() {
    let mut sim = Simulation::new(&Seed::from_u64(1));
    let wire = LinkConfig::with_delay(Duration::from_millis(10));
    let home = sim.add_nat(NatConfig::port_restricted(), [203, 0, 113, 1].into(), Realm::Internet);
    let server = at("198.51.100.1:3478");
    let sender = Talker::sending(Path::udp(at("192.168.0.2:5000"), server), 1, Duration::ZERO);
    let host = sim.add_host("host", sender, [Interface::new([192, 168, 0, 2].into()).behind(home).up(wire)]);
    let server_id = sim.add_host("server", Talker::answering(), [Interface::new(server.ip()).up(wire)]);
    sim.run_until(Duration::from_secs(1), |sim| !sim.node(host).heard.is_empty()).unwrap();

    let (_, seen, _) = &sim.node(server_id).heard[0];
    assert_eq!(seen.remote.ip(), IpAddr::from([203, 0, 113, 1]));
    let stranger = Path::udp(at("198.51.100.77:1"), seen.remote);
    let sender = Talker { outbox: vec![(stranger, b"let me in".to_vec())], ..Talker::default() };
    sim.add_host("stranger", sender, [Interface::new(stranger.local.ip())]);
    assert_eq!(sim.run_until(Duration::from_secs(1), |_| false), Err(Stopped::Idle));
    assert_eq!(sim.node(host).heard.len(), 1);
    assert!(sim.ladder().to_string().contains("Filtered on the way to 203.0.113.1"), "{}", sim.ladder());
}

#[test]
fn a_filter_picks_its_victims_and_the_ladder_tells() {
    let path = Path::udp(at("10.0.0.1:5000"), at("10.0.0.2:5000"));
    let sender = Talker::sending(path, 3, Duration::from_millis(1));
    let wire = LinkConfig::with_delay(Duration::from_millis(5));
    let (mut sim, _, b) = Simulation::pair(&Seed::from_u64(1), sender, Talker::default(), wire);
    sim.ladder_mut().label_with(|data| format!("number {}", data[3]));
    sim.set_filter(|datagram| match datagram.number {
        0 => Verdict::Hold(Duration::from_millis(50)),
        1 => Verdict::Drop,
        _ => Verdict::Pass,
    });
    sim.run_for(Duration::from_secs(1)).unwrap();
    let order: Vec<u8> = sim.node(b).heard.iter().map(|(_, _, data)| data[3]).collect();
    assert_eq!(order, [1, 3]);
    let fates: Vec<_> = sim.ladder().rungs().map(|(_, label, fate)| (label, fate)).collect();
    assert_eq!(fates[0], ("number 3", Fate::Arrived(Instant::from_millis(55))));
    assert_eq!(fates[1], ("number 2", Fate::Filtered));
}

#[test]
fn a_cable_pulled_loses_what_is_under_way() {
    let path = Path::udp(at("10.0.0.1:5000"), at("10.0.0.2:5000"));
    let sender = Talker::sending(path, 10, Duration::from_millis(10));
    let wire = LinkConfig::with_delay(Duration::from_millis(5));
    let (mut sim, _, b) = Simulation::pair(&Seed::from_u64(1), sender, Talker::default(), wire);
    sim.run_for(Duration::from_millis(22)).unwrap();
    sim.set_connected(b, path.remote.ip(), false);
    sim.run_for(Duration::from_millis(20)).unwrap();
    sim.set_connected(b, path.remote.ip(), true);
    sim.run_for(Duration::from_secs(1)).unwrap();
    assert_eq!(sim.node(b).heard.len(), 8);
}

#[test]
fn a_node_that_stops_time_is_named() {
    struct Stubborn;
    impl Node for Stubborn {
        fn handle_datagram(&mut self, _: Instant, _: Path, _: Ecn, _: &mut [u8]) {}
        fn poll_transmit(&mut self, _: Instant, _: &mut [u8]) -> Option<(Transmit, Range<usize>)> {
            None
        }
        fn handle_timeout(&mut self, _: Instant) {}
        fn poll_timeout(&self) -> Option<Instant> {
            Some(Instant::ZERO)
        }
    }
    let mut sim = Simulation::new(&Seed::from_u64(1));
    sim.add_host("mule", Stubborn, []);
    assert_eq!(sim.run_for(Duration::from_secs(1)), Err(Stopped::Stuck("mule".into())));
}

#[test]
fn everything_lost_means_nothing_more_will_happen() {
    let path = Path::udp(at("10.0.0.1:5000"), at("10.0.0.2:5000"));
    let sender = Talker::sending(path, 2, Duration::from_millis(1));
    let dead = LinkConfig::default().with_loss(Loss::Random(Chance::percent(100)));
    let (mut sim, ..) = Simulation::pair(&Seed::from_u64(1), sender, Talker::default(), dead);
    sim.start_capture();
    assert_eq!(sim.run_until(Duration::from_secs(1), |_| false), Err(Stopped::Idle));
    assert_eq!(sim.captured().unwrap().len(), 24 + 2 * (16 + 28 + 4));
}
