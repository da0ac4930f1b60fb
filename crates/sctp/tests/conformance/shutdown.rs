//! Ending in order (RFC 9260, section 9.2): every state, every collision, every timer.

use crate::support::played::{ALL, Played, chunk, data, init, packet};
use crate::support::{Link, Pair, payload};
use sendrecv_core::Machine;
use sendrecv_sctp::wire::{Sack, kind};
use sendrecv_sctp::{CloseReason, Config, Discard, SendError, SendOptions, State};
use std::time::Duration;

fn established() -> Played {
    let config = Config { interleaving: false, max_init_retransmissions: Some(3), ..Config::default() };
    Played::established(config, ALL)
}

/// A SHUTDOWN that acknowledges everything up to the `count`th TSN.
fn shutdown(played: &Played, count: u32) -> Vec<u8> {
    chunk(kind::SHUTDOWN, 0, &played.its_tsn.wrapping_add(count).wrapping_sub(1).to_be_bytes())
}

fn sack(played: &Played, count: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let tsn = played.its_tsn.wrapping_add(count).wrapping_sub(1);
    Sack::write(tsn, 1 << 20, [].into_iter(), &[], &mut bytes).unwrap();
    bytes
}

#[test]
fn a_shutdown_waits_for_its_own_data_and_then_says_so() {
    let mut played = established();
    played.machine.send(played.now, 0, 51, payload(1, 100), SendOptions::default()).unwrap();
    assert_eq!(played.hears_kinds(), [kind::DATA]);
    played.machine.shutdown(played.now).unwrap();
    assert_eq!((played.machine.state(), played.hears_kinds()), (State::ShutdownPending, vec![]));
    let result = played.machine.send(played.now, 0, 51, payload(1, 1), SendOptions::default());
    assert_eq!(result, Err(SendError::Closed));
    played.says(&sack(&played, 1)).unwrap();
    assert_eq!((played.machine.state(), played.hears_kinds()), (State::ShutdownSent, vec![kind::SHUTDOWN]));
    played.says(&chunk(kind::SHUTDOWN_ACK, 0, &[])).unwrap();
    assert_eq!(played.hears_kinds(), [kind::SHUTDOWN_COMPLETE]);
    assert_eq!(played.machine.close_reason(), Some(&CloseReason::Shutdown));
}

#[test]
fn a_shutdown_received_waits_for_our_data_which_it_may_acknowledge_itself() {
    let mut played = established();
    for _ in 0..2 {
        played.machine.send(played.now, 0, 51, payload(1, 1100), SendOptions::default()).unwrap();
    }
    assert_eq!(played.hears_kinds(), [kind::DATA, kind::DATA]);
    played.says(&shutdown(&played, 1)).unwrap();
    assert_eq!((played.machine.state(), played.hears_kinds()), (State::ShutdownReceived, vec![]));
    // New data of the peer's comes too late.
    assert_eq!(played.says(&data(false, 1000, 0, 0)), Err(Discard::Unexpected));
    played.says(&shutdown(&played, 2)).unwrap();
    assert_eq!(
        (played.machine.state(), played.hears_kinds()),
        (State::ShutdownAckSent, vec![kind::SHUTDOWN_ACK])
    );
    played.says(&chunk(kind::SHUTDOWN_COMPLETE, 0, &[])).unwrap();
    assert_eq!(played.machine.close_reason(), Some(&CloseReason::Shutdown));
}

#[test]
fn data_that_crosses_our_shutdown_is_delivered_and_answered_with_it_again() {
    let mut played = established();
    played.machine.shutdown(played.now).unwrap();
    assert_eq!(played.hears_kinds(), [kind::SHUTDOWN]);
    played.says(&data(false, 1000, 4, 0)).unwrap();
    assert_eq!(played.messages(), [4]);
    let heard = played.hears();
    let again = heard.iter().find(|heard| heard.kind == kind::SHUTDOWN).unwrap();
    assert_eq!(again.value, 1000u32.to_be_bytes(), "it acknowledges");
    // With a gap, a SACK must say what the SHUTDOWN cannot.
    played.says(&data(false, 1002, 4, 2)).unwrap();
    let heard = played.hears_kinds();
    assert!(heard.contains(&kind::SHUTDOWN) && heard.contains(&kind::SACK), "{heard:?}");
}

#[test]
fn shutdowns_that_cross_are_both_acknowledged() {
    let mut played = established();
    played.machine.shutdown(played.now).unwrap();
    played.hears();
    played.says(&shutdown(&played, 0)).unwrap();
    assert_eq!(
        (played.machine.state(), played.hears_kinds()),
        (State::ShutdownAckSent, vec![kind::SHUTDOWN_ACK])
    );
    played.says(&chunk(kind::SHUTDOWN_ACK, 0, &[])).unwrap();
    assert_eq!(
        (played.machine.state(), played.hears_kinds()),
        (State::Closed, vec![kind::SHUTDOWN_COMPLETE])
    );
}

#[test]
fn what_ends_a_shutdown_means_nothing_before_one() {
    for bytes in [chunk(kind::SHUTDOWN_ACK, 0, &[]), chunk(kind::SHUTDOWN_COMPLETE, 0, &[])] {
        let mut played = established();
        assert_eq!(played.says(&bytes), Err(Discard::Unexpected));
        assert_eq!((played.machine.state(), played.hears()), (State::Established, vec![]));
    }
}

#[test]
fn a_shutdown_that_acknowledges_what_was_never_sent_is_discarded() {
    let mut played = established();
    assert_eq!(played.says(&shutdown(&played, 5)), Err(Discard::BadAcknowledgement));
    assert_eq!(played.machine.state(), State::Established);
}

#[test]
fn an_unanswered_shutdown_or_its_acknowledgement_is_repeated_and_given_up() {
    for by_peer in [false, true] {
        let mut played = established();
        if by_peer {
            played.says(&shutdown(&played, 0)).unwrap();
        } else {
            played.machine.shutdown(played.now).unwrap();
        }
        let wanted = if by_peer { kind::SHUTDOWN_ACK } else { kind::SHUTDOWN };
        let mut count = 0;
        while played.machine.state() != State::Closed {
            count += played.hears_kinds().into_iter().filter(|kind| *kind == wanted).count();
            assert!(played.goes_on());
        }
        assert_eq!(count, 4, "once, and three times again");
        assert_eq!(played.machine.poll_timeout(), None);
    }
}

#[test]
fn a_shutdown_that_the_peer_drags_out_ends_with_an_abort() {
    let mut played = Played::established(
        Config {
            interleaving: false,
            rto_max: Duration::from_secs(2),
            max_init_retransmissions: None,
            ..Config::default()
        },
        ALL,
    );
    played.machine.shutdown(played.now).unwrap();
    let (start, mut tsn) = (played.now, 1000);
    loop {
        let heard = played.hears_kinds();
        if played.machine.state() == State::Closed {
            assert!(heard.contains(&kind::ABORT));
            break;
        }
        // Data keeps it alive, for five of the longest timeouts.
        played.says(&data(false, tsn, 0, tsn - 1000)).unwrap();
        played.messages();
        tsn += 1;
        played.waits(Duration::from_millis(300));
    }
    assert!(played.now - start >= Duration::from_secs(10));
    assert!(played.now - start < Duration::from_secs(11));
}

#[test]
fn an_init_while_our_shutdown_ack_waits_is_answered_with_that_again() {
    let mut played = established();
    played.says(&shutdown(&played, 0)).unwrap();
    played.hears();
    played.machine.handle_datagram(played.now, &packet(0, &init(kind::INIT, ALL, &[]))).unwrap();
    assert_eq!(played.hears_kinds(), [kind::SHUTDOWN_ACK]);
}

#[test]
fn a_shutdown_that_a_later_acknowledgement_overtook_counts_all_the_same() {
    let mut played = established();
    for _ in 0..2 {
        played.machine.send(played.now, 0, 51, payload(1, 1100), SendOptions::default()).unwrap();
    }
    played.hears();
    played.says(&sack(&played, 2)).unwrap();
    played.says(&shutdown(&played, 1)).unwrap();
    assert_eq!(
        (played.machine.state(), played.hears_kinds()),
        (State::ShutdownAckSent, vec![kind::SHUTDOWN_ACK])
    );
}

#[test]
fn a_repeated_shutdown_is_answered_again() {
    let mut played = established();
    for _ in 0..3 {
        played.says(&shutdown(&played, 0)).unwrap();
        assert_eq!(played.hears_kinds(), [kind::SHUTDOWN_ACK]);
    }
}

#[test]
fn a_shutdown_means_nothing_before_there_is_an_association() {
    let mut played = Played::new(Config::default());
    played.machine.connect(played.now).unwrap();
    played.hears();
    assert_eq!(played.says(&shutdown(&played, 0)), Err(Discard::Unexpected));
    assert_eq!((played.machine.state(), played.hears()), (State::CookieWait, vec![]));
}

#[test]
fn shut_down_while_connecting_it_delivers_what_was_handed_over_and_then_ends() {
    let mut pair = Pair::new(&Config::default(), Link::default(), 1);
    pair.a.connect(pair.now).unwrap();
    for number in 0..40 {
        pair.a.send(pair.now, 0, 51, payload(number, 1000), SendOptions::default()).unwrap();
    }
    pair.a.shutdown(pair.now).unwrap();
    let late = pair.a.send(pair.now, 0, 51, payload(1, 1), SendOptions::default());
    assert_eq!(late, Err(SendError::Closed));
    pair.run(Duration::from_secs(10));
    assert_eq!(pair.take_b_messages().len(), 40);
    assert_eq!(pair.a.close_reason(), Some(&CloseReason::Shutdown));
    assert_eq!(pair.b.close_reason(), Some(&CloseReason::Shutdown));
    // With nothing to deliver, and nobody who knows of us, it ends there and then.
    let mut played = Played::new(Config::default());
    played.machine.connect(played.now).unwrap();
    played.machine.shutdown(played.now).unwrap();
    assert_eq!(played.machine.state(), State::Closed);
    // A peer that never answers does not hold it up for ever.
    let mut pair = Pair::new(&Config::webrtc(), Link::default(), 1);
    pair.filter = Some(Box::new(|_, _| false));
    pair.a.connect(pair.now).unwrap();
    pair.a.send(pair.now, 0, 51, payload(1, 1000), SendOptions::default()).unwrap();
    pair.a.shutdown(pair.now).unwrap();
    pair.run(Duration::from_secs(60));
    assert_eq!(pair.a.state(), State::Closed);
}
