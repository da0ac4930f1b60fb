//! Writing RTCP: reports on a schedule, feedback as it falls due, both in as few datagrams as possible.

use super::MediaEngine;
use crate::receive::{REORDERING, ReceiveStream};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;
use sendrecv_core::{Instant, NoSpace, PacketBuf, Rng, earliest};
use sendrecv_rtp::CompactNtp;
use sendrecv_rtp::rtcp::{
    DlrrBlock, FeedbackSsrcs, FirEntry, MAX_BLOCKS, NackPair, Pli, ReportBlock, write_bye, write_cname,
    write_dlrr, write_fir, write_nack, write_receiver_report, write_rrtr, write_sender_report,
};

/// Most receivers whose reference times are remembered until the next report.
const MAX_REFERENCE_TIMES: usize = 16;
/// Most pairs in one NACK, so that it fits a small datagram.
const MAX_PAIRS: usize = 200;
const BLOCK_LEN: usize = 24;

/// What RTCP is to be sent, and when.
#[derive(Debug, Default)]
pub(super) struct RtcpQueue {
    next_report: Option<Instant>,
    report_due: bool,
    senders_due: VecDeque<usize>,
    streams_due: VecDeque<usize>,
    /// Streams that miss packets, and when to look at them.
    missing: Vec<usize>,
    missing_at: Option<Instant>,
    /// Streams to be looked at now.
    missing_due: VecDeque<usize>,
    nack: Nacks,
    /// Streams that want a keyframe but asked for one a moment ago, and when to look at them.
    keyframes: Vec<usize>,
    keyframes_at: Option<Instant>,
    keyframes_due: VecDeque<usize>,
    reference_times: Vec<(u32, CompactNtp, Instant)>,
    leaving: Vec<u32>,
}

/// NACKs of one stream on their way out.
#[derive(Debug, Default)]
struct Nacks {
    ssrc: u32,
    pairs: Vec<NackPair>,
    written: usize,
}

impl Nacks {
    fn rest(&self) -> &[NackPair] {
        let rest = self.pairs.get(self.written..).unwrap_or_default();
        rest.get(..MAX_PAIRS).unwrap_or(rest)
    }
}

impl RtcpQueue {
    /// Begins to report regularly.
    pub(super) fn start(&mut self, now: Instant, interval: Duration, rng: &mut Rng) {
        if self.next_report.is_none() {
            self.next_report = Some(now + randomised(interval / 2, rng));
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        earliest(self.next_report, earliest(self.missing_at, self.keyframes_at))
    }

    /// Notes that a stream misses packets.
    pub(super) fn expect_nack(&mut self, now: Instant, position: usize, stream: &mut ReceiveStream) {
        if !core::mem::replace(&mut stream.nack_listed, true) {
            self.missing.push(position);
        }
        self.missing_at = earliest(self.missing_at, Some(now + REORDERING));
    }

    /// Notes that a keyframe is to be asked for at `due`.
    pub(super) fn expect_keyframe_request(&mut self, position: usize, due: Instant) {
        self.keyframes.push(position);
        self.keyframes_at = earliest(self.keyframes_at, Some(due));
    }

    /// Remembers a receiver's reference time, to be answered with the next report (RFC 3611, section 4.5).
    pub(super) fn answer_reference_time(&mut self, now: Instant, ssrc: u32, time: CompactNtp) {
        self.reference_times.retain(|(receiver, ..)| *receiver != ssrc);
        if self.reference_times.len() < MAX_REFERENCE_TIMES {
            self.reference_times.push((ssrc, time, now));
        }
    }

    /// Says that a stream of ours ends.
    pub(super) fn say_goodbye(&mut self, ssrc: u32) {
        self.leaving.push(ssrc);
    }

    /// Drops everything but a goodbye of these streams.
    pub(super) fn close(&mut self, ssrcs: Vec<u32>) {
        *self = Self { leaving: ssrcs, report_due: true, ..Self::default() };
    }

    /// Drops what concerns a stream that ended; its position will be used again.
    pub(super) fn forget_stream(&mut self, position: usize) {
        self.missing.retain(|other| *other != position);
        self.missing_due.retain(|other| *other != position);
        self.keyframes.retain(|other| *other != position);
        self.keyframes_due.retain(|other| *other != position);
        self.streams_due.retain(|other| *other != position);
    }
}

/// Between half and one and a half times `interval`, so that many peers do not report in step (RFC 3550, section 6.3.1).
fn randomised(interval: Duration, rng: &mut Rng) -> Duration {
    let nanos = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX / 2);
    Duration::from_nanos((nanos / 2).saturating_add(rng.below(nanos.max(1))))
}

/// Writes all of a packet, or nothing.
fn whole(
    out: &mut PacketBuf<'_>,
    write: impl FnOnce(&mut PacketBuf<'_>) -> Result<(), NoSpace>,
) -> Result<(), NoSpace> {
    let start = out.len();
    write(out).inspect_err(|NoSpace| out.truncate(start))
}

impl MediaEngine {
    pub(super) fn rtcp_timeout(&mut self, now: Instant) {
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if is_due(self.rtcp.next_report) {
            self.begin_reports(now);
        }
        if is_due(self.rtcp.missing_at) {
            self.rtcp.missing_at = None;
            self.rtcp.missing_due.extend(self.rtcp.missing.drain(..));
        }
        self.promote_keyframe_requests(now);
    }

    fn begin_reports(&mut self, now: Instant) {
        self.end_silent_streams(now);
        let interval = self.config.report_interval;
        self.rtcp.next_report = Some(now + randomised(interval, &mut self.rng));
        self.rtcp.report_due = true;
        self.rtcp.senders_due.clear();
        self.rtcp.streams_due.clear();
        let senders = self.senders.iter().enumerate().filter(|(_, sender)| sender.is_some());
        self.rtcp.senders_due.extend(senders.map(|(position, _)| position));
        let news = self.streams.enumerate().filter(|(_, stream)| stream.has_news());
        self.rtcp.streams_due.extend(news.map(|(position, _)| position));
    }

    fn end_silent_streams(&mut self, now: Instant) {
        let limit = self.config.receive_stream_timeout;
        let silent = self
            .streams
            .enumerate()
            .filter(|(_, stream)| stream.has_packets() && stream.is_silent(now, limit));
        let positions: Vec<usize> = silent.map(|(position, _)| position).collect();
        positions.into_iter().for_each(|position| self.end_stream(position));
    }

    /// Moves requests whose time has come from the waiting list to those to be written.
    fn promote_keyframe_requests(&mut self, now: Instant) {
        if self.rtcp.keyframes_at.is_none_or(|at| at > now) {
            return;
        }
        self.rtcp.keyframes_at = None;
        let mut waiting = core::mem::take(&mut self.rtcp.keyframes);
        waiting.retain(|position| {
            let Some(stream) = self.streams.get(*position) else { return false };
            let due = stream.keyframe_due();
            if due > now {
                self.rtcp.keyframes_at = earliest(self.rtcp.keyframes_at, Some(due));
                return true;
            }
            self.rtcp.keyframes_due.push_back(*position);
            false
        });
        self.rtcp.keyframes = waiting;
    }

    /// Writes one compound. `false`, with `out` as it was, when there is nothing to send or no room.
    pub(super) fn write_rtcp(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> bool {
        self.promote_keyframe_requests(now);
        let start = out.len();
        let reported = self.rtcp.report_due && self.write_reports(now, out);
        if !reported && !self.has_feedback(now) {
            return false;
        }
        if !reported && !self.config.reduced_size && self.write_empty_report(out).is_err() {
            return false;
        }
        let prefix_end = out.len();
        self.write_feedback(now, out);
        if !reported && out.len() == prefix_end {
            out.truncate(start);
        }
        out.len() > start
    }

    fn has_feedback(&self, now: Instant) -> bool {
        !self.rtcp.nack.rest().is_empty()
            || !self.rtcp.missing_due.is_empty()
            || !self.rtcp.keyframes_due.is_empty()
            || !self.rtcp.leaving.is_empty()
            || self.twcc.is_due(now)
    }

    /// Writes sender reports, or a receiver report, with as many blocks as fit. Says whether anything was written; what
    /// did not fit stays due.
    fn write_reports(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> bool {
        let start = out.len();
        while let Some(position) = self.rtcp.senders_due.front().copied() {
            if self.write_sender(now, position, out).is_err() {
                return out.len() > start;
            }
            self.rtcp.senders_due.pop_front();
        }
        if out.len() == start || !self.rtcp.streams_due.is_empty() {
            if self.write_receiver(now, out).is_err() {
                return out.len() > start;
            }
            self.write_extended(now, out);
        }
        self.rtcp.report_due = !self.rtcp.streams_due.is_empty();
        true
    }

    /// Writes the report and description of one sender; nothing when it has not sent.
    fn write_sender(
        &mut self,
        now: Instant,
        position: usize,
        out: &mut PacketBuf<'_>,
    ) -> Result<(), NoSpace> {
        let ntp = self.wall_clock(now);
        let Some(sender) = self.senders.get(position).and_then(Option::as_ref) else { return Ok(()) };
        let Some(info) = sender.sender_info(now, ntp) else { return Ok(()) };
        let ssrc = sender.ssrc();
        let room = self.room_for_blocks(28, out)?;
        let (blocks, count) = self.take_blocks(now, room);
        let blocks = blocks.get(..count).unwrap_or_default();
        whole(out, |out| {
            write_sender_report(out, ssrc, &info, blocks)?;
            write_cname(out, ssrc, &self.config.cname)
        })
    }

    /// Writes a report about received streams by nobody in particular.
    fn write_receiver(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> Result<(), NoSpace> {
        let room = self.room_for_blocks(8, out)?;
        let (blocks, count) = self.take_blocks(now, room);
        let blocks = blocks.get(..count).unwrap_or_default();
        whole(out, |out| {
            write_receiver_report(out, self.local_ssrc, blocks)?;
            write_cname(out, self.local_ssrc, &self.config.cname)
        })
    }

    fn write_empty_report(&self, out: &mut PacketBuf<'_>) -> Result<(), NoSpace> {
        whole(out, |out| {
            write_receiver_report(out, self.local_ssrc, &[])?;
            write_cname(out, self.local_ssrc, &self.config.cname)
        })
    }

    /// Answers reference times, and asks for an answer where that is configured.
    fn write_extended(&mut self, now: Instant, out: &mut PacketBuf<'_>) {
        if !self.rtcp.reference_times.is_empty() {
            let answers =
                self.rtcp.reference_times.drain(..).map(|(ssrc, last_receiver_report, at)| DlrrBlock {
                    ssrc,
                    last_receiver_report,
                    delay_since_last: CompactNtp::from_duration(now.saturating_since(at)),
                });
            let answers: Vec<DlrrBlock> = answers.collect();
            // Without room the receiver asks again with its next report.
            whole(out, |out| write_dlrr(out, self.local_ssrc, &answers)).unwrap_or_default();
        }
        if self.config.reference_time {
            let ntp = self.wall_clock(now);
            whole(out, |out| write_rrtr(out, self.local_ssrc, ntp)).unwrap_or_default();
        }
    }

    /// How many blocks fit behind a report's head of `head_len` bytes and before its description.
    fn room_for_blocks(&self, head_len: usize, out: &PacketBuf<'_>) -> Result<usize, NoSpace> {
        let description_len = 8 + (3 + self.config.cname.len().min(255)).next_multiple_of(4);
        let room = out.space().checked_sub(head_len + description_len).ok_or(NoSpace)?;
        Ok((room / BLOCK_LEN).min(MAX_BLOCKS))
    }

    fn take_blocks(&mut self, now: Instant, most: usize) -> ([ReportBlock; MAX_BLOCKS], usize) {
        let mut blocks = [ReportBlock::default(); MAX_BLOCKS];
        let mut count = 0;
        for slot in blocks.iter_mut().take(most) {
            let next = core::iter::from_fn(|| self.rtcp.streams_due.pop_front())
                .find_map(|position| self.streams.get_mut(position)?.report_block(now));
            let Some(block) = next else { break };
            *slot = block;
            count += 1;
        }
        (blocks, count)
    }

    /// Writes what feedback is due and fits; what does not fit stays due.
    fn write_feedback(&mut self, now: Instant, out: &mut PacketBuf<'_>) {
        let _: Result<(), NoSpace> = self
            .write_nacks(now, out)
            .and_then(|()| self.write_keyframe_requests(now, out))
            .and_then(|()| self.write_transport_feedback(now, out))
            .and_then(|()| self.write_goodbye(out));
    }

    fn write_nacks(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> Result<(), NoSpace> {
        loop {
            while !self.rtcp.nack.rest().is_empty() {
                let ssrcs = FeedbackSsrcs { sender: self.local_ssrc, media: self.rtcp.nack.ssrc };
                let pairs = self.rtcp.nack.rest();
                whole(out, |out| write_nack(out, ssrcs, pairs))?;
                self.rtcp.nack.written += pairs.len();
            }
            let Some(position) = self.rtcp.missing_due.pop_front() else { return Ok(()) };
            self.collect_nacks(now, position);
        }
    }

    /// Looks at what a stream misses now.
    fn collect_nacks(&mut self, now: Instant, position: usize) {
        self.rtcp.nack.pairs.clear();
        self.rtcp.nack.written = 0;
        let Some(stream) = self.streams.get_mut(position) else { return };
        self.rtcp.nack.ssrc = stream.ssrc();
        let (given_up, next) = stream.collect_nacks(now, self.rtt, &mut self.rtcp.nack.pairs);
        stream.nack_listed = next.is_some();
        if let Some(next) = next {
            self.rtcp.missing.push(position);
            self.rtcp.missing_at = earliest(self.rtcp.missing_at, Some(next));
        }
        if given_up > 0 && self.config.request_keyframes {
            self.want_keyframe(now, position);
        }
    }

    fn write_keyframe_requests(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> Result<(), NoSpace> {
        // Packets that were given up a moment ago may have made new ones.
        self.promote_keyframe_requests(now);
        while let Some(position) = self.rtcp.keyframes_due.front().copied() {
            if let Some(stream) = self.streams.get_mut(position)
                && stream.is_keyframe_request_useful()
            {
                let request = stream.next_keyframe_request();
                let (sender, media) = (self.local_ssrc, stream.ssrc());
                whole(out, |out| match request {
                    None => Pli { ssrcs: FeedbackSsrcs { sender, media } }.write(out),
                    Some(sequence_number) => {
                        write_fir(out, sender, &[FirEntry { ssrc: media, sequence_number }])
                    }
                })?;
                stream.keyframe_requested(now);
            }
            self.rtcp.keyframes_due.pop_front();
        }
        Ok(())
    }

    fn write_transport_feedback(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> Result<(), NoSpace> {
        while self.twcc.is_due(now) {
            whole(out, |out| self.twcc.write(now, self.local_ssrc, out))?;
            self.stats.transport_feedback_sent += 1;
        }
        Ok(())
    }

    /// A goodbye comes last in its compound (RFC 3550, section 6.1).
    fn write_goodbye(&mut self, out: &mut PacketBuf<'_>) -> Result<(), NoSpace> {
        while !self.rtcp.leaving.is_empty() {
            let count = self.rtcp.leaving.len().min(MAX_BLOCKS);
            let ssrcs = self.rtcp.leaving.get(..count).unwrap_or_default();
            whole(out, |out| write_bye(out, ssrcs))?;
            self.rtcp.leaving.drain(..count);
        }
        Ok(())
    }
}
