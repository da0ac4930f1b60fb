//! Verification tags (RFC 9260, section 8.5) and packets out of the blue (section 8.4).

use crate::support::played::{ALL, OUR_TAG, Played, chunk, data, packet};
use sendrecv_sctp::wire::kind;
use sendrecv_sctp::{CloseReason, Config, Discard, State};

fn with_tag(played: &mut Played, tag: u32, bytes: &[u8]) -> Result<(), Discard> {
    played.machine.handle_datagram(played.now, &packet(tag, bytes))
}

#[test]
fn an_abort_or_shutdown_complete_has_our_tag_or_reflects_the_peers_and_says_so() {
    for (flags, ours, valid) in [(0, true, true), (0, false, false), (1, false, true), (1, true, false)] {
        let mut played = Played::established(Config::default(), ALL);
        let tag = if ours { played.tag } else { OUR_TAG };
        let result = with_tag(&mut played, tag, &chunk(kind::ABORT, flags, &[]));
        assert_eq!(result.is_ok(), valid, "{flags} {ours}");
        assert_eq!(played.machine.state() == State::Closed, valid);
        assert_eq!(played.hears(), [], "an ABORT is never answered");

        let mut played = Played::established(Config::default(), ALL);
        let shutdown = chunk(kind::SHUTDOWN, 0, &played.its_tsn.wrapping_sub(1).to_be_bytes());
        played.says(&shutdown).unwrap();
        assert_eq!(played.hears_kinds(), [kind::SHUTDOWN_ACK]);
        let result = with_tag(&mut played, tag, &chunk(kind::SHUTDOWN_COMPLETE, flags, &[]));
        assert_eq!((result.is_ok(), played.machine.state() == State::Closed), (valid, valid));
    }
}

#[test]
fn an_association_that_ended_tells_a_peer_that_goes_on_and_no_other() {
    let ended = || {
        let mut played = Played::established(Config { interleaving: false, ..Config::default() }, ALL);
        played.says(&chunk(kind::ABORT, 0, &[])).unwrap();
        played.hears();
        played
    };
    for (bytes, answer) in [
        (data(false, 1000, 0, 0), Some(kind::ABORT)),
        (chunk(kind::HEARTBEAT, 0, &[0; 8]), Some(kind::ABORT)),
        (chunk(kind::SHUTDOWN_ACK, 0, &[]), Some(kind::SHUTDOWN_COMPLETE)),
        (chunk(kind::ABORT, 0, &[]), None),
        (chunk(kind::SHUTDOWN_COMPLETE, 0, &[]), None),
        (chunk(kind::COOKIE_ACK, 0, &[]), None),
        (chunk(kind::ERROR, 0, &[0, 3, 0, 8, 0, 0, 0, 0]), None),
    ] {
        let mut played = ended();
        let _ = played.says(&bytes);
        let heard = played.hears();
        assert_eq!(heard.first().map(|heard| heard.kind), answer, "{}", bytes[0]);
        // It reflects the tag that came, and says so.
        assert!(heard.iter().all(|heard| (heard.flags, heard.tag) == (1, played.tag)));
        assert_eq!(played.machine.state(), State::Closed);
    }
}

#[test]
fn one_that_never_connected_answers_nothing_but_handshakes() {
    for bytes in
        [data(false, 1000, 0, 0), chunk(kind::HEARTBEAT, 0, &[0; 8]), chunk(kind::SHUTDOWN, 0, &[0; 4])]
    {
        let mut played = Played::new(Config::default());
        assert_eq!(played.says(&bytes), Err(Discard::OutOfTheBlue));
        assert_eq!(played.hears(), []);
    }
}

#[test]
fn a_peers_abort_tells_its_cause() {
    let mut played = Played::established(Config::default(), ALL);
    played.says(&chunk(kind::ABORT, 0, &[0, 12, 0, 7, b'b', b'y', b'e', 0])).unwrap();
    let reason = CloseReason::AbortedByPeer { cause: Some(12), reason: b"bye".to_vec() };
    assert_eq!(played.machine.close_reason(), Some(&reason));
}

#[test]
fn a_first_chunk_that_may_have_another_tag_lets_nothing_in_behind_it() {
    for first in [
        chunk(kind::COOKIE_ECHO, 0, &[7; 100]),
        chunk(kind::SHUTDOWN_COMPLETE, 1, &[]),
        chunk(kind::SHUTDOWN_ACK, 0, &[]),
    ] {
        for tag in [OUR_TAG, 99] {
            let mut played = Played::established(Config { interleaving: false, ..Config::default() }, ALL);
            let behind = [data(false, 1000, 0, 0), chunk(kind::ABORT, 0, &[])].concat();
            assert!(with_tag(&mut played, tag, &[first.clone(), behind].concat()).is_err(), "{}", first[0]);
            assert_eq!((played.machine.state(), played.messages()), (State::Established, vec![]));
            assert_eq!(played.hears(), []);
        }
    }
}
