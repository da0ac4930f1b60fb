//! A received stream.

mod nack;
pub(crate) mod rtx;
mod statistics;
mod window;

pub(crate) use nack::REORDERING;
pub(crate) use statistics::units;

use crate::parameters::SectionId;
use crate::sections::ReceiveCodec;
use crate::sources::RecentSource;
use crate::stats::{InboundStats, RemoteOutboundStats};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use nack::NackList;
use sendrecv_core::Instant;
use sendrecv_rtp::rtcp::{NackPair, ReportBlock, SenderInfo};
use sendrecv_rtp::{CompactNtp, RtpPacket};
use statistics::{Jitter, Loss};
use window::{Arrival, Window};

/// The least time between two requests for a keyframe.
const KEYFRAME_RETRY: Duration = Duration::from_millis(300);

/// One received stream: what arrived of it, what is missing, what was said about it.
#[derive(Clone, Debug)]
pub struct ReceiveStream {
    pub(crate) section: SectionId,
    pub(crate) ssrc: u32,
    pub(crate) rid: Option<Arc<str>>,
    /// The stream of retransmissions, once known.
    pub(crate) rtx_ssrc: Option<u32>,
    codec: ReceiveCodec,
    window: Window,
    nack: NackList,
    jitter: Jitter,
    loss: Loss,
    stats: InboundStats,
    remote: RemoteOutboundStats,
    last_sender_report: Option<(CompactNtp, Instant)>,
    /// When the stream was made or last heard of.
    last_activity: Instant,
    /// Packets at the last report, to tell whether there is news.
    reported_packets: u64,
    /// The timestamp of the last keyframe that was counted.
    key_timestamp: Option<u32>,
    keyframe: KeyframeRequest,
    /// Whether the stream is in the engine's list of those that miss packets.
    pub(crate) nack_listed: bool,
    /// Its latest packet.
    pub(crate) heard: Option<RecentSource>,
}

/// What is known about a keyframe that is to be asked for.
#[derive(Clone, Copy, Debug, Default)]
struct KeyframeRequest {
    wanted: bool,
    /// Whether the stream is in one of the engine's lists of those that want a keyframe.
    listed: bool,
    last: Option<Instant>,
    fir_sequence: u8,
}

/// What accepting a packet led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// The sequence number, extended.
    pub(crate) sequence: u64,
    /// Whether it is the stream's first packet.
    pub(crate) first: bool,
    /// Whether packets were skipped before it.
    pub(crate) gap: bool,
    /// Whether so many were skipped that all were given up.
    pub(crate) given_up: bool,
    /// Whether it begins a keyframe.
    pub(crate) keyframe: bool,
}

impl ReceiveStream {
    pub(crate) fn new(now: Instant, section: SectionId, ssrc: u32, codec: ReceiveCodec) -> Self {
        Self {
            section,
            ssrc,
            rid: None,
            rtx_ssrc: None,
            codec,
            window: Window::new(),
            nack: NackList::default(),
            jitter: Jitter::default(),
            loss: Loss::default(),
            stats: InboundStats::default(),
            remote: RemoteOutboundStats::default(),
            last_sender_report: None,
            last_activity: now,
            reported_packets: 0,
            key_timestamp: None,
            keyframe: KeyframeRequest::default(),
            nack_listed: false,
            heard: None,
        }
    }

    /// The synchronization source.
    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The section it belongs to.
    pub const fn section(&self) -> SectionId {
        self.section
    }

    /// Its RtpStreamId: of several simulcast streams of one section, which one it is; `None` until a packet said so.
    pub fn rid(&self) -> Option<&str> {
        self.rid.as_deref()
    }

    /// When it was made or last heard of.
    pub(crate) const fn last_activity(&self) -> Instant {
        self.last_activity
    }

    /// The stream of its retransmissions, once known.
    pub const fn rtx_ssrc(&self) -> Option<u32> {
        self.rtx_ssrc
    }

    /// Counters for `inbound-rtp`.
    pub fn stats(&self) -> InboundStats {
        let seconds = f64::from(self.jitter.value()) / f64::from(self.codec.clock_rate.max(1));
        InboundStats {
            packets_lost: self.window.highest().map_or(0, |highest| self.loss.lost(highest)),
            jitter: Duration::from_secs_f64(seconds),
            ..self.stats
        }
    }

    /// Counters for `remote-outbound-rtp`; `None` before the first sender report.
    pub fn remote_stats(&self) -> Option<RemoteOutboundStats> {
        (self.remote.reports_sent > 0).then_some(self.remote)
    }

    /// The wall-clock time of a timestamp of the stream by its last sender report, for synchronising audio and video.
    pub fn last_sender_report(&self) -> Option<(sendrecv_rtp::NtpTime, u32)> {
        (self.remote.reports_sent > 0).then_some((self.remote.remote_timestamp, self.remote.rtp_timestamp))
    }

    pub(crate) const fn has_packets(&self) -> bool {
        self.stats.packets_received > 0
    }

    /// Takes a packet of the stream; `None` when it was received before or is too far back to tell.
    pub(crate) fn accept(
        &mut self,
        now: Instant,
        packet: &RtpPacket<'_>,
        codec: ReceiveCodec,
        repaired: bool,
    ) -> Option<Accepted> {
        let before = self.window.highest();
        let mut accepted = match self.window.insert(packet.sequence_number()) {
            Arrival::Restart(sequence) => {
                self.nack.clear();
                self.loss.restart(sequence, before);
                Accepted { sequence, first: before.is_none(), gap: false, given_up: false, keyframe: false }
            }
            Arrival::Newer { sequence, missing } => {
                let gap = missing > 0 && codec.feedback.nack;
                let kept = !gap || self.nack.skipped(now, sequence - missing, sequence);
                Accepted { sequence, first: false, gap: gap && kept, given_up: !kept, keyframe: false }
            }
            Arrival::Late(sequence) => {
                Accepted { sequence, first: false, gap: false, given_up: false, keyframe: false }
            }
            Arrival::Duplicate | Arrival::TooOld => {
                self.stats.packets_discarded = self.stats.packets_discarded.saturating_add(1);
                return None;
            }
        };
        accepted.keyframe = self.count(now, packet, codec, repaired);
        Some(accepted)
    }

    /// Updates the counters; says whether the packet begins a keyframe.
    fn count(&mut self, now: Instant, packet: &RtpPacket<'_>, codec: ReceiveCodec, repaired: bool) -> bool {
        self.codec = codec;
        self.loss.received();
        if !repaired {
            // A retransmission's delay says nothing about the path's jitter.
            self.jitter.update(now, packet.timestamp(), codec.clock_rate);
        }
        let payload_len = len(packet.payload().len());
        let stats = &mut self.stats;
        stats.packets_received += 1;
        stats.bytes_received += payload_len;
        stats.header_bytes_received += len(packet.header_len()) + u64::from(packet.padding_len());
        stats.retransmitted_packets_received += u64::from(repaired);
        stats.retransmitted_bytes_received += if repaired { payload_len } else { 0 };
        stats.frames_received += u64::from(codec.is_video && packet.marker());
        stats.last_packet_received = Some(now);
        stats.payload_type = packet.payload_type();
        self.last_activity = now;
        let keyframe = codec.format.is_some_and(|format| format.starts_keyframe(packet.payload()));
        if keyframe && self.key_timestamp.replace(packet.timestamp()) != Some(packet.timestamp()) {
            self.stats.key_frames_received += 1;
            self.keyframe.wanted = false;
        }
        keyframe
    }

    /// Takes what the sender says about the stream.
    pub(crate) fn sender_report(&mut self, now: Instant, info: &SenderInfo) {
        self.last_sender_report = Some((info.ntp_time.middle(), now));
        self.last_activity = now;
        self.remote = RemoteOutboundStats {
            packets_sent: info.packet_count,
            bytes_sent: info.octet_count,
            remote_timestamp: info.ntp_time,
            rtp_timestamp: info.rtp_timestamp,
            reports_sent: self.remote.reports_sent.saturating_add(1),
        };
    }

    /// Whether packets arrived since the last report.
    pub(crate) const fn has_news(&self) -> bool {
        self.stats.packets_received != self.reported_packets
    }

    /// What to report about the stream; begins a new interval.
    pub(crate) fn report_block(&mut self, now: Instant) -> Option<ReportBlock> {
        let highest = self.window.highest()?;
        self.reported_packets = self.stats.packets_received;
        let (last_sender_report, delay_since_last) = match self.last_sender_report {
            Some((middle, arrival)) => (middle, CompactNtp::from_duration(now.saturating_since(arrival))),
            None => Default::default(),
        };
        let [_, _, _, _, a, b, c, d] = highest.wrapping_sub(0x1_0000).to_be_bytes();
        Some(ReportBlock {
            ssrc: self.ssrc,
            fraction_lost: self.loss.fraction(highest),
            cumulative_lost: i32::try_from(self.loss.lost(highest)).unwrap_or(i32::MAX),
            extended_highest_sequence: u32::from_be_bytes([a, b, c, d]),
            jitter: self.jitter.value(),
            last_sender_report,
            delay_since_last,
        })
    }

    /// Whether nothing was heard of the stream since `limit` before `now`.
    pub(crate) fn is_silent(&self, now: Instant, limit: Duration) -> bool {
        now.saturating_since(self.last_activity) >= limit
    }

    /// Collects what to ask for again; see [`NackList::collect`].
    pub(crate) fn collect_nacks(
        &mut self,
        now: Instant,
        rtt: Duration,
        pairs: &mut Vec<NackPair>,
    ) -> (usize, Option<Instant>) {
        let (given_up, next) = self.nack.collect(now, rtt, &self.window, pairs);
        if !pairs.is_empty() {
            self.stats.nack_count += 1;
        }
        (given_up, next)
    }

    /// Whether the codec in use has keyframes that can be asked for.
    pub(crate) const fn can_request_keyframe(&self) -> bool {
        self.codec.feedback.pli || self.codec.feedback.fir
    }

    /// Notes that a keyframe is wanted; says when it may be asked for, or `None` when that is noted already.
    pub(crate) fn want_keyframe(&mut self, now: Instant) -> Option<Instant> {
        self.keyframe.wanted = true;
        if core::mem::replace(&mut self.keyframe.listed, true) {
            return None;
        }
        Some(self.keyframe_due().max(now))
    }

    /// When a wanted keyframe may be asked for.
    pub(crate) fn keyframe_due(&self) -> Instant {
        self.keyframe.last.map_or(Instant::ZERO, |last| last + KEYFRAME_RETRY)
    }

    /// Takes the stream off the list of those that want a keyframe; says whether it still does.
    pub(crate) const fn is_keyframe_request_useful(&mut self) -> bool {
        self.keyframe.listed = self.keyframe.wanted;
        self.keyframe.wanted
    }

    /// How to ask for a keyframe: by PLI, or where only FIR was negotiated, with its sequence number.
    pub(crate) const fn next_keyframe_request(&self) -> Option<u8> {
        if self.codec.feedback.pli { None } else { Some(self.keyframe.fir_sequence.wrapping_add(1)) }
    }

    /// Notes that a keyframe was asked for.
    pub(crate) fn keyframe_requested(&mut self, now: Instant) {
        match self.next_keyframe_request() {
            None => self.stats.pli_count += 1,
            Some(sequence_number) => {
                self.keyframe.fir_sequence = sequence_number;
                self.stats.fir_count += 1;
            }
        }
        self.keyframe.listed = false;
        self.keyframe.wanted = false;
        self.keyframe.last = Some(now);
    }
}

fn len(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
