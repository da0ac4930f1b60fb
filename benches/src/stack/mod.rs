//! Whole stacks behind one interface, so that the same loop drives ours and the others.

mod limit;
mod ours;
mod rtc;
mod str0m;
mod wire;

pub use limit::CipherAndCopies;
pub use ours::{AwsLc, Ours, Provider, RustCrypto};
pub use rtc::{RtcRing, RtcRingWithInterceptors};
pub use str0m::Str0mAwsLc;
pub use wire::Wire;

use bytes::Bytes;
use std::net::SocketAddr;
use std::time::Duration;

/// What a pair of peers is to carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// One ordered, reliable data channel.
    Data,
    /// One VP8 track, from the offerer to the answerer.
    Video,
}

/// One peer of some stack. Time counts from an epoch of the bench's.
pub trait Peer: Sized {
    /// An offerer and an answerer whose descriptions, candidates included, are exchanged, and nothing more.
    fn pair(carries: Carries) -> [Self; 2];

    /// Takes the datagrams on `wire`, in the manner that suits the stack best; what it must send at once goes to `out`.
    fn receive(&mut self, now: Duration, wire: &mut Wire, out: &mut Wire);

    /// As [`receive`](Self::receive), and sends the media packets among them on to each of `to`.
    fn relay(&mut self, now: Duration, wire: &mut Wire, out: &mut Wire, to: &mut [Self]);

    /// Puts what there is to send on `out`, and counts what happened.
    fn transmit(&mut self, now: Duration, out: &mut Wire);

    /// When [`timeout`](Self::timeout) is due.
    fn deadline(&mut self) -> Option<Duration>;

    /// Lets happen what is due.
    fn timeout(&mut self, now: Duration);

    /// Sends a message; `false` when it was not taken.
    fn send(&mut self, now: Duration, message: &Bytes) -> bool;

    /// Sends a media packet with this payload.
    fn send_packet(&mut self, now: Duration, payload: &Bytes);

    /// Whether messages or packets can be sent.
    fn is_ready(&mut self) -> bool;

    /// Messages or media packets that have arrived.
    fn received(&self) -> u64;
}

/// The address of the offerer (0) or the answerer (1).
fn address(side: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, if side == 0 { 1 } else { 2 }], 4000))
}

/// Two peers, the datagrams between them, and the time.
pub struct Pair<P> {
    /// Offerer and answerer.
    pub peers: [P; 2],
    /// The time.
    pub now: Duration,
    /// Datagrams that went either way.
    pub datagrams: u64,
    /// What was sent and has not arrived, by sender.
    wires: [Wire; 2],
    /// What is arriving; empty between exchanges.
    arriving: [Wire; 2],
}

impl<P: Peer> Pair<P> {
    /// Peers that know of each other and have not exchanged a datagram.
    pub fn new(carries: Carries) -> Self {
        Self { peers: P::pair(carries), now: Duration::ZERO, datagrams: 0, wires: Default::default(), arriving: Default::default() }
    }

    /// Peers that can send.
    pub fn connected(carries: Carries) -> Self {
        let mut pair = Self::new(carries);
        pair.connect(Duration::from_micros(100));
        pair
    }

    /// Lets time pass until both can send. `delay` is the way from one to the other.
    pub fn connect(&mut self, delay: Duration) {
        self.run_until(delay, |pair| pair.peers.iter_mut().all(P::is_ready));
    }

    /// Exchanges datagrams, `delay` after they were sent, until `done` holds.
    pub fn run_until(&mut self, delay: Duration, mut done: impl FnMut(&mut Self) -> bool) {
        let end = self.now + Duration::from_secs(60);
        while !done(self) {
            assert!(self.now < end, "this pair of peers got stuck");
            self.step(delay);
        }
    }

    /// Lets half a round trip pass or, when nothing is on its way, the time to the next deadline.
    pub fn step(&mut self, delay: Duration) {
        let now = self.now;
        [0, 1].into_iter().for_each(|side| settle(&mut self.peers[side], now, &mut self.wires[side]));
        self.now = if self.wires.iter().any(|wire| !wire.is_empty()) {
            now + delay
        } else {
            let deadlines = self.peers.iter_mut().filter_map(P::deadline);
            let next = deadlines.min().unwrap_or(Duration::ZERO);
            next.clamp(now + Duration::from_micros(1), now + Duration::from_secs(10))
        };
        self.exchange();
    }

    /// Delivers what is on the wires, lets happen what is due, and puts the answers on the wires.
    fn exchange(&mut self) {
        let now = self.now;
        std::mem::swap(&mut self.wires, &mut self.arriving);
        let [to_answerer, to_offerer] = &mut self.arriving;
        self.datagrams += (to_answerer.len() + to_offerer.len()) as u64;
        let [offerer, answerer] = &mut self.peers;
        let [from_offerer, from_answerer] = &mut self.wires;
        offerer.receive(now, to_offerer, from_offerer);
        answerer.receive(now, to_answerer, from_answerer);
        settle(offerer, now, from_offerer);
        settle(answerer, now, from_answerer);
    }
}

/// Drains a peer, and its timers that are due, until it has nothing more to do at `now`.
pub fn settle<P: Peer>(peer: &mut P, now: Duration, out: &mut Wire) {
    peer.transmit(now, out);
    // Some stacks pace by a timer that is due at once after every packet.
    for _ in 0..10_000 {
        if peer.deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        peer.timeout(now);
        peer.transmit(now, out);
    }
}
