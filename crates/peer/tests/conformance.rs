//! The properties every machine promises, on whole connections.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions, clippy::expect_used)]

use sendrecv::{
    Configuration, DataChannelInit, Datagrams, Event, LocalSocket, MediaPacket, Message, Payload,
    PeerConnection, TrackKind,
};
use sendrecv_core::{Ecn, Instant, Machine, PacketBuf, Path, Seed, Transmit, Writer};
use sendrecv_sim::conformance::{Driver, Scenario, Side, check};
use std::net::SocketAddr;

/// A connection as the suite wants it: a machine that writes into packets.
struct Endpoint {
    pc: PeerConnection,
    slab: Vec<u8>,
}

impl Machine for Endpoint {
    type Event = Event;

    fn handle_timeout(&mut self, now: Instant) {
        self.pc.handle_timeout(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.pc.poll_timeout()
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> Option<Transmit> {
        let Datagrams { path, len, segment_size, ecn } = self.pc.poll_transmit(now, &mut self.slab)?;
        out.put(&self.slab[..len]).unwrap();
        Some(Transmit { path: Some(path), segment_size, ecn })
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.pc.poll_event()
    }
}

struct Connections;

fn address(side: Side) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, if side == Side::Left { 1 } else { 2 }], 4000))
}

fn send(pc: &mut PeerConnection, now: Instant, len: usize) -> bool {
    let channel = pc.data_channels().next().map(|channel| channel.handle());
    channel.is_some_and(|channel| pc.send(now, channel, Message::Binary(vec![1; len].into())).is_ok())
}

fn send_media(pc: &mut PeerConnection, now: Instant) {
    let Some(video) = pc.transceivers().first().map(sendrecv::Transceiver::id) else { return };
    let Some(codec) = pc.send_codecs(video).first() else { return };
    let packet = MediaPacket {
        payload_type: codec.payload_type,
        marker: true,
        timestamp: (now.as_millis() * 90) as u32,
        extensions: &[],
        payload: Payload::Pieces(&[&[0x10, 0, 1]]),
    };
    let _full = pc.send_rtp(now, video, &packet);
}

impl Driver for Connections {
    type Machine = Endpoint;

    fn create(&self, side: Side, seed: &Seed, now: Instant) -> Endpoint {
        let mut pc = PeerConnection::new(Configuration::default(), seed.derive("peer"), now).unwrap();
        pc.add_local_socket(now, LocalSocket::udp(address(side))).unwrap();
        if side == Side::Left {
            pc.create_data_channel(now, "chat", DataChannelInit::default()).unwrap();
        }
        pc.add_track(now, TrackKind::Video, "camera", &["stream"]).unwrap();
        Endpoint { pc, slab: vec![0; 65_536] }
    }

    fn introduce(&self, left: &mut Endpoint, right: &mut Endpoint, now: Instant) {
        left.pc.set_local_description(now, None).unwrap();
        right.pc.set_remote_description(now, left.pc.local_description().unwrap()).unwrap();
        right.pc.set_local_description(now, None).unwrap();
        left.pc.set_remote_description(now, right.pc.local_description().unwrap()).unwrap();
    }

    fn handle_datagram(&self, side: Side, machine: &mut Endpoint, now: Instant, data: &mut [u8]) -> bool {
        let path = Path::udp(address(side), address(side.other()));
        machine.pc.handle_datagram(now, path, Ecn::NotEct, data).is_ok()
    }

    fn operate(&self, _: Side, machine: &mut Endpoint, now: Instant, choice: u64) {
        match choice % 8 {
            0..3 => drop(send(&mut machine.pc, now, (choice >> 8) as usize % 4000)),
            3 => drop(machine.pc.create_data_channel(now, "more", DataChannelInit::default())),
            _ => send_media(&mut machine.pc, now),
        }
    }

    fn state(&self, machine: &Endpoint) -> String {
        let channels: Vec<_> =
            machine.pc.data_channels().map(|own| (own.handle(), own.ready_state())).collect();
        let descriptions = (machine.pc.local_description(), machine.pc.remote_description());
        format!("{:?} {channels:?} {descriptions:?} {:?}", machine.pc, machine.pc.transceivers())
    }

    fn close(&self, machine: &mut Endpoint, now: Instant) {
        machine.pc.close(now);
    }

    fn is_closed(&self, machine: &Endpoint) -> bool {
        machine.pc.is_closed()
    }
}

fn seed() -> u64 {
    let seed = std::env::var("SENDRECV_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    println!("SENDRECV_SEED={seed}");
    seed
}

#[test]
fn every_property_of_a_machine_holds() {
    let first = seed();
    let seeds = if std::env::var_os("SENDRECV_DEEP").is_some() { 200 } else { 2 };
    (first..first + seeds).for_each(|seed| check(&Connections, seed, Scenario::default()));
}
