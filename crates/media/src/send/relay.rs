//! Numbering packets of others as our own (a forwarder's translation).

/// A step of the source beyond this many packets begins a new translation.
const MAX_STEP: u64 = 3000;

/// How a source's numbers become ours. Gaps stay gaps, so that the receiver can tell loss from nothing, and a packet that
/// the source sent again gets the place it belongs to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Relay {
    source: Option<Source>,
}

#[derive(Clone, Copy, Debug)]
struct Source {
    ssrc: u32,
    /// Ours minus theirs, wrapping.
    sequence_offset: u64,
    timestamp_offset: u32,
    /// The lowest of our numbers that is its: those before are of the source before it.
    floor: u64,
}

impl Relay {
    /// Our sequence number and timestamp for the source's; `None` for a packet that the source sent before it took over
    /// from another. `next` is the number, `fresh` the timestamp that a new source begins with.
    pub(crate) fn translate(
        &mut self,
        ssrc: u32,
        sequence: u64,
        timestamp: u32,
        next: u64,
        fresh: impl FnOnce() -> u32,
    ) -> Option<(u64, u32)> {
        if let Some(source) = self.source.filter(|source| source.ssrc == ssrc) {
            let ours = sequence.wrapping_add(source.sequence_offset);
            if ours < next.saturating_add(MAX_STEP) && ours.saturating_add(MAX_STEP) > next {
                let timestamp = timestamp.wrapping_add(source.timestamp_offset);
                return Some((ours, timestamp)).filter(|_| ours >= source.floor);
            }
        }
        let ours = fresh();
        self.source = Some(Source {
            ssrc,
            sequence_offset: next.wrapping_sub(sequence),
            timestamp_offset: ours.wrapping_sub(timestamp),
            // Before the very first nothing was sent, so that there is room for what it overtook.
            floor: if self.source.is_some() { next } else { 0 },
        });
        Some((next, ours))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_and_order_are_kept_and_another_source_continues() {
        let mut relay = Relay::default();
        assert_eq!(relay.translate(1, 500, 90, 1000, || 7), Some((1000, 7)));
        assert_eq!(relay.translate(1, 503, 180, 1001, || 0), Some((1003, 97)));
        assert_eq!(relay.translate(1, 501, 90, 1004, || 0), Some((1001, 7)));
        assert_eq!(relay.translate(2, 9, 5, 1004, || 200), Some((1004, 200)));
        assert_eq!(relay.translate(2, 10_000, 6, 1005, || 300), Some((1005, 300)));
    }

    #[test]
    fn what_a_source_sent_before_it_took_over_does_not_fill_gaps_of_the_other() {
        let mut relay = Relay::default();
        assert_eq!(relay.translate(1, 500, 90, 1000, || 7), Some((1000, 7)));
        assert_eq!(relay.translate(1, 499, 90, 1001, || 7), Some((999, 7)), "overtaken by the very first");
        assert_eq!(relay.translate(1, 503, 180, 1001, || 0), Some((1003, 97)));
        assert_eq!(relay.translate(2, 9, 5, 1004, || 200), Some((1004, 200)));
        assert_eq!(relay.translate(2, 8, 5, 1005, || 300), None);
        assert_eq!(relay.translate(2, 10, 5, 1005, || 300), Some((1005, 200)));
    }
}
