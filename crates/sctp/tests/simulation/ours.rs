//! An association as an [`End`] that sends without end.

use super::network::End;
use bytes::Bytes;
use sendrecv_core::{Instant, Machine, PacketBuf, Seed};
use sendrecv_sctp::{Association, Config, Event, SendOptions, State};

/// DTLS 1.2 with AES-GCM, UDP and IPv4 around each packet.
pub const OVERHEAD: usize = 13 + 8 + 16 + 8 + 20;
/// The length of the messages.
const MESSAGE: usize = 16 << 10;
const SLAB: usize = 9000;

/// An association, and what it sends.
pub struct Ours {
    pub association: Association,
    message: Bytes,
    slab: Vec<u8>,
}

impl Ours {
    /// Two that connect to each other.
    pub fn pair(sender: &Config, receiver: &Config, seed: u64, now: Instant) -> [Box<dyn End>; 2] {
        [Self::end(sender, seed * 2, now), Self::end(receiver, seed * 2 + 1, now)]
    }

    fn end(config: &Config, seed: u64, now: Instant) -> Box<dyn End> {
        let mut association = Association::new(config.clone(), &Seed::from_u64(seed), now);
        association.connect(now).expect("it was never connected");
        Box::new(Self { association, message: Bytes::from(vec![7; MESSAGE]), slab: vec![0; SLAB] })
    }
}

impl End for Ours {
    fn overhead(&self) -> usize {
        OVERHEAD
    }

    fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) {
        let _ = self.association.handle_datagram(now, datagram);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.association.handle_timeout(now);
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.association.poll_timeout()
    }

    fn poll_transmit(&mut self, now: Instant, datagram: &mut Vec<u8>) -> bool {
        let mut out = PacketBuf::new(&mut self.slab, 0, 0);
        if self.association.poll_transmit(now, &mut out).is_none() {
            return false;
        }
        datagram.extend_from_slice(out.bytes());
        true
    }

    fn is_ready(&self) -> bool {
        self.association.state() == State::Established
    }

    fn fill(&mut self, now: Instant) {
        while self.association.send(now, 0, 53, self.message.clone(), SendOptions::default()).is_ok() {}
    }

    fn take(&mut self, _: Instant) -> u64 {
        let mut taken = 0;
        while let Some(event) = self.association.poll_event() {
            if let Event::Message(message) = event {
                taken += message.data.len() as u64;
            }
        }
        taken
    }
}
