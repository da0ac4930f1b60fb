//! Two connections and a wire between them, in virtual time.
#![allow(unreachable_pub, clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]

use sendrecv::{
    Configuration, Event, Inbound, KeptPacket, LocalSocket, PeerConnection, ReceivedRtp, SessionDescription,
};
use sendrecv_core::{Ecn, Instant, Path, Rng, Seed};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

pub struct Side {
    pub pc: PeerConnection,
    pub address: SocketAddr,
    pub events: Vec<Event>,
    /// Payloads of received media packets.
    pub rtp: Vec<Vec<u8>>,
    /// Received media packets.
    pub kept: Vec<KeptPacket>,
    /// Sends received media back on the transceiver it came on.
    pub echo: bool,
    pub datagrams_sent: usize,
}

/// Whether a datagram of a side passes.
pub type Filter = Box<dyn FnMut(usize, &[u8]) -> bool>;

pub struct Pair {
    pub now: Instant,
    pub sides: [Side; 2],
    /// One-way delay.
    pub delay: Duration,
    /// Every how many datagrams one is lost; 0: none.
    pub lose_every: usize,
    /// How many of a hundred datagrams are lost, by chance.
    pub loss_percent: u64,
    /// Asked of every datagram that would not be lost otherwise.
    pub passes: Filter,
    chance: Rng,
    /// Every STUN message that was sent.
    pub stun: Vec<Vec<u8>>,
    /// The longest datagram of DTLS that was sent.
    pub longest_of_dtls: usize,
    wire: VecDeque<(Instant, usize, Path, Vec<u8>)>,
    sent: usize,
}

impl Pair {
    pub fn new(a: Configuration, b: Configuration) -> Self {
        Self::with_seed(a, b, 0)
    }

    pub fn with_seed(a: Configuration, b: Configuration, seed: u64) -> Self {
        let side = |configuration, seed, address: &str| {
            let pc =
                PeerConnection::new_recorded(configuration, Seed::from_u64(seed), Instant::ZERO).unwrap();
            let address: SocketAddr = address.parse().unwrap();
            let (events, rtp, kept) = (Vec::new(), Vec::new(), Vec::new());
            let mut side = Side { pc, address, events, rtp, kept, echo: false, datagrams_sent: 0 };
            side.pc.add_local_socket(Instant::ZERO, LocalSocket::udp(address)).unwrap();
            side
        };
        Self {
            now: Instant::ZERO,
            sides: [side(a, 2 * seed + 1, "10.0.0.1:4000"), side(b, 2 * seed + 2, "10.0.0.2:4000")],
            delay: Duration::from_millis(10),
            lose_every: 0,
            loss_percent: 0,
            passes: Box::new(|_, _| true),
            chance: Seed::from_u64(seed).derive("loss").rng(),
            stun: Vec::new(),
            longest_of_dtls: 0,
            wire: VecDeque::new(),
            sent: 0,
        }
    }

    /// Offer by side `offerer`, answered by the other, candidates in the descriptions.
    pub fn negotiate(&mut self, offerer: usize) -> (SessionDescription, SessionDescription) {
        let now = self.now;
        let answerer = 1 - offerer;
        let offer = self.sides[offerer].pc.create_offer(sendrecv::OfferOptions::default()).unwrap();
        self.sides[offerer].pc.set_local_description(now, Some(offer)).unwrap();
        let offer = self.sides[offerer].pc.local_description().unwrap();
        self.sides[answerer].pc.set_remote_description(now, offer.clone()).unwrap();
        let answer = self.sides[answerer].pc.create_answer().unwrap();
        self.sides[answerer].pc.set_local_description(now, Some(answer)).unwrap();
        let answer = self.sides[answerer].pc.local_description().unwrap();
        self.sides[offerer].pc.set_remote_description(now, answer.clone()).unwrap();
        (offer, answer)
    }

    /// Lets `duration` pass, or less if `done` holds before; whether it does.
    pub fn run_until(&mut self, duration: Duration, mut done: impl FnMut(&mut Self) -> bool) -> bool {
        let end = self.now + duration;
        loop {
            self.drain();
            if done(self) {
                return true;
            }
            let timeouts = self.sides.iter().filter_map(|side| side.pc.poll_timeout());
            let next = timeouts.chain(self.wire.iter().map(|(at, ..)| *at)).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.now = end;
                return done(self);
            };
            self.now = self.now.max(next);
            self.deliver();
            for side in &mut self.sides {
                if side.pc.poll_timeout().is_some_and(|at| at <= self.now) {
                    side.pc.handle_timeout(self.now);
                }
            }
        }
    }

    pub fn run(&mut self, duration: Duration) {
        self.run_until(duration, |_| false);
    }

    fn drain(&mut self) {
        let mut out = vec![0; 65_536];
        for (index, side) in self.sides.iter_mut().enumerate() {
            while let Some(event) = side.pc.poll_event() {
                side.events.push(event);
            }
            let mut polls = 0;
            while let Some(datagrams) = side.pc.poll_transmit(self.now, &mut out) {
                polls += 1;
                assert!(polls < 20_000, "polling does not end");
                let size = datagrams.segment_size.unwrap_or(datagrams.len).max(1);
                for bytes in out[..datagrams.len].chunks(size) {
                    self.sent += 1;
                    match bytes[0] {
                        0..4 => self.stun.push(bytes.to_vec()),
                        20..64 => self.longest_of_dtls = self.longest_of_dtls.max(bytes.len()),
                        _ => {}
                    }
                    side.datagrams_sent += 1;
                    let regular = self.lose_every > 0 && self.sent.is_multiple_of(self.lose_every);
                    let lost = self.chance.below(100) < self.loss_percent;
                    if regular || lost || !(self.passes)(index, bytes) {
                        continue;
                    }
                    let path = Path::udp(datagrams.path.remote, datagrams.path.local);
                    self.wire.push_back((self.now + self.delay, 1 - index, path, bytes.to_vec()));
                }
            }
            while let Some(event) = side.pc.poll_event() {
                side.events.push(event);
            }
        }
    }

    fn deliver(&mut self) {
        while self.wire.front().is_some_and(|(at, ..)| *at <= self.now) {
            let Some((_, to, path, mut bytes)) = self.wire.pop_front() else { break };
            let side = &mut self.sides[to];
            if path.local != side.address {
                continue;
            }
            if let Ok(Inbound::Rtp(packet)) = side.pc.handle_datagram(self.now, path, Ecn::NotEct, &mut bytes)
            {
                side.rtp.push(packet.payload().to_vec());
                side.kept.push(packet.keep());
                if side.echo {
                    forward(&mut side.pc, self.now, &packet);
                }
            }
        }
    }
}

fn forward(pc: &mut PeerConnection, now: Instant, packet: &ReceivedRtp<'_>) {
    pc.forward_rtp(now, packet.transceiver, packet).unwrap();
}

impl Side {
    pub fn has(&self, wanted: impl Fn(&Event) -> bool) -> bool {
        self.events.iter().any(wanted)
    }
}
