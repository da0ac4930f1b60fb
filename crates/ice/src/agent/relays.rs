//! Allocations on TURN servers: each is a base, or one of each family, with a relayed candidate (RFC 8445, section
//! 5.1.1.2; RFC 8656).

mod allocate;
mod end;
mod traffic;

use super::IceAgent;
use crate::base::BaseId;
use crate::route::RelayId;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;
use sendrecv_core::{Instant, Path, Protocol};
use sendrecv_stun::Credentials;
use sendrecv_turn::TurnClient;

/// All allocations of one agent.
#[derive(Default)]
pub(crate) struct Relays {
    by_id: BTreeMap<RelayId, Relay>,
    by_path: BTreeMap<Path, RelayId>,
    /// Those that may have something to send.
    ready: VecDeque<RelayId>,
    next_id: u32,
}

/// One allocation, or the attempt at one.
struct Relay {
    /// The socket, or for streams its address, that the server is reached from.
    owner: BaseId,
    /// The relayed addresses, at most one of each family, once there are any.
    bases: Vec<RelayedBase>,
    /// The server of the configuration.
    asked: SocketAddr,
    /// Where that has sent us, last of all; else the same.
    server: SocketAddr,
    /// Other addresses of the same name, to be tried when this one is silent.
    others: VecDeque<SocketAddr>,
    /// Servers that sent us elsewhere.
    redirected_from: Vec<SocketAddr>,
    /// How many clients there have been.
    attempts: u64,
    /// How many of their ports the server took for those of other allocations.
    mismatches: u32,
    /// The name in the certificate of a server that is spoken to over TLS.
    server_name: Option<String>,
    url: String,
    protocol: Protocol,
    username: String,
    credential: String,
    /// When the server gave its addresses.
    allocated_at: Option<Instant>,
    /// `None` while its stream or socket is being opened.
    client: Option<TurnClient>,
    ready: bool,
}

/// The base that a relayed address is.
struct RelayedBase {
    id: BaseId,
    address: SocketAddr,
}

impl Relay {
    fn credentials(&self) -> Credentials {
        Credentials::new(self.username.clone(), &self.credential)
    }

    /// Whether it reaches its server by what is opened for it alone: a stream, or a socket besides the owner's, whose port the
    /// server did not want.
    fn has_own_way(&self) -> bool {
        self.protocol != Protocol::Udp || self.mismatches > 0
    }

    /// What was opened for it.
    fn own_way(&self) -> Option<Path> {
        self.client.as_ref().filter(|_| self.has_own_way()).map(TurnClient::server)
    }

    fn is_base(&self, id: BaseId) -> bool {
        self.bases.iter().any(|base| base.id == id)
    }
}

impl Relays {
    /// The base that datagrams from `peer` come to: the relayed address of its family.
    pub(super) fn base_towards(&self, id: RelayId, peer: SocketAddr) -> Option<BaseId> {
        let same_family = |base: &&RelayedBase| base.address.is_ipv4() == peer.is_ipv4();
        self.by_id.get(&id)?.bases.iter().find(same_family).map(|base| base.id)
    }

    fn client(&mut self, id: RelayId) -> Option<&mut TurnClient> {
        self.by_id.get_mut(&id)?.client.as_mut()
    }

    fn has(&self, owner: BaseId, server: SocketAddr, protocol: Protocol) -> bool {
        let same =
            |relay: &Relay| relay.owner == owner && relay.asked == server && relay.protocol == protocol;
        self.by_id.values().any(same)
    }

    fn ids(&self) -> Vec<RelayId> {
        self.by_id.keys().copied().collect()
    }
}

impl IceAgent {
    /// Whether any server has still to answer.
    pub(super) fn relays_pending(&self) -> bool {
        self.relays.by_id.values().any(|relay| relay.bases.is_empty())
    }

    /// Whose way to its server this is.
    pub(super) fn relay_of_path(&self, path: &Path) -> Option<RelayId> {
        self.relays.by_path.get(path).copied()
    }
}
