//! Who was heard lately, as an `RTCRtpReceiver` tells it (W3C webrtc-pc, section 5.3).

use alloc::vec::Vec;
use core::time::Duration;
use sendrecv_core::Instant;

/// How long a source is told of after its last packet.
const MEMORY: Duration = Duration::from_secs(10);
/// Most contributing sources, and most streams that ended, which a section remembers.
const MAX_SOURCES: usize = 32;

/// A source whose media a section received, itself or mixed into another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecentSource {
    /// The SSRC, or the CSRC.
    pub source: u32,
    /// When its latest packet arrived.
    pub at: Instant,
    /// That packet's timestamp, in units of the codec's clock.
    pub rtp_timestamp: u32,
    /// How loud it was, in dB below full scale, 0 to 127 (RFC 6464, RFC 6465); `None` when the packet did not say.
    pub audio_level: Option<u8>,
}

impl RecentSource {
    pub(crate) fn is_recent(&self, now: Instant) -> bool {
        now.saturating_since(self.at) <= MEMORY
    }
}

/// What a section remembers besides its streams.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecentSources {
    contributing: Vec<RecentSource>,
    /// Streams that ended, each as it was last heard.
    ended: Vec<RecentSource>,
}

impl RecentSources {
    /// Notes a contributor of a packet.
    pub(crate) fn contributed(&mut self, source: RecentSource) {
        remember(&mut self.contributing, source);
    }

    /// Notes a stream that is no more.
    pub(crate) fn ended(&mut self, source: RecentSource) {
        remember(&mut self.ended, source);
    }

    pub(crate) fn contributing(&self, now: Instant) -> Vec<RecentSource> {
        latest_first(self.contributing.iter().copied(), now)
    }

    /// Those of the streams there are, and of those that ended.
    pub(crate) fn synchronization(
        &self,
        streams: impl Iterator<Item = RecentSource>,
        now: Instant,
    ) -> Vec<RecentSource> {
        let mut sources = latest_first(streams.chain(self.ended.iter().copied()), now);
        let mut known = Vec::with_capacity(sources.len());
        sources.retain(|own| {
            let is_new = !known.contains(&own.source);
            known.push(own.source);
            is_new
        });
        sources
    }
}

/// Replaces what was known of the source, or else of the one that was heard longest ago if there is no room.
fn remember(sources: &mut Vec<RecentSource>, source: RecentSource) {
    if let Some(known) = sources.iter_mut().find(|known| known.source == source.source) {
        *known = source;
    } else if sources.len() < MAX_SOURCES {
        sources.push(source);
    } else if let Some(oldest) = sources.iter_mut().min_by_key(|known| known.at) {
        *oldest = source;
    }
}

fn latest_first(sources: impl Iterator<Item = RecentSource>, now: Instant) -> Vec<RecentSource> {
    let mut recent: Vec<RecentSource> = sources.filter(|source| source.is_recent(now)).collect();
    recent.sort_by_key(|source| core::cmp::Reverse(source.at));
    recent
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(source: u32, millis: u64) -> RecentSource {
        RecentSource { source, at: Instant::from_millis(millis), rtp_timestamp: 0, audio_level: None }
    }

    #[test]
    fn contributors_are_remembered_for_ten_seconds_and_bounded() {
        let mut sources = RecentSources::default();
        for number in 0..1000 {
            sources.contributed(source(number, u64::from(number)));
        }
        sources.contributed(source(990, 1500));
        let recent = sources.contributing(Instant::from_millis(2000));
        assert_eq!(recent.len(), MAX_SOURCES);
        assert_eq!((recent[0].source, recent[1].source), (990, 999), "the latest comes first");
        assert_eq!(sources.contributing(Instant::from_millis(11_200)), [source(990, 1500)]);
        assert_eq!(sources.contributing(Instant::from_millis(11_501)), []);
    }

    #[test]
    fn a_stream_that_came_again_is_told_once() {
        let mut sources = RecentSources::default();
        sources.ended(source(1, 0));
        sources.ended(source(2, 5));
        let live = [source(1, 10)];
        let told = sources.synchronization(live.into_iter(), Instant::from_millis(20));
        assert_eq!(told, [source(1, 10), source(2, 5)]);
    }
}
