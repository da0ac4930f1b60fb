//! STUN and TURN servers and their URLs (RFC 7064, RFC 7065).

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;
use core::net::{IpAddr, Ipv6Addr};
use core::str::FromStr;
use sendrecv_core::Protocol;

/// One server to gather candidates from.
#[derive(Clone, PartialEq, Eq)]
pub struct IceServer {
    /// Where it is.
    pub url: ServerUrl,
    /// The user name for TURN.
    pub username: String,
    /// The password for TURN.
    pub credential: String,
}

impl IceServer {
    /// A STUN server, which needs no credentials.
    pub const fn stun(url: ServerUrl) -> Self {
        Self { url, username: String::new(), credential: String::new() }
    }

    /// A TURN server.
    pub fn turn(url: ServerUrl, username: &str, credential: &str) -> Self {
        Self { url, username: username.to_owned(), credential: credential.to_owned() }
    }
}

impl fmt::Debug for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IceServer({}, username {:?})", self.url, self.username)
    }
}

/// What a server is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServerKind {
    /// The address it sees us from.
    Stun,
    /// An address of its own.
    Turn,
}

/// The host part of a URL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServerHost {
    /// An address.
    Ip(IpAddr),
    /// A name that the host has to resolve.
    Name(String),
}

/// A `stun:`, `stuns:`, `turn:` or `turns:` URL, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUrl {
    /// STUN or TURN.
    pub kind: ServerKind,
    /// Name or address.
    pub host: ServerHost,
    /// The port; 3478, or 5349 with TLS, unless the URL has one.
    pub port: u16,
    /// How to reach it: UDP unless the URL says otherwise, TLS for `stuns` and `turns`.
    pub protocol: Protocol,
}

/// Why a server URL was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlError {
    /// The scheme is not `stun`, `stuns`, `turn` or `turns`.
    Scheme,
    /// The host is empty or has characters that hosts do not have.
    Host,
    /// The port is not a number of 1 to 65535.
    Port,
    /// A query that is not `?transport=udp` or `?transport=tcp`, or a query at a STUN URL.
    Query,
    /// A path, fragment or user part, which these URLs do not have.
    Trailing,
    /// `turns` over UDP would be DTLS (RFC 7350), which is not offered here.
    Dtls,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "scheme is not stun, stuns, turn or turns",
            Self::Host => "missing or invalid host",
            Self::Port => "port is not a number of 1 to 65535",
            Self::Query => "query is not transport=udp or transport=tcp of a TURN URL",
            Self::Trailing => "path, fragment or user part in a STUN or TURN URL",
            Self::Dtls => "TURN over DTLS is not supported",
        })
    }
}

impl core::error::Error for UrlError {}

impl FromStr for ServerUrl {
    type Err = UrlError;

    fn from_str(url: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = url.split_once(':').ok_or(UrlError::Scheme)?;
        let (kind, tls) = scheme_of(scheme)?;
        let (authority, query) =
            rest.split_once('?').map_or((rest, None), |(host, query)| (host, Some(query)));
        if authority.contains(['/', '#', '@']) {
            return Err(UrlError::Trailing);
        }
        let (host, port) = split_authority(authority)?;
        let protocol = protocol_of(kind, tls, query)?;
        let default_port = if tls { 5349 } else { 3478 };
        Ok(Self { kind, host, port: port.unwrap_or(default_port), protocol })
    }
}

fn scheme_of(scheme: &str) -> Result<(ServerKind, bool), UrlError> {
    let is = |name: &str| scheme.eq_ignore_ascii_case(name);
    match () {
        () if is("stun") => Ok((ServerKind::Stun, false)),
        () if is("stuns") => Ok((ServerKind::Stun, true)),
        () if is("turn") => Ok((ServerKind::Turn, false)),
        () if is("turns") => Ok((ServerKind::Turn, true)),
        () => Err(UrlError::Scheme),
    }
}

fn protocol_of(kind: ServerKind, tls: bool, query: Option<&str>) -> Result<Protocol, UrlError> {
    let transport = match (kind, query) {
        (_, None) => None,
        (ServerKind::Stun, Some(_)) => return Err(UrlError::Query),
        (ServerKind::Turn, Some(query)) => Some(query.strip_prefix("transport=").ok_or(UrlError::Query)?),
    };
    match (tls, transport) {
        (false, None | Some("udp")) => Ok(Protocol::Udp),
        (false, Some("tcp")) => Ok(Protocol::Tcp),
        (true, None | Some("tcp")) => Ok(Protocol::Tls),
        (true, Some("udp")) => Err(UrlError::Dtls),
        (_, Some(_)) => Err(UrlError::Query),
    }
}

/// Host and port of `host`, `host:port`, `[v6]` or `[v6]:port`.
fn split_authority(authority: &str) -> Result<(ServerHost, Option<u16>), UrlError> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (ip, rest) = rest.split_once(']').ok_or(UrlError::Host)?;
        let ip: Ipv6Addr = ip.parse().map_err(|_| UrlError::Host)?;
        let port = match rest.strip_prefix(':') {
            Some(port) => Some(parse_port(port)?),
            None if rest.is_empty() => None,
            None => return Err(UrlError::Port),
        };
        return Ok((ServerHost::Ip(ip.into()), port));
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(parse_port(port)?)),
        None => (authority, None),
    };
    Ok((parse_host(host)?, port))
}

fn parse_port(port: &str) -> Result<u16, UrlError> {
    match port.parse() {
        Ok(0) | Err(_) => Err(UrlError::Port),
        Ok(port) => Ok(port),
    }
}

fn parse_host(host: &str) -> Result<ServerHost, UrlError> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(ServerHost::Ip(ip));
    }
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if host.is_empty() || host.len() > 253 || !host.bytes().all(valid) {
        return Err(UrlError::Host);
    }
    Ok(ServerHost::Name(host.to_owned()))
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.kind, self.protocol) {
            (ServerKind::Stun, Protocol::Tls) => "stuns:",
            (ServerKind::Stun, _) => "stun:",
            (ServerKind::Turn, Protocol::Tls) => "turns:",
            (ServerKind::Turn, _) => "turn:",
        })?;
        match &self.host {
            ServerHost::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]:{}", self.port)?,
            ServerHost::Ip(ip) => write!(f, "{ip}:{}", self.port)?,
            ServerHost::Name(name) => write!(f, "{name}:{}", self.port)?,
        }
        match (self.kind, self.protocol) {
            (ServerKind::Stun, _) => Ok(()),
            (ServerKind::Turn, Protocol::Udp) => f.write_str("?transport=udp"),
            (ServerKind::Turn, Protocol::Tcp | Protocol::Tls) => f.write_str("?transport=tcp"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[test]
    fn the_rfcs_examples_parse() {
        let cases = [
            ("stun:example.org", "stun:example.org:3478"),
            ("stuns:example.org", "stuns:example.org:5349"),
            ("stun:example.org:8000", "stun:example.org:8000"),
            ("turn:example.org", "turn:example.org:3478?transport=udp"),
            ("turns:example.org", "turns:example.org:5349?transport=tcp"),
            ("turn:example.org?transport=tcp", "turn:example.org:3478?transport=tcp"),
            ("turn:[2001:db8::1]:80?transport=udp", "turn:[2001:db8::1]:80?transport=udp"),
            ("STUN:192.0.2.1", "stun:192.0.2.1:3478"),
        ];
        for (url, canonical) in cases {
            assert_eq!(url.parse::<ServerUrl>().unwrap().to_string(), canonical);
        }
    }

    #[test]
    fn refusals_say_what_is_wrong() {
        let cases = [
            ("http://example.org", UrlError::Scheme),
            ("example.org", UrlError::Scheme),
            ("stun:", UrlError::Host),
            ("stun:exa mple", UrlError::Host),
            ("stun:[::1", UrlError::Host),
            ("stun:example.org:0", UrlError::Port),
            ("stun:example.org:99999", UrlError::Port),
            ("stun:[::1]80", UrlError::Port),
            ("stun:example.org?transport=udp", UrlError::Query),
            ("turn:example.org?transport=sctp", UrlError::Query),
            ("turn:example.org?tls=1", UrlError::Query),
            ("stun://example.org", UrlError::Trailing),
            ("turn:user@example.org", UrlError::Trailing),
            ("turns:example.org?transport=udp", UrlError::Dtls),
        ];
        for (url, error) in cases {
            assert_eq!(url.parse::<ServerUrl>(), Err(error), "{url}");
        }
    }

    #[test]
    fn credentials_do_not_print() {
        let server = IceServer::turn("turn:a".parse().unwrap(), "me", "hunter2");
        assert!(!alloc::format!("{server:?}").contains("hunter2"));
    }

    proptest! {
        #[test]
        fn arbitrary_urls_do_not_panic_and_print_what_they_parse(url in "(stun|turn)s?:[ -~]{0,40}") {
            if let Ok(parsed) = url.parse::<ServerUrl>() {
                prop_assert_eq!(parsed.to_string().parse(), Ok(parsed));
            }
        }
    }
}
