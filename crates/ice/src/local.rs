//! Local candidates.

use crate::base::BaseId;
use crate::candidate::{Candidate, CandidateKind};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use sendrecv_core::{Protocol, SmallMap};

/// Names a local candidate within one agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LocalId(pub(crate) u32);

/// A local candidate.
#[derive(Debug)]
pub(crate) struct Local {
    pub(crate) base: BaseId,
    pub(crate) candidate: Candidate,
    pub(crate) foundation: u32,
    /// The generation it was signalled in last.
    pub(crate) signalled: Option<u32>,
    /// Never signalled: learnt from the peer, or without a usable address.
    pub(crate) hidden: bool,
}

/// What foundations depend on (RFC 8445, section 5.1.1.3): type, base address, transport and server.
pub(crate) type FoundationKey = (CandidateKind, IpAddr, Protocol, Option<String>);

/// All local candidates.
#[derive(Debug, Default)]
pub(crate) struct Locals {
    by_id: SmallMap<LocalId, Local>,
    by_address: SmallMap<(BaseId, SocketAddr), LocalId>,
    foundations: SmallMap<FoundationKey, u32>,
    next_id: u32,
}

impl Locals {
    pub(crate) fn get(&self, id: LocalId) -> Option<&Local> {
        self.by_id.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: LocalId) -> Option<&mut Local> {
        self.by_id.get_mut(&id)
    }

    /// The candidate that is seen as `address` when sent from `base`.
    pub(crate) fn find(&self, base: BaseId, address: SocketAddr) -> Option<LocalId> {
        self.by_address.get(&(base, address)).copied()
    }

    pub(crate) fn ids(&self) -> Vec<LocalId> {
        self.by_id.keys().copied().collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Local> {
        self.by_id.values()
    }

    /// The number a foundation has here, and on the wire.
    pub(crate) fn foundation(&mut self, key: FoundationKey) -> u32 {
        let next = u32::try_from(self.foundations.len()).unwrap_or(u32::MAX).saturating_add(1);
        if let Some(known) = self.foundations.get(&key) {
            return *known;
        }
        self.foundations.insert(key, next);
        next
    }

    /// Adds a candidate that is found at `address`, which differs from the candidate's own when that is a name. No two
    /// have the same priority (RFC 8445, section 5.1.2): those that come later rank lower.
    pub(crate) fn insert(&mut self, address: SocketAddr, mut local: Local) -> LocalId {
        let id = LocalId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        local.candidate.foundation = local.foundation.to_string();
        local.candidate.priority = self.free_priority(local.candidate.priority);
        self.by_address.insert((local.base, address), id);
        self.by_id.insert(id, local);
        id
    }

    /// The next priority from `wanted` downwards that no candidate has, by steps of the local preference.
    fn free_priority(&self, wanted: u32) -> u32 {
        const STEP: u32 = 1 << 8;
        let taken = |priority| self.by_id.values().any(|local| local.candidate.priority == priority);
        let lower = core::iter::successors(Some(wanted), |priority| priority.checked_sub(STEP));
        lower.into_iter().find(|priority| !taken(*priority)).unwrap_or(wanted)
    }

    /// Also finds the candidate at `address`.
    pub(crate) fn alias(&mut self, base: BaseId, address: SocketAddr, id: LocalId) {
        self.by_address.insert((base, address), id);
    }

    /// Removes all candidates of a base and returns those.
    pub(crate) fn remove_base(&mut self, base: BaseId) -> Vec<Local> {
        self.by_address.retain(|(of, _), _| *of != base);
        let gone: Vec<LocalId> =
            self.by_id.iter().filter(|(_, local)| local.base == base).map(|(id, _)| *id).collect();
        gone.iter().filter_map(|id| self.by_id.remove(id)).collect()
    }
}
