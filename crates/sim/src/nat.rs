//! Network address translators, in the terms of RFC 4787.

use sendrecv_core::Instant;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

/// How much of the remote address a decision depends on (RFC 4787, sections 4.1 and 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// On nothing: one mapping for all, or everyone may send in.
    EndpointIndependent,
    /// On the remote address.
    AddressDependent,
    /// On the remote address and port. As a mapping this is the "symmetric" NAT.
    AddressAndPortDependent,
}

impl Behaviour {
    fn key(self, remote: SocketAddr) -> Option<(IpAddr, u16)> {
        match self {
            Self::EndpointIndependent => None,
            Self::AddressDependent => Some((remote.ip(), 0)),
            Self::AddressAndPortDependent => Some((remote.ip(), remote.port())),
        }
    }
}

/// What a NAT is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatConfig {
    /// When a new mapping is made.
    pub mapping: Behaviour,
    /// Who may send in through a mapping.
    pub filtering: Behaviour,
    /// Whether hosts behind it reach each other through their outside addresses.
    pub hairpin: bool,
    /// How long a mapping lasts without outgoing traffic.
    pub lifetime: Duration,
    /// Whether incoming traffic keeps a mapping alive too.
    pub refreshed_by_inbound: bool,
    /// The outside ports there are. When all are taken, new mappings fail.
    pub ports: RangeInclusive<u16>,
    /// Whether a mapping gets the inside port when that is free.
    pub keeps_ports: bool,
    /// The prefix of a NAT64 (RFC 6146), of 96 bits: inside is IPv6 only, and an IPv4 address outside is reached at the
    /// prefix with that address in its last 32 bits. What is sent to other IPv6 addresses passes as it is.
    pub nat64: Option<Ipv6Addr>,
}

impl NatConfig {
    /// A NAT with the given behaviours and otherwise ordinary: hairpins, two minutes, 64 thousand ports.
    pub const fn new(mapping: Behaviour, filtering: Behaviour) -> Self {
        Self {
            mapping,
            filtering,
            hairpin: true,
            lifetime: Duration::from_secs(120),
            refreshed_by_inbound: false,
            ports: 1024..=65535,
            keeps_ports: false,
            nat64: None,
        }
    }

    /// A NAT64 with the well-known prefix 64:ff9b::/96 that otherwise is like a home router.
    pub const fn nat64() -> Self {
        let prefix = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0);
        Self { nat64: Some(prefix), ..Self::port_restricted() }
    }

    /// "Full cone": one mapping, open to all.
    pub const fn full_cone() -> Self {
        Self::new(Behaviour::EndpointIndependent, Behaviour::EndpointIndependent)
    }

    /// The common home router: one mapping, open to those written to.
    pub const fn port_restricted() -> Self {
        Self::new(Behaviour::EndpointIndependent, Behaviour::AddressAndPortDependent)
    }

    /// The common carrier-grade or company NAT: a mapping per destination.
    pub const fn symmetric() -> Self {
        Self::new(Behaviour::AddressAndPortDependent, Behaviour::AddressAndPortDependent)
    }
}

/// Why a NAT did not pass a packet on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NatRefusal {
    /// No outside port is free.
    PortsExhausted,
    /// No mapping has this outside port.
    NoMapping,
    /// There is a mapping, but not for this sender.
    Filtered,
    /// Hairpinning is off.
    NoHairpin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct MappingKey {
    inside: SocketAddr,
    remote: Option<(IpAddr, u16)>,
}

#[derive(Debug)]
struct Mapping {
    key: MappingKey,
    expires: Instant,
    permitted: BTreeMap<Option<(IpAddr, u16)>, Instant>,
}

/// A network address translator with one outside address.
#[derive(Debug)]
pub struct Nat {
    config: NatConfig,
    outside: IpAddr,
    next_port: u16,
    by_port: BTreeMap<u16, Mapping>,
    by_key: BTreeMap<MappingKey, u16>,
}

impl Nat {
    /// A NAT without mappings.
    pub const fn new(config: NatConfig, outside: IpAddr) -> Self {
        let next_port = *config.ports.start();
        Self { config, outside, next_port, by_port: BTreeMap::new(), by_key: BTreeMap::new() }
    }

    /// Its outside address.
    pub const fn outside(&self) -> IpAddr {
        self.outside
    }

    /// What it is like.
    pub const fn config(&self) -> &NatConfig {
        &self.config
    }

    /// Where a packet from inside goes outside; `None` when it passes untranslated.
    pub(crate) fn destination_outside(&self, destination: SocketAddr) -> Option<SocketAddr> {
        match (self.config.nat64, destination.ip()) {
            (None, _) => Some(destination),
            (Some(prefix), IpAddr::V6(ip)) if ip.to_bits() >> 32 == prefix.to_bits() >> 32 => {
                let [.., a, b, c, d] = ip.octets();
                Some(SocketAddr::new(Ipv4Addr::new(a, b, c, d).into(), destination.port()))
            }
            (Some(_), _) => None,
        }
    }

    /// Who a packet from outside seems to come from inside.
    pub(crate) fn source_inside(&self, source: SocketAddr) -> SocketAddr {
        match (self.config.nat64, source.ip()) {
            (Some(prefix), IpAddr::V4(ip)) => {
                let ip = Ipv6Addr::from_bits(prefix.to_bits() | u128::from(ip.to_bits()));
                SocketAddr::new(ip.into(), source.port())
            }
            _ => source,
        }
    }

    /// Forgets every mapping, as a reboot does.
    pub fn forget(&mut self) {
        self.by_port.clear();
        self.by_key.clear();
    }

    /// How many mappings are alive.
    pub fn mappings(&self, now: Instant) -> usize {
        self.by_port.values().filter(|mapping| mapping.expires > now).count()
    }

    /// Translates the source of a packet on its way out.
    pub fn outbound(
        &mut self,
        now: Instant,
        inside: SocketAddr,
        remote: SocketAddr,
    ) -> Result<SocketAddr, NatRefusal> {
        self.expire(now);
        let key = MappingKey { inside, remote: self.config.mapping.key(remote) };
        let port = match self.by_key.get(&key) {
            Some(port) => *port,
            None => self.open(key)?,
        };
        let expires = now + self.config.lifetime;
        let filter = self.config.filtering.key(remote);
        if let Some(mapping) = self.by_port.get_mut(&port) {
            mapping.expires = expires;
            mapping.permitted.insert(filter, expires);
        }
        Ok(SocketAddr::new(self.outside, port))
    }

    /// Translates the destination of a packet on its way in.
    pub fn inbound(&mut self, now: Instant, remote: SocketAddr, port: u16) -> Result<SocketAddr, NatRefusal> {
        self.expire(now);
        let filter = self.config.filtering.key(remote);
        let mapping = self.by_port.get_mut(&port).ok_or(NatRefusal::NoMapping)?;
        let permission = mapping.permitted.get_mut(&filter).filter(|until| **until > now);
        let permission = permission.ok_or(NatRefusal::Filtered)?;
        if self.config.refreshed_by_inbound {
            mapping.expires = now + self.config.lifetime;
            *permission = mapping.expires;
        }
        Ok(mapping.key.inside)
    }

    fn open(&mut self, key: MappingKey) -> Result<u16, NatRefusal> {
        let port = self.free_port(key.inside.port()).ok_or(NatRefusal::PortsExhausted)?;
        self.by_key.insert(key, port);
        self.by_port.insert(port, Mapping { key, expires: Instant::MAX, permitted: BTreeMap::new() });
        Ok(port)
    }

    fn free_port(&mut self, wanted: u16) -> Option<u16> {
        let ports = self.config.ports.clone();
        if self.config.keeps_ports && ports.contains(&wanted) && !self.by_port.contains_key(&wanted) {
            return Some(wanted);
        }
        let from_next = (self.next_port..=*ports.end()).chain(ports.clone());
        let port = from_next.into_iter().find(|port| !self.by_port.contains_key(port))?;
        self.next_port = if port == *ports.end() { *ports.start() } else { port.saturating_add(1) };
        Some(port)
    }

    fn expire(&mut self, now: Instant) {
        let by_key = &mut self.by_key;
        self.by_port.retain(|_, mapping| {
            let alive = mapping.expires > now;
            if !alive {
                by_key.remove(&mapping.key);
            }
            alive
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn nat(config: NatConfig) -> Nat {
        Nat::new(config, IpAddr::from([203, 0, 113, 1]))
    }

    const T0: Instant = Instant::ZERO;

    #[test]
    fn a_cone_has_one_mapping_and_a_symmetric_nat_one_per_destination() {
        let (inside, one, two) = (at("10.0.0.2:5000"), at("198.51.100.1:1"), at("198.51.100.1:2"));
        let mut cone = nat(NatConfig::full_cone());
        assert_eq!(cone.outbound(T0, inside, one), cone.outbound(T0, inside, two));
        let mut symmetric = nat(NatConfig::symmetric());
        assert_ne!(symmetric.outbound(T0, inside, one), symmetric.outbound(T0, inside, two));
        let mut by_address = nat(NatConfig::new(Behaviour::AddressDependent, Behaviour::AddressDependent));
        assert_eq!(by_address.outbound(T0, inside, one), by_address.outbound(T0, inside, two));
        assert_ne!(
            by_address.outbound(T0, inside, one),
            by_address.outbound(T0, inside, at("198.51.100.2:1"))
        );
    }

    #[test]
    fn filtering_lets_in_those_who_were_written_to() {
        let (inside, friend, port2, stranger) =
            (at("10.0.0.2:5000"), at("198.51.100.1:1"), at("198.51.100.1:2"), at("198.51.100.9:9"));
        let verdicts = |filtering| {
            let mut nat = nat(NatConfig::new(Behaviour::EndpointIndependent, filtering));
            let outside = nat.outbound(T0, inside, friend).unwrap();
            [friend, port2, stranger].map(|from| nat.inbound(T0, from, outside.port()).is_ok())
        };
        assert_eq!(verdicts(Behaviour::EndpointIndependent), [true, true, true]);
        assert_eq!(verdicts(Behaviour::AddressDependent), [true, true, false]);
        assert_eq!(verdicts(Behaviour::AddressAndPortDependent), [true, false, false]);
    }

    #[test]
    fn mappings_die_of_silence() {
        let mut nat = nat(NatConfig { lifetime: Duration::from_secs(30), ..NatConfig::full_cone() });
        let (inside, remote) = (at("10.0.0.2:5000"), at("198.51.100.1:1"));
        let outside = nat.outbound(T0, inside, remote).unwrap();
        let later = Instant::from_millis(29_999);
        assert_eq!(nat.inbound(later, remote, outside.port()), Ok(inside));
        assert_eq!(
            nat.inbound(Instant::from_millis(30_000), remote, outside.port()),
            Err(NatRefusal::NoMapping)
        );
    }

    #[test]
    fn ports_run_out_and_come_back() {
        let config =
            NatConfig { ports: 4000..=4001, lifetime: Duration::from_secs(30), ..NatConfig::symmetric() };
        let mut nat = nat(config);
        let inside = at("10.0.0.2:5000");
        let mut open = |now, port| nat.outbound(now, inside, SocketAddr::new([198, 51, 100, 1].into(), port));
        assert!(open(T0, 1).is_ok() && open(Instant::from_millis(1), 2).is_ok());
        assert_eq!(open(Instant::from_millis(2), 3), Err(NatRefusal::PortsExhausted));
        assert!(open(Instant::from_millis(30_000), 3).is_ok());
    }
}
