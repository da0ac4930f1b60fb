//! What congestion control is told when it is made.

/// The range of an estimate, and where it begins. Asking for it is asking for congestion control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CongestionControl {
    /// Bits per second before anything was measured.
    pub start_bps: u64,
    /// The least that is ever estimated, in bits per second: what is of no use below that.
    pub min_bps: u64,
    /// The most, in bits per second: what all encoders together can make use of. More is neither probed for nor told.
    pub max_bps: u64,
    /// Whether to look for more bandwidth by sending short bursts, filled up with retransmissions where media is too little:
    /// when the first video is sent, and every few seconds while there is more to be had.
    pub probing: bool,
}

impl Default for CongestionControl {
    fn default() -> Self {
        Self { start_bps: 300_000, min_bps: 30_000, max_bps: 10_000_000, probing: true }
    }
}

impl CongestionControl {
    /// `bps` within the range; the lower end gives way to the upper.
    pub(super) fn clamp(&self, bps: u64) -> u64 {
        bps.max(self.min_bps).min(self.max_bps).max(1)
    }
}
