//! Naming one of several streams of a transceiver.

use crate::jsep::TransceiverId;

/// A stream that a transceiver sends or receives. One of several encodings of a track (simulcast) has an RTP stream id, a
/// `rid`; without one, a transceiver's id is enough.
///
/// ```no_run
/// # use sendrecv::{PeerConnection, TransceiverId, UsageError};
/// # fn ask(pc: &mut PeerConnection, now: sendrecv_core::Instant, video: TransceiverId) -> Result<(), UsageError> {
/// pc.request_keyframe(now, video)?; // of all streams that it receives
/// pc.request_keyframe(now, video.layer("q"))?; // of this one
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer<'r> {
    /// The transceiver.
    pub transceiver: TransceiverId,
    /// Which of its streams; `None`: the first one that it sends, all that it receives.
    pub rid: Option<&'r str>,
}

impl TransceiverId {
    /// The transceiver's stream with this RTP stream id.
    pub const fn layer(self, rid: &str) -> Layer<'_> {
        Layer { transceiver: self, rid: Some(rid) }
    }
}

impl From<TransceiverId> for Layer<'_> {
    fn from(transceiver: TransceiverId) -> Self {
        Self { transceiver, rid: None }
    }
}
