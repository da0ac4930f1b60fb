//! A whole peer connection as a simulated host runs it.

use sendrecv::{
    Configuration, DataChannelId, Event, IceCandidate, Inbound, LocalSocket, Message, PeerConnection,
    PeerConnectionState, TransceiverId,
};
use sendrecv_core::{Ecn, Instant, Path, Seed, Transmit};
use sendrecv_sim::Node;
use std::net::SocketAddr;
use std::ops::Range;

/// A media packet that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaReceived {
    /// For which transceiver.
    pub transceiver: TransceiverId,
    /// Its extended sequence number.
    pub sequence: u64,
    /// Whether it was lost first.
    pub repaired: bool,
    /// What it carried.
    pub payload: Vec<u8>,
}

/// A peer connection, and everything it told.
pub struct PeerNode {
    /// The connection; commands are called on it directly, then [`settle`](Self::settle).
    pub pc: PeerConnection,
    /// Every event but those that have a field of their own below.
    pub events: Vec<Event>,
    /// Candidates that are to be signalled.
    pub candidates: Vec<Option<IceCandidate>>,
    /// Messages, in the order of arrival.
    pub messages: Vec<(DataChannelId, Message)>,
    /// Media packets, in the order of arrival.
    pub media: Vec<MediaReceived>,
    /// Channels that are open, ours and theirs.
    pub open: Vec<DataChannelId>,
    /// Whether messages go back where they came from.
    pub echoes: bool,
}

impl PeerNode {
    /// A recorded peer with one UDP socket on each of `addresses`.
    pub fn new(configuration: Configuration, seed: &Seed, addresses: &[SocketAddr]) -> Self {
        let mut pc = PeerConnection::new_recorded(configuration, seed.clone(), Instant::ZERO).unwrap();
        for address in addresses {
            let socket = LocalSocket { dont_fragment: true, ..LocalSocket::udp(*address) };
            pc.add_local_socket(Instant::ZERO, socket).unwrap();
        }
        Self {
            pc,
            events: Vec::new(),
            candidates: Vec::new(),
            messages: Vec::new(),
            media: Vec::new(),
            open: Vec::new(),
            echoes: false,
        }
    }

    /// The connection states it went through.
    pub fn states(&self) -> Vec<PeerConnectionState> {
        let state = |event: &Event| match event {
            Event::ConnectionStateChange(state) => Some(*state),
            _ => None,
        };
        self.events.iter().filter_map(state).collect()
    }

    /// Takes in what the connection has to tell.
    pub fn settle(&mut self, now: Instant) {
        while let Some(event) = self.pc.poll_event() {
            match event {
                Event::IceCandidate(candidate) => self.candidates.push(candidate),
                Event::DataChannelOpen(channel) => self.open.push(channel),
                Event::DataChannelMessage { channel, message } => {
                    if self.echoes {
                        self.pc.send(now, channel, message.clone()).unwrap();
                    }
                    self.messages.push((channel, message));
                }
                event => self.events.push(event),
            }
        }
    }
}

impl Node for PeerNode {
    fn handle_datagram(&mut self, now: Instant, path: Path, ecn: Ecn, data: &mut [u8]) {
        if let Ok(Inbound::Rtp(packet)) = self.pc.handle_datagram(now, path, ecn, data) {
            self.media.push(MediaReceived {
                transceiver: packet.transceiver,
                sequence: packet.sequence(),
                repaired: packet.is_repaired(),
                payload: packet.payload().to_vec(),
            });
        }
        self.settle(now);
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<(Transmit, Range<usize>)> {
        let datagrams = self.pc.poll_transmit(now, out);
        self.settle(now);
        let datagrams = datagrams?;
        let transmit =
            Transmit { path: Some(datagrams.path), segment_size: datagrams.segment_size, ecn: datagrams.ecn };
        Some((transmit, 0..datagrams.len))
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.pc.handle_timeout(now);
        self.settle(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.pc.poll_timeout()
    }
}
