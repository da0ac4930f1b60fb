//! A model of a TCP connection with CUBIC (RFC 9438) that is not ours: to see how ours shares a path with it.
//!
//! It sends full packets without pacing, has every second one acknowledged with what arrived, and takes a packet for lost
//! when three later ones arrived. What would be repaired is sent as a new packet.

use super::network::End;
use sendrecv_core::{Instant, earliest};
use std::collections::BTreeMap;
use std::time::Duration;

/// The length of a packet, without the 40 bytes of TCP and IPv4.
const PACKET: usize = 1460;
const C: f64 = 0.4;
const BETA: f64 = 0.7;
const RTO: Duration = Duration::from_millis(400);
const DELAYED_ACK: Duration = Duration::from_millis(40);

/// The sender.
pub struct TcpSender {
    in_flight: BTreeMap<u64, Instant>,
    next: u64,
    /// In packets.
    window: f64,
    threshold: f64,
    max_window: f64,
    reno_window: f64,
    epoch: Option<Instant>,
    /// Losses of packets before this belong to the present reduction.
    recovery: u64,
    round_trip: Duration,
    timeout_at: Option<Instant>,
    started: bool,
}

/// The receiver.
#[derive(Default)]
pub struct TcpReceiver {
    arrived: Vec<u64>,
    ack_at: Option<Instant>,
    due: bool,
    taken: u64,
}

/// A connection.
pub fn tcp_pair() -> [Box<dyn End>; 2] {
    let sender = TcpSender {
        in_flight: BTreeMap::new(),
        next: 0,
        window: 10.0,
        threshold: f64::INFINITY,
        max_window: 0.0,
        reno_window: 0.0,
        epoch: None,
        recovery: 0,
        round_trip: Duration::from_millis(100),
        timeout_at: None,
        started: false,
    };
    [Box::new(sender), Box::new(TcpReceiver::default())]
}

/// By Newton's method, so that every platform gets the same.
fn cube_root(number: f64) -> f64 {
    (0..60).fold(number.max(1.0), |root, _| (2.0 * root + number / (root * root)) / 3.0)
}

impl TcpSender {
    fn grow(&mut self, now: Instant) {
        if self.window < self.threshold {
            self.window += 1.0;
            return;
        }
        if self.epoch.is_none() {
            self.reno_window = self.window;
        }
        let epoch = *self.epoch.get_or_insert(now);
        let k = cube_root((self.max_window - self.window).max(0.0) / C);
        let t = (now - epoch + self.round_trip).as_secs_f64();
        let target =
            (C * (t - k) * (t - k) * (t - k) + self.max_window).clamp(self.window, self.window * 1.5);
        self.reno_window += 3.0 * (1.0 - BETA) / (1.0 + BETA) / self.window;
        self.window = (self.window + (target - self.window) / self.window).max(self.reno_window);
    }

    fn reduce(&mut self) {
        self.max_window =
            if self.window < self.max_window { self.window * (1.0 + BETA) / 2.0 } else { self.window };
        self.window = (self.window * BETA).max(2.0);
        self.threshold = self.window;
        self.epoch = None;
        self.recovery = self.next;
    }

    fn find_losses(&mut self, newest: u64) {
        while let Some((&oldest, _)) = self.in_flight.first_key_value() {
            if oldest + 3 > newest {
                break;
            }
            self.in_flight.pop_first();
            if oldest >= self.recovery {
                self.reduce();
            }
        }
    }
}

impl End for TcpSender {
    fn overhead(&self) -> usize {
        40
    }

    fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) {
        let numbers = datagram.chunks_exact(8).filter_map(|number| number.try_into().ok());
        for number in numbers.map(u64::from_be_bytes) {
            if let Some(sent_at) = self.in_flight.remove(&number) {
                self.round_trip = self.round_trip * 7 / 8 + (now - sent_at) / 8;
                self.grow(now);
            }
            self.find_losses(number);
        }
        self.timeout_at = Some(now + RTO);
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.timeout_at.is_some_and(|at| at <= now) {
            self.reduce();
            self.window = 1.0;
            self.in_flight.clear();
            self.timeout_at = Some(now + RTO);
        }
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.timeout_at
    }

    fn poll_transmit(&mut self, now: Instant, datagram: &mut Vec<u8>) -> bool {
        if !self.started || self.in_flight.len() as f64 >= self.window {
            return false;
        }
        datagram.extend_from_slice(&self.next.to_be_bytes());
        datagram.resize(PACKET, 0);
        self.in_flight.insert(self.next, now);
        self.next += 1;
        self.timeout_at.get_or_insert(now + RTO);
        true
    }

    fn is_ready(&self) -> bool {
        true
    }

    fn fill(&mut self, _: Instant) {
        self.started = true;
    }

    fn take(&mut self, _: Instant) -> u64 {
        0
    }
}

impl End for TcpReceiver {
    fn overhead(&self) -> usize {
        40
    }

    fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) {
        self.taken += datagram.len() as u64;
        self.arrived.extend(datagram.first_chunk().map(|number| u64::from_be_bytes(*number)));
        self.due |= self.arrived.len() >= 2;
        self.ack_at = earliest(self.ack_at, Some(now + DELAYED_ACK));
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.due |= self.ack_at.is_some_and(|at| at <= now);
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.ack_at
    }

    fn poll_transmit(&mut self, _: Instant, datagram: &mut Vec<u8>) -> bool {
        if !std::mem::take(&mut self.due) || self.arrived.is_empty() {
            return false;
        }
        for number in self.arrived.drain(..) {
            datagram.extend_from_slice(&number.to_be_bytes());
        }
        self.ack_at = None;
        true
    }

    fn is_ready(&self) -> bool {
        true
    }

    fn fill(&mut self, _: Instant) {}

    fn take(&mut self, _: Instant) -> u64 {
        std::mem::take(&mut self.taken)
    }
}
