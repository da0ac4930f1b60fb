//! Receiving data (RFC 9260, sections 6.2 to 6.9; RFC 8260, section 2).

use crate::support::payload;
use crate::support::played::{ALL, Played, chunk, data, fragment};
use sendrecv_sctp::wire::{Causes, InitExtensions, Sack, code, kind};
use sendrecv_sctp::{CloseReason, Config, Discard, SendOptions, State};
use std::time::Duration;

fn established(interleaving: bool) -> Played {
    Played::established(Config { interleaving, ..Config::default() }, ALL)
}

#[test]
fn data_for_a_stream_that_was_never_opened_is_reported_and_acknowledged_and_the_rest_goes_on() {
    let mut played =
        Played::established(Config { interleaving: false, inbound_streams: 5, ..Config::default() }, ALL);
    played.says(&[data(false, 1000, 7, 0), data(false, 1001, 4, 0)].concat()).unwrap();
    let heard = played.hears();
    let error = heard.iter().find(|heard| heard.kind == kind::ERROR).unwrap();
    let cause = Causes::new(&error.value).next().unwrap().unwrap();
    assert_eq!((cause.code, cause.value), (code::INVALID_STREAM, &[0, 7, 0, 0][..]));
    let sack = heard.iter().find(|heard| heard.kind == kind::SACK).unwrap();
    assert_eq!(sack.value[..4], 1001u32.to_be_bytes());
    assert!(played.messages().contains(&4));
}

#[test]
fn chunks_of_a_packet_are_taken_in_order_and_padding_may_be_anything() {
    let mut played = established(false);
    let mut first = data(false, 1000, 1, 0);
    // Three bytes of data, one of padding that is not zero.
    (first[3], first[19]) = (19, 0xff);
    played.says(&[first, data(false, 1001, 2, 0), data(false, 1002, 3, 0)].concat()).unwrap();
    assert_eq!(played.messages(), [1, 2, 3]);
}

#[test]
fn a_message_waits_for_the_one_before_it_on_its_stream_and_for_no_other() {
    let mut played = established(false);
    played.says(&data(false, 1001, 1, 1)).unwrap();
    played.says(&data(false, 1002, 2, 0)).unwrap();
    assert_eq!(played.messages(), [2]);
    played.says(&data(false, 1000, 1, 0)).unwrap();
    assert_eq!(played.messages(), [1, 1]);
}

#[test]
fn an_unordered_message_waits_for_nobody() {
    for interleaving in [false, true] {
        let mut played = established(interleaving);
        let mut late = data(interleaving, 1005, 1, 9);
        late[1] |= 4;
        played.says(&late).unwrap();
        assert_eq!(played.messages(), [1]);
    }
}

#[test]
fn fragments_come_together_in_any_order() {
    for interleaving in [false, true] {
        let part = |index: u32| fragment(interleaving, (1000 + index, 1, 0, index), (index == 0, index == 3));
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 0, 3, 2], [2, 3, 0, 1]] {
            let mut played = established(interleaving);
            order.into_iter().for_each(|index| played.says(&part(index)).unwrap());
            assert_eq!(played.messages(), [1], "{order:?}");
            assert_eq!(played.machine.stats().receive_window, 1 << 20);
        }
    }
}

#[test]
fn data_of_the_kind_that_was_not_agreed_on_ends_the_association() {
    for interleaving in [false, true] {
        let mut played = established(interleaving);
        played.says(&data(!interleaving, 1000, 1, 0)).unwrap();
        let violation = CloseReason::ProtocolViolation("DATA and I-DATA mixed");
        assert_eq!(played.machine.close_reason(), Some(&violation));
        assert_eq!(played.hears_kinds(), [kind::ABORT]);
    }
}

#[test]
fn fragments_that_cannot_belong_together_end_the_association() {
    // A fragment of another message where the next one must be, and a second beginning is a new message.
    let mut played = established(false);
    played.says(&fragment(false, (1000, 1, 0, 0), (true, false))).unwrap();
    played.says(&fragment(false, (1001, 2, 0, 0), (false, true))).unwrap();
    assert_eq!((played.machine.state(), played.hears_kinds()), (State::Closed, vec![kind::ABORT]));
    // A fragment number that was used.
    let mut played = established(true);
    for tsn in [1001, 1002] {
        played.says(&fragment(true, (tsn, 1, 0, 5), (false, false))).unwrap();
    }
    assert_eq!((played.machine.state(), played.hears_kinds()), (State::Closed, vec![kind::ABORT]));
}

#[test]
fn data_before_and_after_the_association_is_discarded() {
    let mut played = Played::new(Config::default());
    played.machine.connect(played.now).unwrap();
    played.hears();
    assert_eq!(played.says(&data(true, 1000, 1, 0)), Err(Discard::Unexpected));
    assert_eq!(played.hears(), []);
}

#[test]
fn a_chunk_shorter_than_its_fields_is_discarded_and_says_nothing() {
    for kind in [kind::DATA, kind::SACK, kind::FORWARD_TSN, kind::SHUTDOWN, kind::HEARTBEAT_ACK] {
        let mut played = established(false);
        assert_eq!(played.says(&chunk(kind, 3, &[0; 3])), Err(Discard::Malformed), "{kind}");
        assert_eq!((played.machine.state(), played.hears()), (State::Established, vec![]));
    }
}

#[test]
fn without_the_peers_word_for_it_messages_do_not_interleave() {
    let none = InitExtensions::default();
    let mut played = Played::established(Config::default(), none);
    played.says(&data(false, 1000, 1, 0)).unwrap();
    assert_eq!(played.messages(), [1]);
    assert!(!played.machine.extensions().interleaving);
}

#[test]
fn a_heartbeat_is_echoed_to_the_byte() {
    let mut played = established(false);
    let info = [0, 1, 0, 9, 1, 2, 3, 4, 5, 0, 0, 0];
    played.says(&chunk(kind::HEARTBEAT, 0, &info)).unwrap();
    let heard = played.hears();
    assert_eq!((heard[0].kind, &heard[0].value[..]), (kind::HEARTBEAT_ACK, &info[..]));
    // An answer to what was never asked.
    assert_eq!(
        played.says(&chunk(kind::HEARTBEAT_ACK, 0, &[0, 1, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])),
        Err(Discard::Unexpected)
    );
}

#[test]
fn errors_and_address_changes_of_the_peers_end_nothing() {
    let mut played = established(false);
    for cause in
        [code::INVALID_STREAM, code::UNRECOGNIZED_CHUNK, code::PROTOCOL_VIOLATION, code::STALE_COOKIE, 0x7777]
    {
        let [high, low] = cause.to_be_bytes();
        let _ = played.says(&chunk(kind::ERROR, 0, &[high, low, 0, 4]));
    }
    // ASCONF is skipped and reported, ASCONF ACK is skipped, AUTH ends the packet: by their types.
    for (kind_of, reported, goes_on) in [(0xc1, true, true), (0x80, false, true), (0x0f, false, false)] {
        let tsn = 1000 + u32::from(played.machine.stats().messages_received as u16);
        let ssn = tsn - 1000;
        let _ = played.says(&[chunk(kind_of, 0, &[0; 8]), data(false, tsn, 0, ssn)].concat());
        assert_eq!(played.hears_kinds().contains(&kind::ERROR), reported, "{kind_of:x}");
        assert_eq!(!played.messages().is_empty(), goes_on, "{kind_of:x}");
    }
    assert_eq!(played.machine.state(), State::Established);
}

#[test]
fn data_for_a_stream_that_was_never_opened_is_not_delivered() {
    for interleaving in [false, true] {
        let config = Config { interleaving, inbound_streams: 5, ..Config::default() };
        let mut played = Played::established(config, ALL);
        played.says(&data(interleaving, 1000, 5, 0)).unwrap();
        played.says(&fragment(interleaving, (1001, 9, 0, 0), (true, false))).unwrap();
        assert_eq!(played.messages(), []);
        assert_eq!(played.machine.stats().receive_window, 1 << 20, "nothing is kept of it");
        played.says(&data(interleaving, 1002, 4, 0)).unwrap();
        assert_eq!(played.messages(), [4]);
    }
}

#[test]
fn what_is_too_long_to_echo_is_cut_or_not_echoed() {
    let mut played = established(false);
    played.says(&chunk(kind::HEARTBEAT, 0, &[3; 1400])).unwrap();
    assert_eq!(played.hears(), [], "half a heartbeat would be no answer");
    let longest = 1200 - 12 - 4;
    played.says(&chunk(kind::HEARTBEAT, 0, &vec![3; longest])).unwrap();
    assert_eq!(played.hears()[0].value.len(), longest);
    // The report of an unknown chunk says how long it was, and how it began.
    played.says(&chunk(0xfe, 5, &[3; 1400])).unwrap();
    let heard = played.hears();
    let cause = Causes::new(&heard[0].value).next().unwrap().unwrap();
    assert_eq!((heard[0].kind, cause.code), (kind::ERROR, code::UNRECOGNIZED_CHUNK));
    assert_eq!(cause.value[..5], [0xfe, 5, 0x05, 0x7c, 3]);
}

#[test]
fn a_heartbeat_is_sent_on_an_idle_path_only_and_one_at_a_time() {
    let mut played = established(false);
    let mut beats = 0;
    for number in 0..60u32 {
        played.machine.send(played.now, 0, 51, payload(number, 10), SendOptions::default()).unwrap();
        beats += played.hears_kinds().iter().filter(|kind| **kind == kind::HEARTBEAT).count();
        let mut sack = Vec::new();
        let tsn = played.its_tsn.wrapping_add(number);
        Sack::write(tsn, 1 << 20, [].into_iter(), &[], &mut sack).unwrap();
        played.says(&sack).unwrap();
        played.waits(Duration::from_secs(2));
    }
    assert_eq!(beats, 0, "data shows as much");
    let start = played.now;
    while beats == 0 {
        assert!(played.goes_on());
        beats += played.hears_kinds().iter().filter(|kind| **kind == kind::HEARTBEAT).count();
    }
    let idle = played.now - start;
    assert!((27..32).contains(&idle.as_secs()), "{idle:?}");
}
