//! CUBIC (RFC 9438) with HyStart++.

use super::hystart::{Growth, HyStart};
use super::{Ack, CongestionControl, Parameters, aged_window, window_pacing};
use crate::num::{narrow, wide};
use core::time::Duration;
use sendrecv_core::Instant;

/// The window grows with the cube of the time since the last loss, flat around where that loss happened. All in
/// integers, so that every platform computes the same window.
#[derive(Clone, Debug)]
pub struct Cubic {
    packet_size: usize,
    initial_window: usize,
    window: usize,
    threshold: usize,
    hystart: HyStart,
    /// The window before the last reduction.
    max_window: usize,
    epoch: Option<Epoch>,
    /// Fractions of growth too small for a byte, in 1/1024 bytes.
    fraction: u64,
    before_loss: Option<Undo>,
}

/// Growth since the last loss.
#[derive(Clone, Copy, Debug)]
struct Epoch {
    start: Instant,
    /// The time in milliseconds after which the window is back at `max_window` (K of the RFC).
    plateau_ms: u64,
    /// The window that Reno would have (W_est of the RFC), in 1/1024 bytes.
    reno_window: u64,
}

#[derive(Clone, Copy, Debug)]
struct Undo {
    window: usize,
    threshold: usize,
    max_window: usize,
    epoch: Option<Epoch>,
}

impl Cubic {
    /// A controller in slow start.
    pub const fn new(parameters: &Parameters) -> Self {
        Self {
            packet_size: parameters.packet_size,
            initial_window: parameters.initial_window,
            window: parameters.initial_window,
            threshold: usize::MAX,
            hystart: HyStart::new(),
            max_window: 0,
            epoch: None,
            fraction: 0,
            before_loss: None,
        }
    }

    fn reduce(&mut self) {
        let (window, threshold, max_window, epoch) =
            (self.window, self.threshold, self.max_window, self.epoch);
        self.before_loss = Some(Undo { window, threshold, max_window, epoch });
        // Fast convergence: a flow that lost before reaching its last maximum releases more.
        self.max_window = if window < max_window { window / 20 * 17 } else { window };
        self.threshold = (window / 10 * 7).max(self.packet_size.saturating_mul(2));
        self.epoch = None;
    }

    fn start_epoch(&self, now: Instant) -> Epoch {
        let missing = wide(self.max_window.saturating_sub(self.window));
        let packet = wide(self.packet_size.max(1));
        // K = cbrt(missing / (C * packet)) seconds with C = 0.4; in milliseconds under the root: times 10^9.
        let under_root = u128::from(missing).saturating_mul(2_500_000_000) / u128::from(packet);
        Epoch {
            start: now,
            plateau_ms: cube_root(under_root),
            reno_window: wide(self.window).saturating_mul(1024),
        }
    }

    /// The cubic window `elapsed` after the epoch's start.
    fn target(&self, epoch: &Epoch, elapsed: Duration) -> usize {
        let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let distance = u128::from(elapsed_ms.abs_diff(epoch.plateau_ms).min(1 << 24));
        let packet = u128::try_from(self.packet_size).unwrap_or(u128::MAX);
        let cube = distance.saturating_mul(distance).saturating_mul(distance);
        let offset = usize::try_from(cube.saturating_mul(packet) / 2_500_000_000).unwrap_or(usize::MAX);
        let start = if self.max_window == 0 { self.threshold.min(self.window) } else { self.max_window };
        if elapsed_ms < epoch.plateau_ms {
            start.saturating_sub(offset)
        } else {
            start.saturating_add(offset)
        }
    }

    fn avoid_congestion(&mut self, ack: &Ack) {
        let mut epoch = self.epoch.unwrap_or_else(|| self.start_epoch(ack.now));
        let (window, acked) = (wide(self.window.max(1)), wide(ack.acked));
        // alpha = 3 * (1 - 0.7) / (1 + 0.7) = 0.529 until Reno would be past the maximum, then 1; in 1/1024.
        let alpha = if epoch.reno_window / 1024 < wide(self.max_window) { 542 } else { 1024 };
        let reno_step = acked.saturating_mul(wide(self.packet_size)).saturating_mul(alpha) / window;
        epoch.reno_window = epoch.reno_window.saturating_add(reno_step);
        self.epoch = Some(epoch);
        let elapsed = ack.now.saturating_since(epoch.start).saturating_add(ack.smoothed_rtt);
        let target = self.target(&epoch, elapsed).min(self.window.saturating_add(self.window / 2));
        let reno = narrow(epoch.reno_window / 1024);
        if reno > target && reno > self.window {
            self.window = reno;
            return;
        }
        let gap = wide(target.saturating_sub(self.window));
        self.fraction = self.fraction.saturating_add(gap.saturating_mul(acked).saturating_mul(1024) / window);
        self.window = self.window.saturating_add(narrow(self.fraction / 1024));
        self.fraction %= 1024;
    }
}

impl CongestionControl for Cubic {
    fn window(&self) -> usize {
        self.window
    }

    fn pacing_rate(&self, smoothed_rtt: Duration) -> Option<u64> {
        window_pacing(self.window, smoothed_rtt, self.window < self.threshold)
    }

    fn on_ack(&mut self, ack: &Ack) {
        if ack.in_recovery || !ack.window_limited {
            return;
        }
        if self.window >= self.threshold {
            self.avoid_congestion(ack);
            return;
        }
        match self.hystart.on_ack(ack) {
            Growth::By(bytes) => self.window = self.window.saturating_add(bytes),
            Growth::Over => {
                self.threshold = self.window;
                self.max_window = self.window;
            }
        }
    }

    fn on_congestion(&mut self, _: Instant, _: usize) {
        self.reduce();
        self.window = self.threshold;
    }

    fn on_timeout(&mut self, _: Instant) {
        self.reduce();
        self.window = self.packet_size;
        self.hystart = HyStart::new();
    }

    fn on_spurious(&mut self) {
        if let Some(undo) = self.before_loss.take() {
            self.window = self.window.max(undo.window);
            (self.threshold, self.max_window, self.epoch) = (undo.threshold, undo.max_window, undo.epoch);
        }
    }

    fn on_idle(&mut self, timeouts: u32) {
        // Back to where it was by slow start, nearly.
        self.threshold = self.threshold.max(self.window / 4 * 3);
        self.window = aged_window(self.window, self.initial_window, timeouts);
        self.epoch = None;
    }

    fn set_packet_size(&mut self, bytes: usize) {
        self.packet_size = bytes;
        self.window = self.window.max(bytes);
    }
}

/// The largest number whose cube is not above `number`, by bisection: 22 bits suffice for hours in milliseconds.
fn cube_root(number: u128) -> u64 {
    let mut root = 0u64;
    for bit in (0..26).rev() {
        let candidate = root | 1 << bit;
        let wide = u128::from(candidate);
        if wide.saturating_mul(wide).saturating_mul(wide) <= number {
            root = candidate;
        }
    }
    root
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::ack;
    use super::*;

    const PARAMETERS: Parameters = Parameters { packet_size: 1000, initial_window: 10_000 };

    #[test]
    fn an_idle_window_halves_with_every_timeout_and_comes_back_by_slow_start() {
        let mut control = Cubic::new(&PARAMETERS);
        control.on_ack(&ack(0, 70_000));
        control.on_idle(2);
        assert_eq!(control.window(), 20_000);
        control.on_idle(200);
        assert_eq!(control.window(), 10_000);
        control.on_ack(&ack(0, 10_000));
        assert_eq!(control.window(), 20_000);
    }

    #[test]
    fn cube_roots_are_floors() {
        for root in [1, 2, 7, 1000, 12_345] {
            let cube = u128::from(root) * u128::from(root) * u128::from(root);
            assert_eq!((cube_root(cube), cube_root(cube + 1)), (root, root));
        }
    }

    #[test]
    fn after_a_loss_the_window_returns_to_where_it_was_after_k() {
        let mut cubic = Cubic::new(&Parameters { initial_window: 1_000_000, ..PARAMETERS });
        cubic.on_congestion(Instant::ZERO, 0);
        assert_eq!(cubic.window(), 700_000);
        // K = cbrt(300 packets / 0.4) = 9.08 s; a 100 ms round trip acknowledges one window.
        let mut reached = None;
        for round in 0..150 {
            cubic.on_ack(&Ack {
                smoothed_rtt: Duration::from_millis(100),
                ..ack(round * 100, cubic.window())
            });
            if cubic.window() >= 990_000 && reached.is_none() {
                reached = Some(round * 100);
            }
        }
        let reached = reached.unwrap();
        assert!((6000..9500).contains(&reached), "{reached} ms");
        assert!(cubic.window() > 1_000_000);
    }

    #[test]
    fn on_short_paths_it_is_no_slower_than_reno() {
        let mut cubic = Cubic::new(&PARAMETERS);
        cubic.on_congestion(Instant::ZERO, 0);
        for round in 0..100 {
            cubic.on_ack(&Ack { smoothed_rtt: Duration::from_millis(1), ..ack(round, cubic.window()) });
        }
        assert!(cubic.window() > 50_000, "{}", cubic.window());
    }

    #[test]
    fn a_spurious_loss_is_taken_back() {
        let mut cubic = Cubic::new(&PARAMETERS);
        cubic.on_congestion(Instant::ZERO, 0);
        cubic.on_spurious();
        cubic.on_ack(&ack(5, 10_000));
        assert_eq!(cubic.window(), 20_000);
    }
}
