//! Two with one SSRC: collisions, and loops (RFC 3550, section 8.2).

use super::{MAX_EVENTS, MediaEngine, index};
use crate::discard::Discard;
use crate::event::Event;
use crate::parameters::SenderId;
use crate::send::SendStream;
use sendrecv_core::Instant;

/// For how many intervals between reports a conflict is remembered.
const MEMORY: u32 = 10;

impl MediaEngine {
    /// The peer uses `ssrc`, which is ours, of the sender at `position`. We give way: a goodbye under that one, and another
    /// for us; what comes under it now is the peer's.
    ///
    /// If that happened a moment ago, another SSRC did not help: somebody sends us our own packets. Then ours stays, and
    /// the packet is nobody's. There is one peer, so the RFC's list of addresses is one moment.
    pub(super) fn give_way(&mut self, now: Instant, ssrc: u32, position: usize) -> Result<(), Discard> {
        let memory = self.config.report_interval.saturating_mul(MEMORY);
        let is_loop = self.conflict_at.is_some_and(|at| now.saturating_since(at) < memory);
        if self.events.len() >= MAX_EVENTS {
            return Err(Discard::EventQueueFull);
        }
        self.conflict_at = Some(now);
        if is_loop {
            return Err(Discard::SsrcCollision);
        }
        match u32::try_from(position).map(SenderId) {
            Ok(id) => self.rename_sender(now, id, ssrc),
            Err(_) => self.rename_reporter(),
        }
        Ok(())
    }

    /// Gives another SSRC to what speaks in RTCP where no sender does.
    fn rename_reporter(&mut self) {
        self.table.remove(self.local_ssrc);
        if self.stats.rtcp_sent > 0 {
            self.rtcp.say_goodbye(self.local_ssrc);
        }
        self.local_ssrc = self.new_ssrc(usize::MAX);
    }

    /// Gives a sender another SSRC: for what it sends again, or for everything, which makes it a new stream.
    fn rename_sender(&mut self, now: Instant, id: SenderId, taken: u32) {
        let position = index(id);
        let Ok(sender) = self.sender_mut(id) else { return };
        let (kind, ssrc, rtx_ssrc, stats) = (sender.kind(), sender.ssrc(), sender.rtx_ssrc(), sender.stats());
        let section = sender.section();
        self.table.remove(rtx_ssrc);
        if stats.retransmitted_packets_sent > 0 {
            self.rtcp.say_goodbye(rtx_ssrc);
        }
        let rtx_ssrc = self.new_ssrc(position);
        if taken == ssrc {
            self.table.remove(ssrc);
            if stats.packets_sent > 0 {
                self.rtcp.say_goodbye(ssrc);
            }
            let ssrc = self.new_ssrc(position);
            let seed = self.seed.derive_indexed("renamed sender", u64::from(ssrc));
            let stream = SendStream::new(now, id, kind, (ssrc, rtx_ssrc), &self.config, &seed);
            if let Some(slot) = self.senders.get_mut(position) {
                *slot = Some(stream);
            }
            self.ready.retain(|other| *other != position);
            section.into_iter().for_each(|section| self.renegotiate_senders(section));
            // Whoever receives the new stream has nothing to decode it from.
            self.push_keyframe_request(id);
        } else if let Ok(sender) = self.sender_mut(id) {
            sender.set_rtx_ssrc(rtx_ssrc);
        }
        let ssrc = self.sender(id).map_or(ssrc, SendStream::ssrc);
        self.events.push_back(Event::SsrcChanged { sender: id, ssrc, rtx_ssrc });
    }
}
