//! What an association tells its driver.

use crate::CloseReason;
use bytes::Bytes;
use core::time::Duration;

/// A whole received message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The stream it came on.
    pub stream: u16,
    /// The payload protocol identifier its sender gave it.
    pub ppid: u32,
    /// Whether it was sent without regard to order.
    pub unordered: bool,
    /// Its bytes, never empty.
    pub data: Bytes,
}

/// What an [`Association`](crate::Association) tells its driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The association is established.
    Connected,
    /// The peer started over (RFC 9260, section 5.2.4.1): whatever was in flight is lost, streams begin anew.
    Restarted,
    /// A message arrived.
    Message(Message),
    /// What waits to be sent on this stream fell to its threshold.
    BufferedAmountLow {
        /// The stream.
        stream: u16,
    },
    /// The peer reset its sending side of this stream: nothing more comes from before.
    IncomingStreamReset {
        /// The stream.
        stream: u16,
    },
    /// The peer reset its sending side of every stream.
    AllIncomingStreamsReset,
    /// Our reset of our sending side of this stream is done.
    OutgoingStreamReset {
        /// The stream.
        stream: u16,
        /// Whether the peer performed it; otherwise it was refused.
        performed: bool,
    },
    /// Everything was received by the peer, or the association failed. Nothing follows.
    Closed(CloseReason),
}

/// How a message is to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendOptions {
    /// Deliver it as soon as it is complete, whatever came before.
    pub unordered: bool,
    /// Give it up this long after it was handed over (RFC 3758, timed reliability). Needs the peer's support, without
    /// which messages are reliable.
    pub lifetime: Option<Duration>,
    /// Give it up after a fragment was retransmitted this often (RFC 7496, section 3.1).
    pub max_retransmits: Option<u16>,
}
