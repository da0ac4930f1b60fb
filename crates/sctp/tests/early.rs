//! Messages for channels that are not open yet.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions, missing_docs)]

mod support;

use sendrecv_core::{Instant, Seed};
use sendrecv_sctp::channel::{
    ChannelEvent, ChannelFailure, ChannelId, ChannelState, DataChannelInit, DataChannels, DtlsRole, Message,
};
use sendrecv_sctp::{Config, SendError};
use std::time::Duration;
use support::{Link, Pair, payload, seed_number};

const MS: fn(u64) -> Duration = Duration::from_millis;

fn pair(link: Link, seed: u64) -> Pair<DataChannels> {
    let side = |seed| DataChannels::new(Config::webrtc(), &Seed::from_u64(seed), Instant::from_millis(1000));
    Pair::over(side(2 * seed), side(2 * seed + 1), link, seed)
}

fn connect(pair: &mut Pair<DataChannels>) {
    pair.a.connect(pair.now, DtlsRole::Client).unwrap();
    pair.b.connect(pair.now, DtlsRole::Server).unwrap();
}

fn binary(number: u32, len: usize) -> Message {
    Message::Binary(payload(number, len))
}

fn unordered() -> DataChannelInit {
    DataChannelInit { ordered: false, ..DataChannelInit::default() }
}

fn negotiated(id: u16) -> DataChannelInit {
    DataChannelInit { negotiated: true, id: Some(id), ..DataChannelInit::default() }
}

/// The messages that have arrived at b.
fn arrived(pair: &Pair<DataChannels>) -> Vec<Message> {
    let message = |event: &ChannelEvent| match event {
        ChannelEvent::Message { data, .. } => Some(data.clone()),
        _ => None,
    };
    pair.b_events.iter().filter_map(message).collect()
}

#[test]
fn a_message_arrives_with_its_channel_a_round_trip_before_the_channel_is_open() {
    for init in [DataChannelInit::default(), unordered(), negotiated(7)] {
        let mut pair = pair(Link::default(), 1);
        let channel = pair.a.create(pair.now, "chat", init.clone()).unwrap();
        if init.negotiated {
            pair.b.create(pair.now, "chat", init.clone()).unwrap();
        }
        assert_eq!(pair.a.send(pair.now, channel, binary(1, 10)), Err(SendError::Connecting));
        pair.a.send_early(pair.now, channel, binary(1, 10)).unwrap();
        assert_eq!(pair.a.buffered_amount(channel), 10);
        pair.a.connect(pair.now, DtlsRole::Client).unwrap();
        assert_eq!(pair.a.buffered_amount(channel), 10);
        // The association has begun; the channel is still connecting.
        pair.a.send_early(pair.now, channel, binary(2, 20)).unwrap();
        assert_eq!((pair.a.buffered_amount(channel), pair.a.state(channel)), (30, ChannelState::Connecting));
        let took = pair.run_until(MS(1000), |pair| arrived(pair).len() == 2);
        assert_eq!((took, pair.a.state(channel)), (MS(30), ChannelState::Connecting), "{init:?}");
        let took = pair.run_until(MS(1000), |pair| pair.a.state(channel) == ChannelState::Open);
        assert_eq!((took, pair.a.buffered_amount(channel)), (MS(10), 0));
        pair.a.send_early(pair.now, channel, binary(3, 30)).unwrap();
        pair.run(MS(100));
        assert_eq!(arrived(&pair), [binary(1, 10), binary(2, 20), binary(3, 30)]);
        assert_eq!(pair.a.channel_stats(channel).unwrap().messages_sent, 3);
    }
}

#[test]
fn early_messages_of_both_sides_arrive_once_and_in_order_whatever_is_lost() {
    for seed in 0..60 {
        let link = Link { loss: 200, jitter: MS(30), duplication: 100, ..Link::default() };
        let mut pair = pair(link, seed_number() + seed);
        let init = if seed % 2 == 0 { DataChannelInit::default() } else { negotiated(3) };
        let ours = pair.a.create(pair.now, "ours", init.clone()).unwrap();
        let theirs = pair.b.create(pair.now, "theirs", init).unwrap();
        let all: Vec<_> = (0..20).map(|number| binary(number, 300)).collect();
        for message in &all {
            pair.a.send_early(pair.now, ours, message.clone()).unwrap();
            pair.b.send_early(pair.now, theirs, message.clone()).unwrap();
        }
        connect(&mut pair);
        pair.run(Duration::from_secs(120));
        assert_eq!(arrived(&pair), all);
        core::mem::swap(&mut pair.a_events, &mut pair.b_events);
        assert_eq!(arrived(&pair), all);
    }
}

#[test]
fn what_waits_is_bounded_and_goes_with_its_channel() {
    let config = Config { send_buffer: 1000, ..Config::webrtc() };
    let side = |seed| DataChannels::new(config.clone(), &Seed::from_u64(seed), Instant::from_millis(1000));
    let mut pair = Pair::over(side(1), side(2), Link::default(), 1);
    let [kept, closed]: [ChannelId; 2] =
        ["kept", "closed"].map(|label| pair.a.create(pair.now, label, DataChannelInit::default()).unwrap());
    pair.a.send_early(pair.now, closed, binary(0, 600)).unwrap();
    assert_eq!(pair.a.send_early(pair.now, kept, binary(1, 600)), Err(SendError::BufferFull));
    pair.a.close_channel(pair.now, closed).unwrap();
    assert_eq!(pair.a.send_early(pair.now, closed, binary(0, 1)), Err(SendError::Closed));
    pair.a.send_early(pair.now, kept, binary(2, 600)).unwrap();
    connect(&mut pair);
    pair.run(Duration::from_secs(5));
    assert_eq!(arrived(&pair), [binary(2, 600)]);
    assert_eq!(pair.a.send_early(pair.now, closed, binary(0, 1)), Err(SendError::Closed));
}

#[test]
fn a_message_that_is_longer_than_the_peer_turns_out_to_take_closes_its_channel_and_no_other() {
    let mut pair = pair(Link::default(), 1);
    let long = pair.a.create(pair.now, "long", DataChannelInit::default()).unwrap();
    let short = pair.a.create(pair.now, "short", DataChannelInit::default()).unwrap();
    let refused = pair.a.send_early(pair.now, long, binary(0, 70_000));
    assert_eq!(refused, Err(SendError::TooLarge { limit: 65_536 }), "what peers take that say nothing");
    pair.a.send_early(pair.now, long, binary(1, 60_000)).unwrap();
    pair.a.send_early(pair.now, short, binary(2, 100)).unwrap();
    pair.a.set_remote_max_message_size(1000);
    connect(&mut pair);
    pair.run(Duration::from_secs(5));
    let failure = ChannelFailure::MessageTooLong { limit: 1000 };
    assert_eq!(
        pair.a_events.make_contiguous()[..2],
        [ChannelEvent::Failed { channel: long, failure }, ChannelEvent::Closed(long)]
    );
    assert_eq!(arrived(&pair), [binary(2, 100)]);
    let incoming = |event: &&ChannelEvent| matches!(event, ChannelEvent::Incoming { .. });
    assert_eq!(pair.b_events.iter().filter(incoming).count(), 1, "the other side never hears of it");
}

#[test]
fn another_association_begins_without_what_waited_for_the_last() {
    let mut pair = pair(Link::default(), 1);
    let channel = pair.a.create(pair.now, "chat", DataChannelInit::default()).unwrap();
    pair.a.send_early(pair.now, channel, binary(1, 10)).unwrap();
    pair.a.restart(Config::webrtc(), &Seed::from_u64(9), pair.now);
    connect(&mut pair);
    pair.run(Duration::from_secs(1));
    assert_eq!(arrived(&pair), []);
}
