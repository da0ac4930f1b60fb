//! Two associations under a list of operations: sends, resets, time, lost, repeated and forged packets.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use sendrecv_core::{Instant, Machine, PacketBuf, Seed};
use sendrecv_sctp::Config;
use sendrecv_sctp::channel::{DataChannelInit, DataChannels, DtlsRole, Message};
use std::time::Duration;

#[derive(Arbitrary, Debug)]
enum Op {
    Create { ordered: bool, retransmits: Option<u16> },
    Send { channel: u8, len: u16 },
    Close { channel: u8 },
    Carry { count: u8 },
    Batch { count: u8 },
    Drop { count: u8 },
    Forge { patch: Vec<u8>, at: u8 },
    Wait { millis: u16 },
    Shutdown,
    Swap,
}

fn poll(machine: &mut DataChannels, now: Instant) -> Option<Vec<u8>> {
    let mut slab = [0; 1500];
    let mut out = PacketBuf::new(&mut slab, 0, 0);
    machine.poll_transmit(now, &mut out)?;
    Some(out.bytes().to_vec())
}

/// A packet, and others behind it that need not be longer.
fn poll_batch(machine: &mut DataChannels, now: Instant, count: u8) -> Vec<Vec<u8>> {
    let mut batch: Vec<_> = poll(machine, now).into_iter().collect();
    let Some(len) = batch.first().map(Vec::len) else { return batch };
    batch.extend((0..count).map_while(|_| {
        let mut slab = [0; 1500];
        let mut out = PacketBuf::new(&mut slab, 0, 0);
        machine.poll_another(now, len, &mut out)?;
        assert!(out.len() <= len);
        Some(out.bytes().to_vec())
    }));
    batch
}

fuzz_target!(|input: (bool, Vec<Op>)| {
    let (interleaving, ops) = input;
    let mut now = Instant::from_millis(1);
    let config = Config { interleaving, ..Config::webrtc() };
    let mut a = DataChannels::new(config.clone(), &Seed::from_u64(1), now);
    let mut b = DataChannels::new(config, &Seed::from_u64(2), now);
    let _ = (a.connect(now, DtlsRole::Client), b.connect(now, DtlsRole::Server));
    for op in ops.into_iter().take(200) {
        match op {
            Op::Create { ordered, retransmits } => {
                let init =
                    DataChannelInit { ordered, max_retransmits: retransmits, ..DataChannelInit::default() };
                let _ = a.create(now, "x", init);
            }
            Op::Send { channel, len } => {
                let found = a.channels().nth(usize::from(channel));
                if let Some(id) = found {
                    let _ = a.send(now, id, Message::Binary(vec![0; usize::from(len)].into()));
                }
            }
            Op::Close { channel } => {
                let found = a.channels().nth(usize::from(channel));
                if let Some(id) = found {
                    let _ = a.close_channel(now, id);
                }
            }
            Op::Carry { count } => (0..count).filter_map(|_| poll(&mut a, now)).for_each(|packet| {
                let _ = b.handle_datagram(now, &packet);
            }),
            Op::Batch { count } => poll_batch(&mut a, now, count).iter().for_each(|packet| {
                let _ = b.handle_datagram(now, packet);
            }),
            Op::Drop { count } => (0..count).for_each(|_| drop(poll(&mut a, now))),
            Op::Forge { patch, at } => {
                if let Some(mut packet) = poll(&mut a, now) {
                    packet.truncate(packet.len().max(12));
                    let at = 12 + usize::from(at) % (packet.len() - 11);
                    packet.splice(at.., patch);
                    let _ = b.handle_datagram(now, &packet);
                }
            }
            Op::Wait { millis } => {
                now += Duration::from_millis(u64::from(millis));
                a.handle_timeout(now);
                b.handle_timeout(now);
            }
            Op::Shutdown => drop(a.shutdown(now)),
            Op::Swap => std::mem::swap(&mut a, &mut b),
        }
        while a.poll_event().is_some() {}
        while b.poll_event().is_some() {}
    }
});
