//! Taking RTCP.

use super::{MAX_EVENTS, MediaEngine};
use crate::discard::Discard;
use crate::event::Event;
use crate::parameters::SenderId;
use crate::table::Source;
use sendrecv_core::Instant;
use sendrecv_rtp::CompactNtp;
use sendrecv_rtp::rtcp::{
    Bye, Compound, Fir, Nack, Pli, ReceiverReport, ReportBlock, RtcpPacket, SenderReport, Tmmb, Xr, XrBlock,
};

impl MediaEngine {
    pub(super) fn receive_rtcp(&mut self, now: Instant, datagram: &[u8]) -> Result<(), Discard> {
        let packets = Compound::parse(datagram).map_err(|_| Discard::MalformedRtcp)?;
        let mut understood = false;
        for packet in packets.flatten() {
            understood = true;
            self.handle_rtcp_packet(now, &packet);
        }
        if !understood {
            return Err(Discard::MalformedRtcp);
        }
        self.stats.rtcp_received += 1;
        Ok(())
    }

    fn handle_rtcp_packet(&mut self, now: Instant, packet: &RtcpPacket<'_>) {
        match packet {
            RtcpPacket::SenderReport(report) => self.handle_sender_report(now, report),
            RtcpPacket::ReceiverReport(report) => self.handle_receiver_report(now, report),
            RtcpPacket::Nack(nack) => self.handle_nack(now, nack),
            RtcpPacket::Pli(pli) => self.handle_pli(pli),
            RtcpPacket::Fir(fir) => self.handle_fir(fir),
            RtcpPacket::Bye(bye) => self.handle_bye(bye),
            RtcpPacket::Xr(xr) => self.handle_extended_report(now, xr),
            RtcpPacket::Remb(remb) => {
                self.push_estimate(remb.bitrate_bps);
                self.control_congestion(|estimator| estimator.set_remb(remb.bitrate_bps));
            }
            RtcpPacket::Twcc(feedback) => {
                self.stats.transport_feedback_received += 1;
                self.control_congestion(|estimator| estimator.transport_feedback(now, feedback));
            }
            RtcpPacket::Ccfb(feedback) => {
                self.control_congestion(|estimator| estimator.congestion_feedback(now, feedback));
            }
            RtcpPacket::Tmmbr(request) => self.handle_bitrate_request(request),
            RtcpPacket::Sdes(_) | RtcpPacket::App(_) | RtcpPacket::Tmmbn(_) | RtcpPacket::Unknown(_) => {}
        }
    }

    fn handle_sender_report(&mut self, now: Instant, report: &SenderReport<'_>) {
        self.check_reporter(now, report.ssrc);
        if let Some(position) = self.stream_position(report.ssrc)
            && let Some(stream) = self.streams.get_mut(position)
        {
            stream.sender_report(now, &report.info);
        }
        self.handle_blocks(now, report.blocks());
    }

    fn handle_receiver_report(&mut self, now: Instant, report: &ReceiverReport<'_>) {
        self.check_reporter(now, report.ssrc);
        self.handle_blocks(now, report.blocks());
    }

    /// Who reports under an SSRC of ours has it, too.
    fn check_reporter(&mut self, now: Instant, ssrc: u32) {
        if let Some(Source::Ours(position)) = self.table.get(ssrc) {
            // A loop changes nothing; what the report says of streams is read all the same.
            let _ = self.give_way(now, ssrc, position);
        }
    }

    fn handle_blocks(&mut self, now: Instant, blocks: impl Iterator<Item = ReportBlock>) {
        let ntp = self.wall_clock(now);
        for block in blocks {
            let Some(sender) = self.sender_of(block.ssrc) else { continue };
            if let Ok(sender) = self.sender_mut(sender)
                && sender.ssrc() == block.ssrc
                && let Some(rtt) = sender.report(now, ntp, &block)
            {
                self.rtt = rtt;
                self.stats.round_trip_time = Some(rtt);
            }
        }
    }

    fn handle_nack(&mut self, now: Instant, nack: &Nack<'_>) {
        let Some(id) = self.sender_of(nack.ssrcs.media) else { return };
        if let Ok(sender) = self.sender_mut(id)
            && sender.ssrc() == nack.ssrcs.media
        {
            sender.nack(now, nack.sequence_numbers());
            if sender.has_work() {
                self.enlist(id);
            }
        }
    }

    fn handle_pli(&mut self, pli: &Pli) {
        let Some(id) = self.sender_of(pli.ssrcs.media) else { return };
        if let Ok(sender) = self.sender_mut(id) {
            sender.stats.pli_count += 1;
            self.push_keyframe_request(id);
        }
    }

    fn handle_fir(&mut self, fir: &Fir<'_>) {
        for entry in fir.entries() {
            let Some(id) = self.sender_of(entry.ssrc) else { continue };
            if let Ok(sender) = self.sender_mut(id)
                && sender.full_intra_request(fir.ssrcs.sender, entry.sequence_number)
            {
                self.push_keyframe_request(id);
            }
        }
    }

    /// A limit on a stream of ours (RFC 5104, section 4.2.1).
    fn handle_bitrate_request(&mut self, request: &Tmmb<'_>) {
        for entry in request.entries() {
            if self.sender_of(entry.ssrc).is_some() {
                self.control_congestion(|estimator| estimator.set_tmmbr(&entry));
            }
        }
    }

    fn handle_bye(&mut self, bye: &Bye<'_>) {
        for ssrc in bye.ssrcs() {
            if let Some(position) = self.stream_position(ssrc) {
                self.end_stream(position);
            }
        }
    }

    fn handle_extended_report(&mut self, now: Instant, report: &Xr<'_>) {
        let ntp = self.wall_clock(now).middle();
        for block in report.blocks() {
            match block {
                XrBlock::ReceiverReferenceTime(time) => {
                    self.rtcp.answer_reference_time(now, report.ssrc, time.middle());
                }
                XrBlock::Dlrr(answer) if answer.ssrc == self.local_ssrc => {
                    let (asked, held) = (answer.last_receiver_report, answer.delay_since_last);
                    if let Some(rtt) = CompactNtp::round_trip(ntp, asked, held) {
                        self.rtt = rtt;
                        self.stats.round_trip_time = Some(rtt);
                    }
                }
                XrBlock::Dlrr(_) | XrBlock::Unknown { .. } => {}
            }
        }
    }

    fn sender_of(&self, ssrc: u32) -> Option<SenderId> {
        match self.table.get(ssrc)? {
            Source::Ours(position) => u32::try_from(position).ok().map(SenderId),
            Source::Media(_) | Source::Repair(_) => None,
        }
    }

    pub(super) fn push_keyframe_request(&mut self, id: SenderId) {
        let full = self.events.len() >= MAX_EVENTS;
        let Ok(sender) = self.sender_mut(id) else { return };
        if !full && !core::mem::replace(&mut sender.keyframe_event_waits, true) {
            let ssrc = sender.ssrc();
            self.events.push_back(Event::KeyframeRequested { sender: id, ssrc });
        }
    }

    /// A newer estimate replaces one that was not taken yet.
    fn push_estimate(&mut self, bps: u64) {
        if let Some(Event::BitrateEstimated { bps: waiting }) = self.events.back_mut() {
            *waiting = bps;
        } else if self.events.len() < MAX_EVENTS {
            self.events.push_back(Event::BitrateEstimated { bps });
        }
    }
}
