//! Bases: what checks and data are sent from (RFC 8445, section 4, "Base").

use crate::candidate::{CandidateKind, Transport};
use crate::local::LocalId;
use crate::priority;
use crate::route::{RelayId, Route};
use crate::socket::LocalSocket;
use core::net::SocketAddr;
use sendrecv_core::{Path, Protocol};

/// Names a base within one agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BaseId(pub(crate) u32);

impl BaseId {
    pub(crate) const MIN: Self = Self(u32::MIN);
    pub(crate) const MAX: Self = Self(u32::MAX);
}

/// What checks and data are sent from.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) kind: BaseKind,
    /// The preference of its address among ours.
    pub(crate) preference: u16,
    /// The candidate that is its own base.
    pub(crate) candidate: LocalId,
}

/// A host's socket, or an allocation.
#[derive(Debug)]
pub(crate) enum BaseKind {
    /// A socket.
    Socket(LocalSocket),
    /// An allocation on a TURN server.
    Relay(RelayBase),
}

/// What makes up a relayed base.
#[derive(Debug)]
pub(crate) struct RelayBase {
    pub(crate) id: RelayId,
    pub(crate) address: SocketAddr,
    pub(crate) server: Protocol,
}

impl Base {
    pub(crate) const fn address(&self) -> SocketAddr {
        match &self.kind {
            BaseKind::Socket(socket) => socket.address,
            BaseKind::Relay(relay) => relay.address,
        }
    }

    pub(crate) const fn transport(&self) -> Transport {
        match &self.kind {
            BaseKind::Socket(socket) => socket.transport,
            BaseKind::Relay(_) => Transport::Udp,
        }
    }

    pub(crate) const fn is_relay(&self) -> bool {
        matches!(self.kind, BaseKind::Relay(_))
    }

    /// Whether it is a socket of datagrams that are never cut up.
    pub(crate) fn keeps_datagrams_whole(&self) -> bool {
        matches!(&self.kind, BaseKind::Socket(socket) if socket.transport == Transport::Udp && socket.dont_fragment)
    }

    /// The way to `remote`; active TCP has none before its stream is open.
    pub(crate) fn route(&self, remote: SocketAddr) -> Option<Route> {
        match &self.kind {
            BaseKind::Socket(socket) if socket.transport == Transport::Udp => {
                Some(Route::Direct(Path::udp(socket.address, remote)))
            }
            BaseKind::Socket(_) => None,
            BaseKind::Relay(relay) => Some(Route::Relayed { relay: relay.id, peer: remote }),
        }
    }

    /// The priority of a candidate of `kind` on this base.
    pub(crate) fn priority(&self, kind: CandidateKind) -> u32 {
        let type_preference = match &self.kind {
            BaseKind::Relay(relay) if kind == CandidateKind::Relayed => {
                priority::relay_type_preference(relay.server)
            }
            _ => priority::type_preference(kind, self.transport()),
        };
        let local = priority::local_preference(self.transport(), kind, self.preference);
        priority::candidate(type_preference, local)
    }

    /// Whether checks from here to `remote` make sense (RFC 8445, section 6.1.2.2): same transport and family, and
    /// link-local only with link-local.
    pub(crate) fn can_pair(&self, transport: Transport, remote: SocketAddr) -> bool {
        let local = self.address();
        self.transport().reaches(transport)
            && local.is_ipv4() == remote.is_ipv4()
            && is_link_local_v6(local) == is_link_local_v6(remote)
    }
}

fn is_link_local_v6(address: SocketAddr) -> bool {
    matches!(address, SocketAddr::V6(v6) if v6.ip().is_unicast_link_local())
}
