//! What the receiver wants no more of than.

use alloc::vec::Vec;
use sendrecv_rtp::rtcp::TmmbEntry;

/// Most streams that requests are remembered for.
const MAX_REQUESTS: usize = 64;

/// Limits that the peer has set: one for all it receives (REMB), and temporary ones per stream (TMMBR, RFC 5104,
/// section 4.2), of which the smallest counts, as what is estimated is for all streams together.
#[derive(Clone, Debug, Default)]
pub(super) struct Limits {
    remb: Option<u64>,
    /// By stream, in the order of the requests.
    tmmbr: Vec<(u32, u64)>,
}

impl Limits {
    pub(super) const fn set_remb(&mut self, bps: u64) {
        self.remb = Some(bps);
    }

    pub(super) fn set_tmmbr(&mut self, entry: &TmmbEntry) {
        if let Some((_, bps)) = self.tmmbr.iter_mut().find(|(ssrc, _)| *ssrc == entry.ssrc) {
            *bps = entry.bitrate_bps;
        } else if self.tmmbr.len() < MAX_REQUESTS {
            self.tmmbr.push((entry.ssrc, entry.bitrate_bps));
        }
    }

    /// What the peer estimates by itself.
    pub(super) const fn remb(&self) -> Option<u64> {
        self.remb
    }

    /// The smallest of all limits.
    pub(super) fn least(&self) -> u64 {
        let tmmbr = self.tmmbr.iter().map(|(_, bps)| *bps).min();
        self.remb.unwrap_or(u64::MAX).min(tmmbr.unwrap_or(u64::MAX))
    }
}
