//! SPED: the DTLS handshake rides on the checks where both sides want it, and nowhere else.

use crate::support::{Pair, Side};
use sendrecv::{
    Configuration, DataChannelInit, DtlsVersion, Event, InputLog, Message, PeerConnectionState,
    SessionDescription, Settings, replay,
};
use sendrecv_core::{Ecn, Path};
use sendrecv_stun::attribute::{DtlsInStun, IceControlled, Priority, Username};
use sendrecv_stun::{Class, IntegrityKey, MessageBuilder, Method, TransactionId};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn sped(sped: bool) -> Configuration {
    Configuration { settings: Settings { sped, ..Settings::default() }, ..Configuration::default() }
}

fn offers_it(description: &SessionDescription) -> bool {
    let line = description.sdp.lines().find_map(|line| line.strip_prefix("a=ice-options:"));
    line.is_some_and(|options| options.split(' ').any(|option| option == "sped"))
}

fn opened(side: &Side) -> bool {
    side.has(|event| matches!(event, Event::DataChannelOpen(_)))
}

fn connected(pair: &mut Pair) -> bool {
    pair.sides.iter().all(|side| side.pc.connection_state() == PeerConnectionState::Connected)
}

/// A pair with a channel in the offer of side 0, negotiated.
fn negotiated(a: Configuration, b: Configuration) -> (Pair, SessionDescription, SessionDescription) {
    let mut pair = Pair::new(a, b);
    let now = pair.now;
    pair.sides[0].pc.create_data_channel(now, "chat", DataChannelInit::default()).unwrap();
    let (offer, answer) = pair.negotiate(0);
    (pair, offer, answer)
}

#[test]
fn the_handshake_rides_where_both_want_it() {
    for (a, b) in [(true, true), (true, false), (false, true), (false, false)] {
        let (mut pair, offer, answer) = negotiated(sped(a), sped(b));
        assert_eq!((offers_it(&offer), offers_it(&answer)), (a, a && b));
        assert_eq!(answer.sdp.contains("a=setup:passive"), a && b, "whoever offered begins");
        assert!(pair.run_until(5 * SECOND, |pair| pair.sides.iter().all(opened)), "{a} {b}");
        let rode = pair.stun.iter().any(|message| carries_a_packet(message));
        assert_eq!(rode, a && b, "{a} {b}");
        assert!(connected(&mut pair));
        // Once the handshake is over nothing rides any more.
        pair.stun.clear();
        pair.run(30 * SECOND);
        assert!(!pair.stun.is_empty() && !pair.stun.iter().any(|message| has_riders(message)));
    }
}

fn kinds(message: &[u8]) -> Vec<u16> {
    let message = sendrecv_stun::Message::parse(message).unwrap();
    message.attributes().map(|attribute| attribute.kind.0).collect()
}

fn has_riders(message: &[u8]) -> bool {
    kinds(message).iter().any(|kind| [0xc070, 0xc071].contains(kind))
}

fn carries_a_packet(message: &[u8]) -> bool {
    kinds(message).contains(&0xc070)
}

#[test]
fn both_versions_ride_and_nothing_is_longer_than_the_path_carries() {
    for (dtls_max, initial_packet_size) in [
        (DtlsVersion::Dtls12, 1200),
        (DtlsVersion::Dtls13, 1200),
        (DtlsVersion::Dtls13, 1472),
        (DtlsVersion::Dtls13, 548),
        (DtlsVersion::Dtls12, 548),
    ] {
        let what = format!("{dtls_max:?}, {initial_packet_size} bytes");
        let settings = Settings { sped: true, dtls_max, initial_packet_size, ..Settings::default() };
        let configuration = Configuration { settings, ..Configuration::default() };
        let (mut pair, ..) = negotiated(configuration.clone(), configuration);
        assert!(pair.run_until(10 * SECOND, |pair| pair.sides.iter().all(opened)), "{what}");
        assert!(pair.stun.iter().any(|message| carries_a_packet(message)), "{what}");
        assert!(pair.stun.iter().all(|message| message.len() <= initial_packet_size), "{what}");
        assert!(pair.longest_of_dtls <= initial_packet_size, "{what}");
        // What goes by itself is not cut to what checks can carry.
        let rest_of_the_flight = dtls_max == DtlsVersion::Dtls13 && initial_packet_size > 1000;
        assert!(pair.longest_of_dtls > 1000 || !rest_of_the_flight, "{what}: {}", pair.longest_of_dtls);
    }
}

#[test]
fn lost_checks_change_nothing_but_the_time_it_takes() {
    for seed in 0..30 {
        let mut pair = Pair::with_seed(sped(true), sped(true), seed);
        pair.loss_percent = 10 + seed / 2;
        let now = pair.now;
        let chat = pair.sides[0].pc.create_data_channel(now, "chat", DataChannelInit::default()).unwrap();
        pair.negotiate(0);
        assert!(pair.run_until(60 * SECOND, |pair| pair.sides.iter().all(opened)), "seed {seed}");
        let now = pair.now;
        pair.sides[0].pc.send(now, chat, Message::Binary(vec![7; 20_000].into())).unwrap();
        let arrived = |event: &Event| matches!(event, Event::DataChannelMessage { .. });
        assert!(pair.run_until(60 * SECOND, |pair| pair.sides[1].has(arrived)), "seed {seed}");
    }
}

#[test]
fn packets_that_come_before_the_answer_are_used_when_it_comes() {
    let mut pair = Pair::new(sped(true), sped(true));
    let now = pair.now;
    pair.sides[0].pc.create_data_channel(now, "chat", DataChannelInit::default()).unwrap();
    pair.sides[0].pc.set_local_description(now, None).unwrap();
    // The answerer is to be the client, and its checks are faster than its answer.
    let offer = pair.sides[0].pc.local_description().unwrap().sdp.replace("actpass", "passive");
    pair.sides[1].pc.set_remote_description(now, SessionDescription::offer(offer)).unwrap();
    pair.sides[1].pc.set_local_description(now, None).unwrap();
    pair.run(Duration::from_millis(100));
    assert!(pair.stun.iter().any(|message| carries_a_packet(message)));
    let (answer, now) = (pair.sides[1].pc.local_description().unwrap(), pair.now);
    pair.sides[0].pc.set_remote_description(now, answer).unwrap();
    assert!(pair.run_until(5 * SECOND, |pair| pair.sides.iter().all(opened)));
}

/// A check of the other side's for `to`, with this packet in it.
fn check_with(to: &mut Side, packet: &[u8]) -> Vec<u8> {
    let sdp = to.pc.local_description().unwrap().sdp;
    let value = |name| sdp.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    let key = IntegrityKey::short_term(sendrecv_crypto::default_provider(), value("a=ice-pwd:")).unwrap();
    let mut check = Vec::new();
    let id = TransactionId([7; 12]);
    let mut builder = MessageBuilder::new(&mut check, Class::Request, Method::BINDING, id).unwrap();
    builder.attribute(&Username(&format!("{}:them", value("a=ice-ufrag:")))).unwrap();
    builder.attribute(&Priority(1)).unwrap().attribute(&IceControlled(1)).unwrap();
    builder.attribute(&DtlsInStun(packet)).unwrap().integrity(&key).unwrap().fingerprint().unwrap();
    check
}

/// Side 0 gets a check from nowhere known, with this packet in it.
fn give(pair: &mut Pair, packet: &[u8]) {
    let to = &mut pair.sides[0];
    let mut check = check_with(to, packet);
    let path = Path::udp(to.address, "10.0.0.3:5000".parse().unwrap());
    to.pc.handle_datagram(pair.now, path, Ecn::NotEct, &mut check).unwrap();
    pair.run(Duration::from_millis(1));
}

#[test]
fn what_rides_and_is_no_handshake_is_ignored() {
    let rtp = [0x80; 200];
    let records = [22; 200];
    let alert = b"\x15\xfe\xfd\0\0\0\0\0\0\0\0\0\x02\x02\x28";
    let junk: [&[u8]; 6] = [&rtp, &records, b"\x16", b"\0\x01", b"\x40\0\0\x04junk", &[0x17; 1500]];
    for early in [true, false] {
        let mut pair = Pair::new(sped(true), sped(true));
        let now = pair.now;
        pair.sides[0].pc.create_data_channel(now, "chat", DataChannelInit::default()).unwrap();
        pair.sides[0].pc.set_local_description(now, None).unwrap();
        if early {
            // Far more than are kept until the answer comes.
            (0..20).for_each(|_| junk.iter().for_each(|packet| give(&mut pair, packet)));
        }
        pair.negotiate(0);
        junk.iter().for_each(|packet| give(&mut pair, packet));
        assert!(pair.run_until(5 * SECOND, |pair| pair.sides.iter().all(opened)), "early: {early}");
        junk.iter().chain([&&alert[..]]).for_each(|packet| give(&mut pair, packet));
        pair.run(SECOND);
        assert!(connected(&mut pair), "early: {early}");
    }
}

#[test]
fn a_session_whose_handshake_rode_replays_to_the_same_bytes() {
    let (mut pair, ..) = negotiated(sped(true), sped(true));
    assert!(pair.run_until(5 * SECOND, |pair| pair.sides.iter().all(opened)));
    for side in &mut pair.sides {
        let log = InputLog::decode(&side.pc.take_recording().unwrap().encode()).unwrap();
        assert!(replay(&log).expect("the same bytes").datagrams >= 4);
    }
}

#[test]
fn an_ice_restart_in_the_middle_of_a_handshake_that_rides_does_no_harm() {
    for millis in [1, 11, 21, 31, 41] {
        let (mut pair, ..) = negotiated(sped(true), sped(true));
        pair.run(Duration::from_millis(millis));
        let now = pair.now;
        pair.sides[0].pc.restart_ice(now);
        pair.negotiate(0);
        assert!(pair.run_until(20 * SECOND, |pair| pair.sides.iter().all(opened)), "after {millis} ms");
    }
}
