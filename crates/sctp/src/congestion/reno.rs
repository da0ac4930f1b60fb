//! NewReno-like congestion control (RFC 9260, section 7.2).

use super::{Ack, CongestionControl, Parameters, aged_window, window_pacing};
use core::time::Duration;
use sendrecv_core::Instant;

/// Slow start, congestion avoidance with one packet per round trip, and halving on loss.
#[derive(Clone, Debug)]
pub struct NewReno {
    packet_size: usize,
    initial_window: usize,
    window: usize,
    threshold: usize,
    /// Bytes acknowledged since the window last grew in congestion avoidance.
    partial: usize,
    before_loss: Option<(usize, usize)>,
}

impl NewReno {
    /// A controller in slow start.
    pub const fn new(parameters: &Parameters) -> Self {
        Self {
            packet_size: parameters.packet_size,
            initial_window: parameters.initial_window,
            window: parameters.initial_window,
            threshold: usize::MAX,
            partial: 0,
            before_loss: None,
        }
    }

    fn reduce(&mut self) {
        self.before_loss = Some((self.window, self.threshold));
        self.threshold = (self.window / 2).max(self.packet_size.saturating_mul(4));
        self.partial = 0;
    }
}

impl CongestionControl for NewReno {
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
        if self.window < self.threshold {
            self.window = self.window.saturating_add(ack.acked);
            return;
        }
        self.partial = self.partial.saturating_add(ack.acked);
        if self.partial >= self.window {
            self.partial = self.partial.saturating_sub(self.window);
            self.window = self.window.saturating_add(self.packet_size);
        }
    }

    fn on_congestion(&mut self, _: Instant, _: usize) {
        self.reduce();
        self.window = self.threshold;
    }

    fn on_timeout(&mut self, _: Instant) {
        self.reduce();
        self.window = self.packet_size;
    }

    fn on_spurious(&mut self) {
        if let Some((window, threshold)) = self.before_loss.take() {
            self.window = self.window.max(window);
            self.threshold = threshold;
        }
    }

    fn on_idle(&mut self, timeouts: u32) {
        // Back to where it was by slow start, nearly.
        self.threshold = self.threshold.max(self.window / 4 * 3);
        self.window = aged_window(self.window, self.initial_window, timeouts);
    }

    fn set_packet_size(&mut self, bytes: usize) {
        self.packet_size = bytes;
        self.window = self.window.max(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::ack;
    use super::*;

    const PARAMETERS: Parameters = Parameters { packet_size: 1000, initial_window: 10_000 };

    #[test]
    fn an_idle_window_halves_with_every_timeout_and_comes_back_by_slow_start() {
        let mut control = NewReno::new(&PARAMETERS);
        control.on_ack(&ack(0, 70_000));
        control.on_idle(2);
        assert_eq!(control.window(), 20_000);
        control.on_idle(200);
        assert_eq!(control.window(), 10_000);
        control.on_ack(&ack(0, 10_000));
        assert_eq!(control.window(), 20_000);
    }

    #[test]
    fn slow_start_doubles_per_round_and_avoidance_adds_one_packet() {
        let mut reno = NewReno::new(&PARAMETERS);
        reno.on_ack(&ack(0, 10_000));
        assert_eq!(reno.window(), 20_000);
        reno.on_congestion(Instant::ZERO, 0);
        assert_eq!(reno.window(), 10_000);
        reno.on_ack(&ack(1, 10_000));
        assert_eq!(reno.window(), 11_000);
    }

    #[test]
    fn an_idle_application_does_not_grow_the_window() {
        let mut reno = NewReno::new(&PARAMETERS);
        reno.on_ack(&Ack { window_limited: false, ..ack(0, 10_000) });
        assert_eq!(reno.window(), 10_000);
    }

    #[test]
    fn a_spurious_timeout_is_taken_back() {
        let mut reno = NewReno::new(&PARAMETERS);
        reno.on_timeout(Instant::ZERO);
        assert_eq!(reno.window(), 1000);
        reno.on_spurious();
        assert_eq!(reno.window(), 10_000);
    }
}
