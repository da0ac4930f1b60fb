//! Congestion control: how much may be in flight, and how fast it leaves.
//!
//! The association detects losses (RACK) and measures; a [`CongestionControl`] only decides. Three come with the crate:
//! [`NewReno`] as RFC 9260 has it, [`Cubic`] (RFC 9438) with HyStart++ (RFC 9406), and [`ModelBased`], of the BBR
//! family, which follows measured bandwidth and round-trip time instead of losses.

mod cubic;
mod hystart;
mod model;
mod recent;
mod reno;

pub use cubic::Cubic;
pub use model::ModelBased;
pub use reno::NewReno;

use alloc::boxed::Box;
use core::fmt;
use core::time::Duration;
use sendrecv_core::Instant;

/// What a controller starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Bytes of a full packet.
    pub packet_size: usize,
    /// The initial window in bytes.
    pub initial_window: usize,
}

/// Which congestion control an association uses.
#[derive(Clone, Copy, Debug, Default)]
pub enum CongestionAlgorithm {
    /// Additive increase, multiplicative decrease (RFC 9260, section 7.2).
    NewReno,
    /// CUBIC with HyStart++.
    #[default]
    Cubic,
    /// Bandwidth and round-trip time, of the BBR family.
    ModelBased,
    /// One of your own.
    Custom(fn(&Parameters) -> Box<dyn CongestionControl>),
}

impl CongestionAlgorithm {
    /// A controller in its initial state.
    pub fn start(self, parameters: &Parameters) -> Box<dyn CongestionControl> {
        match self {
            Self::NewReno => Box::new(NewReno::new(parameters)),
            Self::Cubic => Box::new(Cubic::new(parameters)),
            Self::ModelBased => Box::new(ModelBased::new(parameters)),
            Self::Custom(start) => start(parameters),
        }
    }
}

/// A measurement of the delivery rate between two acknowledgements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryRate {
    /// Bytes delivered in `interval`.
    pub bytes: u64,
    /// How long that took; never zero.
    pub interval: Duration,
    /// The sender had nothing to send, so that the rate says little about the path.
    pub app_limited: bool,
}

impl DeliveryRate {
    /// Bytes per second.
    pub fn per_second(&self) -> u64 {
        rate(self.bytes, self.interval)
    }
}

/// What one SACK told.
#[derive(Clone, Copy, Debug)]
pub struct Ack {
    /// The time.
    pub now: Instant,
    /// Bytes acknowledged for the first time, with chunk headers.
    pub acked: usize,
    /// Bytes newly found lost by this SACK.
    pub lost: usize,
    /// Bytes still in flight.
    pub in_flight: usize,
    /// A new round-trip time, if there is one.
    pub rtt: Option<Duration>,
    /// The smoothed round-trip time.
    pub smoothed_rtt: Duration,
    /// The lowest round-trip time seen.
    pub min_rtt: Duration,
    /// A round trip has passed since this was last true.
    pub round_started: bool,
    /// The window, not the application or the peer's window, kept the sender from sending more.
    pub window_limited: bool,
    /// Losses of the present recovery are still being repaired.
    pub in_recovery: bool,
    /// A new measurement of the delivery rate, if there is one.
    pub delivery: Option<DeliveryRate>,
}

/// Decides how much may be in flight, and how fast it leaves.
pub trait CongestionControl: fmt::Debug + Send + Sync {
    /// The congestion window in bytes.
    fn window(&self) -> usize;

    /// The rate to send at in bytes per second; `None`: as the window allows.
    fn pacing_rate(&self, smoothed_rtt: Duration) -> Option<u64>;

    /// Something was acknowledged.
    fn on_ack(&mut self, ack: &Ack);

    /// The first loss of a round trip was found; `in_flight` is without what was lost.
    fn on_congestion(&mut self, now: Instant, in_flight: usize);

    /// The retransmission timer expired: everything in flight counts as lost.
    fn on_timeout(&mut self, now: Instant);

    /// What the last congestion or timeout was about turned out not to be lost: take the reduction back.
    fn on_spurious(&mut self);

    /// Something is to be sent after nothing was in flight for this many retransmission timeouts. One that paces at
    /// what it measured has nothing to do.
    fn on_idle(&mut self, timeouts: u32) {
        let _ = timeouts;
    }

    /// The size of full packets changed.
    fn set_packet_size(&mut self, bytes: usize);
}

/// `bytes` in `interval`, as bytes per second.
pub(crate) fn rate(bytes: u64, interval: Duration) -> u64 {
    let nanos = interval.as_nanos().max(1);
    u64::try_from(u128::from(bytes).saturating_mul(1_000_000_000) / nanos).unwrap_or(u64::MAX)
}

/// What leaves in `interval` at `rate` bytes per second.
pub(crate) fn bytes_at(rate: u64, interval: Duration) -> u64 {
    u64::try_from(u128::from(rate).saturating_mul(interval.as_nanos()) / 1_000_000_000).unwrap_or(u64::MAX)
}

/// Round-trip times below this are a LAN or a test: pacing would only add wake-ups.
pub(crate) const PACING_MIN_RTT: Duration = Duration::from_millis(1);

/// The pacing rate of a window-based controller: faster than the window per round trip, so that the window stays the
/// limit.
pub(crate) fn window_pacing(window: usize, smoothed_rtt: Duration, slow_start: bool) -> Option<u64> {
    if smoothed_rtt < PACING_MIN_RTT {
        return None;
    }
    let per_second = rate(crate::num::wide(window), smoothed_rtt);
    Some(if slow_start { per_second.saturating_mul(2) } else { per_second.saturating_mul(5) / 4 })
}

/// The window after nothing was in flight for `timeouts` retransmission timeouts: half for each, but no less than a new
/// association begins with (RFC 9260, section 7.2.1; the floor as in RFC 5681, section 4.1).
pub(crate) fn aged_window(window: usize, initial_window: usize, timeouts: u32) -> usize {
    let halved = window.checked_shr(timeouts).unwrap_or(0);
    halved.max(initial_window.min(window))
}

#[cfg(test)]
mod tests_support {
    use super::Ack;
    use core::time::Duration;
    use sendrecv_core::Instant;

    /// An acknowledgement of `acked` bytes at `now_ms`, on a path of 10 ms whose window is full.
    pub(super) fn ack(now_ms: u64, acked: usize) -> Ack {
        Ack {
            now: Instant::from_millis(now_ms),
            acked,
            lost: 0,
            in_flight: 0,
            rtt: None,
            smoothed_rtt: Duration::from_millis(10),
            min_rtt: Duration::from_millis(10),
            round_started: false,
            window_limited: true,
            in_recovery: false,
            delivery: None,
        }
    }
}
