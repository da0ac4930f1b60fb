//! What a connection allocates in the steady state: nothing per media packet, and per message of a data channel what
//! holds the received message.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, clippy::panic)]

use sendrecv::{
    Configuration, DataChannelId, DataChannelInit, Event, Inbound, LocalSocket, MediaPacket, Message,
    OfferOptions, Payload, PeerConnection, PeerConnectionState, TrackKind, TransceiverId,
};
use sendrecv_core::{Ecn, Instant, Path, Seed};
use sendrecv_sim::{Allocations, Counting};
use std::net::SocketAddr;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Two connections; datagrams are carried without a copy.
struct Pair {
    now: Instant,
    peers: [PeerConnection; 2],
    buffer: Vec<u8>,
    messages: u64,
    packets: u64,
}

fn address(side: usize) -> SocketAddr {
    if side == 0 { "10.0.0.1:4000".parse().unwrap() } else { "10.0.0.2:4000".parse().unwrap() }
}

impl Pair {
    fn connected(prepare: impl FnOnce(&mut PeerConnection)) -> Self {
        let now = Instant::ZERO;
        let mut peers = [0, 1].map(|side| {
            let seed = Seed::from_u64(u64::try_from(side).unwrap() + 1);
            let mut pc = PeerConnection::new(Configuration::default(), seed, now).unwrap();
            pc.add_local_socket(now, LocalSocket::udp(address(side))).unwrap();
            pc
        });
        let [a, b] = &mut peers;
        prepare(a);
        let offer = a.create_offer(OfferOptions::default()).unwrap();
        a.set_local_description(now, Some(offer)).unwrap();
        b.set_remote_description(now, a.local_description().unwrap()).unwrap();
        let answer = b.create_answer().unwrap();
        b.set_local_description(now, Some(answer)).unwrap();
        a.set_remote_description(now, b.local_description().unwrap()).unwrap();
        let mut pair = Self { now, peers, buffer: vec![0; 65_536], messages: 0, packets: 0 };
        for _ in 0..200 {
            pair.step();
        }
        assert!(pair.peers.iter().all(|pc| pc.connection_state() == PeerConnectionState::Connected));
        pair
    }

    /// Lets a millisecond pass in which everything sent arrives.
    fn step(&mut self) {
        self.now += Duration::from_millis(1);
        for side in [0, 1] {
            if self.peers[side].poll_timeout().is_some_and(|at| at <= self.now) {
                self.peers[side].handle_timeout(self.now);
            }
        }
        for side in [0, 1, 0] {
            self.carry(side);
        }
    }

    fn carry(&mut self, from: usize) {
        let path = Path::udp(address(1 - from), address(from));
        while let Some(datagrams) = self.peers[from].poll_transmit(self.now, &mut self.buffer) {
            let size = datagrams.segment_size.unwrap_or(datagrams.len);
            for datagram in self.buffer[..datagrams.len].chunks_mut(size) {
                let inbound = self.peers[1 - from].handle_datagram(self.now, path, Ecn::NotEct, datagram);
                self.packets += u64::from(matches!(inbound, Ok(Inbound::Rtp(_))));
            }
            while let Some(event) = self.peers[1 - from].poll_event() {
                self.messages += u64::from(matches!(event, Event::DataChannelMessage { .. }));
            }
        }
        while self.peers[from].poll_event().is_some() {}
    }

    fn send_messages(&mut self, channel: DataChannelId, message: &Message, count: usize) {
        for _ in 0..count {
            self.peers[0].send(self.now, channel, message.clone()).unwrap();
            self.step();
        }
    }

    fn send_packets(&mut self, track: TransceiverId, payload: &[u8], count: usize) {
        let payload_type = self.peers[0].send_codecs(track)[0].payload_type;
        let pieces = [payload];
        let payload = Payload::Pieces(&pieces);
        for _ in 0..count {
            let packet = MediaPacket { payload_type, marker: false, timestamp: 0, extensions: &[], payload };
            self.peers[0].send_rtp(self.now, track, &packet).unwrap();
            self.step();
        }
    }
}

/// Reports and transport-wide feedback are part of it. Consent checks, one in some five seconds, may allocate.
#[test]
fn media_packets_allocate_nothing() {
    let mut track = None;
    let mut pair = Pair::connected(|pc| {
        track = Some(pc.add_track(Instant::ZERO, TrackKind::Video, "camera", &["stream"]).unwrap());
    });
    let (track, payload) = (track.unwrap(), [0; 1200]);
    // What was sent is kept for retransmission, in memory that is used again once it is full.
    pair.send_packets(track, &payload, 5000);
    let (allocations, packets) = (Allocations::start(), pair.packets);
    pair.send_packets(track, &payload, 20_000);
    let count = allocations.count();
    assert_eq!(pair.packets - packets, 20_000);
    assert!(count <= 5 * 8, "{count} allocations in 20 seconds with 20,000 packets");
}

#[test]
fn a_message_allocates_once_where_it_arrives() {
    let mut channel = None;
    let mut pair = Pair::connected(|pc| {
        channel = Some(pc.create_data_channel(Instant::ZERO, "bench", DataChannelInit::default()).unwrap());
    });
    let channel = channel.unwrap();
    for len in [100, 1000, 16_384] {
        let message = Message::Binary(vec![7; len].into());
        pair.send_messages(channel, &message, 2000);
        let (allocations, messages) = (Allocations::start(), pair.messages);
        pair.send_messages(channel, &message, 1000);
        let count = allocations.count();
        assert_eq!(pair.messages - messages, 1000);
        assert!(count <= 2000, "{count} allocations for 1000 messages of {len} bytes, both ends");
    }
}

/// What a connected pair holds, per connection, in bytes, after six seconds in which nothing happened.
fn idle_bytes(prepare: impl Fn(&mut PeerConnection)) -> usize {
    // What is made once per process must not count.
    drop(Pair::connected(&prepare));
    let allocations = Allocations::start();
    let mut pair = Pair::connected(&prepare);
    for _ in 0..6000 {
        pair.step();
    }
    let held = usize::try_from(allocations.held_bytes()).unwrap() - pair.buffer.len();
    held / 2 + size_of::<PeerConnection>()
}

/// Descriptions are text alone, and queues are short.
#[test]
fn an_idle_connection_holds_little() {
    let data = |pc: &mut PeerConnection| {
        pc.create_data_channel(Instant::ZERO, "test", DataChannelInit::default()).unwrap();
    };
    let bytes = idle_bytes(data);
    println!("{bytes} bytes with a data channel");
    assert!(bytes <= 28 * 1024, "{bytes} bytes with a data channel");
    let bytes = idle_bytes(|pc| {
        data(pc);
        pc.add_track(Instant::ZERO, TrackKind::Audio, "microphone", &["stream"]).unwrap();
        pc.add_track(Instant::ZERO, TrackKind::Video, "camera", &["stream"]).unwrap();
    });
    println!("{bytes} bytes with audio, video and data");
    assert!(bytes <= 60 * 1024, "{bytes} bytes with audio, video and data");
}

/// What it keeps as text alone is read again when somebody asks.
#[test]
fn descriptions_of_an_idle_connection_still_answer_and_can_be_renegotiated() {
    let mut pair = Pair::connected(|pc| {
        pc.create_data_channel(Instant::ZERO, "test", DataChannelInit::default()).unwrap();
    });
    let [a, b] = &pair.peers;
    let described = (a.current_local_description().unwrap(), a.current_remote_description().unwrap());
    assert_eq!(b.current_remote_description().unwrap().kind, described.0.kind);
    for _ in 0..2000 {
        pair.step();
    }
    let now = pair.now;
    let [a, b] = &mut pair.peers;
    assert_eq!((a.current_local_description().unwrap(), a.current_remote_description().unwrap()), described);
    assert_eq!(a.can_trickle_ice_candidates(), Some(true));
    b.add_track(now, TrackKind::Audio, "microphone", &["stream"]).unwrap();
    let offer = b.create_offer(OfferOptions::default()).unwrap();
    b.set_local_description(now, Some(offer)).unwrap();
    a.set_remote_description(now, b.local_description().unwrap()).unwrap();
    let answer = a.create_answer().unwrap();
    a.set_local_description(now, Some(answer)).unwrap();
    b.set_remote_description(now, a.local_description().unwrap()).unwrap();
    let answered = b.current_remote_description().unwrap().sdp;
    assert_eq!(answered.matches("m=").count(), 2, "{answered}");
    assert!(answered.contains("a=group:BUNDLE 0 1"), "{answered}");
}
