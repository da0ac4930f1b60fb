//! One direction of a wire, with everything that goes wrong on wires.

use sendrecv_core::{Ecn, Instant, Rng};
use std::time::Duration;

/// A probability in parts per million, so that no float decides what happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chance(u32);

impl Chance {
    /// Never.
    pub const NEVER: Self = Self(0);

    /// `percent` in a hundred.
    pub const fn percent(percent: u32) -> Self {
        Self(percent.saturating_mul(10_000))
    }

    /// `parts` in a million.
    pub const fn per_million(parts: u32) -> Self {
        Self(parts)
    }

    /// Whether it happens this time. Draws nothing when the outcome is certain.
    pub fn happens(self, rng: &mut Rng) -> bool {
        match self.0 {
            0 => false,
            1_000_000.. => true,
            parts => rng.chance(u64::from(parts), 1_000_000),
        }
    }
}

/// How packets get lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Loss {
    /// Not at all.
    #[default]
    None,
    /// Each on its own.
    Random(Chance),
    /// In bursts: the Gilbert-Elliott model. The link is good or bad; before each packet it may change over.
    Burst {
        /// Good turns bad.
        enter: Chance,
        /// Bad turns good again.
        leave: Chance,
        /// Loss while bad.
        inside: Chance,
    },
}

/// What one direction of a link is like. The default is perfect: no delay, no limit, no fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkConfig {
    /// Propagation delay.
    pub delay: Duration,
    /// Up to this much is added to the delay, uniformly; order is kept.
    pub jitter: Duration,
    /// Bits per second, IP headers included; `None` is unlimited.
    pub rate: Option<u64>,
    /// What fits into the queue before the bottleneck, in bytes; the tail is dropped. `None` is unlimited.
    pub queue_bytes: Option<usize>,
    /// ECN-capable packets that find more than this queued are marked instead of waiting unnoticed.
    pub mark_above_bytes: Option<usize>,
    /// Loss on the wire.
    pub loss: Loss,
    /// How often a packet is held back by [`reorder_delay`](Self::reorder_delay) while others overtake it.
    pub reorder: Chance,
    /// How long a reordered packet is held back.
    pub reorder_delay: Duration,
    /// How often a packet arrives twice.
    pub duplicate: Chance,
    /// How often one random bit of the payload flips (past the checksum, as it does in the wild).
    pub corrupt: Chance,
    /// Largest IP packet in bytes; larger ones vanish, as with "don't fragment" and lost ICMP. `None` is unlimited.
    pub mtu: Option<usize>,
}

impl LinkConfig {
    /// A perfect link of some length.
    pub fn with_delay(delay: Duration) -> Self {
        Self { delay, ..Self::default() }
    }

    /// The same link, with loss.
    #[must_use]
    pub fn with_loss(self, loss: Loss) -> Self {
        Self { loss, ..self }
    }

    /// The same link, with a bottleneck of `rate` bits per second behind a queue.
    #[must_use]
    pub fn with_rate(self, rate: u64, queue_bytes: usize) -> Self {
        Self { rate: Some(rate), queue_bytes: Some(queue_bytes), ..self }
    }

    /// The same link, with everything that goes wrong going wrong now and then: loss, reordering, duplicates, and
    /// when `corrupt`, flipped bits.
    #[must_use]
    pub fn with_trouble(self, each: Chance, corrupt: bool) -> Self {
        Self {
            jitter: self.jitter.max(Duration::from_millis(2)),
            loss: Loss::Random(each),
            reorder: each,
            reorder_delay: Duration::from_millis(15),
            duplicate: each,
            corrupt: if corrupt { each } else { Chance::NEVER },
            ..self
        }
    }
}

/// What a link has done so far, in packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkStats {
    /// Given to the link.
    pub offered: u64,
    /// Came out at the other end; duplicates count again.
    pub carried: u64,
    /// Lost on the wire.
    pub lost: u64,
    /// Dropped because the queue was full.
    pub queue_dropped: u64,
    /// Dropped because they were larger than the MTU.
    pub too_big: u64,
    /// Marked "congestion experienced".
    pub marked: u64,
    /// Altered on the way.
    pub corrupted: u64,
    /// Held back so that others overtook.
    pub reordered: u64,
}

/// Why a link did not carry a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkDrop {
    Lost,
    QueueFull,
    TooBig,
}

/// A packet's passage over a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Passage {
    pub(crate) arrival: Instant,
    pub(crate) second_arrival: Option<Instant>,
    pub(crate) ecn: Ecn,
}

/// One direction of a wire.
#[derive(Debug)]
pub struct Link {
    config: LinkConfig,
    rng: Rng,
    bad: bool,
    busy_until: Instant,
    last_arrival: Instant,
    stats: LinkStats,
}

impl Link {
    /// A link in its good state; `rng` decides its faults.
    pub fn new(config: LinkConfig, rng: Rng) -> Self {
        Self {
            config,
            rng,
            bad: false,
            busy_until: Instant::ZERO,
            last_arrival: Instant::ZERO,
            stats: LinkStats::default(),
        }
    }

    /// Changes what the link is like from now on; packets under way are not affected.
    pub fn set_config(&mut self, config: LinkConfig) {
        self.config = config;
    }

    /// What the link is like.
    pub const fn config(&self) -> &LinkConfig {
        &self.config
    }

    /// What it has done so far.
    pub const fn stats(&self) -> &LinkStats {
        &self.stats
    }

    /// Bytes waiting before the bottleneck.
    pub fn queued_bytes(&self, now: Instant) -> usize {
        let Some(rate) = self.config.rate else { return 0 };
        let waiting = self.busy_until.saturating_since(now).as_nanos();
        usize::try_from(waiting * u128::from(rate) / 8_000_000_000).unwrap_or(usize::MAX)
    }

    /// Carries `payload` of an IP packet of `size` bytes; corruption happens in place.
    pub(crate) fn carry(
        &mut self,
        now: Instant,
        ecn: Ecn,
        size: usize,
        payload: &mut [u8],
    ) -> Result<Passage, LinkDrop> {
        self.stats.offered += 1;
        if self.config.mtu.is_some_and(|mtu| size > mtu) {
            self.stats.too_big += 1;
            return Err(LinkDrop::TooBig);
        }
        let ecn = self.mark(now, ecn);
        let sent = self.pass_bottleneck(now, size)?;
        if self.is_lost() {
            self.stats.lost += 1;
            return Err(LinkDrop::Lost);
        }
        self.corrupt(payload);
        let arrival = self.arrival(sent);
        let second_arrival = self.config.duplicate.happens(&mut self.rng).then_some(arrival);
        self.stats.carried += 1 + u64::from(second_arrival.is_some());
        Ok(Passage { arrival, second_arrival, ecn })
    }

    fn mark(&mut self, now: Instant, ecn: Ecn) -> Ecn {
        let congested = self.config.mark_above_bytes.is_some_and(|limit| self.queued_bytes(now) > limit);
        if !congested || ecn == Ecn::NotEct {
            return ecn;
        }
        self.stats.marked += 1;
        Ecn::Ce
    }

    /// When the packet's last bit has left the bottleneck.
    fn pass_bottleneck(&mut self, now: Instant, size: usize) -> Result<Instant, LinkDrop> {
        let Some(rate) = self.config.rate else { return Ok(now) };
        let backlog = self.queued_bytes(now).saturating_add(size);
        if self.config.queue_bytes.is_some_and(|limit| backlog > limit.max(size)) {
            self.stats.queue_dropped += 1;
            return Err(LinkDrop::QueueFull);
        }
        let bits = u64::try_from(size).unwrap_or(u64::MAX).saturating_mul(8);
        let serialisation = Duration::from_nanos(bits.saturating_mul(1_000_000_000) / rate.max(1));
        self.busy_until = self.busy_until.max(now) + serialisation;
        Ok(self.busy_until)
    }

    fn is_lost(&mut self) -> bool {
        match self.config.loss {
            Loss::None => false,
            Loss::Random(chance) => chance.happens(&mut self.rng),
            Loss::Burst { enter, leave, inside } => {
                let turns = if self.bad { leave } else { enter }.happens(&mut self.rng);
                self.bad ^= turns;
                self.bad && inside.happens(&mut self.rng)
            }
        }
    }

    fn corrupt(&mut self, payload: &mut [u8]) {
        if payload.is_empty() || !self.config.corrupt.happens(&mut self.rng) {
            return;
        }
        let bits = u64::try_from(payload.len()).unwrap_or(u64::MAX).saturating_mul(8);
        let bit = self.rng.below(bits);
        if let Some(byte) = usize::try_from(bit / 8).ok().and_then(|index| payload.get_mut(index)) {
            *byte ^= 1 << (bit % 8);
        }
        self.stats.corrupted += 1;
    }

    fn arrival(&mut self, sent: Instant) -> Instant {
        let spread = u64::try_from(self.config.jitter.as_nanos()).unwrap_or(u64::MAX);
        let jitter = Duration::from_nanos(self.rng.below(spread));
        let arrival = (sent + self.config.delay + jitter).max(self.last_arrival);
        if self.config.reorder.happens(&mut self.rng) {
            self.stats.reordered += 1;
            return arrival + self.config.reorder_delay;
        }
        self.last_arrival = arrival;
        arrival
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendrecv_core::Seed;

    fn link(config: LinkConfig) -> Link {
        Link::new(config, Seed::from_u64(1).rng())
    }

    fn carry(link: &mut Link, now: Instant, size: usize) -> Result<Passage, LinkDrop> {
        link.carry(now, Ecn::Ect0, size, &mut [0; 16])
    }

    #[test]
    fn a_bottleneck_serialises_and_its_queue_drops_the_tail() {
        // 1000 bytes take 1 ms at 8 Mbit/s.
        let mut link = link(LinkConfig::with_delay(Duration::from_millis(10)).with_rate(8_000_000, 2500));
        let arrivals: Vec<_> =
            (0..3).map(|_| carry(&mut link, Instant::ZERO, 1000).map(|p| p.arrival.as_millis())).collect();
        assert_eq!(arrivals, [Ok(11), Ok(12), Err(LinkDrop::QueueFull)]);
        assert_eq!(carry(&mut link, Instant::from_millis(1), 1000).unwrap().arrival.as_millis(), 13);
    }

    #[test]
    fn a_long_queue_marks_capable_packets() {
        let config = LinkConfig { mark_above_bytes: Some(1500), ..LinkConfig::default() };
        let mut link = link(config.with_rate(8_000_000, 10_000));
        let marks: Vec<_> = (0..3).map(|_| carry(&mut link, Instant::ZERO, 1000).unwrap().ecn).collect();
        assert_eq!(marks, [Ecn::Ect0, Ecn::Ect0, Ecn::Ce]);
    }

    #[test]
    fn jitter_keeps_the_order_and_reordering_does_not() {
        let jittery = LinkConfig { jitter: Duration::from_millis(50), ..LinkConfig::default() };
        let mut link = link(jittery);
        let arrivals: Vec<_> =
            (0..100).map(|i| carry(&mut link, Instant::from_millis(i), 100).unwrap().arrival).collect();
        assert!(arrivals.is_sorted());
        link.set_config(LinkConfig {
            reorder: Chance::percent(20),
            reorder_delay: Duration::from_millis(100),
            ..jittery
        });
        let arrivals: Vec<_> =
            (100..200).map(|i| carry(&mut link, Instant::from_millis(i), 100).unwrap().arrival).collect();
        assert!(!arrivals.is_sorted());
    }

    #[test]
    fn burst_loss_comes_in_runs() {
        let loss = Loss::Burst {
            enter: Chance::percent(1),
            leave: Chance::percent(20),
            inside: Chance::percent(100),
        };
        let mut link = link(LinkConfig::default().with_loss(loss));
        let lost: Vec<_> = (0..10_000).map(|_| carry(&mut link, Instant::ZERO, 100).is_err()).collect();
        let total = lost.iter().filter(|lost| **lost).count();
        let runs = lost.windows(2).filter(|pair| matches!(pair, [false, true])).count();
        assert!((200..1000).contains(&total), "{total} lost");
        assert!(total > 3 * runs, "{total} lost in {runs} runs");
    }

    #[test]
    fn packets_above_the_mtu_vanish() {
        let mut link = link(LinkConfig { mtu: Some(1280), ..LinkConfig::default() });
        assert_eq!(carry(&mut link, Instant::ZERO, 1281), Err(LinkDrop::TooBig));
        assert!(carry(&mut link, Instant::ZERO, 1280).is_ok());
        assert_eq!((link.stats().offered, link.stats().carried, link.stats().too_big), (2, 1, 1));
    }
}
