//! Towards peers that know nothing of SNAP and SPED: the INIT goes behind the flight of a DTLS 1.3 server, and messages with
//! the COOKIE ECHO.

use crate::support::{Pair, Side};
use sendrecv::{
    Configuration, DataChannelId, DataChannelInit, DtlsVersion, Event, InputLog, Message,
    PeerConnectionState, SessionDescription, Settings, UsageError, replay,
};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const DELAY: Duration = Duration::from_millis(25);

fn plain() -> Configuration {
    let settings = Settings { snap: false, sped: false, ..Settings::default() };
    Configuration { settings, ..Configuration::default() }
}

/// Both ends, with messages of each that were handed over when its channel was created; side 1 is the DTLS client.
fn waiting(configuration: Configuration, seed: u64) -> (Pair, [DataChannelId; 2]) {
    let mut pair = Pair::with_seed(configuration.clone(), configuration, seed);
    pair.delay = DELAY;
    let now = pair.now;
    let channels = [0, 1].map(|index: usize| {
        let pc = &mut pair.sides[index].pc;
        let channel =
            pc.create_data_channel(now, &format!("of {index}"), DataChannelInit::default()).unwrap();
        for text in ["first", "second"] {
            let refused = pc.send(now, channel, Message::from(text));
            assert!(
                matches!(refused, Err(UsageError::Send(_))),
                "the standard's `send` waits for open channels"
            );
            pc.send_early(now, channel, Message::from(text)).unwrap();
        }
        assert_eq!(pc.data_channel(channel).unwrap().buffered_amount(), 11);
        channel
    });
    (pair, channels)
}

fn text_of(event: &Event) -> Option<&str> {
    if let Event::DataChannelMessage { message, .. } = event { message.as_text() } else { None }
}

fn messages(side: &Side) -> Vec<&str> {
    side.events.iter().filter_map(text_of).collect()
}

/// Round trips until both messages have arrived at each side.
fn arrivals(pair: &mut Pair) -> [f64; 2] {
    let mut at = [0.0; 2];
    let all = pair.run_until(MINUTE, |pair| {
        for (index, side) in pair.sides.iter().enumerate() {
            if messages(side).len() == 2 && at[index] == 0.0 {
                let elapsed = pair.now - sendrecv_core::Instant::ZERO;
                at[index] = (elapsed.as_secs_f64() / DELAY.as_secs_f64()).round() / 2.0;
            }
        }
        at[0] * at[1] > 0.0
    });
    assert!(all, "{:?}", pair.sides.each_ref().map(messages));
    at
}

/// Whether it is a record of DTLS 1.3 with application keys.
fn is_of_application(datagram: &[u8]) -> bool {
    datagram[0] & 0xe3 == 0x23
}

#[test]
fn a_channel_and_its_first_messages_arrive_together_before_it_is_open_where_it_was_made() {
    let (mut pair, channels) = waiting(plain(), 1);
    pair.negotiate(0);
    assert_eq!(arrivals(&mut pair), [3.5, 3.0], "at the server, at the client");
    for (side, own) in pair.sides.iter().zip(channels) {
        assert_eq!(messages(side), ["first", "second"]);
        let at = |wanted: &dyn Fn(&Event) -> bool| side.events.iter().position(wanted).unwrap();
        let theirs = at(&|event| matches!(event, Event::DataChannel(_)));
        let open = at(&|event| matches!(event, Event::DataChannelOpen(id) if *id != own));
        assert!(theirs < open && open < at(&|event| matches!(event, Event::DataChannelMessage { .. })));
    }
    assert!(pair.run_until(MINUTE, |pair| {
        pair.sides.iter().zip(channels).all(|(side, own)| side.has(|e| *e == Event::DataChannelOpen(own)))
    }));
}

#[test]
fn a_client_that_drops_what_comes_before_it_is_connected_is_no_slower_than_without() {
    let (mut pair, _) = waiting(plain(), 1);
    let dropped = Rc::new(Cell::new(0));
    let count = Rc::clone(&dropped);
    pair.passes = Box::new(move |from, datagram| {
        let drops = from == 0 && is_of_application(datagram) && count.get() == 0;
        count.set(count.get() + usize::from(drops));
        !drops
    });
    pair.negotiate(0);
    assert_eq!(arrivals(&mut pair), [3.5, 4.0]);
    assert_eq!(dropped.get(), 1);
}

#[test]
fn with_dtls_1_2_messages_leave_with_the_cookie_echo_too() {
    let settings = Settings { dtls_max: DtlsVersion::Dtls12, ..plain().settings };
    let (mut pair, _) = waiting(Configuration { settings, ..Configuration::default() }, 1);
    pair.negotiate(0);
    assert_eq!(arrivals(&mut pair), [4.5, 4.0], "the client is connected half a round trip later");
}

#[test]
fn who_has_the_wrong_certificate_gets_an_init_and_no_message() {
    let (mut pair, _) = waiting(plain(), 1);
    let sent = Rc::new(Cell::new(0));
    let count = Rc::clone(&sent);
    pair.passes = Box::new(move |from, datagram| {
        count.set(count.get() + usize::from(from == 0 && is_of_application(datagram)));
        true
    });
    let now = pair.now;
    pair.sides[0].pc.set_local_description(now, None).unwrap();
    let offer = pair.sides[0].pc.local_description().unwrap();
    pair.sides[1].pc.set_remote_description(now, offer).unwrap();
    pair.sides[1].pc.set_local_description(now, None).unwrap();
    let answer = pair.sides[1].pc.local_description().unwrap().sdp;
    let (before, fingerprint) = answer.split_once("a=fingerprint:sha-256 ").unwrap();
    let mut rest = fingerprint.to_owned();
    let digit = if rest.remove(0) == '0' { '1' } else { '0' };
    let other = format!("{before}a=fingerprint:sha-256 {digit}{rest}");
    pair.sides[0].pc.set_remote_description(now, SessionDescription::answer(other)).unwrap();
    let failed = |pair: &mut Pair| pair.sides[0].pc.connection_state() == PeerConnectionState::Failed;
    assert!(pair.run_until(MINUTE, failed));
    pair.run(Duration::from_secs(1));
    assert!(
        messages(&pair.sides[1]).is_empty() && !pair.sides[1].has(|e| matches!(e, Event::DataChannel(_)))
    );
    assert_eq!(sent.get(), 1, "the INIT, and nothing else");
}

#[test]
fn early_messages_arrive_once_and_in_order_whatever_is_lost() {
    for seed in 0..30 {
        let (mut pair, _) = waiting(plain(), seed);
        pair.loss_percent = seed;
        pair.negotiate(usize::from(seed % 2 == 0));
        arrivals(&mut pair);
        pair.run(Duration::from_secs(10));
        for side in &pair.sides {
            assert_eq!(messages(side), ["first", "second"], "seed {seed}");
        }
    }
}

#[test]
fn a_session_with_early_messages_replays_to_the_same_bytes() {
    let (mut pair, _) = waiting(plain(), 3);
    pair.negotiate(0);
    arrivals(&mut pair);
    for side in &mut pair.sides {
        let log = InputLog::decode(&side.pc.take_recording().unwrap().encode()).unwrap();
        assert!(replay(&log).expect("the same bytes").datagrams >= 4);
    }
}
