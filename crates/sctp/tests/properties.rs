//! The properties every machine keeps, and what the steady state allocates.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::as_conversions,
    missing_docs,
    reason = "tests may panic"
)]

mod support;

use sendrecv_core::{Instant, Machine, PacketBuf};
use sendrecv_sctp::{Association, Config, Event, SendOptions};
use sendrecv_sim::{Allocations, Counting};
use std::time::Duration;
use support::{Link, Pair, payload};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Carries packets both ways, without a simulator that would allocate too.
fn carry(a: &mut Association, b: &mut Association, now: Instant) {
    let mut slab = [0; 2000];
    loop {
        let mut out = PacketBuf::new(&mut slab, 0, 0);
        if a.poll_transmit(now, &mut out).is_some() {
            b.handle_datagram(now, out.bytes()).unwrap();
            continue;
        }
        if b.poll_transmit(now, &mut out).is_some() {
            a.handle_datagram(now, out.bytes()).unwrap();
            continue;
        }
        return;
    }
}

#[test]
fn the_steady_state_allocates_once_per_message() {
    for interleaving in [false, true] {
        for (len, limit) in [(100, 1), (1000, 1), (64 << 10, 2)] {
            let mut pair = Pair::connected(&Config { interleaving, ..Config::default() }, Link::default(), 1);
            let mut now = pair.now;
            let mut cycle = |pair: &mut Pair<Association>| {
                let data = payload(1, len);
                let allocations = Allocations::start();
                pair.a.send(now, 0, 51, data, SendOptions::default()).unwrap();
                carry(&mut pair.a, &mut pair.b, now);
                while pair.b.poll_event().is_some() {}
                while pair.a.poll_event().is_some() {}
                let count = allocations.count();
                now += Duration::from_millis(30);
                pair.a.handle_timeout(now);
                pair.b.handle_timeout(now);
                carry(&mut pair.a, &mut pair.b, now);
                count
            };
            (0..50).for_each(|_| {
                cycle(&mut pair);
            });
            let total: u64 = (0..100).map(|_| cycle(&mut pair)).sum();
            assert!(total <= 100 * limit, "{total} allocations for 100 messages of {len} bytes");
        }
    }
}

#[test]
fn spurious_timeouts_and_time_that_runs_backwards_change_nothing() {
    let run = |disturb: bool| {
        let link = Link { loss: 50, jitter: Duration::from_millis(5), ..Link::default() };
        let mut pair = Pair::connected(&Config::default(), link, 7);
        pair.log = Some(Vec::new());
        for number in 0..40 {
            pair.a.send(pair.now, 0, number, payload(number, 4000), SendOptions::default()).unwrap();
        }
        let until = pair.now + Duration::from_secs(20);
        while pair.step(until) {
            if disturb {
                let early = |at: Option<Instant>, now| at.is_none_or(|at| at > now);
                if early(pair.a.poll_timeout(), pair.now) {
                    pair.a.handle_timeout(pair.now);
                    pair.a.handle_timeout(pair.now.saturating_sub(Duration::from_secs(1)));
                }
            }
        }
        (pair.log.take().unwrap(), pair.take_b_messages().len())
    };
    let (plain, disturbed) = (run(false), run(true));
    assert_eq!(plain.1, 40);
    assert!(plain == disturbed, "the same packets in the same order");
    assert!(plain == run(false), "the same inputs give the same outputs");
}

#[test]
fn after_a_drain_the_next_deadline_is_later() {
    let link = Link { loss: 100, rate: Some(500_000), ..Link::default() };
    let mut pair = Pair::connected(&Config::default(), link, 3);
    for number in 0..100 {
        pair.a.send(pair.now, 0, number, payload(number, 4000), SendOptions::default()).unwrap();
    }
    let until = pair.now + Duration::from_secs(30);
    while pair.step(until) {
        pair.drain();
        for at in [pair.a.poll_timeout(), pair.b.poll_timeout()].into_iter().flatten() {
            assert!(at > pair.now, "{:?} {:?}", pair.a.timeout_reason(), pair.b.timeout_reason());
        }
    }
}

#[test]
fn a_closed_association_stays_closed_and_drains() {
    let mut pair = Pair::connected(&Config::default(), Link::default(), 1);
    pair.a.send(pair.now, 0, 1, payload(1, 50_000), SendOptions::default()).unwrap();
    pair.drain();
    pair.a.abort(pair.now, "enough");
    pair.drain();
    assert!(matches!(pair.a_events.back(), Some(Event::Closed(_))));
    assert_eq!(pair.a.poll_timeout(), None);
    pair.run(Duration::from_secs(10));
    assert!(matches!(pair.b_events.back(), Some(Event::Closed(_))));
    assert_eq!((pair.a.poll_event(), pair.b.poll_event()), (None, None));
}
