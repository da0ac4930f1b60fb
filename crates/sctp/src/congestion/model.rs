//! Model-based congestion control of the BBR family: the path's bandwidth and round-trip time decide, not losses.
//!
//! The sender keeps two estimates, the highest delivery rate of the last ten round trips and the lowest round-trip time
//! of the last ten seconds, and sends at that rate with about their product in flight. It probes for more bandwidth by
//! sending a little faster for one round trip in eight, and for a lower round-trip time by letting the queue drain now
//! and then. Random losses change nothing; a round trip that loses much does.

use super::{Ack, CongestionControl, Parameters, bytes_at};
use crate::num::{narrow, wide};
use core::time::Duration;
use sendrecv_core::Instant;

const BANDWIDTH_ROUNDS: u64 = 10;
const MIN_RTT_LIFETIME: Duration = Duration::from_secs(10);
const PROBE_RTT_DURATION: Duration = Duration::from_millis(200);
/// 2/ln 2: the smallest gain that doubles the rate every round trip. Gains are in 1/256.
const STARTUP_GAIN: u64 = 739;
const DRAIN_GAIN: u64 = 88;
const UNITY: u64 = 256;
const WINDOW_GAIN: u64 = 512;
/// One round trip up, one down to drain what that queued, six to cruise just below the estimate.
const CYCLE: [u64; 8] = [320, 192, 253, 253, 253, 253, 253, 253];
/// A round trip that loses more than a fifth of its packets is a queue overflowing, not noise.
const LOSS_LIMIT: u64 = 5;
/// Fewer lost packets than this are noise whatever their share: one of four is a quarter.
const MIN_LOST_PACKETS: u64 = 6;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Startup,
    Drain,
    ProbeBandwidth { step: usize, since: Instant },
    ProbeRtt { until: Option<Instant> },
}

/// Follows the measured bandwidth and round-trip time.
#[derive(Clone, Debug)]
pub struct ModelBased {
    packet_size: usize,
    initial_window: usize,
    phase: Phase,
    bandwidth: MaxFilter,
    min_rtt: Duration,
    min_rtt_at: Instant,
    round: u64,
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
            bandwidth: MaxFilter::new(),
            min_rtt: Duration::MAX,
            min_rtt_at: Instant::ZERO,
            round: 0,
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

    fn gains(&self) -> (u64, u64) {
        match self.phase {
            Phase::Startup => (STARTUP_GAIN, STARTUP_GAIN),
            Phase::Drain => (DRAIN_GAIN, STARTUP_GAIN),
            Phase::ProbeBandwidth { step, .. } => (CYCLE.get(step).copied().unwrap_or(UNITY), WINDOW_GAIN),
            Phase::ProbeRtt { .. } => (UNITY, UNITY),
        }
    }

    fn start_round(&mut self, app_limited: bool) {
        self.round = self.round.saturating_add(1);
        let total = self.round_acked.saturating_add(self.round_lost);
        let heavy = self.round_lost.saturating_mul(LOSS_LIMIT) > total
            && self.round_lost >= wide(self.packet_size).saturating_mul(MIN_LOST_PACKETS);
        if self.phase == Phase::Startup {
            self.judge_startup(heavy, app_limited);
        } else if heavy {
            self.ceiling = self.window().saturating_mul(7) / 10;
        }
        (self.round_acked, self.round_lost) = (0, 0);
    }

    /// Startup ends when three rounds brought no quarter more bandwidth, or when the queue overflows. A round in which
    /// the application sent less than it might have shows neither.
    fn judge_startup(&mut self, heavy_loss: bool, app_limited: bool) {
        let bandwidth = self.bandwidth.get();
        if app_limited && !heavy_loss {
            return;
        }
        if bandwidth >= self.full_bandwidth.saturating_mul(5) / 4 {
            self.full_bandwidth = bandwidth;
            self.full_rounds = 0;
        } else {
            self.full_rounds = self.full_rounds.saturating_add(1);
        }
        if self.full_rounds >= 3 || heavy_loss {
            self.filled = true;
            self.phase = Phase::Drain;
        }
    }

    fn update_estimates(&mut self, ack: &Ack) {
        if let Some(delivery) = &ack.delivery {
            let rate = delivery.per_second();
            if !delivery.app_limited || rate > self.bandwidth.get() {
                self.bandwidth.update(self.round, rate);
            }
        }
        let Some(rtt) = ack.rtt else { return };
        if rtt <= self.min_rtt {
            (self.min_rtt, self.min_rtt_at) = (rtt, ack.now);
        }
    }

    fn check_min_rtt(&mut self, ack: &Ack) {
        let expired = ack.now.saturating_since(self.min_rtt_at) > MIN_RTT_LIFETIME;
        if expired && self.filled && !matches!(self.phase, Phase::ProbeRtt { .. }) {
            self.phase = Phase::ProbeRtt { until: None };
            if let Some(rtt) = ack.rtt {
                self.min_rtt = rtt;
            }
        }
    }

    fn advance(&mut self, ack: &Ack) {
        match self.phase {
            Phase::Startup => {}
            Phase::Drain => {
                if ack.in_flight <= self.target(UNITY) {
                    self.phase = Phase::ProbeBandwidth { step: 2, since: ack.now };
                }
            }
            Phase::ProbeBandwidth { step, since } => {
                let over = ack.now.saturating_since(since) > self.min_rtt;
                let drained = step == 1 && ack.in_flight <= self.target(UNITY);
                if over || drained {
                    let next = step.saturating_add(1) % CYCLE.len();
                    if next == 0 {
                        self.ceiling = self.ceiling.saturating_add(self.ceiling / 4);
                    }
                    self.phase = Phase::ProbeBandwidth { step: next, since: ack.now };
                }
            }
            Phase::ProbeRtt { until: None } => {
                if ack.in_flight <= self.probe_window() {
                    self.phase =
                        Phase::ProbeRtt { until: Some(ack.now + PROBE_RTT_DURATION.max(self.min_rtt)) };
                }
            }
            Phase::ProbeRtt { until: Some(until) } => {
                if ack.now >= until {
                    self.min_rtt_at = ack.now;
                    self.phase = Phase::ProbeBandwidth { step: 2, since: ack.now };
                }
            }
        }
    }

    /// What stays in flight while probing the round-trip time: half the product, enough not to starve.
    fn probe_window(&self) -> usize {
        (self.target(UNITY) / 2).max(self.packet_size.saturating_mul(4))
    }
}

impl CongestionControl for ModelBased {
    fn window(&self) -> usize {
        let minimum = self.packet_size.saturating_mul(4);
        let window = match self.phase {
            Phase::ProbeRtt { .. } => self.probe_window(),
            _ => self.target(self.gains().1).max(if self.filled { 0 } else { self.initial_window }),
        };
        let window = window.min(self.ceiling).max(minimum);
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
        Some((base.saturating_mul(self.gains().0) / UNITY).max(wide(self.packet_size)))
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

/// The highest value of the last ten rounds, by keeping the three best candidates (as Kathleen Nichols' filter does).
#[derive(Clone, Debug)]
struct MaxFilter {
    best: [(u64, u64); 3],
}

impl MaxFilter {
    const fn new() -> Self {
        Self { best: [(0, 0); 3] }
    }

    const fn get(&self) -> u64 {
        let [(_, best), ..] = self.best;
        best
    }

    fn update(&mut self, round: u64, value: u64) {
        let [first, second, third] = self.best;
        let new = (round, value);
        if value >= first.1 || round.saturating_sub(third.0) > BANDWIDTH_ROUNDS {
            self.best = [new; 3];
            return;
        }
        if value >= second.1 {
            self.best = [first, new, new];
        } else if value >= third.1 {
            self.best = [first, second, new];
        }
        self.age(round, new);
    }

    /// Lets candidates that left the window go, and refreshes seconds that are too close to the first.
    fn age(&mut self, round: u64, new: (u64, u64)) {
        let [first, second, third] = self.best;
        let age = round.saturating_sub(first.0);
        if age > BANDWIDTH_ROUNDS {
            self.best = [second, third, new];
        } else if second.0 == first.0 && age > BANDWIDTH_ROUNDS / 4 {
            self.best = [first, new, new];
        } else if third.0 == second.0 && age > BANDWIDTH_ROUNDS / 2 {
            self.best = [first, second, new];
        }
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
        (0..20).for_each(|number| round(&mut model, number, 0));
        let rate = model.pacing_rate(Duration::from_millis(100)).unwrap();
        assert!((750_000..=1_250_000).contains(&rate), "{rate}");
        assert_eq!(model.window(), 203_000);
    }

    #[test]
    fn random_loss_changes_nothing_and_heavy_loss_does() {
        let mut model = ModelBased::new(&PARAMETERS);
        (0..20).for_each(|number| round(&mut model, number, 2_000));
        assert_eq!(model.window(), 203_000);
        (20..22).for_each(|number| round(&mut model, number, 50_000));
        assert!(model.window() < 150_000, "{}", model.window());
    }

    #[test]
    fn the_bandwidth_of_old_rounds_is_forgotten() {
        let mut filter = MaxFilter::new();
        filter.update(0, 100);
        (1..=30).for_each(|round| filter.update(round, 10));
        assert_eq!(filter.get(), 10);
    }
}
