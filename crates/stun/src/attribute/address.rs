//! Attributes that carry a transport address (RFC 8489, sections 14.1, 14.2 and 14.15).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |0 0 0 0 0 0 0 0|  family 1, 2  |             port              |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                address, 4 or 16 bytes                         |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! In the XOR forms the port is XOR-ed with the top half of the magic cookie, the address with the magic cookie and,
//! beyond its first four bytes, the transaction id. NATs that rewrite addresses they find in payloads miss those.

use crate::TransactionId;
use crate::header::MAGIC_COOKIE;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use sendrecv_core::{NoSpace, Reader, Writer};

const FAMILY_IPV4: u8 = 1;
const FAMILY_IPV6: u8 = 2;

fn decode(value: &[u8]) -> Option<SocketAddr> {
    let mut reader = Reader::new(value);
    let [_, family, port_high, port_low] = reader.array().ok()?;
    let ip = match family {
        FAMILY_IPV4 => IpAddr::from(reader.array::<4>().ok()?),
        FAMILY_IPV6 => IpAddr::from(reader.array::<16>().ok()?),
        _ => return None,
    };
    reader.is_empty().then(|| SocketAddr::new(ip, u16::from_be_bytes([port_high, port_low])))
}

fn encode<W: Writer>(address: SocketAddr, out: &mut W) -> Result<(), NoSpace> {
    let [port_high, port_low] = address.port().to_be_bytes();
    match address.ip() {
        IpAddr::V4(ip) => {
            out.put(&[0, FAMILY_IPV4, port_high, port_low])?;
            out.put(&ip.octets())
        }
        IpAddr::V6(ip) => {
            out.put(&[0, FAMILY_IPV6, port_high, port_low])?;
            out.put(&ip.octets())
        }
    }
}

/// Masks or unmasks: XOR is its own inverse.
fn xor(address: SocketAddr, id: TransactionId) -> SocketAddr {
    let [cookie_high, cookie_low, ..] = MAGIC_COOKIE.to_be_bytes();
    let port = address.port() ^ u16::from_be_bytes([cookie_high, cookie_low]);
    let ip = match address.ip() {
        IpAddr::V4(ip) => Ipv4Addr::from_bits(ip.to_bits() ^ MAGIC_COOKIE).into(),
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() ^ mask128(id)).into(),
    };
    SocketAddr::new(ip, port)
}

fn mask128(TransactionId(id): TransactionId) -> u128 {
    let id = id.iter().fold(0, |bits, byte| (bits << 8) | u128::from(*byte));
    (u128::from(MAGIC_COOKIE) << 96) | id
}

macro_rules! address_attribute {
    ($(#[$doc:meta])* $name:ident = $code:ident, $transform:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name(pub SocketAddr);

        impl<'a> super::Attribute<'a> for $name {
            const TYPE: super::AttributeType = super::AttributeType::$code;

            fn decode(value: &'a [u8], id: TransactionId) -> Option<Self> {
                let transform: fn(SocketAddr, TransactionId) -> SocketAddr = $transform;
                decode(value).map(|address| Self(transform(address, id)))
            }

            fn encode<W: Writer>(&self, id: TransactionId, out: &mut W) -> Result<(), NoSpace> {
                let transform: fn(SocketAddr, TransactionId) -> SocketAddr = $transform;
                encode(transform(self.0, id), out)
            }
        }
    };
}

address_attribute!(
    /// MAPPED-ADDRESS: where the server saw the request come from, in clear.
    MappedAddress = MAPPED_ADDRESS, |address, _| address
);
address_attribute!(
    /// XOR-MAPPED-ADDRESS: where the server saw the request come from.
    XorMappedAddress = XOR_MAPPED_ADDRESS, xor
);
address_attribute!(
    /// XOR-PEER-ADDRESS: the peer beyond a TURN relay.
    XorPeerAddress = XOR_PEER_ADDRESS, xor
);
address_attribute!(
    /// XOR-RELAYED-ADDRESS: the address a TURN server allocated.
    XorRelayedAddress = XOR_RELAYED_ADDRESS, xor
);
address_attribute!(
    /// ALTERNATE-SERVER: where to try instead, in a 300 response.
    AlternateServer = ALTERNATE_SERVER, |address, _| address
);
address_attribute!(
    /// RESPONSE-ORIGIN: the address a response was sent from (RFC 5780).
    ResponseOrigin = RESPONSE_ORIGIN, |address, _| address
);
address_attribute!(
    /// OTHER-ADDRESS: the server's other address and port (RFC 5780).
    OtherAddress = OTHER_ADDRESS, |address, _| address
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_addresses_are_refused() {
        assert_eq!(decode(&[0, 1, 0, 1, 1, 2, 3]), None);
        assert_eq!(decode(&[0, 1, 0, 1, 1, 2, 3, 4, 5]), None);
        assert_eq!(decode(&[0, 3, 0, 1, 1, 2, 3, 4]), None);
        assert_eq!(decode(&[0, 2, 0, 1, 1, 2, 3, 4]), None);
        assert_eq!(decode(&[]), None);
        assert!(decode(&[0xff, 1, 0, 1, 1, 2, 3, 4]).is_some(), "the first byte is ignored");
    }

    #[test]
    fn masking_twice_is_the_identity() {
        let id = TransactionId(*b"abcdefghijkl");
        for address in ["192.0.2.1:32853", "[2001:db8::1]:9"].map(|text| text.parse().unwrap()) {
            assert_ne!(xor(address, id), address);
            assert_eq!(xor(xor(address, id), id), address);
        }
    }
}
