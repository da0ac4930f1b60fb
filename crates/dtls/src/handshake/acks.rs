//! Which of the peer's handshake records we have to acknowledge, and when (RFC 9147, section 7.1).

use crate::wire::ack::RecordNumber;
use alloc::vec::Vec;
use core::time::Duration;
use sendrecv_core::Instant;

/// Records remembered at once; the oldest go first. As many as fit into a small datagram.
const MAX_RECORDS: usize = 64;

/// The records of the peer's current flight that were processed or buffered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Acks {
    records: Vec<RecordNumber>,
    due: Option<Instant>,
}

impl Acks {
    /// Remembers a handshake record.
    pub(crate) fn add(&mut self, number: RecordNumber) {
        if self.records.contains(&number) {
            return;
        }
        if self.records.len() >= MAX_RECORDS {
            self.records.remove(0);
        }
        self.records.push(number);
    }

    /// The rest of a flight should come at once; if it does not, acknowledge what is there after `delay`.
    pub(crate) fn schedule(&mut self, now: Instant, delay: Duration) {
        if self.due.is_none() && !self.records.is_empty() {
            self.due = Some(now + delay);
        }
    }

    /// Nothing can be acknowledged, but something is missing: say so after `delay`, unless that comes first.
    pub(crate) fn schedule_empty(&mut self, now: Instant, delay: Duration) {
        if self.due.is_none() {
            self.due = Some(now + delay);
        }
    }

    /// Acknowledge with the next packet.
    pub(crate) fn send_now(&mut self, now: Instant) {
        if !self.records.is_empty() {
            self.due = Some(now);
        }
    }

    /// Our answer to the flight acknowledges it.
    pub(crate) fn clear(&mut self) {
        self.records.clear();
        self.due = None;
    }

    /// When an acknowledgement is due.
    pub(crate) const fn deadline(&self) -> Option<Instant> {
        self.due
    }

    /// The newest `max` records if an acknowledgement is due, in increasing order. They stay remembered: the
    /// acknowledgement may be lost.
    pub(crate) fn take_due(&mut self, now: Instant, max: usize) -> Option<Vec<RecordNumber>> {
        self.due.take_if(|due| *due <= now)?;
        let skip = self.records.len().saturating_sub(max);
        let mut records: Vec<_> = self.records.iter().skip(skip).copied().collect();
        records.sort_unstable();
        Some(records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(sequence: u64) -> RecordNumber {
        RecordNumber { epoch: 2, sequence }
    }

    #[test]
    fn an_acknowledgement_waits_for_its_time_and_is_sorted() {
        let mut acks = Acks::default();
        acks.add(number(2));
        acks.add(number(1));
        acks.add(number(2));
        acks.schedule(Instant::ZERO, Duration::from_millis(10));
        assert_eq!(acks.take_due(Instant::from_millis(9), 9), None);
        assert_eq!(acks.take_due(Instant::from_millis(10), 9), Some(alloc::vec![number(1), number(2)]));
        assert_eq!(acks.take_due(Instant::from_millis(10), 9), None);
    }

    #[test]
    fn the_list_is_bounded() {
        let mut acks = Acks::default();
        (0..1000).for_each(|sequence| acks.add(number(sequence)));
        acks.send_now(Instant::ZERO);
        assert_eq!(acks.take_due(Instant::ZERO, 2), Some(alloc::vec![number(998), number(999)]));
        assert_eq!(acks.records.len(), MAX_RECORDS);
    }
}
