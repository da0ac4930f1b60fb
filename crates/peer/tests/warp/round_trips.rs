//! How many round trips it takes until the first message has arrived, counted from when both sides have both descriptions;
//! one path, whose round trip takes 50 ms. A message
//! is sent when the channel is open, or "early": when it is created, with `send_early`. `SENDRECV_UPDATE=1` takes a changed table over.

use crate::support::Pair;
use sendrecv::{Configuration, DataChannelId, DataChannelInit, Event, Message, SessionDescription, Settings};
use sendrecv_core::Instant;
use std::fmt::Write;
use std::time::Duration;

const ROUND_TRIP: Duration = Duration::from_millis(50);
const MINUTE: Duration = Duration::from_secs(60);
const LOSSES: [u64; 3] = [0, 5, 25];

/// Who opens the DTLS connection, and what both sides can do.
#[derive(Clone, Copy, Debug)]
struct Case {
    offerer_is_client: bool,
    /// Whether it is the offerer who has something to say.
    offerer_sends: bool,
    snap: bool,
    sped: bool,
    /// Whether it is handed over when the channel is created, not when that is open.
    early: bool,
}

impl Case {
    fn all() -> impl Iterator<Item = Self> {
        (0..16u8).map(|bits| Self {
            sped: bits & 8 != 0,
            snap: bits & 4 != 0,
            offerer_is_client: bits & 2 != 0,
            offerer_sends: bits & 1 == 0,
            early: false,
        })
    }

    fn configuration(self) -> Configuration {
        let settings = Settings { snap: self.snap, sped: self.sped, ..Settings::default() };
        Configuration { settings, ..Configuration::default() }
    }

    /// Round trips to the first message, by the median of `seeds` runs.
    fn median(self, loss_percent: u64, seeds: u64) -> f64 {
        let both = || [self.configuration(), self.configuration()];
        let mut all: Vec<f64> = (0..seeds).map(|seed| self.run(both(), loss_percent, seed)).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    }

    fn run(self, [offerer, answerer]: [Configuration; 2], loss_percent: u64, seed: u64) -> f64 {
        let mut pair = Pair::with_seed(offerer, answerer, seed);
        pair.delay = ROUND_TRIP / 2;
        pair.loss_percent = loss_percent;
        let now = pair.now;
        let init = DataChannelInit { negotiated: true, id: Some(0), ..DataChannelInit::default() };
        let channels: Vec<DataChannelId> = pair
            .sides
            .iter_mut()
            .map(|side| side.pc.create_data_channel(now, "chat", init.clone()).unwrap())
            .collect();
        let (from, hello) = (usize::from(!self.offerer_sends), Message::from("hello"));
        if self.early {
            pair.sides[from].pc.send_early(now, channels[from], hello).unwrap();
            self.negotiate(&mut pair);
        } else {
            self.negotiate(&mut pair);
            let opened = |event: &Event| matches!(event, Event::DataChannelOpen(_));
            assert!(pair.run_until(MINUTE, |pair| pair.sides[from].has(opened)), "{self:?}, seed {seed}");
            let now = pair.now;
            pair.sides[from].pc.send(now, channels[from], hello).unwrap();
        }
        let arrived = |event: &Event| matches!(event, Event::DataChannelMessage { .. });
        let arrived = pair.run_until(MINUTE, |pair| pair.sides[1 - from].has(arrived));
        assert!(arrived, "{self:?}, {loss_percent} % lost, seed {seed}");
        (pair.now - Instant::ZERO).as_secs_f64() / ROUND_TRIP.as_secs_f64()
    }

    /// Side 0 offers. The roles are chosen by what the offer says to the other side.
    fn negotiate(self, pair: &mut Pair) {
        let now = pair.now;
        pair.sides[0].pc.set_local_description(now, None).unwrap();
        let offer = pair.sides[0].pc.local_description().unwrap().sdp;
        let setup = if self.offerer_is_client { "a=setup:active" } else { "a=setup:passive" };
        let offer = SessionDescription::offer(offer.replace("a=setup:actpass", setup));
        pair.sides[1].pc.set_remote_description(now, offer).unwrap();
        pair.sides[1].pc.set_local_description(now, None).unwrap();
        let answer = pair.sides[1].pc.local_description().unwrap();
        pair.sides[0].pc.set_remote_description(now, answer).unwrap();
    }

    fn name(self) -> String {
        let word = |on: bool, word: &str| if on { word.to_owned() } else { "-".repeat(word.len()) };
        let client = if self.offerer_is_client { "offerer" } else { "answerer" };
        let sender = if self.offerer_sends { "offerer" } else { "answerer" };
        format!("{} {} | {client:8} | {sender:8}", word(self.sped, "sped"), word(self.snap, "snap"))
    }
}

#[test]
fn round_trips_to_the_first_message_are_as_the_snapshot_says() {
    let seeds = if std::env::var_os("SENDRECV_DEEP").is_some() { 201 } else { 15 };
    let mut table = String::from("          | client   | sender   | early |  0 % |  5 % | 25 %\n");
    for case in Case::all() {
        write!(table, "{} | {:5.1}", case.name(), Case { early: true, ..case }.median(0, 1)).unwrap();
        for loss in LOSSES {
            let seeds = if loss == 0 { 1 } else { seeds };
            write!(table, " | {:4.1}", case.median(loss, seeds)).unwrap();
        }
        table.push('\n');
    }
    println!("{table}");
    if seeds > 15 {
        return;
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots/round_trips.txt");
    if std::env::var_os("SENDRECV_UPDATE").is_some() {
        std::fs::write(path, &table).unwrap();
    }
    let snapshot = std::fs::read_to_string(path).unwrap();
    assert_eq!(without_loss(&table), without_loss(&snapshot), "SENDRECV_UPDATE=1 takes this over:\n{table}");
}

/// The columns that are the same whatever is changed in how losses are made good; those with loss are for people.
fn without_loss(table: &str) -> Vec<&str> {
    table.lines().filter_map(|line| line.rsplitn(3, " | ").last()).collect()
}

#[test]
fn two_of_ours_need_two_round_trips_at_most() {
    let case = Case { offerer_is_client: true, offerer_sends: true, snap: true, sped: true, early: false };
    let round_trips = case.median(0, 1);
    assert!(round_trips <= 2.0, "{round_trips}");
}

#[test]
fn towards_a_peer_that_has_neither_three_and_a_half_round_trips_are_enough() {
    for case in Case::all().filter(|case| !case.snap && !case.sped) {
        let round_trips = Case { early: true, ..case }.median(0, 1);
        let server_sends = case.offerer_is_client != case.offerer_sends;
        assert!((round_trips - if server_sends { 3.0 } else { 3.5 }).abs() < 0.01, "{case:?}: {round_trips}");
    }
}

#[test]
fn a_peer_that_has_neither_costs_what_it_does_without() {
    for case in Case::all().filter(|case| case.snap && case.sped) {
        let neither = Case { snap: false, sped: false, ..case };
        let expected = neither.median(0, 1);
        for [offerer, answerer] in [[case, neither], [neither, case]] {
            let round_trips = case.run([offerer.configuration(), answerer.configuration()], 0, 0);
            assert_eq!(round_trips, expected, "{case:?}");
        }
    }
}
