use super::NatBehaviour::{AddressAndPortDependent, AddressDependent, EndpointIndependent};
use super::*;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

const SERVER: &str = "192.0.2.1:3478";
const OTHER: &str = "192.0.2.2:3479";

/// A NAT with a server of RFC 5780 behind it.
struct Internet {
    mapping: NatBehaviour,
    filtering: NatBehaviour,
    has_other: bool,
    sent_to: BTreeSet<SocketAddr>,
}

impl Internet {
    fn mapped(&self, destination: SocketAddr) -> SocketAddr {
        let [.., last] = match destination.ip() {
            std::net::IpAddr::V4(ip) => ip.octets(),
            std::net::IpAddr::V6(_) => panic!("IPv4 only"),
        };
        let port = match self.mapping {
            EndpointIndependent => 1000,
            AddressDependent => 1000 + u16::from(last),
            AddressAndPortDependent => u16::from(last) + destination.port(),
        };
        SocketAddr::new([203, 0, 113, 1].into(), port)
    }

    fn lets_in(&self, source: SocketAddr) -> bool {
        match self.filtering {
            EndpointIndependent => true,
            AddressDependent => self.sent_to.iter().any(|to| to.ip() == source.ip()),
            AddressAndPortDependent => self.sent_to.contains(&source),
        }
    }

    /// Carries a request to the server; its answer and where that comes from, if it passes the NAT.
    fn ask(&mut self, destination: SocketAddr, request: &[u8]) -> Option<(SocketAddr, Vec<u8>)> {
        self.sent_to.insert(destination);
        let request = Message::parse(request).unwrap();
        let (server, other): (SocketAddr, SocketAddr) = (SERVER.parse().unwrap(), OTHER.parse().unwrap());
        let change = request.attribute().unwrap_or(ChangeRequest { ip: false, port: false });
        let ip = if change.ip { other.ip() } else { destination.ip() };
        let source = SocketAddr::new(ip, if change.port { other.port() } else { destination.port() });
        let mut response = Vec::new();
        let mut builder = MessageBuilder::success(&mut response, &request).unwrap();
        builder.attribute(&XorMappedAddress(self.mapped(destination))).unwrap();
        if self.has_other {
            builder.attribute(&OtherAddress(if destination == server { other } else { server })).unwrap();
        }
        self.lets_in(source).then_some((source, response))
    }
}

fn discover(mut internet: Internet) -> NatReport {
    let path = Path::udp("10.0.0.1:5000".parse().unwrap(), SERVER.parse().unwrap());
    let mut now = Instant::from_millis(1);
    let mut discovery = BehaviourDiscovery::new(path, TransactionConfig::default(), &Seed::from_u64(1), now);
    loop {
        if let Some(report) = discovery.poll_event() {
            assert_eq!((discovery.poll_event(), discovery.poll_timeout()), (None, None));
            return report;
        }
        let mut slab = [0; 100];
        let mut packet = PacketBuf::new(&mut slab, 0, 0);
        if let Some(transmit) = discovery.poll_transmit(now, &mut packet) {
            let to = transmit.path.unwrap().remote;
            if let Some((from, response)) = internet.ask(to, packet.bytes()) {
                assert!(!discovery.handle_datagram(now, path, b"noise"));
                let way = Path { remote: from, ..path };
                assert!(discovery.handle_datagram(now, way, &response));
            }
            continue;
        }
        now = now.max(discovery.poll_timeout().unwrap());
        discovery.handle_timeout(now);
    }
}

#[test]
fn every_kind_of_nat_is_recognised() {
    let kinds = [EndpointIndependent, AddressDependent, AddressAndPortDependent];
    for mapping in kinds {
        for filtering in kinds {
            let internet = Internet { mapping, filtering, has_other: true, sent_to: BTreeSet::new() };
            let report = discover(internet);
            assert_eq!((report.mapping, report.filtering), (Some(mapping), Some(filtering)));
        }
    }
}

#[test]
fn a_server_without_another_address_tells_the_mapped_address_only() {
    let internet = Internet {
        mapping: EndpointIndependent,
        filtering: EndpointIndependent,
        has_other: false,
        sent_to: BTreeSet::new(),
    };
    let report = discover(internet);
    let mapped = Some("203.0.113.1:1000".parse().unwrap());
    assert_eq!(report, NatReport { mapped, mapping: None, filtering: None });
}
