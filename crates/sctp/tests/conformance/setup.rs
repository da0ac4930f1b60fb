//! Establishing: what is answered, refused, reported, repeated and given up.

use crate::support::played::{ALL, OUR_TAG, OUR_TSN, Played, chunk, init, packet};
use sendrecv_core::Machine;
use sendrecv_sctp::wire::{Cause, Causes, Chunks, Init, Parameter, code, kind, parameter};
use sendrecv_sctp::{CloseReason, Config, Discard, Event, State};
use std::time::Duration;

/// The parameters' types and values in an INIT ACK.
fn parameters(value: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let bytes = chunk(kind::INIT_ACK, 0, value);
    let chunk = Chunks::new(&bytes).next().unwrap().unwrap();
    let all = Init::parse(&chunk).unwrap().parameters;
    all.map(|parameter| parameter.unwrap())
        .map(|parameter| (parameter.kind, parameter.value.to_vec()))
        .collect()
}

fn cookie_of(init_ack: &[u8]) -> Vec<u8> {
    parameters(init_ack).into_iter().find(|(kind, _)| *kind == parameter::STATE_COOKIE).unwrap().1
}

fn first_cause(value: &[u8]) -> Cause<'_> {
    Causes::new(value).next().unwrap().unwrap()
}

/// An association that waits for the answer to its COOKIE ECHO.
fn cookie_echoed() -> Played {
    let mut played = Played::new(Config { max_init_retransmissions: Some(2), ..Config::default() });
    played.machine.connect(played.now).unwrap();
    assert_eq!(played.hears_kinds(), [kind::INIT]);
    let mut cookie = Vec::new();
    Parameter { kind: parameter::STATE_COOKIE, value: &[9; 20] }.write(&mut cookie).unwrap();
    played.says(&init(kind::INIT_ACK, ALL, &cookie)).unwrap();
    played
}

fn says_init(played: &mut Played, chunk: &[u8]) -> Result<(), Discard> {
    played.machine.handle_datagram(played.now, &packet(0, chunk))
}

#[test]
fn an_init_is_answered_with_its_tag_and_leaves_nothing_behind() {
    let mut played = Played::new(Config::default());
    for _ in 0..2 {
        says_init(&mut played, &init(kind::INIT, ALL, &[])).unwrap();
        let heard = played.hears();
        assert_eq!((heard.len(), heard[0].kind, heard[0].tag), (1, kind::INIT_ACK, OUR_TAG));
        assert_eq!((played.machine.state(), played.machine.poll_timeout()), (State::Closed, None));
    }
}

#[test]
fn a_cookie_echo_is_sent_with_the_cookie_as_it_came_and_repeated_until_given_up() {
    let mut played = cookie_echoed();
    let mut times = Vec::new();
    loop {
        let heard = played.hears();
        if !heard.is_empty() {
            assert_eq!(
                (heard[0].kind, heard[0].tag, &heard[0].value[..]),
                (kind::COOKIE_ECHO, OUR_TAG, &[9; 20][..])
            );
            times.push(played.now);
        }
        if !played.goes_on() {
            break;
        }
    }
    let pauses: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(pauses, [Duration::from_secs(1), Duration::from_secs(2)], "doubled each time");
    assert_eq!(played.machine.close_reason(), Some(&CloseReason::PeerUnreachable));
}

#[test]
fn a_cookie_ack_establishes_once_and_means_nothing_in_any_other_state() {
    let cookie_ack = chunk(kind::COOKIE_ACK, 0, &[]);
    let mut closed = Played::new(Config::default());
    assert_eq!(closed.says(&cookie_ack), Err(Discard::OutOfTheBlue));
    let mut played = cookie_echoed();
    played.hears();
    played.says(&cookie_ack).unwrap();
    assert_eq!((played.machine.state(), played.events()), (State::Established, vec![Event::Connected]));
    assert_eq!(played.says(&cookie_ack), Err(Discard::Unexpected));
    assert_eq!(played.events(), []);
}

#[test]
fn an_init_ack_means_nothing_but_to_one_that_waits_for_it() {
    for mut played in
        [Played::new(Config::default()), Played::established(Config::default(), ALL), cookie_echoed()]
    {
        let state = played.machine.state();
        played.hears();
        assert!(played.says(&init(kind::INIT_ACK, ALL, &[])).is_err());
        assert_eq!((played.machine.state(), played.hears_kinds()), (state, vec![]));
    }
}

#[test]
fn an_init_ack_without_a_cookie_ends_the_attempt_and_says_why() {
    let mut played = Played::new(Config::default());
    played.machine.connect(played.now).unwrap();
    played.hears();
    played.says(&init(kind::INIT_ACK, ALL, &[])).unwrap();
    let heard = played.hears();
    assert_eq!((heard[0].kind, first_cause(&heard[0].value).code), (kind::ABORT, code::MISSING_PARAMETER));
    assert_eq!(played.machine.state(), State::Closed);
}

#[test]
fn inits_with_senseless_fields_or_a_host_name_are_refused_with_the_cause() {
    let broken = |at: usize, bytes: &[u8]| {
        let mut init = init(kind::INIT, ALL, &[]);
        init[at..at + bytes.len()].copy_from_slice(bytes);
        init
    };
    let mut host = Vec::new();
    Parameter { kind: parameter::HOST_NAME, value: b"a.example" }.write(&mut host).unwrap();
    for (init, cause) in [
        (broken(8, &[0, 0, 5, 0xdb]), code::INVALID_PARAMETER),
        (broken(12, &[0, 0]), code::INVALID_PARAMETER),
        (broken(14, &[0, 0]), code::INVALID_PARAMETER),
        (init(kind::INIT, ALL, &host), code::UNRESOLVABLE_ADDRESS),
    ] {
        let mut played = Played::new(Config::default());
        says_init(&mut played, &init).unwrap();
        let heard = played.hears();
        assert_eq!((heard[0].kind, heard[0].tag), (kind::ABORT, OUR_TAG));
        assert_eq!(first_cause(&heard[0].value).code, cause);
    }
    // Without a tag there is nobody to tell.
    let mut played = Played::new(Config::default());
    assert_eq!(says_init(&mut played, &broken(4, &[0; 4])), Err(Discard::Malformed));
    assert_eq!(played.hears(), []);
}

#[test]
fn unknown_parameters_are_skipped_or_stop_and_are_reported_as_their_types_say() {
    for (kind_of, goes_on, reported) in
        [(0x3f01u16, false, false), (0x7f01, false, true), (0xbf01, true, false), (0xff01, true, true)]
    {
        let mut more = Vec::new();
        Parameter { kind: kind_of, value: &[1, 2, 3] }.write(&mut more).unwrap();
        // Behind it, one that matters.
        Parameter { kind: parameter::FORWARD_TSN, value: &[] }.write(&mut more).unwrap();
        let none = sendrecv_sctp::wire::InitExtensions::default();
        let mut played = Played::new(Config::default());
        says_init(&mut played, &init(kind::INIT, none, &more)).unwrap();
        let heard = played.hears();
        let all = parameters(&heard[0].value);
        let reports: Vec<_> = all.iter().filter(|(kind, _)| *kind == parameter::UNRECOGNIZED).collect();
        assert_eq!(reports.len(), usize::from(reported), "{kind_of:x}");
        if reported {
            assert_eq!(reports[0].1[..7], [&kind_of.to_be_bytes()[..], &[0, 7, 1, 2, 3]].concat()[..]);
        }
        played.says(&chunk(kind::COOKIE_ECHO, 0, &cookie_of(&heard[0].value))).unwrap();
        assert_eq!(played.machine.extensions().partial_reliability, goes_on, "{kind_of:x}");
    }
}

#[test]
fn an_init_that_is_not_alone_or_has_a_tag_is_not_looked_at() {
    let mut played = Played::new(Config::default());
    let init = init(kind::INIT, ALL, &[]);
    assert_eq!(played.says(&init), Err(Discard::BadVerificationTag));
    let bundled = [&init[..], &chunk(kind::COOKIE_ACK, 0, &[])].concat();
    assert_eq!(says_init(&mut played, &bundled), Err(Discard::BadVerificationTag));
    assert_eq!(played.hears(), []);
    let mut played = Played::established(Config::default(), ALL);
    let bundled = [&chunk(kind::COOKIE_ACK, 0, &[])[..], &init].concat();
    assert_eq!(played.says(&bundled), Err(Discard::Unexpected));
    assert_eq!(played.hears(), []);
}

#[test]
fn data_bundled_behind_a_cookie_echo_is_delivered_and_its_cookie_acknowledged_first() {
    let mut played = Played::new(Config { interleaving: false, ..Config::default() });
    says_init(&mut played, &init(kind::INIT, ALL, &[])).unwrap();
    let cookie = cookie_of(&played.hears()[0].value);
    let echo = chunk(kind::COOKIE_ECHO, 0, &cookie);
    played.says(&[echo, crate::support::played::data(false, OUR_TSN, 3, 0)].concat()).unwrap();
    assert_eq!(played.events().first(), Some(&Event::Connected));
    let heard = played.hears_kinds();
    assert!(heard.contains(&kind::COOKIE_ACK) && heard.contains(&kind::SACK), "{heard:?}");
}

#[test]
fn an_init_to_an_established_association_gets_another_tag_and_changes_nothing() {
    let mut played = Played::established(Config::default(), ALL);
    says_init(&mut played, &init(kind::INIT, ALL, &[])).unwrap();
    let heard = played.hears();
    let tag = u32::from_be_bytes(heard[0].value[..4].try_into().unwrap());
    assert_eq!(heard[0].kind, kind::INIT_ACK);
    assert_ne!(tag, played.tag);
    assert_eq!((played.machine.state(), played.events()), (State::Established, vec![]));
}

#[test]
fn an_init_that_crosses_ours_is_answered_with_the_same_tag() {
    let mut played = cookie_echoed();
    played.hears();
    says_init(&mut played, &init(kind::INIT, ALL, &[])).unwrap();
    let heard = played.hears();
    assert_eq!(heard[0].value[..4], played.tag.to_be_bytes());
    played.says(&chunk(kind::COOKIE_ECHO, 0, &cookie_of(&heard[0].value))).unwrap();
    assert_eq!((played.machine.state(), played.hears_kinds()), (State::Established, vec![kind::COOKIE_ACK]));
}

#[test]
fn a_stale_cookie_is_refused_to_strangers_and_taken_of_the_present_association() {
    let mut played = Played::new(Config::default());
    says_init(&mut played, &init(kind::INIT, ALL, &[])).unwrap();
    let echo = chunk(kind::COOKIE_ECHO, 0, &cookie_of(&played.hears()[0].value));
    let fresh = played.now;
    played.now += Duration::from_secs(61);
    played.says(&echo).unwrap();
    let heard = played.hears();
    let cause = first_cause(&heard[0].value);
    assert_eq!((heard[0].kind, heard[0].tag, cause.code), (kind::ERROR, OUR_TAG, code::STALE_COOKIE));
    assert_eq!(cause.value, 1_000_000u32.to_be_bytes(), "by how many microseconds");
    let mut played = Played::new(Config::default());
    played.now = fresh;
    says_init(&mut played, &init(kind::INIT, ALL, &[])).unwrap();
    let echo = chunk(kind::COOKIE_ECHO, 0, &cookie_of(&played.hears()[0].value));
    played.says(&echo).unwrap();
    assert_eq!(played.hears_kinds(), [kind::COOKIE_ACK]);
    played.now += Duration::from_secs(61);
    played.says(&echo).unwrap();
    assert!(played.hears_kinds().contains(&kind::COOKIE_ACK), "its COOKIE ACK was lost");
    assert_eq!(played.events(), [Event::Connected]);
}

/// INIT ACK parameters of the peer's: a cookie, and then these.
fn cookie_and(kind_of: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    Parameter { kind: parameter::STATE_COOKIE, value: &[9; 20] }.write(&mut bytes).unwrap();
    Parameter { kind: kind_of, value }.write(&mut bytes).unwrap();
    bytes
}

#[test]
fn unknown_parameters_of_an_init_ack_are_reported_behind_the_cookie_echo() {
    for (kind_of, reported) in [(0x3f01u16, false), (0x7f01, true), (0xbf01, false), (0xff01, true)] {
        let mut played = Played::new(Config::default());
        played.machine.connect(played.now).unwrap();
        played.hears();
        played.says(&init(kind::INIT_ACK, ALL, &cookie_and(kind_of, &[1, 2, 3]))).unwrap();
        for _ in 0..2 {
            let heard = played.hears();
            assert_eq!(heard[0].kind, kind::COOKIE_ECHO, "it comes first");
            let report = heard.iter().find(|heard| heard.kind == kind::ERROR);
            assert_eq!(report.is_some(), reported, "{kind_of:x}");
            if let Some(report) = report {
                let cause = first_cause(&report.value);
                assert_eq!(cause.code, code::UNRECOGNIZED_PARAMETERS);
                assert_eq!(cause.value[..7], [&kind_of.to_be_bytes()[..], &[0, 7, 1, 2, 3]].concat()[..]);
            }
            // The same again with the repetition.
            played.goes_on();
        }
    }
    // A report that would not fit behind the cookie is left out, and the cookie goes.
    let mut played = Played::new(Config::default());
    played.machine.connect(played.now).unwrap();
    played.hears();
    played.says(&init(kind::INIT_ACK, ALL, &cookie_and(0xff01, &[5; 1300]))).unwrap();
    assert_eq!(played.hears_kinds(), [kind::COOKIE_ECHO]);
}

#[test]
fn heartbeats_are_answered_as_soon_as_the_peer_is_known() {
    let heartbeat = chunk(kind::HEARTBEAT, 0, &[0, 1, 0, 8, 1, 2, 3, 4]);
    let mut played = Played::new(Config::default());
    played.machine.connect(played.now).unwrap();
    played.hears();
    assert_eq!(played.says(&heartbeat), Err(Discard::Unexpected), "it is not in COOKIE-WAIT");
    let mut played = cookie_echoed();
    played.hears();
    played.says(&heartbeat).unwrap();
    assert_eq!(played.hears_kinds(), [kind::HEARTBEAT_ACK]);
}

#[test]
fn an_abort_ends_an_attempt_at_once() {
    for echoed in [false, true] {
        let mut played = Played::new(Config::default());
        if echoed {
            played = cookie_echoed();
        } else {
            played.machine.connect(played.now).unwrap();
        }
        played.hears();
        // Reflected it needs the peer's tag, which is not known yet, or another.
        let reflected = chunk(kind::ABORT, 1, &[]);
        assert_eq!(played.says(&reflected), Err(Discard::BadVerificationTag));
        played.says(&chunk(kind::ABORT, 0, &[])).unwrap();
        assert_eq!((played.machine.state(), played.machine.poll_timeout()), (State::Closed, None));
        assert_eq!(played.hears(), []);
    }
}

#[test]
fn a_repeated_init_has_the_same_tag_and_first_tsn() {
    let mut played = Played::new(Config::default());
    played.machine.connect(played.now).unwrap();
    let first = played.hears();
    for _ in 0..3 {
        played.goes_on();
        let again = played.hears();
        assert_eq!((again.len(), again[0].kind, again[0].tag), (1, kind::INIT, 0));
        assert_eq!(again[0].value[..16], first[0].value[..16]);
    }
}

#[test]
fn the_cookie_of_any_answer_to_a_repeated_init_establishes() {
    for which in [0, 1] {
        let mut played = Played::new(Config::default());
        let mut cookies = Vec::new();
        for _ in 0..2 {
            says_init(&mut played, &init(kind::INIT, ALL, &[])).unwrap();
            cookies.push(cookie_of(&played.hears()[0].value));
            played.now += Duration::from_secs(1);
        }
        played.says(&chunk(kind::COOKIE_ECHO, 0, &cookies[which])).unwrap();
        assert_eq!(
            (played.machine.state(), played.hears_kinds()),
            (State::Established, vec![kind::COOKIE_ACK])
        );
        // The other one comes late, and is answered as a repetition.
        played.says(&chunk(kind::COOKIE_ECHO, 0, &cookies[1 - which])).unwrap();
        assert_eq!(played.events(), [Event::Connected]);
    }
}

#[test]
fn a_broken_init_is_refused_and_does_no_harm_to_the_association_it_reaches() {
    let mut played = Played::established(Config::default(), ALL);
    let mut broken = init(kind::INIT, ALL, &[]);
    // No streams.
    broken[12..16].fill(0);
    says_init(&mut played, &broken).unwrap();
    let heard = played.hears();
    assert_eq!((heard[0].kind, heard[0].flags, heard[0].tag), (kind::ABORT, 0, OUR_TAG));
    assert_eq!((played.machine.state(), played.events()), (State::Established, vec![]));
}

#[test]
fn an_init_to_an_association_that_ended_is_refused() {
    let mut played = Played::established(Config::default(), ALL);
    played.says(&chunk(kind::ABORT, 0, &[])).unwrap();
    says_init(&mut played, &init(kind::INIT, ALL, &[])).unwrap();
    let heard = played.hears();
    assert_eq!((heard[0].kind, heard[0].flags, heard[0].tag), (kind::ABORT, 0, OUR_TAG));
    assert_eq!(played.machine.state(), State::Closed);
}

#[test]
fn an_answer_that_speaks_of_no_streams_or_no_tag_ends_the_attempt() {
    for (range, tag) in [(4..8, 0), (12..14, OUR_TAG), (14..16, OUR_TAG)] {
        let mut played = Played::new(Config::default());
        played.machine.connect(played.now).unwrap();
        played.hears();
        let mut answer = init(kind::INIT_ACK, ALL, &cookie_and(0x8000, &[]));
        answer[range].fill(0);
        played.says(&answer).unwrap();
        assert_eq!(played.machine.state(), State::Closed);
        let heard = played.hears();
        assert_eq!(heard.first().map(|heard| heard.kind), (tag != 0).then_some(kind::ABORT));
    }
}
