//! The addresses of this machine.

use crate::bind::{BindOptions, Loopback};
use std::io;
use std::net::IpAddr;

/// An address of one of this machine's interfaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalAddress {
    /// The address.
    pub ip: IpAddr,
    /// The interface's name, e.g. `eth0`; empty for addresses that were asked for by name of address.
    pub interface: String,
    /// The interface's index: the scope of link-local IPv6 addresses.
    pub index: u32,
}

/// The addresses to use under `options`, in the system's order, each once.
pub fn local_addresses(options: &BindOptions) -> io::Result<Vec<LocalAddress>> {
    if !options.addresses.is_empty() {
        return Ok(options.addresses.iter().copied().map(asked_for).collect());
    }
    Ok(select(all_addresses()?, options))
}

/// Every address of an interface that is up, in the system's order, each once.
pub(crate) fn all_addresses() -> io::Result<Vec<LocalAddress>> {
    let mut all = Vec::new();
    for interface in if_addrs::get_if_addrs()? {
        let address = LocalAddress {
            ip: interface.ip(),
            index: interface.index.unwrap_or(0),
            interface: interface.name.clone(),
        };
        if interface.is_oper_up() && !all.contains(&address) {
            all.push(address);
        }
    }
    Ok(all)
}

/// The addresses to use under `options` when the machine has `all`: of those asked for by name, the ones it has.
pub(crate) fn usable_addresses(all: &[LocalAddress], options: &BindOptions) -> Vec<LocalAddress> {
    if options.addresses.is_empty() {
        return select(all.to_vec(), options);
    }
    // The whole of 127.0.0.0/8 can be bound without being listed.
    let is_here =
        |ip: &IpAddr| ip.is_loopback() || ip.is_unspecified() || all.iter().any(|address| address.ip == *ip);
    options.addresses.iter().copied().filter(is_here).map(asked_for).collect()
}

const fn asked_for(ip: IpAddr) -> LocalAddress {
    LocalAddress { ip, interface: String::new(), index: 0 }
}

fn select(all: Vec<LocalAddress>, options: &BindOptions) -> Vec<LocalAddress> {
    let usable = |address: &LocalAddress| {
        (options.ipv6 || address.ip.is_ipv4()) && (options.link_local || !is_link_local(address.ip))
    };
    let (loopback, ordinary): (Vec<_>, Vec<_>) =
        all.into_iter().filter(usable).partition(|address| address.ip.is_loopback());
    match options.loopback {
        Loopback::Always => ordinary.into_iter().chain(loopback).collect(),
        Loopback::WhenAlone if ordinary.is_empty() => loopback,
        Loopback::WhenAlone | Loopback::Never => ordinary,
    }
}

const fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<LocalAddress> {
        texts.iter().map(|text| asked_for(text.parse().unwrap())).collect()
    }

    fn selected(texts: &[&str], options: &BindOptions) -> Vec<String> {
        select(addresses(texts), options).into_iter().map(|address| address.ip.to_string()).collect()
    }

    const MACHINE: [&str; 6] = ["127.0.0.1", "::1", "192.168.1.5", "169.254.7.7", "fe80::1", "fd00::5"];

    #[test]
    fn ordinary_addresses_are_used_and_special_ones_on_request() {
        assert_eq!(selected(&MACHINE, &BindOptions::default()), ["192.168.1.5", "fd00::5"]);
        let options = BindOptions { ipv6: false, loopback: Loopback::Always, ..BindOptions::default() };
        assert_eq!(selected(&MACHINE, &options), ["192.168.1.5", "127.0.0.1"]);
        let options = BindOptions { link_local: true, ..BindOptions::default() };
        assert_eq!(selected(&MACHINE, &options).len(), 4);
    }

    #[test]
    fn a_machine_without_network_uses_loopback_unless_told_not_to() {
        assert_eq!(selected(&["127.0.0.1"], &BindOptions::default()), ["127.0.0.1"]);
        let options = BindOptions { loopback: Loopback::Never, ..BindOptions::default() };
        assert!(selected(&["127.0.0.1"], &options).is_empty());
    }

    #[test]
    fn of_addresses_asked_for_those_the_machine_has_are_used() {
        let asked = ["127.0.0.9", "192.168.1.5", "10.0.0.1"].map(|text| text.parse().unwrap());
        let options = BindOptions { addresses: asked.to_vec(), ..BindOptions::default() };
        let usable = usable_addresses(&addresses(&MACHINE), &options);
        assert_eq!(usable, addresses(&["127.0.0.9", "192.168.1.5"]));
        assert_eq!(usable_addresses(&addresses(&MACHINE), &BindOptions::default()).len(), 2);
    }

    #[test]
    fn this_machine_has_an_address() {
        assert!(!local_addresses(&BindOptions::default()).unwrap().is_empty());
    }
}
