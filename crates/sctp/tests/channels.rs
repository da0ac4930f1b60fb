//! Data channels: opening, both kinds of close, early data, sizes and numbers.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions, missing_docs)]

mod support;

use bytes::Bytes;
use sendrecv_core::{Instant, Seed};
use sendrecv_sctp::channel::{
    ChannelEvent, ChannelFailure, ChannelId, ChannelState, CreateError, DataChannelInit, DataChannels,
    DtlsRole, InvalidInit, Message,
};
use sendrecv_sctp::{CloseReason, Config, SendError};
use std::time::Duration;
use support::{Link, Pair, payload, seed_number};

fn channels(config: Config, seed: u64) -> DataChannels {
    DataChannels::new(config, &Seed::from_u64(seed), Instant::from_millis(1000))
}

fn pair(link: Link) -> Pair<DataChannels> {
    let config = Config::webrtc();
    Pair::over(channels(config.clone(), 1), channels(config, 2), link, seed_number())
}

fn connect(pair: &mut Pair<DataChannels>) {
    pair.a.connect(pair.now, DtlsRole::Client).unwrap();
    pair.b.connect(pair.now, DtlsRole::Server).unwrap();
    pair.run(Duration::from_secs(5));
}

fn incoming(pair: &Pair<DataChannels>) -> Vec<ChannelId> {
    let incoming = pair.b_events.iter().filter_map(|event| match event {
        ChannelEvent::Incoming { channel, .. } => Some(*channel),
        _ => None,
    });
    incoming.collect()
}

fn messages(events: &mut std::collections::VecDeque<ChannelEvent>) -> Vec<(ChannelId, Message)> {
    let mut messages = Vec::new();
    events.retain(|event| match event {
        ChannelEvent::Message { channel, data } => {
            messages.push((*channel, data.clone()));
            false
        }
        _ => true,
    });
    messages
}

#[test]
fn a_channel_opens_with_its_parameters_and_carries_both_kinds_of_message() {
    let mut pair = pair(Link::default());
    let init = DataChannelInit {
        ordered: false,
        max_retransmits: Some(2),
        protocol: "proto".into(),
        ..DataChannelInit::default()
    };
    let chat = pair.a.create(pair.now, "chat", init.clone()).unwrap();
    assert_eq!(pair.a.stream_id(chat), None);
    connect(&mut pair);
    assert_eq!(pair.a_events, [ChannelEvent::AssociationConnected, ChannelEvent::Opened(chat)]);
    let theirs = incoming(&pair)[0];
    let announced = DataChannelInit { id: Some(0), ..init };
    assert_eq!(
        pair.b_events,
        [
            ChannelEvent::AssociationConnected,
            ChannelEvent::Incoming { channel: theirs, label: "chat".into(), init: announced },
            ChannelEvent::Opened(theirs),
        ]
    );
    pair.b_events.clear();
    let all = [
        Message::Text(Bytes::from_static("héllo".as_bytes())),
        Message::Binary(payload(1, 3000)),
        Message::Text(Bytes::new()),
        Message::Binary(Bytes::new()),
    ];
    for message in &all {
        pair.a.send(pair.now, chat, message.clone()).unwrap();
        pair.run(Duration::from_millis(100));
    }
    let received: Vec<_> = messages(&mut pair.b_events)
        .into_iter()
        .map(|(channel, message)| {
            assert_eq!(channel, theirs);
            message
        })
        .collect();
    assert_eq!(received, all);
    pair.b.send(pair.now, theirs, all[1].clone()).unwrap();
    pair.run(Duration::from_millis(100));
    assert_eq!(messages(&mut pair.a_events), [(chat, all[1].clone())]);
}

#[test]
fn data_sent_before_the_acknowledgement_waits_for_the_open_message_even_when_unordered() {
    let link = Link { jitter: Duration::from_millis(40), loss: 200, ..Link::default() };
    let mut pair = pair(link);
    connect(&mut pair);
    let init = DataChannelInit { ordered: false, ..DataChannelInit::default() };
    let channel = pair.a.create(pair.now, "early", init).unwrap();
    for number in 0..50 {
        pair.a.send(pair.now, channel, Message::Binary(payload(number, 500))).unwrap();
    }
    pair.run(Duration::from_secs(60));
    assert_eq!(messages(&mut pair.b_events).len(), 50);
    assert_eq!(pair.b.stray_messages(), 0);
}

#[test]
fn closing_flushes_resets_both_directions_and_frees_the_number() {
    let mut pair = pair(Link { loss: 100, ..Link::default() });
    let first = pair.a.create(pair.now, "first", DataChannelInit::default()).unwrap();
    connect(&mut pair);
    pair.run(Duration::from_secs(10));
    pair.a.send(pair.now, first, Message::Binary(payload(7, 60_000))).unwrap();
    pair.a.close_channel(pair.now, first).unwrap();
    assert_eq!(pair.a.send(pair.now, first, Message::Binary(payload(7, 1))), Err(SendError::Closing));
    pair.run(Duration::from_secs(30));
    let theirs = incoming(&pair)[0];
    assert_eq!(messages(&mut pair.b_events), [(theirs, Message::Binary(payload(7, 60_000)))]);
    assert!(pair.a_events.contains(&ChannelEvent::Closed(first)));
    let tail: Vec<_> = pair.b_events.iter().rev().take(2).cloned().collect();
    assert_eq!(tail, [ChannelEvent::Closed(theirs), ChannelEvent::Closing(theirs)]);
    assert_eq!(pair.a.state(first), ChannelState::Closed);
    pair.b_events.clear();
    let second = pair.a.create(pair.now, "second", DataChannelInit::default()).unwrap();
    assert_eq!(pair.a.stream_id(second), Some(0));
    pair.a.send(pair.now, second, Message::Text(Bytes::from_static(b"again"))).unwrap();
    pair.run(Duration::from_secs(10));
    let theirs = incoming(&pair)[0];
    assert_eq!(messages(&mut pair.b_events), [(theirs, Message::Text(Bytes::from_static(b"again")))]);
}

#[test]
fn storms_of_opening_and_closing_leave_nothing_behind() {
    let mut pair = pair(Link { loss: 50, jitter: Duration::from_millis(5), ..Link::default() });
    connect(&mut pair);
    for round in 0..20 {
        let mine: Vec<_> =
            (0..50).map(|_| pair.a.create(pair.now, "a", DataChannelInit::default()).unwrap()).collect();
        let theirs: Vec<_> =
            (0..50).map(|_| pair.b.create(pair.now, "b", DataChannelInit::default()).unwrap()).collect();
        for channel in &mine {
            pair.a.send(pair.now, *channel, Message::Binary(payload(round, 100))).unwrap();
        }
        pair.run(Duration::from_millis(u64::from(round) * 13));
        mine.iter().for_each(|channel| pair.a.close_channel(pair.now, *channel).unwrap());
        for channel in theirs {
            let _ = pair.b.close_channel(pair.now, channel);
        }
        pair.run(Duration::from_millis(30));
    }
    pair.run(Duration::from_secs(60));
    assert_eq!((pair.a.channels().count(), pair.b.channels().count()), (0, 0));
    assert_eq!(messages(&mut pair.b_events).len(), 1000);
}

#[test]
fn closing_from_both_sides_at_once_closes_once() {
    let mut pair = pair(Link::default());
    let mine = pair.a.create(pair.now, "x", DataChannelInit::default()).unwrap();
    connect(&mut pair);
    let theirs = incoming(&pair)[0];
    pair.a.close_channel(pair.now, mine).unwrap();
    pair.b.close_channel(pair.now, theirs).unwrap();
    pair.run(Duration::from_secs(5));
    let closed = |events: &std::collections::VecDeque<ChannelEvent>| {
        events.iter().filter(|event| matches!(event, ChannelEvent::Closed(_))).count()
    };
    assert_eq!((closed(&pair.a_events), closed(&pair.b_events)), (1, 1));
}

#[test]
fn negotiated_channels_open_without_a_word_and_need_a_free_id() {
    let mut pair = pair(Link::default());
    let init = DataChannelInit { negotiated: true, id: Some(7), ..DataChannelInit::default() };
    let mine = pair.a.create(pair.now, "n", init.clone()).unwrap();
    let theirs = pair.b.create(pair.now, "n", init.clone()).unwrap();
    assert_eq!(pair.a.create(pair.now, "n", init.clone()), Err(CreateError::IdInUse));
    for (wrong, why) in [
        (DataChannelInit { id: None, ..init.clone() }, InvalidInit::IdMissing),
        (DataChannelInit { id: Some(65_535), ..init.clone() }, InvalidInit::IdOutOfRange),
        (
            DataChannelInit { max_retransmits: Some(1), max_packet_life_time: Some(1), ..init },
            InvalidInit::TwoLimits,
        ),
    ] {
        assert_eq!(pair.a.create(pair.now, "n", wrong), Err(CreateError::InvalidInit(why)));
    }
    connect(&mut pair);
    assert!(incoming(&pair).is_empty());
    pair.a.send(pair.now, mine, Message::Text(Bytes::from_static(b"hi"))).unwrap();
    pair.run(Duration::from_secs(1));
    assert_eq!(messages(&mut pair.b_events), [(theirs, Message::Text(Bytes::from_static(b"hi")))]);
}

#[test]
fn messages_beyond_the_peers_limit_and_a_full_buffer_are_refused_and_nothing_is_lost() {
    let mut pair = pair(Link::default());
    let channel = pair.a.create(pair.now, "x", DataChannelInit::default()).unwrap();
    assert_eq!(pair.a.send(pair.now, channel, Message::Binary(payload(0, 1))), Err(SendError::Connecting));
    connect(&mut pair);
    let too_long = Message::Binary(payload(0, 65_537));
    assert_eq!(pair.a.send(pair.now, channel, too_long.clone()), Err(SendError::TooLarge { limit: 65_536 }));
    pair.a.set_remote_max_message_size(0);
    pair.a.send(pair.now, channel, too_long).unwrap();
    pair.a.set_buffered_amount_low_threshold(channel, 1 << 20);
    let mut accepted = 1;
    loop {
        match pair.a.send(pair.now, channel, Message::Binary(payload(1, 100_000))) {
            Ok(()) => accepted += 1,
            Err(error) => {
                assert_eq!(error, SendError::BufferFull);
                break;
            }
        }
    }
    assert_eq!(pair.a.buffered_amount(channel), 65_537 + (accepted - 1) * 100_000);
    assert!(!pair.a_events.contains(&ChannelEvent::BufferedAmountLow(channel)));
    pair.run(Duration::from_secs(60));
    assert!(pair.a_events.contains(&ChannelEvent::BufferedAmountLow(channel)));
    assert_eq!(messages(&mut pair.b_events).len(), accepted);
    assert_eq!(pair.a.buffered_amount(channel), 0);
}

#[test]
fn numbers_run_out_with_an_error_and_all_65534_channels_work() {
    let mut pair = pair(Link { delay: Duration::from_millis(1), ..Link::default() });
    connect(&mut pair);
    let mut mine = Vec::new();
    loop {
        match pair.a.create(pair.now, "", DataChannelInit::default()) {
            Ok(channel) => mine.push(channel),
            Err(error) => {
                assert_eq!(error, CreateError::IdsExhausted);
                break;
            }
        }
    }
    assert_eq!(mine.len(), 32_768);
    pair.run(Duration::from_secs(5));
    assert_eq!(incoming(&pair).len(), mine.len());
    for channel in &mine {
        pair.a.send(pair.now, *channel, Message::Binary(payload(1, 10))).unwrap();
    }
    pair.run(Duration::from_secs(5));
    assert_eq!(messages(&mut pair.b_events).len(), mine.len());
}

#[test]
fn an_abort_closes_every_channel_on_both_sides() {
    let mut pair = pair(Link::default());
    let mine = pair.a.create(pair.now, "x", DataChannelInit::default()).unwrap();
    connect(&mut pair);
    let theirs = incoming(&pair)[0];
    pair.a_events.clear();
    pair.b_events.clear();
    pair.a.abort(pair.now);
    pair.run(Duration::from_secs(1));
    assert_eq!(
        pair.a_events,
        [ChannelEvent::Closed(mine), ChannelEvent::AssociationClosed(CloseReason::Aborted)]
    );
    let reason = CloseReason::AbortedByPeer { cause: Some(12), reason: b"closed".to_vec() };
    let failure = ChannelFailure::Association(reason.clone());
    assert_eq!(
        pair.b_events,
        [
            ChannelEvent::Failed { channel: theirs, failure },
            ChannelEvent::Closed(theirs),
            ChannelEvent::AssociationClosed(reason)
        ]
    );
    assert_eq!(pair.a.create(pair.now, "y", DataChannelInit::default()), Err(CreateError::Closed));
}

#[test]
fn signalled_inits_open_channels_without_a_handshake() {
    let mut pair = pair(Link::default());
    let mine = pair.a.create(pair.now, "snap", DataChannelInit::default()).unwrap();
    let (a_init, b_init) = (pair.a.local_init(), pair.b.local_init());
    let start = pair.now;
    pair.a.connect_with_init(pair.now, DtlsRole::Client, &b_init).unwrap();
    pair.b.connect_with_init(pair.now, DtlsRole::Server, &a_init).unwrap();
    pair.drain();
    pair.a.send(pair.now, mine, Message::Text(Bytes::from_static(b"first"))).unwrap();
    let took = pair.run_until(Duration::from_secs(1), |pair| !messages(&mut pair.b_events).is_empty());
    assert_eq!((took, pair.now - start), (Duration::from_millis(10), Duration::from_millis(10)));
}
