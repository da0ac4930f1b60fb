//! IPv6-only hosts whose network has a NAT64: they reach IPv4 peers and servers by addresses that embed the IPv4 ones.
//!
//! The prefix is found as RFC 7050 has it, by the host resolving a well-known name; it is asked for when there is
//! something to reach, and never by hosts that have an IPv4 address of their own.

use super::IceAgent;
use super::peer::NamePurpose;
use crate::base::{Base, BaseKind};
use crate::candidate::Transport;
use crate::event::NameId;
use crate::nat64::{Nat64Prefix, PROBE_NAME};
use crate::route::Route;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use sendrecv_core::Instant;

/// What is known of a NAT64 in front of us.
#[derive(Debug, Default)]
pub(crate) struct Nat64 {
    prefix: Option<Nat64Prefix>,
    /// Asked for since the last socket came.
    asked: bool,
    pending: Option<NameId>,
}

impl Nat64 {
    pub(super) const fn is_pending(&self) -> bool {
        self.pending.is_some()
    }
}

impl IceAgent {
    /// Another socket may be in another network.
    pub(super) fn doubt_nat64(&mut self) {
        self.nat64.asked = false;
    }

    /// The address by which `remote` is reached from `base`.
    pub(super) fn destination(&self, base: &Base, remote: SocketAddr) -> SocketAddr {
        match (self.nat64.prefix, remote.ip()) {
            (Some(prefix), IpAddr::V4(ip)) if is_ipv6_socket(base) => {
                SocketAddr::new(prefix.embed(ip).into(), remote.port())
            }
            _ => remote,
        }
    }

    /// The address of whoever is at the other end, as he knows it.
    pub(super) fn address_of_peer(&self, route: &Route) -> SocketAddr {
        let seen = route.remote();
        match (self.nat64.prefix, route, seen.ip()) {
            (Some(prefix), Route::Direct(_), IpAddr::V6(ip)) => {
                prefix.extract(ip).map_or(seen, |ip| SocketAddr::new(ip.into(), seen.port()))
            }
            _ => seen,
        }
    }

    /// `remote` is to be reached from `base`: asks for the prefix if that is what is missing.
    pub(super) fn consider_nat64(&mut self, base: crate::base::BaseId, remote: IpAddr) {
        let wanted = remote.is_ipv4() && self.bases.get(&base).is_some_and(is_ipv6_socket);
        if wanted && !self.nat64.asked && !self.bases.values().any(is_ipv4_socket) {
            self.nat64.asked = true;
            self.nat64.pending = Some(self.ask_for_name(NamePurpose::Nat64, PROBE_NAME.into()));
        }
    }

    /// The well-known name was resolved. What had to wait for it is done now.
    pub(super) fn nat64_resolved(&mut self, now: Instant, addresses: &[IpAddr]) {
        self.nat64.pending = None;
        let found = Nat64Prefix::discover(addresses);
        if found.is_none() || found == self.nat64.prefix {
            return;
        }
        self.nat64.prefix = found;
        for base in self.bases.keys().copied().collect::<Vec<_>>() {
            self.pair_base(now, base);
        }
        self.ask_ipv4_servers();
    }
}

/// A socket that a NAT64 could be in front of.
fn is_ipv6_socket(base: &Base) -> bool {
    let BaseKind::Socket(socket) = &base.kind else { return false };
    match socket.address.ip() {
        IpAddr::V6(ip) => !(ip.is_loopback() || ip.is_unicast_link_local()),
        IpAddr::V4(_) => false,
    }
}

fn is_ipv4_socket(base: &Base) -> bool {
    let BaseKind::Socket(socket) = &base.kind else { return false };
    socket.transport == Transport::Udp && socket.address.is_ipv4() && !socket.address.ip().is_loopback()
}
