//! Sending side congestion control for media: an estimate of the bandwidth, probes for more, and a pacer.
//!
//! Feedback on packets, transport-wide or by RFC 8888, is read twice. The *delay* between groups of packets shows a queue
//! that builds up before it overflows ([`trendline`]), and moves a rate up and down ([`rate`]). *Loss* shows a bandwidth
//! where there is no queue to speak of ([`loss`]). The smaller of the two, the peer's own limits ([`limits`]) and the
//! configured range make the target. The structure is that of Google Congestion Control (draft-ietf-rmcat-gcc-02), the
//! loss model is not. All arithmetic is on integers, so that a recorded session replays the same everywhere.

mod acknowledged;
mod clock;
mod config;
mod estimator;
mod groups;
mod history;
mod limits;
mod loss;
mod pacer;
mod probe;
mod rate;
mod trendline;
mod usage;

#[cfg(test)]
mod tests;

pub use config::CongestionControl;
pub use estimator::BandwidthEstimator;
pub use history::SentPacket;
