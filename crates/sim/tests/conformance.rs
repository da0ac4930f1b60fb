//! The property suite on a toy machine, and on toys with one promise broken each.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use sendrecv_core::{Clock, Instant, Machine, PacketBuf, Reader, Seed, Transmit, Writer};
use sendrecv_sim::conformance::{Driver, Scenario, Side, check};
use sendrecv_sim::for_each_seed;
use std::collections::VecDeque;
use std::panic::catch_unwind;
use std::time::Duration;

/// Which promise a toy breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    None,
    SpuriousTimeout,
    PastDeadline,
    ChangedByDiscard,
    EndlessPolls,
    BackwardsTime,
    NeverCloses,
    WritesDifferently,
    NoLimit,
}

/// A stop-and-wait sender of numbers: `kind | number | checksum`, data repeated every 100 ms until acknowledged.
#[derive(Debug)]
struct Toy {
    flaw: Flaw,
    clock: Clock,
    queue: VecDeque<u32>,
    in_flight: Option<(u32, Instant)>,
    to_send: VecDeque<(u8, u32)>,
    expected: u32,
    next: u32,
    received: VecDeque<u32>,
    closed: bool,
    nudges: u32,
}

const DATA: u8 = 1;
const ACK: u8 = 2;
const LIMIT: usize = 64;

impl Toy {
    fn new(flaw: Flaw, seed: &Seed, now: Instant) -> Self {
        let _ = seed;
        Self {
            flaw,
            clock: Clock::new(now),
            queue: VecDeque::new(),
            in_flight: None,
            to_send: VecDeque::new(),
            expected: 0,
            next: 0,
            received: VecDeque::new(),
            closed: false,
            nudges: 0,
        }
    }

    fn send(&mut self, now: Instant) -> bool {
        if self.closed || (self.queue.len() >= LIMIT && self.flaw != Flaw::NoLimit) {
            return false;
        }
        self.queue.push_back(self.next);
        self.next += 1;
        self.begin(now);
        true
    }

    fn begin(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        if self.in_flight.is_none()
            && let Some(number) = self.queue.pop_front()
        {
            self.in_flight = Some((number, now + Duration::from_millis(100)));
            self.to_send.push_back((DATA, number));
        }
    }

    fn handle(&mut self, now: Instant, data: &[u8]) -> Option<()> {
        let now = self.clock.advance(now);
        if self.flaw == Flaw::ChangedByDiscard {
            self.nudges += 1;
        }
        let mut reader = Reader::new(data);
        let (kind, number, check) = (reader.u8().ok()?, reader.u32().ok()?, reader.u32().ok()?);
        if self.closed || check != number.wrapping_mul(0x9e37_79b1) ^ u32::from(kind) {
            return None;
        }
        match (kind, self.in_flight) {
            (DATA, _) if number <= self.expected && self.to_send.len() < LIMIT => {
                if number == self.expected {
                    self.expected += 1;
                    self.received.push_back(number);
                }
                self.to_send.push_back((ACK, number));
            }
            (ACK, Some((awaited, _))) if awaited == number => {
                self.in_flight = None;
                self.begin(now);
            }
            _ => return None,
        }
        Some(())
    }
}

impl Machine for Toy {
    type Event = u32;

    fn handle_timeout(&mut self, now: Instant) {
        let now = match self.flaw {
            Flaw::BackwardsTime => now,
            _ => self.clock.advance(now),
        };
        if self.flaw == Flaw::SpuriousTimeout {
            self.nudges += 1;
        }
        if let Some((number, at)) = &mut self.in_flight {
            if self.flaw == Flaw::BackwardsTime && now < self.clock.now() {
                *at = now;
            } else if *at <= now {
                *at = now + Duration::from_millis(if self.flaw == Flaw::PastDeadline { 0 } else { 100 });
                self.to_send.push_back((DATA, *number));
            }
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.in_flight.map(|(_, at)| at)
    }

    fn poll_transmit(&mut self, _: Instant, out: &mut PacketBuf<'_>) -> Option<Transmit> {
        let (kind, number) = *self.to_send.front()?;
        let start = out.len();
        let check = number.wrapping_mul(0x9e37_79b1) ^ u32::from(kind);
        if out.put_u8(kind).and_then(|()| out.put_u32(number)).and_then(|()| out.put_u32(check)).is_err() {
            out.truncate(start);
            return None;
        }
        if self.flaw != Flaw::EndlessPolls {
            self.to_send.pop_front();
        }
        Some(Transmit::selected())
    }

    fn poll_event(&mut self) -> Option<u32> {
        self.received.pop_front()
    }
}

struct Toys(Flaw);

impl Driver for Toys {
    type Machine = Toy;

    fn create(&self, _: Side, seed: &Seed, now: Instant) -> Toy {
        Toy::new(self.0, seed, now)
    }

    fn handle_datagram(&self, _: Side, toy: &mut Toy, now: Instant, data: &mut [u8]) -> bool {
        toy.handle(now, data).is_some()
    }

    fn operate(&self, _: Side, toy: &mut Toy, now: Instant, _: u64) {
        toy.send(now);
    }

    fn state(&self, toy: &Toy) -> String {
        let Toy { queue, in_flight, expected, next, closed, nudges, .. } = toy;
        format!("{queue:?} {in_flight:?} {expected} {next} {closed} {nudges}")
    }

    fn close(&self, toy: &mut Toy, _: Instant) {
        toy.closed = self.0 != Flaw::NeverCloses;
        toy.queue.clear();
        toy.to_send.clear();
        toy.in_flight = None;
    }

    fn is_closed(&self, toy: &Toy) -> bool {
        toy.closed
    }

    fn rewrite(&self, datagram: &[u8]) -> Option<Vec<u8>> {
        let mut again = datagram.to_vec();
        if self.0 == Flaw::WritesDifferently {
            again.push(0);
        }
        Some(again)
    }

    fn push(&self, toy: &mut Toy, now: Instant, queue: usize) -> Option<bool> {
        (queue == 0).then(|| toy.send(now))
    }
}

#[test]
fn a_machine_that_keeps_its_promises_passes() {
    for_each_seed(10, 1000, |seed| check(&Toys(Flaw::None), seed, Scenario::default()));
}

#[test]
fn every_broken_promise_is_found() {
    let flaws = [
        (Flaw::SpuriousTimeout, "P1"),
        (Flaw::PastDeadline, "P2"),
        (Flaw::ChangedByDiscard, "P3"),
        (Flaw::EndlessPolls, "P4"),
        (Flaw::BackwardsTime, "P6"),
        (Flaw::NeverCloses, "P8"),
        (Flaw::WritesDifferently, "P9"),
        (Flaw::NoLimit, "P10"),
    ];
    for (flaw, property) in flaws {
        let panic = catch_unwind(|| check(&Toys(flaw), 1, Scenario::default())).unwrap_err();
        let words = panic.downcast_ref::<String>().unwrap();
        assert!(words.contains(&format!("{property}:")), "{flaw:?} was reported as: {words}");
    }
}
