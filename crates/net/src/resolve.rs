//! Names to addresses.

use crate::mdns;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::time::Duration;

/// How long multicast DNS is asked: browsers answer within milliseconds, or their page is gone.
const MDNS_PATIENCE: Duration = Duration::from_secs(3);

/// Whether a name belongs to multicast DNS (RFC 6762, section 3), like the names browsers signal in place of their
/// addresses.
pub fn is_mdns_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.len() > 6 && name.get(name.len() - 6..).is_some_and(|end| end.eq_ignore_ascii_case(".local"))
}

/// The addresses of `name`, in the order of preference. Blocks: for seconds, when nobody answers. An IP address in
/// text is its own answer.
pub fn resolve(name: &str) -> io::Result<Vec<IpAddr>> {
    if let Ok(ip) = name.parse() {
        return Ok(vec![ip]);
    }
    if is_mdns_name(name) {
        return mdns::query(name, MDNS_PATIENCE);
    }
    let mut addresses = Vec::new();
    for address in (name, 0).to_socket_addrs()? {
        if !addresses.contains(&address.ip()) {
            addresses.push(address.ip());
        }
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_under_local_are_multicast_names() {
        assert!(is_mdns_name("0c6a9a4e-9f5b-4c1e-8f0e-3a5d.local"));
        assert!(is_mdns_name("Printer.LOCAL."));
        assert!(!is_mdns_name("example.org") && !is_mdns_name(".local") && !is_mdns_name("notlocal"));
    }

    #[test]
    fn addresses_and_localhost_resolve() {
        assert_eq!(resolve("192.0.2.7").unwrap(), [IpAddr::from([192, 0, 2, 7])]);
        assert!(resolve("localhost").unwrap().iter().all(IpAddr::is_loopback));
    }
}
