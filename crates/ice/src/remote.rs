//! Remote candidates.

use crate::candidate::Candidate;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;
use sendrecv_core::{Protocol, SmallMap};

/// Names a remote candidate within one agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RemoteId(pub(crate) u32);

/// A remote candidate with a known address.
#[derive(Debug)]
pub(crate) struct Remote {
    pub(crate) candidate: Candidate,
    pub(crate) address: SocketAddr,
    pub(crate) foundation: u32,
}

/// All remote candidates of a generation, and the one that an older generation's pair still uses.
#[derive(Debug, Default)]
pub(crate) struct Remotes {
    by_id: SmallMap<RemoteId, Remote>,
    by_address: SmallMap<(Protocol, SocketAddr), RemoteId>,
    foundations: SmallMap<String, u32>,
    next_id: u32,
}

impl Remotes {
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_address.is_empty()
    }

    pub(crate) fn get(&self, id: RemoteId) -> Option<&Remote> {
        self.by_id.get(&id)
    }

    pub(crate) fn find(&self, protocol: Protocol, address: SocketAddr) -> Option<RemoteId> {
        self.by_address.get(&(protocol, address)).copied()
    }

    pub(crate) fn ids(&self) -> Vec<RemoteId> {
        self.by_address.values().copied().collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Remote> {
        self.by_id.values()
    }

    pub(crate) fn insert(&mut self, candidate: Candidate, address: SocketAddr) -> RemoteId {
        let id = RemoteId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        let foundation = self.intern(&candidate.foundation);
        self.by_address.insert((candidate.transport.protocol(), address), id);
        self.by_id.insert(id, Remote { candidate, address, foundation });
        id
    }

    /// Replaces what is known of a candidate, e.g. when a learnt one is signalled.
    pub(crate) fn replace(&mut self, id: RemoteId, candidate: Candidate) {
        let foundation = self.intern(&candidate.foundation);
        if let Some(remote) = self.by_id.get_mut(&id) {
            remote.candidate = candidate;
            remote.foundation = foundation;
        }
    }

    pub(crate) fn remove(&mut self, id: RemoteId) {
        if let Some(remote) = self.by_id.remove(&id) {
            let key = (remote.candidate.transport.protocol(), remote.address);
            if self.by_address.get(&key) == Some(&id) {
                self.by_address.remove(&key);
            }
        }
    }

    /// Forgets the generation, but for the candidate that the pair in use needs.
    pub(crate) fn clear_except(&mut self, kept: Option<RemoteId>) {
        self.by_address.clear();
        self.foundations.clear();
        self.by_id.retain(|id, _| Some(*id) == kept);
    }

    fn intern(&mut self, foundation: &str) -> u32 {
        if let Some(number) = self.foundations.get(foundation) {
            return *number;
        }
        let number = u32::try_from(self.foundations.len()).unwrap_or(u32::MAX);
        self.foundations.insert(foundation.into(), number);
        number
    }
}
