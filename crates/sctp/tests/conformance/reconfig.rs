//! Stream resets (RFC 6525): numbers, waiting, answers, repetition.

use crate::support::payload;
use crate::support::played::{ALL, Heard, OUR_TSN, Played, chunk, data, fragment};
use sendrecv_sctp::wire::{
    InitExtensions, OutgoingResetRequest, Parameters, ReconfigResponse, ResetResult, Sack, kind, parameter,
};
use sendrecv_sctp::{Config, Discard, Event, SendOptions};
use std::time::Duration;

fn established() -> Played {
    Played::established(Config { interleaving: false, ..Config::default() }, ALL)
}

/// A request of the peer's to have these streams of its start over.
fn request(number: u32, last_tsn: u32, streams: &[u16]) -> Vec<u8> {
    let mut value = Vec::new();
    OutgoingResetRequest::write(number, 0, last_tsn, streams, &mut value).unwrap();
    chunk(kind::RE_CONFIG, 0, &value[..16 + 2 * streams.len()])
}

fn response(number: u32, result: u32) -> Vec<u8> {
    let mut value = Vec::new();
    ReconfigResponse { response: number, result }.write(&mut value).unwrap();
    chunk(kind::RE_CONFIG, 0, &value)
}

/// What became of our requests.
fn outcomes(played: &mut Played) -> Vec<Event> {
    let mut events = played.events();
    events.retain(|event| matches!(event, Event::OutgoingStreamReset { .. }));
    events
}

/// The answers among what was heard: request number and result.
fn answers(heard: &[Heard]) -> Vec<(u32, ResetResult)> {
    let mut answers = Vec::new();
    for heard in heard.iter().filter(|heard| heard.kind == kind::RE_CONFIG) {
        for parameter in Parameters::new(&heard.value).map(Result::unwrap) {
            if parameter.kind == parameter::RECONFIG_RESPONSE {
                let response = ReconfigResponse::parse(parameter.value).unwrap();
                answers.push((response.response, ResetResult::from_code(response.result).unwrap()));
            }
        }
    }
    answers
}

/// The requests of ours among what was heard: number, last TSN, streams.
fn requests(heard: &[Heard]) -> Vec<(u32, u32, Vec<u16>)> {
    let mut requests = Vec::new();
    for heard in heard.iter().filter(|heard| heard.kind == kind::RE_CONFIG) {
        for parameter in Parameters::new(&heard.value).map(Result::unwrap) {
            if parameter.kind == parameter::OUTGOING_RESET {
                let request = OutgoingResetRequest::parse(parameter.value).unwrap();
                requests.push((request.request, request.last_tsn, request.streams().collect()));
            }
        }
    }
    requests
}

#[test]
fn a_reset_starts_its_streams_over_and_no_others() {
    let mut played = established();
    for (index, stream) in [1, 1, 2].into_iter().enumerate() {
        played.says(&data(false, 1000 + index as u32, stream, u32::from(index == 1))).unwrap();
    }
    played.hears();
    assert_eq!(played.messages().len(), 3);
    played.says(&request(OUR_TSN, 1002, &[1])).unwrap();
    assert_eq!(played.events(), [Event::IncomingStreamReset { stream: 1 }]);
    assert_eq!(answers(&played.hears()), [(OUR_TSN, ResetResult::Performed)]);
    // Stream 1 begins with 0 again, stream 2 goes on.
    played.says(&[data(false, 1003, 1, 0), data(false, 1004, 2, 1)].concat()).unwrap();
    assert_eq!(played.messages(), [1, 2]);
}

#[test]
fn a_repeated_request_is_answered_again_and_performed_once() {
    let mut played = established();
    for _ in 0..3 {
        played.says(&request(OUR_TSN, 999, &[1])).unwrap();
        assert_eq!(answers(&played.hears()), [(OUR_TSN, ResetResult::Performed)]);
    }
    assert_eq!(played.events().len(), 1);
}

#[test]
fn a_request_out_of_order_is_refused() {
    let mut played = established();
    for number in [OUR_TSN.wrapping_add(1), OUR_TSN.wrapping_sub(2), 0] {
        played.says(&request(number, 999, &[1])).unwrap();
        assert_eq!(answers(&played.hears()), [(number, ResetResult::BadSequenceNumber)]);
    }
    assert_eq!(played.events(), []);
}

#[test]
fn a_reset_waits_for_everything_sent_before_it() {
    let mut played = established();
    played.says(&request(OUR_TSN, 1001, &[1])).unwrap();
    assert_eq!(answers(&played.hears()), [(OUR_TSN, ResetResult::InProgress)]);
    played.says(&data(false, 1001, 1, 1)).unwrap();
    played.hears();
    assert_eq!(played.events(), []);
    // The same request again, while it waits.
    played.says(&request(OUR_TSN, 1001, &[1])).unwrap();
    assert_eq!(answers(&played.hears()), [(OUR_TSN, ResetResult::InProgress)]);
    played.says(&data(false, 1000, 1, 0)).unwrap();
    let events = played.events();
    assert!(matches!(
        events[..],
        [Event::Message(_), Event::Message(_), Event::IncomingStreamReset { stream: 1 }]
    ));
    assert_eq!(answers(&played.hears()), [(OUR_TSN, ResetResult::Performed)]);
}

#[test]
fn requests_for_unknown_streams_and_of_other_kinds_are_refused() {
    let mut played = established();
    played.says(&request(OUR_TSN, 999, &[1, 10])).unwrap();
    assert_eq!(answers(&played.hears()), [(OUR_TSN, ResetResult::WrongStream)]);
    assert_eq!(played.events(), []);
    for (index, kind_of) in
        [parameter::SSN_TSN_RESET, parameter::ADD_OUTGOING, parameter::ADD_INCOMING].into_iter().enumerate()
    {
        let number = OUR_TSN + 1 + index as u32;
        let mut value = Vec::new();
        let body = [number.to_be_bytes(), [0; 4]].concat();
        sendrecv_sctp::wire::Parameter { kind: kind_of, value: &body }.write(&mut value).unwrap();
        played.says(&chunk(kind::RE_CONFIG, 0, &value)).unwrap();
        assert_eq!(answers(&played.hears()), [(number, ResetResult::Denied)]);
    }
}

#[test]
fn an_incoming_request_makes_us_reset_our_side() {
    let mut played = established();
    played.machine.send(played.now, 3, 51, payload(1, 10), SendOptions::default()).unwrap();
    played.hears();
    let mut value = Vec::new();
    let body = [&OUR_TSN.to_be_bytes()[..], &[0, 3]].concat();
    sendrecv_sctp::wire::Parameter { kind: parameter::INCOMING_RESET, value: &body }
        .write(&mut value)
        .unwrap();
    played.says(&chunk(kind::RE_CONFIG, 0, &value[..10])).unwrap();
    let heard = played.hears();
    assert_eq!(requests(&heard), [(played.its_tsn, played.its_tsn, vec![3])]);
}

#[test]
fn our_request_follows_our_data_is_repeated_as_it_was_and_ends_with_its_answer() {
    for (result, performed) in [(1, true), (0, true), (2, false), (3, false)] {
        let mut played = established();
        played.machine.send(played.now, 3, 51, payload(1, 3000), SendOptions::default()).unwrap();
        played.machine.reset_stream(played.now, 3).unwrap();
        let heard = played.hears();
        let request = requests(&heard).remove(0);
        assert_eq!(request, (played.its_tsn, played.its_tsn.wrapping_add(2), vec![3]));
        let mut bytes = Vec::new();
        Sack::write(played.its_tsn.wrapping_add(2), 1 << 20, [].into_iter(), &[], &mut bytes).unwrap();
        played.says(&bytes).unwrap();
        for _ in 0..2 {
            played.goes_on();
            assert_eq!(requests(&played.hears()), std::slice::from_ref(&request));
        }
        // "In progress" only puts it off.
        played.says(&response(request.0, 6)).unwrap();
        assert_eq!(outcomes(&mut played), []);
        played.goes_on();
        assert_eq!(requests(&played.hears()), std::slice::from_ref(&request));
        // An answer to something else means nothing.
        played.says(&response(request.0.wrapping_add(1), 1)).unwrap();
        assert_eq!(outcomes(&mut played), []);
        played.says(&response(request.0, result)).unwrap();
        assert_eq!(outcomes(&mut played), [Event::OutgoingStreamReset { stream: 3, performed }]);
        played.waits(Duration::from_secs(20));
        assert_eq!(requests(&played.hears()), []);
    }
}

#[test]
fn requests_of_ours_go_one_at_a_time() {
    let mut played = established();
    played.machine.reset_stream(played.now, 1).unwrap();
    assert_eq!(requests(&played.hears()).len(), 1);
    played.machine.reset_stream(played.now, 2).unwrap();
    played.machine.reset_stream(played.now, 3).unwrap();
    assert_eq!(requests(&played.hears()), []);
    played.says(&response(played.its_tsn, 1)).unwrap();
    assert_eq!(requests(&played.hears())[0].2, [2, 3]);
}

#[test]
fn a_reset_stream_of_ours_begins_with_message_zero() {
    let mut played = established();
    let ssn = |heard: &[Heard]| {
        let heard = heard.iter().find(|heard| heard.kind == kind::DATA).unwrap();
        u16::from_be_bytes([heard.value[6], heard.value[7]])
    };
    for number in 0..2 {
        played.machine.send(played.now, 3, 51, payload(1, 10), SendOptions::default()).unwrap();
        assert_eq!(ssn(&played.hears()), number);
    }
    played.machine.reset_stream(played.now, 3).unwrap();
    played.hears();
    played.says(&response(played.its_tsn, 1)).unwrap();
    played.machine.send(played.now, 3, 51, payload(1, 10), SendOptions::default()).unwrap();
    assert_eq!(ssn(&played.hears()), 0);
}

#[test]
fn without_the_extension_requests_are_discarded() {
    let extensions = InitExtensions { reconfig: false, ..ALL };
    let mut played = Played::established(Config::default(), extensions);
    assert_eq!(played.says(&request(OUR_TSN, 999, &[1])), Err(Discard::Unexpected));
    assert_eq!((played.hears(), played.events()), (vec![], vec![]));
}

#[test]
fn an_unfinished_message_does_not_survive_the_reset_of_its_stream() {
    let mut played = established();
    played.says(&fragment(false, (1000, 1, 0, 0), (true, false))).unwrap();
    played.says(&request(OUR_TSN, 1000, &[1])).unwrap();
    played.hears();
    played.events();
    played.says(&data(false, 1001, 1, 0)).unwrap();
    assert_eq!(played.messages(), [1]);
}

#[test]
fn data_sent_behind_a_reset_that_waits_is_held_until_it_is_performed() {
    for interleaving in [false, true] {
        let mut played = Played::established(Config { interleaving, ..Config::default() }, ALL);
        played.says(&data(interleaving, 1000, 1, 0)).unwrap();
        played.says(&request(OUR_TSN, 1002, &[1])).unwrap();
        // The streams' new lives, and one that is not reset.
        for (tsn, stream, id) in [(1003, 1, 0), (1004, 1, 1), (1005, 2, 0)] {
            played.says(&data(interleaving, tsn, stream, id)).unwrap();
        }
        let held = played.machine.stats().receive_window;
        assert_eq!(played.messages(), [1, 2]);
        played.says(&data(interleaving, 1002, 1, 2)).unwrap();
        assert_eq!(played.events(), []);
        played.says(&data(interleaving, 1001, 1, 1)).unwrap();
        let events = played.events();
        let kinds: Vec<_> = events
            .iter()
            .map(|event| match event {
                Event::Message(message) => ("message", message.stream),
                Event::IncomingStreamReset { stream } => ("reset", *stream),
                _ => ("other", 0),
            })
            .collect();
        assert_eq!(
            kinds,
            [("message", 1), ("message", 1), ("reset", 1), ("message", 1), ("message", 1)],
            "{events:?}"
        );
        assert!(held < 1 << 20 && played.machine.stats().receive_window == 1 << 20);
    }
}

#[test]
fn a_reset_that_waits_may_be_asked_for_again_under_a_new_number() {
    let number = OUR_TSN.wrapping_add(1);
    // dcSCTP does so: before the data is there, and after.
    for early in [true, false] {
        let mut played = established();
        played.says(&request(OUR_TSN, 1000, &[1])).unwrap();
        assert_eq!(answers(&played.hears()), [(OUR_TSN, ResetResult::InProgress)]);
        if early {
            played.says(&request(number, 1000, &[1])).unwrap();
            assert_eq!(answers(&played.hears()), [(number, ResetResult::InProgress)]);
        }
        played.says(&data(false, 1000, 1, 0)).unwrap();
        assert!(
            answers(&played.hears())
                .contains(&(if early { number } else { OUR_TSN }, ResetResult::Performed))
        );
        assert_eq!(played.events().len(), 2, "a message and a reset");
        played.says(&request(number, 1000, &[1])).unwrap();
        assert_eq!(answers(&played.hears()), [(number, ResetResult::Performed)]);
        assert_eq!(played.events(), [], "once is enough");
        // The next one is another.
        played.says(&request(number.wrapping_add(1), 1000, &[1])).unwrap();
        assert_eq!(played.events(), [Event::IncomingStreamReset { stream: 1 }]);
    }
}

#[test]
fn another_request_while_one_waits_is_refused_and_does_not_change_its_outcome() {
    let mut played = established();
    played.says(&request(OUR_TSN, 1000, &[1])).unwrap();
    played.hears();
    let number = OUR_TSN.wrapping_add(1);
    played.says(&request(number, 1000, &[2])).unwrap();
    assert_eq!(answers(&played.hears()), [(number, ResetResult::AlreadyInProgress)]);
    played.says(&data(false, 1000, 1, 0)).unwrap();
    assert_eq!(answers(&played.hears()), [(OUR_TSN, ResetResult::Performed)]);
    played.says(&request(number, 1000, &[2])).unwrap();
    assert_eq!(answers(&played.hears()), [(number, ResetResult::AlreadyInProgress)], "as before");
}

#[test]
fn a_request_without_streams_resets_all_of_them() {
    for interleaving in [false, true] {
        let mut played = Played::established(Config { interleaving, ..Config::default() }, ALL);
        for (tsn, stream) in [(1000, 1), (1001, 2)] {
            played.says(&data(interleaving, tsn, stream, 0)).unwrap();
        }
        played.says(&fragment(interleaving, (1002, 3, 0, 0), (true, false))).unwrap();
        played.events();
        played.says(&request(OUR_TSN, 1002, &[])).unwrap();
        assert_eq!(played.events(), [Event::AllIncomingStreamsReset]);
        for (tsn, stream) in [(1003, 1), (1004, 2), (1005, 3)] {
            played.says(&data(interleaving, tsn, stream, 0)).unwrap();
        }
        assert_eq!(played.messages(), [1, 2, 3]);
    }
}

#[test]
fn interleaved_pieces_from_before_a_reset_do_not_mix_with_what_comes_after() {
    let mut played = Played::established(Config::default(), ALL);
    played.says(&fragment(true, (1000, 1, 0, 0), (true, false))).unwrap();
    played.says(&fragment(true, (1001, 1, 0, 2), (false, true))).unwrap();
    played.says(&request(OUR_TSN, 1001, &[1])).unwrap();
    assert_eq!(played.machine.stats().receive_window, 1 << 20);
    played.events();
    played.says(&fragment(true, (1002, 1, 0, 0), (true, false))).unwrap();
    played.says(&fragment(true, (1003, 1, 0, 1), (false, true))).unwrap();
    let events = played.events();
    assert!(matches!(&events[..], [Event::Message(message)] if message.data.len() == 8), "{events:?}");
}

#[test]
fn a_reconfiguration_without_sense_is_discarded() {
    let mut played = established();
    for value in
        [&[][..], &[0, 13, 0, 8, 0, 0, 0, 0], &[0, 13, 0, 200, 0, 0], &[0, 16, 0, 4], &[0, 17, 0, 6, 1, 2]]
    {
        let _ = played.says(&chunk(kind::RE_CONFIG, 0, value));
        assert_eq!((played.hears(), played.events()), (vec![], vec![]), "{value:?}");
    }
}
