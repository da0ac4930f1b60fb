//! The properties every machine promises, by the shared suite.

use crate::line::*;
use sendrecv_core::{Instant, Seed};
use sendrecv_media::{
    CongestionControl, MediaConfig, MediaEngine, MediaKind, Outgoing, Payload, ReceiveStream, SenderId,
};
use sendrecv_rtp::is_rtcp;
use sendrecv_sim::conformance::{Driver, Scenario, Side, check};

/// Engines with these settings.
struct Media(MediaConfig);

fn sender(engine: &MediaEngine) -> SenderId {
    engine.senders().next().unwrap().id()
}

fn write(engine: &mut MediaEngine, now: Instant) -> bool {
    let sender = sender(engine);
    let timestamp = u32::try_from((now.as_millis() * 90) & 0xffff_ffff).unwrap();
    let packet = Outgoing {
        payload_type: VP8,
        marker: true,
        timestamp,
        extensions: &[],
        payload: Payload::Pieces(&[&[0x10, 1, 2, 3]]),
    };
    engine.write(now, sender, &packet).is_ok()
}

impl Driver for Media {
    type Machine = MediaEngine;

    fn create(&self, side: Side, seed: &Seed, now: Instant) -> MediaEngine {
        let seed = seed.derive(if side == Side::Left { "left" } else { "right" });
        let mut engine = MediaEngine::new(self.0.clone(), &seed, now);
        let sender = engine.add_sender(now, MediaKind::Video);
        engine.set_section(now, video_section("0", Some(sender), Vec::new())).unwrap();
        engine
    }

    fn handle_datagram(&self, _: Side, machine: &mut MediaEngine, now: Instant, data: &mut [u8]) -> bool {
        if is_rtcp(data) {
            machine.handle_rtcp(now, data).is_ok()
        } else {
            machine.handle_rtp(now, data).is_ok()
        }
    }

    fn operate(&self, _: Side, machine: &mut MediaEngine, now: Instant, choice: u64) {
        let ssrc = machine.streams().next().map(ReceiveStream::ssrc);
        match (choice % 16, ssrc) {
            (0, Some(ssrc)) => machine.request_keyframe(now, ssrc).unwrap_or_default(),
            _ => drop((0..choice % 7).map(|_| write(machine, now)).collect::<Vec<_>>()),
        }
    }

    fn state(&self, machine: &MediaEngine) -> String {
        let stats = machine.streams().map(|stream| (stream.ssrc(), stream.stats(), stream.remote_stats()));
        format!("{:?} {:?}", stats.collect::<Vec<_>>(), machine.sender(sender(machine)).unwrap())
    }

    fn close(&self, machine: &mut MediaEngine, now: Instant) {
        machine.close(now);
    }

    fn is_closed(&self, machine: &MediaEngine) -> bool {
        machine.is_closed()
    }

    fn push(&self, machine: &mut MediaEngine, now: Instant, queue: usize) -> Option<bool> {
        (queue == 0).then(|| write(machine, now))
    }
}

#[test]
fn every_property_of_a_machine_holds() {
    let first = seed();
    let seeds = if std::env::var_os("SENDRECV_DEEP").is_some() { 1000 } else { 2 };
    let congestion_control = Some(CongestionControl::default());
    let controlled = MediaConfig { congestion_control, ..MediaConfig::default() };
    for seed in first..first + seeds {
        check(&Media(MediaConfig::default()), seed, Scenario::default());
        check(&Media(controlled.clone()), seed, Scenario::default());
    }
}
