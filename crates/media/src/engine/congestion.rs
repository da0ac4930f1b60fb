//! Congestion control at work: what is sent and heard goes to the estimator, its target to the owner.

use super::{MAX_EVENTS, MediaEngine};
use crate::congestion::{BandwidthEstimator, CongestionControl, SentPacket};
use crate::event::Event;
use crate::parameters::MediaKind;
use sendrecv_core::{Instant, earliest};

/// The estimator, and what was done with its answers.
#[derive(Debug)]
pub(super) struct Congestion {
    pub(super) estimator: BandwidthEstimator,
    /// The target that was told last, in bits per second.
    told: u64,
    /// The sender whose packets serve as padding.
    pub(super) padding_from: Option<usize>,
}

impl Congestion {
    pub(super) fn new(control: CongestionControl, now: Instant) -> Self {
        let estimator = BandwidthEstimator::new(control, now);
        // Where it begins is known to who has configured it.
        Self { told: estimator.media_bps(), estimator, padding_from: None }
    }
}

/// Whether a target is worth telling: 2 % make no difference to an encoder.
fn differs(bps: u64, told: u64) -> bool {
    bps.abs_diff(told) > told / 50
}

impl MediaEngine {
    /// Lets the estimator take something, if there is one, and tells the target if it has changed.
    pub(super) fn control_congestion(&mut self, take: impl FnOnce(&mut BandwidthEstimator)) {
        let Some(congestion) = &mut self.congestion else { return };
        take(&mut congestion.estimator);
        let bps = congestion.estimator.media_bps();
        if !differs(bps, congestion.told) {
            return;
        }
        // A newer target replaces one that was not taken yet.
        if let Some(Event::TargetBitrate { bps: waiting }) = self.events.back_mut() {
            *waiting = bps;
        } else if self.events.len() < MAX_EVENTS {
            self.events.push_back(Event::TargetBitrate { bps });
        } else {
            return;
        }
        congestion.told = bps;
    }

    /// Takes note of a packet that was written. The first video packet says that it is worth while to probe.
    pub(super) fn note_sent(&mut self, now: Instant, position: usize, written: Option<SentPacket>) {
        let (Some(congestion), Some(packet)) = (&mut self.congestion, written) else { return };
        congestion.estimator.packet_sent(now, &packet);
        let Some(sender) = self.senders.get(position).and_then(Option::as_ref) else { return };
        if sender.can_pad() {
            congestion.padding_from = Some(position);
        }
        if sender.kind() == MediaKind::Video && packet.transport_sequence.is_some() {
            congestion.estimator.begin_probing(now);
        }
    }

    pub(super) fn congestion_timeout(&mut self, now: Instant) {
        let deadline = self.congestion.as_ref().and_then(|congestion| congestion.estimator.poll_timeout());
        if deadline.is_some_and(|at| at <= now) {
            self.control_congestion(|estimator| estimator.handle_timeout(now));
        }
    }

    /// When the estimator wants to be asked, or a packet that waits may go. What may go already needs no timer.
    pub(super) fn congestion_deadline(&self) -> Option<Instant> {
        let congestion = self.congestion.as_ref()?;
        let estimator = &congestion.estimator;
        let waits = !self.ready.is_empty() || estimator.wants_padding() && congestion.padding_from.is_some();
        let opens = Some(estimator.opens_at()).filter(|at| waits && *at > self.clock.now());
        earliest(estimator.poll_timeout(), opens)
    }
}
