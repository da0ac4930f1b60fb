//! Two agents, a STUN and TURN server, and what is in front of each agent.

use crate::support::{Machinery, World, addr, config, ip, node};
use crate::turn_server::TurnServer;
use sendrecv_ice::{IceServer, Role, Route, TransportPolicy};
use sendrecv_sim::{
    Behaviour, Chance, HostId, Interface, LinkConfig, Loss, NatConfig, Realm, Simulation, Verdict,
};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

pub const SECOND: Duration = Duration::from_secs(1);
pub const SERVER: &str = "203.0.113.1:3478";
/// The server's IPv6 address, at which it only relays.
const RELAYED_IPV6: &str = "2001:db8:53::1";

/// What is in front of a host.
#[derive(Clone, Copy, PartialEq)]
pub enum Front {
    Nothing,
    FullCone,
    AddressRestricted,
    PortRestricted,
    AddressDependent,
    Symmetric,
    /// The host has IPv6 only; IPv4 is behind a NAT64, which filters like a home router.
    Nat64,
    /// The host has IPv6 only, and no way to IPv4.
    Ipv6,
    /// UDP does not get through to hosts, only to the server.
    Firewall,
}

impl Front {
    pub const ALL: [Self; 9] = [
        Self::Nothing,
        Self::FullCone,
        Self::AddressRestricted,
        Self::PortRestricted,
        Self::AddressDependent,
        Self::Symmetric,
        Self::Nat64,
        Self::Ipv6,
        Self::Firewall,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "public",
            Self::FullCone => "full cone",
            Self::AddressRestricted => "restricted",
            Self::PortRestricted => "port restricted",
            Self::AddressDependent => "address dependent",
            Self::Symmetric => "symmetric",
            Self::Nat64 => "nat64",
            Self::Ipv6 => "ipv6 only",
            Self::Firewall => "server only",
        }
    }

    pub fn nat(self) -> Option<NatConfig> {
        match self {
            Self::Nothing | Self::Ipv6 => None,
            Self::FullCone => Some(NatConfig::full_cone()),
            Self::AddressRestricted => {
                Some(NatConfig::new(Behaviour::EndpointIndependent, Behaviour::AddressDependent))
            }
            Self::PortRestricted => Some(NatConfig::port_restricted()),
            Self::AddressDependent => {
                Some(NatConfig::new(Behaviour::AddressDependent, Behaviour::AddressDependent))
            }
            Self::Symmetric | Self::Firewall => Some(NatConfig::symmetric()),
            Self::Nat64 => Some(NatConfig::nat64()),
        }
    }

    const fn has_ipv6(self) -> bool {
        matches!(self, Self::Nat64 | Self::Ipv6)
    }

    /// Whether a direct path can be found between two hosts behind these.
    pub fn direct_is_possible(self, other: Self) -> bool {
        if self == Self::Ipv6 || other == Self::Ipv6 || (self == Self::Nat64 && other == Self::Nat64) {
            // Over IPv6 there is nothing between them, but it takes IPv6 on both sides.
            return self.has_ipv6() && other.has_ipv6();
        }
        // A mapping that moves with the destination is only found by the packets it lets through itself, so the other
        // side has to take those in: from any port, at least, and at a place that does not move.
        let moving = |front| matches!(front, Self::Symmetric | Self::AddressDependent);
        let strict = |front| moving(front) || matches!(front, Self::PortRestricted | Self::Nat64);
        let blocked = self == Self::Firewall || other == Self::Firewall;
        let (ours, theirs) = (moving(self) && strict(other), moving(other) && strict(self));
        !(blocked || ours || theirs)
    }

    /// The address of a host with this in front.
    pub fn address(self, number: usize) -> String {
        match self {
            Self::Nothing => format!("198.51.100.{number}"),
            Self::Nat64 | Self::Ipv6 => format!("2001:db8::{number}"),
            _ => format!("10.0.{number}.2"),
        }
    }
}

/// How long packets take to a host's network, or from there.
const WIRE_DELAY: Duration = Duration::from_millis(20);

/// A path of 20 ms without loss.
pub fn wire() -> LinkConfig {
    LinkConfig::with_delay(WIRE_DELAY)
}

/// What a world is built of.
pub struct Setup {
    pub fronts: [Front; 2],
    /// Both are behind the first one's NAT.
    pub same_nat: bool,
    /// Hosts behind one NAT reach each other only through its outside.
    pub isolated: bool,
    pub turn: bool,
    pub policy: TransportPolicy,
    /// Of every packet on its way, in percent.
    pub loss: u32,
    pub seed: u64,
    /// What the NATs differ in from the usual.
    pub adjust: fn(&mut NatConfig),
    /// The outside ports that the NATs have.
    pub ports: Option<RangeInclusive<u16>>,
    /// What is in front of another interface of a's, which has no socket yet.
    pub elsewhere: Option<Front>,
    /// Whether a or b controls.
    pub controlling: usize,
    /// What the carrier has in front of the NATs, if anything, and whether that is the same one for both.
    pub carrier: Option<(NatConfig, bool)>,
    /// Of the wire to each host, one way.
    pub delay: Duration,
}

/// The address of the other interface's NAT.
const ELSEWHERE: &str = "192.0.2.9";
/// Its host number.
const ELSEWHERE_NUMBER: usize = 9;

impl Setup {
    pub fn new(a: Front, b: Front, turn: bool) -> Self {
        Self {
            fronts: [a, b],
            same_nat: false,
            isolated: false,
            turn,
            policy: TransportPolicy::All,
            loss: 0,
            seed: 1,
            adjust: |_| {},
            ports: None,
            elsewhere: None,
            controlling: 0,
            carrier: None,
            delay: WIRE_DELAY,
        }
    }

    fn wire(&self) -> LinkConfig {
        let wire = LinkConfig::with_delay(self.delay);
        match self.loss {
            0 => wire,
            percent => wire.with_loss(Loss::Random(Chance::percent(percent))),
        }
    }

    /// The world, and the server in it.
    pub fn build(&self) -> (World, HostId) {
        let mut sim = Simulation::new(&sendrecv_core::Seed::from_u64(self.seed));
        let mut server = TurnServer::new(sendrecv_crypto::rustcrypto(), addr(SERVER), "user", "secret");
        server.give_ipv6(ip(RELAYED_IPV6));
        // Answers are as slow as before there was loss, so that times can be compared.
        let down = LinkConfig { loss: self.wire().loss, ..LinkConfig::default() };
        let interfaces = [addr(SERVER).ip(), ip(RELAYED_IPV6)].map(|ip| Interface::new(ip).up(down));
        let server = sim.add_host("server", Machinery::Server(Box::new(server)), interfaces);
        let mut nats = [None; 2];
        let mut carriers = [None; 2];
        let mut hosts = Vec::new();
        for index in 0..2 {
            let outside = ip(&format!("192.0.2.{}", index + 1));
            carriers[index] = match (&self.carrier, carriers[0]) {
                (Some((_, true)), Some(shared)) => Some(shared),
                (Some((config, _)), _) => Some(sim.add_nat(config.clone(), outside, Realm::Internet)),
                (None, _) => None,
            };
            let nat = match (nats[0], carriers[index]) {
                (Some(shared), _) if self.same_nat => Some(shared),
                (_, Some(carrier)) => self.nat(index).map(|config| {
                    sim.add_nat(config, ip(&format!("100.64.0.{}", index + 1)), Realm::Behind(carrier))
                }),
                (_, None) => self.nat(index).map(|config| sim.add_nat(config, outside, Realm::Internet)),
            };
            nats[index] = nat;
            let interface = Interface::new(ip(&self.fronts[index].address(index + 1))).up(self.wire());
            let mut interfaces = vec![nat.map_or(interface, |nat| interface.behind(nat))];
            if let Some(front) = self.elsewhere.filter(|_| index == 0) {
                let nat = front.nat().map(|config| sim.add_nat(config, ip(ELSEWHERE), Realm::Internet));
                let interface = Interface::new(ip(&front.address(ELSEWHERE_NUMBER))).up(self.wire());
                interfaces.push(nat.map_or(interface, |nat| interface.behind(nat)));
            }
            hosts.push(sim.add_host(["a", "b"][index], self.agent(index), interfaces));
        }
        self.filter(&mut sim, &hosts);
        let mut world = World::new(sim, hosts[0], hosts[1]);
        world.nats = nats;
        (world, server)
    }

    /// The socket that a has in the beginning.
    pub fn home(&self) -> SocketAddr {
        SocketAddr::new(ip(&self.fronts[0].address(1)), 5000)
    }

    /// The socket that a may have at its other interface.
    pub fn away(&self) -> SocketAddr {
        SocketAddr::new(ip(&self.elsewhere.unwrap().address(ELSEWHERE_NUMBER)), 5000)
    }

    fn nat(&self, index: usize) -> Option<NatConfig> {
        let mut config = self.fronts[index].nat()?;
        config.ports = self.ports.clone().unwrap_or(config.ports);
        (self.adjust)(&mut config);
        Some(config)
    }

    /// The first or second agent.
    pub fn agent(&self, index: usize) -> Machinery {
        let role = if index == self.controlling { Role::Controlling } else { Role::Controlled };
        let config = sendrecv_ice::Config { policy: self.policy, ..config(role) };
        let socket = SocketAddr::new(ip(&self.fronts[index].address(index + 1)), 5000);
        let mut node = node(config, self.seed * 2 + index as u64, &[&socket.to_string()]);
        if self.fronts[index] == Front::Nat64 || self.elsewhere == Some(Front::Nat64) {
            node.names.push(("ipv4only.arpa".into(), ip("64:ff9b::192.0.0.170")));
        }
        let now = sendrecv_core::Instant::ZERO;
        node.agent.add_ice_server(now, IceServer::stun(format!("stun:{SERVER}").parse().unwrap())).unwrap();
        if self.turn {
            let url = format!("turn:{SERVER}").parse().unwrap();
            node.agent.add_ice_server(now, IceServer::turn(url, "user", "secret")).unwrap();
        }
        Machinery::Agent(Box::new(node))
    }

    /// Firewalls, and switches that keep their hosts apart.
    fn filter(&self, sim: &mut Simulation<Machinery>, hosts: &[HostId]) {
        let walled = self.fronts.map(|front| front == Front::Firewall);
        let walled: Vec<HostId> =
            hosts.iter().zip(walled).filter(|(_, walled)| *walled).map(|(host, _)| *host).collect();
        let isolated = self.isolated;
        if walled.is_empty() && !isolated {
            return;
        }
        sim.set_filter(move |datagram| {
            let remote = datagram.path.remote;
            let outside = walled.contains(&datagram.from) && remote != addr(SERVER);
            let inside = isolated && remote.ip().to_string().starts_with("10.");
            if outside || inside { Verdict::Drop } else { Verdict::Pass }
        });
    }
}

/// The pair as a sees it, the time, and all packets until now.
pub fn describe(world: &mut World, connected: bool) -> String {
    let packets = world.a().packets + world.b().packets;
    let millis = world.sim.now().as_millis();
    if !connected {
        return format!("- {packets} packets");
    }
    let pair = world.a().agent.selected_pair().unwrap();
    format!("{}-{} {millis} ms, {packets} packets", pair.local.kind, pair.remote.kind)
}

pub fn is_relayed(world: &mut World) -> bool {
    let relayed = |route: Route| matches!(route, Route::Relayed { .. });
    relayed(world.a().agent.selected_pair().unwrap().route)
        || relayed(world.b().agent.selected_pair().unwrap().route)
}

/// Compares with what is kept under this name, or keeps it with `SENDRECV_BLESS=1`.
pub fn compare(name: &str, report: &str) {
    let path = format!("{}/tests/snapshots/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("SENDRECV_BLESS").is_some() {
        std::fs::write(&path, report).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    for (line, (known, new)) in known.lines().zip(report.lines()).enumerate() {
        assert_eq!(known, new, "{name}:{}; if that is meant, run again with SENDRECV_BLESS=1", line + 1);
    }
    assert_eq!(known.lines().count(), report.lines().count(), "{name}");
}
