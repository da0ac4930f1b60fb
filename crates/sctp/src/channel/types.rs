//! What data channels are made of, and what they tell.

use crate::CloseReason;
use alloc::string::String;
use bytes::Bytes;
use core::fmt;

/// Which side of the DTLS handshake we were: it decides the parity of our channels' numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DtlsRole {
    /// Even numbers.
    Client,
    /// Odd numbers.
    Server,
}

/// A channel's handle, unique over an association's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

impl ChannelId {
    /// The handle as a number, for recordings and foreign interfaces.
    pub fn to_bits(self) -> u64 {
        u64::from(self.slot) << 32 | u64::from(self.generation)
    }

    /// The handle with this number.
    pub const fn from_bits(bits: u64) -> Self {
        let [a, b, c, d, e, f, g, h] = bits.to_be_bytes();
        Self { slot: u32::from_be_bytes([a, b, c, d]), generation: u32::from_be_bytes([e, f, g, h]) }
    }
}

/// A channel's parameters: the browser's `RTCDataChannelInit`, with its defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase", default))]
pub struct DataChannelInit {
    /// Deliver messages in the order they were sent.
    pub ordered: bool,
    /// Give a message up after this many retransmissions.
    pub max_retransmits: Option<u16>,
    /// Give a message up after this many milliseconds.
    pub max_packet_life_time: Option<u16>,
    /// The subprotocol's name.
    pub protocol: String,
    /// Both sides create the channel with the same `id`; nothing is announced in-band.
    pub negotiated: bool,
    /// The stream number of a negotiated channel; otherwise one is chosen.
    pub id: Option<u16>,
    /// The priority (RFC 8831, section 6.4): 128 below normal, 256 normal, 512 high, 1024 extra high.
    pub priority: u16,
}

impl Default for DataChannelInit {
    fn default() -> Self {
        Self {
            ordered: true,
            max_retransmits: None,
            max_packet_life_time: None,
            protocol: String::new(),
            negotiated: false,
            id: None,
            priority: 256,
        }
    }
}

/// A channel's state, as the browser's `readyState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelState {
    /// The association is not established yet.
    Connecting,
    /// Messages flow.
    Open,
    /// What was handed over is still sent; no more is taken.
    Closing,
    /// Over.
    Closed,
}

impl ChannelState {
    /// The W3C enumeration value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Open => "open",
            Self::Closing => "closing",
            Self::Closed => "closed",
        }
    }
}

/// A message of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Text: UTF-8 when sent; as it came, unchecked, when received.
    Text(Bytes),
    /// Binary.
    Binary(Bytes),
}

impl Message {
    /// The bytes, whatever they are.
    pub const fn bytes(&self) -> &Bytes {
        match self {
            Self::Text(bytes) | Self::Binary(bytes) => bytes,
        }
    }

    /// The text, if it is one, and UTF-8.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(bytes) => core::str::from_utf8(bytes).ok(),
            Self::Binary(_) => None,
        }
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Text(Bytes::copy_from_slice(text.as_bytes()))
    }
}

/// What [`DataChannels`](super::DataChannels) tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelEvent {
    /// The SCTP association is established.
    AssociationConnected,
    /// The peer opened a channel; [`Opened`](Self::Opened) follows.
    Incoming {
        /// The new channel.
        channel: ChannelId,
        /// Its label.
        label: String,
        /// Its parameters, with its stream number.
        init: DataChannelInit,
    },
    /// The channel is open.
    Opened(ChannelId),
    /// A message arrived.
    Message {
        /// The channel it came on.
        channel: ChannelId,
        /// The message.
        data: Message,
    },
    /// What waits to be sent fell to the channel's threshold.
    BufferedAmountLow(ChannelId),
    /// The peer began to close the channel.
    Closing(ChannelId),
    /// The channel is about to be closed by an error; [`Closed`](Self::Closed) follows.
    Failed {
        /// The channel.
        channel: ChannelId,
        /// What went wrong.
        failure: ChannelFailure,
    },
    /// The channel is closed; its handle means nothing from now on.
    Closed(ChannelId),
    /// The association is over, and with it every channel.
    AssociationClosed(CloseReason),
}

/// What closed a channel, when neither side closed it on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelFailure {
    /// There is no number for it: all are in use, or the one it was given is beyond what the peer takes.
    NoStream,
    /// A message that was handed over before anything was known of the peer is longer than the peer takes.
    MessageTooLong {
        /// The peer's limit in bytes.
        limit: usize,
    },
    /// The peer began its association anew, and knows no channels.
    Restarted,
    /// The association ended, for this reason.
    Association(CloseReason),
}

/// Why a channel cannot have these parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidInit {
    /// The label or the protocol is longer than 65,535 bytes.
    TooLong,
    /// Both `max_retransmits` and `max_packet_life_time` are set.
    TwoLimits,
    /// A negotiated channel needs an id.
    IdMissing,
    /// The id is 65,535, or beyond what the peer accepts.
    IdOutOfRange,
}

/// Why a channel was not created; nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateError {
    /// The parameters are wrong.
    InvalidInit(InvalidInit),
    /// The id is in use.
    IdInUse,
    /// Every id is in use.
    IdsExhausted,
    /// The association is closed.
    Closed,
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidInit(InvalidInit::TooLong) => "the label or protocol is longer than 65535 bytes",
            Self::InvalidInit(InvalidInit::TwoLimits) => "both a retransmission limit and a lifetime are set",
            Self::InvalidInit(InvalidInit::IdMissing) => "a negotiated channel needs an id",
            Self::InvalidInit(InvalidInit::IdOutOfRange) => "the id is out of range",
            Self::IdInUse => "the id is in use",
            Self::IdsExhausted => "every id is in use",
            Self::Closed => "the association is closed",
        })
    }
}

impl core::error::Error for CreateError {}

/// What was sent and received on a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelStats {
    /// Messages handed over.
    pub messages_sent: u64,
    /// Their bytes.
    pub bytes_sent: u64,
    /// Messages delivered.
    pub messages_received: u64,
    /// Their bytes.
    pub bytes_received: u64,
}
