//! What a transceiver's `RTCRtpReceiver` tells of what it receives.

use super::PeerConnection;
use crate::jsep::TransceiverId;
use alloc::vec::Vec;
use sendrecv_core::Instant;
use sendrecv_media::{CodecParameters, RecentSource};

/// `RTCRtpContributingSource` and `RTCRtpSynchronizationSource`: a source heard in the last ten seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RtpSource {
    /// `timestamp`: when its latest packet arrived.
    pub timestamp: Instant,
    /// `source`: the CSRC or SSRC.
    pub source: u32,
    /// `audioLevel`: from 0, silence, to 1, 0 dBov, linear; `None` when the packet did not say (RFC 6464, RFC 6465).
    pub audio_level: Option<f64>,
    /// `rtpTimestamp`: that packet's timestamp, in units of the codec's clock.
    pub rtp_timestamp: u32,
}

impl From<RecentSource> for RtpSource {
    fn from(heard: RecentSource) -> Self {
        Self {
            timestamp: heard.at,
            source: heard.source,
            audio_level: heard.audio_level.map(linear),
            rtp_timestamp: heard.rtp_timestamp,
        }
    }
}

/// A level in dB below full scale as a part of it; 127 is silence.
fn linear(level: u8) -> f64 {
    /// The twentieth root of a tenth: one dB less.
    const ONE_DB: f64 = 0.891_250_938_133_745_6;
    if level >= 127 { 0.0 } else { (0..level).fold(1.0, |part, _| part * ONE_DB) }
}

impl PeerConnection {
    /// The codecs that `id` may receive.
    pub fn receive_codecs(&self, id: TransceiverId) -> &[CodecParameters] {
        self.sections.section(id).map_or(&[], |section| self.media.receive_codecs(section))
    }

    /// `receiver.getContributingSources`: whose media was mixed into what transceiver `id` received in the last ten
    /// seconds, the latest first; 32 at most.
    pub fn contributing_sources(&self, now: Instant, id: TransceiverId) -> Vec<RtpSource> {
        let section = self.sections.section(id);
        let sources = section.map(|section| self.media.contributing_sources(now, section));
        sources.into_iter().flatten().map(RtpSource::from).collect()
    }

    /// `receiver.getSynchronizationSources`: whose streams transceiver `id` received in the last ten seconds, the latest
    /// first.
    pub fn synchronization_sources(&self, now: Instant, id: TransceiverId) -> Vec<RtpSource> {
        let section = self.sections.section(id);
        let sources = section.map(|section| self.media.synchronization_sources(now, section));
        sources.into_iter().flatten().map(RtpSource::from).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_become_linear() {
        assert_eq!((linear(0), linear(127)), (1.0, 0.0));
        assert!((linear(20) - 0.1).abs() < 1e-9 && (linear(6) - 0.501_187).abs() < 1e-6);
        assert!(linear(126) > 0.0);
    }
}
