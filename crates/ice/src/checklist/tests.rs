use super::*;
use crate::local::LocalId;
use crate::stats::PairCounters;
use core::time::Duration;
use proptest::prelude::*;
use sendrecv_core::Instant;

fn pair(number: u32, priority: u64, foundations: Foundations) -> Pair {
    Pair {
        generation: 0,
        base: BaseId(0),
        local: LocalId(0),
        remote: RemoteId(number),
        route: None,
        stream: None,
        foundations,
        priority,
        state: Frozen,
        check: None,
        triggered: false,
        nominating: false,
        nominated_by_peer: None,
        nominated: None,
        authenticated: false,
        unanswered: false,
        revoked: false,
        rtt_up_to: Duration::ZERO,
        heard: Instant::ZERO,
        counters: PairCounters::default(),
    }
}

/// Pairs of the given priorities and groups, in this order.
fn list(pairs: &[(u64, u32)]) -> (CheckList, Vec<PairId>) {
    let mut list = CheckList::default();
    let number = |number: usize| u32::try_from(number).unwrap();
    let insert = |(index, (priority, group)): (usize, &(u64, u32))| {
        list.insert(pair(number(index), *priority, (*group, 0)))
    };
    let ids = pairs.iter().enumerate().map(insert).collect();
    (list, ids)
}

fn states(list: &CheckList, ids: &[PairId]) -> Vec<PairState> {
    ids.iter().map(|id| list.get(*id).unwrap().state).collect()
}

use PairState::{Failed, Frozen, InProgress, Succeeded, Waiting};

#[test]
fn one_pair_of_each_foundation_waits_and_the_others_are_frozen() {
    let (list, ids) = list(&[(30, 1), (20, 1), (25, 2)]);
    assert_eq!(states(&list, &ids), [Waiting, Frozen, Waiting]);
}

#[test]
fn checks_go_by_priority_and_triggered_ones_first() {
    let (mut list, ids) = list(&[(10, 1), (30, 2), (20, 3)]);
    assert_eq!(list.next_check(), Some(ids[1]));
    list.trigger(ids[0]);
    list.trigger(ids[0]);
    assert_eq!(list.next_check(), Some(ids[0]));
    list.set_state(ids[0], InProgress);
    assert_eq!(list.next_check(), Some(ids[1]));
    assert!(list.has_check());
}

#[test]
fn a_success_thaws_its_whole_group() {
    let (mut list, ids) = list(&[(30, 1), (20, 1), (10, 1), (5, 2)]);
    list.set_state(ids[0], InProgress);
    assert_eq!(states(&list, &ids), [InProgress, Frozen, Frozen, Waiting]);
    list.set_state(ids[0], Succeeded);
    assert_eq!(states(&list, &ids), [Succeeded, Waiting, Waiting, Waiting]);
    let late = list.insert(pair(9, 3, (1, 0)));
    assert_eq!(list.get(late).unwrap().state, Waiting);
}

#[test]
fn a_failure_thaws_the_next_of_its_group() {
    let (mut list, ids) = list(&[(30, 1), (20, 1), (10, 1)]);
    list.set_state(ids[0], InProgress);
    list.set_state(ids[0], Failed);
    assert_eq!(states(&list, &ids), [Failed, Waiting, Frozen]);
    list.remove(ids[1]);
    assert_eq!(list.get(ids[2]).unwrap().state, Waiting);
}

#[test]
fn a_slow_check_lets_one_more_of_its_group_go() {
    let (mut list, ids) = list(&[(30, 1), (20, 1), (10, 1)]);
    list.set_state(ids[0], InProgress);
    list.thaw_next(ids[0]);
    assert_eq!(states(&list, &ids), [InProgress, Waiting, Frozen]);
}

#[test]
fn nothing_below_the_floor_is_checked_unless_triggered() {
    let (mut list, ids) = list(&[(30, 1), (20, 2)]);
    list.set_state(ids[0], Succeeded);
    list.set_floor(30);
    assert!(!list.has_check() && !list.is_busy() && list.next_check().is_none());
    list.trigger(ids[1]);
    assert_eq!(list.next_check(), Some(ids[1]));
}

#[test]
fn the_best_nominated_pair_is_that_of_the_highest_rank_then_priority() {
    let (mut list, ids) = list(&[(30, 1), (20, 2), (10, 3)]);
    list.set_nominated(ids[1], Some(0));
    list.set_nominated(ids[0], Some(0));
    assert_eq!(list.best_nominated(None), Some(ids[0]));
    assert_eq!(list.best_nominated(Some(ids[0])), Some(ids[1]));
    list.set_nominated(ids[2], Some(1));
    assert_eq!(list.best_nominated(None), Some(ids[2]));
    list.set_nominated(ids[2], None);
    list.set_nominated(ids[1], None);
    assert_eq!(list.best_nominated(Some(ids[0])), Some(ids[0]), "a dead pair is better than none");
}

#[test]
fn only_pairs_that_nobody_waits_for_are_dropped() {
    let (mut list, ids) = list(&[(10, 1), (20, 2), (30, 3), (40, 4)]);
    list.set_state(ids[0], InProgress);
    list.trigger(ids[1]);
    list.set_state(ids[2], Succeeded);
    assert_eq!(list.worst_droppable(), Some((40, ids[3])));
}

#[test]
fn a_restart_keeps_the_pair_in_use_out_of_the_new_lists_way() {
    let (mut list, ids) = list(&[(10, 1), (20, 2)]);
    list.set_state(ids[1], Succeeded);
    list.set_nominated(ids[1], Some(3));
    list.clear_except(Some(ids[1]));
    assert_eq!((list.len(), list.best_valid(), list.best_nominated(None)), (1, None, None));
    assert_eq!(list.by_ends(RemoteId(1), BaseId(0)), None);
    let new = list.insert(pair(1, 20, (2, 0)));
    assert_ne!(new, ids[1]);
    list.remove(ids[1]);
    assert_eq!(list.by_ends(RemoteId(1), BaseId(0)), Some(new));
}

proptest! {
    /// Whatever happens, the sorted sets say what the pairs say.
    #[test]
    fn the_sets_agree_with_the_pairs(operations in prop::collection::vec((0u8..6, 0usize..12, 1u64..50, 0u32..3), 1..120)) {
        let mut list = CheckList::default();
        let mut ids: Vec<PairId> = Vec::new();
        let mut number = 0;
        for (kind, index, priority, group) in operations {
            let id = ids.get(index).copied();
            match (kind, id) {
                (0, _) | (_, None) => {
                    number += 1;
                    ids.push(list.insert(pair(number, priority, (group, 0))));
                }
                (1, Some(id)) => list.set_state(id, InProgress),
                (2, Some(id)) => list.set_state(id, if priority % 2 == 0 { Failed } else { Succeeded }),
                (3, Some(id)) => list.set_priority(id, priority),
                (4, Some(id)) => list.trigger(id),
                (_, Some(id)) => {
                    list.remove(id);
                    ids.retain(|kept| *kept != id);
                }
            }
            let count = |state: fn(PairState) -> bool| list.iter().filter(|(_, pair)| state(pair.state)).count();
            prop_assert_eq!(list.waiting.len(), count(|state| state == Waiting));
            prop_assert_eq!(list.unresolved.len(), count(PairState::is_unresolved));
            prop_assert_eq!(list.valid.len(), count(|state| state == Succeeded));
            prop_assert_eq!(list.active(), count(PairState::is_active));
            prop_assert_eq!(list.all.len(), list.len());
            prop_assert!(count(|state| state == Frozen) == 0 || list.active() > 0, "frozen for ever");
        }
    }
}
