//! FORWARD-TSN and I-FORWARD-TSN (RFC 3758, RFC 8260), zero checksums (RFC 9653), padding (RFC 4820).

use crate::support::payload;
use crate::support::played::{ALL, OUR_TSN, Played, chunk, data, fragment, init, packet};
use sendrecv_sctp::wire::{ForwardTsn, GapBlock, InitExtensions, Sack, Skipped, kind, write_pad};
use sendrecv_sctp::{Config, Discard, SendOptions, State};
use std::time::Duration;

fn established(interleaving: bool) -> Played {
    Played::established(Config { interleaving, ..Config::default() }, ALL)
}

fn forward(interleaved: bool, tsn: u32, skipped: &[(u16, u32)]) -> Vec<u8> {
    let skipped: Vec<_> = skipped
        .iter()
        .map(|&(stream, message_id)| Skipped { stream, unordered: false, message_id })
        .collect();
    let mut bytes = Vec::new();
    ForwardTsn::write(interleaved, tsn, skipped.into_iter(), &mut bytes).unwrap();
    bytes
}

fn cumulative(played: &mut Played) -> u32 {
    let heard = played.hears();
    let sack = heard.iter().find(|heard| heard.kind == kind::SACK).unwrap();
    u32::from_be_bytes(sack.value[..4].try_into().unwrap())
}

#[test]
fn what_was_given_up_is_skipped_and_what_waited_for_it_delivered() {
    for interleaving in [false, true] {
        let mut played = established(interleaving);
        played.says(&data(interleaving, 1002, 1, 2)).unwrap();
        played.says(&data(interleaving, 1003, 2, 1)).unwrap();
        played.hears();
        assert_eq!(played.messages(), []);
        played.says(&forward(interleaving, 1001, &[(1, 1), (2, 0)])).unwrap();
        assert_eq!(played.messages(), [1, 2]);
        assert_eq!(cumulative(&mut played), 1003, "it swallows what is behind");
    }
}

#[test]
fn an_old_forward_changes_nothing_and_is_answered_at_once() {
    for interleaving in [false, true] {
        let mut played = established(interleaving);
        for index in 0..3 {
            played.says(&data(interleaving, 1000 + index, 1, index)).unwrap();
        }
        played.hears();
        assert_eq!(played.messages().len(), 3);
        for tsn in [1002, 1001, 999, 1002u32.wrapping_sub(0x7fff_ffff)] {
            played.says(&forward(interleaving, tsn, &[(1, 100)])).unwrap();
            assert_eq!(cumulative(&mut played), 1002);
        }
        // The stream was not moved.
        played.says(&data(interleaving, 1003, 1, 3)).unwrap();
        assert_eq!(played.messages(), [1]);
    }
}

#[test]
fn pieces_of_what_was_given_up_are_dropped() {
    for interleaving in [false, true] {
        let mut played = established(interleaving);
        played.says(&fragment(interleaving, (1000, 1, 0, 0), (true, false))).unwrap();
        played.says(&fragment(interleaving, (1002, 1, 0, 2), (false, false))).unwrap();
        assert!(played.machine.stats().receive_window < 1 << 20);
        played.says(&forward(interleaving, 1003, &[(1, 0)])).unwrap();
        assert_eq!(played.machine.stats().receive_window, 1 << 20);
        // Its last piece comes late.
        let _ = played.says(&fragment(interleaving, (1003, 1, 0, 3), (false, true)));
        played.says(&data(interleaving, 1004, 1, 1)).unwrap();
        assert_eq!(played.messages(), [1]);
        assert_eq!(played.machine.stats().receive_window, 1 << 20);
    }
}

#[test]
fn a_complete_message_before_the_point_is_delivered_though_its_stream_skips_over_it() {
    let mut played = established(false);
    played.says(&data(false, 1001, 1, 1)).unwrap();
    played.says(&forward(false, 1002, &[(1, 2)])).unwrap();
    assert_eq!(played.messages(), [1]);
    played.says(&data(false, 1003, 1, 3)).unwrap();
    assert_eq!(played.messages(), [1]);
}

#[test]
fn a_forward_of_the_wrong_kind_or_without_the_extension_is_discarded() {
    for interleaving in [false, true] {
        let mut played = established(interleaving);
        assert_eq!(played.says(&forward(!interleaving, 1005, &[])), Err(Discard::Unexpected));
        let none = InitExtensions { partial_reliability: false, ..ALL };
        let mut played = Played::established(Config { interleaving, ..Config::default() }, none);
        assert_eq!(played.says(&forward(interleaving, 1005, &[])), Err(Discard::Unexpected));
        assert_eq!((played.machine.state(), played.hears()), (State::Established, vec![]));
    }
}

#[test]
fn a_zero_checksum_is_taken_where_it_was_announced_and_never_with_an_init() {
    let zero = |tag, chunks: &[u8]| {
        let mut bytes = packet(tag, chunks);
        bytes[8..12].fill(0);
        bytes
    };
    for over_dtls in [false, true] {
        let config = Config { lower_layer_is_dtls: over_dtls, interleaving: false, ..Config::default() };
        let mut played =
            Played::established(config.clone(), InitExtensions { zero_checksum: over_dtls, ..ALL });
        let bytes = zero(played.tag, &data(false, OUR_TSN, 1, 0));
        let result = played.machine.handle_datagram(played.now, &bytes);
        assert_eq!(result, if over_dtls { Ok(()) } else { Err(Discard::BadChecksum) });
        // Another wrong one is wrong everywhere, and a right one right.
        let mut bytes = packet(played.tag, &data(false, OUR_TSN + 1, 1, 1));
        bytes[9] ^= 1;
        assert_eq!(played.machine.handle_datagram(played.now, &bytes), Err(Discard::BadChecksum));
        played.says(&data(false, OUR_TSN + 1, 1, 1)).unwrap();
        let mut played = Played::new(config);
        let bytes = zero(0, &init(kind::INIT, ALL, &[]));
        assert_eq!(played.machine.handle_datagram(played.now, &bytes), Err(Discard::BadChecksum));
    }
}

#[test]
fn padding_is_skipped_wherever_it_is() {
    let mut played = established(false);
    let mut pad = Vec::new();
    write_pad(40, &mut pad).unwrap();
    played.says(&[&pad[..], &data(false, 1000, 1, 0), &pad].concat()).unwrap();
    assert_eq!(played.messages(), [1]);
    assert!(!played.hears_kinds().contains(&kind::ERROR));
    played.says(&chunk(kind::PAD, 0, &[])).unwrap();
}

/// TSNs of the DATA among what was heard, and whether there was a FORWARD-TSN.
fn sent(played: &mut Played) -> (Vec<u32>, bool) {
    let heard = played.hears();
    let data = heard.iter().filter(|heard| heard.kind == kind::DATA);
    let tsns = data.map(|heard| u32::from_be_bytes(heard.value[..4].try_into().unwrap())).collect();
    (tsns, heard.iter().any(|heard| heard.kind == kind::FORWARD_TSN))
}

#[test]
fn what_expired_behind_an_unacknowledged_reliable_message_is_not_sent_again() {
    for by_timeout in [true, false] {
        let mut played = established(false);
        let send = |played: &mut Played, lifetime| {
            let options = SendOptions { lifetime, ..SendOptions::default() };
            played.machine.send(played.now, 1, 51, payload(1, 1100), options).unwrap();
        };
        send(&mut played, None);
        send(&mut played, Some(Duration::from_millis(100)));
        (0..4).for_each(|_| send(&mut played, None));
        let first = played.its_tsn;
        let (mut again, mut forwarded) = (Vec::new(), false);
        assert_eq!(sent(&mut played).0.len(), 6);
        played.now += Duration::from_millis(200);
        if by_timeout {
            while played.machine.stats().timeouts == 0 {
                played.goes_on();
            }
        } else {
            // Two are missing, and what left later is there.
            for end in 3..=6 {
                let mut sack = Vec::new();
                let gap = GapBlock { start: 3, end };
                Sack::write(first.wrapping_sub(1), 1 << 20, [gap].into_iter(), &[], &mut sack).unwrap();
                played.says(&sack).unwrap();
            }
        }
        let (tsns, forward) = sent(&mut played);
        again.extend(tsns);
        forwarded |= forward;
        let mut sack = Vec::new();
        Sack::write(first, 1 << 20, [].into_iter(), &[], &mut sack).unwrap();
        played.says(&sack).unwrap();
        let (tsns, forward) = sent(&mut played);
        again.extend(tsns);
        forwarded |= forward;
        assert!(again.contains(&first), "{by_timeout} {again:?}");
        assert!(!again.contains(&first.wrapping_add(1)), "{by_timeout} {again:?}");
        assert!(forwarded, "{by_timeout}");
    }
}
