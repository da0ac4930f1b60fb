//! One track in several encodings, from a peer to a server that forwards one of them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, clippy::as_conversions)]

mod support;

use sendrecv::{
    Configuration, Direction, Event, KeptPacket, LayerSelector, MediaPacket, Payload, PeerConnectionState,
    RtpEncodingParameters, Settings, TrackKind, TransceiverId, TransceiverInit, UsageError, replay,
};
use std::time::Duration;
use support::Pair;

const RIDS: [&str; 3] = ["q", "h", "f"];
const SECOND: Duration = Duration::from_secs(1);

/// A connected pair whose first side sends three encodings to the second, if that takes them.
fn connected(receive_simulcast: bool) -> (Pair, TransceiverId) {
    let settings = Settings { receive_simulcast, ..Settings::default() };
    let mut pair =
        Pair::new(Configuration::default(), Configuration { settings, ..Configuration::default() });
    let init = TransceiverInit {
        direction: Direction::SendOnly,
        track: Some("camera".into()),
        send_encodings: RIDS.map(RtpEncodingParameters::with_rid).into(),
        ..TransceiverInit::default()
    };
    let camera = pair.sides[0].pc.add_transceiver(pair.now, TrackKind::Video, init).unwrap();
    pair.negotiate(0);
    assert!(pair.run_until(5 * SECOND, is_connected));
    assert!(
        pair.sides[1].has(|event| matches!(event, Event::Track(track) if track.kind == TrackKind::Video))
    );
    (pair, camera)
}

fn is_connected(pair: &mut Pair) -> bool {
    pair.sides.iter().all(|side| side.pc.connection_state() == PeerConnectionState::Connected)
}

/// Sends a frame of one packet as one encoding; its last byte is the encoding's position.
fn send(
    pair: &mut Pair,
    camera: TransceiverId,
    layer: usize,
    number: u32,
    keyframe: bool,
) -> Result<(), UsageError> {
    let payload = [0x10, u8::from(!keyframe), number as u8, layer as u8];
    let packet = MediaPacket {
        payload_type: pair.sides[0].pc.send_codec(camera.layer(RIDS[layer])).unwrap().payload_type,
        marker: true,
        timestamp: number * 3000,
        extensions: &[],
        payload: Payload::Pieces(&[&payload]),
    };
    pair.sides[0].pc.send_rtp(pair.now, camera.layer(RIDS[layer]), &packet)
}

fn payload(kept: &KeptPacket) -> Vec<u8> {
    kept.packet().unwrap().payload().to_vec()
}

#[test]
fn every_layer_arrives_under_its_id_also_with_loss() {
    let (mut pair, camera) = connected(true);
    for number in 0..200 {
        // Nobody can miss what comes before the first packet, or after the last.
        pair.loss_percent = if (1..195).contains(&number) { 5 } else { 0 };
        (0..3).for_each(|layer| send(&mut pair, camera, layer, number, number == 0).unwrap());
        pair.run(Duration::from_millis(20));
    }
    pair.run(SECOND);
    for (layer, rid) in RIDS.iter().enumerate() {
        let of_layer = pair.sides[1].kept.iter().filter(|kept| kept.rid() == Some(rid));
        let mut numbers: Vec<u8> = of_layer.clone().map(|kept| payload(kept)[2]).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..200).collect::<Vec<u8>>(), "{rid}");
        assert!(of_layer.clone().all(|kept| usize::from(payload(kept)[3]) == layer));
    }
    for (side, kind) in [(0, "outbound-rtp"), (1, "inbound-rtp")] {
        let stats = serde_json::to_value(pair.sides[side].pc.get_stats(pair.now)).unwrap();
        let entries = stats.as_object().unwrap().values().filter(|entry| entry["type"] == kind);
        let mut rids: Vec<String> = entries.map(|entry| entry["rid"].as_str().unwrap().into()).collect();
        rids.sort();
        assert_eq!(rids, ["f", "h", "q"], "{kind}");
    }
    let log = pair.sides[0].pc.take_recording().unwrap();
    assert!(replay(&log).is_ok(), "layers are in the recording");
    assert!(replay(&pair.sides[1].pc.take_recording().unwrap()).is_ok());
}

#[test]
fn a_keyframe_is_asked_of_one_layer_and_a_layer_can_be_switched_off() {
    let (mut pair, camera) = connected(true);
    (0..3).for_each(|layer| send(&mut pair, camera, layer, 0, true).unwrap());
    pair.run(SECOND);
    let id = pair.sides[1].pc.transceivers()[0].id();
    assert!(pair.sides[1].pc.request_keyframe(pair.now, id.layer("x")).is_err());
    pair.sides[1].pc.request_keyframe(pair.now, id.layer("h")).unwrap();
    pair.run(SECOND);
    let asked: Vec<_> = pair.sides[0]
        .events
        .iter()
        .filter_map(|event| match event {
            Event::KeyframeRequested { transceiver, rid } => Some((*transceiver, rid.as_deref())),
            _ => None,
        })
        .collect();
    assert_eq!(asked, [(camera, Some("h"))]);

    let pc = &mut pair.sides[0].pc;
    let mut parameters = pc.get_parameters(camera).unwrap();
    let scales: Vec<_> =
        parameters.encodings.iter().map(|own| own.scale_resolution_down_by.unwrap()).collect();
    assert_eq!(scales, [4.0, 2.0, 1.0]);
    let mut reordered = parameters.clone();
    reordered.encodings.swap(0, 1);
    assert_eq!(
        pc.set_parameters(pair.now, camera, reordered).unwrap_err().name(),
        "InvalidModificationError"
    );
    parameters.encodings[2].active = false;
    pc.set_parameters(pair.now, camera, parameters).unwrap();
    pair.sides[1].kept.clear();
    (0..3).for_each(|layer| send(&mut pair, camera, layer, 1, false).unwrap());
    pair.run(SECOND);
    let arrived: Vec<_> = pair.sides[1].kept.iter().map(|kept| kept.rid().unwrap()).collect();
    assert_eq!(arrived, ["q", "h"]);
    assert!(replay(&pair.sides[0].pc.take_recording().unwrap()).is_ok());
}

#[test]
fn a_peer_that_refuses_simulcast_is_sent_the_first_encoding_only() {
    let (mut pair, camera) = connected(false);
    assert_eq!(pair.sides[0].pc.get_parameters(camera).unwrap().encodings.len(), 1);
    send(&mut pair, camera, 0, 0, true).unwrap();
    assert_eq!(send(&mut pair, camera, 1, 0, true), Err(UsageError::UnknownTransceiver));
    pair.run(SECOND);
    assert_eq!(pair.sides[1].kept.iter().map(|kept| kept.rid()).collect::<Vec<_>>(), [None]);
}

#[test]
fn a_forwarded_layer_is_one_stream_through_changes_of_layer() {
    let (mut ingress, camera) = connected(true);
    let mut egress = Pair::new(Configuration::default(), Configuration::default());
    let screen = egress.sides[0].pc.add_track(egress.now, TrackKind::Video, "screen", &["stream"]).unwrap();
    egress.negotiate(0);
    assert!(egress.run_until(5 * SECOND, is_connected));
    let mut layers = LayerSelector::new("q");
    for number in 0..100u32 {
        match number {
            30 => layers.select("h"),
            70 => layers.select("f"),
            _ => {}
        }
        // The camera makes a keyframe of the layer that waits for one, two frames later.
        let keyframe =
            |layer: usize| number == 0 || (number % 10 == 2 && layers.waits_for() == Some(RIDS[layer]));
        let keyframes: Vec<bool> = (0..3).map(keyframe).collect();
        // The highest first: then the one that is left has nothing more to say at that moment.
        for layer in (0..3).rev() {
            send(&mut ingress, camera, layer, number, keyframes[layer]).unwrap();
        }
        ingress.run(Duration::from_millis(20));
        for packet in ingress.sides[1].kept.drain(..) {
            if layers.takes(packet.rid(), packet.is_keyframe()) {
                egress.sides[0].pc.forward_kept(egress.now, screen, &packet).unwrap();
            }
        }
        egress.run(Duration::from_millis(20));
    }
    egress.run(SECOND);
    let arrived = &egress.sides[1].kept;
    let frames: Vec<(u8, u8)> = arrived.iter().map(|kept| (payload(kept)[2], payload(kept)[3])).collect();
    let layer_of = |number| match number {
        0..32 => 0,
        32..72 => 1,
        _ => 2,
    };
    assert_eq!(frames, (0..100).map(|number| (number, layer_of(number))).collect::<Vec<(u8, u8)>>());
    for two in arrived.windows(2) {
        let (first, second) = (two[0].packet().unwrap(), two[1].packet().unwrap());
        assert_eq!((second.ssrc(), two[1].sequence()), (first.ssrc(), two[0].sequence() + 1));
        let step = second.timestamp().wrapping_sub(first.timestamp());
        assert!((1000..=5000).contains(&step), "{step}");
    }
}
