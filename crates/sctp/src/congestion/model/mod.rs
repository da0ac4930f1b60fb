//! Model-based congestion control of the BBR family: the path's bandwidth and round-trip time decide, not losses.
//!
//! The sender keeps two estimates, the highest delivery rate of the last ten round trips and the lowest round-trip time
//! of the last ten seconds, and sends at that rate with at most about twice their product in flight.
//!
//! ```text
//! Startup --- full, or losing much ---> Drain --- drained ---> Cruise <------------------.
//!                                                               | 5 rounds               | nothing gained
//!                                         .-- gained, no queue  v     1 round            |
//!                                         '------------------> Up --------------> Listen +
//!                                                                                        | a queue
//!                                                       Cruise <--- drained --- Down <---'
//! ```
//!
//! Whether the path is full is judged by the delivery rate, which then no longer grows, and by the round-trip time,
//! which then does (HyStart++). Random losses change nothing; a round trip that loses much does. What the draft of BBR
//! (draft-ietf-ccwg-bbr) has and this does not: its fine bounds on what is in flight after every loss.

mod aggregation;
mod filter;

use super::hystart::{Growth, HyStart};
use super::recent::Recent;
use super::{Ack, CongestionControl, Parameters, bytes_at};
use crate::num::{narrow, wide};
use aggregation::Aggregation;
use core::time::Duration;
use filter::MaxFilter;
use sendrecv_core::Instant;

const MIN_RTT_LIFETIME: Duration = Duration::from_secs(10);
const PROBE_RTT_DURATION: Duration = Duration::from_millis(200);
/// Gains are in 1/256. This is 2/ln 2: the smallest that doubles the rate every round trip.
const STARTUP_GAIN: u64 = 739;
const DRAIN_GAIN: u64 = 88;
const UP_GAIN: u64 = 320;
const DOWN_GAIN: u64 = 192;
/// Just below the estimate, which is a maximum and so a little high.
const CRUISE_GAIN: u64 = 253;
const UNITY: u64 = 256;
/// Of the product in flight at most; the queue cannot grow beyond one round trip by this.
const WINDOW_GAIN: u64 = 512;
const CRUISE_ROUNDS: u64 = 5;
/// A round trip that loses more than a twelfth of its packets is a queue overflowing, not noise.
const LOSS_LIMIT: u64 = 12;
/// Fewer lost packets than this are noise whatever their share: one of four is a quarter.
const MIN_LOST_PACKETS: u64 = 6;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Doubling until the path is full.
    Startup,
    /// Emptying the queue that doubling made.
    Drain,
    /// At the estimate.
    Cruise,
    /// A quarter above the estimate, for one round, to see whether there is more.
    Up,
    /// At the estimate, for the round in which the answer comes.
    Listen,
    /// Emptying the queue that probing made.
    Down,
    /// With little in flight, to see the round-trip time without a queue of ours; until then.
    ProbeRtt(Option<Instant>),
}

/// Follows the measured bandwidth and round-trip time.
#[derive(Clone, Debug)]
pub struct ModelBased {
    packet_size: usize,
    initial_window: usize,
    phase: Phase,
    /// The round in which the phase began, and the bandwidth as it was when probing for more began.
    phase_round: u64,
    bandwidth_before: u64,
    bandwidth: MaxFilter,
    aggregation: Aggregation,
    min_rtt: Duration,
    min_rtt_at: Instant,
    round: u64,
    recent_rtt: Recent,
    hystart: HyStart,
    /// The bandwidth when it last grew by a quarter, and for how many rounds it has not.
    full_bandwidth: u64,
    full_rounds: u32,
    filled: bool,
    /// Bytes acknowledged and lost in this round trip.
    round_acked: u64,
    round_lost: u64,
    /// A ceiling learnt from heavy loss, raised again by probing.
    ceiling: usize,
    /// After a timeout: start from one packet and count up with deliveries.
    conserving: Option<usize>,
}

impl ModelBased {
    /// A controller that knows nothing yet.
    pub const fn new(parameters: &Parameters) -> Self {
        Self {
            packet_size: parameters.packet_size,
            initial_window: parameters.initial_window,
            phase: Phase::Startup,
            phase_round: 0,
            bandwidth_before: 0,
            bandwidth: MaxFilter::new(),
            aggregation: Aggregation::new(),
            min_rtt: Duration::MAX,
            min_rtt_at: Instant::ZERO,
            round: 0,
            recent_rtt: Recent::new(),
            hystart: HyStart::new(),
            full_bandwidth: 0,
            full_rounds: 0,
            filled: false,
            round_acked: 0,
            round_lost: 0,
            ceiling: usize::MAX,
            conserving: None,
        }
    }

    /// The bandwidth-delay product times `gain`.
    fn target(&self, gain: u64) -> usize {
        if self.min_rtt == Duration::MAX || self.bandwidth.get() == 0 {
            return self.initial_window;
        }
        let product = bytes_at(self.bandwidth.get(), self.min_rtt);
        narrow(product.saturating_mul(gain) / UNITY).saturating_add(self.packet_size.saturating_mul(3))
    }

    const fn pacing_gain(&self) -> u64 {
        match self.phase {
            Phase::Startup if self.hystart.is_conservative() => UNITY,
            Phase::Startup => STARTUP_GAIN,
            Phase::Drain => DRAIN_GAIN,
            Phase::Cruise => CRUISE_GAIN,
            Phase::Up => UP_GAIN,
            Phase::Down => DOWN_GAIN,
            Phase::Listen | Phase::ProbeRtt(_) => UNITY,
        }
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.phase_round = self.round;
        if phase == Phase::Up {
            self.bandwidth_before = self.bandwidth.get();
            self.ceiling = self.ceiling.saturating_add(self.ceiling / 4);
        }
    }

    fn start_round(&mut self, app_limited: bool) {
        self.round = self.round.saturating_add(1);
        let heavy_loss = self.loses_much();
        match self.phase {
            Phase::Startup => self.judge_startup(app_limited),
            _ if heavy_loss => self.give_way(),
            _ => self.judge_round(),
        }
        (self.round_acked, self.round_lost) = (0, 0);
    }

    /// A queue overflows: less than the product in flight for now, which makes room for others, and no more probing.
    fn give_way(&mut self) {
        self.ceiling = self.target(UNITY).min(self.window()) / 20 * 17;
        self.enter(Phase::Cruise);
    }

    /// Whether so much of this round was lost that a queue overflows. Once it is more than a part of the window, the
    /// rest of the round need not be waited for.
    fn loses_much(&self) -> bool {
        let total = self.round_acked.saturating_add(self.round_lost).max(wide(self.window()) / 2);
        self.round_lost.saturating_mul(LOSS_LIMIT) > total
            && self.round_lost >= wide(self.packet_size).saturating_mul(MIN_LOST_PACKETS)
    }

    /// Startup ends when three rounds brought no quarter more bandwidth. A round in which the application sent less
    /// than it might have shows nothing.
    fn judge_startup(&mut self, app_limited: bool) {
        if app_limited {
            return;
        }
        if self.bandwidth.get() >= self.full_bandwidth.saturating_mul(5) / 4 {
            self.full_bandwidth = self.bandwidth.get();
            self.full_rounds = 0;
        } else {
            self.full_rounds = self.full_rounds.saturating_add(1);
        }
        if self.full_rounds >= 3 {
            self.end_startup();
        }
    }

    fn end_startup(&mut self) {
        self.filled = true;
        self.enter(Phase::Drain);
    }

    /// Goes from step to step of probing.
    fn judge_round(&mut self) {
        let rounds = self.round.saturating_sub(self.phase_round);
        match self.phase {
            Phase::Cruise if rounds >= CRUISE_ROUNDS => self.enter(Phase::Up),
            Phase::Up => self.enter(Phase::Listen),
            Phase::Listen if self.has_queue() => self.enter(Phase::Down),
            Phase::Listen => {
                let gained = self.bandwidth.get() >= self.bandwidth_before.saturating_mul(9) / 8;
                self.enter(if gained { Phase::Up } else { Phase::Cruise });
            }
            Phase::Down => self.enter(Phase::Cruise),
            _ => {}
        }
    }

    /// Whether not one of the last packets found the queue empty.
    fn has_queue(&self) -> bool {
        let slack = (self.min_rtt / 16).max(Duration::from_millis(1));
        self.recent_rtt.lowest() > self.min_rtt.saturating_add(slack)
    }

    fn update_estimates(&mut self, ack: &Ack) {
        if let Some(delivery) = &ack.delivery {
            let rate = delivery.per_second();
            if !delivery.app_limited || rate > self.bandwidth.get() {
                self.bandwidth.update(self.round, rate);
            }
        }
        if self.filled {
            self.aggregation.on_ack(ack.now, ack.acked, self.bandwidth.get(), self.round);
        }
        let Some(rtt) = ack.rtt else { return };
        self.recent_rtt.add(rtt);
        if rtt <= self.min_rtt {
            (self.min_rtt, self.min_rtt_at) = (rtt, ack.now);
        }
    }

    fn check_min_rtt(&mut self, ack: &Ack) {
        let expired = ack.now.saturating_since(self.min_rtt_at) > MIN_RTT_LIFETIME;
        if expired && self.filled && !matches!(self.phase, Phase::ProbeRtt(_)) {
            self.enter(Phase::ProbeRtt(None));
            if let Some(rtt) = ack.rtt {
                self.min_rtt = rtt;
            }
        }
    }

    fn advance(&mut self, ack: &Ack) {
        match self.phase {
            Phase::Startup if self.hystart.on_ack(ack) == Growth::Over || self.loses_much() => {
                self.end_startup();
            }
            Phase::Drain | Phase::Down if ack.in_flight <= self.target(UNITY) => self.enter(Phase::Cruise),
            Phase::ProbeRtt(None) if ack.in_flight <= self.probe_window() => {
                let until = ack.now + PROBE_RTT_DURATION.max(self.min_rtt);
                self.enter(Phase::ProbeRtt(Some(until)));
            }
            Phase::ProbeRtt(Some(until)) if ack.now >= until => {
                self.min_rtt_at = ack.now;
                self.enter(Phase::Cruise);
            }
            _ => {}
        }
    }

    /// What stays in flight while probing the round-trip time: half the product, enough not to starve.
    fn probe_window(&self) -> usize {
        (self.target(UNITY) / 2).max(self.packet_size.saturating_mul(4))
    }

    /// Twice the product, with what bunched acknowledgements need on top, at most another product.
    fn steady_window(&self) -> usize {
        let excess = narrow(self.aggregation.excess()).min(self.target(UNITY));
        self.target(WINDOW_GAIN).saturating_add(excess)
    }
}

impl CongestionControl for ModelBased {
    fn window(&self) -> usize {
        let window = match self.phase {
            Phase::ProbeRtt(_) => self.probe_window(),
            _ if self.filled => self.steady_window(),
            _ => self.target(WINDOW_GAIN).max(self.initial_window),
        };
        let window = window.min(self.ceiling).max(self.packet_size.saturating_mul(4));
        self.conserving.map_or(window, |conserving| conserving.min(window))
    }

    fn pacing_rate(&self, smoothed_rtt: Duration) -> Option<u64> {
        if smoothed_rtt < super::PACING_MIN_RTT {
            return None;
        }
        let base = match self.bandwidth.get() {
            0 => super::rate(wide(self.initial_window), smoothed_rtt),
            bandwidth => bandwidth,
        };
        Some((base.saturating_mul(self.pacing_gain()) / UNITY).max(wide(self.packet_size)))
    }

    fn on_ack(&mut self, ack: &Ack) {
        self.round_acked = self.round_acked.saturating_add(wide(ack.acked));
        self.round_lost = self.round_lost.saturating_add(wide(ack.lost));
        self.update_estimates(ack);
        if ack.round_started {
            self.start_round(ack.delivery.is_some_and(|delivery| delivery.app_limited));
        }
        if let Some(conserving) = self.conserving {
            let grown = conserving.saturating_add(ack.acked.saturating_mul(2));
            self.conserving = (grown < self.target(WINDOW_GAIN)).then_some(grown);
        }
        self.check_min_rtt(ack);
        self.advance(ack);
    }

    fn on_congestion(&mut self, _: Instant, _: usize) {}

    fn on_timeout(&mut self, _: Instant) {
        self.conserving = Some(self.packet_size);
    }

    fn on_spurious(&mut self) {
        self.conserving = None;
    }

    fn set_packet_size(&mut self, bytes: usize) {
        self.packet_size = bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::super::DeliveryRate;
    use super::super::tests_support::ack;
    use super::*;

    const PARAMETERS: Parameters = Parameters { packet_size: 1000, initial_window: 10_000 };

    /// A round trip of 100 ms at 1 MB/s.
    fn round(model: &mut ModelBased, number: u64, lost: usize) {
        model.on_ack(&Ack {
            lost,
            in_flight: 100_000,
            rtt: Some(Duration::from_millis(100)),
            round_started: true,
            delivery: Some(DeliveryRate {
                bytes: 100_000,
                interval: Duration::from_millis(100),
                app_limited: false,
            }),
            ..ack(number * 100, 100_000)
        });
    }

    #[test]
    fn a_steady_rate_becomes_the_pacing_rate_and_its_product_the_window() {
        let mut model = ModelBased::new(&PARAMETERS);
        (0..4).for_each(|number| round(&mut model, number, 0));
        assert_eq!(model.window(), 203_000);
        (4..20).for_each(|number| round(&mut model, number, 0));
        let rate = model.pacing_rate(Duration::from_millis(100)).unwrap();
        assert!((750_000..=1_250_000).contains(&rate), "{rate}");
    }

    #[test]
    fn random_loss_changes_nothing_and_heavy_loss_does() {
        let mut model = ModelBased::new(&PARAMETERS);
        (0..20).for_each(|number| round(&mut model, number, 2_000));
        let before = model.window();
        assert!(before >= 203_000, "{before}");
        (20..22).for_each(|number| round(&mut model, number, 100_000));
        assert!(model.window() < before / 10 * 6, "{}", model.window());
    }

    /// Probes for more bandwidth, with this answer.
    fn probe(model: &mut ModelBased, rtt_ms: u64, bytes: u64) -> Phase {
        model.enter(Phase::Up);
        for number in 0..18 {
            model.on_ack(&Ack {
                in_flight: 1_000_000,
                rtt: Some(Duration::from_millis(rtt_ms)),
                round_started: number % 9 == 8,
                delivery: Some(DeliveryRate {
                    bytes,
                    interval: Duration::from_millis(100),
                    app_limited: false,
                }),
                ..ack(3000 + number * 10, 10_000)
            });
        }
        model.phase
    }

    #[test]
    fn probing_stops_at_a_queue_and_goes_on_while_it_gains() {
        let mut model = ModelBased::new(&PARAMETERS);
        (0..20).for_each(|number| round(&mut model, number, 0));
        assert_eq!(probe(&mut model, 100, 100_000), Phase::Cruise);
        assert_eq!(probe(&mut model, 125, 100_000), Phase::Down);
        assert_eq!(probe(&mut model, 100, 125_000), Phase::Up);
    }
}
