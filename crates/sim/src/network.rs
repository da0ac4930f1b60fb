//! Who is connected to what, and where a packet ends up.

use crate::link::{Link, LinkConfig};
use crate::nat::{Nat, NatConfig, NatRefusal};
use sendrecv_core::{Instant, Seed};
use std::net::{IpAddr, SocketAddr};

/// A simulated host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostId(pub(crate) usize);

/// A simulated NAT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NatId(pub(crate) usize);

/// An address space: the public internet, or what lies behind a NAT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Realm {
    /// The public internet.
    #[default]
    Internet,
    /// The network behind this NAT.
    Behind(NatId),
}

/// A host's connection to a network: an address, and a link in each direction.
#[derive(Clone, Copy, Debug)]
pub struct Interface {
    pub(crate) address: IpAddr,
    pub(crate) realm: Realm,
    pub(crate) up: LinkConfig,
    pub(crate) down: LinkConfig,
}

impl Interface {
    /// An interface on the public internet with perfect links.
    pub fn new(address: IpAddr) -> Self {
        Self { address, realm: Realm::Internet, up: LinkConfig::default(), down: LinkConfig::default() }
    }

    /// The same interface with this link from the host to the network.
    #[must_use]
    pub const fn up(self, up: LinkConfig) -> Self {
        Self { up, ..self }
    }

    /// The same interface with this link from the network to the host.
    #[must_use]
    pub const fn down(self, down: LinkConfig) -> Self {
        Self { down, ..self }
    }

    /// The same interface, in the network behind `nat`.
    #[must_use]
    pub const fn behind(self, nat: NatId) -> Self {
        Self { realm: Realm::Behind(nat), ..self }
    }
}

/// An interface in use.
#[derive(Debug)]
pub(crate) struct Attachment {
    pub(crate) host: HostId,
    pub(crate) address: IpAddr,
    pub(crate) realm: Realm,
    pub(crate) up: Link,
    pub(crate) down: Link,
    pub(crate) connected: bool,
}

/// Why a packet has no destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unroutable {
    NoRoute,
    Nat(NatRefusal),
}

impl From<NatRefusal> for Unroutable {
    fn from(refusal: NatRefusal) -> Self {
        Self::Nat(refusal)
    }
}

/// A routed packet: the attachment it reaches, and its addresses there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Routed {
    pub(crate) attachment: usize,
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
}

/// How many NATs a packet may pass before it counts as lost.
const MAX_HOPS: usize = 16;

#[derive(Debug, Default)]
pub(crate) struct Network {
    pub(crate) attachments: Vec<Attachment>,
    nats: Vec<(Nat, Realm)>,
}

impl Network {
    pub(crate) fn attach(&mut self, host: HostId, interface: Interface, seed: &Seed) {
        let index = u64::try_from(self.attachments.len()).unwrap_or(u64::MAX);
        self.attachments.push(Attachment {
            host,
            address: interface.address,
            realm: interface.realm,
            up: Link::new(interface.up, seed.derive_indexed("up", index).rng()),
            down: Link::new(interface.down, seed.derive_indexed("down", index).rng()),
            connected: true,
        });
    }

    pub(crate) fn add_nat(&mut self, config: NatConfig, outside: IpAddr, realm: Realm) -> NatId {
        self.nats.push((Nat::new(config, outside), realm));
        NatId(self.nats.len().saturating_sub(1))
    }

    pub(crate) fn nat_mut(&mut self, id: NatId) -> Option<&mut Nat> {
        self.nats.get_mut(id.0).map(|(nat, _)| nat)
    }

    /// The attachment of `host` with this address.
    pub(crate) fn attachment_of(&self, host: HostId, address: IpAddr) -> Option<usize> {
        self.attachments.iter().position(|a| a.host == host && a.address == address)
    }

    /// Follows a packet from `realm` through every NAT on its way.
    pub(crate) fn route(
        &mut self,
        now: Instant,
        mut realm: Realm,
        mut source: SocketAddr,
        mut destination: SocketAddr,
    ) -> Result<Routed, Unroutable> {
        let mut came_out_of = None;
        for _ in 0..MAX_HOPS {
            if let Some(attachment) = self.attachment_at(realm, destination.ip()) {
                return Ok(Routed { attachment, source, destination });
            }
            if let Some(id) = self.nat_at(realm, destination.ip()) {
                let (nat, _) = self.nats.get_mut(id.0).ok_or(Unroutable::NoRoute)?;
                if came_out_of == Some(id) && !nat.config().hairpin {
                    return Err(NatRefusal::NoHairpin.into());
                }
                destination = nat.inbound(now, source, destination.port())?;
                source = nat.source_inside(source);
                realm = Realm::Behind(id);
                continue;
            }
            let Realm::Behind(id) = realm else { break };
            let (nat, outside) = self.nats.get_mut(id.0).ok_or(Unroutable::NoRoute)?;
            if let Some(translated) = nat.destination_outside(destination) {
                destination = translated;
                source = nat.outbound(now, source, destination)?;
                came_out_of = Some(id);
            }
            realm = *outside;
        }
        Err(Unroutable::NoRoute)
    }

    fn attachment_at(&self, realm: Realm, address: IpAddr) -> Option<usize> {
        let here = |a: &Attachment| a.realm == realm || (address.is_ipv6() && self.is_behind_nat64(a, realm));
        self.attachments.iter().position(|a| a.address == address && here(a))
    }

    /// Whether IPv6 packets of `realm` reach the attachment because there is only a NAT64 between them.
    fn is_behind_nat64(&self, attachment: &Attachment, realm: Realm) -> bool {
        let Realm::Behind(id) = attachment.realm else { return false };
        self.nats.get(id.0).is_some_and(|(nat, outside)| nat.config().nat64.is_some() && *outside == realm)
    }

    fn nat_at(&self, realm: Realm, address: IpAddr) -> Option<NatId> {
        self.nats.iter().position(|(nat, outside)| *outside == realm && nat.outside() == address).map(NatId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nat::Behaviour;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    /// Two hosts behind one NAT, and a server outside.
    fn household(hairpin: bool) -> (Network, NatId) {
        let mut network = Network::default();
        let config = NatConfig { hairpin, ..NatConfig::full_cone() };
        let nat = network.add_nat(config, [203, 0, 113, 1].into(), Realm::Internet);
        let seed = Seed::from_u64(1);
        network.attach(HostId(0), Interface::new([10, 0, 0, 2].into()).behind(nat), &seed);
        network.attach(HostId(1), Interface::new([10, 0, 0, 3].into()).behind(nat), &seed);
        network.attach(HostId(2), Interface::new([198, 51, 100, 1].into()), &seed);
        (network, nat)
    }

    #[test]
    fn a_nat64_embeds_ipv4_addresses_and_lets_ipv6_pass() {
        let mut network = Network::default();
        let seed = Seed::from_u64(1);
        let nat = network.add_nat(NatConfig::nat64(), [203, 0, 113, 1].into(), Realm::Internet);
        network.attach(HostId(0), Interface::new(at("[2001:db8::2]:1").ip()).behind(nat), &seed);
        network.attach(HostId(1), Interface::new([198, 51, 100, 1].into()), &seed);
        network.attach(HostId(2), Interface::new(at("[2001:db8::3]:1").ip()), &seed);
        let (host, embedded) = (at("[2001:db8::2]:5000"), at("[64:ff9b::198.51.100.1]:3478"));
        let there = network.route(Instant::ZERO, Realm::Behind(nat), host, embedded).unwrap();
        assert_eq!((there.attachment, there.destination), (1, at("198.51.100.1:3478")));
        assert_eq!(there.source.ip(), at("203.0.113.1:1").ip());
        let back = network.route(Instant::ZERO, Realm::Internet, there.destination, there.source).unwrap();
        assert_eq!((back.attachment, back.source, back.destination), (0, embedded, host));
        let other = at("[2001:db8::3]:6000");
        let native = network.route(Instant::ZERO, Realm::Behind(nat), host, other).unwrap();
        assert_eq!((native.attachment, native.source), (2, host));
        let back = network.route(Instant::ZERO, Realm::Internet, other, host).unwrap();
        assert_eq!((back.attachment, back.source), (0, other));
    }

    #[test]
    fn answers_find_their_way_back_through_nested_nats() {
        let mut network = Network::default();
        let seed = Seed::from_u64(1);
        let symmetric =
            NatConfig::new(Behaviour::AddressAndPortDependent, Behaviour::AddressAndPortDependent);
        let carrier = network.add_nat(symmetric, [203, 0, 113, 1].into(), Realm::Internet);
        let home =
            network.add_nat(NatConfig::port_restricted(), [100, 64, 0, 9].into(), Realm::Behind(carrier));
        network.attach(HostId(0), Interface::new([192, 168, 1, 2].into()).behind(home), &seed);
        network.attach(HostId(1), Interface::new([198, 51, 100, 1].into()), &seed);
        let (host, server) = (at("192.168.1.2:5000"), at("198.51.100.1:3478"));
        let out = network.route(Instant::ZERO, Realm::Behind(home), host, server).unwrap();
        assert_eq!((out.attachment, out.source.ip()), (1, [203, 0, 113, 1].into()));
        let back = network.route(Instant::ZERO, Realm::Internet, server, out.source).unwrap();
        assert_eq!((back.attachment, back.source, back.destination), (0, server, host));
    }

    #[test]
    fn hairpinning_reaches_a_neighbour_through_its_outside_address() {
        for hairpin in [true, false] {
            let (mut network, nat) = household(hairpin);
            let (a, b, server) = (at("10.0.0.2:5000"), at("10.0.0.3:5000"), at("198.51.100.1:3478"));
            let outside = network.route(Instant::ZERO, Realm::Behind(nat), b, server).unwrap().source;
            let routed = network.route(Instant::ZERO, Realm::Behind(nat), a, outside);
            match hairpin {
                true => assert_eq!(routed.map(|r| (r.attachment, r.destination)), Ok((1, b))),
                false => assert_eq!(routed, Err(Unroutable::Nat(NatRefusal::NoHairpin))),
            }
        }
    }

    #[test]
    fn neighbours_reach_each_other_directly_and_strangers_do_not() {
        let (mut network, nat) = household(true);
        let (a, b) = (at("10.0.0.2:5000"), at("10.0.0.3:5000"));
        let direct = network.route(Instant::ZERO, Realm::Behind(nat), a, b).unwrap();
        assert_eq!((direct.attachment, direct.source), (1, a));
        let from_outside = network.route(Instant::ZERO, Realm::Internet, at("198.51.100.1:1"), b);
        assert_eq!(from_outside, Err(Unroutable::NoRoute));
    }
}
