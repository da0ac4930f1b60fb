//! Transport-wide feedback about what arrives (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3).

use alloc::collections::VecDeque;
use core::time::Duration;
use sendrecv_core::{Extender, Instant, NoSpace, PacketBuf};
use sendrecv_rtp::rtcp::{FeedbackSsrcs, twcc};

/// A jump of this many packets or more, either way, starts the record anew.
const MAX_JUMP: u64 = 8000;
/// This many recorded packets do not wait for the deadline.
const MAX_WAITING: usize = 200;

/// Arrivals of all packets of the transport that were not reported on yet.
#[derive(Clone, Debug)]
pub(crate) struct TwccFeedback {
    interval: Duration,
    extender: Option<Extender>,
    /// Arrival ticks from `base` on, one per packet, gaps included. Bounded by [`MAX_JUMP`].
    arrivals: VecDeque<Option<i64>>,
    base: u64,
    received: usize,
    deadline: Option<Instant>,
    builder: twcc::TwccBuilder,
    count: u8,
    media_ssrc: u32,
}

impl TwccFeedback {
    pub(crate) fn new(interval: Duration) -> Self {
        Self {
            interval,
            extender: None,
            arrivals: VecDeque::new(),
            base: 0,
            received: 0,
            deadline: None,
            builder: twcc::TwccBuilder::new(),
            count: 0,
            media_ssrc: 0,
        }
    }

    /// Records a packet of any stream.
    pub(crate) fn record(&mut self, now: Instant, wire: u16, ssrc: u32) {
        let extender = self.extender.get_or_insert_with(|| Extender::starting_at(u32::from(wire)));
        let sequence = extender.extend16(wire);
        if self.arrivals.is_empty() && self.received == 0 && self.base == 0 {
            self.base = sequence;
        }
        self.make_room(sequence);
        let ticks = i64::try_from(now.as_micros() / twcc::TICK_MICROS).unwrap_or(i64::MAX);
        let position = usize::try_from(sequence.saturating_sub(self.base)).unwrap_or(usize::MAX);
        if let Some(slot) = self.arrivals.get_mut(position)
            && slot.is_none()
        {
            *slot = Some(ticks);
            self.received += 1;
            self.media_ssrc = ssrc;
            self.deadline = self.deadline.or(Some(now + self.interval));
        }
        if self.received >= MAX_WAITING {
            self.deadline = Some(now);
        }
    }

    /// Makes the record cover `sequence`, to the front for late packets, to the back for new ones.
    fn make_room(&mut self, sequence: u64) {
        let end = self.base.saturating_add(u64::try_from(self.arrivals.len()).unwrap_or(u64::MAX));
        if sequence.saturating_add(MAX_JUMP) < end || sequence >= self.base.saturating_add(MAX_JUMP) {
            self.arrivals.clear();
            self.received = 0;
            self.base = sequence;
        }
        while self.base > sequence {
            self.arrivals.push_front(None);
            self.base -= 1;
        }
        let len = usize::try_from(sequence - self.base).unwrap_or(0) + 1;
        if self.arrivals.len() < len {
            self.arrivals.resize(len, None);
        }
    }

    /// When feedback is to be sent next.
    pub(crate) const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Whether feedback is due.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }

    /// Writes one feedback about the oldest packets and forgets them. Leaves everything as it was when `out` is too
    /// small.
    pub(crate) fn write(
        &mut self,
        now: Instant,
        sender: u32,
        out: &mut PacketBuf<'_>,
    ) -> Result<(), NoSpace> {
        self.build();
        let ssrcs = FeedbackSsrcs { sender, media: self.media_ssrc };
        self.builder.write(out, ssrcs, self.count)?;
        self.count = self.count.wrapping_add(1);
        let reported = self.builder.len().min(self.arrivals.len());
        let received = self.arrivals.drain(..reported).flatten().count();
        self.received = self.received.saturating_sub(received);
        self.base = self.base.saturating_add(u64::try_from(reported).unwrap_or(0));
        self.deadline = (self.received > 0).then_some(now);
        Ok(())
    }

    /// Starts with the first packet of the record even when it was lost, so that losses between two feedbacks show.
    fn build(&mut self) {
        let first = self.arrivals.iter().flatten().next().copied().unwrap_or(0);
        let [.., a, b] = self.base.to_be_bytes();
        self.builder.start(u16::from_be_bytes([a, b]), first);
        for arrival in &self.arrivals {
            if !self.builder.push(*arrival) {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;
    use sendrecv_rtp::rtcp::{Compound, RtcpPacket};

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn drain(feedback: &mut TwccFeedback, now: Instant) -> Vec<(u16, Option<i64>)> {
        let mut packets = Vec::new();
        while feedback.is_due(now) {
            let mut slab = [0; 1200];
            let mut out = PacketBuf::new(&mut slab, 0, 0);
            feedback.write(now, 1, &mut out).unwrap();
            let Some(Ok(RtcpPacket::Twcc(twcc))) = Compound::parse(out.bytes()).unwrap().next() else {
                panic!()
            };
            packets.extend(twcc.packets());
        }
        packets
    }

    #[test]
    fn losses_between_two_feedbacks_are_reported() {
        let mut feedback = TwccFeedback::new(Duration::from_millis(50));
        feedback.record(at(0), 0xfffe, 9);
        assert_eq!(feedback.deadline(), Some(at(50)));
        assert_eq!(drain(&mut feedback, at(50)), [(0xfffe, Some(0))]);
        feedback.record(at(60), 1, 9);
        assert_eq!(drain(&mut feedback, at(110)), [(0xffff, None), (0, None), (1, Some(240))]);
        assert_eq!(feedback.deadline(), None);
    }

    #[test]
    fn a_late_packet_lowers_the_base() {
        let mut feedback = TwccFeedback::new(Duration::from_millis(50));
        feedback.record(at(0), 10, 9);
        feedback.record(at(1), 12, 9);
        drain(&mut feedback, at(50));
        feedback.record(at(60), 11, 9);
        assert_eq!(drain(&mut feedback, at(110)), [(11, Some(240)), (12, None)]);
    }

    #[test]
    fn many_packets_do_not_wait() {
        let mut feedback = TwccFeedback::new(Duration::from_millis(50));
        (0..200).for_each(|seq| feedback.record(at(0), seq, 9));
        assert_eq!(drain(&mut feedback, at(0)).len(), 200);
    }

    #[test]
    fn wild_jumps_stay_bounded() {
        let mut feedback = TwccFeedback::new(Duration::from_millis(50));
        let mut seq = 0u16;
        for i in 0..100_000u64 {
            seq = seq.wrapping_mul(31).wrapping_add(7777);
            feedback.record(at(i / 100), seq, 9);
            assert!(u64::try_from(feedback.arrivals.len()).unwrap() <= 2 * MAX_JUMP);
        }
    }

    proptest! {
        #[test]
        fn every_arrival_is_reported_once_over_the_wrap(start: u16, steps in prop::collection::vec((1u16..4, 0u64..30), 1..500)) {
            let mut feedback = TwccFeedback::new(Duration::from_millis(50));
            let (mut seq, mut time) = (start, 0);
            let (mut expected, mut reported) = (Vec::new(), Vec::new());
            for (step, wait) in steps {
                seq = seq.wrapping_add(step);
                time += wait;
                reported.extend(drain(&mut feedback, at(time)));
                feedback.record(at(time), seq, 1);
                expected.push((seq, Some(i64::try_from(time * 4).unwrap())));
            }
            reported.extend(drain(&mut feedback, at(time + 50)));
            reported.retain(|(_, arrival)| arrival.is_some());
            prop_assert_eq!(reported, expected);
        }
    }
}
