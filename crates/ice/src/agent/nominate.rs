//! Nomination and selection (RFC 8445, section 8; draft-thatcher-ice-renomination).

use super::{IceAgent, TimerKey};
use crate::config::{Nomination, Role};
use crate::event::Event;
use crate::pair::{PairId, PairState};
use crate::wire::Check;
use alloc::boxed::Box;
use core::time::Duration;
use sendrecv_core::Instant;

/// How many nominating checks may go unanswered before other pairs are asked whether they still work.
const DOUBTED_AFTER: u32 = 4;

/// How long the pair that a restart replaced is listened to (RFC 8445, section 8.3.1).
const FAREWELL: Duration = Duration::from_secs(3);

/// What a controlling agent has in mind.
#[derive(Debug, Default)]
pub(crate) struct Nominator {
    /// When the first pair was found to work.
    first_valid: Option<Instant>,
    /// The pair whose nominating check is on its way.
    pub(super) pending: Option<PairId>,
    /// That check goes unanswered.
    doubted: bool,
    /// The rank of the last nomination, ours or the peer's. Aggressive nominations all have rank 0.
    pub(super) rank: u32,
    /// When the peer was first told to change its role.
    pub(super) conflict: Option<Instant>,
    /// Whether the peer, when controlling, checks before it nominates: then its last nomination counts, while of an
    /// aggressive peer's the best one does. Its first check tells.
    peer_is_regular: Option<bool>,
}

impl IceAgent {
    /// Whether nominations may be taken back by later ones.
    pub(super) fn may_renominate(&self) -> bool {
        self.config.renomination && self.current.both_renominate()
    }

    /// Lets a controlling agent nominate if it is time.
    pub(super) fn consider_nomination(&mut self, now: Instant) {
        if self.role != Role::Controlling || self.config.lite || self.nominator.pending.is_some() {
            return;
        }
        let in_use = self.selected.filter(|id| self.is_current(*id));
        let chosen = match in_use {
            Some(selected) if self.consent.lost => self.list.best_valid_but(Some(selected)),
            Some(selected) => self.better_than(selected),
            None => self.list.best_valid().filter(|best| self.has_settled(now, *best)),
        };
        if let Some(id) = chosen {
            self.nominate(id);
        }
    }

    pub(super) fn is_current(&self, id: PairId) -> bool {
        self.list.get(id).is_some_and(|pair| pair.generation == self.current.number)
    }

    /// A valid pair that beats the one in use, if the peer understands that.
    fn better_than(&self, selected: PairId) -> Option<PairId> {
        if !self.may_renominate() {
            return None;
        }
        let best = self.list.best_valid()?;
        let priority = |id| self.list.get(id).map(|pair| pair.priority);
        (priority(best) > priority(selected)).then_some(best)
    }

    /// Whether nothing better than `best` is to be expected soon: at once when it is a direct pair and all better
    /// ones have failed, else after a short while.
    fn has_settled(&mut self, now: Instant, best: PairId) -> bool {
        let Some(pair) = self.list.get(best) else { return false };
        let relayed = self.is_relayed(best);
        let ended = self.remote_ended && self.gatherer.state == crate::GatheringState::Complete;
        if !self.list.may_beat(pair.priority) && (!relayed || ended) {
            return true;
        }
        let first = *self.nominator.first_valid.get_or_insert(now);
        let at = first + if relayed { self.timing.settle_relayed } else { self.timing.settle };
        if now < at {
            self.timers.set(TimerKey::Settle, Some(at));
        }
        now >= at
    }

    fn is_relayed(&self, id: PairId) -> bool {
        let Some(pair) = self.list.get(id) else { return false };
        let remote = self.remotes.get(pair.remote);
        self.bases.get(&pair.base).is_some_and(crate::base::Base::is_relay)
            || remote.is_some_and(|remote| remote.candidate.kind == crate::CandidateKind::Relayed)
    }

    /// Repeats the pair's check with USE-CANDIDATE (section 8.1.1).
    fn nominate(&mut self, id: PairId) {
        self.nominator.pending = Some(id);
        self.nominator.doubted = false;
        self.nominator.rank = self.nominator.rank.saturating_add(1);
        if let Some(pair) = self.list.get_mut(id) {
            pair.nominating = true;
        }
        self.list.trigger(id);
    }

    /// The nominating check was sent `sent` times without an answer. The pair may have died since it was found to work,
    /// and others that go the same way too: all that worked are asked again, and the first to answer is nominated.
    pub(super) fn doubt_nomination(&mut self, id: PairId, sent: u32) {
        if self.nominator.pending != Some(id) || sent != DOUBTED_AFTER {
            return;
        }
        self.nominator.doubted = true;
        for other in self.list.valid().into_iter().filter(|other| *other != id) {
            self.list.trigger(other);
        }
    }

    /// The pair was just found to work: it takes the place of one whose nomination is not answered.
    pub(super) fn stand_in(&mut self, id: PairId) {
        let silent = self.nominator.pending.filter(|pending| self.nominator.doubted && *pending != id);
        let Some(silent) = silent else { return };
        if let Some(pair) = self.list.get_mut(silent) {
            pair.nominating = false;
            if let Some(check) = pair.check.take() {
                self.end_transaction(check);
            }
        }
        if self.selected != Some(silent) {
            self.list.set_state(silent, PairState::Waiting);
        }
        self.nominate(id);
    }

    /// Our nominating check succeeded. The last regular nomination counts; aggressive ones are told apart by priority.
    pub(super) fn nominated(&mut self, now: Instant, id: PairId) {
        let rank = self.nominator.rank;
        if let Some(pair) = self.list.get_mut(id) {
            pair.nominating = false;
        }
        if self.nominator.pending == Some(id) {
            self.nominator.pending = None;
        }
        self.list.set_nominated(id, Some(rank));
        self.select_best(now);
    }

    /// A controlling peer's check came over the pair.
    pub(super) fn note_nomination(&mut self, id: PairId, check: Check) {
        if self.role != Role::Controlled || check.role != Role::Controlling {
            return;
        }
        let regular = *self.nominator.peer_is_regular.get_or_insert(!check.use_candidate);
        if !check.use_candidate {
            return;
        }
        let known = self.list.get(id).and_then(|pair| pair.nominated.or(pair.nominated_by_peer));
        let rank = match (check.nomination, known) {
            (Some(rank), _) => rank,
            (None, Some(known)) if !regular || known == self.nominator.rank => known,
            (None, None) if !regular => 0,
            (None, _) => self.nominator.rank.saturating_add(1),
        };
        self.nominator.rank = self.nominator.rank.max(rank);
        if let Some(pair) = self.list.get_mut(id) {
            pair.nominated_by_peer = Some(rank);
        }
    }

    /// The peer nominated the pair: that counts as soon as our own check has succeeded (section 7.3.1.5).
    pub(super) fn accept_nomination(&mut self, now: Instant, id: PairId) {
        let Some(pair) = self.list.get_mut(id) else { return };
        if pair.state != PairState::Succeeded || self.role != Role::Controlled {
            return;
        }
        if let Some(rank) = pair.nominated_by_peer.take() {
            let rank = pair.nominated.map_or(rank, |known| known.max(rank));
            self.list.set_nominated(id, Some(rank));
            self.select_best(now);
        }
    }

    /// Uses the best of the nominated pairs: several may be, if the peer nominates aggressively or changes its mind.
    pub(super) fn select_best(&mut self, now: Instant) {
        let dead = self.selected.filter(|_| self.consent.lost);
        if let Some(best) = self.list.best_nominated(dead)
            && self.selected != Some(best)
        {
            self.select(now, best);
        }
    }

    fn select(&mut self, now: Instant, id: PairId) {
        let old = self.selected.replace(id);
        self.stats.selected_pair_changes = self.stats.selected_pair_changes.saturating_add(1);
        match old {
            Some(old) if !self.is_current(old) => self.retire(now, old),
            Some(old) if self.consent.lost => self.list.set_nominated(old, None),
            _ => {}
        }
        self.start_consent(now);
        self.set_floor();
        if let Some(selected) = self.selected_pair() {
            tracing::debug!(route = ?selected.route, "selected pair");
            self.events.push_back(Event::SelectedPair(Box::new(selected)));
        }
    }

    /// The new generation has won. What the peer still sends over the old pair until it has its own, or has on its way, is
    /// taken for a while.
    fn retire(&mut self, now: Instant, old: PairId) {
        self.previous = None;
        self.end_farewell(now);
        let route = self.list.get(old).and_then(|pair| pair.route);
        if route.is_none_or(|route| self.list.by_route(&route).is_some()) {
            return self.remove_pair(now, old);
        }
        self.list.set_nominated(old, None);
        self.list.set_state(old, PairState::Failed);
        self.retired = Some(old);
        self.timers.set(TimerKey::Farewell, Some(now + FAREWELL));
    }

    /// Nothing more is expected from the pair that a restart replaced.
    pub(super) fn end_farewell(&mut self, now: Instant) {
        self.timers.set(TimerKey::Farewell, None);
        if let Some(old) = self.retired.take() {
            self.remove_pair(now, old);
        }
    }

    /// Nothing is in use any more.
    pub(super) fn deselect(&mut self) {
        self.selected = None;
        self.previous = None;
        self.stop_consent();
        self.list.set_floor(0);
        if self.role == Role::Controlled && !self.config.lite {
            // Only the peer can nominate another one. That we still are there elsewhere is all we can tell it.
            for id in self.list.valid() {
                self.list.trigger(id);
            }
        }
    }

    /// Says which pairs are still worth a check now: none that is worse than the one in use, and none at all when
    /// nobody could nominate it.
    pub(super) fn set_floor(&mut self) {
        let Some(pair) = self.selected.filter(|id| self.is_current(*id)).and_then(|id| self.list.get(id))
        else {
            return;
        };
        let aggressive = self.config.nomination == Nomination::Aggressive;
        let open = self.role == Role::Controlled || aggressive || self.may_renominate();
        let floor = if open { pair.priority } else { u64::MAX };
        self.list.set_floor(floor);
        let selected = self.selected;
        for id in self.list.checked_below_floor().into_iter().filter(|id| selected != Some(*id)) {
            let Some(pair) = self.list.get_mut(id) else { continue };
            let (check, state) = (pair.check.take(), pair.state);
            if let Some(check) = check {
                self.end_transaction(check);
            }
            if state == PairState::InProgress {
                self.list.set_state(id, PairState::Waiting);
            }
        }
    }
}
