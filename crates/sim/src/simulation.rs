//! The loop that carries datagrams in the order of virtual time.

use crate::ladder::{Fate, Ladder};
use crate::link::{Link, LinkConfig, LinkDrop, Passage};
use crate::nat::{Nat, NatConfig};
use crate::network::{HostId, Interface, NatId, Network, Realm, Unroutable};
use crate::node::Node;
use crate::pcap;
use sendrecv_core::{Ecn, Instant, Path, Protocol, Seed, Transmit, earliest};
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A datagram as it leaves its sender, for [`Simulation::set_filter`].
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// When it is sent.
    pub now: Instant,
    /// Who sends it.
    pub from: HostId,
    /// How many datagrams this host sent before.
    pub number: u64,
    /// From which socket to which address, as the sender sees it.
    pub path: Path,
    /// Its content.
    pub data: &'a [u8],
}

/// What a filter decides about a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes its way.
    Pass,
    /// It is lost.
    Drop,
    /// It is sent this much later.
    Hold(Duration),
}

/// Why a run ended before its condition held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// The time allowed is over.
    TimeUp,
    /// Nothing is under way and no node waits for anything: nothing will ever happen again.
    Idle,
    /// This host keeps asking for the same instant, or does not stop sending.
    Stuck(String),
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimeUp => f.write_str("the simulated time allowed is over"),
            Self::Idle => f.write_str("nothing is under way and nobody waits for anything"),
            Self::Stuck(host) => write!(f, "{host} does not let time go on"),
        }
    }
}

impl std::error::Error for Stopped {}

struct Host<N> {
    name: String,
    node: N,
    default_path: Option<Path>,
    sent: u64,
    /// Timeouts handled in a row at the same instant.
    repeats: u32,
}

/// A datagram under way.
struct Flight {
    stage: Stage,
    protocol: Protocol,
    source: SocketAddr,
    destination: SocketAddr,
    ecn: Ecn,
    rung: usize,
    data: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Stage {
    /// Held back by the filter before the sender's own link.
    Held { attachment: usize },
    /// Past the sender's link, entering the network.
    Entering { realm: Realm },
    /// Past the receiver's link.
    Arriving { attachment: usize },
}

type Filter = Box<dyn FnMut(&Datagram<'_>) -> Verdict>;

/// Timeouts a node may handle at one instant, and datagrams it may send at one, before it counts as stuck.
const MAX_REPEATS: u32 = 1_000;
const MAX_BURST: usize = 100_000;
/// What one `poll_transmit` may fill: a GSO batch.
const BATCH_BYTES: usize = 65_536;

/// A simulated internet and its hosts.
pub struct Simulation<N: Node> {
    now: Instant,
    seed: Seed,
    network: Network,
    hosts: Vec<Host<N>>,
    flights: BTreeMap<(Instant, u64), Flight>,
    next_flight: u64,
    ladder: Ladder,
    capture: Option<pcap::Capture>,
    filter: Option<Filter>,
    batch: Vec<u8>,
}

impl<N: Node> Simulation<N> {
    /// An empty internet at time zero.
    pub fn new(seed: &Seed) -> Self {
        Self {
            now: Instant::ZERO,
            seed: seed.derive("simulation"),
            network: Network::default(),
            hosts: Vec::new(),
            flights: BTreeMap::new(),
            next_flight: 0,
            ladder: Ladder::default(),
            capture: None,
            filter: None,
            batch: vec![0; BATCH_BYTES],
        }
    }

    /// Two nodes with a link in each direction, each the other's default peer.
    pub fn pair(seed: &Seed, a: N, b: N, link: LinkConfig) -> (Self, HostId, HostId) {
        let mut simulation = Self::new(seed);
        let (left, right) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let a = simulation.add_host("a", a, [Interface::new(left).up(link)]);
        let b = simulation.add_host("b", b, [Interface::new(right).up(link)]);
        simulation.connect(a, SocketAddr::new(left, 5000), b, SocketAddr::new(right, 5000));
        (simulation, a, b)
    }

    /// Adds a host that runs `node`.
    pub fn add_host(
        &mut self,
        name: &str,
        node: N,
        interfaces: impl IntoIterator<Item = Interface>,
    ) -> HostId {
        let id = HostId(self.hosts.len());
        for interface in interfaces {
            self.network.attach(id, interface, &self.seed);
        }
        self.hosts.push(Host { name: name.to_owned(), node, default_path: None, sent: 0, repeats: 0 });
        self.ladder.add_host(name);
        id
    }

    /// Adds a NAT whose outside address lies in `realm`.
    pub fn add_nat(&mut self, config: NatConfig, outside: IpAddr, realm: Realm) -> NatId {
        self.network.add_nat(config, outside, realm)
    }

    /// Makes two hosts each other's default peer: where transmits without a path go.
    pub fn connect(&mut self, a: HostId, a_socket: SocketAddr, b: HostId, b_socket: SocketAddr) {
        self.host_mut(a).default_path = Some(Path::udp(a_socket, b_socket));
        self.host_mut(b).default_path = Some(Path::udp(b_socket, a_socket));
    }

    /// The time.
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// What runs on a host.
    pub fn node(&self, host: HostId) -> &N {
        &self.host(host).node
    }

    /// What runs on a host, to be commanded. What it then wants to send is sent when the simulation runs on.
    pub fn node_mut(&mut self, host: HostId) -> &mut N {
        &mut self.host_mut(host).node
    }

    /// A NAT, to be inspected or rebooted.
    pub fn nat_mut(&mut self, nat: NatId) -> Option<&mut Nat> {
        self.network.nat_mut(nat)
    }

    /// The link from a host's interface to the network.
    pub fn up_link(&mut self, host: HostId, address: IpAddr) -> Option<&mut Link> {
        let index = self.network.attachment_of(host, address)?;
        self.network.attachments.get_mut(index).map(|attachment| &mut attachment.up)
    }

    /// The link from the network to a host's interface.
    pub fn down_link(&mut self, host: HostId, address: IpAddr) -> Option<&mut Link> {
        let index = self.network.attachment_of(host, address)?;
        self.network.attachments.get_mut(index).map(|attachment| &mut attachment.down)
    }

    /// Pulls or plugs a host's cable.
    pub fn set_connected(&mut self, host: HostId, address: IpAddr, connected: bool) {
        let index = self.network.attachment_of(host, address);
        if let Some(attachment) = index.and_then(|index| self.network.attachments.get_mut(index)) {
            attachment.connected = connected;
        }
    }

    /// Asks `filter` about every datagram that is sent from now on.
    pub fn set_filter(&mut self, filter: impl FnMut(&Datagram<'_>) -> Verdict + 'static) {
        self.filter = Some(Box::new(filter));
    }

    /// Everything passes again.
    pub fn clear_filter(&mut self) {
        self.filter = None;
    }

    /// What happened so far.
    pub const fn ladder(&self) -> &Ladder {
        &self.ladder
    }

    /// The ladder, to choose its labels or to switch it off.
    pub const fn ladder_mut(&mut self) -> &mut Ladder {
        &mut self.ladder
    }

    /// Records every datagram that is sent from now on.
    pub fn start_capture(&mut self) {
        self.capture = Some(pcap::Capture::default());
    }

    /// The recording so far, as the bytes of a pcap file.
    pub fn captured(&self) -> Option<&[u8]> {
        self.capture.as_ref().map(pcap::Capture::bytes)
    }

    /// Runs until `done` holds, at most for `within`.
    pub fn run_until(
        &mut self,
        within: Duration,
        mut done: impl FnMut(&mut Self) -> bool,
    ) -> Result<(), Stopped> {
        let limit = self.now + within;
        self.drain_all()?;
        while !done(self) {
            self.step(limit)?;
        }
        self.drain_all()
    }

    /// Runs for exactly `duration`.
    pub fn run_for(&mut self, duration: Duration) -> Result<(), Stopped> {
        let limit = self.now + duration;
        match self.run_until(duration, |_| false) {
            Err(Stopped::TimeUp | Stopped::Idle) => {
                self.now = limit;
                Ok(())
            }
            other => other,
        }
    }

    /// Lets the next thing happen, if it does before `limit`.
    fn step(&mut self, limit: Instant) -> Result<(), Stopped> {
        self.drain_all()?;
        let arrival = self.flights.first_key_value().map(|((at, _), _)| *at);
        let timeout = self.hosts.iter().filter_map(|host| host.node.poll_timeout()).min();
        let next = earliest(arrival, timeout).filter(|at| *at < Instant::MAX).ok_or(Stopped::Idle)?;
        if next > limit {
            self.now = limit;
            return Err(Stopped::TimeUp);
        }
        self.advance_to(next);
        if arrival == Some(next) {
            self.move_first_flight();
            return Ok(());
        }
        self.fire_timeouts()
    }

    fn advance_to(&mut self, next: Instant) {
        if next > self.now {
            self.now = next;
            for host in &mut self.hosts {
                host.repeats = 0;
            }
        }
    }

    fn fire_timeouts(&mut self) -> Result<(), Stopped> {
        for host in &mut self.hosts {
            if host.node.poll_timeout().is_some_and(|at| at <= self.now) {
                host.repeats += 1;
                if host.repeats > MAX_REPEATS {
                    return Err(Stopped::Stuck(host.name.clone()));
                }
                host.node.handle_timeout(self.now);
            }
        }
        Ok(())
    }

    fn move_first_flight(&mut self) {
        let Some((_, mut flight)) = self.flights.pop_first() else { return };
        match flight.stage {
            Stage::Held { attachment } => self.enter_up_link(attachment, flight),
            Stage::Entering { realm } => self.route(realm, flight),
            Stage::Arriving { attachment } => {
                let Some(attachment) = self.network.attachments.get(attachment) else { return };
                let (to, connected) = (attachment.host, attachment.connected);
                if !connected {
                    return self.ladder.set_fate(flight.rung, Fate::Disconnected);
                }
                self.ladder.arrive(flight.rung, to, self.now);
                let path =
                    Path { protocol: flight.protocol, local: flight.destination, remote: flight.source };
                let now = self.now;
                self.host_mut(to).node.handle_datagram(now, path, flight.ecn, &mut flight.data);
            }
        }
    }

    fn route(&mut self, realm: Realm, flight: Flight) {
        let routed = self.network.route(self.now, realm, flight.source, flight.destination);
        let routed = match routed {
            Ok(routed) => routed,
            Err(unroutable) => return self.ladder.set_fate(flight.rung, unroutable.into()),
        };
        let Some(attachment) = self.network.attachments.get_mut(routed.attachment) else { return };
        self.ladder.set_destination(flight.rung, attachment.host);
        let mut flight = Flight {
            stage: Stage::Arriving { attachment: routed.attachment },
            source: routed.source,
            destination: routed.destination,
            ..flight
        };
        let size = ip_size(&flight);
        let passage = attachment.down.carry(self.now, flight.ecn, size, &mut flight.data);
        self.launch(passage, flight);
    }

    fn enter_up_link(&mut self, index: usize, mut flight: Flight) {
        let Some(attachment) = self.network.attachments.get_mut(index) else { return };
        if !attachment.connected {
            return self.ladder.set_fate(flight.rung, Fate::Disconnected);
        }
        flight.stage = Stage::Entering { realm: attachment.realm };
        let size = ip_size(&flight);
        let passage = attachment.up.carry(self.now, flight.ecn, size, &mut flight.data);
        self.launch(passage, flight);
    }

    fn launch(&mut self, passage: Result<Passage, LinkDrop>, flight: Flight) {
        let passage = match passage {
            Ok(passage) => passage,
            Err(drop) => return self.ladder.set_fate(flight.rung, drop.into()),
        };
        let flight = Flight { ecn: passage.ecn, ..flight };
        if let Some(at) = passage.second_arrival {
            let rung = self.ladder.duplicate(flight.rung);
            self.schedule(at, Flight { rung, data: flight.data.clone(), ..flight });
        }
        self.schedule(passage.arrival, flight);
    }

    fn schedule(&mut self, at: Instant, flight: Flight) {
        self.flights.insert((at, self.next_flight), flight);
        self.next_flight += 1;
    }

    fn drain_all(&mut self) -> Result<(), Stopped> {
        (0..self.hosts.len()).try_for_each(|index| self.drain(HostId(index)))
    }

    fn drain(&mut self, id: HostId) -> Result<(), Stopped> {
        let mut batch = std::mem::take(&mut self.batch);
        let now = self.now;
        let mut polls = 0;
        while let Some((transmit, range)) = self.host_mut(id).node.poll_transmit(now, &mut batch) {
            polls += 1;
            if polls > MAX_BURST {
                return Err(Stopped::Stuck(self.host(id).name.clone()));
            }
            let content = batch.get(range).unwrap_or_default();
            let segment = transmit.segment_size.unwrap_or(content.len()).max(1);
            for datagram in content.chunks(segment) {
                self.send(id, transmit, datagram);
            }
        }
        self.batch = batch;
        Ok(())
    }

    fn send(&mut self, id: HostId, transmit: Transmit, data: &[u8]) {
        let host = self.host_mut(id);
        let number = host.sent;
        host.sent += 1;
        let Some(path) = transmit.path.or(host.default_path) else { return };
        let rung = self.ladder.send(self.now, id, path.remote, data);
        if let Some(capture) = &mut self.capture {
            capture.record(self.now, path, transmit.ecn, data);
        }
        let Some(attachment) = self.network.attachment_of(id, path.local.ip()) else {
            return self.ladder.set_fate(rung, Fate::NoRoute);
        };
        let flight = Flight {
            stage: Stage::Held { attachment },
            protocol: path.protocol,
            source: path.local,
            destination: path.remote,
            ecn: transmit.ecn,
            rung,
            data: data.to_vec(),
        };
        let datagram = Datagram { now: self.now, from: id, number, path, data };
        match self.filter.as_mut().map_or(Verdict::Pass, |filter| filter(&datagram)) {
            Verdict::Pass => self.enter_up_link(attachment, flight),
            Verdict::Drop => self.ladder.set_fate(rung, Fate::Filtered),
            Verdict::Hold(time) => self.schedule(self.now + time, flight),
        }
    }

    #[allow(clippy::expect_used, reason = "a HostId comes only from add_host of the same simulation")]
    fn host(&self, id: HostId) -> &Host<N> {
        self.hosts.get(id.0).expect("a host of another simulation")
    }

    #[allow(clippy::expect_used, reason = "a HostId comes only from add_host of the same simulation")]
    fn host_mut(&mut self, id: HostId) -> &mut Host<N> {
        self.hosts.get_mut(id.0).expect("a host of another simulation")
    }
}

/// Bytes of the IP packet around a datagram.
fn ip_size(flight: &Flight) -> usize {
    let headers = if flight.destination.is_ipv4() { 28 } else { 48 };
    flight.data.len() + headers
}

impl From<LinkDrop> for Fate {
    fn from(drop: LinkDrop) -> Self {
        match drop {
            LinkDrop::Lost => Self::Lost,
            LinkDrop::QueueFull => Self::QueueFull,
            LinkDrop::TooBig => Self::TooBig,
        }
    }
}

impl From<Unroutable> for Fate {
    fn from(unroutable: Unroutable) -> Self {
        match unroutable {
            Unroutable::NoRoute => Self::NoRoute,
            Unroutable::Nat(refusal) => Self::Refused(refusal),
        }
    }
}

/// A failing test shows what happened: the end of the ladder, and where `SENDRECV_PCAP` says, the packets.
impl<N: Node> Drop for Simulation<N> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        eprintln!("the simulation stood at {}; its last packets:\n{}", self.now, self.ladder.tail(120));
        if let (Some(file), Some(bytes)) = (std::env::var_os("SENDRECV_PCAP"), self.captured()) {
            let written = std::fs::write(&file, bytes);
            eprintln!("packets written to {}: {written:?}", file.display());
        }
    }
}

impl<N: Node> fmt::Debug for Simulation<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation")
            .field("now", &self.now)
            .field("hosts", &self.hosts.len())
            .field("under_way", &self.flights.len())
            .finish_non_exhaustive()
    }
}
