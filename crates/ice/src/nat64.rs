//! Addresses of IPv4 hosts as IPv6-only networks with a NAT64 write them (RFC 6052, section 2.2).
//!
//! ```text
//! +--+---+---+---+---+---+---+---+---+---+---+---+---+---+---+---+---+
//! |PL| 0-------------32--40--48--56--64--72--80--88--96--104---------|
//! +--+---+---+---+---+---+---+---+---+---+---+---+---+---+---+---+---+
//! |32|     prefix    |v4(32)         | 0 | suffix                    |
//! |40|     prefix        |v4(24)     | 0 |(8)| suffix                |
//! |48|     prefix            |v4(16) | 0 | (16)  | suffix            |
//! |56|     prefix                |(8)| 0 |  v4(24)   | suffix        |
//! |64|     prefix                    | 0 |   v4(32)      | suffix    |
//! |96|     prefix                                    |    v4(32)     |
//! +--+---+---+---+---+---+---+---+---+---+---+---+---+---+---+---+---+
//! ```

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A name with IPv4 addresses only: its IPv6 addresses show the prefix that DNS64 makes them with (RFC 7050).
pub(crate) const PROBE_NAME: &str = "ipv4only.arpa";

/// The IPv4 addresses of [`PROBE_NAME`].
const PROBE_ADDRESSES: [Ipv4Addr; 2] = [Ipv4Addr::new(192, 0, 0, 170), Ipv4Addr::new(192, 0, 0, 171)];

/// The octet that no address is put into.
const RESERVED: usize = 8;

/// Prefix lengths in octets, the most usual one first.
const LENGTHS: [usize; 6] = [12, 8, 7, 6, 5, 4];

/// The prefix of a NAT64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Nat64Prefix {
    octets: [u8; 16],
    /// In octets.
    len: usize,
}

impl Nat64Prefix {
    /// The prefix that the addresses of [`PROBE_NAME`] show; `None` where there is no NAT64.
    pub(crate) fn discover(addresses: &[IpAddr]) -> Option<Self> {
        addresses.iter().find_map(|address| match address {
            IpAddr::V6(ip) => LENGTHS.into_iter().find_map(|len| Self::shown_by(*ip, len)),
            IpAddr::V4(_) => None,
        })
    }

    fn shown_by(probe: Ipv6Addr, len: usize) -> Option<Self> {
        let mut octets = probe.octets();
        for octet in octets.get_mut(len..)? {
            *octet = 0;
        }
        let prefix = Self { octets, len };
        prefix.extract(probe).filter(|embedded| PROBE_ADDRESSES.contains(embedded)).map(|_| prefix)
    }

    /// The address by which an IPv4 host is reached.
    pub(crate) fn embed(self, ip: Ipv4Addr) -> Ipv6Addr {
        let mut octets = self.octets;
        let places = octets.iter_mut().enumerate().skip(self.len).filter(|(at, _)| *at != RESERVED);
        for ((_, place), octet) in places.zip(ip.octets()) {
            *place = octet;
        }
        octets.into()
    }

    /// The IPv4 host that is reached by this address.
    pub(crate) fn extract(self, ip: Ipv6Addr) -> Option<Ipv4Addr> {
        let octets = ip.octets();
        let places = octets.iter().enumerate().skip(self.len).filter(|(at, _)| *at != RESERVED);
        let mut embedded = [0; 4];
        for (place, (_, octet)) in embedded.iter_mut().zip(places) {
            *place = *octet;
        }
        let embedded = embedded.into();
        (self.embed(embedded) == ip).then_some(embedded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 6052, section 2.4.
    const EXAMPLES: [(usize, &str, &str); 6] = [
        (4, "2001:db8::", "2001:db8:c000:221::"),
        (5, "2001:db8:100::", "2001:db8:1c0:2:21::"),
        (6, "2001:db8:122::", "2001:db8:122:c000:2:2100::"),
        (7, "2001:db8:122:300::", "2001:db8:122:3c0:0:221::"),
        (8, "2001:db8:122:344::", "2001:db8:122:344:c0:2:2100::"),
        (12, "2001:db8:122:344::", "2001:db8:122:344::192.0.2.33"),
    ];

    #[test]
    fn the_rfcs_examples_come_out_both_ways() {
        for (len, prefix, embedded) in EXAMPLES {
            let prefix = Nat64Prefix { octets: prefix.parse::<Ipv6Addr>().unwrap().octets(), len };
            let embedded: Ipv6Addr = embedded.parse().unwrap();
            let ip = Ipv4Addr::new(192, 0, 2, 33);
            assert_eq!(prefix.embed(ip), embedded, "{len}");
            assert_eq!(prefix.extract(embedded), Some(ip), "{len}");
            assert_eq!(prefix.extract(Ipv6Addr::LOCALHOST), None);
        }
    }

    #[test]
    fn the_prefix_is_found_in_the_addresses_of_a_name_that_has_ipv4_only() {
        for (len, prefix, _) in EXAMPLES {
            let prefix = Nat64Prefix { octets: prefix.parse::<Ipv6Addr>().unwrap().octets(), len };
            let probe = prefix.embed(PROBE_ADDRESSES[1]);
            let found = Nat64Prefix::discover(&[PROBE_ADDRESSES[0].into(), probe.into()]).unwrap();
            assert_eq!(found, prefix);
        }
        let others = ["192.0.0.170", "2001:db8::1", "64:ff9b::192.0.2.1"].map(|ip| ip.parse().unwrap());
        assert_eq!(Nat64Prefix::discover(&others), None);
        assert_eq!(Nat64Prefix::discover(&[]), None);
    }
}
