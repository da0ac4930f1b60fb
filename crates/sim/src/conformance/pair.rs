//! Two machines, the links between them, and the checks made on the way.

use super::{Driver, Scenario, Side};
use crate::link::{Link, LinkConfig};
use sendrecv_core::{Ecn, Instant, Machine, PacketBuf, Rng, Seed, Transmit, earliest};
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) struct Pair<'a, D: Driver> {
    driver: &'a D,
    scenario: Scenario,
    now: Instant,
    left: End<D::Machine>,
    right: End<D::Machine>,
    under_way: BTreeMap<(Instant, u64), (Side, Vec<u8>)>,
    sent: u64,
    rng: Rng,
    digest: Digest,
    /// What machines write into: room for a batch.
    buffer: Vec<u8>,
}

struct End<M> {
    machine: M,
    link: Link,
}

/// Timeouts at one instant after which a machine counts as stuck.
const MAX_REPEATS: u32 = 1_000;
/// How long a closed machine may take to fall silent.
const CLOSING: Duration = Duration::from_secs(600);

impl<'a, D: Driver> Pair<'a, D> {
    pub(super) fn new(driver: &'a D, seed: u64, scenario: Scenario) -> Self {
        let seed = Seed::from_u64(seed);
        let now = Instant::from_millis(1_000);
        let config = LinkConfig::with_delay(Duration::from_millis(20));
        let config = config.with_trouble(scenario.trouble, scenario.corrupt);
        let end = |side: Side, label: &str| End {
            machine: driver.create(side, &seed.derive(label), now),
            link: Link::new(config, seed.derive(label).derive("link").rng()),
        };
        let mut pair = Self {
            driver,
            scenario,
            now,
            left: end(Side::Left, "left"),
            right: end(Side::Right, "right"),
            under_way: BTreeMap::new(),
            sent: 0,
            rng: seed.derive("pair").rng(),
            digest: Digest::default(),
            buffer: vec![0; 65_536],
        };
        driver.introduce(&mut pair.left.machine, &mut pair.right.machine, now);
        pair
    }

    pub(super) const fn digest(&self) -> u64 {
        self.digest.0
    }

    /// Lets the two talk, with operations and checks in between.
    pub(super) fn run(&mut self) {
        let end = self.now + self.scenario.duration;
        let operations = self.scenario.operations.max(1);
        let pause = u64::try_from(self.scenario.duration.as_nanos()).unwrap_or(u64::MAX) / operations;
        self.drain_both();
        while self.now < end {
            let until = self.now + Duration::from_nanos(1 + self.rng.below(pause.saturating_mul(2)));
            self.run_until(until);
            let side = self.any_side();
            self.check_spurious_timeout(side);
            self.check_backwards_time(side);
            self.check_garbage(side);
            let (now, choice) = (self.now, self.rng.u64());
            self.driver.operate(side, &mut self.end_mut(side).machine, now, choice);
            self.drain(side);
        }
    }

    fn run_until(&mut self, until: Instant) {
        let mut repeats = 0;
        loop {
            let arrival = self.under_way.first_key_value().map(|((at, _), _)| *at);
            let timeout = earliest(self.left.machine.poll_timeout(), self.right.machine.poll_timeout());
            let Some(next) = earliest(arrival, timeout).filter(|next| *next <= until) else { break };
            repeats = if next > self.now { 0 } else { repeats + 1 };
            assert!(repeats < MAX_REPEATS, "P2: the machines do not let time go on at {}", self.now);
            self.now = self.now.max(next);
            if arrival == Some(next) {
                self.deliver();
            } else {
                self.fire_timeouts();
            }
        }
        self.now = until;
    }

    fn fire_timeouts(&mut self) {
        for side in [Side::Left, Side::Right] {
            let now = self.now;
            let end = self.end_mut(side);
            if end.machine.poll_timeout().is_some_and(|at| at <= now) {
                end.machine.handle_timeout(now);
                self.drain(side);
            }
        }
    }

    fn deliver(&mut self) {
        let Some((_, (to, mut data))) = self.under_way.pop_first() else { return };
        self.feed(to, &mut data);
    }

    /// Feeds a datagram and checks P3 when it is discarded.
    fn feed(&mut self, to: Side, data: &mut [u8]) {
        let (driver, now) = (self.driver, self.now);
        let machine = &mut self.end_mut(to).machine;
        let before = driver.state(machine);
        if driver.handle_datagram(to, machine, now, data) {
            return self.drain(to);
        }
        assert_eq!(before, driver.state(machine), "P3: a discarded datagram changed the state of {to:?}");
        self.check_silent(to, "P3: after a discarded datagram");
    }

    fn drain_both(&mut self) {
        self.drain(Side::Left);
        self.drain(Side::Right);
    }

    /// Takes everything the machine has to say (P4), and checks its next deadline (P2).
    fn drain(&mut self, side: Side) {
        let mut polls = 0;
        let mut buffer = std::mem::take(&mut self.buffer);
        let now = self.now;
        loop {
            let output = poll::<D>(&mut self.end_mut(side).machine, now, &mut buffer);
            match output {
                Output::Event(event) => self.digest.add(event.as_bytes()),
                Output::Datagrams(transmit, content) => self.transmit(side, transmit, content),
                Output::Nothing => break,
            }
            polls += 1;
            assert!(polls <= D::MAX_POLLS, "P4: {side:?} gave {polls} results in one drain");
        }
        self.buffer = buffer;
        let deadline = self.end_mut(side).machine.poll_timeout();
        assert!(
            deadline.is_none_or(|at| at > now),
            "P2: after a drain at {now} {side:?} wants to be called at {deadline:?}"
        );
    }

    fn transmit(&mut self, from: Side, transmit: Transmit, content: &[u8]) {
        let segment = transmit.segment_size.unwrap_or(content.len()).max(1);
        for datagram in content.chunks(segment) {
            self.digest.add(datagram);
            if let Some(again) = self.driver.rewrite(datagram) {
                assert_eq!(
                    again, datagram,
                    "P9: a datagram of {from:?} is written differently after parsing"
                );
            }
            self.carry(from, transmit.ecn, datagram);
        }
    }

    fn carry(&mut self, from: Side, ecn: Ecn, datagram: &[u8]) {
        let (now, mut data) = (self.now, datagram.to_vec());
        let passage = self.end_mut(from).link.carry(now, ecn, datagram.len() + 28, &mut data);
        let Ok(passage) = passage else { return };
        for at in [Some(passage.arrival), passage.second_arrival].into_iter().flatten() {
            self.under_way.insert((at, self.sent), (from.other(), data.clone()));
            self.sent += 1;
        }
    }

    /// P1. The machine was drained before.
    fn check_spurious_timeout(&mut self, side: Side) {
        let (driver, now) = (self.driver, self.now);
        let machine = &mut self.end_mut(side).machine;
        if machine.poll_timeout().is_some_and(|at| at <= now) {
            return;
        }
        let before = driver.state(machine);
        machine.handle_timeout(now);
        assert_eq!(
            before,
            driver.state(machine),
            "P1: a spurious timeout at {now} changed the state of {side:?}"
        );
        self.check_silent(side, "P1: after a spurious timeout");
    }

    /// P6.
    fn check_backwards_time(&mut self, side: Side) {
        let driver = self.driver;
        let earlier = self.now.saturating_sub(Duration::from_millis(1 + self.rng.below(5_000)));
        let machine = &mut self.end_mut(side).machine;
        let before = (driver.state(machine), machine.poll_timeout());
        machine.handle_timeout(earlier);
        let silent = matches!(poll::<D>(machine, earlier, &mut [0; 2048]), Output::Nothing);
        assert!(silent, "P6: backwards time made {side:?} speak");
        let after = (driver.state(machine), machine.poll_timeout());
        assert_eq!(before, after, "P6: backwards time changed the state of {side:?}");
    }

    /// P3, with bytes from nowhere and with damaged copies of what is under way.
    fn check_garbage(&mut self, to: Side) {
        let mut garbage = match self.under_way.values().next() {
            Some((_, data)) if self.rng.chance(1, 2) => data.clone(),
            _ => vec![0; usize::try_from(self.rng.below(200)).unwrap_or(0)],
        };
        let start = usize::try_from(self.rng.below(30)).unwrap_or(0).min(garbage.len());
        let noise = garbage.get_mut(start..).unwrap_or_default();
        self.rng.fill(noise);
        if self.scenario.corrupt {
            self.feed(to, &mut garbage);
        }
    }

    fn check_silent(&mut self, side: Side, when: &str) {
        let now = self.now;
        match poll::<D>(&mut self.end_mut(side).machine, now, &mut [0; 2048]) {
            Output::Nothing => {}
            Output::Event(event) => assert_eq!(event, "", "{when} {side:?} has an event"),
            Output::Datagrams(_, bytes) => assert_eq!(bytes, &[], "{when} {side:?} sends"),
        }
    }

    /// P8: both are closed, drained, and from then on nothing moves them.
    pub(super) fn check_closing(&mut self) {
        let now = self.now;
        for side in [Side::Left, Side::Right] {
            self.driver.close(&mut self.end_mut(side).machine, now);
            self.drain(side);
        }
        self.run_until(self.now + CLOSING);
        for side in [Side::Left, Side::Right] {
            self.check_closed(side);
        }
    }

    fn check_closed(&mut self, side: Side) {
        let driver = self.driver;
        for _ in 0..20 {
            let (now, choice) = (self.now, self.rng.u64());
            let mut garbage = vec![0; usize::try_from(choice % 100).unwrap_or(0)];
            self.rng.fill(&mut garbage);
            let machine = &mut self.end_mut(side).machine;
            assert!(driver.is_closed(machine), "P8: {side:?} is not closed for good");
            assert_eq!(machine.poll_timeout(), None, "P8: {side:?} is closed and waits for something");
            driver.operate(side, machine, now, choice);
            machine.handle_timeout(now);
            driver.handle_datagram(side, machine, now, &mut garbage);
            self.check_silent(side, "P8: closed,");
            self.now += Duration::from_secs(1);
        }
    }

    fn any_side(&mut self) -> Side {
        if self.rng.chance(1, 2) { Side::Left } else { Side::Right }
    }

    const fn end_mut(&mut self, side: Side) -> &mut End<D::Machine> {
        match side {
            Side::Left => &mut self.left,
            Side::Right => &mut self.right,
        }
    }
}

enum Output<'b> {
    Event(String),
    Datagrams(Transmit, &'b [u8]),
    Nothing,
}

/// The machine's next output in the order of the loop rule: events before datagrams.
fn poll<'b, D: Driver>(machine: &mut D::Machine, now: Instant, buffer: &'b mut [u8]) -> Output<'b> {
    if let Some(event) = machine.poll_event() {
        return Output::Event(format!("{event:?}"));
    }
    let mut packet = PacketBuf::new(buffer, D::ROOMS.0, D::ROOMS.1);
    match machine.poll_transmit(now, &mut packet) {
        Some(transmit) => Output::Datagrams(transmit, packet.finish()),
        None => Output::Nothing,
    }
}

/// FNV-1a, enough to compare two runs.
struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}
