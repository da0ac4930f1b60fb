//! The steady state allocates nothing per packet.

use crate::line::*;
use sendrecv_core::{Machine, PacketBuf};
use sendrecv_media::{CongestionControl, MediaConfig, MediaKind, Outgoing, PacketKind, Payload};
use sendrecv_sim::{Allocations, Counting};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn the_steady_state_allocates_nothing_in_both_directions() {
    check(&MediaConfig::default());
}

#[test]
fn congestion_control_allocates_nothing_either() {
    let control = CongestionControl { start_bps: 3_000_000, ..CongestionControl::default() };
    check(&MediaConfig { congestion_control: Some(control), ..MediaConfig::default() });
}

fn check(config: &MediaConfig) {
    let (mut pair, sender) = Pair::video(config, 1);
    let echo = pair.b.add_sender(pair.now, MediaKind::Video);
    pair.b.set_section(pair.now, video_section("0", Some(echo), Vec::new())).unwrap();
    let payload = [0x11; 1100];
    let mut run = |range: std::ops::Range<u64>| {
        for number in range {
            let now = at(number * 5);
            let timestamp = u32::try_from(number * 450).unwrap();
            let packet = Outgoing {
                payload_type: VP8,
                marker: true,
                timestamp,
                extensions: &[],
                payload: Payload::Pieces(&[&payload]),
            };
            pair.a.write(now, sender, &packet).unwrap();
            pair.a.handle_timeout(now);
            pair.b.handle_timeout(now);
            let mut slab = [0; 1400];
            let mut other = [0; 1400];
            loop {
                let mut out = PacketBuf::new(&mut slab, 0, 0);
                match pair.a.poll_packet(now, &mut out) {
                    // One packet in 50 is lost, so that NACK and retransmission are part of it.
                    Some(PacketKind::Rtp) if number % 50 == 7 => {}
                    Some(PacketKind::Rtp) => {
                        if let Ok(Some(inbound)) = pair.b.handle_rtp(now, out.finish()) {
                            pair.b.forward(now, echo, &inbound).unwrap();
                        }
                    }
                    Some(PacketKind::Rtcp) => pair.b.handle_rtcp(now, out.bytes()).unwrap(),
                    None => break,
                }
            }
            loop {
                let mut out = PacketBuf::new(&mut other, 0, 0);
                match pair.b.poll_packet(now, &mut out) {
                    Some(PacketKind::Rtp) => {}
                    Some(PacketKind::Rtcp) => pair.a.handle_rtcp(now, out.bytes()).unwrap(),
                    None => break,
                }
            }
            while pair.a.poll_event().is_some() || pair.b.poll_event().is_some() {}
        }
    };
    run(0..4000);
    let allocations = Allocations::start();
    run(4000..12_000);
    assert_eq!(allocations.count(), 0, "allocations in 8000 packets each way");
    let stats = pair.a.sender(sender).unwrap().stats();
    assert!(stats.retransmitted_packets_sent > 100, "{stats:?}");
    assert!(pair.b.sender(echo).unwrap().stats().packets_sent > 11_000);
}
