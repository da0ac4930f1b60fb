//! TURN's attributes (RFC 8656, section 18) and those of behaviour discovery (RFC 5780, section 7).

use super::macros::{bytes_attribute, flag_attribute, number_attribute};
use super::{Attribute, AttributeType};
use crate::TransactionId;
use core::net::IpAddr;
use sendrecv_core::{NoSpace, Writer};

number_attribute!(
    /// LIFETIME: seconds until an allocation ends.
    Lifetime(u32) = LIFETIME
);
bytes_attribute!(
    /// DATA: the payload of a Send or Data indication.
    Data = DATA
);
flag_attribute!(
    /// DONT-FRAGMENT: the relay is to set the DF bit.
    DontFragment = DONT_FRAGMENT
);
number_attribute!(
    /// RESERVATION-TOKEN: a port reserved by EVEN-PORT.
    ReservationToken(u64) = RESERVATION_TOKEN
);
bytes_attribute!(
    /// PADDING: makes a request long enough to be fragmented (RFC 5780).
    Padding = PADDING
);

/// An IP address family, as TURN numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressFamily {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl AddressFamily {
    /// The family of `address`.
    pub const fn of(address: &IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    pub(super) const fn code(self) -> u8 {
        match self {
            Self::V4 => 1,
            Self::V6 => 2,
        }
    }

    pub(super) const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::V4),
            2 => Some(Self::V6),
            _ => None,
        }
    }
}

/// An attribute with one meaningful byte and three reserved ones.
macro_rules! byte_and_reserved {
    ($(#[$doc:meta])* $name:ident($inner:ty) = $code:ident, $from:expr, $to:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name(pub $inner);

        impl<'a> Attribute<'a> for $name {
            const TYPE: AttributeType = AttributeType::$code;

            fn decode(value: &'a [u8], _: TransactionId) -> Option<Self> {
                let [byte, _, _, _] = value.try_into().ok()?;
                let from: fn(u8) -> Option<$inner> = $from;
                from(byte).map(Self)
            }

            fn encode<W: Writer>(&self, _: TransactionId, out: &mut W) -> Result<(), NoSpace> {
                let to: fn($inner) -> u8 = $to;
                out.put(&[to(self.0), 0, 0, 0])
            }
        }
    };
}

byte_and_reserved!(
    /// REQUESTED-ADDRESS-FAMILY: the relayed address's family.
    RequestedAddressFamily(AddressFamily) = REQUESTED_ADDRESS_FAMILY,
    AddressFamily::from_code,
    AddressFamily::code
);
byte_and_reserved!(
    /// ADDITIONAL-ADDRESS-FAMILY: ask for a relayed address of this family beside the IPv4 one.
    AdditionalAddressFamily(AddressFamily) = ADDITIONAL_ADDRESS_FAMILY,
    AddressFamily::from_code,
    AddressFamily::code
);
byte_and_reserved!(
    /// REQUESTED-TRANSPORT: the IP protocol number between relay and peers.
    RequestedTransport(u8) = REQUESTED_TRANSPORT,
    Some,
    |protocol| protocol
);

impl RequestedTransport {
    /// UDP, the only one that RFC 8656 allows.
    pub const UDP: Self = Self(17);
}

/// A 16-bit number followed by two reserved bytes.
macro_rules! short_and_reserved {
    ($(#[$doc:meta])* $name:ident = $code:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name(pub u16);

        impl<'a> Attribute<'a> for $name {
            const TYPE: AttributeType = AttributeType::$code;

            fn decode(value: &'a [u8], _: TransactionId) -> Option<Self> {
                let [high, low, _, _] = value.try_into().ok()?;
                Some(Self(u16::from_be_bytes([high, low])))
            }

            fn encode<W: Writer>(&self, _: TransactionId, out: &mut W) -> Result<(), NoSpace> {
                out.put_u16(self.0)?;
                out.put_u16(0)
            }
        }
    };
}

short_and_reserved!(
    /// CHANNEL-NUMBER: 0x4000 to 0x4fff.
    ChannelNumber = CHANNEL_NUMBER
);
short_and_reserved!(
    /// RESPONSE-PORT: the port a response is to be sent to (RFC 5780).
    ResponsePort = RESPONSE_PORT
);

/// EVEN-PORT: ask for an even relayed port, and perhaps reserve the next higher one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvenPort {
    /// Whether to reserve the next port.
    pub reserve: bool,
}

impl<'a> Attribute<'a> for EvenPort {
    const TYPE: AttributeType = AttributeType::EVEN_PORT;

    fn decode(value: &'a [u8], _: TransactionId) -> Option<Self> {
        let [flags] = value.try_into().ok()?;
        Some(Self { reserve: flags & 0x80 != 0 })
    }

    fn encode<W: Writer>(&self, _: TransactionId, out: &mut W) -> Result<(), NoSpace> {
        out.put_u8(if self.reserve { 0x80 } else { 0 })
    }
}

/// ICMP: an ICMP error that the relay got from the way to a peer. RFC 8656 draws the type one bit narrower than ICMP's
/// own; deployed servers write one byte each, and so is it read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Icmp {
    /// The ICMP type.
    pub kind: u8,
    /// The ICMP code.
    pub code: u8,
    /// Four bytes of the error: the next hop's MTU for "too big".
    pub data: [u8; 4],
}

impl<'a> Attribute<'a> for Icmp {
    const TYPE: AttributeType = AttributeType::ICMP;

    fn decode(value: &'a [u8], _: TransactionId) -> Option<Self> {
        let [_, _, kind, code, data @ ..]: [u8; 8] = value.try_into().ok()?;
        Some(Self { kind, code, data })
    }

    fn encode<W: Writer>(&self, _: TransactionId, out: &mut W) -> Result<(), NoSpace> {
        out.put(&[0, 0, self.kind, self.code])?;
        out.put(&self.data)
    }
}

/// CHANGE-REQUEST: answer from another address or port (RFC 5780).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeRequest {
    /// From the server's other address.
    pub ip: bool,
    /// From the server's other port.
    pub port: bool,
}

impl<'a> Attribute<'a> for ChangeRequest {
    const TYPE: AttributeType = AttributeType::CHANGE_REQUEST;

    fn decode(value: &'a [u8], _: TransactionId) -> Option<Self> {
        let [_, _, _, flags] = value.try_into().ok()?;
        Some(Self { ip: flags & 4 != 0, port: flags & 2 != 0 })
    }

    fn encode<W: Writer>(&self, _: TransactionId, out: &mut W) -> Result<(), NoSpace> {
        let ip = if self.ip { 4 } else { 0 };
        let port = if self.port { 2 } else { 0 };
        out.put_u32(ip | port)
    }
}
