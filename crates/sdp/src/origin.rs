//! `o=`, `c=`, `b=` and `t=` lines (RFC 8866, sections 5.2, 5.7, 5.8 and 5.9).

use crate::scan::{number, single, word};
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// `o=<username> <sess-id> <sess-version> IN <address type> <address>`: who made the description, and which version
/// of it this is (RFC 8866, section 5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The user's name, `-` when there is none.
    pub username: String,
    /// Identifies the session together with the name and the address; kept as text because its size is not bounded.
    pub session_id: String,
    /// Grows by one with every changed description.
    pub session_version: u64,
    /// The address of the author.
    pub address: Address,
}

impl Default for Origin {
    fn default() -> Self {
        Self {
            username: "-".to_owned(),
            session_id: "0".to_owned(),
            session_version: 0,
            address: Address::unspecified(),
        }
    }
}

impl Origin {
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (username, rest) = word(value);
        let (session_id, rest) = word(rest);
        let (version, address) = word(rest);
        if session_id.is_empty() {
            return None;
        }
        Some(Self {
            username: username.to_owned(),
            session_id: session_id.to_owned(),
            session_version: number(version)?,
            address: Address::parse(address)?,
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.username, self.session_id, self.session_version, self.address)
    }
}

/// The address family named in an [`Address`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressType {
    /// `IP4`.
    Ip4,
    /// `IP6`.
    Ip6,
}

/// `IN <address type> <address>`, as in `o=`, `c=` and `a=rtcp`.
///
/// The address stays text: it may be a name, and in `c=` it may carry a multicast TTL and count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The address family.
    pub address_type: AddressType,
    /// An IP address or a name.
    pub address: String,
}

impl Address {
    /// `IN IP4 0.0.0.0`: the default address of a description whose candidates come later (RFC 8840, section 4.1.3).
    pub fn unspecified() -> Self {
        Self { address_type: AddressType::Ip4, address: "0.0.0.0".to_owned() }
    }

    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (network, rest) = word(value);
        let (family, rest) = word(rest);
        let address_type = match family {
            "IP4" => AddressType::Ip4,
            "IP6" => AddressType::Ip6,
            _ => return None,
        };
        if network != "IN" {
            return None;
        }
        Some(Self { address_type, address: single(rest)?.to_owned() })
    }
}

impl From<core::net::IpAddr> for Address {
    fn from(ip: core::net::IpAddr) -> Self {
        let address_type = if ip.is_ipv4() { AddressType::Ip4 } else { AddressType::Ip6 };
        Self { address_type, address: alloc::format!("{ip}") }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.address_type {
            AddressType::Ip4 => "IN IP4 ",
            AddressType::Ip6 => "IN IP6 ",
        })?;
        f.write_str(&self.address)
    }
}

/// `b=<type>:<value>` (RFC 8866, section 5.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bandwidth {
    /// `AS`, `CT`, `TIAS`, `RS`, `RR`, …
    pub kind: String,
    /// Kilobits per second, or bits per second for `TIAS`, `RS` and `RR` (RFC 3890, RFC 3556).
    pub value: u64,
}

impl Bandwidth {
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (kind, value) = value.split_once(':')?;
        Some(Self { kind: single(kind)?.to_owned(), value: number(single(value)?)? })
    }
}

impl fmt::Display for Bandwidth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.value)
    }
}

/// One `t=` line and the `r=` lines that belong to it (RFC 8866, sections 5.9 and 5.10).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// Start in NTP seconds; 0 means unbounded.
    pub start: u64,
    /// End in NTP seconds; 0 means unbounded.
    pub stop: u64,
    /// The values of the `r=` lines, as written.
    pub repeats: Vec<String>,
}

impl Timing {
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (start, stop) = word(value);
        Some(Self { start: number(start)?, stop: number(single(stop)?)?, repeats: Vec::new() })
    }
}
