//! What loss says about the bandwidth: whether there is less of it when less is sent.
//!
//! A path loses some packets whatever is sent, and those that exceed its bandwidth. With the loss *p* of the path and the
//! bandwidth *B*, a sender at rate *S* loses `p + (1 - p) · max(0, 1 - B / S)`. Of a few candidates for *B*, each with the
//! *p* that suits it best by least squares, the one is taken that explains the last seconds best, and of those that do
//! nearly as well the largest. Integers throughout: parts per million.

use alloc::collections::VecDeque;
use core::time::Duration;
use sendrecv_core::Instant;

/// Observations that are looked back upon.
const WINDOW: usize = 20;
/// What an observation spans at least,
const MIN_SPAN: Duration = Duration::from_millis(250);
/// and how many packets.
const MIN_PACKETS: u64 = 20;
const ALL: i64 = 1_000_000;
/// Loss of this many millionths is held to be the path's without further evidence.
const TOLERATED: i64 = 60_000;
/// Most loss that is ever held to be the path's.
const MAX_INHERENT: i64 = 300_000;
/// From that on the path is said to lose packets.
const NOTABLE: i64 = 30_000;
/// As many packets speak against a path that loses more than that.
const PRIOR_PACKETS: i128 = 60;
/// By how much a smaller bandwidth must explain better, in packets times squared millionths: 30 packets by 5 %.
const MARGIN: i128 = 30 * 50_000 * 50_000;
/// An observation counts for so many packets at most.
const MOST_PACKETS: u64 = 10_000;
/// So badly explained is what happens on a path that has changed: 50 packets by 25 %.
const SURPRISE: i128 = 50 * 250_000 * 250_000;
/// Bandwidths that are considered, in hundredths of the highest rate of the window, from above.
const CANDIDATES: [i64; 14] = [98, 95, 92, 89, 86, 82, 78, 74, 70, 64, 58, 50, 40, 30];
/// The weight of an observation against the next, in hundredths.
const AGING: i128 = 90;

#[derive(Clone, Copy, Debug)]
struct Observation {
    /// Bits per second that were sent.
    rate: u64,
    packets: u64,
    /// Millionths of them.
    lost: i64,
}

/// The observation under way.
#[derive(Clone, Copy, Debug)]
struct Span {
    first_sent: Instant,
    last_sent: Instant,
    bytes: u64,
    packets: u64,
    lost: u64,
}

/// Estimates the bandwidth from loss.
#[derive(Clone, Debug)]
pub(super) struct LossModel {
    span: Option<Span>,
    observations: VecDeque<Observation>,
    limit: Option<u64>,
    inherent: i64,
    /// How much of loss is not taken for congestion, as was learned.
    tolerated: i64,
}

/// One explanation of what was observed.
#[derive(Clone, Copy, Debug)]
struct Explanation {
    bandwidth: Option<u64>,
    inherent: i64,
    cost: i128,
}

impl LossModel {
    pub(super) fn new() -> Self {
        Self {
            span: None,
            observations: VecDeque::with_capacity(WINDOW + 1),
            limit: None,
            inherent: 0,
            tolerated: TOLERATED,
        }
    }

    /// The most that loss permits, in bits per second; `None`: anything.
    pub(super) const fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// What would arrive of `bps` if nothing but congestion lost packets, given what did arrive.
    pub(super) fn without_loss_of_path(&self, bps: u64) -> u64 {
        let left = u64::try_from(ALL - self.inherent).unwrap_or(1).max(1);
        let all = u64::try_from(ALL).unwrap_or(1);
        u64::try_from(u128::from(bps) * u128::from(all) / u128::from(left)).unwrap_or(u64::MAX)
    }

    /// Whether the path loses packets by itself.
    pub(super) const fn is_lossy(&self) -> bool {
        self.inherent > NOTABLE
    }

    /// Takes a packet that feedback has told of for the first time, in the order of sending.
    pub(super) fn reported(&mut self, sent: Instant, bytes: u64, lost: bool) {
        let fresh = Span { first_sent: sent, last_sent: sent, bytes: 0, packets: 0, lost: 0 };
        let span = self.span.get_or_insert(fresh);
        span.last_sent = span.last_sent.max(sent);
        span.bytes = span.bytes.saturating_add(bytes);
        span.packets += 1;
        span.lost += u64::from(lost);
    }

    /// A packet that was reported missing arrived after all.
    pub(super) fn found(&mut self) {
        if let Some(span) = &mut self.span {
            span.lost = span.lost.saturating_sub(1);
        }
    }

    /// Looks whether an observation is complete.
    pub(super) fn update(&mut self) {
        let Some(span) = self.span else { return };
        let length = span.last_sent.saturating_since(span.first_sent);
        if length < MIN_SPAN || span.packets < MIN_PACKETS {
            return;
        }
        self.span = None;
        let micros = u64::try_from(length.as_micros()).unwrap_or(u64::MAX).max(1);
        let lost = i64::try_from(span.lost.saturating_mul(1_000_000) / span.packets).unwrap_or(ALL);
        let rate = (span.bytes.saturating_mul(8_000_000) / micros).max(1);
        self.observations.push_back(Observation { rate, packets: span.packets, lost });
        if self.observations.len() > WINDOW {
            self.observations.pop_front();
        }
        if self.is_surprising(rate, span.packets, lost) {
            self.observations.drain(..self.observations.len() - 1);
        }
        self.decide(rate, lost);
    }

    /// Whether the path must have changed, as nothing so far explains what happens now.
    fn is_surprising(&self, rate: u64, packets: u64, lost: i64) -> bool {
        let error = i128::from(lost - expected(rate, self.limit, self.inherent));
        self.observations.len() > 1 && i128::from(packets.min(MOST_PACKETS)) * error * error > SURPRISE
    }

    fn decide(&mut self, rate: u64, lost: i64) {
        let most = self.observations.iter().map(|seen| seen.rate).max().unwrap_or(rate);
        let anything = self.explain(None);
        let limits = CANDIDATES.map(|hundredths| self.explain(Some(scale(most, hundredths * 10_000))));
        let least = limits.iter().fold(anything.cost, |least, candidate| least.min(candidate.cost));
        let good = least.saturating_add(MARGIN);
        let from_above = core::iter::once(anything).chain(limits);
        let best = from_above.into_iter().find(|candidate| candidate.cost <= good).unwrap_or(anything);
        (self.limit, self.inherent) = (best.bandwidth, best.inherent);
        // What the path was seen to lose when congestion cannot have been the reason, it may lose again; the memory of it
        // fades in a minute.
        let of_congestion = self.explain(Some(scale(rate, ALL - lost)));
        let proven = of_congestion.cost > good && best.bandwidth.is_none();
        let remembered = self.tolerated - (self.tolerated - TOLERATED) / 200;
        self.tolerated = remembered.max(if proven { best.inherent } else { TOLERATED });
    }

    /// How well a bandwidth explains the observations, with the loss of the path that suits it best.
    fn explain(&self, bandwidth: Option<u64>) -> Explanation {
        let (mut above, mut below) = (0, 0);
        for (weight, of_congestion, lost) in self.weighted(bandwidth) {
            let passed = i128::from(ALL - of_congestion);
            above += weight * i128::from(lost - of_congestion) * passed;
            below += weight * passed * passed;
        }
        let fitting = above.saturating_mul(i128::from(ALL)) / below.max(1);
        let inherent = i64::try_from(fitting.clamp(0, i128::from(MAX_INHERENT))).unwrap_or(0);
        let errors = self.weighted(bandwidth).map(|(weight, of_congestion, lost)| {
            let error = i128::from(lost - of_either(of_congestion, inherent));
            weight * error * error / 100
        });
        let unlikely = i128::from((inherent - self.tolerated).max(0));
        Explanation { bandwidth, inherent, cost: errors.sum::<i128>() + PRIOR_PACKETS * unlikely * unlikely }
    }

    /// Of each observation, the newest first: its weight in hundredths of packets, the loss that the bandwidth makes
    /// there, and the loss that was seen.
    fn weighted(&self, bandwidth: Option<u64>) -> impl Iterator<Item = (i128, i64, i64)> {
        let mut age = 100;
        self.observations.iter().rev().map(move |seen| {
            let weight = i128::from(seen.packets.min(MOST_PACKETS)) * age;
            age = age * AGING / 100;
            (weight, expected(seen.rate, bandwidth, 0), seen.lost)
        })
    }
}

/// What is lost at a rate where the path carries so much and loses so much anyhow.
fn expected(rate: u64, bandwidth: Option<u64>, inherent: i64) -> i64 {
    let excess = bandwidth.map_or(0, |bandwidth| rate.saturating_sub(bandwidth));
    let share = u128::from(excess) * 1_000_000 / u128::from(rate.max(1));
    of_either(i64::try_from(share).unwrap_or(ALL), inherent)
}

/// What is lost for one reason or the other.
const fn of_either(of_congestion: i64, inherent: i64) -> i64 {
    of_congestion + inherent * (ALL - of_congestion) / ALL
}

fn scale(bps: u64, millionths: i64) -> u64 {
    let scaled = u128::from(bps) * u128::from(millionths.unsigned_abs()) / 1_000_000;
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendrecv_core::{Rng, Seed};

    /// Sends at `rate` for some observations over a path that loses `percent` and carries `carried`.
    fn send(model: &mut LossModel, rng: &mut Rng, at: &mut Instant, rate: u64, percent: u64, carried: u64) {
        let gap = Duration::from_micros(1200 * 8 * 1_000_000 / rate);
        for _ in 0..rate * 26 / 100 / 9600 {
            let lost = rng.chance(percent, 100) || rate > carried && rng.chance(rate - carried, rate);
            model.reported(*at, 1200, lost);
            *at += gap;
        }
        model.update();
    }

    #[test]
    fn what_a_path_loses_at_any_rate_is_not_taken_for_congestion() {
        for percent in [0, 2, 5, 10] {
            let (mut model, mut rng) = (LossModel::new(), Seed::from_u64(percent).rng());
            let (mut at, mut rate) = (Instant::ZERO, 1_000_000);
            for _ in 0..80 {
                send(&mut model, &mut rng, &mut at, rate, percent, u64::MAX);
                rate = model.limit().unwrap_or(rate * 108 / 100).min(3_000_000);
            }
            assert!(rate > 2_000_000, "{rate} at {percent} %");
        }
    }

    #[test]
    fn what_exceeds_the_bandwidth_is() {
        let (mut model, mut rng) = (LossModel::new(), Seed::from_u64(1).rng());
        let (mut at, mut rate, mut sum) = (Instant::ZERO, 500_000, 0);
        for round in 0..100 {
            send(&mut model, &mut rng, &mut at, rate, 0, 1_000_000);
            rate = model.limit().map_or(rate * 102 / 100, |limit| limit.min(rate * 102 / 100)).min(3_000_000);
            sum += if round >= 50 { rate } else { 0 };
        }
        let mean = sum / 50;
        assert!((850_000..1_200_000).contains(&mean), "{mean}");
    }

    #[test]
    fn a_sudden_policer_is_obeyed_within_two_observations() {
        let (mut model, mut rng, mut at) = (LossModel::new(), Seed::from_u64(1).rng(), Instant::ZERO);
        (0..20).for_each(|_| send(&mut model, &mut rng, &mut at, 3_000_000, 0, 5_000_000));
        assert_eq!(model.limit(), None);
        (0..2).for_each(|_| send(&mut model, &mut rng, &mut at, 3_000_000, 0, 1_000_000));
        let limit = model.limit().unwrap();
        assert!((800_000..1_300_000).contains(&limit), "{limit}");
    }
}
