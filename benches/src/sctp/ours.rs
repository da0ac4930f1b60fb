//! `sendrecv-sctp`.

use super::{End, PACKET, Packets, WINDOW};
use bytes::Bytes;
use sendrecv_core::{Instant, Machine, PacketBuf, Seed};
use sendrecv_sctp::{Association, Config, Event, SendOptions, State};
use std::collections::VecDeque;
use std::time::Duration;

/// One end. With `ZERO` its settings are those of WebRTC: checksums are zero, and channels share by weight.
pub struct Ours<const ZERO: bool>(Association);

/// Packets, and the buffers of those that were delivered: they belong to the host, which uses them again.
#[derive(Default)]
pub struct Buffers {
    packets: VecDeque<(Box<[u8; PACKET]>, usize)>,
    spare: Vec<Box<[u8; PACKET]>>,
}

impl Buffers {
    /// Adds a packet that `write` writes; returns whether it wrote any, that is, more than 0 bytes.
    pub fn push(&mut self, write: impl FnOnce(&mut [u8; PACKET]) -> usize) -> bool {
        let mut buffer = self.spare.pop().unwrap_or_else(|| Box::new([0; PACKET]));
        let len = write(&mut buffer);
        if len == 0 {
            self.spare.push(buffer);
        } else {
            self.packets.push_back((buffer, len));
        }
        len > 0
    }

    /// Lets `read` have the oldest packet.
    pub fn pop(&mut self, read: impl FnOnce(&[u8])) {
        if let Some((buffer, len)) = self.packets.pop_front() {
            read(&buffer[..len]);
            self.spare.push(buffer);
        }
    }
}

impl Packets for Buffers {
    fn count(&self) -> usize {
        self.packets.len()
    }
}

fn at(now: Duration) -> Instant {
    Instant::ZERO + now
}

impl<const ZERO: bool> End for Ours<ZERO> {
    type Packets = Buffers;

    fn pair() -> [Self; 2] {
        let config = Config {
            max_packet_size: PACKET,
            // As the others have it.
            interleaving: false,
            send_buffer: WINDOW,
            receive_buffer: WINDOW,
            ..if ZERO { Config::webrtc() } else { Config::default() }
        };
        let end = |seed| Self(Association::new(config.clone(), &Seed::from_u64(seed), Instant::ZERO));
        let mut ends = [end(1), end(2)];
        ends[0].0.connect(Instant::ZERO).expect("new");
        ends
    }

    fn is_ready(&mut self) -> bool {
        self.0.state() == State::Established
    }

    fn send(&mut self, now: Duration, channel: u16, message: &[u8]) -> bool {
        self.0.send(at(now), channel, 53, Bytes::copy_from_slice(message), SendOptions::default()).is_ok()
    }

    fn transmit(&mut self, now: Duration, packets: &mut Buffers) {
        while packets.push(|buffer| {
            let mut out = PacketBuf::new(buffer, 0, 0);
            self.0.poll_transmit(at(now), &mut out).map_or(0, |_| out.len())
        }) {}
    }

    fn receive(&mut self, now: Duration, packets: &mut Buffers) {
        packets.pop(|packet| self.0.handle_datagram(at(now), packet).expect("packets of ours are good"));
    }

    fn messages(&mut self) -> u64 {
        std::iter::from_fn(|| self.0.poll_event()).filter(|event| matches!(event, Event::Message(_))).count()
            as u64
    }

    fn deadline(&self) -> Option<Duration> {
        self.0.poll_timeout().map(|at| at - Instant::ZERO)
    }

    fn timeout(&mut self, now: Duration) {
        self.0.handle_timeout(at(now));
    }
}
