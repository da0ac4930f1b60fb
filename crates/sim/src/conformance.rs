//! The properties every [`Machine`] promises, checked on any of them.
//!
//! A [`Driver`] says how to make two machines that talk to each other, how to feed them and how to see their state;
//! [`check`] then drives pairs of them through random operations over links that lose, reorder, duplicate and corrupt,
//! and checks at random moments:
//!
//! | property | what is checked |
//! |---|---|
//! | P1 | a timeout before the deadline changes no state and makes no output |
//! | P2 | after a drain the next deadline is later than now |
//! | P3 | a discarded datagram changes no state and makes no output |
//! | P4 | polling ends after a bounded number of results |
//! | P5 | the same seed run twice gives the same outputs, byte for byte |
//! | P6 | time that runs backwards changes no state |
//! | P8 | closed is terminal: it drains, then wants nothing and says nothing, whatever arrives |
//! | P9 | every datagram sent parses, and writes back to the same bytes |
//! | P10 | pushing without end is refused at some point |
//!
//! P7 (no allocation per packet) needs a counting allocator and is checked by each layer's own tests.

mod pair;

use pair::Pair;
use sendrecv_core::{Instant, Machine, Seed};
use std::fmt;
use std::time::Duration;

/// Which of the two machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The one that begins: client, controlling, offerer.
    Left,
    /// The other one.
    Right,
}

impl Side {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }
}

/// What the suite needs to know about a machine.
pub trait Driver {
    /// The machine under test.
    type Machine: Machine<Event: fmt::Debug>;

    /// Head- and tailroom in the packets given to the machine.
    const ROOMS: (usize, usize) = (0, 0);
    /// Results a single drain may give.
    const MAX_POLLS: usize = 10_000;
    /// Pushes after which a full queue must have refused (P10).
    const MAX_PUSHES: usize = 1_000_000;

    /// A machine for one side, connecting by itself or by the first operation.
    fn create(&self, side: Side, seed: &Seed, now: Instant) -> Self::Machine;

    /// Carries out of the machines what a signalling channel would, e.g. credentials; called once.
    fn introduce(&self, _left: &mut Self::Machine, _right: &mut Self::Machine, _now: Instant) {}

    /// Feeds a datagram; `false` when the machine discarded it.
    fn handle_datagram(&self, side: Side, machine: &mut Self::Machine, now: Instant, data: &mut [u8])
    -> bool;

    /// An operation of the machine's user, chosen by `choice` (64 random bits). It may fail.
    fn operate(&self, side: Side, machine: &mut Self::Machine, now: Instant, choice: u64);

    /// Everything but counters, in comparable form: usually `format!("{machine:?}")`, or the relevant part of it.
    fn state(&self, machine: &Self::Machine) -> String;

    /// Begins to close.
    fn close(&self, machine: &mut Self::Machine, now: Instant);

    /// Whether the machine is closed for good.
    fn is_closed(&self, machine: &Self::Machine) -> bool;

    /// Parses a datagram that the machine sent and writes it again; `None` when it cannot be parsed from outside
    /// because it is encrypted.
    fn rewrite(&self, _datagram: &[u8]) -> Option<Vec<u8>> {
        None
    }

    /// Pushes one more item into the `queue`th bounded queue: `Some(true)` when it was taken, `Some(false)` when it
    /// was refused; `None` when there is no such queue.
    fn push(&self, _machine: &mut Self::Machine, _now: Instant, _queue: usize) -> Option<bool> {
        None
    }
}

/// How long and how roughly to drive.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Virtual time of the whole run.
    pub duration: Duration,
    /// Operations over the whole run, spread evenly at random.
    pub operations: u64,
    /// How often each kind of trouble meets a datagram.
    pub trouble: crate::Chance,
    /// Whether datagrams are corrupted too.
    pub corrupt: bool,
}

impl Default for Scenario {
    /// Twenty seconds, two hundred operations, three percent of each kind of trouble.
    fn default() -> Self {
        Self {
            duration: Duration::from_secs(20),
            operations: 200,
            trouble: crate::Chance::percent(3),
            corrupt: true,
        }
    }
}

/// Checks every property on machines made from `seed`. Panics, in words, on the first one broken.
pub fn check<D: Driver>(driver: &D, seed: u64, scenario: Scenario) {
    let once = run(driver, seed, scenario);
    let twice = run(driver, seed, scenario);
    assert_eq!(once, twice, "P5: the same seed and inputs gave different outputs");
    check_queues(driver, seed);
}

/// One run with its checks; returns the digest of everything that came out.
fn run<D: Driver>(driver: &D, seed: u64, scenario: Scenario) -> u64 {
    let mut pair = Pair::new(driver, seed, scenario);
    pair.run();
    pair.check_closing();
    pair.digest()
}

/// P10.
fn check_queues<D: Driver>(driver: &D, seed: u64) {
    let now = Instant::from_millis(1);
    for queue in 0.. {
        let mut machine = driver.create(Side::Left, &Seed::from_u64(seed), now);
        if driver.push(&mut machine, now, queue).is_none() {
            return;
        }
        let refused = (0..D::MAX_PUSHES).any(|_| driver.push(&mut machine, now, queue) == Some(false));
        assert!(refused, "P10: queue {queue} took {} items and never refused one", D::MAX_PUSHES);
    }
}
