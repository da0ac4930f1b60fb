//! Messages that leave with the COOKIE ECHO, and an INIT that leaves before the layer below is ready.

use crate::support::played::{ALL, Played, chunk, init};
use crate::support::{Link, Pair, association, payload};
use sendrecv_core::Machine;
use sendrecv_sctp::wire::{Cause, Parameter, code, kind, parameter};
use sendrecv_sctp::{Config, Event, SendOptions, State};
use std::collections::VecDeque;
use std::time::Duration;

const MS: fn(u64) -> Duration = Duration::from_millis;

fn init_ack() -> Vec<u8> {
    let mut cookie = Vec::new();
    Parameter { kind: parameter::STATE_COOKIE, value: &[9; 20] }.write(&mut cookie).unwrap();
    init(kind::INIT_ACK, ALL, &cookie)
}

/// An association that was given these messages and has heard the answer to its INIT.
fn with_messages(count: u32, options: SendOptions) -> Played {
    let mut played = Played::new(Config::default());
    for number in 0..count {
        played.machine.send(played.now, 1, 51, payload(number, 100), options).unwrap();
    }
    played.machine.connect(played.now).unwrap();
    assert_eq!(played.hears_kinds(), [kind::INIT]);
    played.says(&init_ack()).unwrap();
    played
}

/// Acknowledges so many chunks.
fn sack(played: &mut Played, count: u32) {
    let mut value = (played.its_tsn.wrapping_add(count).wrapping_sub(1)).to_be_bytes().to_vec();
    value.extend_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
    played.says(&chunk(kind::SACK, 0, &value)).unwrap();
}

#[test]
fn nothing_follows_a_cookie_echo_and_its_data_until_it_is_acknowledged() {
    let mut played = with_messages(30, SendOptions::default());
    let heard = played.hears_kinds();
    assert_eq!(heard[..2], [kind::COOKIE_ECHO, kind::I_DATA]);
    assert!(heard.len() < 12, "one packet: {heard:?}");
    played.waits(MS(500));
    assert_eq!(played.hears_kinds(), []);
    played.says(&chunk(kind::COOKIE_ACK, 0, &[])).unwrap();
    assert_eq!(played.hears_kinds().len(), 31 - heard.len(), "the others");
}

#[test]
fn a_cookie_echo_that_is_sent_again_takes_its_data_along_again() {
    let mut played = with_messages(2, SendOptions::default());
    let first = played.hears();
    assert_eq!(first.len(), 3);
    played.waits(MS(1000));
    assert_eq!(played.hears(), first);
    played.says(&chunk(kind::COOKIE_ACK, 0, &[])).unwrap();
    sack(&mut played, 2);
    assert_eq!(played.machine.stats().bytes_in_flight, 0);
    assert_eq!(played.hears_kinds(), []);
}

#[test]
fn a_message_that_is_not_to_be_repeated_leaves_with_the_first_cookie_echo_only() {
    let mut played = with_messages(1, SendOptions { max_retransmits: Some(0), ..SendOptions::default() });
    assert_eq!(played.hears_kinds(), [kind::COOKIE_ECHO, kind::I_DATA]);
    played.waits(MS(1000));
    assert_eq!(played.hears_kinds(), [kind::COOKIE_ECHO]);
    played.says(&chunk(kind::COOKIE_ACK, 0, &[])).unwrap();
    assert_eq!(played.hears_kinds(), [kind::I_FORWARD_TSN]);
}

#[test]
fn a_peer_that_ignores_data_behind_a_cookie_echo_gets_it_again() {
    let mut played = with_messages(1, SendOptions::default());
    assert_eq!(played.hears_kinds(), [kind::COOKIE_ECHO, kind::I_DATA]);
    played.now += MS(50);
    played.says(&chunk(kind::COOKIE_ACK, 0, &[])).unwrap();
    assert_eq!(played.events().first(), Some(&Event::Connected));
    while played.goes_on() {
        let heard = played.hears_kinds();
        if !heard.is_empty() {
            assert_eq!(heard, [kind::I_DATA]);
            break;
        }
    }
    sack(&mut played, 1);
    assert_eq!(played.machine.stats().bytes_in_flight, 0);
}

#[test]
fn after_a_stale_cookie_the_next_one_takes_the_data_along() {
    let mut played = with_messages(1, SendOptions::default());
    let first = played.hears();
    let mut stale = Vec::new();
    Cause { code: code::STALE_COOKIE, value: &[0, 0, 1, 0] }.write(&mut stale).unwrap();
    played.says(&chunk(kind::ERROR, 0, &stale)).unwrap();
    assert_eq!(played.hears_kinds(), [kind::INIT]);
    played.says(&init_ack()).unwrap();
    assert_eq!(played.hears(), first);
}

#[test]
fn where_both_open_at_once_each_sides_first_message_comes_with_its_cookie() {
    let side = |seed| association(Config::default(), seed);
    let mut pair = Pair::over(side(1), side(2), Link::default(), 1);
    for machine in [&mut pair.a, &mut pair.b] {
        machine.send(pair.now, 1, 51, payload(1, 10), SendOptions::default()).unwrap();
        machine.connect(pair.now).unwrap();
    }
    let arrived = |events: &VecDeque<Event>| events.iter().any(|event| matches!(event, Event::Message(_)));
    let took = pair.run_until(MS(1000), |pair| arrived(&pair.a_events) && arrived(&pair.b_events));
    assert_eq!(took, MS(30));
}

#[test]
fn an_init_that_was_too_early_is_sent_again_at_once_as_the_first() {
    let mut played = Played::new(Config::default());
    played.machine.connect(played.now).unwrap();
    let first = played.hears();
    played.waits(MS(70));
    played.machine.lower_layer_is_ready(played.now);
    assert_eq!(played.hears(), []);
    played.waits(MS(5));
    assert_eq!(played.hears(), first);
    played.waits(MS(999));
    assert_eq!(played.hears(), []);
    played.waits(MS(1));
    assert_eq!(played.hears(), first, "a second later, as ever");
}

#[test]
fn an_early_init_that_is_answered_is_not_sent_again() {
    let mut played = Played::new(Config::default());
    played.machine.connect(played.now).unwrap();
    played.hears();
    played.machine.lower_layer_is_ready(played.now);
    played.waits(MS(1));
    played.says(&init_ack()).unwrap();
    assert_eq!(played.hears_kinds(), [kind::COOKIE_ECHO]);
    played.waits(MS(900));
    assert_eq!((played.hears_kinds(), played.machine.state()), (vec![], State::CookieEchoed));
    // And where nothing waits for an answer, nothing changes.
    let mut established = Played::established(Config::default(), ALL);
    let before = established.machine.poll_timeout();
    established.machine.lower_layer_is_ready(established.now);
    assert_eq!(established.machine.poll_timeout(), before);
}
