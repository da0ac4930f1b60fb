//! The machine: packets and feedback go in, a target comes out.

use super::acknowledged::Acknowledged;
use super::clock::ArrivalClock;
use super::config::CongestionControl;
use super::groups::Groups;
use super::history::{Entry, Fate, History, SentPacket};
use super::limits::Limits;
use super::loss::LossModel;
use super::pacer::Pacer;
use super::probe::Probes;
use super::rate::{RateControl, Round, hundredths};
use super::trendline::{Trendline, Usage};
use super::usage::Utilisation;
use core::time::Duration;
use sendrecv_core::{Clock, Instant};
use sendrecv_rtp::rtcp::{Ccfb, CcfbStatus, TmmbEntry, Twcc};

/// Packets go at so many hundredths of the target at most: a frame is spread over less than the time to the next.
const PACING: u64 = 250;
/// The same on a path that loses packets: perhaps its queue has no room for bursts.
const EVEN_PACING: u64 = 150;
/// Without feedback for this long, beside the round-trip time, less is sent,
const SILENCE: Duration = Duration::from_millis(600);
/// and less again each time this has passed,
const BACK_OFF_INTERVAL: Duration = Duration::from_millis(500);
/// by leaving so many hundredths.
const BACK_OFF: u64 = 80;
/// For so long after a decrease no probe is sent.
const CALM: Duration = Duration::from_secs(4);
/// Packets of so long that no feedback tells of are held to have arrived with the next one that does.
const MAX_UNREPORTED: Duration = Duration::from_millis(300);
/// The round-trip time before one was measured.
const INITIAL_RTT: Duration = Duration::from_millis(100);

/// Estimates the bandwidth of one transport from what its receiver tells, and says when the next packet may go.
///
/// It owns no packets: it is told what is sent ([`packet_sent`](Self::packet_sent)) and fed feedback, and answers by
/// [`target_bps`](Self::target_bps). A [`MediaEngine`](crate::MediaEngine) with
/// [`MediaConfig::congestion_control`](crate::MediaConfig::congestion_control) does all that by itself.
///
/// ```
/// use sendrecv_core::Instant;
/// use sendrecv_media::{BandwidthEstimator, CongestionControl, SentPacket};
/// use sendrecv_rtp::rtcp::{Compound, RtcpPacket};
///
/// let now = Instant::ZERO;
/// let mut estimator = BandwidthEstimator::new(CongestionControl::default(), now);
/// let packet =
///     SentPacket { transport_sequence: Some(1), ssrc: 7, sequence_number: 1, len: 1200, is_repair: false };
/// if estimator.is_open(now) {
///     estimator.packet_sent(now, &packet);
/// }
/// # let datagram = [0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 7, 0, 1, 0, 1, 0, 0, 1, 0, 0x20, 1, 4, 0];
/// // RTCP that arrives later:
/// for report in Compound::parse(&datagram)?.flatten() {
///     if let RtcpPacket::Twcc(feedback) = report {
///         estimator.transport_feedback(now, &feedback);
///     }
/// }
/// assert!(estimator.target_bps() >= 300_000);
/// # Ok::<(), sendrecv_rtp::rtcp::RtcpError>(())
/// ```
///
/// Work per packet is constant, and nothing is allocated once its buffers have grown.
#[derive(Debug)]
pub struct BandwidthEstimator {
    config: CongestionControl,
    clock: Clock,
    history: History,
    arrivals: ArrivalClock,
    groups: Groups,
    trendline: Trendline,
    acknowledged: Acknowledged,
    rate: RateControl,
    loss: LossModel,
    probes: Probes,
    pacer: Pacer,
    limits: Limits,
    utilisation: Utilisation,
    rtt: Duration,
    /// When feedback came last.
    heard: Option<Instant>,
    /// When the last packet was sent.
    last_sent: Instant,
    /// When silence is to be answered next; set while packets wait for feedback.
    silent_at: Option<Instant>,
    /// The number behind the last packet that was reported on.
    reported: u64,
    /// What the last probe of the present feedback has shown.
    probed: Option<(u64, u64)>,
}

impl BandwidthEstimator {
    /// An estimator that has seen nothing.
    pub fn new(config: CongestionControl, now: Instant) -> Self {
        Self {
            clock: Clock::new(now),
            history: History::new(),
            arrivals: ArrivalClock::default(),
            groups: Groups::default(),
            trendline: Trendline::new(),
            acknowledged: Acknowledged::default(),
            rate: RateControl::new(now, config.clamp(config.start_bps)),
            loss: LossModel::new(),
            probes: Probes::new(now, config.probing),
            pacer: Pacer::new(now),
            limits: Limits::default(),
            utilisation: Utilisation::new(now),
            rtt: INITIAL_RTT,
            heard: None,
            last_sent: now,
            silent_at: None,
            reported: 1,
            probed: None,
            config,
        }
    }

    /// What is left of [`target_bps`](Self::target_bps) for media, as packets that repair others take their share of it.
    pub fn media_bps(&self) -> u64 {
        self.utilisation.without_repairs(self.target_bps())
    }

    /// Bits per second that may be sent in all, RTP headers included.
    pub fn target_bps(&self) -> u64 {
        let measured = match (self.heard, self.limits.remb()) {
            // Without feedback on packets, the peer's estimate is all there is.
            (None, Some(remb)) => remb,
            _ => self.rate.bps().min(self.loss.limit().unwrap_or(u64::MAX)),
        };
        self.config.clamp(measured.min(self.limits.least()))
    }

    /// The smoothed time between sending a packet and hearing of its arrival.
    pub const fn round_trip_time(&self) -> Duration {
        self.rtt
    }

    /// Takes note of a packet that is sent now.
    pub fn packet_sent(&mut self, now: Instant, packet: &SentPacket) {
        let now = self.clock.advance(now);
        let bytes = u64::try_from(packet.len).unwrap_or(u64::MAX).min(1 << 16);
        let target = self.target_bps();
        self.pacer.packet_sent(now, bytes, self.pacing_bps(), self.probes.rate().is_some());
        self.utilisation.packet_sent(now, bytes, packet.is_repair, target);
        let cluster = self.probes.packet_sent(now, bytes);
        self.history.push(now, packet, cluster);
        self.last_sent = now;
        if self.heard.is_some() && self.silent_at.is_none() {
            self.silent_at = Some(now + SILENCE + self.rtt);
        }
        self.probe_again(now);
    }

    /// Video begins to be sent, so that it is worth while to know what the path carries.
    pub fn begin_probing(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        self.probes.begin(now, self.target_bps(), self.ceiling());
    }

    /// Looks for more now and then, unless the path has just shown that there is no more.
    fn probe_again(&mut self, now: Instant) {
        let calm = self.rate.decreased().is_none_or(|at| now.saturating_since(at) > CALM);
        if calm
            && self.heard.is_some()
            && self.loss.limit().is_none()
            && self.trendline.usage() == Usage::Normal
        {
            self.probes.again(now, self.target_bps(), self.ceiling());
        }
    }

    fn ceiling(&self) -> u64 {
        self.config.clamp(self.limits.least())
    }

    /// Takes transport-wide feedback.
    pub fn transport_feedback(&mut self, now: Instant, feedback: &Twcc<'_>) {
        let now = self.clock.advance(now);
        for (wire, arrival) in feedback.packets() {
            if let Some(number) = self.history.by_transport(wire) {
                let arrival = arrival.map(|ticks| self.arrivals.unwrap_ticks(ticks));
                self.report(now, number, arrival);
            }
        }
        self.conclude(now);
    }

    /// Takes congestion control feedback (RFC 8888).
    pub fn congestion_feedback(&mut self, now: Instant, feedback: &Ccfb<'_>) {
        let now = self.clock.advance(now);
        let at = self.arrivals.unwrap_timestamp(feedback.timestamp);
        for report in feedback.reports() {
            for (sequence_number, status) in report.packets() {
                let Some(number) = self.history.by_stream(report.ssrc, sequence_number) else { continue };
                match status {
                    CcfbStatus::Missing => self.report(now, number, None),
                    CcfbStatus::Received { offset, .. } if offset < 0x1ffe => {
                        self.report(now, number, Some(at - i64::from(offset) * 1_000_000 / 1024));
                    }
                    CcfbStatus::Received { .. } => {}
                }
            }
        }
        self.conclude(now);
    }

    /// Takes the peer's own estimate of what it can receive (REMB).
    pub fn set_remb(&mut self, bps: u64) {
        self.limits.set_remb(bps);
    }

    /// Takes a limit that the peer has set on a stream (TMMBR).
    pub fn set_tmmbr(&mut self, entry: &TmmbEntry) {
        self.limits.set_tmmbr(entry);
    }

    fn report(&mut self, now: Instant, number: u64, arrival: Option<i64>) {
        let fate = if arrival.is_some() { Fate::Received } else { Fate::Missing };
        let Some(entry) = self.history.resolve(number, fate) else { return };
        if entry.fate == Fate::Received {
            return;
        }
        match entry.fate {
            Fate::Unknown => self.loss.reported(entry.sent, entry.bytes, arrival.is_none()),
            _ if arrival.is_some() => self.loss.found(),
            _ => {}
        }
        if let Some(arrival) = arrival {
            // A report that was lost does not say that its packets were, too.
            let unreported = self.history.bytes_between(self.reported, number, MAX_UNREPORTED);
            self.acknowledged.add(arrival, entry.bytes.saturating_add(unreported));
            self.arrived(now, &entry, arrival);
        }
        self.reported = self.reported.max(number.saturating_add(1));
    }

    fn arrived(&mut self, now: Instant, entry: &Entry, arrival: i64) {
        if let Some(id) = entry.cluster
            && let Some(bps) = self.probes.packet_received(id, arrival, entry.bytes)
        {
            self.probed = Some((id, bps));
        }
        if let Some(variation) = self.groups.add(entry.sent, arrival) {
            self.trendline.add(variation);
        }
        self.newest_rtt(now.saturating_since(entry.sent));
    }

    fn newest_rtt(&mut self, sample: Duration) {
        self.rtt = (self.rtt * 15 + sample.min(Duration::from_secs(10))) / 16;
    }

    /// Draws conclusions from what a feedback has said.
    fn conclude(&mut self, now: Instant) {
        self.heard = Some(now);
        self.silent_at = None;
        self.loss.update();
        let arriving = self.acknowledged.bps().map(|bps| self.loss.without_loss_of_path(bps));
        let is_used = !self.utilisation.is_limited_by_application();
        let round = Round { usage: self.trendline.usage(), arriving, rtt: self.rtt, is_used };
        self.rate.update(now, &round);
        if round.usage == Usage::Over {
            self.probes.cancel();
        } else if let Some((id, bps)) = self.probed {
            let bps = self.loss.without_loss_of_path(bps);
            self.rate.probed(bps);
            self.probes.succeeded(now, id, bps, self.ceiling());
        }
        self.probed = None;
        self.rate.cap(self.loss.limit().unwrap_or(u64::MAX).min(self.config.max_bps));
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub const fn poll_timeout(&self) -> Option<Instant> {
        self.silent_at
    }

    /// Sends less while feedback stays out although packets were sent: they may not arrive at all.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        if self.silent_at.is_none_or(|at| now < at) {
            return;
        }
        self.rate.cap(self.config.clamp(hundredths(self.target_bps(), BACK_OFF)));
        self.probes.cancel();
        let is_sending = self.last_sent + BACK_OFF_INTERVAL > now;
        self.silent_at = is_sending.then(|| now + BACK_OFF_INTERVAL);
    }

    /// Whether a packet may be sent now that is paced.
    pub fn is_open(&self, now: Instant) -> bool {
        self.pacer.is_open(now)
    }

    /// When the next packet may be sent, if none may now.
    pub const fn opens_at(&self) -> Instant {
        self.pacer.opens_at()
    }

    /// Whether a probe lacks packets: what is sent beside media counts.
    pub fn wants_padding(&self) -> bool {
        self.probes.rate().is_some()
    }

    fn pacing_bps(&self) -> u64 {
        let factor = if self.loss.is_lossy() { EVEN_PACING } else { PACING };
        self.probes.rate().unwrap_or_else(|| hundredths(self.target_bps(), factor))
    }
}
