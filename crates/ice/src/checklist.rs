//! The check list (RFC 8445, section 6.1.2): pairs, their states, and which is to be checked next.
//!
//! All orders are kept as sorted sets, so that every transition costs O(log n).

use crate::base::BaseId;
use crate::pair::{Foundations, Pair, PairId, PairState};
use crate::remote::RemoteId;
use crate::route::Route;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use sendrecv_core::{SmallMap, SmallSet};

/// Pairs by priority; the last is the best.
type ByPriority = SmallSet<(u64, PairId)>;

/// Pairs with equal foundations, of which one is checked before the others (section 6.1.2.6).
#[derive(Debug, Default)]
struct Group {
    frozen: ByPriority,
    /// Pairs that are waiting or in progress.
    active: usize,
    succeeded: bool,
}

/// The check list of one agent. An agent has one component and thus one list.
#[derive(Debug, Default)]
pub(crate) struct CheckList {
    pairs: SmallMap<PairId, Pair>,
    next_id: u32,
    by_ends: SmallMap<(RemoteId, BaseId), PairId>,
    by_route: SmallMap<Route, PairId>,
    groups: SmallMap<Foundations, Group>,
    all: ByPriority,
    waiting: ByPriority,
    unresolved: ByPriority,
    valid: ByPriority,
    /// Nominated and valid pairs by rank, then priority.
    nominated: SmallSet<(u32, u64, PairId)>,
    triggered: VecDeque<PairId>,
    /// Ordinary checks are made of pairs with a higher priority only.
    floor: u64,
    /// Number of pairs that are waiting or in progress.
    active: usize,
}

impl CheckList {
    pub(crate) fn len(&self) -> usize {
        self.pairs.len()
    }

    pub(crate) fn get(&self, id: PairId) -> Option<&Pair> {
        self.pairs.get(&id)
    }

    /// For fields that no order depends on; state, priority, route and nomination have methods of their own.
    pub(crate) fn get_mut(&mut self, id: PairId) -> Option<&mut Pair> {
        self.pairs.get_mut(&id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (PairId, &Pair)> {
        self.pairs.iter().map(|(id, pair)| (*id, pair))
    }

    pub(crate) fn by_ends(&self, remote: RemoteId, base: BaseId) -> Option<PairId> {
        self.by_ends.get(&(remote, base)).copied()
    }

    pub(crate) fn by_route(&self, route: &Route) -> Option<PairId> {
        self.by_route.get(route).copied()
    }

    /// All pairs with `remote`.
    pub(crate) fn of_remote(&self, remote: RemoteId) -> Vec<PairId> {
        self.by_ends.range((remote, BaseId::MIN)..=(remote, BaseId::MAX)).map(|(_, id)| *id).collect()
    }

    /// All pairs with `base`.
    pub(crate) fn of_base(&self, base: BaseId) -> Vec<PairId> {
        self.iter().filter(|(_, pair)| pair.base == base).map(|(id, _)| id).collect()
    }

    /// Adds a pair that is frozen, unless it is the first of its foundations or one of them has succeeded.
    pub(crate) fn insert(&mut self, pair: Pair) -> PairId {
        let id = PairId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        self.by_ends.insert((pair.remote, pair.base), id);
        if let Some(route) = pair.route {
            self.by_route.insert(route, id);
        }
        self.all.insert((pair.priority, id));
        let state = pair.state;
        self.pairs.insert(id, pair);
        self.enter(id, state);
        if state == PairState::Frozen {
            self.thaw_of(id);
        }
        id
    }

    /// Removes a pair from everything.
    pub(crate) fn remove(&mut self, id: PairId) -> Option<Pair> {
        self.leave(id);
        let pair = self.pairs.remove(&id)?;
        self.all.remove(&(pair.priority, id));
        if let Some(rank) = pair.nominated {
            self.nominated.remove(&(rank, pair.priority, id));
        }
        if self.by_ends.get(&(pair.remote, pair.base)) == Some(&id) {
            self.by_ends.remove(&(pair.remote, pair.base));
        }
        if let Some(route) = pair.route.filter(|route| self.by_route.get(route) == Some(&id)) {
            self.by_route.remove(&route);
        }
        self.triggered.retain(|queued| *queued != id);
        self.thaw(pair.foundations);
        Some(pair)
    }

    /// Takes every pair but `kept` out. `kept` stays usable, but is found by its number only: its place is free for
    /// the pairs of the next generation.
    pub(crate) fn clear_except(&mut self, kept: Option<PairId>) -> Vec<Pair> {
        let kept = kept.and_then(|id| Some((id, self.pairs.remove(&id)?)));
        let removed = core::mem::take(&mut self.pairs).into_iter().map(|(_, pair)| pair).collect();
        *self = Self { next_id: self.next_id, ..Self::default() };
        if let Some((id, mut pair)) = kept {
            pair.nominated = None;
            pair.state = PairState::Succeeded;
            self.all.insert((pair.priority, id));
            self.pairs.insert(id, pair);
        }
        removed
    }

    /// Moves a pair to another state and every set to what follows from it.
    pub(crate) fn set_state(&mut self, id: PairId, state: PairState) {
        let Some((old, foundations)) = self.get(id).map(|pair| (pair.state, pair.foundations)) else {
            return;
        };
        if old == state {
            return;
        }
        self.leave(id);
        if let Some(pair) = self.pairs.get_mut(&id) {
            pair.state = state;
        }
        self.enter(id, state);
        if state == PairState::Succeeded {
            self.thaw_all(foundations);
        } else {
            self.thaw(foundations);
        }
    }

    /// Gives a pair another priority.
    pub(crate) fn set_priority(&mut self, id: PairId, priority: u64) {
        let Some(state) = self.get(id).map(|pair| pair.state) else { return };
        self.leave(id);
        if let Some(pair) = self.pairs.get_mut(&id) {
            self.all.remove(&(pair.priority, id));
            if let Some(rank) = pair.nominated {
                self.nominated.remove(&(rank, pair.priority, id));
                self.nominated.insert((rank, priority, id));
            }
            pair.priority = priority;
            self.all.insert((priority, id));
        }
        self.enter(id, state);
    }

    /// Gives a pair its way, once its stream is open.
    pub(crate) fn set_route(&mut self, id: PairId, route: Option<Route>) {
        let Some(pair) = self.pairs.get_mut(&id) else { return };
        if let Some(old) = core::mem::replace(&mut pair.route, route) {
            self.by_route.remove(&old);
        }
        if let Some(route) = route {
            self.by_route.insert(route, id);
        }
    }

    /// Marks a pair as nominated with `rank`, or as not nominated.
    pub(crate) fn set_nominated(&mut self, id: PairId, rank: Option<u32>) {
        let Some(pair) = self.pairs.get_mut(&id) else { return };
        if let Some(old) = core::mem::replace(&mut pair.nominated, rank) {
            self.nominated.remove(&(old, pair.priority, id));
        }
        if let Some(rank) = rank {
            self.nominated.insert((rank, pair.priority, id));
        }
    }

    /// The nominated pair that is to be used, leaving out `dead` if there is another.
    pub(crate) fn best_nominated(&self, dead: Option<PairId>) -> Option<PairId> {
        let best = |skip: Option<PairId>| {
            self.nominated.iter().rev().map(|(_, _, id)| *id).find(|id| Some(*id) != skip)
        };
        best(dead).or_else(|| best(None))
    }

    /// All valid pairs.
    pub(crate) fn valid(&self) -> Vec<PairId> {
        self.valid.iter().map(|(_, id)| *id).collect()
    }

    /// The valid pair with the highest priority.
    pub(crate) fn best_valid(&self) -> Option<PairId> {
        self.valid.last().map(|(_, id)| *id)
    }

    /// The valid pair with the highest priority, other than `not`.
    pub(crate) fn best_valid_but(&self, not: Option<PairId>) -> Option<PairId> {
        self.valid.iter().rev().map(|(_, id)| *id).find(|id| Some(*id) != not)
    }

    /// Whether a pair better than `priority` may still turn out valid.
    pub(crate) fn may_beat(&self, priority: u64) -> bool {
        self.unresolved.last().is_some_and(|(best, _)| *best > priority.max(self.floor))
    }

    /// Whether any check is still to be made or answered.
    pub(crate) fn is_busy(&self) -> bool {
        !self.triggered.is_empty() || self.may_beat(0)
    }

    /// Number of pairs that are waiting or in progress, for the retransmission timeout.
    pub(crate) const fn active(&self) -> usize {
        self.active
    }

    /// Ordinary checks are made only of pairs above `floor` from now on.
    pub(crate) fn set_floor(&mut self, floor: u64) {
        self.floor = floor;
    }

    /// Pairs whose checks are running though the floor forbids them.
    pub(crate) fn checked_below_floor(&self) -> Vec<PairId> {
        let below = self.all.range((0, PairId(0))..=(self.floor, PairId(u32::MAX))).map(|(_, id)| *id);
        let is_checked =
            |pair: &Pair| !pair.nominating && (pair.check.is_some() || pair.state == PairState::InProgress);
        below.filter(|id| self.get(*id).is_some_and(is_checked)).collect()
    }

    /// Puts a pair at the end of the triggered-check queue (section 6.1.4.1), once.
    pub(crate) fn trigger(&mut self, id: PairId) {
        let Some(pair) = self.pairs.get_mut(&id) else { return };
        if !core::mem::replace(&mut pair.triggered, true) {
            self.triggered.push_back(id);
        }
    }

    /// Takes a pair out of the triggered-check queue: its check has become superfluous.
    pub(crate) fn untrigger(&mut self, id: PairId) {
        let Some(pair) = self.pairs.get_mut(&id) else { return };
        if core::mem::take(&mut pair.triggered) {
            self.triggered.retain(|queued| *queued != id);
        }
    }

    /// Whether [`next_check`](Self::next_check) has something.
    pub(crate) fn has_check(&self) -> bool {
        !self.triggered.is_empty() || self.waiting.last().is_some_and(|(priority, _)| *priority > self.floor)
    }

    /// The next pair to check: triggered ones first, then waiting ones by priority (section 6.1.4.2).
    pub(crate) fn next_check(&mut self) -> Option<PairId> {
        if let Some(id) = self.triggered.pop_front() {
            if let Some(pair) = self.pairs.get_mut(&id) {
                pair.triggered = false;
            }
            return Some(id);
        }
        self.waiting.last().filter(|(priority, _)| *priority > self.floor).map(|(_, id)| *id)
    }

    /// The worst pair that nobody would miss: not checked yet, or failed.
    pub(crate) fn worst_droppable(&self) -> Option<(u64, PairId)> {
        let droppable = |pair: &Pair| {
            !pair.triggered
                && matches!(pair.state, PairState::Frozen | PairState::Waiting | PairState::Failed)
        };
        self.all.iter().copied().find(|(_, id)| self.get(*id).is_some_and(droppable))
    }

    /// Adds a pair to the sets its state belongs to.
    fn enter(&mut self, id: PairId, state: PairState) {
        let Some(pair) = self.pairs.get(&id) else { return };
        let entry = (pair.priority, id);
        let Some(group) = self.groups.get_or_default(pair.foundations) else { return };
        match state {
            PairState::Frozen => {
                group.frozen.insert(entry);
            }
            PairState::Waiting => {
                self.waiting.insert(entry);
            }
            PairState::InProgress => {}
            PairState::Failed => {}
            PairState::Succeeded => {
                group.succeeded = true;
                self.valid.insert(entry);
            }
        }
        if state.is_active() {
            group.active = group.active.saturating_add(1);
            self.active = self.active.saturating_add(1);
        }
        if state.is_unresolved() {
            self.unresolved.insert(entry);
        }
    }

    /// Takes a pair out of the sets of its present state.
    fn leave(&mut self, id: PairId) {
        let Some(pair) = self.pairs.get(&id) else { return };
        let entry = (pair.priority, id);
        self.waiting.remove(&entry);
        self.unresolved.remove(&entry);
        self.valid.remove(&entry);
        if let Some(group) = self.groups.get_mut(&pair.foundations) {
            group.frozen.remove(&entry);
            if pair.state.is_active() {
                group.active = group.active.saturating_sub(1);
                self.active = self.active.saturating_sub(1);
            }
        }
    }

    fn thaw_of(&mut self, id: PairId) {
        let Some(foundations) = self.get(id).map(|pair| pair.foundations) else { return };
        if self.groups.get(&foundations).is_some_and(|group| group.succeeded) {
            self.thaw_all(foundations);
        } else {
            self.thaw(foundations);
        }
    }

    /// Lets the best frozen pair of a group wait for its check when none of the group is being checked.
    fn thaw(&mut self, foundations: Foundations) {
        let Some(group) = self.groups.get(&foundations) else { return };
        if group.active > 0 {
            return;
        }
        match group.frozen.last().copied() {
            Some((_, id)) => self.set_state(id, PairState::Waiting),
            None => self.forget_if_empty(foundations),
        }
    }

    /// Lets the next frozen pair of this one's group wait although this one is still being checked: it does not look
    /// well for it.
    pub(crate) fn thaw_next(&mut self, id: PairId) {
        let foundations = self.get(id).map(|pair| pair.foundations);
        let group = foundations.and_then(|foundations| self.groups.get(&foundations));
        if let Some((_, next)) = group.and_then(|group| group.frozen.last().copied()) {
            self.set_state(next, PairState::Waiting);
        }
    }

    /// Lets all pairs of a group wait: one of them has succeeded (section 7.2.5.3.3).
    fn thaw_all(&mut self, foundations: Foundations) {
        let frozen: Vec<PairId> = self
            .groups
            .get(&foundations)
            .into_iter()
            .flat_map(|group| group.frozen.iter())
            .map(|(_, id)| *id)
            .collect();
        for id in frozen {
            self.set_state(id, PairState::Waiting);
        }
    }

    fn forget_if_empty(&mut self, foundations: Foundations) {
        let unused = |group: &Group| group.frozen.is_empty() && group.active == 0 && !group.succeeded;
        if self.groups.get(&foundations).is_some_and(unused) {
            self.groups.remove(&foundations);
        }
    }
}

#[cfg(test)]
mod tests;
