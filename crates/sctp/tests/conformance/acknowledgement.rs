//! Acknowledging, and being acknowledged (RFC 9260, sections 6.1 to 6.3; RFC 7053).

use crate::support::payload;
use crate::support::played::{ALL, Heard, Played, chunk, data};
use sendrecv_core::Machine;
use sendrecv_sctp::wire::{Chunk, GapBlock, Sack, kind};
use sendrecv_sctp::{Config, Discard, SendOptions};
use std::time::Duration;

fn established() -> Played {
    Played::established(Config { interleaving: false, ..Config::default() }, ALL)
}

/// Cumulative TSN, gaps and duplicates of a SACK.
fn told(heard: &Heard) -> (u32, Vec<(u16, u16)>, Vec<u32>) {
    let chunk = Chunk { kind: heard.kind, flags: heard.flags, value: &heard.value };
    let sack = Sack::parse(&chunk).unwrap();
    let gaps = sack.gaps().map(|gap| (gap.start, gap.end)).collect();
    (sack.cumulative_tsn, gaps, sack.duplicates().collect())
}

fn sack_of(heard: &[Heard]) -> (u32, Vec<(u16, u16)>, Vec<u32>) {
    told(heard.iter().find(|heard| heard.kind == kind::SACK).unwrap())
}

fn sack(cumulative_tsn: u32, window: u32, gaps: &[(u16, u16)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let gaps: Vec<_> = gaps.iter().map(|&(start, end)| GapBlock { start, end }).collect();
    Sack::write(cumulative_tsn, window, gaps.into_iter(), &[], &mut bytes).unwrap();
    bytes
}

fn send(played: &mut Played, len: usize) {
    played.machine.send(played.now, 0, 51, payload(1, len), SendOptions::default()).unwrap();
}

#[test]
fn a_gap_is_told_at_once_and_again_until_it_is_filled() {
    let mut played = established();
    played.says(&data(false, 1000, 0, 0)).unwrap();
    played.hears();
    played.says(&data(false, 1002, 0, 2)).unwrap();
    assert_eq!(sack_of(&played.hears()), (1000, vec![(2, 2)], vec![]));
    played.says(&data(false, 1003, 0, 3)).unwrap();
    assert_eq!(sack_of(&played.hears()), (1000, vec![(2, 3)], vec![]));
    played.says(&data(false, 1005, 0, 5)).unwrap();
    assert_eq!(sack_of(&played.hears()), (1000, vec![(2, 3), (5, 5)], vec![]));
    played.says(&data(false, 1001, 0, 1)).unwrap();
    assert_eq!(sack_of(&played.hears()), (1003, vec![(2, 2)], vec![]));
}

#[test]
fn duplicates_are_told_at_once_and_once() {
    let mut played = established();
    played.says(&data(false, 1000, 0, 0)).unwrap();
    played.hears();
    for _ in 0..2 {
        played.says(&data(false, 1000, 0, 0)).unwrap();
        assert_eq!(sack_of(&played.hears()), (1000, vec![], vec![1000]));
    }
    played.says(&[data(false, 1001, 0, 1), data(false, 1001, 0, 1)].concat()).unwrap();
    assert_eq!(sack_of(&played.hears()), (1001, vec![], vec![1001]));
    assert_eq!(played.messages().len(), 2);
}

#[test]
fn a_chunk_that_asks_for_it_is_acknowledged_at_once() {
    let mut played = established();
    played.says(&data(false, 1000, 0, 0)).unwrap();
    played.hears();
    let mut asking = data(false, 1001, 0, 1);
    asking[1] |= 8;
    played.says(&asking).unwrap();
    assert_eq!(sack_of(&played.hears()).0, 1001);
}

#[test]
fn a_single_packet_is_acknowledged_within_200_milliseconds() {
    let mut played = established();
    played.says(&data(false, 1000, 0, 0)).unwrap();
    played.hears();
    played.says(&data(false, 1001, 0, 1)).unwrap();
    assert_eq!(played.hears(), []);
    let at = played.machine.poll_timeout().unwrap();
    assert!(at - played.now <= Duration::from_millis(200));
    played.goes_on();
    assert_eq!(sack_of(&played.hears()).0, 1001);
}

#[test]
fn old_and_impossible_acknowledgements_change_nothing() {
    let mut played = established();
    (0..3).for_each(|_| send(&mut played, 1100));
    played.hears();
    let first = played.its_tsn;
    played.says(&sack(first.wrapping_add(1), 1 << 20, &[])).unwrap();
    let before = played.machine.stats().bytes_in_flight;
    for tsn in
        [first, first.wrapping_add(3), first.wrapping_add(0x7fff_ffff), first.wrapping_sub(0x7fff_0000)]
    {
        assert_eq!(played.says(&sack(tsn, 0, &[])), Err(Discard::BadAcknowledgement), "{tsn}");
    }
    let stats = played.machine.stats();
    assert_eq!((stats.bytes_in_flight, stats.peer_window), (before, 1 << 20));
}

#[test]
fn senseless_gaps_acknowledge_nothing() {
    let mut played = established();
    (0..3).for_each(|_| send(&mut played, 1100));
    played.hears();
    let before = played.machine.stats().bytes_in_flight;
    let cumulative = played.its_tsn.wrapping_sub(1);
    // Backwards, of TSN 0 from here, touching the cumulative TSN, beyond what was sent.
    played.says(&sack(cumulative, 1 << 20, &[(3, 2), (0, 0), (1, 2), (3, 200), (50_000, 65_535)])).unwrap();
    assert_eq!(played.machine.stats().bytes_in_flight, before);
}

#[test]
fn a_fragment_reported_missing_is_sent_again_once() {
    let mut played = established();
    (0..5).for_each(|_| send(&mut played, 1100));
    played.hears();
    played.now += Duration::from_millis(50);
    let cumulative = played.its_tsn.wrapping_sub(1);
    let mut again = Vec::new();
    for end in 2..=5 {
        played.says(&sack(cumulative, 1 << 20, &[(2, end)])).unwrap();
        again.extend(played.hears());
    }
    played.waits(Duration::from_millis(40));
    again.extend(played.hears());
    let tsns: Vec<_> =
        again.iter().filter(|heard| heard.kind == kind::DATA).map(|heard| &heard.value[..4]).collect();
    assert_eq!(tsns, [played.its_tsn.to_be_bytes()]);
}

#[test]
fn acknowledged_data_that_the_peer_takes_back_is_sent_again() {
    let mut played = established();
    (0..3).for_each(|_| send(&mut played, 1100));
    played.hears();
    let cumulative = played.its_tsn.wrapping_sub(1);
    played.says(&sack(cumulative, 1 << 20, &[(2, 3)])).unwrap();
    // It takes back all of it; what is missing first goes first.
    let mut seen = std::collections::BTreeSet::new();
    for acknowledged in 0..3 {
        for _ in 0..6 {
            let _ = played.says(&sack(cumulative.wrapping_add(acknowledged), 1 << 20, &[]));
            let heard = played.hears().into_iter().filter(|heard| heard.kind == kind::DATA);
            seen.extend(heard.map(|heard| heard.value[..4].to_vec()));
            played.goes_on();
        }
    }
    assert_eq!(seen.len(), 3, "{seen:?}");
}

#[test]
fn nothing_is_sent_beyond_the_peers_window_but_one_probe() {
    let mut played = established();
    (0..10).for_each(|_| send(&mut played, 1100));
    let sent = played.hears_kinds().len() as u32;
    assert_eq!(sent, 10);
    played.says(&sack(played.its_tsn.wrapping_add(9), 0, &[])).unwrap();
    (0..5).for_each(|_| send(&mut played, 1100));
    assert_eq!(played.hears_kinds(), [kind::DATA], "a probe of the closed window");
    for _ in 0..4 {
        // It is repeated, and nothing else is sent.
        played.goes_on();
        assert!(played.hears_kinds().len() <= 1);
    }
    assert_eq!(played.machine.stats().data_chunks_sent, 11);
    played.says(&sack(played.its_tsn.wrapping_add(10), 1 << 20, &[])).unwrap();
    assert_eq!(played.hears_kinds().len(), 4, "the window opened");
}

#[test]
fn the_window_told_shrinks_by_what_nobody_takes_and_data_beyond_it_is_dropped() {
    let mut played = Played::established(
        Config { interleaving: false, receive_buffer: 1 << 13, ..Config::default() },
        ALL,
    );
    let mut windows = Vec::new();
    for index in 0..400 {
        played.says(&data(false, 1000 + index, 0, index)).unwrap();
        played.waits(Duration::from_millis(30));
        let heard = played.hears();
        if let Some(heard) = heard.iter().find(|heard| heard.kind == kind::SACK) {
            windows.push((u32::from_be_bytes(heard.value[4..8].try_into().unwrap()), told(heard).0));
        }
    }
    assert!(windows.windows(2).all(|pair| pair[1].0 <= pair[0].0), "{windows:?}");
    let (window, cumulative) = *windows.last().unwrap();
    assert_eq!(window, 0);
    assert!(cumulative < 1399, "what did not fit is not acknowledged");
    let taken = played.messages().len() as u32;
    assert_eq!(taken, cumulative - 999);
}

#[test]
fn an_acknowledgement_that_claims_more_than_it_holds_is_malformed() {
    let mut played = established();
    send(&mut played, 1100);
    played.hears();
    for counts in [[0xff, 0xff, 0, 0], [0, 0, 0xff, 0xff], [0, 1, 0, 0]] {
        let body = [&played.its_tsn.to_be_bytes()[..], &[0, 1, 0, 0], &counts].concat();
        let result = played.says(&chunk(kind::SACK, 0, &body));
        assert_eq!(result, Err(Discard::Malformed), "{counts:?}");
        assert!(played.machine.stats().bytes_in_flight > 1100);
    }
}

#[test]
fn every_timeout_sends_the_earliest_missing_data_again() {
    let mut played = established();
    (0..6).for_each(|_| send(&mut played, 1100));
    played.hears();
    for timeouts in 1..4 {
        while played.machine.stats().timeouts < timeouts {
            played.goes_on();
        }
        let heard = played.hears();
        let data: Vec<_> = heard.iter().filter(|heard| heard.kind == kind::DATA).collect();
        assert_eq!(data.len(), 1, "one packet");
        assert_eq!(data[0].value[..4], played.its_tsn.to_be_bytes());
    }
}
