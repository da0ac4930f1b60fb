//! ICE restarts and what can come between them: rollback, glare, refused transports.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]

mod support;

use sendrecv::{
    Configuration, DataChannelInit, DtlsTransportState, Event, IceConnectionState, Message, OfferOptions,
    PeerConnectionState, SessionDescription, SignalingState, TrackKind, TransceiverId,
};
use std::time::Duration;
use support::{Pair, Side};

const SECOND: Duration = Duration::from_secs(1);

fn connected(pair: &mut Pair) -> bool {
    pair.sides.iter().all(|side| side.pc.connection_state() == PeerConnectionState::Connected)
}

fn opened(side: &Side) -> bool {
    side.has(|event| matches!(event, Event::DataChannelOpen(_)))
}

fn ufrag(description: &SessionDescription) -> &str {
    let line = description.sdp.lines().find(|line| line.starts_with("a=ice-ufrag:"));
    line.unwrap()
}

/// Two connected sides with an open channel.
fn channel() -> (Pair, sendrecv::DataChannelId) {
    let mut pair = Pair::new(Configuration::default(), Configuration::default());
    let now = pair.now;
    let chat = pair.sides[0].pc.create_data_channel(now, "chat", DataChannelInit::default()).unwrap();
    pair.negotiate(0);
    assert!(pair.run_until(5 * SECOND, |pair| pair.sides.iter().all(opened)));
    (pair, chat)
}

fn restart_offer(pair: &mut Pair, side: usize) -> SessionDescription {
    pair.sides[side].pc.create_offer(OfferOptions { ice_restart: true, ..OfferOptions::default() }).unwrap()
}

fn messages(side: &Side) -> usize {
    side.events.iter().filter(|event| matches!(event, Event::DataChannelMessage { .. })).count()
}

fn assert_messages_pass(pair: &mut Pair, chat: sendrecv::DataChannelId) {
    let (before, now) = (messages(&pair.sides[1]), pair.now);
    pair.sides[0].pc.send(now, chat, Message::from("still there")).unwrap();
    assert!(pair.run_until(5 * SECOND, |pair| messages(&pair.sides[1]) == before + 1));
}

#[test]
fn an_offer_that_is_never_set_changes_nothing() {
    let (mut pair, chat) = channel();
    let before = pair.sides[0].pc.local_description().unwrap();
    let offer = restart_offer(&mut pair, 0);
    assert_ne!(ufrag(&offer), ufrag(&before));
    assert!(!offer.sdp.contains("a=candidate"), "candidates of another generation");
    assert_eq!(pair.sides[0].pc.local_description().unwrap(), before);
    assert_eq!(ufrag(&pair.sides[0].pc.create_offer(OfferOptions::default()).unwrap()), ufrag(&before));
    assert_messages_pass(&mut pair, chat);
}

#[test]
fn a_restart_that_is_rolled_back_leaves_the_announced_credentials() {
    let (mut pair, chat) = channel();
    let before = pair.sides[0].pc.local_description().unwrap();
    let offer = restart_offer(&mut pair, 0);
    let now = pair.now;
    pair.sides[0].pc.set_local_description(now, Some(offer)).unwrap();
    pair.run(SECOND);
    let now = pair.now;
    pair.sides[0].pc.set_local_description(now, Some(SessionDescription::rollback())).unwrap();
    pair.run(SECOND);
    assert_eq!(ufrag(&pair.sides[0].pc.local_description().unwrap()), ufrag(&before));
    assert!(connected(&mut pair));
    assert_messages_pass(&mut pair, chat);
    // The other side offers without a restart: the answer has the credentials it knows.
    let (_, answer) = pair.negotiate(1);
    assert_eq!(ufrag(&answer), ufrag(&before));
    pair.run(60 * SECOND);
    assert_messages_pass(&mut pair, chat);
    // And a restart that is seen through works as ever.
    let now = pair.now;
    pair.sides[0].pc.restart_ice(now);
    let (offer, _) = pair.negotiate(0);
    assert_ne!(ufrag(&offer), ufrag(&before));
    pair.run(5 * SECOND);
    assert!(connected(&mut pair));
    assert_messages_pass(&mut pair, chat);
}

#[test]
fn when_both_restart_at_once_one_gives_way() {
    for polite in [0, 1] {
        let (mut pair, chat) = channel();
        let impolite = 1 - polite;
        let now = pair.now;
        for side in [0, 1] {
            let offer = restart_offer(&mut pair, side);
            pair.sides[side].pc.set_local_description(now, Some(offer)).unwrap();
        }
        let offer = pair.sides[impolite].pc.local_description().unwrap();
        let given_up = pair.sides[polite].pc.local_description().unwrap();
        pair.sides[polite].pc.set_remote_description(now, offer).unwrap();
        pair.sides[polite].pc.set_local_description(now, None).unwrap();
        let answer = pair.sides[polite].pc.local_description().unwrap();
        assert_ne!(ufrag(&answer), ufrag(&given_up));
        pair.sides[impolite].pc.set_remote_description(now, answer).unwrap();
        pair.run(5 * SECOND);
        assert!(connected(&mut pair));
        assert_messages_pass(&mut pair, chat);
        pair.run(60 * SECOND);
        assert_messages_pass(&mut pair, chat);
    }
}

#[test]
fn a_remote_restart_that_is_rolled_back_changes_nothing() {
    let (mut pair, chat) = channel();
    let offer = restart_offer(&mut pair, 1);
    let now = pair.now;
    let before = pair.sides[0].pc.local_description().unwrap();
    pair.sides[0].pc.set_remote_description(now, offer).unwrap();
    pair.sides[0].pc.create_answer().unwrap();
    pair.run(SECOND);
    let now = pair.now;
    pair.sides[0].pc.set_remote_description(now, SessionDescription::rollback()).unwrap();
    assert_eq!(pair.sides[0].pc.signaling_state(), SignalingState::Stable);
    assert_eq!(ufrag(&pair.sides[0].pc.local_description().unwrap()), ufrag(&before));
    assert_messages_pass(&mut pair, chat);
    pair.negotiate(1);
    assert_messages_pass(&mut pair, chat);
}

#[test]
fn a_first_offer_that_is_rolled_back_leaves_room_for_another() {
    let mut pair = Pair::new(Configuration::default(), Configuration::default());
    let now = pair.now;
    for side in &mut pair.sides {
        side.pc.create_data_channel(now, "chat", DataChannelInit::default()).unwrap();
        side.pc.set_local_description(now, None).unwrap();
    }
    let offer = pair.sides[1].pc.local_description().unwrap();
    // Side 0 takes the other's offer, thinks better of it, and offers itself.
    pair.sides[0].pc.set_remote_description(now, offer).unwrap();
    pair.sides[0].pc.set_remote_description(now, SessionDescription::rollback()).unwrap();
    pair.sides[1].pc.set_local_description(now, Some(SessionDescription::rollback())).unwrap();
    pair.negotiate(0);
    assert!(pair.run_until(5 * SECOND, connected), "{:?}", pair.sides[0].pc);
}

#[test]
fn candidates_that_come_before_the_answer_are_kept() {
    let mut pair = Pair::new(Configuration::default(), Configuration::default());
    let now = pair.now;
    pair.sides[0].pc.create_data_channel(now, "chat", DataChannelInit::default()).unwrap();
    let offer = pair.sides[0].pc.create_offer(OfferOptions::default()).unwrap();
    pair.sides[0].pc.set_local_description(now, Some(offer.clone())).unwrap();
    pair.sides[1].pc.set_remote_description(now, offer).unwrap();
    while let Some(event) = pair.sides[0].pc.poll_event() {
        if let Event::IceCandidate(candidate) = event {
            let init = candidate.map(|candidate| candidate.init);
            pair.sides[1].pc.add_ice_candidate(now, init).unwrap();
        }
    }
    pair.sides[1].pc.set_local_description(now, None).unwrap();
    let answer = pair.sides[1].pc.local_description().unwrap();
    pair.sides[0].pc.set_remote_description(now, answer).unwrap();
    assert!(pair.run_until(5 * SECOND, connected));
}

/// Two connected sides with one audio track each way and nothing else.
fn audio() -> (Pair, TransceiverId) {
    let mut pair = Pair::new(Configuration::default(), Configuration::default());
    let now = pair.now;
    let audio = pair.sides[0].pc.add_track(now, TrackKind::Audio, "microphone", &[]).unwrap();
    pair.negotiate(0);
    assert!(pair.run_until(5 * SECOND, connected));
    (pair, audio)
}

#[test]
fn a_transport_without_sections_ends_and_the_next_starts_anew() {
    let (mut pair, audio) = audio();
    let now = pair.now;
    let first = pair.sides[0].pc.local_description().unwrap();
    pair.sides[0].pc.stop_transceiver(now, audio).unwrap();
    pair.negotiate(0);
    for side in &mut pair.sides {
        assert_eq!(side.pc.dtls_state(), DtlsTransportState::New);
        assert_eq!(side.pc.ice_connection_state(), IceConnectionState::New);
        assert_eq!(side.pc.connection_state(), PeerConnectionState::New);
    }
    pair.run(60 * SECOND);
    assert!(pair.sides.iter().all(|side| side.pc.connection_state() == PeerConnectionState::New));
    // The other side begins again, with a data channel and media.
    let now = pair.now;
    let chat = pair.sides[1].pc.create_data_channel(now, "chat", DataChannelInit::default()).unwrap();
    pair.sides[1].pc.add_track(now, TrackKind::Audio, "microphone", &[]).unwrap();
    pair.negotiate(1);
    assert_ne!(ufrag(&pair.sides[0].pc.local_description().unwrap()), ufrag(&first));
    assert!(pair.run_until(5 * SECOND, |pair| pair.sides.iter().all(opened)), "{:?}", pair.sides[0].pc);
    assert!(connected(&mut pair));
    let now = pair.now;
    pair.sides[1].pc.send(now, chat, Message::from("again")).unwrap();
    assert!(pair.run_until(5 * SECOND, |pair| messages(&pair.sides[0]) == 1));
}

#[test]
fn channels_close_when_their_section_is_refused_and_new_ones_need_a_new_section() {
    let (mut pair, chat) = channel();
    let now = pair.now;
    let offer = pair.sides[1].pc.create_offer(OfferOptions::default()).unwrap();
    pair.sides[1].pc.set_local_description(now, Some(offer.clone())).unwrap();
    pair.sides[0].pc.set_remote_description(now, offer).unwrap();
    pair.sides[0].pc.set_local_description(now, None).unwrap();
    // A middle box refuses the only section in the answer.
    let answer = pair.sides[0].pc.local_description().unwrap();
    let refused = answer.sdp.replace("m=application 4000 ", "m=application 0 ");
    assert_ne!(refused, answer.sdp);
    let refused: Vec<&str> = refused.lines().filter(|line| !line.starts_with("a=group")).collect();
    let refused = SessionDescription::answer(refused.join("\r\n") + "\r\n");
    pair.sides[1].pc.set_remote_description(now, refused).unwrap();
    pair.run(SECOND);
    let closed = |event: &Event| matches!(event, Event::DataChannelClose(_));
    assert!(pair.sides[1].has(closed));
    assert_eq!(pair.sides[1].pc.data_channels().count(), 0);
    let now = pair.now;
    let next = pair.sides[1].pc.create_data_channel(now, "next", DataChannelInit::default()).unwrap();
    assert_ne!(next, chat, "ids are not used twice");
    assert!(pair.sides[1].pc.data_channel(next).is_some());
}
