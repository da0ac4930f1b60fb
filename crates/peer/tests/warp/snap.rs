//! SNAP: descriptions that carry both INITs save the SCTP handshake, and nothing breaks where they do not.
use crate::support::{Pair, Side};
use sendrecv::{
    Configuration, DataChannelId, DataChannelInit, Event, LocalSocket, Message, PeerConnection,
    SessionDescription, Settings,
};
use sendrecv_core::{Instant, Seed};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn snap(snap: bool) -> Configuration {
    Configuration { settings: Settings { snap, ..Settings::default() }, ..Configuration::default() }
}

fn init_of(description: &SessionDescription) -> Option<&str> {
    description.sdp.lines().find_map(|line| line.strip_prefix("a=sctp-init:"))
}

fn opened(side: &Side) -> bool {
    side.has(|event| matches!(event, Event::DataChannelOpen(_)))
}

fn create_channel(pair: &mut Pair, side: usize) -> DataChannelId {
    let now = pair.now;
    pair.sides[side].pc.create_data_channel(now, "chat", DataChannelInit::default()).unwrap()
}

fn assert_a_message_passes(pair: &mut Pair, channel: DataChannelId, text: &str) {
    let now = pair.now;
    pair.sides[0].pc.send(now, channel, Message::from(text)).unwrap();
    let arrived = |pair: &mut Pair| {
        pair.sides[1].has(|event| {
            matches!(event, Event::DataChannelMessage { message, .. } if message.as_text() == Some(text))
        })
    };
    assert!(pair.run_until(10 * SECOND, arrived), "{text}");
}

/// What the offer and the answer say, and when both sides had the channel.
fn open(a: bool, b: bool) -> (Option<String>, Option<String>, Instant) {
    let mut pair = Pair::new(snap(a), snap(b));
    let chat = create_channel(&mut pair, 0);
    let (offer, answer) = pair.negotiate(0);
    assert!(pair.run_until(5 * SECOND, |pair| pair.sides.iter().all(opened)));
    let at = pair.now;
    assert_a_message_passes(&mut pair, chat, "hello");
    (init_of(&offer).map(String::from), init_of(&answer).map(String::from), at)
}

#[test]
fn signalled_inits_save_the_handshake() {
    let (offered, answered, with) = open(true, true);
    assert!(offered.is_some() && answered.is_some() && offered != answered);
    let (offered, answered, without) = open(false, false);
    assert_eq!((offered, answered), (None, None));
    assert!(with + Duration::from_millis(20) <= without, "a round trip: {with:?}, {without:?}");
}

#[test]
fn a_side_that_does_not_take_part_is_spoken_to_as_ever() {
    let (offered, answered, _) = open(true, false);
    assert!(offered.is_some() && answered.is_none());
    let (offered, answered, _) = open(false, true);
    assert_eq!((offered, answered), (None, None));
}

#[test]
fn an_init_that_is_none_is_not_answered_and_no_answer() {
    // No base64; not even a chunk; a chunk, but a COOKIE ACK; an INIT with tag zero.
    for nonsense in ["%%%", "", "AAAA", "CwAABA==", "AQAAFAAAAAAAEAAA//////////8AAAAA"] {
        let mut pair = Pair::new(snap(true), snap(true));
        create_channel(&mut pair, 0);
        let now = pair.now;
        pair.sides[0].pc.set_local_description(now, None).unwrap();
        let offer = pair.sides[0].pc.local_description().unwrap();
        let changed = offer.sdp.replace(init_of(&offer).unwrap(), nonsense);
        pair.sides[1].pc.set_remote_description(now, SessionDescription::offer(changed)).unwrap();
        assert_eq!(init_of(&pair.sides[1].pc.create_answer().unwrap()), None, "{nonsense}");
        pair.sides[1].pc.set_remote_description(now, offer).unwrap();
        let answer = pair.sides[1].pc.create_answer().unwrap();
        let changed = answer.sdp.replace(init_of(&answer).unwrap(), nonsense);
        let refused = pair.sides[0].pc.set_remote_description(now, SessionDescription::answer(changed));
        assert!(matches!(refused, Err(sendrecv::UsageError::Jsep(_))), "{nonsense}");
        pair.sides[0].pc.set_remote_description(now, answer).unwrap();
    }
}

#[test]
fn a_running_association_is_described_again_and_goes_on() {
    let mut pair = Pair::new(snap(true), snap(true));
    let chat = create_channel(&mut pair, 0);
    let (offer, answer) = pair.negotiate(0);
    assert!(pair.run_until(5 * SECOND, |pair| pair.sides.iter().all(opened)));
    assert_a_message_passes(&mut pair, chat, "before");
    let (second_offer, second_answer) = pair.negotiate(1);
    assert_eq!((init_of(&second_offer), init_of(&second_answer)), (init_of(&answer), init_of(&offer)));
    assert_a_message_passes(&mut pair, chat, "after");
    pair.run(SECOND);
    assert!(!pair.sides[0].has(|event| matches!(event, Event::DataChannelClose(_))));
}

#[test]
fn a_new_peer_gets_the_init_that_was_signalled_to_it() {
    let mut pair = Pair::new(snap(true), snap(true));
    let first = create_channel(&mut pair, 0);
    let (offer, _) = pair.negotiate(0);
    assert!(pair.run_until(5 * SECOND, |pair| pair.sides.iter().all(opened)));
    assert_a_message_passes(&mut pair, first, "to the first");
    // The other side is another one from now on, with a certificate of its own.
    let mut other = PeerConnection::new(Configuration::default(), Seed::from_u64(99), pair.now).unwrap();
    other.add_local_socket(pair.now, LocalSocket::udp(pair.sides[1].address)).unwrap();
    pair.sides[1].pc = other;
    pair.sides.iter_mut().for_each(|side| side.events.clear());
    let now = pair.now;
    pair.sides[0].pc.restart_ice(now);
    let (second_offer, second_answer) = pair.negotiate(0);
    assert_eq!(init_of(&second_offer), init_of(&offer));
    assert!(init_of(&second_answer).is_some());
    let second = create_channel(&mut pair, 0);
    assert!(pair.run_until(5 * SECOND, |pair| pair.sides.iter().all(opened)), "{:?}", pair.sides[0].pc);
    assert_a_message_passes(&mut pair, second, "to the second");
}

#[test]
fn an_association_of_a_section_offered_anew_has_another_init() {
    let mut pair = Pair::new(snap(true), snap(true));
    let audio = pair.sides[0].pc.add_track(pair.now, sendrecv::TrackKind::Audio, "microphone", &[]).unwrap();
    create_channel(&mut pair, 0);
    let (offer, _) = pair.negotiate(0);
    assert!(pair.run_until(5 * SECOND, |pair| pair.sides.iter().all(opened)));
    // The answer refuses the channels' section, and keeps the audio.
    let now = pair.now;
    let again = pair.sides[0].pc.create_offer(sendrecv::OfferOptions::default()).unwrap();
    pair.sides[0].pc.set_local_description(now, Some(again.clone())).unwrap();
    pair.sides[1].pc.set_remote_description(now, again).unwrap();
    pair.sides[1].pc.set_local_description(now, None).unwrap();
    let answer = pair.sides[1].pc.local_description().unwrap().sdp;
    let refused = answer.replace("m=application 4000 ", "m=application 0 ").replace("BUNDLE 0 1", "BUNDLE 0");
    assert_ne!(refused, answer);
    pair.sides[0].pc.set_remote_description(now, SessionDescription::answer(refused)).unwrap();
    let chat = create_channel(&mut pair, 0);
    assert!(pair.sides[0].pc.data_channel(chat).is_some() && pair.sides[0].pc.transceiver(audio).is_some());
    let next = pair.sides[0].pc.create_offer(sendrecv::OfferOptions::default()).unwrap();
    assert!(init_of(&next).is_some() && init_of(&next) != init_of(&offer));
}
