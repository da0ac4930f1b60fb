//! SCTP implementations behind one interface: two associations in one thread, packets in memory.

mod dcsctp;
mod limit;
mod ours;
mod proto;
mod rtc;

pub use dcsctp::Dcsctp;
pub use limit::CopyAndChecksum;
pub use ours::Ours;
pub use proto::SctpProto;
pub use rtc::RtcSctp;

use std::collections::VecDeque;
use std::time::Duration;

/// The longest SCTP packet, for everybody.
pub const PACKET: usize = 1200;
/// What everybody may buffer and have in flight.
const WINDOW: usize = 64 << 20;
/// Packets handed over at once, as a host with batched input and output does.
const BATCH: usize = 32;
/// Simulated time that everything underway takes to go round.
const ROUND_TRIP: Duration = Duration::from_millis(1);
/// The most simulated time without a message.
const PATIENCE: Duration = Duration::from_secs(60);

/// One end of an association. Time counts from an epoch of the bench's.
pub trait End: Sized {
    /// Packets under way from one end to the other, oldest first.
    type Packets: Packets;

    /// Two ends that are about to connect, or have done so.
    fn pair() -> [Self; 2];

    /// Whether messages can be sent.
    fn is_ready(&mut self) -> bool;

    /// Sends a copy of `message`; `false` when it was not taken.
    fn send(&mut self, now: Duration, channel: u16, message: &[u8]) -> bool;

    /// Puts everything that may leave on `packets`.
    fn transmit(&mut self, now: Duration, packets: &mut Self::Packets);

    /// Takes the oldest packet.
    fn receive(&mut self, now: Duration, packets: &mut Self::Packets);

    /// Takes out the messages that have arrived; returns how many.
    fn messages(&mut self) -> u64;

    /// When [`timeout`](Self::timeout) is due.
    fn deadline(&self) -> Option<Duration>;

    /// Lets happen what is due.
    fn timeout(&mut self, now: Duration);
}

/// Packets in order.
pub trait Packets: Default {
    /// How many there are.
    fn count(&self) -> usize;
}

impl<P> Packets for VecDeque<P> {
    fn count(&self) -> usize {
        self.len()
    }
}

/// What one end sends to the other: messages of one length, over channels in turn, `underway` bytes of them handed over
/// and not yet handed out by the other end.
pub struct Flow<E: End> {
    ends: [E; 2],
    there: E::Packets,
    back: E::Packets,
    now: Duration,
    step: Duration,
    message: Vec<u8>,
    underway: u64,
    channels: u16,
    channel: u16,
    sent: u64,
    received: u64,
    /// Packets both ways.
    pub packets: u64,
}

impl<E: End> Flow<E> {
    /// A flow between two connected ends that has not begun.
    pub fn new(len: usize, underway: usize, channels: u16) -> Self {
        let batches = (underway.max(len) / PACKET / BATCH).max(1) as u32;
        let mut flow = Self {
            ends: E::pair(),
            there: E::Packets::default(),
            back: E::Packets::default(),
            now: Duration::from_millis(1),
            step: ROUND_TRIP / batches,
            message: (0..len).map(|index| index as u8).collect(),
            underway: (underway / len).max(1) as u64,
            channels,
            channel: 0,
            sent: 0,
            received: 0,
            packets: 0,
        };
        while !flow.ends.iter_mut().all(E::is_ready) {
            flow.step();
        }
        flow
    }

    /// Transfers about `count` messages; returns how many.
    pub fn run(&mut self, count: u64) -> u64 {
        let (before, patience) = (self.received, self.now + PATIENCE);
        while self.received - before < count {
            assert!(self.now < patience, "the transfer got stuck");
            while self.sent - self.received < self.underway
                && self.ends[0].send(self.now, self.channel, &self.message)
            {
                self.sent += 1;
                self.channel = (self.channel + 1) % self.channels;
            }
            self.step();
        }
        self.received - before
    }

    /// Sends what may be sent, delivers a batch one way and all that answers it, and lets time pass: a little, or as
    /// much as it takes when nothing is under way.
    fn step(&mut self) {
        let [from, to] = &mut self.ends;
        from.transmit(self.now, &mut self.there);
        let batch = self.there.count().min(BATCH);
        (0..batch).for_each(|_| to.receive(self.now, &mut self.there));
        self.received += to.messages();
        to.transmit(self.now, &mut self.back);
        let answers = self.back.count();
        (0..answers).for_each(|_| from.receive(self.now, &mut self.back));
        self.packets += (batch + answers) as u64;
        from.messages();
        self.now += self.step;
        let deadlines = [from.deadline(), to.deadline()];
        if batch + answers == 0 {
            let next = deadlines.into_iter().flatten().min().unwrap_or(self.now);
            self.now = self.now.max(next);
        }
        for (end, deadline) in self.ends.iter_mut().zip(deadlines) {
            if deadline.is_some_and(|deadline| deadline <= self.now) {
                end.timeout(self.now);
            }
        }
    }
}
