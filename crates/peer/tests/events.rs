//! Events and states in the order W3C webrtc-pc gives them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used)]

mod support;

use sendrecv::{
    Configuration, DataChannelInit, DataChannelState, DtlsTransportState, Event, IceConnectionState, IceRole,
    PeerConnectionState, RtcErrorDetail, SctpTransportState, SessionDescription, SignalingState, TrackKind,
};
use std::time::Duration;
use support::{Pair, Side};

const SECOND: Duration = Duration::from_secs(1);

fn position(side: &Side, wanted: impl Fn(&Event) -> bool) -> usize {
    side.events.iter().position(wanted).expect("the event")
}

fn count(side: &Side, wanted: impl Fn(&Event) -> bool) -> usize {
    side.events.iter().filter(|event| wanted(event)).count()
}

fn opened(side: &Side) -> bool {
    side.has(|event| matches!(event, Event::DataChannelOpen(_)))
}

fn connection_states(side: &Side) -> Vec<PeerConnectionState> {
    let state = |event: &Event| match event {
        Event::ConnectionStateChange(state) => Some(*state),
        _ => None,
    };
    side.events.iter().filter_map(state).collect()
}

fn dtls_states(side: &Side) -> Vec<DtlsTransportState> {
    let state = |event: &Event| match event {
        Event::DtlsTransportStateChange(state) => Some(*state),
        _ => None,
    };
    side.events.iter().filter_map(state).collect()
}

fn sctp_states(side: &Side) -> Vec<SctpTransportState> {
    let state = |event: &Event| match event {
        Event::SctpTransportStateChange(state) => Some(*state),
        _ => None,
    };
    side.events.iter().filter_map(state).collect()
}

/// The errors of data channels, and that each is followed by its channel's close.
fn channel_errors(side: &Side) -> Vec<RtcErrorDetail> {
    let mut errors = Vec::new();
    for (index, event) in side.events.iter().enumerate() {
        if let Event::DataChannelError { channel, error } = event {
            assert_eq!(side.events.get(index + 1), Some(&Event::DataChannelClose(*channel)));
            errors.push(error.detail);
        }
    }
    errors
}

#[test]
fn the_signaling_state_changes_before_tracks_arrive() {
    let mut pair = Pair::new(Configuration::default(), Configuration::default());
    let now = pair.now;
    pair.sides[0].pc.add_track(now, TrackKind::Audio, "microphone", &["stream"]).unwrap();
    pair.negotiate(0);
    pair.run(SECOND);
    let answerer = &pair.sides[1];
    let offered =
        position(answerer, |event| *event == Event::SignalingStateChange(SignalingState::HaveRemoteOffer));
    let track = position(answerer, |event| matches!(event, Event::Track(_)));
    let stable = position(answerer, |event| *event == Event::SignalingStateChange(SignalingState::Stable));
    assert!(offered < track && track < stable, "{:?}", answerer.events);
}

#[test]
fn the_connection_goes_from_connecting_to_connected_once_ice_and_dtls_are_through() {
    let mut pair = Pair::new(Configuration::default(), Configuration::default());
    let now = pair.now;
    pair.sides[0].pc.create_data_channel(now, "chat", DataChannelInit::default()).unwrap();
    pair.negotiate(0);
    assert!(pair.run_until(5 * SECOND, |pair| pair.sides.iter().all(opened)));
    for side in &pair.sides {
        let dtls = [DtlsTransportState::Connecting, DtlsTransportState::Connected];
        assert_eq!(dtls_states(side), dtls);
        assert_eq!(sctp_states(side), [SctpTransportState::Connected], "connecting is how it begins");
        let states = connection_states(side);
        assert_eq!(states, [PeerConnectionState::Connecting, PeerConnectionState::Connected]);
        let ice =
            position(side, |event| *event == Event::IceConnectionStateChange(IceConnectionState::Connected));
        let connected =
            position(side, |event| *event == Event::ConnectionStateChange(PeerConnectionState::Connected));
        let open = position(side, |event| matches!(event, Event::DataChannelOpen(_)));
        let secured =
            position(side, |event| *event == Event::DtlsTransportStateChange(DtlsTransportState::Connected));
        let associated = position(side, |event| matches!(event, Event::SctpTransportStateChange(_)));
        assert!(ice < secured && secured < connected && connected < open, "{:?}", side.events);
        assert!(secured < associated && associated < open, "{:?}", side.events);
    }
    let announced = position(&pair.sides[1], |event| matches!(event, Event::DataChannel(_)));
    assert!(announced < position(&pair.sides[1], |event| matches!(event, Event::DataChannelOpen(_))));
}

#[test]
fn negotiation_is_needed_once_and_not_while_an_exchange_goes_on() {
    let mut pair = Pair::new(Configuration::default(), Configuration::default());
    let now = pair.now;
    let needed = |event: &Event| *event == Event::NegotiationNeeded;
    pair.sides[0].pc.add_track(now, TrackKind::Audio, "microphone", &[]).unwrap();
    pair.sides[0].pc.add_track(now, TrackKind::Video, "camera", &[]).unwrap();
    pair.run(Duration::ZERO);
    assert_eq!(count(&pair.sides[0], needed), 1);
    pair.sides[0].pc.set_local_description(now, None).unwrap();
    pair.sides[0].pc.create_data_channel(now, "chat", DataChannelInit::default()).unwrap();
    pair.run(Duration::ZERO);
    assert_eq!(count(&pair.sides[0], needed), 1, "not before the answer");
    let offer = pair.sides[0].pc.local_description().unwrap();
    pair.sides[1].pc.set_remote_description(now, offer).unwrap();
    pair.sides[1].pc.set_local_description(now, None).unwrap();
    let answer = pair.sides[1].pc.local_description().unwrap();
    pair.sides[0].pc.set_remote_description(now, answer).unwrap();
    pair.run(Duration::ZERO);
    let side = &pair.sides[0];
    assert_eq!(count(side, needed), 2);
    let stable = position(side, |event| *event == Event::SignalingStateChange(SignalingState::Stable));
    assert!(stable < side.events.iter().rposition(needed).unwrap());
}

#[test]
fn a_channel_that_one_side_closes_is_closing_then_closed_on_the_other() {
    let mut pair = Pair::new(Configuration::default(), Configuration::default());
    let now = pair.now;
    let chat = pair.sides[0].pc.create_data_channel(now, "chat", DataChannelInit::default()).unwrap();
    assert_eq!(pair.sides[0].pc.data_channel(chat).unwrap().ready_state(), DataChannelState::Connecting);
    pair.negotiate(0);
    assert!(pair.run_until(5 * SECOND, |pair| pair.sides.iter().all(opened)));
    let now = pair.now;
    pair.sides[0].pc.close_data_channel(now, chat).unwrap();
    assert_eq!(pair.sides[0].pc.data_channel(chat).unwrap().ready_state(), DataChannelState::Closing);
    pair.run(SECOND);
    let closing = |event: &Event| matches!(event, Event::DataChannelClosing(_));
    let closed = |event: &Event| matches!(event, Event::DataChannelClose(_));
    assert_eq!((count(&pair.sides[0], closing), count(&pair.sides[1], closing)), (0, 1));
    assert!(position(&pair.sides[1], closing) < position(&pair.sides[1], closed));
    assert!(pair.sides[0].has(closed) && pair.sides[0].pc.data_channel(chat).is_none());
}

#[test]
fn a_stopped_transceiver_ends_the_track_on_the_other_side() {
    let mut pair = Pair::new(Configuration::default(), Configuration::default());
    let now = pair.now;
    pair.sides[0].pc.create_data_channel(now, "chat", DataChannelInit::default()).unwrap();
    let audio = pair.sides[0].pc.add_track(now, TrackKind::Audio, "microphone", &["stream"]).unwrap();
    pair.negotiate(0);
    pair.run(SECOND);
    let now = pair.now;
    pair.sides[0].pc.stop_transceiver(now, audio).unwrap();
    pair.negotiate(0);
    pair.run(SECOND);
    let ended = |event: &Event| matches!(event, Event::TrackEnded(_));
    assert_eq!(count(&pair.sides[1], ended), 1);
    assert!(pair.sides.iter().all(|side| side.pc.transceivers().is_empty()));
}

#[test]
fn closing_says_nothing_more_and_ends_every_layer() {
    let mut pair = Pair::new(Configuration::default(), Configuration::default());
    let now = pair.now;
    pair.sides[0].pc.create_data_channel(now, "chat", DataChannelInit::default()).unwrap();
    pair.negotiate(0);
    assert!(pair.run_until(5 * SECOND, |pair| pair.sides.iter().all(opened)));
    pair.sides[0].events.clear();
    let now = pair.now;
    pair.sides[0].pc.close(now);
    pair.sides[0].pc.close(now);
    pair.run(SECOND);
    let side = &pair.sides[0];
    assert!(side.events.iter().all(|event| matches!(event, Event::DataChannelClose(_))), "{:?}", side.events);
    assert_eq!(side.pc.signaling_state(), SignalingState::Closed);
    assert_eq!(side.pc.ice_connection_state(), IceConnectionState::Closed);
    assert_eq!(side.pc.dtls_state(), DtlsTransportState::Closed);
    assert_eq!(side.pc.poll_timeout(), None, "nothing runs on");
    assert!(pair.sides[1].has(|event| matches!(event, Event::DataChannelClose(_))));
    assert_eq!(pair.sides[1].pc.dtls_state(), DtlsTransportState::Closed);
}

#[test]
fn the_transports_show_what_they_are_made_of() {
    let mut pair = Pair::new(Configuration::default(), Configuration::default());
    let now = pair.now;
    assert_eq!(pair.sides[0].pc.sctp(), None);
    pair.sides[0].pc.create_data_channel(now, "chat", DataChannelInit::default()).unwrap();
    pair.negotiate(0);
    assert_eq!(pair.sides[0].pc.sctp().unwrap().state, SctpTransportState::Connecting);
    assert!(pair.run_until(5 * SECOND, |pair| pair.sides.iter().all(opened)));
    // Data need not wait for the nomination.
    pair.run(SECOND);
    let [a, b] = &pair.sides;
    let sctp = a.pc.sctp().unwrap();
    assert_eq!((sctp.state, sctp.max_message_size), (SctpTransportState::Connected, 262_144));
    assert!(sctp.max_channels.is_some_and(|count| count > 1000));
    assert_eq!(a.pc.remote_certificate(), Some(b.pc.certificate().der()));
    assert_eq!((a.pc.ice_role(), b.pc.ice_role()), (IceRole::Controlling, IceRole::Controlled));
    assert_eq!(a.pc.remote_ice_parameters().map(|own| &own.ufrag), Some(&b.pc.local_ice_parameters().ufrag));
    assert_eq!(a.pc.local_candidates().count(), 1);
    assert_eq!(a.pc.remote_candidates().count(), 1);
    assert!(a.pc.selected_candidate_pair().is_some());
    let signalled = a.events.iter().find_map(|event| match event {
        Event::IceCandidate(Some(candidate)) => Some(candidate.init.parse().unwrap()),
        _ => None,
    });
    assert_eq!(signalled.unwrap().socket_addr(), Some(a.address));
}

#[test]
fn an_abort_is_an_error_of_the_channels_and_a_close_is_none() {
    let mut pair = Pair::new(Configuration::default(), Configuration::default());
    let now = pair.now;
    let chat = pair.sides[0].pc.create_data_channel(now, "chat", DataChannelInit::default()).unwrap();
    pair.sides[0].pc.create_data_channel(now, "news", DataChannelInit::default()).unwrap();
    pair.negotiate(0);
    assert!(pair.run_until(5 * SECOND, |pair| pair.sides.iter().all(opened)));
    pair.run(SECOND);
    let now = pair.now;
    pair.sides[0].pc.close_data_channel(now, chat).unwrap();
    pair.run(SECOND);
    assert!(pair.sides.iter().all(|side| channel_errors(side).is_empty()));
    let now = pair.now;
    pair.sides[0].pc.close(now);
    pair.run(SECOND);
    assert!(channel_errors(&pair.sides[0]).is_empty(), "it was our own wish");
    // RFC 9260, section 3.3.10.12: user-initiated abort.
    assert_eq!(channel_errors(&pair.sides[1]), [RtcErrorDetail::SctpFailure { cause_code: Some(12) }]);
    assert_eq!(sctp_states(&pair.sides[1]), [SctpTransportState::Connected, SctpTransportState::Closed]);
    assert_eq!(dtls_states(&pair.sides[1]).last(), Some(&DtlsTransportState::Closed));
    assert!(!pair.sides[1].has(|event| matches!(event, Event::DtlsTransportError(_))));
}

#[test]
fn a_channel_whose_number_the_other_side_does_not_take_fails() {
    let mut pair = Pair::new(Configuration::default(), Configuration::default());
    let now = pair.now;
    // More than an association has streams.
    for _ in 0..33_000 {
        pair.sides[0].pc.create_data_channel(now, "", DataChannelInit::default()).unwrap();
    }
    pair.negotiate(0);
    assert!(pair.run_until(5 * SECOND, |pair| opened(&pair.sides[0])));
    let errors = channel_errors(&pair.sides[0]);
    assert!(!errors.is_empty() && errors.iter().all(|error| *error == RtcErrorDetail::DataChannelFailure));
}

#[test]
fn a_wrong_certificate_fails_dtls_on_both_sides() {
    let mut pair = Pair::new(Configuration::default(), Configuration::default());
    let now = pair.now;
    pair.sides[0].pc.create_data_channel(now, "chat", DataChannelInit::default()).unwrap();
    pair.sides[0].pc.set_local_description(now, None).unwrap();
    let offer = pair.sides[0].pc.local_description().unwrap();
    pair.sides[1].pc.set_remote_description(now, offer).unwrap();
    pair.sides[1].pc.set_local_description(now, None).unwrap();
    let answer = pair.sides[1].pc.local_description().unwrap();
    let wrong = |line: &str| match line.strip_prefix("a=fingerprint:sha-256 ") {
        Some(value) => format!("a=fingerprint:sha-256 {}", ["00", value.get(2..).unwrap()].concat()),
        None => line.to_owned(),
    };
    let lines: Vec<String> = answer.sdp.lines().map(wrong).collect();
    let answer = SessionDescription::answer(lines.join("\r\n") + "\r\n");
    pair.sides[0].pc.set_remote_description(now, answer).unwrap();
    pair.run(5 * SECOND);
    let error = |side: &Side| {
        let error = |event: &Event| match event {
            Event::DtlsTransportError(error) => Some(error.detail),
            _ => None,
        };
        side.events.iter().find_map(error)
    };
    assert_eq!(error(&pair.sides[0]), Some(RtcErrorDetail::FingerprintFailure));
    // RFC 8446, section 6.2: bad_certificate.
    let alerted = RtcErrorDetail::DtlsFailure { received_alert: Some(42), sent_alert: None };
    assert_eq!(error(&pair.sides[1]), Some(alerted));
    for side in &pair.sides {
        assert_eq!(dtls_states(side).last(), Some(&DtlsTransportState::Failed));
        assert_eq!(side.pc.connection_state(), PeerConnectionState::Failed);
    }
    assert!(channel_errors(&pair.sides[1]).iter().all(|error| *error == alerted));
}

#[test]
fn other_streams_are_told_by_the_next_negotiation() {
    let mut pair = Pair::new(Configuration::default(), Configuration::default());
    let now = pair.now;
    let audio = pair.sides[0].pc.add_track(now, TrackKind::Audio, "microphone", &["before"]).unwrap();
    pair.negotiate(0);
    pair.run(SECOND);
    let needed = |event: &Event| *event == Event::NegotiationNeeded;
    let asked = count(&pair.sides[0], needed);
    let now = pair.now;
    pair.sides[0].pc.set_streams(now, audio, &["before"]).unwrap();
    pair.run(Duration::ZERO);
    assert_eq!(count(&pair.sides[0], needed), asked, "nothing is new");
    pair.sides[0].pc.set_streams(now, audio, &["first", "second"]).unwrap();
    pair.run(Duration::ZERO);
    assert_eq!(count(&pair.sides[0], needed), asked + 1);
    pair.negotiate(0);
    let streams = pair.sides[1].pc.transceivers()[0].receiver().streams.clone();
    assert_eq!(streams, ["first", "second"]);
}
